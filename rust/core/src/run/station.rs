//! What one worker does to one batch: parse, normalise, filter, emit, sign. Pure: its result
//! depends on the batch and the plan alone.

use super::inline::inline;
use super::processed::{Counts, Item, Processed};
use super::stages::Stages;
use super::timings::{Clock, Share};
use crate::Result;
use crate::json::Member;
use crate::record::{Origin, Place, Record, Verdict};
use crate::stage::parse::{Known, Parsed};
use crate::stage::read::{Batch, Body, Inputs, Unit};
use crate::stage::tag::Tagger;
use crate::stage::write::form::{Form, write_record};
use crate::stage::write::lines::{self, Rejected};
use crate::stage::write::rows::Row;
use crate::stage::{PerRecord, dedup};
use bumpalo::Bump;
use std::fmt::Write as _;
use std::sync::Arc;

/// An arena above this size is given back after its batch.
const KEEP_ARENA: usize = 32 << 20;

/// A worker's own memory.
pub(super) struct Station {
    stages: Arc<Stages>,
    inputs: Arc<Inputs>,
    arena: Bump,
    scratch: Scratch,
    /// The input file of the last unit: units come in the order of the files.
    file: usize,
}

#[derive(Default)]
pub(super) struct Scratch {
    record: Vec<u8>,
    sign: dedup::Scratch,
    clock: Clock,
}

impl Station {
    pub fn new(stages: Arc<Stages>, inputs: Arc<Inputs>) -> Self {
        let scratch = Scratch::default();
        Self { stages, inputs, arena: Bump::new(), scratch, file: 0 }
    }

    /// The time spent by stage since the last call.
    pub fn take_clock(&mut self) -> Clock {
        std::mem::take(&mut self.scratch.clock)
    }

    /// Runs the per-record stages on a batch; stops after `limit` records. `at` always names the
    /// unit in work, for the message about a panic.
    pub fn process(&mut self, batch: &Batch, limit: Option<u64>, out: &mut Processed, at: &mut String) {
        out.clear();
        out.seq = batch.seq;
        out.end = batch.end.clone();
        out.bytes = batch.bytes;
        out.ended.extend_from_slice(&batch.ended);
        out.notes.extend_from_slice(&batch.notes);
        let mut records = 0;
        let known = Known::of(batch.plain());
        let quiet = self.stages.leave_quiet();
        for unit in batch.units(&self.arena) {
            if limit.is_some_and(|limit| records >= limit) {
                // A file that goes on past the limit has not ended.
                out.ended.clear();
                break;
            }
            out.units += 1;
            count_file(&self.inputs, &mut self.file, unit.origin.path, &mut out.files);
            write_origin(at, &unit.origin);
            self.scratch.clock.begin();
            if quiet && self.stages.quiet(&unit, &known, &self.arena, &mut self.scratch.clock, at, out) {
                records += 1;
                continue;
            }
            match self.stages.unit(&unit, &known, &self.arena, &mut self.scratch, at, out) {
                Ok(is_record) => records += u64::from(is_record),
                Err(error) => {
                    out.error = Some(error);
                    break;
                }
            }
        }
        if self.arena.allocated_bytes() > KEEP_ARENA {
            self.arena = Bump::new();
        } else {
            self.arena.reset();
        }
    }
}

/// Counts a unit for its file.
fn count_file(inputs: &Inputs, current: &mut usize, path: &str, files: &mut Vec<(usize, u64)>) {
    let is_here = |index: &usize| {
        inputs.files.get(*index).is_some_and(|file| std::ptr::eq(file.path.as_str(), path) || file.path == path)
    };
    if !is_here(current) {
        // Files come in order, so it is one of the next.
        *current = (*current..inputs.files.len()).chain(0..*current).find(is_here).unwrap_or(*current);
    }
    match files.last_mut() {
        Some((file, units)) if file == current => *units += 1,
        _ => files.push((*current, 1)),
    }
}

