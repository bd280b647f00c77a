//! Zeroed memory in whole pages, huge ones where the system has them: tables are read at random, and
//! looking up addresses would cost as much as the memory itself.

use crate::error::{Error, Result};
use memmap2::MmapMut;

/// From here on huge pages are worth their rounding.
const HUGE: usize = 2 << 20;

/// A slab of bytes, aligned to a page and zero at first.
#[derive(Debug)]
pub struct Slab(MmapMut);

impl Slab {
    /// A slab of this many bytes.
    pub fn new(bytes: usize) -> Result<Self> {
        let failed = |source| Error::io("memory of the deduplication index", source);
        let map = MmapMut::map_anon(bytes.max(1)).map_err(failed)?;
        #[cfg(target_os = "linux")]
        if bytes >= HUGE {
            // A system without huge pages refuses; the memory serves as well.
            let _ = map.advise(memmap2::Advice::HugePage);
        }
        Ok(Self(map))
    }

    /// The bytes.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, to write.
    #[inline]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }

    /// The same as words.
    #[inline]
    pub fn words(&self) -> &[u64] {
        // SAFETY: every bit pattern is a word; the slab starts at a page, so nothing is cut off in front.
        unsafe { self.0.align_to::<u64>().1 }
    }

    /// The same as words, to write.
    #[inline]
    pub fn words_mut(&mut self) -> &mut [u64] {
        // SAFETY: as above.
        unsafe { self.0.align_to_mut::<u64>().1 }
    }
}
