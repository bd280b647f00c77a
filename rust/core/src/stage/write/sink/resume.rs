//! A sink's state in a checkpoint, and back.

use super::{FRAME, Open, OpenState, Sink, SinkState, Work, WorkKind};
use crate::digest::Tree;
use crate::stage::write::settings::Compression;
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

impl Sink {
    /// The state for a checkpoint; the stream must be settled. What waits to fill a frame goes into
    /// the file where it is plain, else to `payload`.
    pub fn state(&self, payload: &mut Vec<u8>) -> Result<SinkState> {
        let open = match &self.open {
            None => None,
            Some(open) => {
                if self.compression == Compression::None {
                    if let (Some(place), Some(file), Some(path)) = (&self.place, &open.file, self.temporary()) {
                        place.disk.write_at(file, &path, &open.pending, open.length)?;
                    }
                } else {
                    payload.extend_from_slice(&open.pending);
                }
                Some(OpenState {
                    rows: open.rows,
                    raw_bytes: open.raw_bytes,
                    length: open.length,
                    digest: open.digest.clone(),
                    pending: open.pending.len(),
                })
            }
        };
        Ok(SinkState { shards: self.shards.clone(), open })
    }

    /// Goes on from a checkpoint; takes its share from the front of `payload`.
    ///
    /// # Errors
    ///
    /// Where a file is missing or is not what the checkpoint recorded.
    pub fn resume(&mut self, state: SinkState, payload: &mut &[u8]) -> Result<()> {
        self.shards = state.shards;
        let Some(place) = &self.place else { return Ok(()) };
        for (index, shard) in self.shards.iter().enumerate() {
            let temporary = place.work.join(self.temporary_name(shard.number));
            if !shard.synced {
                let file = Arc::new(place.disk.open(&temporary)?);
                require_length(&file, &temporary, shard.bytes)?;
                let kind = WorkKind::Sync { shard: index, file, path: temporary, disk: place.disk.clone() };
                self.work.push(Work { sink: self.index, kind });
            }
        }
        let Some(saved) = state.open else { return Ok(()) };
        let path = place.work.join(self.temporary_name(self.current()));
        let file = place.disk.open(&path)?;
        let mut pending = vec![0; saved.pending];
        if self.compression == Compression::None {
            require_length(&file, &path, saved.length + saved.pending as u64)?;
            file.read_exact_at(&mut pending, saved.length).map_err(|error| Error::io(&path, error))?;
        } else {
            require_length(&file, &path, saved.length)?;
            let (own, others) = payload.split_at_checked(saved.pending).ok_or_else(|| damaged(&path))?;
            pending.copy_from_slice(own);
            *payload = others;
        }
        verify(&file, &path, saved.length, &saved.digest)?;
        place.disk.truncate(&file, &path, saved.length)?;
        self.open = Some(Open {
            file: Some(Arc::new(file)),
            rows: saved.rows,
            raw_bytes: saved.raw_bytes,
            pending,
            issued: 0,
            accepted: 0,
            waiting: BTreeMap::new(),
            length: saved.length,
            end: saved.length,
            digest: saved.digest,
        });
        Ok(())
    }

    /// Gives complete shards their names. Only after a checkpoint that knows them.
    pub fn publish(&mut self, known: &SinkState) -> Result<()> {
        let Some(place) = &self.place else { return Ok(()) };
        while let Some(shard) = known.shards.get(self.published)
            && shard.synced
        {
            if self.published == 0 {
                place.disk.create_folder(&place.folder)?;
                place.disk.sync_parent(&place.folder)?;
            }
            let from = place.work.join(self.temporary_name(shard.number));
            let to = place.folder.join(format!("part-{:05}{}", shard.number, self.compression.extension()));
            if from.exists() {
                place.disk.rename(&from, &to)?;
            } else if !to.exists() {
                return Err(damaged(&to));
            }
            self.published += 1;
        }
        Ok(())
    }
}

fn require_length(file: &File, path: &Path, length: u64) -> Result<()> {
    let found = file.metadata().map_err(|error| Error::io(path, error))?.len();
    if found < length { Err(damaged(path)) } else { Ok(()) }
}

/// Reads the file again up to `length`: after a power failure a name may be there without its bytes.
fn verify(file: &File, path: &Path, length: u64, expected: &Tree) -> Result<()> {
    let mut tree = Tree::new();
    let mut buffer = vec![0; FRAME];
    while tree.bytes() < length {
        let part = buffer.len().min((length - tree.bytes()) as usize);
        file.read_exact_at(&mut buffer[..part], tree.bytes()).map_err(|error| Error::io(path, error))?;
        tree.update(&buffer[..part]);
    }
    if tree == *expected { Ok(()) } else { Err(damaged(path)) }
}

fn damaged(path: &Path) -> Error {
    Error::output(path.display().to_string(), "is not what the checkpoint recorded, so the run cannot be continued")
        .with_hint("start again with `--force`")
}
