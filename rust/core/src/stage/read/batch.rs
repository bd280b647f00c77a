//! A batch: a few MiB of plain bytes, and how they divide into units.

use super::cursor::Cursor;
use super::discover::{Inputs, Note};
use super::unit::{Body, Unit};
use crate::digest::Digest;
use crate::record::{Origin, Place};
use bumpalo::Bump;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A run of whole units in input order. It may span several small files.
#[derive(Debug)]
pub struct Batch {
    /// Its number, from 0.
    pub seq: u64,
    /// Where the reader stood after it.
    pub end: Cursor,
    /// Plain bytes that it accounts for.
    pub bytes: usize,
    /// The files that end in it.
    pub ended: Vec<FileAccount>,
    /// What is to be reported about containers, in input order.
    pub notes: Vec<Note>,
    pub(super) inputs: Arc<Inputs>,
    pub(super) buffer: Vec<u8>,
    pub(super) pieces: Vec<Piece>,
}

/// What is known about a file once it was read to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileAccount {
    /// Index into `Inputs::files`.
    pub file: usize,
    /// Bytes on disk (of standard input, bytes received).
    pub bytes: u64,
    /// Bytes after decompression.
    pub plain_bytes: u64,
    /// BLAKE3 of the bytes on disk.
    pub digest: Option<Digest>,
    /// `none`, `gzip` or `zstd`.
    pub compression: String,
    /// `lines`, `array`, `object`, `map`, `values`, `table`, `json`, `text`, `empty` or `unsupported`.
    pub container: String,
}

/// A stretch of the buffer that divides in one way.
#[derive(Debug)]
pub(super) enum Piece {
    /// Lines, each a unit.
    Lines { file: usize, start: usize, end: usize, byte: u64, line: u64 },
}

impl Batch {
    /// The batch's units in input order.
    pub fn units<'a>(&'a self, arena: &'a Bump) -> impl Iterator<Item = Unit<'a>> {
        let _ = arena;
        self.pieces.iter().flat_map(|piece| match *piece {
            Piece::Lines { file, start, end, byte, line } => {
                let path = self.inputs.files.get(file).map_or("", |file| file.path.as_str());
                Lines { path, bytes: &self.buffer[start..end], byte, line }
            }
        })
    }
}

/// Splits lines.
struct Lines<'a> {
    path: &'a str,
    bytes: &'a [u8],
    byte: u64,
    line: u64,
}

impl<'a> Iterator for Lines<'a> {
    type Item = Unit<'a>;

    fn next(&mut self) -> Option<Unit<'a>> {
        if self.bytes.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', self.bytes);
        let (line, rest) = match end {
            Some(end) => (&self.bytes[..end], &self.bytes[end + 1..]),
            None => (self.bytes, &self.bytes[self.bytes.len()..]),
        };
        let unit = Unit {
            origin: Origin { path: self.path, place: Place::Line(self.line) },
            byte: self.byte,
            body: line_body(line),
        };
        self.byte += (self.bytes.len() - rest.len()) as u64;
        self.line += 1;
        self.bytes = rest;
        Some(unit)
    }
}

/// A line without its end; blank ones are empty.
fn line_body(line: &[u8]) -> Body<'_> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.iter().all(u8::is_ascii_whitespace) { Body::Empty } else { Body::Json(line) }
}
