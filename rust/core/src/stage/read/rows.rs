//! Rows of CSV and TSV (RFC 4180, read with lenience that loses nothing).
//!
//! A quote opens a quoted field only at the field's start, and only if its closing quote is followed by a
//! delimiter or a line end; any other quote is text. A row shorter than the header has fewer members; the
//! fields beyond the header are called `column_N`. Blank lines are empty units. The rows of one dialogue
//! are one unit (see `dialogues`).

use super::dialogues::split_turn;
use super::lines::rejected_long;
use super::unit::{Body, Unit};
use crate::json::{self, Kind, Limits, Member, Node, write_string};
use crate::record::{Origin, Place};
use bumpalo::Bump;
use bumpalo::collections::Vec as ArenaVec;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A quoted field that is longer than this was not meant as one.
pub(super) const MAX_QUOTED: usize = 1 << 20;

/// How a table is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// What stands between fields.
    pub delimiter: u8,
    /// The columns' names: the header's, a repeated or missing one made unique by its place; none without a header.
    pub columns: Vec<String>,
    /// The column with the dialogue's id, where rows are turns that are joined.
    pub dialogue: Option<usize>,
}

impl Table {
    /// Names the columns after a header row.
    pub fn named(delimiter: u8, header: &[String]) -> Self {
        let mut columns: Vec<String> = Vec::with_capacity(header.len());
        for (index, name) in header.iter().enumerate() {
            let mut name = match name.trim() {
                "" => format!("column_{}", index + 1),
                name => name.to_owned(),
            };
            while columns.contains(&name) {
                name = format!("{name}_{}", index + 1);
            }
            columns.push(name);
        }
        Self { delimiter, columns, dialogue: None }
    }
}

/// One field of a row, in place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'a> {
    bytes: &'a [u8],
    quoted: bool,
}

impl<'a> Field<'a> {
    /// The field's bytes, doubled quotes undone.
    pub fn content(self) -> Cow<'a, [u8]> {
        if !self.quoted || memchr::memchr(b'"', self.bytes).is_none() {
            return Cow::Borrowed(self.bytes);
        }
        let mut content = Vec::with_capacity(self.bytes.len());
        let mut rest = self.bytes;
        while let Some(quote) = memchr::memchr(b'"', rest) {
            content.extend_from_slice(&rest[..=quote]);
            rest = &rest[(quote + 2).min(rest.len())..];
        }
        content.extend_from_slice(rest);
        Cow::Owned(content)
    }
}

/// Splits the first row off: calls `field` for each field and returns the length of the row with its
/// line end. `bytes` must hold the row whole, or be the end of the file.
pub(super) fn split_row<'a>(bytes: &'a [u8], delimiter: u8, mut field: impl FnMut(Field<'a>)) -> usize {
    let mut at = 0;
    loop {
        let quoted = (bytes.get(at) == Some(&b'"')).then(|| quoted_end(bytes, at, delimiter)).flatten();
        let end = match quoted {
            Some(end) => {
                field(Field { bytes: &bytes[at + 1..end - 1], quoted: true });
                end + usize::from(bytes.get(end) == Some(&b'\r') && bytes.get(end + 1) == Some(&b'\n'))
            }
            None => {
                let end = memchr::memchr2(delimiter, b'\n', &bytes[at..]).map_or(bytes.len(), |end| at + end);
                let last = bytes.get(end) != Some(&delimiter);
                let text = &bytes[at..end];
                field(Field {
                    bytes: if last { text.strip_suffix(b"\r").unwrap_or(text) } else { text },
                    quoted: false,
                });
                end
            }
        };
        match bytes.get(end) {
            Some(&byte) if byte == delimiter => at = end + 1,
            Some(_) => return end + 1,
            None => return end,
        }
    }
}

