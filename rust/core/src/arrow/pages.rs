//! A Parquet file as its reader sees it: every page is checked before memory is taken for it.

use super::thrift::page_claim;
use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::{ChunkReader, Length};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, PoisonError};

/// Most bytes, decompressed, of the pages that one step of reading touches, those that are still open included.
const MOST_BYTES: u64 = 256 << 20;

/// Most values (nulls and empty lists included) of the pages that one step touches.
const MOST_VALUES: u64 = 64 << 20;

/// Bytes of a page's header that hold what is checked.
const CLAIM: usize = 128;

/// A file whose pages are checked.
#[derive(Clone)]
pub(super) struct Pages {
    file: Arc<File>,
    length: u64,
    /// Where each column chunk begins; empty while the metadata is read.
    chunks: Arc<Vec<u64>>,
    open: Arc<Mutex<Open>>,
}

#[derive(Default)]
struct Open {
    /// By column chunk: bytes of its dictionary and of its last page.
    held: HashMap<u64, (u64, u64)>,
    bytes: u64,
    values: u64,
}

impl Pages {
    /// For reading the metadata.
    pub fn new(file: Arc<File>, length: u64) -> Self {
        Self { file, length, chunks: Arc::default(), open: Arc::default() }
    }

    /// For reading the pages that this metadata describes. Claims that make no sense are refused.
    pub fn with(self, metadata: &ParquetMetaData) -> std::result::Result<Self, String> {
        let mut chunks = Vec::new();
        for column in metadata.row_groups().iter().flat_map(|group| group.columns()) {
            let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
            let (Ok(start), Ok(length)) = (u64::try_from(start), u64::try_from(column.compressed_size())) else {
                return Err("a column begins before the file or has a length below 0".to_owned());
            };
            if start.checked_add(length).is_none_or(|end| end > self.length) {
                return Err(format!("a column ends behind the file's end, at byte {}", start.saturating_add(length)));
            }
            chunks.push(start);
        }
        chunks.sort_unstable();
        Ok(Self { chunks: Arc::new(chunks), ..self })
    }

    /// Begins a step of reading.
    pub fn step(&self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.bytes = open.held.values().map(|(dictionary, page)| dictionary + page).sum();
        open.values = 0;
    }

    /// Begins another row group.
    pub fn forget(&self) {
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = Open::default();
    }

    fn check(&self, start: u64) -> Result<()> {
        let mut head = [0; CLAIM];
        let most = CLAIM.min(self.length.saturating_sub(start) as usize);
        self.file.read_exact_at(&mut head[..most], start)?;
        let claim = page_claim(&head[..most])
            .ok_or_else(|| ParquetError::General(format!("the header of a page makes no sense, at byte {start}")))?;
        let chunk = self.chunks.partition_point(|&chunk| chunk <= start).checked_sub(1);
        let chunk = chunk.and_then(|index| self.chunks.get(index)).copied().unwrap_or_default();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let size = claim.uncompressed.max(claim.compressed);
        let held = open.held.entry(chunk).or_default();
        *(if claim.dictionary { &mut held.0 } else { &mut held.1 }) = size;
        open.bytes += size;
        open.values += claim.values;
        if open.bytes > MOST_BYTES {
            let bytes = open.bytes;
            return Err(ParquetError::General(format!(
                "pages of {bytes} bytes have to be open at once, expected at most {MOST_BYTES}, at byte {start}"
            )));
        }
        if open.values > MOST_VALUES {
            let values = open.values;
            return Err(ParquetError::General(format!(
                "pages of {values} values have to be open at once, expected at most {MOST_VALUES}, at byte {start}"
            )));
        }
        Ok(())
    }
}

impl Length for Pages {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Pages {
    type T = BufReader<At>;

    /// The library reads the header of every page this way. It also asks where it has the header already, and
    /// then does not read.
    fn get_read(&self, start: u64) -> Result<Self::T> {
        let unchecked = (!self.chunks.is_empty()).then(|| self.clone());
        Ok(BufReader::with_capacity(512, At { file: Arc::clone(&self.file), at: start, unchecked }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        if start.checked_add(length as u64).is_none_or(|end| end > self.length) {
            return Err(ParquetError::EOF("it ends before what it should hold".to_owned()));
        }
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, start)?;
        Ok(bytes.into())
    }
}

/// A place in the file.
pub(super) struct At {
    file: Arc<File>,
    at: u64,
    /// What checks the header that stands here, before the first byte of it is read.
    unchecked: Option<Pages>,
}

impl Read for At {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(pages) = self.unchecked.take() {
            pages.check(self.at).map_err(io::Error::other)?;
        }
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}
