//! One stream of lines that ends up in shards: `data`, `dropped`, `duplicates` or `rejected`.
//!
//! A compressed stream is cut into frames of about 1 MiB by its bytes alone. A plain one is written in
//! pieces as they come: they leave no trace in the file. Frames are compressed, pieces hashed and written,
//! by whichever worker has time, and joined here in order.
//! A shard grows under a temporary name in `.run/` and gets its own name by [`Sink::publish`], after
//! a checkpoint has recorded that it is complete: whatever that checkpoint does not know can be cut off.

mod resume;
mod sync;
mod work;

pub use work::{Done, Work};

use super::disk::Disk;
use super::settings::{Compression, Format, WriteSettings};
use crate::digest::{Digest, Tree};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use work::{Made, WorkKind};

/// Most bytes of a frame before compression; longer records are a frame of their own.
const FRAME: usize = 1 << 20;

/// Bytes of a plain file that are written at once where they come in small runs: they stay in the
/// processor's cache from the lines to the digest.
const PIECE: usize = 256 << 10;

/// A complete shard.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Shard {
    /// Its number, from 0.
    pub number: u32,
    /// Lines in it.
    pub rows: u64,
    /// Bytes before compression.
    pub raw_bytes: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// BLAKE3 of the file.
    pub digest: Digest,
    /// Whether it is safe on the medium.
    pub synced: bool,
}

/// A stream of lines in shards.
#[derive(Debug)]
pub struct Sink {
    /// The folder's name.
    pub name: &'static str,
    index: usize,
    /// `None`: lines are counted, nothing is written (a dry run).
    place: Option<Place>,
    compression: Compression,
    limit: u64,
    open: Option<Open>,
    /// The complete shards, in order.
    pub shards: Vec<Shard>,
    published: usize,
    work: Vec<Work>,
}

#[derive(Debug)]
struct Place {
    disk: Disk,
    work: PathBuf,
    folder: PathBuf,
}

#[derive(Debug)]
struct Open {
    file: Option<Arc<File>>,
    rows: u64,
    raw_bytes: u64,
    pending: Vec<u8>,
    issued: u64,
    accepted: u64,
    waiting: BTreeMap<u64, Made>,
    /// Bytes of the file that are written and hashed.
    length: u64,
    /// Of a plain file, the same and what was issued.
    end: u64,
    digest: Tree,
}

/// What of a sink is in a checkpoint.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct SinkState {
    shards: Vec<Shard>,
    open: Option<OpenState>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct OpenState {
    rows: u64,
    raw_bytes: u64,
    length: u64,
    digest: Tree,
    pending: usize,
}

impl Sink {
    /// A stream of this name below `out`; `index` tells the caller's sinks apart. Without `out` it
    /// only counts.
    pub fn new(name: &'static str, index: usize, out: Option<(&Disk, &Path)>, settings: &WriteSettings) -> Self {
        Self {
            name,
            index,
            place: out.map(|(disk, out)| {
                // Lines that become Parquet stay with the work files.
                let lines = name == "data" && settings.format == Format::Parquet;
                let folder = out.join(if lines { ".run" } else { name });
                Place { disk: disk.clone(), work: out.join(".run"), folder }
            }),
            compression: settings.compression,
            limit: settings.shard_bytes,
            open: None,
            shards: Vec::new(),
            published: 0,
            work: Vec::new(),
        }
    }

    /// The name of a shard within the run folder.
    pub fn file_name(&self, number: u32) -> String {
        format!("{}/part-{number:05}{}", self.name, self.compression.extension())
    }

    /// The number of the shard that the next line goes to.
    pub fn current(&self) -> u32 {
        self.shards.len() as u32
    }

    /// Bytes of all its files so far.
    pub fn bytes(&self) -> u64 {
        let closed: u64 = self.shards.iter().map(|shard| shard.bytes).sum();
        closed + self.open.as_ref().map_or(0, |open| open.length)
    }

    /// How many bytes the current shard still takes; the record that reaches it is its last.
    pub fn room(&self) -> u64 {
        self.limit.saturating_sub(self.open.as_ref().map_or(0, |open| open.raw_bytes))
    }

