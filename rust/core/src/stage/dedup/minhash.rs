//! MinHash signatures (Broder 1997) by brute force: 128 hash functions `(x ^ c) * a` on 32 bits, eight or
//! sixteen to a vector register. On sets as small as a chat turn this beats every one-permutation sketch.
//! One byte is kept of each minimum. The vector code and its plain twin give the same bytes.

use super::design::ROWS;
use crate::text::hash::mix;

/// Hash functions in a group: four registers of eight lanes, or two of sixteen.
const GROUP: usize = 32;

/// Multipliers and masks of the hash functions.
struct Functions {
    multiply: [u32; ROWS],
    mask: [u32; ROWS],
}

static FUNCTIONS: Functions = {
    let mut functions = Functions { multiply: [0; ROWS], mask: [0; ROWS] };
    let mut state: u64 = 0x243f_6a88_85a3_08d3;
    let mut row = 0;
    while row < ROWS {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = state;
        value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^= value >> 31;
        functions.multiply[row] = value as u32 | 1;
        functions.mask[row] = (value >> 32) as u32;
        row += 1;
    }
    functions
};

/// Appends one byte for each of the first `rows` functions to `out`: a hash of the least value that
/// the function takes on the shingles. `narrow` is a reused buffer.
pub fn signature(shingles: &[u64], rows: usize, narrow: &mut Vec<u32>, out: &mut Vec<u8>) {
    narrow.clear();
    narrow.extend(shingles.iter().map(|shingle| (shingle >> 32) as u32));
    let start = out.len();
    let mut least = [0; ROWS];
    minima(narrow, rows, &mut least);
    // All bits of the minimum take part: the low byte of a minimum depends on the low byte of its shingle alone.
    out.extend(least[..rows.next_multiple_of(GROUP)].iter().map(|least| (least.wrapping_mul(0x9e37_79b1) >> 24) as u8));
    out.truncate(start + rows);
}

/// The least values of the first `rows` functions, in whole groups.
fn minima(shingles: &[u32], rows: usize, least: &mut [u32; ROWS]) {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has AVX-512.
            return unsafe { minima_avx512(shingles, least) };
        }
        if is_x86_feature_detected!("avx2") {
            for (group, least) in least.as_chunks_mut().0.iter_mut().enumerate().take(rows.div_ceil(GROUP)) {
                // SAFETY: the processor has AVX2.
                unsafe { minima_avx2(shingles, group * GROUP, least) };
            }
            return;
        }
    }
    minima_plain(shingles, rows, least);
}

