//! What of a sink's work may be done out of order.

use crate::Result;
use crate::digest::Part;
use crate::stage::write::disk::Disk;
use crate::stage::write::encode::Encoder;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

/// A piece of work that any worker may do.
#[derive(Debug)]
pub struct Work {
    pub(super) sink: usize,
    pub(super) kind: WorkKind,
}

#[derive(Debug)]
pub(super) enum WorkKind {
    Frame { number: u64, bytes: Vec<u8> },
    Piece { number: u64, bytes: Vec<u8>, file: Option<Arc<File>>, path: PathBuf, disk: Disk, at: u64 },
    Sync { shard: usize, file: Arc<File>, path: PathBuf, disk: Disk },
}

/// The result of a piece of work.
#[derive(Debug)]
pub struct Done {
    /// Which sink it goes back to.
    pub sink: usize,
    pub(super) number: u64,
    pub(super) made: Made,
    /// The work's buffer, to be used again.
    pub spent: Vec<u8>,
}

#[derive(Debug)]
pub(super) enum Made {
    Frame(Vec<u8>),
    Piece(Part, u64),
    Synced,
}

impl Work {
    /// Bytes that wait in this piece of work.
    pub fn bytes(&self) -> usize {
        match &self.kind {
            WorkKind::Frame { bytes, .. } | WorkKind::Piece { bytes, .. } => bytes.len(),
            WorkKind::Sync { .. } => 0,
        }
    }

    /// Does it.
    pub fn run(self, encoder: &mut Encoder) -> Result<Done> {
        let sink = self.sink;
        Ok(match self.kind {
            WorkKind::Frame { number, bytes } => {
                let mut out = Vec::new();
                encoder.encode(&bytes, &mut out)?;
                Done { sink, number, made: Made::Frame(out), spent: bytes }
            }
            WorkKind::Piece { number, bytes, file, path, disk, at } => {
                let part = Part::new(&bytes, at);
                if let Some(file) = file {
                    disk.write_at(&file, &path, &bytes, at)?;
                }
                Done { sink, number, made: Made::Piece(part, bytes.len() as u64), spent: bytes }
            }
            WorkKind::Sync { shard, file, path, disk } => {
                disk.sync(&file, &path)?;
                Done { sink, number: shard as u64, made: Made::Synced, spent: Vec::new() }
            }
        })
    }
}
