//! What stands at which of the next 64 bytes, one bit a byte.

/// Bytes that are looked at together.
pub(super) const BLOCK: usize = 64;

/// One bit a byte, the first byte's the lowest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Block {
    /// ASCII letters.
    pub letters: u64,
    /// What code has and prose has not.
    pub code: u64,
    /// Bytes beyond ASCII.
    pub wide: u64,
    /// White space of ASCII.
    pub space: u64,
    /// Backticks: here code may begin.
    pub ticks: u64,
}

impl Block {
    /// The block that begins at a byte of the text; behind its end there is white space.
    #[inline]
    pub fn at(text: &[u8], at: usize) -> Self {
        let rest = text.get(at..).unwrap_or_default();
        match rest.first_chunk() {
            Some(bytes) => Self::of(bytes),
            None => {
                let mut bytes = [b' '; BLOCK];
                bytes[..rest.len()].copy_from_slice(rest);
                Self::of(&bytes)
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[inline]
    fn of(bytes: &[u8; BLOCK]) -> Self {
        let mut block = Self::default();
        for (at, part) in bytes.chunks_exact(16).enumerate() {
            // SAFETY: every x86-64 has SSE2, and the part has 16 bytes.
            let masks = unsafe { sse2::masks(part.as_ptr()) };
            let fields = [&mut block.letters, &mut block.code, &mut block.wide, &mut block.space, &mut block.ticks];
            for (field, mask) in fields.into_iter().zip(masks) {
                *field |= u64::from(mask) << (16 * at);
            }
        }
        block
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn of(bytes: &[u8; BLOCK]) -> Self {
        Self::one_by_one(bytes)
    }

    /// The same, byte by byte.
    #[cfg(any(test, not(target_arch = "x86_64")))]
    fn one_by_one(bytes: &[u8; BLOCK]) -> Self {
        let mut block = Self::default();
        for (at, byte) in bytes.iter().enumerate() {
            let field = match byte {
                b'/' | b'\\' | b'_' | b'=' | b'{' | b'}' | b'<' | b'>' | b'$' | b'@' | b'|' | b'0'..=b'9' => {
                    &mut block.code
                }
                b'a'..=b'z' | b'A'..=b'Z' => &mut block.letters,
                b' ' | b'\t' | b'\n' | b'\x0C' | b'\r' => &mut block.space,
                b'`' => &mut block.ticks,
                0x80.. => &mut block.wide,
                _ => continue,
            };
            *field |= 1 << at;
        }
        block
    }
}

#[cfg(target_arch = "x86_64")]
mod sse2 {
    use std::arch::x86_64::{
        __m128i, _mm_add_epi8, _mm_cmpeq_epi8, _mm_cmplt_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_or_si128,
        _mm_set1_epi8,
    };

    /// The masks of 16 bytes in the order of the fields.
    ///
    /// # Safety
    /// 16 bytes must be readable.
    #[inline]
    pub unsafe fn masks(bytes: *const u8) -> [u16; 5] {
        // SAFETY: by contract; all instructions are SSE2.
        unsafe {
            let bytes = _mm_loadu_si128(bytes.cast());
            let is = |byte: u8| _mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte as i8));
            let letters = within::<b'a', b'z'>(_mm_or_si128(bytes, _mm_set1_epi8(0x20)));
            let code = [
                within::<b'0', b'9'>(bytes),
                within::<b'<', b'>'>(bytes),
                within::<b'{', b'}'>(bytes),
                is(b'/'),
                is(b'\\'),
                is(b'_'),
                is(b'$'),
                is(b'@'),
            ];
            let space = [is(b' '), is(b'\t'), is(b'\n'), within::<b'\x0C', b'\r'>(bytes)];
            let any = |masks: &[__m128i]| masks.iter().skip(1).fold(masks[0], |all, &mask| _mm_or_si128(all, mask));
            [letters, any(&code), bytes, any(&space), is(b'`')].map(|mask| _mm_movemask_epi8(mask) as u16)
        }
    }

    /// Which bytes lie between these two.
    #[inline]
    unsafe fn within<const FIRST: u8, const LAST: u8>(bytes: __m128i) -> __m128i {
        // SAFETY: all instructions are SSE2.
        unsafe {
            // The first becomes the least signed number.
            let moved = _mm_add_epi8(bytes, _mm_set1_epi8(0x80_u8.wrapping_sub(FIRST) as i8));
            _mm_cmplt_epi8(moved, _mm_set1_epi8(0x80_u8.wrapping_add(LAST - FIRST + 1) as i8))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_at_every_place() {
        for byte in 0..=u8::MAX {
            for at in [0, 1, 15, 16, 40, 63] {
                let mut bytes = [b'.'; BLOCK];
                bytes[at] = byte;
                assert_eq!(Block::of(&bytes), Block::one_by_one(&bytes), "{byte:#x} at {at}");
            }
        }
        assert_eq!(Block::at(b"ab", 1), Block { letters: 1, space: u64::MAX << 1, ..Block::default() });
        assert_eq!(Block::at(b"ab", 7).space, u64::MAX);
    }
}
