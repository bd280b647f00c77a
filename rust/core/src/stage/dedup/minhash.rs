//! MinHash signatures (Broder 1997) by brute force, without a sketch of one permutation: on sets as small
//! as a chat turn that estimates best. Each of 64 hash functions gives two values, its least and its
//! greatest (Min-Max hashing, Ji et al. 2013): half the work, and the two together estimate a little
//! better than two functions do, as one shingle is seldom both.
//!
//! A function is `(x ^ c) * a` on either half of 32 bits: a permutation whose order is that of the upper
//! half, and among equals that of the lower one. Multiplying halves takes a vector unit half as long as
//! multiplying whole words. One byte is kept of each value. The vector code and its plain twin give the same bytes.

use super::design::ROWS;
use crate::text::hash::mix;

/// Hash functions.
const FUNCTIONS: usize = ROWS / 2;

/// Multipliers and masks of the hash functions.
struct Constants {
    multiply: [u32; FUNCTIONS],
    mask: [u32; FUNCTIONS],
}

static CONSTANTS: Constants = {
    let mut constants = Constants { multiply: [0; FUNCTIONS], mask: [0; FUNCTIONS] };
    let mut state: u64 = 0x243f_6a88_85a3_08d3;
    let mut function = 0;
    while function < FUNCTIONS {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = state;
        value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^= value >> 31;
        constants.multiply[function] = value as u32 | 0x0001_0001;
        constants.mask[function] = (value >> 32) as u32;
        function += 1;
    }
    constants
};

/// Appends `rows` bytes to `out`, at most `ROWS`: of each function a hash of its least value on the
/// shingles, then of each a hash of its greatest.
pub fn signature(shingles: &[u64], rows: usize, out: &mut Vec<u8>) {
    let mut extremes = [0; ROWS];
    read(shingles, &mut extremes);
    // All bits of the value take part: its low byte depends on the low byte of its shingle alone.
    let bytes = extremes.map(|value| (value.wrapping_mul(0x9e37_79b1) >> 24) as u8);
    out.extend_from_slice(&bytes[..rows.min(ROWS)]);
}

/// The least values of all functions, then the greatest.
fn read(shingles: &[u64], extremes: &mut [u32; ROWS]) {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512bw") {
            // SAFETY: the processor has AVX-512.
            return unsafe { read_avx512(shingles, extremes) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2.
            return unsafe { read_avx2(shingles, extremes) };
        }
    }
    read_plain(shingles, extremes);
}

/// What the functions are applied to.
#[inline(always)]
fn narrow(shingle: u64) -> u32 {
    (shingle >> 32) as u32
}

/// All functions in one pass: four registers of sixteen lanes, twice for the values and twice for the
/// functions themselves.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw")]
fn read_avx512(shingles: &[u64], extremes: &mut [u32; ROWS]) {
    use std::arch::x86_64::{
        _mm512_loadu_si512, _mm512_max_epu32, _mm512_min_epu32, _mm512_mullo_epi16, _mm512_set1_epi32,
        _mm512_storeu_si512, _mm512_xor_si512,
    };
    const LANES: usize = 16;
    const COUNT: usize = FUNCTIONS / LANES;
    // SAFETY: every load and store is of sixteen of the values of its array.
    unsafe {
        let mut multiply = [_mm512_set1_epi32(0); COUNT];
        let mut mask = multiply;
        for lane in 0..COUNT {
            multiply[lane] = _mm512_loadu_si512(CONSTANTS.multiply.as_ptr().add(lane * LANES).cast());
            mask[lane] = _mm512_loadu_si512(CONSTANTS.mask.as_ptr().add(lane * LANES).cast());
        }
        let mut least = [_mm512_set1_epi32(-1); COUNT];
        let mut greatest = [_mm512_set1_epi32(0); COUNT];
        for &shingle in shingles {
            let shingle = _mm512_set1_epi32(narrow(shingle) as i32);
            for lane in 0..COUNT {
                let value = _mm512_mullo_epi16(_mm512_xor_si512(shingle, mask[lane]), multiply[lane]);
                least[lane] = _mm512_min_epu32(least[lane], value);
                greatest[lane] = _mm512_max_epu32(greatest[lane], value);
            }
        }
        for lane in 0..COUNT {
            _mm512_storeu_si512(extremes.as_mut_ptr().add(lane * LANES).cast(), least[lane]);
            _mm512_storeu_si512(extremes.as_mut_ptr().add(FUNCTIONS + lane * LANES).cast(), greatest[lane]);
        }
    }
}

