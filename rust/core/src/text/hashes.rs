//! The hashes of many tokens of a text at once: eight at a time where the processor can.

use super::bits::Level;
use super::hash;

/// Bytes that a hash takes in one step.
const STEP: usize = 16;

/// Bytes with the highest bit, a quarter of which parts upper from lower case; digits have that one, `_` becomes
/// another unused byte.
const WIDE: u128 = u128::from_le_bytes([0x80; STEP]);

/// How tokens are hashed.
pub trait Hasher {
    /// Whether ASCII letters are hashed in lower case. Tokens with other letters that may have a case are left to
    /// `one` then.
    const LOWER: bool;

    /// Whether 16 bytes follow the start of every token.
    const PADDED: bool;

    /// Hash and first four bytes of a token that is longer than most, or whose case is not plain.
    fn one(&self, text: &[u8], start: usize, end: usize) -> (u64, u32);
}

/// Where hashes go.
#[derive(Debug)]
pub struct Out<'o> {
    /// The hash of each token.
    pub hashes: &'o mut Vec<u64>,
    /// Its first four bytes, zeros behind a shorter one; with [`Hasher::LOWER`] only.
    pub heads: &'o mut Vec<u32>,
}

/// Appends what the tokens of a text are, given by where they start and end.
pub fn read<H: Hasher>(level: Level, text: &[u8], starts: &[u32], ends: &[u32], hasher: &H, out: Out<'_>) {
    #[cfg(target_arch = "x86_64")]
    if level == Level::Avx512 && text.len() >= STEP {
        // SAFETY: the processor has these, and the text is long enough.
        unsafe { avx512::read(text, starts, ends, hasher, out) };
        return;
    }
    let _ = level;
    for (&start, &end) in starts.iter().zip(ends) {
        let (hash, head) = plain(text, start as usize, end as usize, hasher);
        out.hashes.push(hash);
        if H::LOWER {
            out.heads.push(head);
        }
    }
}

/// The definition.
#[inline(always)]
fn plain<H: Hasher>(text: &[u8], start: usize, end: usize, hasher: &H) -> (u64, u32) {
    let length = end - start;
    if length > STEP || text.len() < STEP {
        return hasher.one(text, start, end);
    }
    // Near the end: the last 16 bytes without those before the token.
    let from = start.min(text.len() - STEP);
    let Some(sixteen) = text[from..].first_chunk() else { return hasher.one(text, start, end) };
    let sixteen = u128::from_le_bytes(*sixteen) >> (8 * (start - from));
    let mask = if length == STEP { u128::MAX } else { (1 << (8 * length)) - 1 };
    if H::LOWER && sixteen & mask & WIDE != 0 && !is_caseless_alone(sixteen as u8, length) {
        return hasher.one(text, start, end);
    }
    let both = if H::LOWER { sixteen | (WIDE & !sixteen) >> 2 } else { sixteen } & mask;
    (hash::halves([both as u64, (both >> 64) as u64], length as u64), both as u32)
}

