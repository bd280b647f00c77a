//! Sixty-four bytes of text at a time, one bit a byte, and the places of such bits.

use super::chars;
use std::sync::atomic::{AtomicU8, Ordering};

/// Bytes of a block.
pub const BLOCK: usize = 64;

/// What 64 bytes are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bits {
    /// ASCII that is part of a word: letters of either case, digits, `_`.
    pub words: u64,
    /// ASCII that is a token of its own.
    pub singles: u64,
    /// ASCII digits.
    pub digits: u64,
    /// First bytes of characters beyond ASCII.
    pub wide: u64,
    /// First bytes of ideographs, which are among `wide`.
    pub ideographs: u64,
}

/// The ASCII characters that are tokens, as inclusive ranges: category S and `# % & * / \ @ ( ) [ ] { }`.
const SINGLES: [(u8, u8); 8] =
    [(b'#', b'&'), (b'(', b'+'), (b'/', b'/'), (b'<', b'>'), (b'@', b'@'), (b'[', b'^'), (b'`', b'`'), (b'{', b'~')];

/// The least byte that begins a character beyond ASCII.
const FIRST: u8 = 0xc0;

/// What stands for each ASCII byte in tables.
const WORD: u8 = 1;
const SINGLE: u8 = 2;

const KINDS: [u8; 128] = {
    let mut kinds = [0; 128];
    let mut byte = 0u8;
    while byte < 128 {
        if matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_') {
            kinds[byte as usize] = WORD;
        }
        let mut range = 0;
        while range < SINGLES.len() {
            if SINGLES[range].0 <= byte && byte <= SINGLES[range].1 && kinds[byte as usize] == 0 {
                kinds[byte as usize] = SINGLE;
            }
            range += 1;
        }
        byte += 1;
    }
    kinds
};

/// For each low nibble of a byte, the high nibbles (as bits) with which it is of a kind.
#[cfg(target_arch = "x86_64")]
const fn nibbles(kind: u8) -> [u8; 16] {
    let mut table = [0u8; 16];
    let mut byte = 0;
    while byte < 128 {
        if KINDS[byte] == kind {
            table[byte & 15] |= 1 << (byte >> 4);
        }
        byte += 1;
    }
    table
}

/// The instructions that the processor has, as far as they matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// No vectors of ours.
    Plain,
    /// AVX2.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512 with bytes, with 64-bit products, and with bytes put together by a mask (VBMI2).
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Level {
    /// All that this processor can do.
    #[cfg(test)]
    pub fn all() -> Vec<Self> {
        let mut all = vec![Self::Plain];
        #[cfg(target_arch = "x86_64")]
        match Self::here() {
            Self::Plain => {}
            Self::Avx2 => all.push(Self::Avx2),
            // It has AVX2 too.
            Self::Avx512 => all.extend([Self::Avx2, Self::Avx512]),
        }
        all
    }

    /// Of this processor; it is asked once.
    #[inline]
    pub fn here() -> Self {
        static KNOWN: AtomicU8 = AtomicU8::new(0);
        #[cfg(target_arch = "x86_64")]
        const AVX512: u8 = Level::Avx512 as u8 + 1;
        #[cfg(target_arch = "x86_64")]
        const AVX2: u8 = Level::Avx2 as u8 + 1;
        match KNOWN.load(Ordering::Relaxed) {
            0 => {
                let level = Self::of_processor();
                KNOWN.store(level as u8 + 1, Ordering::Relaxed);
                level
            }
            #[cfg(target_arch = "x86_64")]
            AVX512 => Self::Avx512,
            #[cfg(target_arch = "x86_64")]
            AVX2 => Self::Avx2,
            _ => Self::Plain,
        }
    }

    #[cold]
    fn of_processor() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512vbmi2")
                && is_x86_feature_detected!("bmi1")
                && is_x86_feature_detected!("popcnt")
            {
                return Self::Avx512;
            }
            if is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("bmi1")
                && is_x86_feature_detected!("popcnt")
            {
                return Self::Avx2;
            }
        }
        Self::Plain
    }
}

/// The definition of what a block is.
pub fn plain(block: &[u8; BLOCK]) -> Bits {
    let mut bits = Bits::default();
    for (at, &byte) in block.iter().enumerate() {
        let bit = 1u64 << at;
        match KINDS.get(usize::from(byte)) {
            Some(&WORD) => bits.words |= bit,
            Some(&SINGLE) => bits.singles |= bit,
            Some(_) => {}
            None => {
                if byte >= FIRST {
                    bits.wide |= bit;
                }
                if chars::is_ideograph_lead(byte) {
                    bits.ideographs |= bit;
                }
            }
        }
        if byte.is_ascii_digit() {
            bits.digits |= bit;
        }
    }
    bits
}

