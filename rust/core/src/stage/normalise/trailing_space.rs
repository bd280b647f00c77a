//! Spaces and tabs at the ends of lines and of the text.
//!
//! They go, but for two things that mean something. In code (fenced, or indented with text in the
//! line) nothing is touched. And a Markdown hard break, two or more spaces after text with a line
//! of text below, stays as exactly two spaces: without it two lines of a poem become one. Line
//! feeds at the end of the text stay.

use super::code::{Line, Tracker};
use bumpalo::Bump;
use bumpalo::collections::String as ArenaString;

const BLANK: [char; 2] = [' ', '\t'];

/// The text without trailing space, and in how many lines there was some.
pub(super) fn apply<'a>(text: &str, arena: &'a Bump) -> Option<(&'a str, u32)> {
    let mut tracker = Tracker::default();
    let mut out: Option<ArenaString<'a>> = None;
    let mut count = 0;
    let mut copied = 0;
    let mut at = 0;
    while at <= text.len() {
        let end = memchr::memchr(b'\n', &text.as_bytes()[at..]).map_or(text.len(), |position| at + position);
        // Where carriage returns are kept, one belongs to the line end.
        let line = text[at..end].strip_suffix('\r').filter(|_| end < text.len()).unwrap_or(&text[at..end]);
        let kind = tracker.next(line);
        let bare = line.trim_end_matches(BLANK);
        if kind == Line::Text && bare.len() < line.len() {
            let next = text.get(end + 1..).unwrap_or("");
            let keep = bare.len() + hard_break(bare, &line[bare.len()..], next);
            if keep < line.len() {
                let out = out.get_or_insert_with(|| ArenaString::with_capacity_in(text.len(), arena));
                out.push_str(&text[copied..at + keep]);
                copied = at + line.len();
                count += 1;
            }
        }
        at = end + 1;
    }
    let mut out = out?;
    out.push_str(&text[copied..]);
    Some((out.into_bump_str(), count))
}

/// How many of the trailing spaces make a hard break.
fn hard_break(bare: &str, trailing: &str, next: &str) -> usize {
    let spaces = trailing.len() >= 2 && trailing.bytes().all(|byte| byte == b' ');
    let next_line = next.split('\n').next().unwrap_or("");
    if spaces && !bare.is_empty() && !next_line.trim().is_empty() { 2 } else { 0 }
}
