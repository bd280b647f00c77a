//! One kind of line end: the line feed. CR LF, CR, NEL (U+0085), U+2028 and U+2029 become it.

use bumpalo::Bump;
use bumpalo::collections::String as ArenaString;

/// The text with line feeds only, and how many line ends were changed.
pub(super) fn apply<'a>(text: &str, arena: &'a Bump) -> Option<(&'a str, u32)> {
    let is_other = |c: char| matches!(c, '\r' | '\u{85}' | '\u{2028}' | '\u{2029}');
    text.find(is_other)?;
    let mut out = ArenaString::with_capacity_in(text.len(), arena);
    let mut count = 0;
    let mut rest = text;
    while let Some(at) = rest.find(is_other) {
        out.push_str(&rest[..at]);
        out.push('\n');
        count += 1;
        rest = &rest[at..];
        let length = if rest.starts_with("\r\n") { 2 } else { rest.chars().next().map_or(0, char::len_utf8) };
        rest = &rest[length..];
    }
    out.push_str(rest);
    Some((out.into_bump_str(), count))
}
