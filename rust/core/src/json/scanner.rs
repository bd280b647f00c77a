//! Reading a text whose shape is foreseen, without nodes. What is not as foreseen is `None`; the
//! parser then looks at the whole text again and says what it is.

use super::decoded::Decoded;
use super::quiet::{self, Quiet};
use super::{Kind, Node, scan};
use bumpalo::Bump;

/// A place in a text that is read on one line: blanks between tokens are spaces and tabs.
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    decoded: Decoded<'a>,
}

impl<'a> Scanner<'a> {
    /// At the beginning of a text.
    pub(crate) fn new(text: &'a str, arena: &'a Bump) -> Self {
        Self { text, at: 0, decoded: Decoded::new(arena) }
    }

    /// Skips blanks; where the next token begins.
    #[inline(always)]
    pub(crate) fn place(&mut self) -> usize {
        while let Some(b' ' | b'\t') = self.text.as_bytes().get(self.at) {
            self.at += 1;
        }
        self.at
    }

    /// The spelling from a place where a token begins to the end of the last token.
    #[inline(always)]
    pub(crate) fn since(&self, place: usize) -> Option<&'a str> {
        self.text.get(place..self.at)
    }

    /// Whether this token comes next; it is then passed.
    #[inline(always)]
    pub(crate) fn eat<const LENGTH: usize>(&mut self, token: &[u8; LENGTH]) -> bool {
        let place = self.place();
        let found = self.text.as_bytes().get(place..place + LENGTH) == Some(token);
        if found {
            self.at += LENGTH;
        }
        found
    }

    /// Whether nothing but blanks is left.
    #[inline(always)]
    pub(crate) fn is_done(&mut self) -> bool {
        self.place() == self.text.len()
    }

    /// A string or a whole number.
    #[inline]
    pub(crate) fn scalar(&mut self) -> Option<Node<'a>> {
        let start = self.place();
        let bytes = self.text.as_bytes();
        if bytes.get(start) == Some(&b'"') {
            let (text, raw) = self.string()?;
            return Some(Node { raw, kind: Kind::String(text) });
        }
        let first = start + usize::from(bytes.get(start) == Some(&b'-'));
        let digits = bytes.get(first..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 || (digits > 1 && bytes[first] == b'0') {
            return None;
        }
        // A fraction or an exponent that follows is no end of a member, so it is seen by the caller.
        self.at = first + digits;
        Some(Node { raw: self.text.get(start..self.at)?, kind: Kind::Number })
    }

    /// A string that is quiet: its spelling without quotes, and what that shows.
    #[inline(always)]
    pub(crate) fn quiet_string(&mut self) -> Option<(&'a str, Quiet)> {
        let start = self.place();
        let bytes = self.text.as_bytes();
        if bytes.get(start) != Some(&b'"') {
            return None;
        }
        let found = quiet::string(bytes, start + 1)?;
        self.at = found.end + 1;
        Some((self.text.get(start + 1..found.end)?, found))
    }

    /// A string: its text and its spelling.
    #[inline(always)]
    pub(crate) fn string(&mut self) -> Option<(&'a str, &'a str)> {
        let start = self.place();
        let bytes = self.text.as_bytes();
        if bytes.get(start) != Some(&b'"') {
            return None;
        }
        let stop = scan::special(bytes, start + 1);
        let (text, end) = match bytes.get(stop) {
            Some(b'"') => (self.text.get(start + 1..stop)?, stop),
            Some(b'\\') => self.decoded.text(bytes, start, stop).ok()?,
            _ => return None,
        };
        self.at = end + 1;
        Some((text, self.text.get(start..end + 1)?))
    }
}
