//! Tokens: words, and symbols and unspaced characters one by one. A bit map of the text is made 64
//! bytes at a time, places are read off the bits, and what stands there is hashed.

use super::bits::{self, BLOCK, Bits, Level};
use super::chars::{self, KIND, SINGLE, WORD};
use super::{hash, normal, numbers};

/// The buffers of one text, reused from record to record.
#[derive(Debug, Default)]
pub struct Tokens {
    /// The comparable form of the text, padded with zeros.
    form: Vec<u8>,
    cuts: Cuts,
    /// The hashes of the tokens, in order.
    pub hashes: Vec<u64>,
    /// The text's number sequence (see `numbers`).
    pub numbers: u64,
}

/// Where the tokens of a text are.
#[derive(Debug, Default)]
struct Cuts {
    /// First bytes of tokens, in order.
    starts: Vec<u32>,
    /// The bytes behind them.
    ends: Vec<u32>,
    /// One bit a byte: ASCII digit.
    digits: Vec<u64>,
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
        // The last block ends the last token.
        self.form.resize((length / BLOCK + 1) * BLOCK + hash::PADDING, 0);
        self.cuts.read(level, &self.form, length);
        self.numbers = if seen.removed || seen.wide_digit {
            numbers::of_text(text)
        } else {
            numbers::from_mask(&self.form, &self.cuts.digits)
        };
        let cuts = self.cuts.starts.iter().zip(&self.cuts.ends);
        self.hashes.extend(cuts.map(|(&start, &end)| hash::token(&self.form, start as usize, (end - start) as usize)));
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

impl Cuts {
    /// Reads a padded form whose text has `length` bytes. The processor has what the level says.
    fn read(&mut self, level: Level, form: &[u8], length: usize) {
        self.starts.clear();
        self.ends.clear();
        self.digits.clear();
        match level {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has these.
            Level::Avx512 => unsafe { self.read_avx512(form, length) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has these.
            Level::Avx2 => unsafe { self.read_avx2(form, length) },
            Level::Plain => self.read_by(form, length, bits::plain, bits::places),
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512bw,avx512vbmi2,bmi1,popcnt")]
    fn read_avx512(&mut self, form: &[u8], length: usize) {
        self.read_by(
            form,
            length,
            |block| bits::avx512::bits(block),
            |bits, base, out| bits::avx512::places(bits, base, out),
        );
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,bmi1,popcnt")]
    fn read_avx2(&mut self, form: &[u8], length: usize) {
        self.read_by(form, length, |block| bits::avx2::bits(block), bits::places);
    }

    #[inline(always)]
    fn read_by(
        &mut self,
        form: &[u8],
        length: usize,
        bits_of: impl Fn(&[u8; BLOCK]) -> Bits,
        places: impl Fn(u64, u32, &mut Vec<u32>),
    ) {
        // What reaches over from the block before: parts of words, ends of tokens, whether its last byte was a word's.
        let (mut late_words, mut late_ends, mut before) = (0, 0, 0);
        for (number, block) in form[..length / BLOCK * BLOCK + BLOCK].as_chunks().0.iter().enumerate() {
            let base = number * BLOCK;
            let bits = bits_of(block);
            self.digits.push(bits.digits);
            let mut starts = bits.singles | bits.ideographs;
            let mut words = u128::from(bits.words | late_words);
            let mut ends = u128::from(bits.singles) << 1 | u128::from(bits.ideographs) << 3 | u128::from(late_ends);
            // Ideographs need no look at each: see `chars::is_ideograph_lead`.
            let mut wide = bits.wide & !bits.ideographs;
            while wide != 0 {
                let at = wide.trailing_zeros();
                wide &= wide - 1;
                let Some((character, size)) = decode(&form[base + at as usize..length]) else { continue };
                match chars::class(character) & KIND {
                    WORD => words |= ((1 << size) - 1) << at,
                    SINGLE => {
                        starts |= 1 << at;
                        ends |= 1 << (at + size);
                    }
                    _ => {}
                }
            }
            late_words = (words >> BLOCK) as u64;
            late_ends = (ends >> BLOCK) as u64;
            // A word starts where its bit is set and the one before is not, and ends the other way.
            let words = words as u64;
            let shifted = words << 1 | before;
            before = words >> 63;
            places(starts | words & !shifted, base as u32, &mut self.starts);
            places(ends as u64 | !words & shifted, base as u32, &mut self.ends);
        }
    }
}

/// The length of a UTF-8 sequence by its first byte.
fn sequence_length(first: u8) -> u32 {
    match first {
        0..0xc0 => 1,
        0xc0..0xe0 => 2,
        0xe0..0xf0 => 3,
        _ => 4,
    }
}

/// The character at the start of valid UTF-8, if this is the start of one.
fn decode(bytes: &[u8]) -> Option<(char, u32)> {
    let first = *bytes.first()?;
    if first & 0xc0 == 0x80 {
        return None;
    }
    let size = sequence_length(first);
    let mut point = u32::from(first) & (0x7f >> size);
    for &byte in bytes.get(1..size as usize)? {
        point = point << 6 | u32::from(byte & 0x3f);
    }
    char::from_u32(point).map(|character| (character, size))
}

#[cfg(test)]
#[path = "words_tests.rs"]
mod tests;
