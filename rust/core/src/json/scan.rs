//! Finding the byte that ends or interrupts a JSON string: `"`, `\` or a control character.
//!
//! SSE2 is part of every x86-64; AVX2 is looked for once at run time and used on what is longer
//! than one SSE2 step. Elsewhere a word-at-a-time loop does the same.

/// Whether a byte ends or interrupts a string.
#[inline(always)]
pub(super) fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// The plain twin of the others: the first special byte at or after `at`, else the length.
pub(super) fn special_scalar(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|&byte| is_special(byte)).map_or(bytes.len(), |found| at + found)
}

/// Eight bytes at a time, for any processor.
#[cfg_attr(target_arch = "x86_64", allow(dead_code, reason = "the tests compare it there"))]
pub(super) fn special_words(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    while let Some(chunk) = bytes.get(at..at + 8) {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        let word = u64::from_le_bytes(word);
        // The lowest set bit marks the first hit; borrows can only make false hits above a true one.
        let zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
        let hits = (word.wrapping_sub(ONES * 0x20) & !word & HIGH)
            | zero(word ^ (ONES * u64::from(b'"')))
            | zero(word ^ (ONES * u64::from(b'\\')));
        if hits != 0 {
            return at + (hits.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    special_scalar(bytes, at)
}

/// The first special byte at or after `at`, else the length.
#[inline(always)]
pub(super) fn special(bytes: &[u8], at: usize) -> usize {
    #[cfg(target_arch = "x86_64")]
    {
        x86::special(bytes, at)
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        special_words(bytes, at)
    }
}

/// Appends everything from `at` to the next special byte to `out`; where that byte is.
#[inline(always)]
pub(super) fn copy_until_special(bytes: &[u8], at: usize, out: &mut Vec<u8>) -> usize {
    #[cfg(target_arch = "x86_64")]
    {
        x86::copy_until_special(bytes, at, out)
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let stop = special_words(bytes, at);
        out.extend_from_slice(&bytes[at..stop]);
        stop
    }
}

/// How many bytes `copy_run` may write beyond what the source has.
pub(super) const SLACK: usize = 16;

/// Copies everything from `at` to the next special byte to `out`; where that byte is.
///
/// # Safety
/// `bytes.len() - at + SLACK` bytes must be writable at `out`, none of them in `bytes`.
#[inline(always)]
pub(super) unsafe fn copy_run(bytes: &[u8], mut at: usize, mut out: *mut u8) -> usize {
    #[cfg(target_arch = "x86_64")]
    while at + 16 <= bytes.len() {
        // SAFETY: 16 bytes are readable at `at`, and writable at `out` by contract.
        let mask = unsafe { x86::copy16(bytes.as_ptr().add(at), out) };
        if mask != 0 {
            return at + mask.trailing_zeros() as usize;
        }
        at += 16;
        // SAFETY: as many bytes were read.
        out = unsafe { out.add(16) };
    }
    #[cfg(target_arch = "x86_64")]
    let stop = special_scalar(bytes, at);
    #[cfg(not(target_arch = "x86_64"))]
    let stop = special_words(bytes, at);
    // SAFETY: by contract.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr().add(at), out, stop - at) };
    stop
}

#[cfg(target_arch = "x86_64")]
pub(super) mod x86 {
    use super::special_scalar;
    use std::arch::x86_64::*;
    use std::sync::atomic::{AtomicU8, Ordering};

    /// 0 not looked yet, 1 no, 2 yes. Racing writers write the same.
    static AVX2: AtomicU8 = AtomicU8::new(0);

    #[inline(always)]
    fn has_avx2() -> bool {
        match AVX2.load(Ordering::Relaxed) {
            0 => look(),
            found => found == 2,
        }
    }

    #[cold]
    fn look() -> bool {
        let found = std::arch::is_x86_feature_detected!("avx2");
        AVX2.store(if found { 2 } else { 1 }, Ordering::Relaxed);
        found
    }

    /// A bit for each special byte among the 16 at `pointer`.
    ///
    /// # Safety
    /// 16 bytes must be readable there.
    #[inline(always)]
    unsafe fn mask16(chunk: __m128i) -> u32 {
        // SAFETY: SSE2 is part of x86-64.
        unsafe {
            let quote = _mm_cmpeq_epi8(chunk, _mm_set1_epi8(b'"' as i8));
            let slash = _mm_cmpeq_epi8(chunk, _mm_set1_epi8(b'\\' as i8));
            let control = _mm_cmpeq_epi8(_mm_min_epu8(chunk, _mm_set1_epi8(0x1F)), chunk);
            _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, slash), control)) as u32
        }
    }

    /// Copies 16 bytes; a bit for each special one among them.
    ///
    /// # Safety
    /// 16 bytes must be readable at `from` and writable at `to`.
    #[inline(always)]
    pub unsafe fn copy16(from: *const u8, to: *mut u8) -> u32 {
        // SAFETY: by contract.
        unsafe {
            let chunk = _mm_loadu_si128(from.cast());
            _mm_storeu_si128(to.cast(), chunk);
            mask16(chunk)
        }
    }

    #[inline(always)]
    pub fn special(bytes: &[u8], at: usize) -> usize {
        if at + 16 <= bytes.len() {
            // SAFETY: 16 bytes from `at` are inside.
            let mask = unsafe { mask16(_mm_loadu_si128(bytes.as_ptr().add(at).cast())) };
            if mask != 0 {
                return at + mask.trailing_zeros() as usize;
            }
            return special_long(bytes, at + 16);
        }
        special_scalar(bytes, at)
    }

    #[inline(never)]
    fn special_long(bytes: &[u8], at: usize) -> usize {
        if has_avx2() {
            // SAFETY: the processor has AVX2.
            unsafe { special_avx2(bytes, at) }
        } else {
            special_sse2(bytes, at)
        }
    }

    pub fn special_sse2(bytes: &[u8], mut at: usize) -> usize {
        while at + 16 <= bytes.len() {
            // SAFETY: 16 bytes from `at` are inside.
            let mask = unsafe { mask16(_mm_loadu_si128(bytes.as_ptr().add(at).cast())) };
            if mask != 0 {
                return at + mask.trailing_zeros() as usize;
            }
            at += 16;
        }
        special_scalar(bytes, at)
    }

    #[target_feature(enable = "avx2")]
    fn mask32(chunk: __m256i) -> u32 {
        let quote = _mm256_cmpeq_epi8(chunk, _mm256_set1_epi8(b'"' as i8));
        let slash = _mm256_cmpeq_epi8(chunk, _mm256_set1_epi8(b'\\' as i8));
        let control = _mm256_cmpeq_epi8(_mm256_min_epu8(chunk, _mm256_set1_epi8(0x1F)), chunk);
        _mm256_movemask_epi8(_mm256_or_si256(_mm256_or_si256(quote, slash), control)) as u32
    }

    #[target_feature(enable = "avx2")]
    pub fn special_avx2(bytes: &[u8], mut at: usize) -> usize {
        while at + 32 <= bytes.len() {
            // SAFETY: 32 bytes from `at` are inside.
            let mask = mask32(unsafe { _mm256_loadu_si256(bytes.as_ptr().add(at).cast()) });
            if mask != 0 {
                return at + mask.trailing_zeros() as usize;
            }
            at += 32;
        }
        special_sse2(bytes, at)
    }

    #[inline(never)]
    fn copy_long(bytes: &[u8], at: usize, out: &mut Vec<u8>) -> usize {
        if has_avx2() {
            // SAFETY: the processor has AVX2.
            return unsafe { copy_avx2(bytes, at, out) };
        }
        let stop = special_sse2(bytes, at);
        out.extend_from_slice(&bytes[at..stop]);
        stop
    }

    #[target_feature(enable = "avx2")]
    pub fn copy_avx2(bytes: &[u8], mut at: usize, out: &mut Vec<u8>) -> usize {
        while at + 32 <= bytes.len() {
            out.reserve(32);
            // SAFETY: 32 bytes from `at` are inside, and `out` has room for 32; only those before
            // the special byte are counted in.
            unsafe {
                let chunk = _mm256_loadu_si256(bytes.as_ptr().add(at).cast());
                _mm256_storeu_si256(out.as_mut_ptr().add(out.len()).cast(), chunk);
                let mask = mask32(chunk);
                if mask != 0 {
                    let length = mask.trailing_zeros() as usize;
                    out.set_len(out.len() + length);
                    return at + length;
                }
                out.set_len(out.len() + 32);
            }
            at += 32;
        }
        let stop = special_sse2(bytes, at);
        out.extend_from_slice(&bytes[at..stop]);
        stop
    }

    #[inline(always)]
    pub fn copy_until_special(bytes: &[u8], at: usize, out: &mut Vec<u8>) -> usize {
        if at + 16 <= bytes.len() {
            out.reserve(16);
            // SAFETY: 16 bytes from `at` are inside, and `out` has room for 16; only those before
            // the special byte are counted in.
            unsafe {
                let chunk = _mm_loadu_si128(bytes.as_ptr().add(at).cast());
                _mm_storeu_si128(out.as_mut_ptr().add(out.len()).cast(), chunk);
                let mask = mask16(chunk);
                if mask != 0 {
                    let length = mask.trailing_zeros() as usize;
                    out.set_len(out.len() + length);
                    return at + length;
                }
                out.set_len(out.len() + 16);
            }
            return copy_long(bytes, at + 16, out);
        }
        let stop = special_scalar(bytes, at);
        out.extend_from_slice(&bytes[at..stop]);
        stop
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(bytes: &[u8], at: usize) -> Vec<(&'static str, usize)> {
        let mut found = vec![("words", special_words(bytes, at)), ("dispatched", special(bytes, at))];
        let mut out = Vec::new();
        let stop = copy_until_special(bytes, at, &mut out);
        assert_eq!(out, &bytes[at..stop]);
        found.push(("copied", stop));
        let mut room = vec![0; bytes.len() - at + SLACK];
        // SAFETY: as much room as it asks for.
        let stop = unsafe { copy_run(bytes, at, room.as_mut_ptr()) };
        assert_eq!(&room[..stop - at], &bytes[at..stop]);
        found.push(("copied as a run", stop));
        #[cfg(target_arch = "x86_64")]
        {
            found.push(("sse2", x86::special_sse2(bytes, at)));
            if std::arch::is_x86_feature_detected!("avx2") {
                // SAFETY: just looked.
                found.push(("avx2", unsafe { x86::special_avx2(bytes, at) }));
                let mut out = b"before".to_vec();
                // SAFETY: as above.
                let stop = unsafe { x86::copy_avx2(bytes, at, &mut out) };
                assert_eq!(out, [b"before", &bytes[at..stop]].concat());
                found.push(("copied by avx2", stop));
            }
        }
        found
    }

    #[test]
    fn every_byte_value_at_every_place_of_a_long_run() {
        for byte in 0..=255u8 {
            for place in 0..70 {
                let mut bytes = vec![b'a'; 70];
                bytes[place] = byte;
                let expected = special_scalar(&bytes, 0);
                for (name, found) in all(&bytes, 0) {
                    assert_eq!(found, expected, "{name}, byte {byte:#x} at {place}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn all_ways_agree(bytes in proptest::collection::vec(prop_oneof![8 => 0x20u8..=255, 1 => any::<u8>()], 0..200), from in 0usize..200) {
            let at = from.min(bytes.len());
            let expected = special_scalar(&bytes, at);
            for (name, found) in all(&bytes, at) {
                prop_assert_eq!(found, expected, "{}", name);
            }
        }
    }
}
