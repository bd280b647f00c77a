//! Removing tags: what a reader of the page would not see goes, and blocks end their lines.

use super::elements::{self, Trace};
use bumpalo::collections::String as ArenaString;

/// No tag is longer; a `<` whose `>` is farther away is a less-than sign.
const LONGEST: usize = 4096;

/// Appends `text` without tags and comments; how many were removed.
pub(super) fn strip(text: &str, out: &mut ArenaString<'_>) -> u32 {
    let mut count = 0;
    let mut copied = 0;
    let mut from = 0;
    while let Some(position) = memchr::memchr(b'<', &text.as_bytes()[from..]) {
        let start = from + position;
        let Some((length, trace)) = tag(&text[start..]) else {
            from = start + 1;
            continue;
        };
        out.push_str(&text[copied..start]);
        match trace {
            Trace::Break => out.push('\n'),
            Trace::Line if !out.is_empty() && !out.ends_with('\n') => out.push('\n'),
            Trace::Space if !out.is_empty() && !out.ends_with(char::is_whitespace) => out.push(' '),
            _ => {}
        }
        count += 1;
        from = start + length;
        copied = from;
    }
    out.push_str(&text[copied..]);
    count
}

/// The tag or comment at the start of `text`: its length and what it leaves.
fn tag(text: &str) -> Option<(usize, Trace)> {
    let bytes = text.as_bytes();
    if bytes.starts_with(b"<!--") {
        return memchr::memmem::find(&bytes[..bytes.len().min(16 * LONGEST)], b"-->")
            .map(|end| (end + 3, Trace::Nothing));
    }
    if bytes.len() > 9 && bytes[..9].eq_ignore_ascii_case(b"<!doctype") {
        return end_of_tag(bytes).map(|end| (end, Trace::Line));
    }
    let closing = usize::from(bytes.get(1) == Some(&b'/'));
    let name_length = bytes[1 + closing..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let trace = elements::find(&text[1 + closing..1 + closing + name_length])?;
    let after = *bytes.get(1 + closing + name_length)?;
    if !(after.is_ascii_whitespace() || after == b'>' || after == b'/') {
        return None;
    }
    let end = end_of_tag(bytes)?;
    if trace == Trace::Content && closing == 0 {
        let name = &text[1..=name_length];
        return Some((end_of_content(bytes, end, name).unwrap_or(end), Trace::Nothing));
    }
    Some((end, trace))
}

/// Where the tag ends: behind the first `>` outside quotes.
fn end_of_tag(bytes: &[u8]) -> Option<usize> {
    let mut quote = None;
    for (at, &byte) in bytes.iter().enumerate().take(LONGEST) {
        match (byte, quote) {
            (b'>', None) => return Some(at + 1),
            (b'"' | b'\'', None) if bytes[at - 1] == b'=' => quote = Some(byte),
            (_, Some(open)) if byte == open => quote = None,
            _ => {}
        }
    }
    None
}

/// Where the closing tag of a script or style ends.
fn end_of_content(bytes: &[u8], from: usize, name: &str) -> Option<usize> {
    let reach = &bytes[..bytes.len().min(from + 16 * LONGEST)];
    memchr::memmem::find_iter(&reach[from..], b"</")
        .map(|position| from + position + 2)
        .find(|&at| reach.get(at..at + name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name.as_bytes())))
        .and_then(|at| memchr::memchr(b'>', &reach[at..]).map(|position| at + position + 1))
}
