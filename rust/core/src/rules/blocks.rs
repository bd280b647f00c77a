//! A text 64 bytes at a time: where a literal may stand.

use crate::text::bits::{self, BLOCK, Level};

/// A block and the byte behind it.
type Window = [u8; BLOCK + 1];

/// Two bytes in a row that may belong to a literal, by their nibbles: eight groups, a bit each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Nibbles {
    /// First byte, low and high nibble; second byte, low and high nibble.
    pub tables: [[u8; 16]; 4],
}

/// Appends the places where the two bytes of a literal may stand. The processor has what the level says.
pub(super) fn read(level: Level, text: &[u8], nibbles: &Nibbles, pairs: &mut Vec<u32>) {
    match level {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the processor has these.
        Level::Avx512 => unsafe { avx512::read(text, nibbles, pairs) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the processor has these.
        Level::Avx2 => unsafe { avx2::read(text, nibbles, pairs) },
        Level::Plain => read_by(text, pairs, |window| plain(window, nibbles), bits::places),
    }
}

#[inline(always)]
fn read_by(
    text: &[u8],
    pairs: &mut Vec<u32>,
    bits_of: impl Fn(&Window) -> u64,
    places: impl Fn(u64, u32, &mut Vec<u32>),
) {
    let mut add = |bits: u64, base: usize| {
        if bits != 0 {
            places(bits, base as u32, pairs);
        }
    };
    let mut at = 0;
    while let Some(window) = text[at..].first_chunk() {
        add(bits_of(window), at);
        at += BLOCK;
    }
    // What is left has 64 bytes at most.
    let rest = &text[at..];
    if !rest.is_empty() {
        let mut window = [0; BLOCK + 1];
        window[..rest.len()].copy_from_slice(rest);
        add(bits_of(&window), at);
    }
}

/// A bit for each place.
fn plain(window: &Window, Nibbles { tables: [a, b, c, d] }: &Nibbles) -> u64 {
    window.windows(2).enumerate().fold(0, |bits, (at, two)| {
        let [low, high, next_low, next_high] = [two[0] & 15, two[0] >> 4, two[1] & 15, two[1] >> 4].map(usize::from);
        bits | u64::from(a[low] & b[high] & c[next_low] & d[next_high] != 0) << at
    })
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use super::{BLOCK, Nibbles, Window};
    use std::arch::x86_64::{
        __m256i, _mm_loadu_si128, _mm256_and_si256, _mm256_broadcastsi128_si256, _mm256_cmpeq_epi8, _mm256_loadu_si256,
        _mm256_movemask_epi8, _mm256_set1_epi8, _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_srli_epi16,
    };

    #[target_feature(enable = "avx2,bmi1,popcnt")]
    pub fn read(text: &[u8], nibbles: &Nibbles, pairs: &mut Vec<u32>) {
        let tables = nibbles.tables.each_ref().map(|table| both_halves(table));
        super::read_by(text, pairs, |window| bits(window, &tables), super::bits::places);
    }

    #[target_feature(enable = "avx2")]
    fn both_halves(table: &[u8; 16]) -> __m256i {
        // SAFETY: 16 bytes are read from an array of 16.
        _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(table.as_ptr().cast()) })
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn bits(window: &Window, [a, b, c, d]: &[__m256i; 4]) -> u64 {
        let nibble = _mm256_set1_epi8(15);
        let of = |at: usize, low: __m256i, high: __m256i| {
            assert!(at + 32 <= window.len());
            // SAFETY: 32 bytes from `at` lie inside.
            let bytes = unsafe { _mm256_loadu_si256(window.as_ptr().add(at).cast()) };
            let low = _mm256_shuffle_epi8(low, _mm256_and_si256(bytes, nibble));
            let high = _mm256_shuffle_epi8(high, _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), nibble));
            _mm256_and_si256(low, high)
        };
        [0, BLOCK / 2].into_iter().fold(0, |bits, shift| {
            let both = _mm256_and_si256(of(shift, *a, *b), of(shift + 1, *c, *d));
            let none = _mm256_movemask_epi8(_mm256_cmpeq_epi8(both, _mm256_setzero_si256())) as u32;
            bits | u64::from(!none) << shift
        })
    }
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use super::{BLOCK, Nibbles, Window};
    use crate::text::bits::avx512::{four_times, load, places};
    use std::arch::x86_64::{
        __m512i, _mm512_and_si512, _mm512_set1_epi8, _mm512_shuffle_epi8, _mm512_srli_epi16, _mm512_test_epi8_mask,
    };

    #[target_feature(enable = "avx512bw,avx512vbmi2,bmi1,popcnt")]
    pub fn read(text: &[u8], nibbles: &Nibbles, pairs: &mut Vec<u32>) {
        let tables = nibbles.tables.each_ref().map(|table| four_times(table));
        super::read_by(text, pairs, |window| bits(window, &tables), |bits, base, out| places(bits, base, out));
    }

    #[inline]
    #[target_feature(enable = "avx512bw")]
    fn bits(window: &Window, [a, b, c, d]: &[__m512i; 4]) -> u64 {
        let (Some(block), Some(next)) = (window.first_chunk::<BLOCK>(), window.last_chunk::<BLOCK>()) else { return 0 };
        let nibble = _mm512_set1_epi8(15);
        let of = |bytes: __m512i, low: __m512i, high: __m512i| {
            let low = _mm512_shuffle_epi8(low, _mm512_and_si512(bytes, nibble));
            let high = _mm512_shuffle_epi8(high, _mm512_and_si512(_mm512_srli_epi16::<4>(bytes), nibble));
            _mm512_and_si512(low, high)
        };
        _mm512_test_epi8_mask(of(load(block), *a, *b), of(load(next), *c, *d))
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
            let [a, b, c, d] = &tables;
            let fits = |at: &usize| {
                let [one, two] = [padded[*at], padded[at + 1]];
                a[usize::from(one & 15)] & b[usize::from(one >> 4)] & c[usize::from(two & 15)] & d[usize::from(two >> 4)] != 0
            };
            let expected: Vec<u32> = (0..text.len()).filter(fits).map(|at| at as u32).collect();
            for level in Level::all() {
                let mut pairs = Vec::new();
                read(level, text.as_bytes(), &nibbles, &mut pairs);
                pairs.retain(|&at| (at as usize) < text.len());
                prop_assert_eq!(&pairs, &expected, "{:?}", level);
            }
        }
    }
}