/// All 128 functions in one pass: eight minima of sixteen lanes fit in the registers, and so do the
/// functions themselves.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn minima_avx512(shingles: &[u32], least: &mut [u32; ROWS]) {
    use std::arch::x86_64::{
        _mm512_loadu_si512, _mm512_min_epu32, _mm512_mullo_epi32, _mm512_set1_epi32, _mm512_storeu_si512,
        _mm512_xor_si512,
    };
    const LANES: usize = 16;
    const COUNT: usize = ROWS / LANES;
    // SAFETY: every load and store is of sixteen of the 128 values of its array.
    unsafe {
        let mut multiply = [_mm512_set1_epi32(0); COUNT];
        let mut mask = multiply;
        for lane in 0..COUNT {
            multiply[lane] = _mm512_loadu_si512(FUNCTIONS.multiply.as_ptr().add(lane * LANES).cast());
            mask[lane] = _mm512_loadu_si512(FUNCTIONS.mask.as_ptr().add(lane * LANES).cast());
        }
        let mut minimum = [_mm512_set1_epi32(-1); COUNT];
        for &shingle in shingles {
            let shingle = _mm512_set1_epi32(shingle as i32);
            for lane in 0..COUNT {
                let value = _mm512_mullo_epi32(_mm512_xor_si512(shingle, mask[lane]), multiply[lane]);
                minimum[lane] = _mm512_min_epu32(minimum[lane], value);
            }
        }
        for (lane, minimum) in minimum.into_iter().enumerate() {
            _mm512_storeu_si512(least.as_mut_ptr().add(lane * LANES).cast(), minimum);
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn minima_avx2(shingles: &[u32], first: usize, least: &mut [u32; GROUP]) {
    use std::arch::x86_64::{
        __m256i, _mm256_loadu_si256, _mm256_min_epu32, _mm256_mullo_epi32, _mm256_set1_epi32, _mm256_storeu_si256,
        _mm256_xor_si256,
    };
    let multiply: &[u32; GROUP] = FUNCTIONS.multiply[first..].first_chunk().unwrap_or(&[1; GROUP]);
    let mask: &[u32; GROUP] = FUNCTIONS.mask[first..].first_chunk().unwrap_or(&[0; GROUP]);
    // SAFETY: every load and store is of eight of the 32 values of its array.
    unsafe {
        let load =
            |values: &[u32; GROUP], at: usize| -> __m256i { _mm256_loadu_si256(values.as_ptr().add(at * 8).cast()) };
        let multiply = [load(multiply, 0), load(multiply, 1), load(multiply, 2), load(multiply, 3)];
        let mask = [load(mask, 0), load(mask, 1), load(mask, 2), load(mask, 3)];
        let mut minimum = [_mm256_set1_epi32(-1); 4];
        for &shingle in shingles {
            let shingle = _mm256_set1_epi32(shingle as i32);
            for lane in 0..4 {
                let value = _mm256_mullo_epi32(_mm256_xor_si256(shingle, mask[lane]), multiply[lane]);
                minimum[lane] = _mm256_min_epu32(minimum[lane], value);
            }
        }
        for (lane, minimum) in minimum.into_iter().enumerate() {
            _mm256_storeu_si256(least.as_mut_ptr().add(lane * 8).cast(), minimum);
        }
    }
}

fn minima_plain(shingles: &[u32], rows: usize, least: &mut [u32; ROWS]) {
    for (row, least) in least.iter_mut().enumerate().take(rows.next_multiple_of(GROUP)) {
        let (multiply, mask) = (FUNCTIONS.multiply[row], FUNCTIONS.mask[row]);
        *least = shingles.iter().map(|shingle| (shingle ^ mask).wrapping_mul(multiply)).min().unwrap_or(u32::MAX);
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

/// How many bytes of two signatures are equal.
pub fn equal_bytes(a: &[u8], b: &[u8]) -> usize {
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
        fn vector_code_and_its_twin_agree(shingles in proptest::collection::vec(any::<u32>(), 0..200), rows in 1usize..=ROWS) {
            let (mut fast, mut plain) = ([0; ROWS], [0; ROWS]);
            minima(&shingles, rows, &mut fast);
            minima_plain(&shingles, rows, &mut plain);
            prop_assert_eq!(&fast[..rows], &plain[..rows]);
            #[cfg(target_arch = "x86_64")]
            if is_x86_feature_detected!("avx2") {
                for (group, fast) in fast.as_chunks_mut().0.iter_mut().enumerate().take(rows.div_ceil(GROUP)) {
                    // SAFETY: the processor has AVX2.
                    unsafe { minima_avx2(&shingles, group * GROUP, fast) };
                }
                prop_assert_eq!(&fast[..rows], &plain[..rows]);
            }
        }

        #[test]
        fn equal_bytes_are_counted(a in proptest::collection::vec(0u8..3, 125), b in proptest::collection::vec(0u8..3, 125)) {
            let expected = (0..125).filter(|&at| a[at] == b[at]).count();
            prop_assert_eq!(equal_bytes(&a, &b), expected);
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
                let (mut narrow, mut left, mut right) = (Vec::new(), Vec::new(), Vec::new());
                signature(&a, ROWS, &mut narrow, &mut left);
                signature(&b, ROWS, &mut narrow, &mut right);
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
}