/// A third of the registers are masks that the processor reads from memory: two passes of half the functions.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn read_avx2(shingles: &[u64], extremes: &mut [u32; ROWS]) {
    use std::arch::x86_64::{
        __m256i, _mm256_loadu_si256, _mm256_max_epu32, _mm256_min_epu32, _mm256_mullo_epi16, _mm256_set1_epi32,
        _mm256_storeu_si256, _mm256_xor_si256,
    };
    const LANES: usize = 8;
    const COUNT: usize = 4;
    for first in (0..FUNCTIONS).step_by(LANES * COUNT) {
        // SAFETY: every load and store is of eight of the values of its array.
        unsafe {
            let load = |values: &[u32; FUNCTIONS], lane: usize| -> __m256i {
                _mm256_loadu_si256(values.as_ptr().add(first + lane * LANES).cast())
            };
            let multiply = [0, 1, 2, 3].map(|lane| load(&CONSTANTS.multiply, lane));
            let mask = [0, 1, 2, 3].map(|lane| load(&CONSTANTS.mask, lane));
            let mut least = [_mm256_set1_epi32(-1); COUNT];
            let mut greatest = [_mm256_set1_epi32(0); COUNT];
            for &shingle in shingles {
                let shingle = _mm256_set1_epi32(narrow(shingle) as i32);
                for lane in 0..COUNT {
                    let value = _mm256_mullo_epi16(_mm256_xor_si256(shingle, mask[lane]), multiply[lane]);
                    least[lane] = _mm256_min_epu32(least[lane], value);
                    greatest[lane] = _mm256_max_epu32(greatest[lane], value);
                }
            }
            for lane in 0..COUNT {
                let at = first + lane * LANES;
                _mm256_storeu_si256(extremes.as_mut_ptr().add(at).cast(), least[lane]);
                _mm256_storeu_si256(extremes.as_mut_ptr().add(FUNCTIONS + at).cast(), greatest[lane]);
            }
        }
    }
}

fn read_plain(shingles: &[u64], extremes: &mut [u32; ROWS]) {
    let (least, greatest) = extremes.split_at_mut(FUNCTIONS);
    least.fill(u32::MAX);
    greatest.fill(0);
    for &shingle in shingles {
        for function in 0..FUNCTIONS {
            let (masked, multiply) = (narrow(shingle) ^ CONSTANTS.mask[function], CONSTANTS.multiply[function]);
            let half = |shift: u32| u32::from(((masked >> shift) as u16).wrapping_mul((multiply >> shift) as u16));
            let value = half(16) << 16 | half(0);
            least[function] = least[function].min(value);
            greatest[function] = greatest[function].max(value);
        }
    }
}

/// Writes the key of every band: its rows' bytes and the number sequences, which must be equal anyway.
pub fn band_keys(signature: &[u8], rows: usize, numbers: [u64; 2], out: &mut Vec<u32>) {
    let base = mix(numbers[0].wrapping_mul(0xd6e8_feb8_6659_fd93) ^ numbers[1].rotate_left(32));
    out.extend(signature.chunks_exact(rows).map(|band| {
        let bytes = band.iter().fold(0u64, |bytes, &byte| bytes << 8 | u64::from(byte));
        (mix(bytes ^ base) >> 32) as u32
    }));
}

