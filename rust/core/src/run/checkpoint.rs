//! Checkpoints of the ordered tail, and the end of a run.
//!
//! A checkpoint belongs to the place after some batch. A durable one is written when everything that it
//! names is on the medium, beside the one before, and renamed over it; only when that is on the medium are
//! shards given their names and row logs removed. So at any moment, also after a power failure, the folder
//! is that of the last durable checkpoint plus things that it does not know and that are cut off or written
//! again. Between two durable ones, which the medium makes slow, come quick ones that wait for nothing and
//! give no names: they hold as long as the system runs, so that little is lost by a kill. The file is a
//! digest, a line of JSON, and the bytes that wait to fill a compressed frame.

use super::finish;
use super::folder::{DEDUP_LOG, Folder, WAITING};
use super::later::{Later, LaterState};
use super::tail::{Job, Settle, Tail};
use super::timings::Timings;
use crate::digest::Digest;
use crate::plan::Plan;
use crate::report::Report;
use crate::rules::Loaded;
use crate::stage::dedup::Index;
use crate::stage::read::{Cursor, FileAccount, Inputs, Note};
use crate::stage::write::row_log::RowLogState;
use crate::stage::write::sink::SinkState;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Checkpoints may cost one part in so many of the time.
const COST: u32 = 20;

/// So many times as often come quick checkpoints as durable ones.
const QUICK: u32 = 10;

/// Everything that is needed to go on.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Checkpoint {
    cursor: Cursor,
    bytes: u64,
    ended: bool,
    report: Report,
    accounts: Vec<FileAccount>,
    notes: Vec<Note>,
    files: BTreeMap<usize, u64>,
    sinks: [SinkState; 4],
    rows: RowLogState,
    /// Length of the dedup log and kept records in it.
    dedup: Option<(u64, u64)>,
    later: Option<LaterState>,
    timings: Timings,
    /// Of a quick checkpoint: the start of the system that it is good for.
    boot: Option<String>,
    #[serde(skip)]
    payload: Vec<u8>,
}

impl Checkpoint {
    fn encode(&self) -> Result<Vec<u8>> {
        let json = serde_json::to_vec(self).map_err(|error| Error::Internal(format!("checkpoint: {error}")))?;
        let mut body = Vec::with_capacity(json.len() + self.payload.len() + 80);
        body.extend_from_slice(&json);
        body.push(b'\n');
        body.extend_from_slice(&self.payload);
        let mut out = format!("{}\n", Digest::of(&body)).into_bytes();
        out.append(&mut body);
        Ok(out)
    }

    /// Reads a checkpoint.
    ///
    /// # Errors
    ///
    /// Why it cannot be used.
    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        let (digest, body) = bytes.split_at_checked(65).ok_or("it is cut off")?;
        if digest != format!("{}\n", Digest::of(body)).as_bytes() {
            return Err("its digest does not agree".to_owned());
        }
        let line = memchr::memchr(b'\n', body).ok_or("it is cut off")?;
        let mut checkpoint: Self = serde_json::from_slice(&body[..line]).map_err(|error| error.to_string())?;
        checkpoint.payload = body[line + 1..].to_vec();
        Ok(checkpoint)
    }

    /// The one to go on from: the quick one where it is later and the system has not gone down since.
    pub fn latest(durable: Option<Self>, quick: Option<Self>, boot: Option<&str>) -> Option<Self> {
        let holds = |quick: &Self| boot.is_some() && quick.boot.as_deref() == boot;
        let is_later = |quick: &Self| durable.as_ref().is_none_or(|durable| quick.cursor.seq > durable.cursor.seq);
        quick.filter(|quick| holds(quick) && is_later(quick)).or(durable)
    }

    /// Where reading goes on.
    pub fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// The inputs that were read to their end.
    pub fn accounts(&self) -> &[FileAccount] {
        &self.accounts
    }

    /// What earlier parts of the run took.
    pub fn timings(&self) -> &Timings {
        &self.timings
    }

    /// Where the dedup log stood.
    pub fn dedup(&self) -> Option<(u64, u64)> {
        self.dedup
    }

    /// Where the waiting records stood.
    pub fn later(&self) -> Option<LaterState> {
        self.later
    }

    /// Puts the tail where it was.
    pub fn restore(self, tail: &mut Tail) -> Result<()> {
        let mut payload = &self.payload[..];
        for (sink, state) in tail.sinks.iter_mut().zip(self.sinks) {
            sink.resume(state, &mut payload)?;
        }
        let jobs = tail.rows.resume(self.rows)?;
        tail.add_jobs(jobs.into_iter().map(Job::Columns));
        tail.cursor = self.cursor;
        tail.bytes = self.bytes;
        tail.ended = self.ended;
        tail.report = self.report;
        tail.accounts = self.accounts;
        tail.notes = self.notes;
        tail.files = self.files;
        Ok(())
    }
}

