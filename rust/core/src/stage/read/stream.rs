//! What the containers share: the bytes of an open file, and the batch that is being filled.

use super::HEAD_BYTES;
use super::batch::{HeldPlace, Piece};
use super::discover::Note;
use super::source::Source;
use crate::Result;
use crate::record::Rejection;

/// Where a container stands after it added to a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The file was read to its end.
    Ended,
    /// The batch is full, or should end before the next unit.
    Full,
}

/// A batch in the making.
pub(super) struct Draft {
    pub buffer: Vec<u8>,
    pub pieces: Vec<Piece>,
    pub notes: Vec<Note>,
    /// `read.max_unit_bytes`
    pub max: usize,
    /// Bytes after which the batch is full.
    pub target: usize,
    /// Bytes of rows that stand in columns, not in the buffer.
    pub columns: usize,
}

/// The plain bytes of an open file.
pub(super) struct Stream {
    pub source: Source,
    /// Index into `Inputs::files`.
    pub file: usize,
    pub path: String,
    /// Plain offset of the first byte of `carry`.
    pub byte: u64,
    /// Read and not handed out yet.
    pub carry: Vec<u8>,
    /// Nothing follows `carry`.
    pub drained: bool,
}

impl Stream {
    /// Puts what was carried over at the end of the buffer; the index at which it begins.
    pub fn begin(&mut self, draft: &mut Draft) -> usize {
        let start = draft.buffer.len();
        draft.buffer.append(&mut self.carry);
        start
    }

    /// Reads until the buffer is `length` long. False where the file ends before.
    pub fn ensure(&mut self, buffer: &mut Vec<u8>, length: usize) -> Result<bool> {
        while buffer.len() < length && !self.drained {
            let wanted = length - buffer.len();
            self.drained = self.source.read(buffer, wanted)? < wanted;
        }
        Ok(buffer.len() >= length)
    }

    /// Hands out the buffer from `start` to `cut` and carries over what is after.
    pub fn commit(&mut self, draft: &mut Draft, start: usize, cut: usize) {
        self.carry = draft.buffer.split_off(cut);
        self.source.account(&draft.buffer[start..]);
        self.byte += (cut - start) as u64;
    }

    /// Drops the first bytes of what is carried: punctuation of the container. How many lines end in it.
    pub fn skip(&mut self, bytes: usize) -> u64 {
        let rest = self.carry.split_off(bytes);
        let skipped = std::mem::replace(&mut self.carry, rest);
        self.source.account(&skipped);
        self.byte += bytes as u64;
        memchr::memchr_iter(b'\n', &skipped).count() as u64
    }

    /// Whether the packed data ended in a defect, once it was read to its end: then the unit that
    /// ends with the file cannot be trusted.
    pub fn corrupt(&self) -> Option<&str> {
        self.source.corrupt.as_deref()
    }
}

impl Draft {
    pub fn new(buffer: Vec<u8>, max: usize, target: usize) -> Self {
        Self { buffer, pieces: Vec::new(), notes: Vec::new(), max, target, columns: 0 }
    }

    /// Bytes that a file may still add.
    pub fn room(&self) -> usize {
        self.target.saturating_sub(self.filled()).max(1)
    }

    /// Bytes of all its units.
    pub fn filled(&self) -> usize {
        self.buffer.len() + self.columns
    }

    /// Adds a rejected unit.
    #[expect(clippy::too_many_arguments, reason = "each is a field of the unit")]
    pub fn reject(
        &mut self,
        file: usize,
        place: HeldPlace,
        byte: u64,
        reason: &'static str,
        detail: String,
        head: &[u8],
        length: u64,
    ) {
        self.pieces.push(Piece::Rejected {
            file,
            place,
            byte,
            rejection: Rejection { reason, byte: 0, detail },
            head: head[..head.len().min(HEAD_BYTES)].to_vec(),
            length,
            digest: None,
        });
    }
}

/// The reason of a unit above the limit, for people.
pub(super) fn too_long(what: &str, length: u64, max: usize) -> String {
    format!("a {what} of {length} bytes, expected at most {max} (`read.max_unit_bytes`)")
}
