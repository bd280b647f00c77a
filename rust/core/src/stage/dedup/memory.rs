//! Zeroed memory in whole pages, huge ones where the system has them: tables are read at random, and
//! looking up addresses would cost as much as the memory itself.

use crate::error::{Error, Result};
use memmap2::MmapMut;

/// From here on huge pages are worth their rounding.
const HUGE: usize = 2 << 20;

/// A slab of bytes, aligned to a page, from `HUGE` bytes on to a huge one, and zero at first.
#[derive(Debug)]
pub struct Slab {
    map: MmapMut,
    start: usize,
    length: usize,
}

impl Slab {
    /// A slab of this many bytes.
    pub fn new(bytes: usize) -> Result<Self> {
        let failed = |source| Error::io("memory of the deduplication index", source);
        let spare = if bytes >= HUGE { HUGE } else { 0 };
        let map = MmapMut::map_anon(bytes.max(1) + spare).map_err(failed)?;
        let start = if spare > 0 { map.as_ptr().align_offset(HUGE).min(spare) } else { 0 };
        #[cfg(target_os = "linux")]
        if spare > 0 {
            // A system without huge pages refuses; the memory serves as well. What lies around the slab is
            // never touched, so it takes no memory.
            let _ = map.advise_range(memmap2::Advice::HugePage, start, bytes / HUGE * HUGE);
        }
        Ok(Self { map, start, length: bytes })
    }

    /// The bytes.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.map[self.start..self.start + self.length]
    }

    /// The bytes, to write.
    #[inline]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.map[self.start..self.start + self.length]
    }

    /// The same as words.
    #[inline]
    pub fn words(&self) -> &[u64] {
        // SAFETY: every bit pattern is a word; the slab starts at a page, so nothing is cut off in front.
        unsafe { self.bytes().align_to::<u64>().1 }
    }

    /// The same as words, to write.
    #[inline]
    pub fn words_mut(&mut self) -> &mut [u64] {
        // SAFETY: as above.
        unsafe { self.bytes_mut().align_to_mut::<u64>().1 }
    }
}
