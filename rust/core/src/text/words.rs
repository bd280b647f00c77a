//! Tokens: words, and symbols and unspaced characters one by one. A bit map of the text is made 64
//! bytes at a time, then tokens are read off the bits and hashed.

use super::chars::{self, KIND, SINGLE, WORD};
use super::{hash, normal, numbers};

/// The buffers of one text, reused from record to record.
#[derive(Debug, Default)]
pub struct Tokens {
    /// The comparable form of the text, padded with zeros.
    form: Vec<u8>,
    /// One bit a byte: part of a word.
    words: Vec<u64>,
    /// One bit a byte: first byte of a character that is a token.
    singles: Vec<u64>,
    /// One bit a byte: ASCII digit.
    digits: Vec<u64>,
    /// The hashes of the tokens, in order.
    pub hashes: Vec<u64>,
    /// The text's number sequence (see `numbers`).
    pub numbers: u64,
}

impl Tokens {
    /// Cuts `text` into tokens. A text that is not white but has no token is one token: itself,
    /// trimmed. White text has none.
    pub fn read(&mut self, text: &str) {
        self.hashes.clear();
        self.form.clear();
        let seen = normal::comparable(text, &mut self.form);
        let length = self.form.len();
        let blocks = length / 64 + 1;
        self.form.resize(blocks * 64 + hash::PADDING, 0);
        self.classify(length, blocks);
        self.numbers = if seen.removed || seen.wide_digit {
            numbers::of_text(text)
        } else {
            numbers::from_mask(&self.form, &self.digits)
        };
        self.cut();
        if self.hashes.is_empty() {
            self.whole(length);
        }
    }

    fn classify(&mut self, length: usize, blocks: usize) {
        for mask in [&mut self.words, &mut self.singles, &mut self.digits] {
            mask.clear();
            mask.resize(blocks, 0);
        }
        for block in 0..blocks {
            let bits = ascii_bits(&self.form[block * 64..block * 64 + 64]);
            self.words[block] |= bits.words;
            self.singles[block] |= bits.singles;
            self.digits[block] = bits.digits;
            // Ideographs need no look at each: see `chars::is_ideograph_lead`.
            self.singles[block] |= bits.ideographs;
            let mut wide = bits.wide & !(bits.ideographs | bits.ideographs << 1 | bits.ideographs << 2);
            while wide != 0 {
                let at = block * 64 + wide.trailing_zeros() as usize;
                wide &= wide - 1;
                let Some((character, size)) = decode(&self.form[at..length]) else { continue };
                match chars::class(character) & KIND {
                    WORD => (at..at + size).for_each(|byte| self.words[byte / 64] |= 1 << (byte % 64)),
                    SINGLE => self.singles[at / 64] |= 1 << (at % 64),
                    _ => {}
                }
            }
        }
    }

    fn cut(&mut self) {
        // Text has a token every five or six bytes.
        self.hashes.reserve(self.form.len() / 4);
        let mut before = 0;
        for block in 0..self.words.len() {
            let words = self.words[block];
            let singles = self.singles[block];
            // A word starts where its bit is set and the one before is not.
            let mut starts = words & !(words << 1 | before) | singles;
            before = words >> 63;
            while starts != 0 {
                let bit = starts.trailing_zeros();
                starts &= starts - 1;
                let at = block * 64 + bit as usize;
                let length = if singles >> bit & 1 == 1 {
                    sequence_length(self.form[at])
                } else {
                    let run = (!(words >> bit)).trailing_zeros();
                    if run + bit < 64 { run as usize } else { self.long_run(block, bit) }
                };
                self.hashes.push(hash::token(&self.form, at, length));
            }
        }
    }

