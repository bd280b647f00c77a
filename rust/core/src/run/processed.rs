//! What became of a batch, before anything that depends on order: one set of buffers, used again.

use crate::Error;
use crate::record::{Changes, Record, Role};
use crate::stage::read::{Batch, Cursor, FileAccount, Note};
use std::borrow::Cow;

/// A batch after the per-record stages. Lines, rows and dedup entries of all its units stand one
/// after another in a few buffers; `items` says where each ends.
#[derive(Debug, Default)]
pub(super) struct Processed {
    pub seq: u64,
    pub end: Cursor,
    /// Bytes of input.
    pub bytes: usize,
    pub ended: Vec<FileAccount>,
    pub notes: Vec<Note>,
    pub units: u64,
    pub empty: u64,
    /// Units by file: index into the inputs, number.
    pub files: Vec<(usize, u64)>,
    /// Candidates' lines in the output's form.
    pub lines: Vec<u8>,
    /// Candidates' lines in the canonical form where that is another one; for `duplicates/`.
    pub canonical: Vec<u8>,
    /// Candidates' rows for `columns/`.
    pub rows: Vec<u8>,
    /// Candidates' entries for the dedup index.
    pub entries: Vec<u8>,
    /// Lines for `dropped/`.
    pub dropped: Vec<u8>,
    /// Lines for `rejected/`.
    pub rejected: Vec<u8>,
    pub items: Vec<Item>,
    pub sources: Names,
    pub families: Vec<(Cow<'static, str>, Cow<'static, str>)>,
    pub changes: Vec<Changes>,
    /// Candidates' labels, as numbers of [`super::label_counts`].
    pub labels: Vec<u32>,
    /// Labels that records declare: column and tag, a tab between.
    pub declared: Names,
    /// What stopped the batch in the middle.
    pub error: Option<Error>,
    /// The batch itself, where a limit may need it once more.
    pub batch: Option<Batch>,
}

/// A unit that is not empty.
#[derive(Debug)]
pub(super) enum Item {
    Candidate(Candidate),
    Dropped { reason: &'static str, end: usize, source: u32, family: u32 },
    Rejected { reason: &'static str, end: usize },
}

/// A record that is kept unless it is a duplicate. Ends of its parts in the buffers.
#[derive(Debug)]
pub(super) struct Candidate {
    pub line: usize,
    pub canonical: usize,
    pub row: usize,
    pub entry: usize,
    pub source: u32,
    pub family: u32,
    pub characters: u64,
    pub turns: u32,
    /// Index into `changes`, or `UNCHANGED`.
    pub changes: u32,
    /// Where its labels begin and end.
    pub labels: (usize, usize),
}

pub(super) const UNCHANGED: u32 = u32::MAX;

/// What a record says, counted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    /// Characters of assistant text, or of the text that the record is.
    pub characters: u64,
    /// Characters of all turns.
    pub characters_total: u64,
    pub turns: u32,
}

impl Counts {
    pub fn of(record: &Record<'_>) -> Self {
        let (mut characters, mut characters_total) = (0, 0);
        for message in &record.messages {
            let count = message.characters();
            characters_total += count;
            if matches!(message.role, Role::Assistant | Role::Text) {
                characters += count;
            }
        }
        Self { characters, characters_total, turns: record.messages.len() as u32 }
    }
}

/// Buffers above this size are given back rather than kept for the next batch.
const KEEP: usize = 16 << 20;

impl Processed {
    /// Empties it; the buffers stay unless one became very large.
    pub fn clear(&mut self) {
        for buffer in [
            &mut self.lines,
            &mut self.canonical,
            &mut self.rows,
            &mut self.entries,
            &mut self.dropped,
            &mut self.rejected,
        ] {
            buffer.clear();
            buffer.shrink_to(KEEP);
        }
        self.items.clear();
        self.items.shrink_to(KEEP / size_of::<Item>());
        self.changes.clear();
        self.labels.clear();
        self.declared.clear();
        self.files.clear();
        self.families.clear();
        self.sources.clear();
        self.ended.clear();
        self.notes.clear();
        (self.units, self.empty, self.bytes) = (0, 0, 0);
        self.error = None;
        self.batch = None;
    }

    /// Bytes that it holds.
    pub fn size(&self) -> usize {
        self.lines.len()
            + self.canonical.len()
            + self.rows.len()
            + self.entries.len()
            + self.dropped.len()
            + self.rejected.len()
            + self.items.len() * size_of::<Item>()
            + self.batch.as_ref().map_or(0, |batch| batch.bytes)
    }

    /// Records in it.
    pub fn records(&self) -> u64 {
        self.items.iter().filter(|item| !matches!(item, Item::Rejected { .. })).count() as u64
    }

    /// Adds a candidate; its line, row, entry and labels (from `labels` on) are the last that were written.
    pub fn candidate(&mut self, (source, family): (u32, u32), counts: Counts, changes: Changes, labels: usize) {
        let changes = if changes.is_empty() {
            UNCHANGED
        } else {
            self.changes.push(changes);
            self.changes.len() as u32 - 1
        };
        self.items.push(Item::Candidate(Candidate {
            line: self.lines.len(),
            canonical: self.canonical.len(),
            row: self.rows.len(),
            entry: self.entries.len(),
            source,
            family,
            characters: counts.characters,
            turns: counts.turns,
            changes,
            labels: (labels, self.labels.len()),
        }));
    }

    /// The number of a schema within this batch.
    pub fn family(&mut self, family: &'static str, dialect: &'static str) -> u32 {
        // Names of the program, so nearly always the very same strings.
        let same = |one: &str, other: &str| std::ptr::eq(one, other) || one == other;
        let found = self.families.iter().position(|other| same(&other.0, family) && same(&other.1, dialect));
        let at = found.unwrap_or_else(|| {
            self.families.push((Cow::Borrowed(family), Cow::Borrowed(dialect)));
            self.families.len() - 1
        });
        at as u32
    }
}

/// Strings with numbers; finds the one that was used last without a search.
#[derive(Debug, Default)]
pub(super) struct Names {
    names: Vec<String>,
    numbers: std::collections::HashMap<String, u32>,
    last: u32,
}

impl Names {
    /// The name's number, from 0 in the order of first use.
    pub fn number(&mut self, name: &str) -> u32 {
        if self.names.get(self.last as usize).is_some_and(|last| last == name) {
            return self.last;
        }
        self.last = match self.numbers.get(name) {
            Some(&number) => number,
            None => {
                let number = self.names.len() as u32;
                self.names.push(name.to_owned());
                self.numbers.insert(name.to_owned(), number);
                number
            }
        };
        self.last
    }

    /// The names in the order of their numbers.
    pub fn all(&self) -> &[String] {
        &self.names
    }

    fn clear(&mut self) {
        self.names.clear();
        self.numbers.clear();
        self.last = 0;
    }
}