/// Where the quoted field that opens at `at` is over: the index after its closing quote.
pub(super) fn quoted_end(bytes: &[u8], at: usize, delimiter: u8) -> Option<usize> {
    let limit = bytes.len().min(at + MAX_QUOTED);
    let mut from = at + 1;
    loop {
        let quote = from + memchr::memchr(b'"', bytes.get(from..limit)?)?;
        if bytes.get(quote + 1) == Some(&b'"') {
            from = quote + 2;
            continue;
        }
        return match &bytes[quote + 1..] {
            [] | [b'\n', ..] | [b'\r', b'\n', ..] => Some(quote + 1),
            [b'\r'] => Some(quote + 1),
            [next, ..] if *next == delimiter => Some(quote + 1),
            _ => None,
        };
    }
}

/// The end of the last whole row of `bytes` that ends at or before `fits`. What follows `fits`, at least
/// `MAX_QUOTED` bytes of it unless the file ends, decides whether a quoted field is one.
pub(super) fn last_row_end(bytes: &[u8], fits: usize, delimiter: u8) -> Option<usize> {
    let mut candidate = memchr::memrchr(b'\n', &bytes[..fits])?;
    // The quoted fields that have line ends in them, in order.
    let mut spans: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'"', &bytes[at..fits]) {
        let quote = at + found;
        let opens = quote == 0 || bytes[quote - 1] == delimiter || bytes[quote - 1] == b'\n';
        at = match opens.then(|| quoted_end(bytes, quote, delimiter)).flatten() {
            Some(end) => {
                spans.push((quote, end));
                end.min(fits)
            }
            None => quote + 1,
        };
    }
    for &(open, close) in spans.iter().rev() {
        if open < candidate && candidate < close {
            candidate = memchr::memrchr(b'\n', &bytes[..open])?;
        }
    }
    Some(candidate + 1)
}

/// Splits rows into units.
pub(super) struct Rows<'a> {
    path: &'a str,
    bytes: &'a [u8],
    byte: u64,
    line: u64,
    table: &'a Table,
    max: usize,
    arena: &'a Bump,
    /// The columns' names as JSON strings.
    keys: Vec<&'a str>,
    scratch: Vec<u8>,
}

impl<'a> Rows<'a> {
    pub fn new(
        path: &'a str,
        bytes: &'a [u8],
        (byte, line): (u64, u64),
        table: &'a Table,
        max: usize,
        arena: &'a Bump,
    ) -> Self {
        let keys = table.columns.iter().map(|name| Node::string(name, arena).raw).collect();
        Self { path, bytes, byte, line, table, max, arena, keys, scratch: Vec::new() }
    }