/// Keeps the run folder: when to write a checkpoint, and the end.
pub(super) struct Keeper {
    pub plan: Plan,
    pub packs: Vec<Loaded>,
    pub inputs: Arc<Inputs>,
    pub limit: Option<u64>,
    pub threads: usize,
    /// `None` of a dry run.
    folder: Option<Folder>,
    every: Duration,
    started: Instant,
    last: Instant,
    last_durable: Instant,
    /// What the last quick checkpoint took.
    cost: Duration,
    /// What the last durable one took.
    durable_cost: Duration,
    /// What earlier parts of the run took.
    before: Timings,
    spent: Duration,
    count: u64,
    outcome: Option<finish::Outcome>,
}

impl Keeper {
    pub fn new(
        plan: &Plan,
        packs: Vec<Loaded>,
        inputs: Arc<Inputs>,
        options: &super::Options,
        folder: Option<Folder>,
        before: Timings,
        started: Instant,
    ) -> Self {
        Self {
            packs,
            plan: plan.clone(),
            inputs,
            limit: options.limit,
            threads: options.threads,
            folder,
            every: options.checkpoint_every,
            started,
            last: started,
            last_durable: started,
            cost: Duration::ZERO,
            durable_cost: Duration::ZERO,
            before,
            spent: Duration::ZERO,
            count: 0,
            outcome: None,
        }
    }

    /// Whether it is time for a checkpoint.
    pub fn is_due(&self) -> bool {
        self.folder.is_some() && self.last.elapsed() >= self.every.max(self.cost * COST)
    }

    /// Whether everything is written.
    pub fn is_done(&self) -> bool {
        self.outcome.is_some()
    }

    /// What the run came to.
    pub fn take_outcome(&mut self) -> Option<finish::Outcome> {
        self.outcome.take()
    }

    /// Writes a checkpoint, a durable one where it is time for it.
    pub fn checkpoint(&mut self, tail: &mut Tail, settle: &mut impl Settle, current: &Timings) -> Result<()> {
        let every = (self.every * QUICK).max(self.durable_cost * COST);
        let can_be_quick = self.folder.as_ref().is_some_and(|folder| folder.boot.is_some());
        self.write(tail, settle, current, !can_be_quick || self.last_durable.elapsed() >= every)
    }

    /// Writes a durable checkpoint and gives the shards that it knows their names.
    pub fn durable_checkpoint(&mut self, tail: &mut Tail, settle: &mut impl Settle, current: &Timings) -> Result<()> {
        self.write(tail, settle, current, true)
    }

    fn write(&mut self, tail: &mut Tail, settle: &mut impl Settle, current: &Timings, durable: bool) -> Result<()> {
        let begin = Instant::now();
        settle.settle(tail)?;
        let timings = self.timings(tail, current);
        let Some(folder) = &self.folder else { return Ok(()) };
        let mut payload = Vec::new();
        let mut sinks: [SinkState; 4] = Default::default();
        for (state, sink) in sinks.iter_mut().zip(&tail.sinks) {
            *state = sink.state(&mut payload)?;
        }
        let checkpoint = Checkpoint {
            cursor: tail.cursor.clone(),
            bytes: tail.bytes,
            ended: tail.ended,
            report: tail.report.clone(),
            accounts: tail.accounts.clone(),
            notes: tail.notes.clone(),
            files: tail.files.clone(),
            sinks,
            rows: tail.rows.state()?,
            dedup: tail
                .index
                .as_mut()
                .map(Index::mark)
                .transpose()
                .map_err(|error| folder.disk.explain_error(error))?,
            later: tail
                .later
                .as_mut()
                .map(Later::state)
                .transpose()
                .map_err(|error| folder.disk.explain_error(error))?,
            timings,
            boot: folder.boot.clone().filter(|_| !durable),
            payload,
        };
        if durable {
            for sink in &tail.sinks {
                sink.sync()?;
            }
            tail.rows.sync()?;
            folder.sync_work(match (&tail.index, &tail.later) {
                (_, Some(_)) => &[DEDUP_LOG, WAITING],
                (Some(_), None) => &[DEDUP_LOG],
                (None, None) => &[],
            })?;
            folder.save_checkpoint(&checkpoint.encode()?)?;
            for (sink, state) in tail.sinks.iter_mut().zip(&checkpoint.sinks) {
                sink.publish(state)?;
            }
            tail.rows.publish(&checkpoint.rows)?;
            self.last_durable = Instant::now();
        } else {
            folder.save_quick_checkpoint(&checkpoint.encode()?)?;
        }
        self.estimate(tail);
        let cost = begin.elapsed();
        *(if durable { &mut self.durable_cost } else { &mut self.cost }) = cost;
        self.spent += cost;
        self.count += 1;
        self.last = Instant::now();
        Ok(())
    }