/// How many bytes of two signatures of equal length, at most `ROWS`, are equal.
#[inline]
pub fn equal_bytes(a: &[u8], b: &[u8]) -> usize {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("popcnt") {
        // SAFETY: the processor has AVX-512.
        return unsafe { equal_bytes_avx512(a, b) };
    }
    equal_bytes_plain(a, b)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,popcnt")]
fn equal_bytes_avx512(a: &[u8], b: &[u8]) -> usize {
    use std::arch::x86_64::{_mm512_mask_cmpeq_epi8_mask, _mm512_maskz_loadu_epi8};
    const LANES: usize = 64;
    let length = a.len().min(b.len());
    let mut equal = 0;
    for at in (0..length).step_by(LANES) {
        let mask = u64::MAX >> LANES.saturating_sub(length - at);
        // SAFETY: the mask leaves the bytes from `at` on that both have.
        let same = unsafe {
            let load = |from: &[u8]| _mm512_maskz_loadu_epi8(mask, from.as_ptr().add(at).cast());
            _mm512_mask_cmpeq_epi8_mask(mask, load(a), load(b))
        };
        equal += same.count_ones() as usize;
    }
    equal
}

fn equal_bytes_plain(a: &[u8], b: &[u8]) -> usize {
    // In pieces of 128, so that a byte counts a piece and the compiler uses vectors.
    a.chunks(ROWS)
        .zip(b.chunks(ROWS))
        .map(|(a, b)| usize::from(a.iter().zip(b).map(|(a, b)| u8::from(a == b)).sum::<u8>()))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn vector_code_and_its_twin_agree(shingles in proptest::collection::vec(any::<u64>(), 0..200)) {
            let (mut fast, mut plain) = ([0; ROWS], [0; ROWS]);
            read(&shingles, &mut fast);
            read_plain(&shingles, &mut plain);
            prop_assert_eq!(fast, plain);
            #[cfg(target_arch = "x86_64")]
            if is_x86_feature_detected!("avx2") {
                // SAFETY: the processor has AVX2.
                unsafe { read_avx2(&shingles, &mut fast) };
                prop_assert_eq!(fast, plain);
            }
        }

        #[test]
        fn equal_bytes_are_counted(pairs in proptest::collection::vec((0u8..3, 0u8..3), 0..=ROWS)) {
            let (a, b): (Vec<u8>, Vec<u8>) = pairs.iter().copied().unzip();
            let expected = pairs.iter().filter(|(a, b)| a == b).count();
            prop_assert_eq!((equal_bytes(&a, &b), equal_bytes_plain(&a, &b)), (expected, expected));
        }
    }

    /// The estimate is unbiased, and spreads as that of independent hash functions does (a factor of
    /// 1.15 is left for chance), on sets as small as a dozen.
    #[test]
    fn estimates_similarity() {
        for (union, shared) in [(12u64, 10u64), (25, 20), (100, 80), (60, 30)] {
            let similarity = shared as f64 / union as f64;
            let (mut sum, mut squares) = (0.0, 0.0);
            let trials = 2_000;
            for trial in 0..trials {
                let element = |index: u64| mix(trial << 20 | index);
                let only = (union - shared) / 2;
                let a: Vec<u64> = (0..shared + only).map(element).collect();
                let b: Vec<u64> = (0..shared).chain(shared + only..union).map(element).collect();
                let (mut left, mut right) = (Vec::new(), Vec::new());
                signature(&a, ROWS, &mut left);
                signature(&b, ROWS, &mut right);
                let estimate = equal_bytes(&left, &right) as f64 / ROWS as f64;
                let error = estimate - (similarity + (1.0 - similarity) / 256.0);
                sum += error;
                squares += error * error;
            }
            let ideal = (similarity * (1.0 - similarity) / ROWS as f64).sqrt();
            let spread = (squares / trials as f64).sqrt();
            assert!((sum / trials as f64).abs() < 0.004, "{union} {shared}: bias {}", sum / trials as f64);
            assert!(spread < ideal * 1.15, "{union} {shared}: {spread} against {ideal}");
        }
    }

    /// Bands miss as many pairs as bands of independent hash functions would, near the threshold, far
    /// from it, and where the bands reach into the greatest values.
    #[test]
    fn bands_find_as_designed() {
        for (bands, rows, union, shared) in [(25, 5, 25u64, 20u64), (25, 5, 60, 30), (16, 8, 20, 12), (20, 6, 200, 120)]
        {
            let similarity = shared as f64 / union as f64;
            let designed = (1.0 - similarity.powi(rows as i32)).powi(bands);
            let (mut missed, trials) = (0, 4_000);
            for trial in 0..trials {
                let element = |index: u64| mix(1 << 60 | trial << 20 | index);
                let only = (union - shared) / 2;
                let a: Vec<u64> = (0..shared + only).map(element).collect();
                let b: Vec<u64> = (0..shared).chain(shared + only..union).map(element).collect();
                let (mut left, mut right) = (Vec::new(), Vec::new());
                signature(&a, bands as usize * rows, &mut left);
                signature(&b, bands as usize * rows, &mut right);
                missed += u64::from(left.chunks(rows).zip(right.chunks(rows)).all(|(a, b)| a != b));
            }
            let expected = designed * trials as f64;
            // Four times the spread of chance; bytes that are equal by chance find a little more.
            let most = expected + 4.0 * (expected * (1.0 - designed)).sqrt() + 2.0;
            assert!(missed as f64 <= most, "{bands} × {rows} at {similarity}: {missed} missed, {expected} expected");
        }
    }
}