/// Whether a token is one character from U+3000 to U+9FFF or from U+B000 to U+DFFF, by its first byte and its
/// length: those have no case.
#[inline(always)]
fn is_caseless_alone(first: u8, length: usize) -> bool {
    length == 3 && matches!(first, 0xE3..=0xE9 | 0xEB..=0xED)
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use super::{Hasher, Out, STEP};
    use crate::text::hash::{LENGTH, MULTIPLIERS, SEEDS};
    use std::arch::x86_64::{
        __m512i, _mm256_maskz_loadu_epi32, _mm256_storeu_si256, _mm512_and_si512, _mm512_andnot_si512,
        _mm512_cmpeq_epi64_mask, _mm512_cmpgt_epu64_mask, _mm512_cmple_epu64_mask, _mm512_cvtepi64_epi32,
        _mm512_cvtepu32_epi64, _mm512_i64gather_epi64, _mm512_max_epi64, _mm512_min_epu64, _mm512_mullo_epi64,
        _mm512_or_si512, _mm512_set1_epi8, _mm512_set1_epi64, _mm512_setzero_si512, _mm512_slli_epi64,
        _mm512_sllv_epi64, _mm512_srli_epi64, _mm512_srlv_epi64, _mm512_storeu_si512, _mm512_sub_epi64,
        _mm512_test_epi64_mask, _mm512_xor_si512,
    };

    const LANES: usize = 8;

    /// # Safety
    /// The text has at least 16 bytes, and each token lies inside.
    #[target_feature(enable = "avx512bw,avx512dq,avx512vl,bmi1")]
    pub unsafe fn read<H: Hasher>(text: &[u8], starts: &[u32], ends: &[u32], hasher: &H, out: Out<'_>) {
        let set = |value: u64| _mm512_set1_epi64(value as i64);
        let count = starts.len().min(ends.len());
        let last = set((text.len() - STEP) as u64);
        // Eight are written, wanted or not.
        out.hashes.reserve(count + LANES);
        if H::LOWER {
            out.heads.reserve(count + LANES);
        }
        for at in (0..count).step_by(LANES) {
            let lanes = (count - at).min(LANES);
            let there = u8::MAX >> (LANES - lanes);
            // SAFETY: the mask leaves the lanes that exist.
            let [start, end] = unsafe {
                [starts, ends].map(|places| {
                    _mm512_cvtepu32_epi64(_mm256_maskz_loadu_epi32(there, places.as_ptr().add(at).cast()))
                })
            };
            let length = _mm512_sub_epi64(end, start);
            // Near the end: the last 16 bytes without those before the token. A shift by 64 or more gives zero.
            let from = _mm512_min_epu64(start, last);
            // SAFETY: 16 bytes from `from` on lie inside the text.
            let [low, high] =
                unsafe { [0, 8].map(|ahead| _mm512_i64gather_epi64::<1>(from, text.as_ptr().add(ahead).cast())) };
            let (low, high) = if H::PADDED {
                (low, high)
            } else {
                let before = _mm512_slli_epi64::<3>(_mm512_sub_epi64(start, from));
                let over = _mm512_or_si512(
                    _mm512_sllv_epi64(high, _mm512_sub_epi64(set(64), before)),
                    _mm512_srlv_epi64(high, _mm512_sub_epi64(before, set(64))),
                );
                (_mm512_or_si512(_mm512_srlv_epi64(low, before), over), _mm512_srlv_epi64(high, before))
            };
            // The bytes behind the token are not its own.
            let own = |of: __m512i, until: u64| {
                let rest = _mm512_sub_epi64(set(until), _mm512_slli_epi64::<3>(length));
                let rest = _mm512_max_epi64(rest, _mm512_setzero_si512());
                _mm512_and_si512(of, _mm512_srlv_epi64(set(u64::MAX), rest))
            };
            let (mut low, mut high) = (own(low, 64), own(high, 128));
            let mut alone = _mm512_cmpgt_epu64_mask(length, set(STEP as u64));
            if H::LOWER {
                let wide = _mm512_set1_epi8(i8::MIN);
                let is_wide = _mm512_test_epi64_mask(_mm512_or_si512(low, high), wide);
                if is_wide != 0 {
                    let first = _mm512_and_si512(low, set(0xFF));
                    let caseless = _mm512_cmple_epu64_mask(_mm512_sub_epi64(first, set(0xE3)), set(10))
                        & !_mm512_cmpeq_epi64_mask(first, set(0xEA))
                        & _mm512_cmpeq_epi64_mask(length, set(3));
                    alone |= is_wide & !caseless;
                }
                let lower = |of: __m512i| {
                    let case = _mm512_srli_epi64::<2>(_mm512_andnot_si512(of, wide));
                    _mm512_or_si512(of, case)
                };
                (low, high) = (own(lower(low), 64), own(lower(high), 128));
            }
            let hash = hash(low, high, length);
            let done = out.hashes.len();
            // SAFETY: there is room for eight behind what is there, and so many of them as there are lanes count.
            unsafe {
                _mm512_storeu_si512(out.hashes.as_mut_ptr().add(done).cast(), hash);
                out.hashes.set_len(done + lanes);
                if H::LOWER {
                    let heads = out.heads.len();
                    _mm256_storeu_si256(out.heads.as_mut_ptr().add(heads).cast(), _mm512_cvtepi64_epi32(low));
                    out.heads.set_len(heads + lanes);
                }
            }
            alone &= there;
            while alone != 0 {
                let lane = alone.trailing_zeros() as usize;
                alone &= alone - 1;
                let (hash, head) = hasher.one(text, starts[at + lane] as usize, ends[at + lane] as usize);
                out.hashes[done + lane] = hash;
                if H::LOWER {
                    let heads = out.heads.len() - lanes;
                    out.heads[heads + lane] = head;
                }
            }
        }
    }

    /// `hash::halves`, eight times.
    #[inline]
    #[target_feature(enable = "avx512bw,avx512dq")]
    fn hash(low: __m512i, high: __m512i, length: __m512i) -> __m512i {
        let set = |value: u64| _mm512_set1_epi64(value as i64);
        let spread = |of: __m512i| _mm512_xor_si512(of, _mm512_srli_epi64::<32>(of));
        let high = _mm512_xor_si512(_mm512_xor_si512(high, set(SEEDS[1])), _mm512_slli_epi64::<LENGTH>(length));
        let low = _mm512_mullo_epi64(_mm512_xor_si512(low, set(SEEDS[0])), set(MULTIPLIERS[0]));
        spread(_mm512_mullo_epi64(_mm512_xor_si512(spread(low), high), set(MULTIPLIERS[1])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Says which tokens were left to it.
    struct Case<const LOWER: bool, const PADDED: bool>;

    impl<const LOWER: bool, const PADDED: bool> Hasher for Case<LOWER, PADDED> {
        const LOWER: bool = LOWER;
        const PADDED: bool = PADDED;

        fn one(&self, _: &[u8], start: usize, end: usize) -> (u64, u32) {
            (u64::MAX - start as u64, end as u32)
        }
    }

    fn check<const LOWER: bool, const PADDED: bool>(text: &str, cuts: &[usize]) -> Result<(), TestCaseError> {
        let starts: Vec<u32> = cuts.iter().step_by(2).map(|&at| at as u32).collect();
        let ends: Vec<u32> = cuts.iter().skip(1).step_by(2).map(|&at| at as u32).collect();
        let (mut expected, mut heads) = (vec![1], vec![2]);
        for (&start, &end) in starts.iter().zip(&ends) {
            let (start, end) = (start as usize, end as usize);
            let token = &text[start..end];
            let plain = token.is_ascii() || is_caseless_alone(token.as_bytes()[0], token.len());
            let is_for_one = token.len() > STEP || text.len() < STEP || LOWER && !plain;
            if is_for_one {
                expected.push(u64::MAX - start as u64);
                heads.push(end as u32);
                continue;
            }
            let mut padded = [0; 16];
            for (to, byte) in padded.iter_mut().zip(token.bytes()) {
                *to = if LOWER && byte.is_ascii() { byte | 0x20 } else { byte };
            }
            let both = u128::from_le_bytes(padded);
            expected.push(hash::halves([both as u64, (both >> 64) as u64], token.len() as u64));
            heads.push(both as u32);
        }
        heads.truncate(if LOWER { usize::MAX } else { 1 });
        for level in Level::all() {
            let (mut hashes, mut found) = (vec![1], vec![2]);
            let out = Out { hashes: &mut hashes, heads: &mut found };
            read(level, text.as_bytes(), &starts, &ends, &Case::<LOWER, PADDED>, out);
            prop_assert_eq!(&hashes, &expected, "{:?}", level);
            prop_assert_eq!(&found, &heads, "{:?}", level);
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn every_level_gives_what_the_bytes_give(
            text in "([a-zA-Z_0-9]{1,20}|[ éß漢가ꙀＡ\\[\\]@]){0,40}", places in proptest::collection::vec(any::<prop::sample::Index>(), 0..60),
        ) {
            let boundaries: Vec<usize> = (0..=text.len()).filter(|&at| text.is_char_boundary(at)).collect();
            let mut cuts: Vec<usize> = places.iter().map(|place| boundaries[place.index(boundaries.len())]).collect();
            cuts.sort_unstable();
            cuts.dedup();
            cuts.truncate(cuts.len() / 2 * 2);
            check::<true, false>(&text, &cuts)?;
            check::<false, false>(&text, &cuts)?;
            check::<false, true>(&format!("{text}{}", "\0".repeat(STEP)), &cuts)?;
        }
    }
}
