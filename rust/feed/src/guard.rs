//! The leak guard: labels are metadata, and this proves that none is in the text.
//!
//! A rendered text is the template's literals and what turns say. A tag in a literal is a leak, always. A
//! tag that stands in what a turn says was there before us; a setting decides what becomes of it.

use crate::render::{Rendered, What};
use std::ops::Range;

/// Our own fields; their names are no words that a text should teach.
pub const FIELDS: [&str; 9] =
    ["_category", "_origin", "_parent", "_persona", "_schema", "_scores", "_source", "_traits", "_domain"];

/// What a tag begins with.
const TAGS: [&str; 4] = ["<persona:", "<category:", "<trait:", "<traits:"];

/// Longest tag.
const LONGEST: usize = 80;

/// The first tag in a text: `<persona:x>` (with the line break after it) or the name of one of our fields.
pub fn find(text: &str) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    memchr::memchr2_iter(b'<', b'_', bytes)
        .find_map(|at| if bytes[at] == b'<' { tag(text, at) } else { field(text, at) })
}

/// `<persona:x>` at a place.
fn tag(text: &str, at: usize) -> Option<Range<usize>> {
    let rest = &text[at..];
    TAGS.iter().find(|tag| rest.starts_with(**tag))?;
    let end = memchr::memchr2(b'>', b'\n', &rest.as_bytes()[..rest.len().min(LONGEST)])?;
    if rest.as_bytes()[end] != b'>' {
        return None;
    }
    let end = at + end + 1;
    Some(at..end + usize::from(text.as_bytes().get(end) == Some(&b'\n')))
}

/// A field's name at a place, as a word of its own: `a._source` and `my_source` are code, not ours.
fn field(text: &str, at: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let name = FIELDS.iter().find(|name| bytes[at..].starts_with(name.as_bytes()))?;
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
    let before = at.checked_sub(1).map(|at| bytes[at]);
    let after = bytes.get(at + name.len());
    let apart = !before.is_some_and(|byte| word(byte) || byte == b'.') && !after.is_some_and(|byte| word(*byte));
    apart.then(|| at..at + name.len())
}

/// The text without its tags; `None` if there are none.
pub fn stripped(text: &str) -> Option<String> {
    let mut at = find(text)?;
    let mut rest = text;
    let mut out = String::with_capacity(text.len());
    loop {
        out.push_str(&rest[..at.start]);
        rest = &rest[at.end..];
        match find(rest) {
            Some(next) => at = next,
            None => break,
        }
    }
    out.push_str(rest);
    // What is left may have grown together.
    Some(stripped(&out).unwrap_or(out))
}

/// The first tag that is in the rendered text and not in what a turn says.
pub fn leak(rendered: &Rendered) -> Option<String> {
    let said = |segment: &&crate::render::Segment| !matches!(segment.what, What::Literal);
    let mut at = 0;
    let mut literals = Vec::new();
    for segment in rendered.segments.iter().filter(said) {
        literals.push(at..segment.start as usize);
        at = segment.end as usize;
    }
    literals.push(at..rendered.text.len());
    literals.into_iter().find_map(|place| {
        let literal = &rendered.text[place];
        find(literal).map(|tag| literal[tag].trim_end().to_owned())
    })
}

/// The first tag that is in a text more often than in what was said: for texts of which it is not known which part is whose.
pub fn surplus<'t, 's>(text: &'t str, said: impl Iterator<Item = &'s str>) -> Option<&'t str> {
    find(text)?;
    let mut allowed: Vec<&str> = said.flat_map(tags).collect();
    tags(text).find(|tag| match allowed.iter().position(|known| known == tag) {
        Some(at) => {
            allowed.swap_remove(at);
            false
        }
        None => true,
    })
}

/// Every tag of a text, in order.
fn tags(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let place = find(rest)?;
        let tag = &rest[place.clone()];
        rest = &rest[place.end..];
        Some(tag.trim_end())
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn tags_and_fields_are_found_and_code_is_not() {
        for text in ["<persona:x>\nhi", "a <category:y> b", "the field _source here", "{\"_traits\": []}", "_origin"] {
            assert!(find(text).is_some(), "{text}");
        }
        for text in ["self._source", "my_source", "_sources", "persona:x", "<persona: no end", "a < b", "__source__"] {
            assert!(find(text).is_none(), "{text}");
        }
        assert_eq!(stripped("<persona:x>\nhi <persona:y>you").unwrap(), "hi you");
        assert_eq!(stripped("<per<persona:x>sona:y>z").unwrap(), "z");
        assert_eq!(stripped("hi"), None);
    }

    #[test]
    fn a_tag_that_nobody_said_is_found_without_knowing_whose_the_text_is() {
        let text = "<persona:warm>\n<|user|> s <persona:own> and _source <|end|>";
        assert_eq!(surplus(text, ["s", "<persona:own> and _source"].into_iter()), Some("<persona:warm>"));
        assert_eq!(surplus(text, ["<persona:own><persona:warm>", "_source"].into_iter()), None);
        assert_eq!(surplus("<persona:own> <persona:own>", ["<persona:own>"].into_iter()), Some("<persona:own>"));
        assert_eq!(surplus("hi", [].into_iter()), None);
    }

    #[test]
    fn a_tag_in_a_literal_is_a_leak_and_one_that_a_turn_says_is_not() {
        let mut rendered = Rendered::default();
        rendered.push("<|user|>", 0, What::Literal, false);
        rendered.push("<persona:own>", 0, What::Content, false);
        rendered.push("<|end|>", 0, What::Literal, false);
        assert_eq!(leak(&rendered), None);
        rendered.push("<persona:planted>\n", 1, What::Literal, false);
        rendered.push("hello", 1, What::Content, true);
        assert_eq!(leak(&rendered).unwrap(), "<persona:planted>");
    }
}
