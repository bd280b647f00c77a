//! Which words a phrase may begin with: three filters looked at for every word, eight words at a time where the
//! processor can. Nearly every word is none, and where the others are cannot be guessed.

use super::table::Filter;
use super::words::View;
use crate::text::bits::Level;

/// A word that a phrase may begin with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub(super) struct Begin {
    /// Its number.
    pub at: u32,
    /// A bit for each kind of beginning: the word, the two words, a stem.
    pub kinds: u32,
}

/// The hashes of words are even in all their bits: nothing has to be mixed again.
pub(super) fn pair(first: u64, second: u64) -> u64 {
    first.rotate_left(29) ^ second
}

/// The hash of a stem by its first four bytes.
pub(super) fn stem(head: u32) -> u32 {
    let product = head.wrapping_mul(STEM);
    product ^ product >> 16
}

const STEM: u32 = 0x9E37_79B1;

/// For each kind of beginning, the hashes that there are.
pub(super) type Filters = [Filter; 3];

/// Appends the words that a phrase may begin with. The processor has what the level says.
pub(super) fn find(level: Level, filters: &Filters, words: View<'_>, out: &mut Vec<Begin>) {
    match level {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the processor has these.
        Level::Avx512 => unsafe { avx512::find(filters, words, out) },
        _ => {
            for at in 0..words.len() {
                let begin = self::at(filters, words, at);
                if begin.kinds != 0 {
                    out.push(begin);
                }
            }
        }
    }
}

/// What may begin with a word.
#[inline(always)]
pub(super) fn at([first, pairs, stems]: &Filters, words: View<'_>, at: usize) -> Begin {
    let hash = words.hashes[at];
    let next = words.hashes.get(at + 1).copied().unwrap_or(0);
    let may = |filter: &Filter, hash: u32, kind: u32| u32::from(filter.may_have(hash)) << kind;
    let kinds =
        may(first, hash as u32, 0) | may(pairs, pair(hash, next) as u32, 1) | may(stems, stem(words.heads[at]), 2);
    Begin { at: at as u32, kinds }
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use super::{Begin, Filter, Filters, STEM, View};
    use std::arch::x86_64::{
        __m256i, _mm256_and_si256, _mm256_cmpeq_epi32_mask, _mm256_maskz_loadu_epi32, _mm256_mmask_i32gather_epi32,
        _mm256_mullo_epi32, _mm256_or_si256, _mm256_set1_epi32, _mm256_setzero_si256, _mm256_sllv_epi32,
        _mm256_srli_epi32, _mm256_xor_si256, _mm512_add_epi64, _mm512_cvtepi64_epi32, _mm512_mask_or_epi64,
        _mm512_maskz_compress_epi64, _mm512_maskz_loadu_epi64, _mm512_rol_epi64, _mm512_set1_epi64, _mm512_setr_epi64,
        _mm512_storeu_si512, _mm512_xor_si512,
    };

    const LANES: usize = 8;

    #[target_feature(enable = "avx512bw,avx512dq,avx512vl,popcnt")]
    pub fn find([first, pairs, stems]: &Filters, words: View<'_>, out: &mut Vec<Begin>) {
        let may = |filter: &Filter, hashes: __m256i, there: u8| {
            let (bits, mask) = filter.parts();
            let places = _mm256_and_si256(hashes, _mm256_set1_epi32(mask as i32));
            let at = _mm256_srli_epi32::<5>(places);
            // SAFETY: the mask leaves places whose 32 bits are there.
            let bits =
                unsafe { _mm256_mmask_i32gather_epi32::<4>(_mm256_setzero_si256(), there, at, bits.as_ptr().cast()) };
            let bit = |number: __m256i| _mm256_sllv_epi32(_mm256_set1_epi32(1), number);
            let low = _mm256_and_si256(hashes, _mm256_set1_epi32(31));
            let both = _mm256_or_si256(bit(low), bit(_mm256_srli_epi32::<27>(hashes)));
            _mm256_cmpeq_epi32_mask(_mm256_and_si256(bits, both), both)
        };
        let count = words.len();
        // Eight are written, wanted or not.
        out.reserve(count + LANES);
        let mut numbers = _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7);
        for at in (0..count).step_by(LANES) {
            let left = count - at;
            // The words that are left, and those that have another behind them; there may be none of these.
            let [there, ahead] = [left, left - 1].map(|count| (0xFF_u16 >> LANES.saturating_sub(count)) as u8);
            // SAFETY: the masks leave the words that there are.
            let (hashes, next, heads) = unsafe {
                (
                    _mm512_maskz_loadu_epi64(there, words.hashes.as_ptr().add(at).cast()),
                    _mm512_maskz_loadu_epi64(ahead, words.hashes.as_ptr().add(at + 1).cast()),
                    _mm256_maskz_loadu_epi32(there, words.heads.as_ptr().add(at).cast()),
                )
            };
            let two = _mm512_xor_si512(_mm512_rol_epi64::<29>(hashes), next);
            let product = _mm256_mullo_epi32(heads, _mm256_set1_epi32(STEM as i32));
            let stem = _mm256_xor_si256(product, _mm256_srli_epi32::<16>(product));
            let one = may(first, _mm512_cvtepi64_epi32(hashes), there);
            let two = may(pairs, _mm512_cvtepi64_epi32(two), there);
            let stem = may(stems, stem, there);
            let any = one | two | stem;
            let kind = |to, which: u8, kind: i64| _mm512_mask_or_epi64(to, which, to, _mm512_set1_epi64(kind << 32));
            let begins = kind(kind(kind(numbers, one, 1), two, 2), stem, 4);
            // SAFETY: there is room for eight behind what is there, and those that are meant are in front.
            unsafe {
                let to = out.as_mut_ptr().add(out.len());
                _mm512_storeu_si512(to.cast(), _mm512_maskz_compress_epi64(any, begins));
                out.set_len(out.len() + any.count_ones() as usize);
            }
            numbers = _mm512_add_epi64(numbers, _mm512_set1_epi64(LANES as i64));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::words::Words;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_level_finds_the_same(
            text in "[a-e ]{0,120}", puts in proptest::collection::vec((0usize..60, 0usize..3), 0..20),
        ) {
            let mut words = Words::default();
            words.read(&text);
            let words = words.all();
            let mut hashes = [const { Vec::new() }; 3];
            for (word, kind) in puts {
                if word + 1 < words.len() {
                    let all = [
                        words.hashes[word] as u32,
                        pair(words.hashes[word], words.hashes[word + 1]) as u32,
                        stem(words.heads[word]),
                    ];
                    hashes[kind].push(all[kind]);
                }
            }
            let filters = hashes.map(|hashes| Filter::new(&hashes));
            let expected: Vec<Begin> =
                (0..words.len()).map(|word| at(&filters, words, word)).filter(|begin| begin.kinds != 0).collect();
            for level in Level::all() {
                let mut found = vec![Begin::default()];
                find(level, &filters, words, &mut found);
                prop_assert_eq!(&found[1..], &expected[..], "{:?}", level);
            }
        }
    }
}
