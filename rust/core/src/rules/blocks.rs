//! A text 64 bytes at a time: where runs of word bytes begin and end, and where a literal may stand.
//!
//! Every byte beyond ASCII counts as a word byte here; what it is, is looked at later.

use crate::text::bits::{self, BLOCK, Level};

/// A block and the byte behind it.
type Window = [u8; BLOCK + 1];

/// Two bytes in a row that may belong to a literal, by their nibbles: eight groups, a bit each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Nibbles {
    /// First byte, low and high nibble; second byte, low and high nibble.
    pub tables: [[u8; 16]; 4],
}

/// One bit a byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Bits {
    /// Part of a word.
    words: u64,
    /// Beyond ASCII.
    wide: u64,
    /// Together with the next byte, perhaps part of a literal.
    pairs: u64,
}

/// Appends the places where runs of word bytes begin and end, in turns, to `edges`, and the places where
/// the two bytes of a literal may stand to `pairs`. Returns whether the text is all ASCII.
pub(super) fn read(text: &[u8], nibbles: Option<&Nibbles>, edges: &mut Vec<u32>, pairs: &mut Vec<u32>) -> bool {
    read_with(Level::here(), text, nibbles, edges, pairs)
}

/// The same; the processor has what the level says.
fn read_with(level: Level, text: &[u8], nibbles: Option<&Nibbles>, edges: &mut Vec<u32>, pairs: &mut Vec<u32>) -> bool {
    match level {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the processor has these.
        Level::Avx512 => unsafe { avx512::read(text, nibbles, edges, pairs) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the processor has these.
        Level::Avx2 => unsafe { avx2::read(text, nibbles, edges, pairs) },
        Level::Plain => read_by(text, edges, pairs, |window| portable(window, nibbles), bits::places),
    }
}

#[inline(always)]
fn read_by(
    text: &[u8],
    edges: &mut Vec<u32>,
    pairs: &mut Vec<u32>,
    bits_of: impl Fn(&Window) -> Bits,
    places: impl Fn(u64, u32, &mut Vec<u32>),
) -> bool {
    let (mut carry, mut wide) = (0, 0);
    let mut add = |bits: Bits, base: u32| {
        places(bits.words ^ (bits.words << 1 | carry), base, edges);
        carry = bits.words >> 63;
        wide |= bits.wide;
        if bits.pairs != 0 {
            places(bits.pairs, base, pairs);
        }
    };
    let mut at = 0;
    while let Some(window) = text.get(at..).and_then(|rest| rest.first_chunk()) {
        add(bits_of(window), at as u32);
        at += BLOCK;
    }
    // What is left has 64 bytes at most; zeros end its last word.
    for base in [at, at + BLOCK] {
        let Some(rest) = text.get(base..) else { break };
        let mut window = [0; BLOCK + 1];
        let length = rest.len().min(window.len());
        window[..length].copy_from_slice(&rest[..length]);
        add(bits_of(&window), base as u32);
    }
    wide == 0
}

const WORD: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = matches!(byte as u8, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | 0x80..);
        byte += 1;
    }
    table
};

