//! Writing JSON: compact, UTF-8, with the fewest escapes.

use super::{Kind, Node};

/// Writes `text` as a JSON string with quotes. Only `"`, `\` and control characters are escaped.
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut copied = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[copied..at]);
        copied = at + 1;
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
    out.extend_from_slice(&bytes[copied..]);
    out.push(b'"');
}

/// Writes a value on one line: its own spelling, without white space between tokens where the
/// source spans lines (a record is one line of the output). Scalars are copied byte for byte.
pub fn write_compact(out: &mut Vec<u8>, node: &Node<'_>) {
    if memchr::memchr2(b'\n', b'\r', node.raw.as_bytes()).is_none() {
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
