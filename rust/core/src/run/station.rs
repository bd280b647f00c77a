//! What one worker does to one batch: its units, one after another. Pure: what the tail makes of its result
//! depends on the batch and the plan alone. (How much of the work is saved for copies of kept records, whose
//! labels and signatures nobody will see, depends on how far the tail is.)

use super::processed::{Item, Processed};
use super::stages::Stages;
use super::timings::{Clock, Share};
use crate::Result;
use crate::record::{Origin, Place};
use crate::stage::dedup::{self, KeptHashes, View};
use crate::stage::parse::{Known, Parsed};
use crate::stage::read::{Batch, Body, Inputs, Unit};
use crate::stage::write::lines::{self, Rejected};
use bumpalo::Bump;
use std::fmt::Write as _;
use std::sync::Arc;

/// An arena above this size is given back after its batch.
const KEEP_ARENA: usize = 32 << 20;

/// A worker's own memory.
pub(super) struct Station {
    stages: Arc<Stages>,
    inputs: Arc<Inputs>,
    /// The hashes of kept records, where they are of use.
    kept: Option<Arc<KeptHashes>>,
    /// What of a batch is not in its bytes.
    arena: Bump,
    /// One record's own: so little memory that it stays in the nearest cache.
    record: Bump,
    scratch: Scratch,
    /// The input file of the last unit: units come in the order of the files.
    file: usize,
}

#[derive(Default)]
pub(super) struct Scratch {
    pub record: Vec<u8>,
    pub sign: dedup::Scratch,
    /// The hashes of kept records, all of which came before this batch.
    pub kept: Option<View>,
    pub clock: Clock,
}

impl Station {
    pub fn new(stages: Arc<Stages>, inputs: Arc<Inputs>, kept: Option<Arc<KeptHashes>>) -> Self {
        let scratch = Scratch::default();
        Self { stages, inputs, kept, arena: Bump::new(), record: Bump::new(), scratch, file: 0 }
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
        self.scratch.kept = self.kept.as_deref().map(KeptHashes::view);
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
            if quiet && self.stages.quiet(&unit, &known, &self.record, &mut self.scratch.clock, at, out) {
                records += 1;
                empty(&mut self.record);
                continue;
            }
            let result = self.stages.unit(&unit, &known, &self.record, &mut self.scratch, at, out);
            empty(&mut self.record);
            match result {
                Ok(is_record) => records += u64::from(is_record),
                Err(error) => {
                    out.error = Some(error);
                    break;
                }
            }
        }
        // A table that was replaced meanwhile is given back.
        self.scratch.kept = None;
        empty(&mut self.arena);
    }
}

/// Makes an arena's memory free for what comes next; a large one is given back.
fn empty(arena: &mut Bump) {
    if arena.allocated_bytes() > KEEP_ARENA {
        *arena = Bump::new();
    } else {
        arena.reset();
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
