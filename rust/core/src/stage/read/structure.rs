//! Containers of JSON: an array of records, an object that holds arrays of records, a map from id to
//! record, and values that just follow each other. They are streamed; only one value is ever held.
//!
//! The elements of an object's arrays are numbered through in the order of the file. Other members of
//! such an object are noted where they are small, else rejected as a unit of their own. Where a value
//! does not end, reading goes on at the next line that begins as this one did, after a comma.

use super::HEAD_BYTES;
use super::batch::{HeldPlace, Piece};
use super::discover::Note;
use super::stream::{Draft, Outcome, Stream};
use crate::Result;
use serde::{Deserialize, Serialize};

/// What the outermost brackets hold, and where reading stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Structure {
    /// What holds the units.
    pub kind: StructureKind,
    level: Level,
    last: Last,
    /// The notes that were made, so that each kind is made once a file.
    noted: Vec<String>,
}

/// The kinds of JSON container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StructureKind {
    /// `[record, …]`
    Array,
    /// `{"version": 1, "data": [record, …]}`
    Object,
    /// `{"id": record, …}`
    Map,
    /// `record record …`, with commas or without.
    Values,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Level {
    Outside,
    Members,
    Elements,
}

/// What came last on this level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Last {
    Open,
    Value,
    Comma,
}

/// Larger members beside the records are units of their own.
const SMALL_MEMBER: usize = 4096;

impl Structure {
    pub(super) fn new(kind: StructureKind) -> Self {
        Self { kind, level: Level::Outside, last: Last::Open, noted: Vec::new() }
    }

    pub(super) fn name(&self) -> &'static str {
        match self.kind {
            StructureKind::Array => "array",
            StructureKind::Object => "object",
            StructureKind::Map => "map",
            StructureKind::Values => "values",
        }
    }

    /// Adds values until the batch is full.
    pub(super) fn advance(&mut self, stream: &mut Stream, number: &mut u64, draft: &mut Draft) -> Result<Outcome> {
        let start = stream.begin(draft);
        let base = stream.byte.wrapping_sub(start as u64);
        let mut walk = Walk {
            at: start,
            accounted: start,
            base,
            spans: Vec::new(),
            first: *number,
            state: self,
            stream,
            number,
            draft,
        };
        let outcome = walk.run();
        walk.flush();
        walk.close();
        outcome
    }
}

pub(super) struct Walk<'w> {
    pub(super) state: &'w mut Structure,
    pub(super) stream: &'w mut Stream,
    pub(super) number: &'w mut u64,
    pub(super) draft: &'w mut Draft,
    /// The next byte, an index into the buffer.
    pub(super) at: usize,
    /// From here on the buffer was not given to the digest.
    pub(super) accounted: usize,
    /// Plain offset of the buffer's first byte (wrapping: earlier files stand before this one's bytes).
    pub(super) base: u64,
    /// Elements that are not in a piece yet, and the index of the first.
    pub(super) spans: Vec<(usize, usize)>,
    pub(super) first: u64,
}

/// What was found where a value should be.
pub(super) enum Found {
    Value(usize, usize),
    /// It was too long or broken, and is a rejected unit already.
    Rejected,
    /// The rest of the file was rejected.
    Nothing,
}

/// What a value is called where it is rejected.
pub(super) enum Name {
    Index,
    Key(usize, usize),
}

