//! Hands out batches in input order.

use super::BATCH_BYTES;
use super::batch::{Batch, FileAccount, Piece};
use super::cursor::{Cursor, Position};
use super::discover::{InputKind, Inputs};
use super::settings::ReadSettings;
use crate::digest::Tree;
use crate::{Error, Result};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;

/// Reads inputs in order.
pub struct Reader {
    inputs: Arc<Inputs>,
    cursor: Cursor,
    open: Option<Open>,
}

struct Open {
    source: Box<dyn Read + Send>,
    carry: Vec<u8>,
    ended: bool,
    byte: u64,
    line: u64,
    tree: Tree,
}

impl Reader {
    /// A reader that begins at the first input.
    pub fn new(inputs: Arc<Inputs>, settings: &ReadSettings) -> Result<Self> {
        Self::resume(inputs, settings, &Cursor::default())
    }

    /// A reader that goes on after a batch.
    pub fn resume(inputs: Arc<Inputs>, settings: &ReadSettings, cursor: &Cursor) -> Result<Self> {
        settings.check()?;
        let mut reader = Self { inputs, cursor: cursor.clone(), open: None };
        if let Some(position) = &cursor.position {
            reader.open = Some(reader.open(Some(position))?);
        }
        Ok(reader)
    }

    fn open(&self, position: Option<&Position>) -> Result<Open> {
        let input = &self.inputs.files[self.cursor.file];
        let mut source: Box<dyn Read + Send> = if input.kind == InputKind::Stdin {
            Box::new(std::io::stdin())
        } else {
            let mut file = File::open(input.real()).map_err(|source| Error::io(input.real(), source))?;
            if let Some(position) = position {
                file.seek(SeekFrom::Start(position.byte)).map_err(|source| Error::io(input.real(), source))?;
            }
            Box::new(file)
        };
        let mut carry = Vec::new();
        let (byte, line, mut tree) = position.map_or((0, 1, Tree::new()), |at| (at.byte, at.number, at.digest.clone()));
        let mut start = byte;
        if byte == 0 {
            source.by_ref().take(3).read_to_end(&mut carry).map_err(|source| Error::io(input.real(), source))?;
            if carry == b"\xEF\xBB\xBF" {
                tree.update(&carry);
                carry.clear();
                start = 3;
            }
        }
        Ok(Open { source, carry, ended: false, byte: start, line, tree })
    }

    /// The next batch, or `None` at the end of the last input.
    ///
    /// # Errors
    /// What stops a run: a file that vanished, changed, or that the system cannot read.
    pub fn next_batch(&mut self) -> Result<Option<Batch>> {
        let mut buffer: Vec<u8> = Vec::new();
        let mut pieces = Vec::new();
        let mut ended = Vec::new();
        while buffer.len() < BATCH_BYTES && self.cursor.file < self.inputs.files.len() {
            let mut open = match self.open.take() {
                Some(open) => open,
                None => self.open(None)?,
            };
            let input = &self.inputs.files[self.cursor.file];
            let start = buffer.len();
            buffer.append(&mut open.carry);
            let mut cut = None;
            while cut.is_none() {
                let wanted = BATCH_BYTES.saturating_sub(buffer.len()).max(64 << 10);
                let got = open
                    .source
                    .by_ref()
                    .take(wanted as u64)
                    .read_to_end(&mut buffer)
                    .map_err(|source| Error::io(input.real(), source))?;
                if got == 0 {
                    open.ended = true;
                    cut = Some(buffer.len());
                } else if buffer.len() >= BATCH_BYTES {
                    cut = memchr::memrchr(b'\n', &buffer[start..]).map(|at| start + at + 1);
                }
            }
            let cut = cut.unwrap_or(buffer.len());
            open.carry = buffer.split_off(cut);
            let lines = &buffer[start..];
            open.tree.update(lines);
            pieces.push(Piece::Lines { file: self.cursor.file, start, end: cut, byte: open.byte, line: open.line });
            open.byte += lines.len() as u64;
            open.line += memchr::memchr_iter(b'\n', lines).count() as u64;
            if open.ended {
                ended.push(FileAccount {
                    file: self.cursor.file,
                    bytes: open.byte,
                    plain_bytes: open.byte,
                    digest: Some(open.tree.finish()),
                    compression: "none".into(),
                    container: "lines".into(),
                });
                self.cursor.file += 1;
                self.cursor.position = None;
            } else {
                self.cursor.position = Some(Position { byte: open.byte, number: open.line, digest: open.tree.clone() });
                self.open = Some(open);
            }
        }
        if pieces.is_empty() {
            return Ok(None);
        }
        let seq = self.cursor.seq;
        self.cursor.seq += 1;
        let (end, inputs) = (self.cursor.clone(), Arc::clone(&self.inputs));
        Ok(Some(Batch { seq, end, bytes: buffer.len(), ended, notes: Vec::new(), inputs, buffer, pieces }))
    }
}
