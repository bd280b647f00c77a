//! What is kept of every kept record: a short row in memory, its entry in the log.

use super::entry::Entry;
use super::log::Log;
use super::memory::Slab;
use crate::error::Result;

/// Rows in a slab: no row moves when more are added.
const CHUNK: usize = 1 << 15;

/// Rows and log.
#[derive(Debug)]
pub struct Store {
    /// The log of entries.
    pub log: Log,
    /// A row of each of them.
    pub rows: Rows,
}

/// The rows.
#[derive(Debug)]
pub struct Rows {
    /// Bytes of a signature; `None` without near deduplication.
    signature: Option<usize>,
    width: usize,
    /// Rows, `CHUNK` to a slab.
    chunks: Vec<Slab>,
    count: u32,
}

/// Place in the log, then the sizes.
const SIZES: usize = 8;
const HEAD: usize = 12;

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct Row<'r>(&'r [u8]);

impl Row<'_> {
    /// Shingles of prompt and response, saturated at 65,535.
    pub fn sizes(&self) -> [u16; 2] {
        let size = |at: usize| u16::from_le_bytes([self.0[at], self.0[at + 1]]);
        [size(SIZES), size(SIZES + 2)]
    }

    /// The signature bytes.
    pub fn signature(&self) -> &[u8] {
        &self.0[HEAD..]
    }
}

impl Store {
    /// An empty store that writes to this log.
    pub fn new(log: Log, signature: Option<usize>) -> Self {
        let width = signature.map_or(SIZES, |signature| HEAD + signature);
        Self { log, rows: Rows { signature, width, chunks: Vec::new(), count: 0 } }
    }

    /// Kept records.
    pub fn len(&self) -> u32 {
        self.rows.count
    }

    /// Bytes of a signature.
    pub fn signature(&self) -> usize {
        self.rows.signature.unwrap_or(0)
    }

    /// Bytes of memory.
    pub fn bytes(&self) -> usize {
        self.rows.chunks.len() * CHUNK * self.rows.width
    }

    /// The row of a record; only with near deduplication.
    #[inline]
    pub fn row(&self, record: u32) -> Row<'_> {
        Row(self.rows.bytes_of(record))
    }

    /// The logged entry of a record.
    pub fn entry(&self, record: u32) -> Result<Entry<'_>> {
        Entry::read(self.log.at(self.place(record)), self.signature())
    }

    fn place(&self, record: u32) -> u64 {
        let mut at = [0; 8];
        at.copy_from_slice(&self.rows.bytes_of(record)[..8]);
        u64::from_le_bytes(at)
    }

    /// Asks the processor for a row.
    #[inline]
    pub fn prefetch(&self, record: u32) {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            let row = self.row(record).0.as_ptr();
            // SAFETY: a hint; the first line is inside the rows, and a hint beyond them does nothing.
            unsafe {
                _mm_prefetch::<_MM_HINT_T0>(row.cast());
                _mm_prefetch::<_MM_HINT_T0>(row.wrapping_add(64).cast());
                _mm_prefetch::<_MM_HINT_T0>(row.wrapping_add(128).cast());
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = record;
    }
}

impl Rows {
    /// Adds the record whose entry is logged at `at`; its number.
    pub fn push(&mut self, at: u64, entry: &Entry<'_>) -> Result<u32> {
        let (chunk, place) = (self.count as usize / CHUNK, self.count as usize % CHUNK * self.width);
        if chunk == self.chunks.len() {
            self.chunks.push(Slab::new(CHUNK * self.width)?);
        }
        let row = &mut self.chunks[chunk].bytes_mut()[place..][..self.width];
        row[..SIZES].copy_from_slice(&at.to_le_bytes());
        if self.signature.is_some() {
            for (size, bytes) in entry.sizes().into_iter().zip(row[SIZES..HEAD].chunks_exact_mut(2)) {
                bytes.copy_from_slice(&u16::try_from(size).unwrap_or(u16::MAX).to_le_bytes());
            }
            row[HEAD..].copy_from_slice(entry.signature());
        }
        self.count += 1;
        Ok(self.count - 1)
    }

    #[inline]
    fn bytes_of(&self, record: u32) -> &[u8] {
        let (chunk, place) = (record as usize / CHUNK, record as usize % CHUNK * self.width);
        &self.chunks[chunk].bytes()[place..][..self.width]
    }
}
