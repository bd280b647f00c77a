//! Which of 64 bytes are quotes, backslashes, brackets and line ends, as bit masks.

/// One bit a byte, the first byte lowest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Masks {
    pub quote: u64,
    pub backslash: u64,
    /// `{` and `[`
    pub open: u64,
    /// `}` and `]`
    pub close: u64,
    pub line: u64,
}

/// Chosen once: what the processor can do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Classify {
    #[cfg(target_arch = "x86_64")]
    wide: bool,
}

impl Classify {
    pub fn new() -> Self {
        Self {
            #[cfg(target_arch = "x86_64")]
            wide: std::arch::is_x86_feature_detected!("avx2"),
        }
    }

    #[inline]
    pub fn block(self, block: &[u8; 64]) -> Masks {
        #[cfg(target_arch = "x86_64")]
        {
            // SAFETY: AVX2 was detected; SSE2 is part of x86-64.
            unsafe { if self.wide { x86::avx2(block) } else { x86::sse2(block) } }
        }
        #[cfg(not(target_arch = "x86_64"))]
        portable(block)
    }
}

/// The same, byte by byte: other processors, and the tests' oracle.
#[cfg(any(test, not(target_arch = "x86_64")))]
fn portable(block: &[u8; 64]) -> Masks {
    let mut masks = Masks::default();
    for (at, byte) in block.iter().enumerate() {
        match byte {
            b'"' => masks.quote |= 1 << at,
            b'\\' => masks.backslash |= 1 << at,
            b'{' | b'[' => masks.open |= 1 << at,
            b'}' | b']' => masks.close |= 1 << at,
            b'\n' => masks.line |= 1 << at,
            _ => {}
        }
    }
    masks
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::Masks;
    use std::arch::x86_64::*;

    /// `[` and `{`, `]` and `}` differ in this bit alone, and nothing else becomes one of them by it.
    const CASE: i8 = 0x20;

    #[target_feature(enable = "avx2")]
    pub unsafe fn avx2(block: &[u8; 64]) -> Masks {
        let mut masks = Masks::default();
        for half in 0..2 {
            // SAFETY: 32 bytes from 0 and from 32 lie in the block; loads may be unaligned.
            let bytes = unsafe { _mm256_loadu_si256(block.as_ptr().add(half * 32).cast()) };
            let folded = _mm256_or_si256(bytes, _mm256_set1_epi8(CASE));
            let bits = |of, byte: u8| {
                u64::from(_mm256_movemask_epi8(_mm256_cmpeq_epi8(of, _mm256_set1_epi8(byte as i8))) as u32)
                    << (half * 32)
            };
            masks.quote |= bits(bytes, b'"');
            masks.backslash |= bits(bytes, b'\\');
            masks.open |= bits(folded, b'{');
            masks.close |= bits(folded, b'}');
            masks.line |= bits(bytes, b'\n');
        }
        masks
    }

    #[target_feature(enable = "sse2")]
    pub unsafe fn sse2(block: &[u8; 64]) -> Masks {
        let mut masks = Masks::default();
        for quarter in 0..4 {
            // SAFETY: 16 bytes from each quarter lie in the block; loads may be unaligned.
            let bytes = unsafe { _mm_loadu_si128(block.as_ptr().add(quarter * 16).cast()) };
            let folded = _mm_or_si128(bytes, _mm_set1_epi8(CASE));
            let bits = |of, byte: u8| {
                u64::from(_mm_movemask_epi8(_mm_cmpeq_epi8(of, _mm_set1_epi8(byte as i8))) as u32) << (quarter * 16)
            };
            masks.quote |= bits(bytes, b'"');
            masks.backslash |= bits(bytes, b'\\');
            masks.open |= bits(folded, b'{');
            masks.close |= bits(folded, b'}');
            masks.line |= bits(bytes, b'\n');
        }
        masks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_at_every_place_is_classified_alike() {
        for byte in 0..=255 {
            for at in 0..64 {
                let mut block = [b'.'; 64];
                block[at] = byte;
                assert_eq!(Classify::new().block(&block), portable(&block), "{byte} at {at}");
                #[cfg(target_arch = "x86_64")]
                // SAFETY: SSE2 is part of x86-64.
                assert_eq!(unsafe { x86::sse2(&block) }, portable(&block), "{byte} at {at}, narrow");
            }
        }
    }
}
