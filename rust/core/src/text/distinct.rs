//! The distinct ones of a few hundred hashes.

/// Up to so many hashes sixteen places for each are little memory, and one look at each is enough.
const FEW: usize = 4_096;
/// Hashes that share a place with another one and are looked at one by one.
const ODD: usize = 64;

/// Hashes looked at together.
const LANES: usize = 8;

/// Reused buffers.
#[derive(Debug, Default)]
pub struct Distinct {
    /// Which hash was the last to take a place. Never cleared: what is read was written for the same hashes.
    last: Vec<u32>,
    /// Hashes whose place was taken by a later one.
    passed: Vec<u32>,
    /// As `last` for many hashes: number of the hash from 1, or 0.
    first: Vec<u32>,
}

impl Distinct {
    /// Leaves one of each value in `hashes[start..]`, in an order that only depends on the values and
    /// their order; how many. The low bits must be spread well.
    pub fn keep(&mut self, hashes: &mut Vec<u64>, start: usize) -> usize {
        let few = hashes.len() - start <= FEW;
        if !(few && self.few(hashes, start)) {
            self.many(hashes, start);
        }
        hashes.len() - start
    }

    /// Every hash takes its place, then looks whether it still has it: without a guess, as nearly all
    /// have. `false` if too many share places, which chance does not bring about.
    fn few(&mut self, hashes: &mut Vec<u64>, start: usize) -> bool {
        let here = &hashes[start..];
        // Sixteen places a hash: one in thirty shares its place with another.
        let size = (here.len() * 16).next_power_of_two();
        if self.last.len() < size {
            self.last.resize(size, 0);
            self.passed.resize(size / 16 + LANES, 0);
        }
        let (last, passed) = (&mut self.last[..size], &mut self.passed[..size / 16 + LANES]);
        for (number, &hash) in here.iter().enumerate() {
            last[hash as usize & (size - 1)] = number as u32;
        }
        let count = overtaken(here, last, passed);
        // The doubles among them, as their numbers.
        let mut doubles = 0;
        let (mut odd, mut odds) = ([0; ODD], 0);
        for at in 0..count {
            let number = passed[at];
            let hash = here[number as usize];
            let double = here[last[hash as usize & (size - 1)] as usize] == hash || odd[..odds].contains(&hash);
            if double {
                passed[doubles] = number;
                doubles += 1;
            } else if odds < ODD {
                odd[odds] = hash;
                odds += 1;
            } else {
                return false;
            }
        }
        // From the end: what takes a place from there stays.
        for &number in passed[..doubles].iter().rev() {
            hashes.swap_remove(start + number as usize);
        }
        true
    }

    fn many(&mut self, hashes: &mut Vec<u64>, start: usize) {
        let here = &mut hashes[start..];
        let mask = (here.len() * 4).next_power_of_two() - 1;
        self.first.clear();
        self.first.resize(mask + 1, 0);
        let mut kept = 0;
        for at in 0..here.len() {
            let hash = here[at];
            let mut place = hash as usize & mask;
            loop {
                match self.first[place] {
                    0 => {
                        here[kept] = hash;
                        kept += 1;
                        self.first[place] = kept as u32;
                        break;
                    }
                    number if here[number as usize - 1] == hash => break,
                    _ => place = (place + 1) & mask,
                }
            }
        }
        hashes.truncate(start + kept);
    }
}

/// Writes the numbers of the hashes that are not the last at their place; how many. `last` has a power of
/// two of places, `passed` room for all numbers and `LANES` more.
fn overtaken(hashes: &[u64], last: &[u32], passed: &mut [u32]) -> usize {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512vl") && is_x86_feature_detected!("popcnt") {
        assert!(last.len().is_power_of_two() && passed.len() >= hashes.len() + LANES);
        // SAFETY: the processor has AVX-512, and the lengths are as they should be.
        return unsafe { overtaken_avx512(hashes, last, passed) };
    }
    overtaken_plain(hashes, 0, last, passed, 0)
}