    /// The length of a word that reaches the end of its block.
    fn long_run(&self, block: usize, bit: u32) -> usize {
        let mut length = 64 - bit as usize;
        for &words in &self.words[block + 1..] {
            let run = words.trailing_ones() as usize;
            length += run;
            if run < 64 {
                break;
            }
        }
        length
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

/// The length of a UTF-8 sequence by its first byte.
fn sequence_length(first: u8) -> usize {
    match first {
        0..0xc0 => 1,
        0xc0..0xe0 => 2,
        0xe0..0xf0 => 3,
        _ => 4,
    }
}

/// The character at the start of valid UTF-8, if this is the start of one.
fn decode(bytes: &[u8]) -> Option<(char, usize)> {
    let first = *bytes.first()?;
    if first & 0xc0 == 0x80 {
        return None;
    }
    let size = sequence_length(first);
    let mut point = u32::from(first) & (0x7f >> size);
    for &byte in bytes.get(1..size)? {
        point = point << 6 | u32::from(byte & 0x3f);
    }
    char::from_u32(point).map(|character| (character, size))
}

/// What 64 bytes are, one bit a byte. The text is lower-cased already.
struct Bits {
    words: u64,
    singles: u64,
    digits: u64,
    wide: u64,
    /// First bytes of ideographs, which are among `wide`.
    ideographs: u64,
}

/// The ASCII characters that are tokens, as inclusive ranges: category S and `# % & * / \ @ ( ) [ ] { }`.
const SINGLES: [(u8, u8); 8] =
    [(b'#', b'&'), (b'(', b'+'), (b'/', b'/'), (b'<', b'>'), (b'@', b'@'), (b'[', b'^'), (b'`', b'`'), (b'{', b'~')];

/// For each low nibble of a byte, the high nibbles (as bits) with which it is part of a word, and with
/// which it is a token.
#[cfg(target_arch = "x86_64")]
const NIBBLES: ([u8; 16], [u8; 16]) = {
    let (mut words, mut singles) = ([0u8; 16], [0u8; 16]);
    let mut byte = 0u8;
    while byte < 0x80 {
        let (low, bit) = ((byte & 15) as usize, 1u8 << (byte >> 4));
        if matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_') {
            words[low] |= bit;
        }
        let mut range = 0;
        while range < SINGLES.len() {
            if SINGLES[range].0 <= byte && byte <= SINGLES[range].1 {
                singles[low] |= bit;
            }
            range += 1;
        }
        byte += 1;
    }
    (words, singles)
};

#[cfg(target_arch = "x86_64")]
fn ascii_bits(block: &[u8]) -> Bits {
    assert_eq!(block.len(), 64);
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { ascii_bits_avx2(block) };
    }
    ascii_bits_sse2(block)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn ascii_bits_avx2(block: &[u8]) -> Bits {
    use std::arch::x86_64::{
        __m128i, __m256i, _mm_loadu_si128, _mm256_and_si256, _mm256_broadcastsi128_si256, _mm256_cmpeq_epi8,
        _mm256_cmpgt_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_set1_epi8, _mm256_setr_epi8,
        _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_srli_epi16,
    };
    assert_eq!(block.len(), 64);
    let mut bits = Bits { words: 0, singles: 0, digits: 0, wide: 0, ideographs: 0 };
    let high_bits = _mm256_setr_epi8(
        1, 2, 4, 8, 16, 32, 64, -128, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, -128, 0, 0, 0, 0, 0, 0, 0, 0,
    );
    let table = |table: &[u8; 16]| -> __m256i {
        // SAFETY: 16 bytes are read from an array of 16.
        let half: __m128i = unsafe { _mm_loadu_si128(table.as_ptr().cast()) };
        _mm256_broadcastsi128_si256(half)
    };
    let (words, singles) = (table(&NIBBLES.0), table(&NIBBLES.1));
    for half in 0..2 {
        // SAFETY: the block holds 64 bytes.
        let bytes = unsafe { _mm256_loadu_si256(block.as_ptr().add(half * 32).cast()) };
        let high = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), _mm256_set1_epi8(15));
        let high = _mm256_shuffle_epi8(high_bits, high);
        // A byte from 0x80 on selects zero.
        let member = |table: __m256i| -> u64 {
            let rows = _mm256_and_si256(_mm256_shuffle_epi8(table, bytes), high);
            u64::from(!_mm256_movemask_epi8(_mm256_cmpeq_epi8(rows, _mm256_setzero_si256())) as u32)
        };
        let digits = _mm256_and_si256(
            _mm256_cmpgt_epi8(bytes, _mm256_set1_epi8(b'0' as i8 - 1)),
            _mm256_cmpgt_epi8(_mm256_set1_epi8(b'9' as i8 + 1), bytes),
        );
        let shift = half * 32;
        bits.words |= member(words) << shift;
        bits.singles |= member(singles) << shift;
        bits.digits |= u64::from(_mm256_movemask_epi8(digits) as u32) << shift;
        bits.wide |= u64::from(_mm256_movemask_epi8(bytes) as u32) << shift;
        let ideographs = _mm256_and_si256(
            _mm256_cmpgt_epi8(bytes, _mm256_set1_epi8(chars::IDEOGRAPHS.0 as i8 - 1)),
            _mm256_cmpgt_epi8(_mm256_set1_epi8(chars::IDEOGRAPHS.1 as i8 + 1), bytes),
        );
        bits.ideographs |= u64::from(_mm256_movemask_epi8(ideographs) as u32) << shift;
    }
    bits
}