impl Walk<'_> {
    fn run(&mut self) -> Result<Outcome> {
        loop {
            if self.at >= self.draft.target {
                return Ok(Outcome::Full);
            }
            let next = self.space()?;
            let Some(byte) = next else {
                self.at_end();
                return Ok(Outcome::Ended);
            };
            let level = self.state.level;
            match (level, byte) {
                (Level::Elements | Level::Members, b',') => self.comma(),
                (Level::Outside, b',') if self.state.kind == StructureKind::Values => self.comma(),
                (Level::Elements, b']') => {
                    let object = self.state.kind == StructureKind::Object;
                    self.leave(if object { Level::Members } else { Level::Outside });
                }
                (Level::Members, b'}') => self.leave(Level::Outside),
                (Level::Outside, b'[') if self.state.kind == StructureKind::Array => self.enter(Level::Elements),
                (Level::Outside, b'{') if matches!(self.state.kind, StructureKind::Object | StructureKind::Map) => {
                    self.enter(Level::Members);
                }
                (Level::Elements, b'}') => self.stray(),
                (Level::Elements, _) => {
                    if !self.element()? {
                        return Ok(Outcome::Ended);
                    }
                }
                (Level::Outside, b']' | b'}') => self.stray(),
                (Level::Outside, _) if self.state.kind == StructureKind::Values => {
                    if !self.element()? {
                        return Ok(Outcome::Ended);
                    }
                }
                (Level::Members, b'"') => {
                    if !self.member()? {
                        return Ok(Outcome::Ended);
                    }
                }
                (Level::Members, _) => return self.rest("expected a member's key in quotes"),
                (Level::Outside, _) => return self.rest("more text after the end of the container"),
            }
        }
    }

    /// An array element. False where the rest of the file was rejected.
    fn element(&mut self) -> Result<bool> {
        if self.state.last == Last::Value && self.state.kind != StructureKind::Values {
            self.note("read.missing_comma", "no comma between two elements");
        }
        let found = self.value(self.at, Name::Index)?;
        self.state.last = Last::Value;
        match found {
            Found::Value(start, end) => {
                self.spans.push((start, end));
                *self.number += 1;
            }
            Found::Rejected => {}
            Found::Nothing => return Ok(false),
        }
        Ok(true)
    }

    /// A member of the outermost object. False where the rest of the file was rejected.
    fn member(&mut self) -> Result<bool> {
        let item = self.at;
        let (key, key_end) = match self.value(item, Name::Index)? {
            Found::Value(key, key_end) => (key, key_end),
            Found::Rejected => return Ok(self.rest("a member's key that does not end")? != Outcome::Ended),
            Found::Nothing => return Ok(false),
        };
        if self.space()? != Some(b':') {
            self.at = item;
            self.rest("expected `:` after a member's key")?;
            return Ok(false);
        }
        self.at += 1;
        let Some(first) = self.space()? else {
            self.at = item;
            self.rest("the file ends after a member's key")?;
            return Ok(false);
        };
        if self.state.kind == StructureKind::Object && first == b'[' {
            let open = self.at;
            self.at += 1;
            if self.space()? == Some(b'{') {
                self.state.level = Level::Elements;
                self.state.last = Last::Open;
                return Ok(true);
            }
            self.at = open;
        }
        let found = self.value(item, Name::Key(key, key_end))?;
        self.state.last = Last::Value;
        match found {
            Found::Value(start, end) if self.state.kind == StructureKind::Map => {
                self.flush();
                let piece =
                    Piece::Member { file: self.stream.file, byte: self.base, key: (key, key_end), value: (start, end) };
                self.draft.pieces.push(piece);
                *self.number += 1;
            }
            Found::Value(start, end) => self.beside((key, key_end), (start, end)),
            Found::Rejected => {}
            Found::Nothing => return Ok(false),
        }
        Ok(true)
    }

    /// A member beside the arrays of records.
    fn beside(&mut self, key: (usize, usize), value: (usize, usize)) {
        let name = self.draft.buffer[key.0..key.1].to_vec();
        let bytes = &self.draft.buffer[value.0..value.1];
        if bytes.len() > SMALL_MEMBER {
            let detail = "a member beside the records, neither small nor an array of objects".to_owned();
            let head = bytes[..HEAD_BYTES].to_vec();
            self.reject(HeldPlace::Key(name), value.0, "read.other_member", detail, &head, bytes.len() as u64);
            return;
        }
        let detail = format!("{}: {}", String::from_utf8_lossy(&name), String::from_utf8_lossy(bytes));
        self.draft.notes.push(Note {
            path: self.stream.path.clone(),
            byte: Some(self.base.wrapping_add(value.0 as u64)),
            code: "read.other_member".into(),
            detail,
        });
    }

    /// The file ended between two values.
    fn at_end(&mut self) {
        let (reason, detail) = match (self.stream.corrupt(), self.state.level) {
            (Some(problem), _) => ("read.corrupt", problem.to_owned()),
            (None, Level::Outside) => return,
            (None, Level::Elements) => ("read.broken", "the file ends before the array is closed".to_owned()),
            (None, Level::Members) => ("read.broken", "the file ends before the object is closed".to_owned()),
        };
        self.reject(HeldPlace::Index(*self.number), self.at, reason, detail, &[], 0);
    }

    /// A bracket that closes nothing.
    fn stray(&mut self) {
        let bracket = [self.draft.buffer[self.at]];
        let detail = "a bracket that closes nothing".to_owned();
        self.reject(HeldPlace::Index(*self.number), self.at, "read.broken", detail, &bracket, 1);
        self.at += 1;
    }

    pub(super) fn reject(
        &mut self,
        place: HeldPlace,
        at: usize,
        reason: &'static str,
        detail: String,
        head: &[u8],
        length: u64,
    ) {
        self.flush();
        self.draft.reject(self.stream.file, place, self.base.wrapping_add(at as u64), reason, detail, head, length);
        self.count();
    }

    pub(super) fn count(&mut self) {
        *self.number += 1;
        self.first = *self.number;
    }

    pub(super) fn place(&self, name: &Name) -> HeldPlace {
        match *name {
            Name::Index => HeldPlace::Index(*self.number),
            Name::Key(start, end) => HeldPlace::Key(self.draft.buffer[start..end].to_vec()),
        }
    }

    fn enter(&mut self, level: Level) {
        self.state.level = level;
        self.state.last = Last::Open;
        self.at += 1;
    }

    fn leave(&mut self, level: Level) {
        if self.state.last == Last::Comma {
            self.note("read.trailing_comma", "a comma after the last element");
        }
        self.state.level = level;
        self.state.last = Last::Value;
        self.at += 1;
    }

    fn comma(&mut self) {
        if self.state.last != Last::Value {
            self.note("read.extra_comma", "a comma without an element before it");
        }
        self.state.last = Last::Comma;
        self.at += 1;
    }

    /// Reports punctuation that is not JSON's and was passed over, once a file.
    fn note(&mut self, code: &str, what: &str) {
        if !self.state.noted.iter().any(|noted| noted == code) {
            self.state.noted.push(code.to_owned());
            self.draft.notes.push(Note {
                path: self.stream.path.clone(),
                byte: Some(self.base.wrapping_add(self.at as u64)),
                code: code.into(),
                detail: format!("{what}; passed over here and wherever it comes again in this file"),
            });
        }
    }

    /// Makes a piece of the elements found so far.
    pub(super) fn flush(&mut self) {
        if !self.spans.is_empty() {
            let spans = std::mem::take(&mut self.spans);
            self.draft.pieces.push(Piece::Elements {
                file: self.stream.file,
                byte: self.base,
                first: self.first,
                spans,
            });
        }
        self.first = *self.number;
    }

    /// Hands out what was passed and carries over the rest.
    fn close(&mut self) {
        self.stream.carry = self.draft.buffer.split_off(self.at);
        self.stream.source.account(&self.draft.buffer[self.accounted..]);
        self.stream.byte = self.base.wrapping_add(self.at as u64);
    }
}

#[cfg(test)]
#[path = "structure_tests.rs"]
mod tests;
