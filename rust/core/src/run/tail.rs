//! The ordered end of the run: verdicts of dedup, the sinks, the account. One batch at a time, in
//! input order, on whichever worker holds it.

use super::label_counts::Tally;
use super::later::Later;
use super::options::Progress;
use super::places::{Ends, Run};
use super::processed::{Candidate, Item, Processed, UNCHANGED};
use crate::record::labels::Vocabulary;
use crate::report::{Fates, Report};
use crate::stage::dedup::{Duplicate, Index, Judgement};
use crate::stage::read::{Cursor, FileAccount, Note};
use crate::stage::write::WriteSettings;
use crate::stage::write::columns::{ColumnsFile, ColumnsWork};
use crate::stage::write::disk::Disk;
use crate::stage::write::lines::{self, Doubles};
use crate::stage::write::row_log::RowLog;
use crate::stage::write::rows::Row;
use crate::stage::write::sink::{Done, Sink, Work};
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

pub(super) const DATA: usize = 0;
pub(super) const DROPPED: usize = 1;
pub(super) const DUPLICATES: usize = 2;
pub(super) const REJECTED: usize = 3;

/// A consumer of kept lines, instead of files. `false` stops the run.
pub(super) type Consumer = Box<dyn FnMut(&[u8]) -> bool + Send>;

/// A piece of work that came up in order and may be done out of order.
#[derive(Debug)]
pub(super) enum Job {
    Sink(Work),
    Columns(ColumnsWork),
}

/// Its result.
#[derive(Debug)]
pub(super) enum Made {
    Sink(Done),
    Columns(ColumnsFile),
}

/// Waits, with the help of the other workers, until the frames of the sinks are done.
pub(super) trait Settle {
    fn settle(&mut self, tail: &mut Tail) -> Result<()>;

    /// The same, and until all complete shards are synced and have their columns.
    fn complete(&mut self, tail: &mut Tail) -> Result<()>;

    /// Says whether the run is to stop.
    fn stop(&self) -> impl Fn() -> bool + Sync;
}

/// The ordered end.
pub(super) struct Tail {
    pub sinks: [Sink; 4],
    pub rows: RowLog,
    labels: Tally,
    pub report: Report,
    pub accounts: Vec<FileAccount>,
    pub notes: Vec<Note>,
    /// Units by input file.
    pub files: BTreeMap<usize, u64>,
    pub cursor: Cursor,
    /// Bytes of input so far.
    pub bytes: u64,
    /// All input is in.
    pub ended: bool,
    pub consumer: Option<Consumer>,
    /// The kept records, where duplicates are looked for.
    pub index: Option<Index>,
    /// The records that wait for the end of the input, where which one is kept depends on it.
    pub later: Option<Later>,
    disk: Disk,
    /// The line of a duplicate in the making.
    line: Vec<u8>,
    /// A batch was begun and not ended, so what is here belongs to no place in the input.
    torn: bool,
    jobs: Vec<Job>,
    spare: Vec<Vec<u8>>,
}

impl Tail {
    pub fn new(out: Option<(&Disk, &Path)>, settings: &WriteSettings, vocabulary: Arc<Vocabulary>) -> Self {
        let names = ["data", "dropped", "duplicates", "rejected"];
        Self {
            sinks: std::array::from_fn(|index| Sink::new(names[index], index, out, settings)),
            rows: RowLog::new(out, Arc::clone(&vocabulary)),
            labels: Tally::new(vocabulary),
            report: Report::default(),
            accounts: Vec::new(),
            notes: Vec::new(),
            files: BTreeMap::new(),
            cursor: Cursor::default(),
            bytes: 0,
            ended: false,
            consumer: None,
            index: None,
            later: None,
            disk: out.map(|(disk, _)| disk.clone()).unwrap_or_default(),
            line: Vec::new(),
            torn: false,
            jobs: Vec::new(),
            spare: Vec::new(),
        }
    }

    /// The work that has come up since the last call.
    pub fn take_jobs(&mut self) -> Vec<Job> {
        let mut jobs = std::mem::take(&mut self.jobs);
        for sink in &mut self.sinks {
            jobs.extend(sink.take_work().map(Job::Sink));
        }
        jobs
    }

    /// Takes the result of a job.
    pub fn accept(&mut self, made: Made) -> Result<()> {
        match made {
            Made::Columns(file) => self.rows.accept(file),
            Made::Sink(mut done) => {
                let spent = std::mem::take(&mut done.spent);
                if spent.capacity() > 0 && self.spare.len() < 8 {
                    self.spare.push(spent);
                }
                let sink = self.sinks.get_mut(done.sink);
                sink.ok_or_else(|| Error::Internal("a frame of no sink".to_owned()))?.accept(done)?;
            }
        }
        Ok(())
    }

    /// Work left over by the part of the run before this one.
    pub fn add_jobs(&mut self, jobs: impl IntoIterator<Item = Job>) {
        self.jobs.extend(jobs);
    }