/// Appends the places of the bits, counted from `base`. Eight at a time, wanted or not: cheaper than to guess
/// their number.
#[inline(always)]
pub fn places(mut bits: u64, base: u32, out: &mut Vec<u32>) {
    let count = bits.count_ones() as usize;
    out.reserve(BLOCK);
    for eight in out.spare_capacity_mut()[..BLOCK].as_chunks_mut::<8>().0.iter_mut().take(count.div_ceil(8)) {
        for place in eight {
            place.write(base + bits.trailing_zeros());
            bits &= bits.wrapping_sub(1);
        }
    }
    // SAFETY: so many were written behind the others, and a word has 64 bits at most.
    unsafe { out.set_len(out.len() + count) };
}

/// The same by AVX2.
#[cfg(target_arch = "x86_64")]
pub mod avx2 {
    use super::{BLOCK, Bits, FIRST, SINGLE, WORD, chars, nibbles};
    use std::arch::x86_64::{
        __m128i, __m256i, _mm_loadu_si128, _mm256_and_si256, _mm256_broadcastsi128_si256, _mm256_cmpeq_epi8,
        _mm256_cmpgt_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_set1_epi8, _mm256_setr_epi8,
        _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_srli_epi16,
    };

    const TABLES: [[u8; 16]; 2] = [nibbles(WORD), nibbles(SINGLE)];

    /// What a block is.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub fn bits(block: &[u8; BLOCK]) -> Bits {
        let mut bits = Bits::default();
        let high_bits = _mm256_setr_epi8(
            1, 2, 4, 8, 16, 32, 64, -128, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, -128, 0, 0, 0, 0, 0, 0, 0, 0,
        );
        let table = |table: &[u8; 16]| -> __m256i {
            // SAFETY: 16 bytes are read from an array of 16.
            let half: __m128i = unsafe { _mm_loadu_si128(table.as_ptr().cast()) };
            _mm256_broadcastsi128_si256(half)
        };
        let (words, singles) = (table(&TABLES[0]), table(&TABLES[1]));
        for shift in [0, BLOCK / 2] {
            // SAFETY: the block holds 64 bytes.
            let bytes = unsafe { _mm256_loadu_si256(block.as_ptr().add(shift).cast()) };
            let high = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), _mm256_set1_epi8(15));
            let high = _mm256_shuffle_epi8(high_bits, high);
            // A byte from 0x80 on selects zero.
            let member = |table: __m256i| -> u64 {
                let rows = _mm256_and_si256(_mm256_shuffle_epi8(table, bytes), high);
                u64::from(!_mm256_movemask_epi8(_mm256_cmpeq_epi8(rows, _mm256_setzero_si256())) as u32)
            };
            // Signed comparison: bytes from 0x80 on are negative.
            let between = |low: u8, high: u8| -> u64 {
                let above = _mm256_cmpgt_epi8(bytes, _mm256_set1_epi8((low as i8).wrapping_sub(1)));
                let below = _mm256_cmpgt_epi8(_mm256_set1_epi8((high as i8).wrapping_add(1)), bytes);
                u64::from(_mm256_movemask_epi8(_mm256_and_si256(above, below)) as u32)
            };
            bits.words |= member(words) << shift;
            bits.singles |= member(singles) << shift;
            bits.digits |= between(b'0', b'9') << shift;
            bits.wide |= between(FIRST, 0xff) << shift;
            bits.ideographs |= between(chars::IDEOGRAPHS.0, chars::IDEOGRAPHS.1) << shift;
        }
        bits
    }
}

/// The same by AVX-512.
#[cfg(target_arch = "x86_64")]
pub mod avx512 {
    use super::{BLOCK, Bits, FIRST, SINGLE, WORD, chars, nibbles};
    use std::arch::x86_64::{
        __m512i, _mm_loadu_si128, _mm512_add_epi32, _mm512_and_si512, _mm512_broadcast_i32x4, _mm512_cmple_epu8_mask,
        _mm512_cvtepu8_epi32, _mm512_extracti32x4_epi32, _mm512_loadu_si512, _mm512_maskz_compress_epi8,
        _mm512_set1_epi8, _mm512_set1_epi32, _mm512_shuffle_epi8, _mm512_srli_epi16, _mm512_storeu_si512,
        _mm512_sub_epi8, _mm512_test_epi8_mask,
    };