/// The same for the hashes from `from` on, after `count` numbers that are written already.
fn overtaken_plain(hashes: &[u64], from: usize, last: &[u32], passed: &mut [u32], mut count: usize) -> usize {
    for (number, &hash) in hashes.iter().enumerate().skip(from) {
        passed[count] = number as u32;
        count += usize::from(last[hash as usize & (last.len() - 1)] != number as u32);
    }
    count
}

/// Eight at a time.
///
/// # Safety
///
/// `last` has a power of two of places, `passed` room for all numbers and `LANES` more.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx2,popcnt")]
unsafe fn overtaken_avx512(hashes: &[u64], last: &[u32], passed: &mut [u32]) -> usize {
    use std::arch::x86_64::{
        _mm256_add_epi32, _mm256_and_si256, _mm256_cmpneq_epi32_mask, _mm256_i32gather_epi32,
        _mm256_maskz_compress_epi32, _mm256_set1_epi32, _mm256_setr_epi32, _mm256_storeu_si256, _mm512_cvtepi64_epi32,
        _mm512_loadu_si512,
    };
    let mask = _mm256_set1_epi32((last.len() - 1) as i32);
    let step = _mm256_set1_epi32(LANES as i32);
    let mut numbers = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    let mut count = 0;
    let (whole, _) = hashes.as_chunks::<LANES>();
    for hashes in whole {
        // SAFETY: the places are below the length of `last`; `count` is at most the number of hashes before.
        unsafe {
            let places = _mm256_and_si256(_mm512_cvtepi64_epi32(_mm512_loadu_si512(hashes.as_ptr().cast())), mask);
            let found = _mm256_i32gather_epi32::<4>(last.as_ptr().cast(), places);
            let other = _mm256_cmpneq_epi32_mask(found, numbers);
            let out = passed.as_mut_ptr().add(count).cast();
            _mm256_storeu_si256(out, _mm256_maskz_compress_epi32(other, numbers));
            count += other.count_ones() as usize;
        }
        numbers = _mm256_add_epi32(numbers, step);
    }
    overtaken_plain(hashes, whole.len() * LANES, last, passed, count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::hash::mix;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn check(distinct: &mut Distinct, values: &[u64]) {
        let mut hashes = vec![7, 7];
        hashes.extend(values);
        let count = distinct.keep(&mut hashes, 2);
        assert_eq!(hashes.len(), count + 2);
        assert_eq!(hashes[..2], [7, 7]);
        let kept: BTreeSet<u64> = hashes[2..].iter().copied().collect();
        assert_eq!((kept.len(), kept), (count, values.iter().copied().collect()));
    }

    proptest! {
        /// What was left in the places by earlier texts says nothing about later ones.
        #[test]
        fn one_of_each(texts in proptest::collection::vec(proptest::collection::vec(0u64..200, 0..300), 1..6)) {
            let mut distinct = Distinct::default();
            for text in texts {
                check(&mut distinct, &text.into_iter().map(mix).collect::<Vec<_>>());
            }
        }

        /// Hashes that were made to share their places.
        #[test]
        fn crowded_places(values in proptest::collection::vec((0u64..200, 0u64..3), 0..400)) {
            let values: Vec<u64> = values.into_iter().map(|(high, low)| high << 40 | low).collect();
            check(&mut Distinct::default(), &values);
        }
    }

    proptest! {
        #[test]
        fn vector_code_and_its_twin_agree(hashes in proptest::collection::vec(0u64..300, 0..200)) {
            let mut last = vec![u32::MAX; 256];
            hashes.iter().enumerate().for_each(|(number, &hash)| last[hash as usize & 255] = number as u32);
            let (mut fast, mut plain) = (vec![0; 200 + LANES], vec![0; 200 + LANES]);
            let count = overtaken(&hashes, &last, &mut fast);
            prop_assert_eq!(count, overtaken_plain(&hashes, 0, &last, &mut plain, 0));
            prop_assert_eq!(&fast[..count], &plain[..count]);
        }
    }

    #[test]
    fn many_and_few() {
        let mut distinct = Distinct::default();
        for count in [0, 1, FEW - 1, FEW, FEW + 1, 3 * FEW] {
            check(&mut distinct, &(0..count as u64).map(|value| mix(value / 3)).collect::<Vec<_>>());
            check(&mut distinct, &vec![5; count]);
        }
    }
}