    /// Whether an error came in the middle of a batch.
    pub fn is_torn(&self) -> bool {
        self.torn
    }

    /// The counts so far.
    pub fn progress(&self) -> Progress {
        let (units, records) = (&self.report.units, &self.report.records);
        Progress {
            bytes: self.bytes,
            units: units.read,
            records: self.records(),
            kept: records.kept,
            dropped: records.dropped,
            duplicates: records.duplicates,
            rejected: units.rejected,
            ..Progress::default()
        }
    }

    /// Records that were read so far.
    pub fn records(&self) -> u64 {
        self.report.records.records + self.later.as_ref().map_or(0, Later::waiting)
    }

    /// Takes the next batch of the records that waited for the end of the input; `false` if there is none.
    pub fn next_waiting(&mut self, settle: &mut impl Settle) -> Result<bool> {
        let Some(later) = &mut self.later else { return Ok(false) };
        let mut batch = Processed::default();
        if !later.next(&mut batch).map_err(|error| self.disk.explain_error(error))? {
            return Ok(false);
        }
        batch.end = self.cursor.clone();
        self.apply(&mut batch, settle)?;
        Ok(true)
    }

    /// Whether all frames have come back.
    pub fn is_settled(&self) -> bool {
        self.jobs.is_empty() && self.sinks.iter().all(Sink::is_settled)
    }

    /// Whether all complete shards are synced and have their columns.
    pub fn is_complete(&self) -> bool {
        self.is_settled()
            && self.rows.is_settled()
            && self.sinks.iter().flat_map(|sink| &sink.shards).all(|shard| shard.synced)
    }

    /// Takes the next batch in input order.
    pub fn apply(&mut self, batch: &mut Processed, settle: &mut impl Settle) -> Result<()> {
        self.torn = true;
        self.accounts.append(&mut batch.ended);
        self.notes.append(&mut batch.notes);
        for &(file, units) in &batch.files {
            *self.files.entry(file).or_default() += units;
        }
        self.report.units.read += batch.units;
        self.report.units.empty += batch.empty;
        let mut by_source = vec![Fates::default(); batch.sources.all().len()];
        let mut by_family = vec![Fates::default(); batch.families.len()];
        let mut run = Run::default();
        let mut ends = Ends::default();
        let wait = self.later.as_mut().filter(|later| later.is_open());
        let waits = wait.is_some();
        if let Some(later) = wait {
            later.take(batch).map_err(|error| self.disk.explain_error(error))?;
        }
        for item in &batch.items {
            match item {
                Item::Candidate(_) if waits => {}
                Item::Candidate(candidate) => {
                    let mut fates = Fates { records: 1, ..Fates::default() };
                    match self.judge(candidate, batch, &ends)? {
                        None => {
                            fates.kept = 1;
                            self.keep(candidate, batch, &mut run, settle)?;
                        }
                        Some(duplicate) => {
                            fates.duplicates = 1;
                            self.write_run(&mut run, batch, settle)?;
                            run = Run::after(candidate);
                            self.double(candidate, &duplicate, batch, &ends, settle)?;
                        }
                    }
                    ends.line = candidate.line;
                    ends.row = candidate.row;
                    ends.canonical = candidate.canonical;
                    ends.entry = candidate.entry;
                    by_source[candidate.source as usize].add(&fates);
                    by_family[candidate.family as usize].add(&fates);
                }
                Item::Dropped { reason, end, source, family } => {
                    self.append(DROPPED, &batch.dropped[ends.dropped..*end], 1, settle)?;
                    ends.dropped = *end;
                    count(&mut self.report.dropped, reason);
                    let fates = Fates { records: 1, dropped: 1, ..Fates::default() };
                    by_source[*source as usize].add(&fates);
                    by_family[*family as usize].add(&fates);
                }
                Item::Rejected { reason, end } => {
                    self.append(REJECTED, &batch.rejected[ends.rejected..*end], 1, settle)?;
                    ends.rejected = *end;
                    count(&mut self.report.rejected, reason);
                    self.report.units.rejected += 1;
                }
            }
        }
        self.write_last_run(&mut run, batch, settle)?;
        for (name, fates) in batch.sources.all().iter().zip(&by_source) {
            self.report.add_source(name, fates);
        }
        for ((family, dialect), fates) in batch.families.iter().zip(&by_family) {
            self.report.families.entry(format!("{family}.{dialect}")).or_default().add(fates);
            self.report.records.add(fates);
            // A unit becomes at most one record.
            self.report.units.in_records += fates.records;
        }
        self.labels.report(batch.declared.all(), &mut self.report);
        self.bytes += batch.bytes as u64;
        std::mem::swap(&mut self.cursor, &mut batch.end);
        self.torn = false;
        Ok(())
    }

