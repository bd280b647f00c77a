//! Writing JSON: compact, UTF-8, with the fewest escapes.

use super::{Kind, Node, scan};

/// Writes `text` as a JSON string with quotes. Only `"`, `\` and control characters are escaped.
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let bytes = text.as_bytes();
    out.reserve(bytes.len() + 2);
    out.push(b'"');
    let mut at = 0;
    loop {
        at = scan::copy_until_special(bytes, at, out);
        let Some(&byte) = bytes.get(at) else { break };
        at += 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0C => out.extend_from_slice(b"\\f"),
            _ => {
                out.extend_from_slice(b"\\u00");
                out.push(HEX[usize::from(byte >> 4)]);
                out.push(HEX[usize::from(byte & 15)]);
            }
        }
    }
    out.push(b'"');
}

/// Whether a spelling can be copied into a line.
pub fn is_one_line(raw: &str) -> bool {
    memchr::memchr2(b'\n', b'\r', raw.as_bytes()).is_none()
}

/// Writes a value on one line: its own spelling, without white space between tokens where the
/// source spans lines (a record is one line of the output). Scalars are copied byte for byte.
pub fn write_compact(out: &mut Vec<u8>, node: &Node<'_>) {
    if is_one_line(node.raw) {
        out.extend_from_slice(node.raw.as_bytes());
        return;
    }
    match node.kind {
        Kind::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.extend_from_slice(b", ");
                }
                write_compact(out, item);
            }
            out.push(b']');
        }
        Kind::Object(members) => {
            out.push(b'{');
            for (index, member) in members.iter().enumerate() {
                if index > 0 {
                    out.extend_from_slice(b", ");
                }
                out.extend_from_slice(member.raw_key.as_bytes());
                out.extend_from_slice(b": ");
                write_compact(out, &member.value);
            }
            out.push(b'}');
        }
        _ => out.extend_from_slice(node.raw.as_bytes()),
    }
}

/// Writes a value anew, compactly, from what was decoded; numbers as they were spelled. What comes
/// out says the same as what was read: the tests compare the two by other parsers.
pub fn write_anew(out: &mut Vec<u8>, node: &Node<'_>) {
    match node.kind {
        Kind::Null => out.extend_from_slice(b"null"),
        Kind::Bool(true) => out.extend_from_slice(b"true"),
        Kind::Bool(false) => out.extend_from_slice(b"false"),
        Kind::Number => out.extend_from_slice(node.raw.as_bytes()),
        Kind::String(text) => write_string(out, text),
        Kind::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_anew(out, item);
            }
            out.push(b']');
        }
        Kind::Object(members) => {
            out.push(b'{');
            for (index, member) in members.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_string(out, member.key);
                out.push(b':');
                write_anew(out, &member.value);
            }
            out.push(b'}');
        }
    }
}