    /// Appends whole lines.
    pub fn append(&mut self, mut bytes: &[u8], rows: u64, spare: &mut Vec<Vec<u8>>) -> Result<()> {
        self.ensure_open()?;
        let Some(open) = &mut self.open else { return Ok(()) };
        open.rows += rows;
        open.raw_bytes += bytes.len() as u64;
        if self.place.is_none() {
            return Ok(());
        }
        if self.compression == Compression::None {
            open.pending.extend_from_slice(bytes);
            if open.pending.len() >= PIECE {
                self.issue_pending(spare);
            }
            return Ok(());
        }
        while !bytes.is_empty() {
            let Some(open) = &mut self.open else { break };
            let room = (FRAME + 1).saturating_sub(open.pending.len());
            // A record longer than a frame goes on to its own end.
            let take = if room > 0 { room } else { memchr::memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1) };
            let (now, later) = bytes.split_at(take.min(bytes.len()));
            open.pending.extend_from_slice(now);
            bytes = later;
            self.cut_frames(spare);
        }
        Ok(())
    }

    /// Appends whole lines that their owner can do without: no copy is made where the stream is plain.
    /// `lines` becomes an empty buffer.
    pub fn give(&mut self, lines: &mut Vec<u8>, rows: u64, spare: &mut Vec<Vec<u8>>) -> Result<()> {
        if self.compression != Compression::None || self.place.is_none() || lines.len() < PIECE / 2 {
            self.append(lines, rows, spare)?;
            lines.clear();
            return Ok(());
        }
        self.ensure_open()?;
        let Some(open) = &mut self.open else { return Ok(()) };
        open.rows += rows;
        open.raw_bytes += lines.len() as u64;
        if !open.pending.is_empty() {
            self.issue_pending(spare);
        }
        let mut next = spare.pop().unwrap_or_default();
        next.clear();
        let bytes = std::mem::replace(lines, next);
        self.issue(bytes);
        Ok(())
    }

    fn issue_pending(&mut self, spare: &mut Vec<Vec<u8>>) {
        let Some(open) = &mut self.open else { return };
        let mut next = spare.pop().unwrap_or_default();
        next.clear();
        let bytes = std::mem::replace(&mut open.pending, next);
        self.issue(bytes);
    }

    /// Issues what is longer than a frame. Where it is cut depends on the bytes alone.
    fn cut_frames(&mut self, spare: &mut Vec<Vec<u8>>) {
        while let Some(open) = &mut self.open
            && open.pending.len() > FRAME
        {
            let end = memchr::memrchr(b'\n', &open.pending[..FRAME])
                .or_else(|| memchr::memchr(b'\n', &open.pending[FRAME..]).map(|at| at + FRAME));
            let Some(end) = end else { return };
            let mut rest = spare.pop().unwrap_or_else(|| Vec::with_capacity(FRAME + 1));
            rest.clear();
            rest.extend_from_slice(&open.pending[end + 1..]);
            open.pending.truncate(end + 1);
            let bytes = std::mem::replace(&mut open.pending, rest);
            self.issue(bytes);
        }
    }

    fn issue(&mut self, bytes: Vec<u8>) {
        let path = self.temporary();
        let (Some(open), Some(place), Some(path)) = (&mut self.open, &self.place, path) else { return };
        let number = open.issued;
        open.issued += 1;
        let kind = match self.compression {
            Compression::None => {
                let at = open.end;
                open.end += bytes.len() as u64;
                WorkKind::Piece { number, bytes, file: open.file.clone(), path, disk: place.disk.clone(), at }
            }
            _ => WorkKind::Frame { number, bytes },
        };
        self.work.push(Work { sink: self.index, kind });
    }

    /// Takes the work that has come up.
    pub fn take_work(&mut self) -> impl Iterator<Item = Work> + '_ {
        self.work.drain(..)
    }

    /// Takes the result of a piece of work; results may come in any order.
    pub fn accept(&mut self, done: Done) -> Result<()> {
        if matches!(done.made, Made::Synced) {
            if let Some(shard) = self.shards.get_mut(done.number as usize) {
                shard.synced = true;
            }
            return Ok(());
        }
        let path = self.temporary();
        let (Some(open), Some(place), Some(path)) = (&mut self.open, &self.place, path) else { return Ok(()) };
        open.waiting.insert(done.number, done.made);
        while let Some(made) = open.waiting.remove(&open.accepted) {
            match made {
                Made::Frame(bytes) => {
                    if let Some(file) = &open.file {
                        place.disk.write_at(file, &path, &bytes, open.length)?;
                    }
                    open.digest.update(&bytes);
                    open.length += bytes.len() as u64;
                }
                Made::Piece(part, length) => {
                    open.digest.append(&part).map_err(Error::Internal)?;
                    open.length += length;
                }
                Made::Synced => {}
            }
            open.accepted += 1;
        }
        Ok(())
    }

    /// Whether every piece that was issued has come back.
    pub fn is_settled(&self) -> bool {
        self.work.is_empty() && self.open.as_ref().is_none_or(|open| open.accepted == open.issued)
    }

    /// Issues the last frame or piece of the shard. To be settled, then [`Sink::close`]d.
    pub fn seal(&mut self) {
        if let Some(open) = &mut self.open
            && !open.pending.is_empty()
        {
            let bytes = std::mem::take(&mut open.pending);
            self.issue(bytes);
        }
    }

    /// Ends the current shard, which must be sealed and settled. Returns its number if there was one.
    pub fn close(&mut self) -> Result<Option<u32>> {
        let number = self.current();
        let path = self.temporary();
        let Some(open) = self.open.take() else { return Ok(None) };
        if open.accepted != open.issued {
            return Err(Error::Internal(format!("{}: a shard was closed before its frames were there", self.name)));
        }
        if let (Some(place), Some(file), Some(path)) = (&self.place, &open.file, path) {
            place.disk.truncate(file, &path, open.length)?;
            let kind = WorkKind::Sync { shard: self.shards.len(), file: file.clone(), path, disk: place.disk.clone() };
            self.work.push(Work { sink: self.index, kind });
        }
        self.shards.push(Shard {
            number,
            rows: open.rows,
            raw_bytes: open.raw_bytes,
            bytes: open.length,
            digest: open.digest.finish(),
            synced: self.place.is_none(),
        });
        Ok(Some(number))
    }

    fn ensure_open(&mut self) -> Result<()> {
        if self.open.is_some() {
            return Ok(());
        }
        let file = match (&self.place, self.temporary()) {
            (Some(place), Some(path)) => {
                let file = place.disk.open(&path)?;
                place.disk.truncate(&file, &path, 0)?;
                Some(Arc::new(file))
            }
            _ => None,
        };
        self.open = Some(Open {
            file,
            rows: 0,
            raw_bytes: 0,
            pending: Vec::new(),
            issued: 0,
            accepted: 0,
            waiting: BTreeMap::new(),
            length: 0,
            end: 0,
            digest: Tree::new(),
        });
        Ok(())
    }

    fn temporary(&self) -> Option<PathBuf> {
        self.place.as_ref().map(|place| place.work.join(self.temporary_name(self.current())))
    }

    fn temporary_name(&self, number: u32) -> String {
        format!("{}-{number:05}{}", self.name, self.compression.extension())
    }
}
