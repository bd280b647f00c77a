//! The text of a value that stands where a text is expected.

use crate::json::{Kind, Node, write_string};
use bumpalo::Bump;

/// What a value says as a turn.
///
/// A string says itself, `null` nothing, a number its spelling, `true` and `false` `yes` and `no`;
/// a list of such values (alternatives, as question sets have them) says them with ` | ` between;
/// everything else says its JSON, spelled as Python's `json.dumps(…, ensure_ascii=False)`.
pub(super) fn text_of<'a>(value: Node<'a>, arena: &'a Bump) -> &'a str {
    if let Some(text) = scalar(&value) {
        return text;
    }
    let mut out = Vec::with_capacity(value.raw.len());
    match value.kind {
        Kind::Array(items) if items.iter().all(|item| scalar(item).is_some()) => {
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.extend_from_slice(b" | ");
                }
                out.extend_from_slice(scalar(item).unwrap_or_default().as_bytes());
            }
        }
        _ => write_dumps(&mut out, &value),
    }
    arena.alloc_str(&String::from_utf8_lossy(&out))
}

fn scalar<'a>(value: &Node<'a>) -> Option<&'a str> {
    match value.kind {
        Kind::String(text) => Some(text),
        Kind::Null => Some(""),
        Kind::Number => Some(value.raw),
        Kind::Bool(true) => Some("yes"),
        Kind::Bool(false) => Some("no"),
        Kind::Array(_) | Kind::Object(_) => None,
    }
}

/// Whether a text is nothing but white space, so that the normaliser removes its turn.
pub(super) fn is_blank(text: &str) -> bool {
    text.chars().all(char::is_whitespace)
}

/// Writes a value as Python's `json.dumps(…, ensure_ascii=False)` would, numbers as they are spelled.
pub(super) fn write_dumps(out: &mut Vec<u8>, value: &Node<'_>) {
    match value.kind {
        Kind::String(text) => write_string(out, text),
        Kind::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.extend_from_slice(b", ");
                }
                write_dumps(out, item);
            }
            out.push(b']');
        }
        Kind::Object(members) => {
            out.push(b'{');
            for (index, member) in members.iter().enumerate() {
                if index > 0 {
                    out.extend_from_slice(b", ");
                }
                write_string(out, member.key);
                out.extend_from_slice(b": ");
                write_dumps(out, &member.value);
            }
            out.push(b'}');
        }
        Kind::Null | Kind::Bool(_) | Kind::Number => out.extend_from_slice(value.raw.as_bytes()),
    }
}
