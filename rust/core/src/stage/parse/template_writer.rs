//! Writes the template of a record: the members that its family took, with holes for the turns.
//!
//! A key of the source that begins with `$` gets a second one, so that no source can look like a hole.

use super::hole::{Hole, Piece, Shape, Side};
use crate::json::{Kind, Member, Node, write_compact, write_string};

/// Writes `{"key":value,…}` of the taken members, in the order of `taken`.
pub(super) fn write_template(out: &mut Vec<u8>, taken: &[&str], members: &[Member<'_>], holes: &[Hole<'_>]) {
    out.push(b'{');
    let mut first = true;
    for member in taken.iter().filter_map(|key| members.iter().find(|member| member.key == *key)) {
        write_member(out, member, holes, &mut first);
    }
    out.push(b'}');
}

fn write_member(out: &mut Vec<u8>, member: &Member<'_>, holes: &[Hole<'_>], first: &mut bool) {
    if !std::mem::take(first) {
        out.push(b',');
    }
    if member.key.starts_with('$') {
        write_string(out, &format!("${}", member.key));
    } else {
        out.extend_from_slice(member.raw_key.as_bytes());
    }
    out.push(b':');
    write_value(out, &member.value, holes);
}

fn write_value(out: &mut Vec<u8>, value: &Node<'_>, holes: &[Hole<'_>]) {
    let address = value.raw.as_ptr() as usize;
    if let Some(hole) = holes.iter().find(|hole| hole.address == address) {
        return write_hole(out, hole);
    }
    match value.kind {
        Kind::Array(items) if is_open(value, holes) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_value(out, item, holes);
            }
            out.push(b']');
        }
        Kind::Object(members) if is_open(value, holes) => {
            out.push(b'{');
            let mut first = true;
            for member in members {
                write_member(out, member, holes, &mut first);
            }
            out.push(b'}');
        }
        _ => write_compact(out, value),
    }
}

/// Whether something below the value has to be written differently than it is spelled.
fn is_open(value: &Node<'_>, holes: &[Hole<'_>]) -> bool {
    let below = |node: &Node<'_>| {
        let address = node.raw.as_ptr() as usize;
        holes.iter().any(|hole| hole.address == address) || is_open(node, holes)
    };
    match value.kind {
        Kind::Array(items) => items.iter().any(below),
        Kind::Object(members) => members.iter().any(|member| member.key.starts_with('$') || below(&member.value)),
        _ => false,
    }
}

fn write_hole(out: &mut Vec<u8>, hole: &Hole<'_>) {
    let open = |out: &mut Vec<u8>| out.extend_from_slice(format!("{{\"{}\":{}", hole.side.key(), hole.turn).as_bytes());
    match hole.shape {
        Shape::Whole => {
            open(out);
        }
        Shape::Spelled(value) => {
            open(out);
            out.extend_from_slice(b",\"is\":");
            write_compact(out, &value);
        }
        Shape::Meant { value, text } => {
            open(out);
            out.extend_from_slice(b",\"is\":");
            write_compact(out, &value);
            out.extend_from_slice(b",\"as\":");
            write_string(out, text);
        }
        Shape::Lines { from, to, after, spelled } => {
            open(out);
            let to = to.map(|to| format!(",{to}")).unwrap_or_default();
            out.extend_from_slice(format!(",\"lines\":[{from}{to}]").as_bytes());
            if !after.is_empty() {
                out.extend_from_slice(b",\"after\":");
                write_string(out, after);
            }
            if let Some(value) = spelled {
                out.extend_from_slice(b",\"is\":");
                write_compact(out, &value);
            }
        }
        Shape::Message => {
            let of = if hole.side == Side::Rejected { ",\"of\":\"rejected\"" } else { "" };
            out.extend_from_slice(format!("{{\"$message\":{}{of}", hole.turn).as_bytes());
        }
        Shape::Tools => out.extend_from_slice(b"{\"$tools\":true"),
        Shape::Text(pieces) => {
            out.extend_from_slice(b"{\"$text\":[");
            for (index, piece) in pieces.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                match piece {
                    Piece::Literal(text) => write_string(out, text),
                    Piece::Turn { side, turn, blank } => {
                        out.extend_from_slice(format!("{{\"{}\":{turn}", side.key()).as_bytes());
                        if let Some(text) = blank {
                            out.extend_from_slice(b",\"is\":");
                            write_string(out, text);
                        }
                        out.push(b'}');
                    }
                }
            }
            out.push(b']');
        }
    }
    out.push(b'}');
}