    /// Asks the index about a record.
    fn judge(&mut self, candidate: &Candidate, batch: &Processed, ends: &Ends) -> Result<Option<Duplicate>> {
        if let Some(later) = &mut self.later {
            return later.judgement().map(Judgement::duplicate);
        }
        let Some(index) = &mut self.index else { return Ok(None) };
        let next = batch.entries.get(candidate.entry..).unwrap_or_default();
        let judged = index.judge_before(&batch.entries[ends.entry..candidate.entry], next);
        judged.map(Judgement::duplicate).map_err(|error| self.disk.explain_error(error))
    }

    /// A record that is kept.
    fn keep(
        &mut self,
        candidate: &Candidate,
        batch: &Processed,
        run: &mut Run,
        settle: &mut impl Settle,
    ) -> Result<()> {
        run.rows += 1;
        (run.line_end, run.row_end) = (candidate.line, candidate.row);
        self.report.characters.add(candidate.characters);
        self.report.turns.add(u64::from(candidate.turns));
        self.labels.add(batch.labels.get(candidate.labels.0..candidate.labels.1).unwrap_or_default());
        if candidate.changes != UNCHANGED {
            self.report.add_changes(&batch.changes[candidate.changes as usize]);
        }
        if (run.line_end - run.line_start) as u64 >= self.sinks[DATA].room() {
            self.write_run(run, batch, settle)?;
        }
        Ok(())
    }

    /// A record that doubles a kept one.
    fn double(
        &mut self,
        candidate: &Candidate,
        duplicate: &Duplicate,
        batch: &Processed,
        ends: &Ends,
        settle: &mut impl Settle,
    ) -> Result<()> {
        let kinds = &mut self.report.duplicates;
        *(if duplicate.exact { &mut kinds.exact } else { &mut kinds.near }) += 1;
        let line = match candidate.canonical - ends.canonical {
            0 => batch.lines[ends.line..candidate.line].trim_ascii_end(),
            _ => &batch.canonical[ends.canonical..candidate.canonical],
        };
        let origin = Row::origin_of(&batch.rows[ends.row..candidate.row])
            .ok_or_else(|| Error::Internal("a row without origin".to_owned()))?;
        let doubles = Doubles {
            of: &duplicate.of,
            exact: duplicate.exact,
            prompt: duplicate.prompt,
            response: duplicate.response,
        };
        let changes = batch.changes.get(candidate.changes as usize).copied().unwrap_or_default();
        let mut out = std::mem::take(&mut self.line);
        out.clear();
        lines::duplicate(&mut out, origin, &doubles, &changes, line);
        let outcome = self.append(DUPLICATES, &out, 1, settle);
        self.line = out;
        outcome
    }

    /// Writes the kept records that stand one after another in the batch.
    fn write_run(&mut self, run: &mut Run, batch: &Processed, settle: &mut impl Settle) -> Result<()> {
        if run.rows > 0 {
            let lines = &batch.lines[run.line_start..run.line_end];
            self.consume(lines)?;
            self.rows.append(&batch.rows[run.row_start..run.row_end])?;
            self.append(DATA, lines, run.rows, settle)?;
        }
        *run = Run { line_start: run.line_end, row_start: run.row_end, ..*run };
        run.rows = 0;
        Ok(())
    }

    /// The same at the end of the batch, which can do without its lines then.
    fn write_last_run(&mut self, run: &mut Run, batch: &mut Processed, settle: &mut impl Settle) -> Result<()> {
        if run.line_start > 0 || run.line_end < batch.lines.len() || run.rows == 0 {
            return self.write_run(run, batch, settle);
        }
        self.consume(&batch.lines)?;
        self.rows.append(&batch.rows[run.row_start..run.row_end])?;
        self.sinks[DATA].give(&mut batch.lines, run.rows, &mut self.spare)?;
        if self.sinks[DATA].room() == 0 { self.end_shard(DATA, settle) } else { Ok(()) }
    }

    /// Hands kept lines to the consumer.
    fn consume(&mut self, lines: &[u8]) -> Result<()> {
        let goes_on = self.consumer.as_mut().is_none_or(|consumer| consumer(lines));
        if goes_on { Ok(()) } else { Err(Error::Interrupted) }
    }

    /// Appends lines to a sink and ends its shard where it is full.
    fn append(&mut self, sink: usize, lines: &[u8], rows: u64, settle: &mut impl Settle) -> Result<()> {
        self.sinks[sink].append(lines, rows, &mut self.spare)?;
        if self.sinks[sink].room() == 0 { self.end_shard(sink, settle) } else { Ok(()) }
    }

    /// Ends the current shard of a sink.
    pub fn end_shard(&mut self, sink: usize, settle: &mut impl Settle) -> Result<()> {
        self.sinks[sink].seal();
        settle.settle(self)?;
        if self.sinks[sink].close()?.is_some() && sink == DATA {
            self.jobs.extend(self.rows.close()?.map(Job::Columns));
        }
        Ok(())
    }
}

fn count(counts: &mut BTreeMap<String, u64>, reason: &str) {
    match counts.get_mut(reason) {
        Some(count) => *count += 1,
        None => {
            counts.insert(reason.to_owned(), 1);
        }
    }
}
