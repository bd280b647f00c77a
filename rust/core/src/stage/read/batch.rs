//! A batch: a few MiB of plain bytes, and how they divide into units.

use super::columnar;
use super::cursor::Cursor;
use super::discover::{Inputs, Note};
use super::lines::{Lines, json_body, rejected_long};
use super::rows::{Rows, Table};
use super::unit::{Body, Unit};
use crate::arrow;
use crate::digest::Digest;
use crate::json;
use crate::record::{Origin, Place, Rejection};
use bumpalo::Bump;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex};

/// A run of whole units in input order. It may span several small files.
#[derive(Debug)]
pub struct Batch {
    /// Its number, from 0.
    pub seq: u64,
    /// Where the reader stood after it.
    pub end: Cursor,
    /// Plain bytes that it holds.
    pub bytes: usize,
    /// The files that end in it.
    pub ended: Vec<FileAccount>,
    /// What is to be reported about containers, in input order.
    pub notes: Vec<Note>,
    pub(super) inputs: Arc<Inputs>,
    pub(super) buffer: Vec<u8>,
    pub(super) pieces: Vec<Piece>,
    pub(super) max: usize,
    /// Buffers that can be used again.
    pub(super) pool: Arc<Mutex<Vec<Vec<u8>>>>,
}

/// What is known about a file once it was read to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileAccount {
    /// Index into `Inputs::files`.
    pub file: usize,
    /// Bytes on disk (of standard input, bytes received).
    pub bytes: u64,
    /// Bytes after decompression, as far as they were read.
    pub plain_bytes: u64,
    /// BLAKE3 of the bytes on disk; `None` where they were not read to the end.
    pub digest: Option<Digest>,
    /// `none`, `gzip` or `zstd`.
    pub compression: String,
    /// `lines`, `array`, `object`, `map`, `values`, `table`, `parquet`, `arrow`, `json`, `text`, `empty`, `unsupported` or `unreadable`.
    pub container: String,
}

/// A stretch of the buffer that divides in one way.
#[derive(Debug)]
pub(super) enum Piece {
    /// Lines, each a unit; `ends`: where their line ends stand, from `start`.
    Lines { file: usize, start: usize, end: usize, byte: u64, line: u64, ends: Vec<usize> },
    /// Table rows.
    Rows { file: usize, start: usize, end: usize, byte: u64, line: u64, table: Arc<Table> },
    /// Rows of columns, from `start` to `end`; `first` is the index of the row at `start`.
    Columns { file: usize, first: u64, rows: Arc<arrow::Rows>, start: usize, end: usize },
    /// Elements of an array: their places in the buffer; `byte` is the offset of the buffer's first byte.
    Elements { file: usize, byte: u64, first: u64, spans: Vec<(usize, usize)> },
    /// A member of a map; `key` with its quotes.
    Member { file: usize, byte: u64, key: (usize, usize), value: (usize, usize) },
    /// A file that is one unit.
    Whole { file: usize, start: usize, end: usize, byte: u64, text: bool },
    /// A unit that could not be read.
    Rejected {
        file: usize,
        place: HeldPlace,
        byte: u64,
        rejection: Rejection,
        head: Vec<u8>,
        length: u64,
        digest: Option<String>,
    },
}

/// A place that holds its key as it is spelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum HeldPlace {
    Line(u64),
    Index(u64),
    /// As spelled, with its quotes.
    Key(Vec<u8>),
    Whole,
}

impl Batch {
    /// The batch's units in input order. Keys and rows are decoded into the arena.
    pub fn units<'a>(&'a self, arena: &'a Bump) -> impl Iterator<Item = Unit<'a>> {
        self.pieces.iter().flat_map(move |piece| self.piece(piece, arena))
    }

    /// The plain bytes that units of JSON are parts of.
    pub fn plain(&self) -> &[u8] {
        &self.buffer
    }

    fn path(&self, file: usize) -> &str {
        self.inputs.files.get(file).map_or("", |file| file.path.as_str())
    }

