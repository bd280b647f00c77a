//! HTML in texts: entities and tags, outside Markdown code.

mod elements;
mod entities;
mod tags;

use super::code;
use bumpalo::Bump;
use bumpalo::collections::String as ArenaString;

/// Entities decoded, and how many.
pub(super) fn decode_entities<'a>(text: &str, arena: &'a Bump) -> Option<(&'a str, u32)> {
    rewrite(text, arena, |piece, out| entities::decode(piece, out, false))
}

/// Entities decoded but for those that would make a tag: stripping must not eat what was written
/// to be shown.
pub(super) fn decode_entities_but_tags<'a>(text: &str, arena: &'a Bump) -> Option<(&'a str, u32)> {
    let decoded = decode_entities(text, arena)?;
    if strip_tags(decoded.0, arena).is_none() {
        return Some(decoded);
    }
    rewrite(text, arena, |piece, out| entities::decode(piece, out, true))
}

/// Tags and comments removed, and how many.
pub(super) fn strip_tags<'a>(text: &str, arena: &'a Bump) -> Option<(&'a str, u32)> {
    rewrite(text, arena, tags::strip)
}

/// Applies `change` to the prose of `text`.
fn rewrite<'a>(
    text: &str,
    arena: &'a Bump,
    change: impl Fn(&str, &mut ArenaString<'a>) -> u32,
) -> Option<(&'a str, u32)> {
    let mut out = ArenaString::with_capacity_in(text.len(), arena);
    let mut count = 0;
    code::split(text, |piece, is_prose| {
        if is_prose {
            count += change(piece, &mut out);
        } else {
            out.push_str(piece);
        }
    });
    (count > 0).then(|| (out.into_bump_str(), count))
}
