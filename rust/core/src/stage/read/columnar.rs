//! Containers of columns: each row is a unit, written as one line of JSON on the worker that has it.
//!
//! Columns are decoded here, a few thousand rows at a time, and cut where the rows' JSON, as it is
//! estimated, fills a batch: the cuts depend on the rows alone.

use super::batch::{HeldPlace, Piece};
use super::ipc::IpcReader;
use super::parquet::ParquetReader;
use super::stream::{Draft, Outcome, Stream, too_long};
use super::unit::{Body, Unit};
use crate::arrow::Rows;
use crate::record::{Origin, Place, Rejection};
use crate::{Error, Result};
use bumpalo::Bump;
use std::sync::Arc;

/// The reader of an open file of columns.
pub(super) enum Columnar {
    Parquet(Box<ParquetReader>),
    Ipc(Box<IpcReader>),
}

/// Rows that were decoded and not handed out yet.
pub(super) struct Waiting {
    pub rows: Arc<Rows>,
    pub at: usize,
}

impl Waiting {
    pub fn new(rows: Rows, at: usize) -> Self {
        Self { rows: Arc::new(rows), at }
    }

    /// Hands out rows until the batch is full or there are none left. `number`: the index of the next.
    pub fn hand_out(&mut self, stream: &Stream, number: &mut u64, draft: &mut Draft) {
        let mut first = self.at;
        while self.at < self.rows.length() && draft.filled() < draft.target {
            let bytes = self.rows.bytes(self.at);
            if bytes > draft.max {
                self.flush(first, stream, *number, draft);
                let mut head = Vec::new();
                self.rows.write(self.at, &mut head, super::HEAD_BYTES);
                let detail = too_long("row", bytes as u64, draft.max);
                let place = HeldPlace::Index(*number);
                draft.reject(stream.file, place, 0, "read.too_long", detail, &head, bytes as u64);
                first = self.at + 1;
            } else {
                draft.columns += bytes;
            }
            self.at += 1;
            *number += 1;
        }
        self.flush(first, stream, *number, draft);
    }

    /// Makes a piece of the rows from `first` to here; `number` is the index of the row that stands here.
    fn flush(&self, first: usize, stream: &Stream, number: u64, draft: &mut Draft) {
        if first < self.at {
            draft.pieces.push(Piece::Columns {
                file: stream.file,
                first: number - (self.at - first) as u64,
                rows: Arc::clone(&self.rows),
                start: first,
                end: self.at,
            });
        }
    }
}

impl Columnar {
    /// Adds rows until the batch is full.
    pub fn advance(&mut self, stream: &mut Stream, number: &mut u64, draft: &mut Draft) -> Result<Outcome> {
        match self {
            Self::Parquet(reader) => Ok(reader.advance(stream, number, draft)),
            Self::Ipc(reader) => reader.advance(stream, number, draft),
        }
    }
}

/// The units of a piece of rows.
pub(super) struct Lines<'a> {
    pub path: &'a str,
    pub rows: &'a Rows,
    pub at: usize,
    pub end: usize,
    /// Index of the row at `at`.
    pub number: u64,
    pub max: usize,
    pub arena: &'a Bump,
    pub line: Vec<u8>,
}

impl<'a> Iterator for Lines<'a> {
    type Item = Unit<'a>;

    fn next(&mut self) -> Option<Unit<'a>> {
        if self.at >= self.end {
            return None;
        }
        self.line.clear();
        self.rows.write(self.at, &mut self.line, self.max + 1);
        let origin = Origin { path: self.path, place: Place::Index(self.number) };
        let body = match self.line.len() {
            length if length > self.max => Body::Rejected {
                rejection: Rejection {
                    reason: "read.too_long",
                    byte: 0,
                    detail: too_long("row", length as u64, self.max),
                },
                head: self.arena.alloc_slice_copy(&self.line[..super::HEAD_BYTES.min(length)]),
                length: length as u64,
                digest: None,
            },
            _ => Body::Json(self.arena.alloc_slice_copy(&self.line)),
        };
        self.at += 1;
        self.number += 1;
        Some(Unit { origin, byte: 0, body })
    }
}

/// A place in a file whose reader was lost: a cursor of another version.
pub(super) fn lost(path: &str) -> Error {
    Error::Internal(format!("{path}: rows without their reader"))
}
