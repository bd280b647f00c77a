//! The log of kept entries: written with plain writes, read through a read-only mapping. It lives in
//! the page cache and not in anonymous memory, a full disk is an error and not a signal, and its length
//! is a checkpoint.

use super::settings::DedupSettings;
use crate::error::{Error, Result};
use crate::text::hash;
use memmap2::{Mmap, MmapOptions};
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// Changed whenever the same record and settings would give another entry: format, what normalising
/// does, sides, tokens, shingles, numbers, hashes.
const VERSION: u32 = 6;
const MAGIC: &[u8; 16] = b"corpuskit dedup\n";
/// Magic, version and fingerprint, padded.
pub(super) const HEAD: u64 = 64;
/// Entries are gathered up to this many bytes before they are written.
const GATHER: usize = 128 << 10;
/// The first mapping; it only takes address space, and a larger one later would have to look every page up anew.
const FIRST_MAPPING: u64 = 1 << 30;

/// An append-only file of entries.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    file: File,
    mapping: Option<Mmap>,
    /// Bytes in the file.
    written: u64,
    /// What is not in the file yet.
    gathered: Vec<u8>,
}

/// What makes the entries of one log incomparable to those of another: how near is near, and how the
/// text was normalised before (`normaliser`, any text that tells its settings).
fn fingerprint(settings: &DedupSettings, normaliser: &str) -> [u64; 2] {
    // `Debug` of plain settings: every value, in a fixed order.
    hash::wide(format!("{:?}\n{normaliser}", settings.near).as_bytes())
}

fn head(settings: &DedupSettings, normaliser: &str) -> Vec<u8> {
    let mut head = MAGIC.to_vec();
    head.extend_from_slice(&VERSION.to_le_bytes());
    head.extend_from_slice(&[0; 4]);
    fingerprint(settings, normaliser).iter().for_each(|word| head.extend_from_slice(&word.to_le_bytes()));
    head.resize(HEAD as usize, 0);
    head
}

impl Log {
    /// A new, empty log; an older one at this path is replaced.
    pub fn create(settings: &DedupSettings, normaliser: &str, path: &Path) -> Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(true).open(path);
        let file = file.map_err(|error| Error::io(path, error))?;
        let gathered = head(settings, normaliser);
        Ok(Self { path: path.to_owned(), file, mapping: None, written: 0, gathered })
    }

    /// Opens a log again and cuts it to `length`, a length that `flush` returned.
    pub fn open(settings: &DedupSettings, normaliser: &str, path: &Path, length: u64) -> Result<Self> {
        let io = |error| Error::io(path, error);
        let mut file = OpenOptions::new().read(true).write(true).open(path).map_err(io)?;
        let there = file.metadata().map_err(io)?.len();
        if there < length || length < HEAD {
            let problem = format!("{} bytes, but the checkpoint needs {length}", there);
            return Err(Error::output(path.display().to_string(), problem).with_hint("start again with `--force`"));
        }
        let mut found = vec![0; HEAD as usize];
        file.read_exact(&mut found).map_err(io)?;
        if found != head(settings, normaliser) {
            let problem = "the deduplication log was made with other settings or by another version";
            return Err(Error::output(path.display().to_string(), problem)
                .with_hint("use the settings and the version it was made with, or start again with `--force`"));
        }
        file.set_len(length).map_err(io)?;
        file.seek(SeekFrom::Start(length)).map_err(io)?;
        let mut log = Self { path: path.to_owned(), file, mapping: None, written: length, gathered: Vec::new() };
        log.map()?;
        Ok(log)
    }

    /// Appends an entry; where it is.
    pub fn append(&mut self, entry: &[u8]) -> Result<u64> {
        if self.gathered.len() + entry.len() > GATHER {
            self.flush()?;
        }
        let at = self.length();
        self.gathered.extend_from_slice(entry);
        Ok(at)
    }

    /// Bytes appended so far, with the head.
    pub fn length(&self) -> u64 {
        self.written + self.gathered.len() as u64
    }

    /// Hands everything to the operating system; the length then is a checkpoint.
    pub fn flush(&mut self) -> Result<u64> {
        // After an error the file may hold a part: the next attempt writes from the same place.
        let io = |error| Error::io(&self.path, error);
        self.file.seek(SeekFrom::Start(self.written)).map_err(io)?;
        self.file.write_all(&self.gathered).map_err(io)?;
        self.written += self.gathered.len() as u64;
        self.gathered.clear();
        self.map()?;
        Ok(self.written)
    }

    fn map(&mut self) -> Result<()> {
        let mapped = self.mapping.as_ref().map_or(0, |mapping| mapping.len() as u64);
        if self.written <= mapped {
            return Ok(());
        }
        let length = (self.written * 2).max(FIRST_MAPPING);
        self.mapping = None;
        // SAFETY: the file is ours, is never cut below `written`, and no byte from `written` on is looked at.
        let mapping = unsafe { MmapOptions::new().len(length as usize).map(&self.file) };
        self.mapping = Some(mapping.map_err(|error| Error::io(&self.path, error))?);
        Ok(())
    }

    /// The bytes from `at` on, at least to the end of the entry that was appended there.
    pub fn at(&self, at: u64) -> &[u8] {
        if at >= self.written {
            return &self.gathered[(at - self.written) as usize..];
        }
        match &self.mapping {
            Some(mapping) => &mapping[at as usize..self.written as usize],
            None => &[],
        }
    }
}
