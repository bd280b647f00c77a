//! Tokens: words, and symbols and unspaced characters one by one, each as a hash.

use super::bits::{Bits, Level};
use super::chars::{self, KIND, SINGLE, WORD};
use super::cuts::{self, Cutter, Kind};
use super::hashes::{self, Hasher, Out};
use super::{hash, normal, numbers};

/// The buffers of one text, reused from record to record.
#[derive(Debug, Default)]
pub struct Tokens {
    /// The comparable form of the text, padded with zeros.
    form: Vec<u8>,
    /// First bytes of tokens, in order.
    starts: Vec<u32>,
    /// The bytes behind them.
    ends: Vec<u32>,
    digits: Digits,
    /// The hashes of the tokens, in order.
    pub hashes: Vec<u64>,
    /// The text's number sequence (see `numbers`).
    pub numbers: u64,
}

/// One bit a byte: ASCII digit.
#[derive(Debug, Default)]
struct Digits(Vec<u64>);

impl Cutter for Digits {
    const SYMBOLS: bool = true;

    fn kind(character: char) -> Kind {
        match chars::class(character) & KIND {
            WORD => Kind::Word,
            SINGLE => Kind::Single,
            _ => Kind::Apart,
        }
    }

    #[inline(always)]
    fn block(&mut self, bits: &Bits) {
        self.0.push(bits.digits);
    }
}

/// Hashes tokens as they stand in the comparable form.
struct AsTheyStand;

impl Hasher for AsTheyStand {
    const LOWER: bool = false;
    const PADDED: bool = true;

    fn one(&self, text: &[u8], start: usize, end: usize) -> (u64, u32) {
        (hash::token(text, start, end - start), 0)
    }
}

impl Tokens {
    /// Cuts `text` into tokens. A text that is not white but has no token is one token: itself,
    /// trimmed. White text has none.
    pub fn read(&mut self, text: &str) {
        self.read_with(Level::here(), text);
    }

    fn read_with(&mut self, level: Level, text: &str) {
        self.hashes.clear();
        self.form.clear();
        let seen = normal::comparable(text, &mut self.form);
        let length = self.form.len();
        self.form.resize(length + hash::PADDING, 0);
        let Self { form, starts, ends, digits, hashes, .. } = self;
        starts.clear();
        ends.clear();
        digits.0.clear();
        cuts::read(level, &form[..length], digits, starts, ends);
        hashes::read(level, form, starts, ends, &AsTheyStand, Out { hashes, heads: &mut Vec::new() });
        self.numbers = if seen.removed || seen.wide_digit {
            numbers::of_text(text)
        } else {
            numbers::from_mask(&self.form, &self.digits.0)
        };
        if self.hashes.is_empty() {
            self.whole(length);
        }
    }

    fn whole(&mut self, length: usize) {
        let text = String::from_utf8_lossy(&self.form[..length]);
        let trimmed = text.trim_matches(chars::is_white);
        if trimmed.is_empty() {
            return;
        }
        let mut padded = trimmed.as_bytes().to_vec();
        let size = padded.len();
        padded.extend([0; hash::PADDING]);
        self.hashes.push(hash::token(&padded, 0, size));
    }
}

#[cfg(test)]
#[path = "words_tests.rs"]
mod tests;