fn portable(window: &Window, nibbles: Option<&Nibbles>) -> Bits {
    let mut bits = Bits::default();
    for (at, two) in window.windows(2).enumerate() {
        bits.words |= u64::from(WORD[usize::from(two[0])]) << at;
        bits.wide |= u64::from(two[0] >> 7) << at;
        if let Some(Nibbles { tables: [a, b, c, d] }) = nibbles {
            let [low, high, next_low, next_high] =
                [two[0] & 15, two[0] >> 4, two[1] & 15, two[1] >> 4].map(usize::from);
            bits.pairs |= u64::from(a[low] & b[high] & c[next_low] & d[next_high] != 0) << at;
        }
    }
    bits
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use super::{BLOCK, Bits, Nibbles, Window};
    use std::arch::x86_64::{
        __m256i, _mm_loadu_si128, _mm256_and_si256, _mm256_broadcastsi128_si256, _mm256_cmpeq_epi8, _mm256_cmpgt_epi8,
        _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8, _mm256_setzero_si256,
        _mm256_shuffle_epi8, _mm256_srli_epi16,
    };

    #[target_feature(enable = "avx2,bmi1,popcnt")]
    pub fn read(text: &[u8], nibbles: Option<&Nibbles>, edges: &mut Vec<u32>, pairs: &mut Vec<u32>) -> bool {
        match nibbles.map(|nibbles| nibbles.tables.each_ref().map(|table| both_halves(table))) {
            Some(tables) => {
                super::read_by(text, edges, pairs, |window| bits(window, Some(&tables)), super::bits::places)
            }
            None => super::read_by(text, edges, pairs, |window| bits(window, None), super::bits::places),
        }
    }

    #[target_feature(enable = "avx2")]
    fn both_halves(table: &[u8; 16]) -> __m256i {
        // SAFETY: 16 bytes are read from an array of 16.
        _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(table.as_ptr().cast()) })
    }

    /// Whether bytes lie between two ASCII characters.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn between(bytes: __m256i, first: u8, last: u8) -> __m256i {
        let above = _mm256_cmpgt_epi8(bytes, _mm256_set1_epi8(first as i8 - 1));
        _mm256_and_si256(above, _mm256_cmpgt_epi8(_mm256_set1_epi8(last as i8 + 1), bytes))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn bits(window: &Window, tables: Option<&[__m256i; 4]>) -> Bits {
        let mut bits = Bits::default();
        for shift in [0, BLOCK / 2] {
            let load = |at: usize| -> __m256i {
                assert!(at + 32 <= window.len());
                // SAFETY: 32 bytes from `at` lie inside.
                unsafe { _mm256_loadu_si256(window.as_ptr().add(at).cast()) }
            };
            let bytes = load(shift);
            let letters = between(_mm256_or_si256(bytes, _mm256_set1_epi8(0x20)), b'a', b'z');
            let line = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(b'_' as i8));
            let words = _mm256_or_si256(_mm256_or_si256(letters, between(bytes, b'0', b'9')), line);
            let wide = _mm256_movemask_epi8(bytes) as u32;
            bits.words |= u64::from(_mm256_movemask_epi8(words) as u32 | wide) << shift;
            bits.wide |= u64::from(wide) << shift;
            if let Some([a, b, c, d]) = tables {
                let nibble = _mm256_set1_epi8(15);
                let of = |bytes: __m256i, low: __m256i, high: __m256i| {
                    let low = _mm256_shuffle_epi8(low, _mm256_and_si256(bytes, nibble));
                    let high = _mm256_shuffle_epi8(high, _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), nibble));
                    _mm256_and_si256(low, high)
                };
                let both = _mm256_and_si256(of(bytes, *a, *b), of(load(shift + 1), *c, *d));
                let none = _mm256_movemask_epi8(_mm256_cmpeq_epi8(both, _mm256_setzero_si256())) as u32;
                bits.pairs |= u64::from(!none) << shift;
            }
        }
        bits
    }
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use super::{BLOCK, Bits, Nibbles, Window};
    use crate::text::bits::avx512::{between, four_times, load, places};
    use std::arch::x86_64::{
        __m512i, _mm512_and_si512, _mm512_cmpeq_epi8_mask, _mm512_movepi8_mask, _mm512_or_si512, _mm512_set1_epi8,
        _mm512_shuffle_epi8, _mm512_srli_epi16, _mm512_test_epi8_mask,
    };

    #[target_feature(enable = "avx512bw,avx512vbmi2,bmi1,popcnt")]
    pub fn read(text: &[u8], nibbles: Option<&Nibbles>, edges: &mut Vec<u32>, pairs: &mut Vec<u32>) -> bool {
        match nibbles.map(|nibbles| nibbles.tables.each_ref().map(|table| four_times(table))) {
            Some(tables) => super::read_by(
                text,
                edges,
                pairs,
                |window| bits(window, Some(&tables)),
                |bits, base, out| places(bits, base, out),
            ),
            None => super::read_by(
                text,
                edges,
                pairs,
                |window| bits(window, None),
                |bits, base, out| places(bits, base, out),
            ),
        }
    }

    #[inline]
    #[target_feature(enable = "avx512bw")]
    fn bits(window: &Window, tables: Option<&[__m512i; 4]>) -> Bits {
        let (Some(block), Some(next)) = (window.first_chunk::<BLOCK>(), window.last_chunk::<BLOCK>()) else {
            return Bits::default();
        };
        let bytes = load(block);
        let wide = _mm512_movepi8_mask(bytes);
        let letters = between(_mm512_or_si512(bytes, _mm512_set1_epi8(0x20)), b'a', b'z');
        let line = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(b'_' as i8));
        let words = letters | between(bytes, b'0', b'9') | line | wide;
        let Some([a, b, c, d]) = tables else { return Bits { words, wide, pairs: 0 } };
        let nibble = _mm512_set1_epi8(15);
        let of = |bytes: __m512i, low: __m512i, high: __m512i| {
            let low = _mm512_shuffle_epi8(low, _mm512_and_si512(bytes, nibble));
            let high = _mm512_shuffle_epi8(high, _mm512_and_si512(_mm512_srli_epi16::<4>(bytes), nibble));
            _mm512_and_si512(low, high)
        };
        Bits { words, wide, pairs: _mm512_test_epi8_mask(of(bytes, *a, *b), of(load(next), *c, *d)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_found_is_what_looking_at_each_byte_finds(
            text in "[a-zA-Z0-9_ .,;(){}\\[\\]`é漢@/:-]{0,200}", tables: [[u8; 16]; 4],
        ) {
            let nibbles = Nibbles { tables };
            let padded: Vec<u8> = text.bytes().chain([0, 0]).collect();
            let is_word = |at: usize| WORD[usize::from(padded[at])];
            let begins_or_ends = |at: &usize| is_word(*at) != (*at > 0 && is_word(at - 1));
            let expected_edges: Vec<u32> = (0..=text.len()).filter(begins_or_ends).map(|at| at as u32).collect();
            let [a, b, c, d] = &tables;
            let fits = |at: &usize| {
                let [one, two] = [padded[*at], padded[at + 1]];
                a[usize::from(one & 15)] & b[usize::from(one >> 4)] & c[usize::from(two & 15)] & d[usize::from(two >> 4)] != 0
            };
            let expected_pairs: Vec<u32> = (0..text.len()).filter(fits).map(|at| at as u32).collect();
            for level in Level::all() {
                let (mut edges, mut pairs) = (Vec::new(), Vec::new());
                let is_ascii = read_with(level, text.as_bytes(), Some(&nibbles), &mut edges, &mut pairs);
                prop_assert_eq!(is_ascii, text.is_ascii());
                prop_assert_eq!(&edges, &expected_edges, "{:?}", level);
                pairs.retain(|&at| (at as usize) < text.len());
                prop_assert_eq!(&pairs, &expected_pairs, "{:?}", level);
            }
        }
    }
}