    /// Ends the run: last shards, sums, account, manifest.
    pub fn finish(&mut self, tail: &mut Tail, settle: &mut impl Settle, current: &Timings) -> Result<()> {
        for sink in 0..tail.sinks.len() {
            tail.end_shard(sink, settle)?;
        }
        settle.complete(tail)?;
        self.durable_checkpoint(tail, settle, current)?;
        let timings = self.timings(tail, current);
        self.outcome = Some(finish::finish(self, tail, timings, self.folder.as_ref(), &settle.stop())?);
        Ok(())
    }

    /// The times of all parts of the run.
    fn timings(&self, tail: &Tail, current: &Timings) -> Timings {
        let mut all = self.before.clone();
        all.sample_memory();
        all.seconds += self.started.elapsed().as_secs_f64();
        all.cpu_seconds += super::timings::cpu_seconds();
        for (stage, seconds) in &current.stages {
            *all.stages.entry(stage.clone()).or_default() += seconds;
        }
        all.checkpoint_seconds += self.spent.as_secs_f64();
        all.checkpoints += self.count;
        all.parts += 1;
        all.threads = self.threads;
        all.peak_anonymous_bytes = all.peak_anonymous_bytes.max(current.peak_anonymous_bytes);
        all.peak_resident_bytes = all.peak_resident_bytes.max(current.peak_resident_bytes);
        all.host = super::timings::Host::here();
        all.records_per_second = tail.report.records.records as f64 / all.seconds.max(1e-9);
        all
    }

    /// Tells the disk how much is still to come, for the message when it is full.
    fn estimate(&self, tail: &Tail) {
        let Some(folder) = &self.folder else { return };
        let written: u64 = tail.sinks.iter().map(|sink| sink.bytes()).sum();
        let left = self.inputs.bytes().saturating_sub(tail.bytes);
        if tail.bytes > 0 {
            folder.disk.set_needed((written as f64 / tail.bytes as f64 * left as f64) as u64);
        }
    }
}

/// The path of a file in a run folder, for messages.
pub(super) fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint(seq: u64, boot: Option<&str>) -> Checkpoint {
        Checkpoint {
            cursor: Cursor { seq, ..Cursor::default() },
            bytes: 0,
            ended: false,
            report: Report::default(),
            accounts: Vec::new(),
            notes: Vec::new(),
            files: BTreeMap::new(),
            sinks: Default::default(),
            rows: RowLogState::default(),
            dedup: None,
            later: None,
            timings: Timings::default(),
            boot: boot.map(str::to_owned),
            payload: Vec::new(),
        }
    }

    #[test]
    fn a_quick_checkpoint_counts_until_the_system_goes_down() {
        let latest = |durable: Option<u64>, quick: Option<(u64, &str)>, boot: Option<&str>| {
            let quick = quick.map(|(seq, boot)| checkpoint(seq, Some(boot)));
            let found = Checkpoint::latest(durable.map(|seq| checkpoint(seq, None)), quick, boot);
            found.map(|found| found.cursor.seq)
        };
        assert_eq!(latest(Some(5), Some((9, "a")), Some("a")), Some(9));
        assert_eq!(latest(Some(5), Some((9, "a")), Some("b")), Some(5), "another start");
        assert_eq!(latest(Some(5), Some((9, "a")), None), Some(5), "who knows");
        assert_eq!(latest(Some(9), Some((5, "a")), Some("a")), Some(9), "its row logs are gone");
        assert_eq!(latest(None, Some((9, "a")), Some("a")), Some(9));
        assert_eq!(latest(None, Some((9, "a")), Some("b")), None);
        assert_eq!(latest(Some(5), None, Some("a")), Some(5));
    }
}
