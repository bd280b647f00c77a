//! Characters without width that mean nothing inside a text: U+200B (zero width space) and U+FEFF
//! (byte order mark, formerly zero width no-break space). U+200C, U+200D and variation selectors
//! stay: Persian, Indic scripts and emoji are spelled with them.

use bumpalo::Bump;
use bumpalo::collections::String as ArenaString;

/// The text without them, and how many there were.
pub(super) fn apply<'a>(text: &str, arena: &'a Bump) -> Option<(&'a str, u32)> {
    let is_zero_width = |c: char| matches!(c, '\u{200B}' | '\u{FEFF}');
    text.find(is_zero_width)?;
    let mut out = ArenaString::with_capacity_in(text.len(), arena);
    let mut pieces = 0;
    for piece in text.split(is_zero_width) {
        out.push_str(piece);
        pieces += 1;
    }
    Some((out.into_bump_str(), pieces - 1))
}