    pub(super) fn piece<'a>(&'a self, piece: &'a Piece, arena: &'a Bump) -> Units<'a> {
        let max = self.max;
        match piece {
            &Piece::Lines { file, start, end, byte, line, ref ends } => Units::Lines(Lines {
                path: self.path(file),
                bytes: &self.buffer[start..end],
                ends: ends.iter(),
                at: 0,
                byte,
                line,
                max,
            }),
            &Piece::Rows { file, start, end, byte, line, ref table } => {
                Units::Rows(Rows::new(self.path(file), &self.buffer[start..end], (byte, line), table, max, arena))
            }
            &Piece::Columns { file, first, ref rows, start, end } => Units::Columns(columnar::Lines {
                path: self.path(file),
                rows,
                at: start,
                end,
                number: first,
                max,
                arena,
                line: Vec::new(),
            }),
            Piece::Elements { file, byte, first, spans } => Units::Elements {
                path: self.path(*file),
                buffer: &self.buffer,
                byte: *byte,
                index: *first,
                spans: spans.iter(),
                max,
            },
            &Piece::Member { file, byte, key, value } => Units::One(Some(Unit {
                origin: Origin {
                    path: self.path(file),
                    place: Place::Key(decode_key(&self.buffer[key.0..key.1], arena)),
                },
                byte: byte.wrapping_add(value.0 as u64),
                body: json_body("member", &self.buffer[value.0..value.1], max),
            })),
            &Piece::Whole { file, start, end, byte, text } => {
                let bytes = &self.buffer[start..end];
                let body = match text {
                    true if bytes.len() > max => rejected_long("file", bytes, max),
                    true if bytes.iter().all(u8::is_ascii_whitespace) => Body::Empty,
                    true => Body::Text(bytes),
                    false => json_body("file that is one record", bytes, max),
                };
                Units::One(Some(Unit { origin: Origin { path: self.path(file), place: Place::Whole }, byte, body }))
            }
            Piece::Rejected { file, place, byte, rejection, head, length, digest } => {
                let place = match place {
                    HeldPlace::Line(line) => Place::Line(*line),
                    HeldPlace::Index(index) => Place::Index(*index),
                    HeldPlace::Key(key) => Place::Key(decode_key(key, arena)),
                    HeldPlace::Whole => Place::Whole,
                };
                Units::One(Some(Unit {
                    origin: Origin { path: self.path(*file), place },
                    byte: *byte,
                    body: Body::Rejected {
                        rejection: rejection.clone(),
                        head,
                        length: *length,
                        digest: digest.as_deref(),
                    },
                }))
            }
        }
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        // Fresh memory costs a page fault every 4 KiB; large buffers of rare units are given back.
        if self.buffer.capacity() <= 4 * super::BATCH_BYTES
            && let Ok(mut pool) = self.pool.lock()
            && pool.len() < 8
        {
            let mut buffer = std::mem::take(&mut self.buffer);
            buffer.clear();
            pool.push(buffer);
        }
    }
}

/// The units of one piece.
pub(super) enum Units<'a> {
    Lines(Lines<'a>),
    Rows(Rows<'a>),
    Columns(columnar::Lines<'a>),
    Elements {
        path: &'a str,
        buffer: &'a [u8],
        byte: u64,
        index: u64,
        spans: std::slice::Iter<'a, (usize, usize)>,
        max: usize,
    },
    One(Option<Unit<'a>>),
}

impl<'a> Iterator for Units<'a> {
    type Item = Unit<'a>;

    #[inline]
    fn next(&mut self) -> Option<Unit<'a>> {
        match self {
            Self::Lines(lines) => lines.next(),
            Self::Rows(rows) => rows.next(),
            Self::Columns(lines) => lines.next(),
            Self::Elements { path, buffer, byte, index, spans, max } => {
                let &(start, end) = spans.next()?;
                let origin = Origin { path, place: Place::Index(*index) };
                *index += 1;
                Some(Unit {
                    origin,
                    byte: byte.wrapping_add(start as u64),
                    body: json_body("element", &buffer[start..end], *max),
                })
            }
            Self::One(unit) => unit.take(),
        }
    }
}

/// The text of a key; one that is no good JSON string stays as it is spelled.
fn decode_key<'a>(quoted: &[u8], arena: &'a Bump) -> &'a str {
    let inside = quoted.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(quoted);
    let text: &'a str = arena.alloc_str(&String::from_utf8_lossy(inside));
    json::unescape(text, arena).unwrap_or(text)
}