#[cfg(target_arch = "x86_64")]
fn ascii_bits_sse2(block: &[u8]) -> Bits {
    use std::arch::x86_64::{
        __m128i, _mm_and_si128, _mm_cmpeq_epi8, _mm_cmpgt_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_or_si128,
        _mm_set1_epi8,
    };
    assert_eq!(block.len(), 64);
    let mut bits = Bits { words: 0, singles: 0, digits: 0, wide: 0, ideographs: 0 };
    for quarter in 0..4 {
        // SAFETY: SSE2 is part of x86-64, and the block holds 64 bytes.
        unsafe {
            let bytes: __m128i = _mm_loadu_si128(block.as_ptr().add(quarter * 16).cast());
            // Signed comparison: bytes from 0x80 on are negative and in no range.
            let within = |low: u8, high: u8| {
                _mm_and_si128(
                    _mm_cmpgt_epi8(bytes, _mm_set1_epi8(low as i8 - 1)),
                    _mm_cmpgt_epi8(_mm_set1_epi8(high as i8 + 1), bytes),
                )
            };
            let digits = within(b'0', b'9');
            let under = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'_' as i8));
            let words = _mm_or_si128(_mm_or_si128(within(b'a', b'z'), digits), under);
            let mut singles = within(SINGLES[0].0, SINGLES[0].1);
            for (low, high) in &SINGLES[1..] {
                singles = _mm_or_si128(singles, within(*low, *high));
            }
            let shift = quarter * 16;
            bits.words |= u64::from(_mm_movemask_epi8(words) as u16) << shift;
            bits.singles |= u64::from(_mm_movemask_epi8(singles) as u16) << shift;
            bits.digits |= u64::from(_mm_movemask_epi8(digits) as u16) << shift;
            bits.wide |= u64::from(_mm_movemask_epi8(bytes) as u16) << shift;
            bits.ideographs |=
                u64::from(_mm_movemask_epi8(within(chars::IDEOGRAPHS.0, chars::IDEOGRAPHS.1)) as u16) << shift;
        }
    }
    bits
}

#[cfg(not(target_arch = "x86_64"))]
fn ascii_bits(block: &[u8]) -> Bits {
    ascii_bits_plain(block)
}

/// The definition of `ascii_bits`.
#[cfg(any(test, not(target_arch = "x86_64")))]
fn ascii_bits_plain(block: &[u8]) -> Bits {
    let mut bits = Bits { words: 0, singles: 0, digits: 0, wide: 0, ideographs: 0 };
    for (at, &byte) in block.iter().enumerate() {
        let bit = 1u64 << at;
        match byte {
            b'0'..=b'9' => {
                bits.words |= bit;
                bits.digits |= bit;
            }
            b'a'..=b'z' | b'_' => bits.words |= bit,
            0x80.. => {
                bits.wide |= bit;
                if chars::is_ideograph_lead(byte) {
                    bits.ideographs |= bit;
                }
            }
            _ if SINGLES.iter().any(|&(low, high)| (low..=high).contains(&byte)) => bits.singles |= bit,
            _ => {}
        }
    }
    bits
}

#[cfg(test)]
#[path = "words_tests.rs"]
mod tests;
