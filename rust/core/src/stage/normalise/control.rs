//! Control characters: C0 but tab, line feed and carriage return (a line end is `line_ends`'
//! business), delete, and C1. A terminal sequence (`ESC [ 3 1 m`) goes whole, since without its
//! ESC the rest would stand in the text as litter.

use bumpalo::Bump;
use bumpalo::collections::String as ArenaString;

fn is_control(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n' | '\r')
}

/// Length in bytes of the terminal sequence (ECMA-48 CSI) at the start of `text`.
fn sequence(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let parameters = bytes.strip_prefix(b"\x1b[")?;
    let length = parameters.iter().position(|byte| !matches!(byte, b'0'..=b'9' | b';' | b'?'))?;
    parameters[length].is_ascii_alphabetic().then_some(2 + length + 1)
}

/// The text without control characters, and how many (a sequence counts once) were removed.
pub(super) fn apply<'a>(text: &str, arena: &'a Bump) -> Option<(&'a str, u32)> {
    text.find(is_control)?;
    let mut out = ArenaString::with_capacity_in(text.len(), arena);
    let mut count = 0;
    let mut rest = text;
    while let Some(at) = rest.find(is_control) {
        out.push_str(&rest[..at]);
        count += 1;
        rest = &rest[at..];
        let length = sequence(rest).unwrap_or_else(|| rest.chars().next().map_or(0, char::len_utf8));
        rest = &rest[length..];
    }
    out.push_str(rest);
    Some((out.into_bump_str(), count))
}