    const TABLES: [[u8; 16]; 2] = [nibbles(WORD), nibbles(SINGLE)];
    const HIGH_BITS: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 0, 0, 0, 0, 0, 0, 0, 0];

    const NUMBERS: [u8; BLOCK] = {
        let mut numbers = [0; BLOCK];
        let mut at = 0;
        while at < BLOCK {
            numbers[at] = at as u8;
            at += 1;
        }
        numbers
    };

    /// Sixteen bytes, four times.
    #[inline]
    #[target_feature(enable = "avx512bw")]
    pub fn four_times(table: &[u8; 16]) -> __m512i {
        // SAFETY: 16 bytes are read from an array of 16.
        _mm512_broadcast_i32x4(unsafe { _mm_loadu_si128(table.as_ptr().cast()) })
    }

    /// The bytes of a block.
    #[inline]
    #[target_feature(enable = "avx512bw")]
    pub fn load(block: &[u8; BLOCK]) -> __m512i {
        // SAFETY: the block holds 64 bytes.
        unsafe { _mm512_loadu_si512(block.as_ptr().cast()) }
    }

    /// Bytes between two others.
    #[inline]
    #[target_feature(enable = "avx512bw")]
    pub fn between(bytes: __m512i, low: u8, high: u8) -> u64 {
        _mm512_cmple_epu8_mask(
            _mm512_sub_epi8(bytes, _mm512_set1_epi8(low as i8)),
            _mm512_set1_epi8((high - low) as i8),
        )
    }

    /// What a block is.
    #[inline]
    #[target_feature(enable = "avx512bw")]
    pub fn bits(block: &[u8; BLOCK]) -> Bits {
        let bytes = load(block);
        let high = _mm512_and_si512(_mm512_srli_epi16::<4>(bytes), _mm512_set1_epi8(15));
        let high = _mm512_shuffle_epi8(four_times(&HIGH_BITS), high);
        // A byte from 0x80 on selects zero.
        let member = |table: &[u8; 16]| _mm512_test_epi8_mask(_mm512_shuffle_epi8(four_times(table), bytes), high);
        Bits {
            words: member(&TABLES[0]),
            singles: member(&TABLES[1]),
            digits: between(bytes, b'0', b'9'),
            wide: between(bytes, FIRST, 0xff),
            ideographs: between(bytes, chars::IDEOGRAPHS.0, chars::IDEOGRAPHS.1),
        }
    }

    /// Appends the places of the bits, counted from `base`.
    #[inline]
    #[target_feature(enable = "avx512bw,avx512vbmi2,popcnt")]
    pub fn places(bits: u64, base: u32, out: &mut Vec<u32>) {
        let count = bits.count_ones() as usize;
        out.reserve(BLOCK);
        let numbers = _mm512_maskz_compress_epi8(bits, load(&NUMBERS));
        let base = _mm512_set1_epi32(base as i32);
        // SAFETY: room for 64 was made, sixteen are written at each of the four places, and all of the first
        // `count` that are behind the others then were written.
        unsafe {
            let to = out.as_mut_ptr().add(out.len());
            let store = |quarter: usize, of| {
                _mm512_storeu_si512(to.add(quarter * 16).cast(), _mm512_add_epi32(_mm512_cvtepu8_epi32(of), base));
            };
            store(0, _mm512_extracti32x4_epi32::<0>(numbers));
            if count > 16 {
                store(1, _mm512_extracti32x4_epi32::<1>(numbers));
                if count > 32 {
                    store(2, _mm512_extracti32x4_epi32::<2>(numbers));
                    store(3, _mm512_extracti32x4_epi32::<3>(numbers));
                }
            }
            out.set_len(out.len() + count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::chars::{KIND, class};
    use proptest::prelude::*;

    #[test]
    fn every_ascii_byte_by_the_table() {
        for byte in 0..128u8 {
            let mut block = [b' '; BLOCK];
            block[17] = byte;
            let bits = plain(&block);
            let kind = class(char::from(byte)) & KIND;
            assert_eq!(bits.words != 0, kind == chars::WORD, "{byte}");
            assert_eq!(bits.singles != 0, kind == chars::SINGLE, "{byte}");
            assert_eq!(bits.digits != 0, byte.is_ascii_digit());
            assert_eq!(bits.wide, 0);
        }
    }

    proptest! {
        #[test]
        fn vectors_agree_with_the_definition(block: [u8; BLOCK], bits: u64, base in 0u32..1 << 31) {
            let expected = plain(&block);
            let there: Vec<u32> = (0..64).filter(|at| bits >> at & 1 == 1).map(|at| base + at).collect();
            let mut found = vec![7];
            places(bits, base, &mut found);
            prop_assert_eq!(&found[1..], &there[..]);
            #[cfg(target_arch = "x86_64")]
            if Level::here() != Level::Plain {
                // SAFETY: the processor has AVX2.
                prop_assert_eq!(unsafe { avx2::bits(&block) }, expected);
            }
            #[cfg(target_arch = "x86_64")]
            if Level::here() == Level::Avx512 {
                // SAFETY: the processor has these.
                prop_assert_eq!(unsafe { avx512::bits(&block) }, expected);
                let mut found = vec![7];
                // SAFETY: as above.
                unsafe { avx512::places(bits, base, &mut found) };
                prop_assert_eq!(&found[1..], &there[..]);
            }
        }
    }
}