    /// The row as an object of strings, spelled in the arena.
    fn node(&mut self, fields: &[Field<'_>]) -> (Node<'a>, bool) {
        let mut decoded = false;
        let mut places: Vec<(usize, usize, usize)> = Vec::with_capacity(fields.len());
        let mut values: Vec<Option<&'a str>> = Vec::with_capacity(fields.len());
        self.scratch.clear();
        self.scratch.push(b'{');
        for (index, field) in fields.iter().enumerate() {
            if index > 0 {
                self.scratch.extend_from_slice(b", ");
            }
            let key = self.scratch.len();
            match self.keys.get(index) {
                Some(name) => self.scratch.extend_from_slice(name.as_bytes()),
                None => {
                    let name = self.beyond(index);
                    write_string(&mut self.scratch, &name);
                }
            }
            let key_end = self.scratch.len();
            self.scratch.extend_from_slice(b": ");
            let content = field.content();
            let text = match simdutf8::basic::from_utf8(&content) {
                Ok(text) => Cow::Borrowed(text),
                Err(_) => {
                    decoded = true;
                    encoding_rs::WINDOWS_1252.decode_without_bom_handling(&content).0
                }
            };
            let value = self.scratch.len();
            write_string(&mut self.scratch, &text);
            let plain = self.scratch.len() - value == text.len() + 2;
            values.push((!plain).then(|| &*self.arena.alloc_str(&text)));
            places.push((key, key_end, value));
        }
        let end = self.scratch.len();
        self.scratch.push(b'}');
        let raw: &'a str = self.arena.alloc_str(&String::from_utf8_lossy(&self.scratch));
        let mut members = ArenaVec::with_capacity_in(places.len(), self.arena);
        for (index, &(key, key_end, value)) in places.iter().enumerate() {
            let value_end = places.get(index + 1).map_or(end, |next| next.0 - 2);
            let spelled = &raw[value..value_end];
            let text = values[index].unwrap_or(&spelled[1..spelled.len() - 1]);
            let name = match self.table.columns.get(index) {
                Some(name) => name.as_str(),
                None => self.arena.alloc_str(&self.beyond(index)),
            };
            members.push(Member {
                key: name,
                raw_key: &raw[key..key_end],
                value: Node { raw: spelled, kind: Kind::String(text) },
            });
        }
        (Node { raw, kind: Kind::Object(members.into_bump_slice()) }, decoded)
    }

    /// The name of a column beyond the header; underscores are added where the header has that name.
    fn beyond(&self, index: usize) -> String {
        let mut name = format!("column_{}", index + 1);
        while self.table.columns.contains(&name) {
            name.push('_');
        }
        name
    }
}

impl<'a> Rows<'a> {
    /// The rows that follow this turn in the same dialogue, joined with it to an object.
    fn join(&mut self, first: Node<'a>, (id, id_bytes): (usize, &[u8]), decoded: &mut bool) -> Node<'a> {
        let id_key = self.keys.get(id).copied().unwrap_or("\"id\"");
        let id_value = first.as_object().and_then(|members| members.get(id)).map_or("\"\"", |member| member.value.raw);
        let mut raw = format!("{{{id_key}: {id_value}, \"turns\": [{}", first.raw);
        while !self.bytes.is_empty() {
            let (length, next) = split_turn(self.bytes, self.table, id);
            if *next != *id_bytes || raw.len() + length > self.max {
                break;
            }
            let mut fields = Vec::with_capacity(self.keys.len());
            split_row(self.bytes, self.table.delimiter, |field| fields.push(field));
            let (node, was_decoded) = self.node(&fields);
            *decoded |= was_decoded;
            raw.push_str(", ");
            raw.push_str(node.raw);
            self.pass(length);
        }
        raw.push_str("]}");
        let raw: &'a str = self.arena.alloc_str(&raw);
        json::parse(raw, self.arena, Limits::default()).unwrap_or(first)
    }

    /// Goes on behind so many bytes.
    fn pass(&mut self, length: usize) {
        let (row, rest) = self.bytes.split_at(length);
        self.byte += length as u64;
        self.line += memchr::memchr_iter(b'\n', row).count() as u64;
        self.bytes = rest;
    }
}

impl<'a> Iterator for Rows<'a> {
    type Item = Unit<'a>;

    fn next(&mut self) -> Option<Unit<'a>> {
        if self.bytes.is_empty() {
            return None;
        }
        let mut fields = Vec::with_capacity(self.keys.len());
        let bytes = self.bytes;
        let length = split_row(bytes, self.table.delimiter, |field| fields.push(field));
        let row = &bytes[..length];
        let blank = fields.len() == 1 && row.iter().all(u8::is_ascii_whitespace);
        let text = row.strip_suffix(b"\n").unwrap_or(row);
        let origin = Origin { path: self.path, place: Place::Line(self.line) };
        let byte = self.byte;
        self.pass(length);
        let body = if text.len() > self.max {
            rejected_long("row", text, self.max)
        } else if blank {
            Body::Empty
        } else {
            let (mut node, mut decoded) = self.node(&fields);
            if let Some(id) = self.table.dialogue
                && let Some(id_bytes) = fields.get(id).map(|field| field.content()).filter(|id| !id.is_empty())
            {
                node = self.join(node, (id, &id_bytes), &mut decoded);
            }
            if decoded { Body::DecodedRow(node) } else { Body::Row(node) }
        };
        Some(Unit { origin, byte, body })
    }
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;
