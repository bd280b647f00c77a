//! The rows of the current shard, appended as they come; Parquet cannot be continued in the middle.

use super::columns::{ColumnsFile, ColumnsWork};
use super::disk::Disk;
use crate::record::labels::Vocabulary;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Most bytes that wait before they are written.
const WAITING: usize = 256 << 10;

/// The row log of the current shard, and the files made from those before it.
#[derive(Debug)]
pub struct RowLog {
    place: Option<(Disk, PathBuf, PathBuf)>,
    vocabulary: Arc<Vocabulary>,
    file: Option<File>,
    waiting: Vec<u8>,
    state: RowLogState,
    published: usize,
    /// Logs below this number are on the medium whole.
    synced: u32,
}

/// What of the row log is in a checkpoint.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct RowLogState {
    /// The current shard.
    number: u32,
    /// Bytes of its log.
    length: u64,
    /// Logs that are complete but not Parquet yet: shard and bytes.
    pending: Vec<(u32, u64)>,
    /// Complete files.
    files: Vec<ColumnsFile>,
}

impl RowLog {
    /// A log in the work folder of `out`; without `out`, rows are ignored.
    pub fn new(out: Option<(&Disk, &Path)>, vocabulary: Arc<Vocabulary>) -> Self {
        Self {
            vocabulary,
            place: out.map(|(disk, out)| (disk.clone(), out.join(".run"), out.join("columns"))),
            file: None,
            waiting: Vec::new(),
            state: RowLogState::default(),
            published: 0,
            synced: 0,
        }
    }

    /// The files made so far, in the order of the shards once all are made.
    pub fn files(&self) -> &[ColumnsFile] {
        &self.state.files
    }

    /// Whether every complete log has become Parquet.
    pub fn is_settled(&self) -> bool {
        self.state.pending.is_empty()
    }

    /// Appends rows.
    pub fn append(&mut self, rows: &[u8]) -> Result<()> {
        if self.place.is_none() {
            return Ok(());
        }
        self.waiting.extend_from_slice(rows);
        if self.waiting.len() >= WAITING { self.flush() } else { Ok(()) }
    }

    /// Ends the log of the current shard; the work to make Parquet of it.
    pub fn close(&mut self) -> Result<Option<ColumnsWork>> {
        self.flush()?;
        if self.place.is_none() {
            return Ok(None);
        }
        self.file = None;
        let (number, length) = (self.state.number, self.state.length);
        self.state.pending.push((number, length));
        self.state.number += 1;
        self.state.length = 0;
        Ok(self.work(number, length))
    }

    /// Takes the file that was made of a log.
    pub fn accept(&mut self, file: ColumnsFile) {
        self.state.pending.retain(|&(number, _)| number != file.number);
        let at = self.state.files.partition_point(|other| other.number < file.number);
        self.state.files.insert(at, file);
    }

    /// The state for a checkpoint.
    pub fn state(&mut self) -> Result<RowLogState> {
        self.flush()?;
        Ok(self.state.clone())
    }

    /// Waits until the log that [`RowLog::state`] told of is on the medium, and those before it that are not
    /// Parquet yet.
    pub fn sync(&mut self) -> Result<()> {
        let Some((disk, ..)) = &self.place else { return Ok(()) };
        if let (Some(file), Some(path)) = (&self.file, self.log_path(self.state.number)) {
            disk.sync(file, &path)?;
        }
        for &(number, length) in &self.state.pending {
            if length > 0
                && self.synced <= number
                && let Some(path) = self.log_path(number)
            {
                disk.sync(&disk.open(&path)?, &path)?;
            }
        }
        // Complete logs do not grow: once is enough for them.
        self.synced = self.state.number;
        Ok(())
    }

    /// Goes on from a checkpoint. Returns the work that was not done.
    pub fn resume(&mut self, state: RowLogState) -> Result<Vec<ColumnsWork>> {
        self.state = state;
        let Some((disk, ..)) = &self.place else { return Ok(Vec::new()) };
        if self.state.length > 0 {
            let path = self.log_path(self.state.number).unwrap_or_default();
            let file = disk.open(&path)?;
            let found = file.metadata().map_err(|error| Error::io(&path, error))?.len();
            if found < self.state.length {
                return Err(Error::output(path.display().to_string(), "is shorter than the checkpoint recorded")
                    .with_hint("start again with `--force`"));
            }
            disk.truncate(&file, &path, self.state.length)?;
            self.file = Some(file);
        }
        Ok(self.state.pending.iter().filter_map(|&(number, length)| self.work(number, length)).collect())
    }

    /// Gives complete files their names and removes the logs behind them. Only after a checkpoint
    /// that knows the files.
    pub fn publish(&mut self, known: &RowLogState) -> Result<()> {
        let Some((disk, work, folder)) = &self.place else { return Ok(()) };
        // Files may be made out of order; those before a gap wait for it.
        while let Some(file) = known.files.get(self.published)
            && file.number as usize == self.published
        {
            if self.published == 0 {
                disk.create_folder(folder)?;
                disk.sync_parent(folder)?;
            }
            let from = work.join(temporary_name(file.number));
            let to = folder.join(format!("part-{:05}.parquet", file.number));
            if from.exists() {
                disk.rename(&from, &to)?;
            } else if !to.exists() {
                return Err(
                    Error::output(to.display().to_string(), "is missing").with_hint("start again with `--force`")
                );
            }
            if let Some(log) = self.log_path(file.number) {
                disk.remove(&log)?;
            }
            self.published += 1;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let Some(path) = self.log_path(self.state.number) else { return Ok(()) };
        let Some((disk, ..)) = &self.place else { return Ok(()) };
        let file = match self.file.take() {
            Some(file) => file,
            None => {
                let file = disk.open(&path)?;
                disk.truncate(&file, &path, 0)?;
                file
            }
        };
        disk.write_at(&file, &path, &self.waiting, self.state.length)?;
        self.file = Some(file);
        self.state.length += self.waiting.len() as u64;
        self.waiting.clear();
        Ok(())
    }

    fn work(&self, number: u32, length: u64) -> Option<ColumnsWork> {
        let (disk, work, _) = self.place.as_ref()?;
        Some(ColumnsWork {
            number,
            log: self.log_path(number)?,
            length,
            target: work.join(temporary_name(number)),
            disk: disk.clone(),
            vocabulary: Arc::clone(&self.vocabulary),
        })
    }

    fn log_path(&self, number: u32) -> Option<PathBuf> {
        self.place.as_ref().map(|(_, work, _)| work.join(format!("rows-{number:05}")))
    }
}

fn temporary_name(number: u32) -> String {
    format!("columns-{number:05}.parquet")
}
