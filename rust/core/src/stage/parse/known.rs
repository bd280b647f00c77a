//! What is told of a batch's bytes at once, before its units are read.

use super::hermes::CALL_MARK;
use crate::record::Record;

/// What is known of the bytes that a unit is part of. By default: nothing.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    text: Option<&'a str>,
    /// Whether the mark of a call in the text may stand somewhere.
    pub(super) may_be_marked: bool,
}

impl Default for Known<'_> {
    fn default() -> Self {
        Self { text: None, may_be_marked: true }
    }
}

impl<'a> Known<'a> {
    /// Looks at the bytes.
    pub fn of(bytes: &'a [u8]) -> Self {
        Self { text: simdutf8::basic::from_utf8(bytes).ok(), may_be_marked: CALL_MARK.find(bytes).is_some() }
    }

    /// A part of these bytes as text, where that is known already.
    #[inline(always)]
    pub(super) fn text(&self, part: &'a [u8]) -> Option<&'a str> {
        let text = self.text?;
        let start = part.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
        text.get(start..start.checked_add(part.len())?)
    }
}

/// The record of a line whose texts no stage has to look at.
#[derive(Debug)]
pub struct QuietRecord<'a> {
    /// The record without its turns: their spelling is there.
    pub record: Record<'a>,
    /// How many turns it has. Every one says something.
    pub turns: u32,
    /// Characters of assistant text.
    pub characters: u64,
    /// Characters of all turns.
    pub characters_total: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_text_where_the_whole_is() {
        let bytes = "ä\nbö".as_bytes();
        let known = Known::of(bytes);
        assert_eq!(known.text(&bytes[3..]), Some("bö"));
        assert_eq!(known.text(&bytes[1..]), None, "begins inside of a character");
        assert_eq!(known.text("bö".to_owned().leak().as_bytes()), None, "stands elsewhere");
        assert_eq!(Known::of(b"a\nb\xFF").text(bytes), None);
        assert!(!known.may_be_marked && Known::default().may_be_marked && Known::of(b"x<tool_call>y").may_be_marked);
    }
}