impl Stages {
    /// One unit. Returns whether it became a record.
    pub(super) fn unit<'a>(
        &self,
        unit: &Unit<'a>,
        known: &Known<'a>,
        arena: &'a Bump,
        scratch: &mut Scratch,
        origin: &str,
        out: &mut Processed,
    ) -> Result<bool> {
        let parsed = self.parser.parse_known(unit, known, arena)?;
        scratch.clock.lap(Share::Parse);
        match parsed {
            Parsed::Empty => {
                out.empty += 1;
                Ok(false)
            }
            Parsed::Rejected(rejection) => {
                let (raw, length, digest): (&[u8], _, _) = match &unit.body {
                    Body::Empty => (b"", None, None),
                    Body::Json(bytes) | Body::Text(bytes) => (bytes, None, None),
                    Body::Row(node) | Body::DecodedRow(node) => (node.raw.as_bytes(), None, None),
                    Body::Rejected { head, length, digest, .. } => {
                        (head, (*length != head.len() as u64).then_some(*length), *digest)
                    }
                };
                let line = Rejected { origin, unit_byte: unit.byte, rejection: &rejection, raw, length, digest };
                lines::rejected(&mut out.rejected, &line);
                out.items.push(Item::Rejected { reason: rejection.reason, end: out.rejected.len() });
                Ok(false)
            }
            Parsed::Record(mut record) => {
                self.record(&mut record, arena, scratch, origin, out);
                Ok(true)
            }
        }
    }

    fn record<'a>(
        &self,
        record: &mut Record<'a>,
        arena: &'a Bump,
        scratch: &mut Scratch,
        origin: &str,
        out: &mut Processed,
    ) {
        let mut verdict = self.normalise.apply(record, arena);
        scratch.clock.lap(Share::Normalise);
        if verdict == Verdict::Keep && self.tagger.looks_at_records() {
            verdict = self.tagger.apply(record, arena);
            scratch.clock.lap(Share::Tag);
        }
        if verdict == Verdict::Keep {
            verdict = self.filter.apply(record, arena);
            scratch.clock.lap(Share::Filter);
        }
        let labels = out.labels.len();
        if verdict == Verdict::Keep {
            self.numbers.of(record, &mut out.declared, &mut out.labels);
            if self.inline {
                inline(record, self.tagger.vocabulary(), arena);
            }
        }
        let source_name = record.source();
        let source = out.sources.number(source_name);
        let family = out.family(record.schema.family, record.schema.dialect);
        if verdict == Verdict::Keep {
            match write_record(&mut out.lines, record, self.form) {
                Ok(()) => out.lines.push(b'\n'),
                Err(problem) => {
                    let mut evidence = Vec::new();
                    evidence.extend_from_slice(b"{\"expected\":");
                    crate::json::write_string(&mut evidence, problem.detail);
                    evidence.push(b'}');
                    let evidence = String::from_utf8(evidence).unwrap_or_default();
                    verdict = Verdict::Drop { reason: problem.reason, evidence };
                }
            }
        }
        if let Verdict::Drop { reason, evidence } = verdict {
            out.labels.truncate(labels);
            scratch.record.clear();
            // The canonical form holds every record.
            let _ = write_record(&mut scratch.record, record, Form::Messages);
            lines::dropped(&mut out.dropped, origin, reason, &evidence, &record.changes, &scratch.record);
            out.items.push(Item::Dropped { reason, end: out.dropped.len(), source, family });
            scratch.clock.lap(Share::Write);
            return;
        }
        if self.signer.is_some() && self.form != Form::Messages {
            let _ = write_record(&mut out.canonical, record, Form::Messages);
        }
        let counts = Counts::of(record);
        self.write_row(record, origin, source_name, counts, &mut out.rows);
        scratch.clock.lap(Share::Write);
        if let Some(signer) = &self.signer {
            signer.sign(record, origin, &mut scratch.sign, &mut out.entries);
            scratch.clock.lap(Share::Dedup);
        }
        out.candidate((source, family), counts, record.changes, labels);
    }
}

impl Stages {
    /// Appends the row for `columns/`.
    pub(super) fn write_row(&self, record: &Record<'_>, origin: &str, source: &str, counts: Counts, out: &mut Vec<u8>) {
        let mut row = Row {
            origin,
            parent: record.parent,
            source,
            characters: counts.characters,
            characters_total: counts.characters_total,
            turns: counts.turns,
            family: record.schema.family,
            dialect: record.schema.dialect,
            changes: record.changes,
            labels: record.labels,
            ..Row::default()
        };
        given_labels(&self.tagger, record, &mut row);
        for member in &record.fields {
            // A label that is no string counts as it is spelled; null says nothing.
            let value = match member.value.as_str() {
                Some(text) => Some(text),
                None if member.value.is_null() => None,
                None => Some(member.value.raw),
            };
            match member.key {
                "id" => row.id = value,
                "licence" | "license" => row.licence = value,
                _ => declared_label(member, value, &mut row),
            }
        }
        row.write(out);
    }
}

/// Fills in the labels that stand in columns of every run.
pub(super) fn given_labels<'a>(tagger: &'a Tagger, record: &Record<'a>, row: &mut Row<'a>) {
    let vocabulary = tagger.vocabulary();
    let [category, persona, traits] = tagger.declarable();
    for label in record.labels.given {
        let column = Some(label.column);
        if column == category {
            row.category = Some(vocabulary.tag(label));
        } else if column == persona {
            row.persona = Some(vocabulary.tag(label));
        } else if column == traits {
            row.traits.push(vocabulary.tag(label));
        }
    }
}

/// The same for a field where the record declares one of them; it wins. `value`: as text, `None` for null.
pub(super) fn declared_label<'a>(member: &Member<'a>, value: Option<&'a str>, row: &mut Row<'a>) {
    match member.key {
        "_category" => row.category = value,
        "_persona" => row.persona = value,
        "_traits" => {
            row.traits.clear();
            match member.value.as_array() {
                Some(items) => row.traits.extend(items.iter().map(|item| item.as_str().unwrap_or(item.raw))),
                None => row.traits.extend(value),
            }
        }
        _ => {}
    }
}

/// Writes an origin; the usual kinds without the machinery of `fmt`.
fn write_origin(out: &mut String, origin: &Origin<'_>) {
    out.clear();
    let (mark, mut number) = match origin.place {
        Place::Line(line) => (':', line),
        Place::Index(index) => ('#', index),
        Place::Key(_) | Place::Whole => {
            let _ = write!(out, "{origin}");
            return;
        }
    };
    out.push_str(origin.path);
    out.push(mark);
    let mut digits = [b'0'; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.push_str(std::str::from_utf8(&digits[at..]).unwrap_or("0"));
}
