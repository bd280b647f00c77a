//! Checkpoints of the ordered tail, and the end of a run.
//!
//! A checkpoint belongs to the place after some batch. Everything that it names is on the medium before
//! it is written, beside the old one, and renamed over it; only when that is on the medium are shards
//! given their names and row logs removed. So at any moment, also after a power failure, the folder
//! is that of the last checkpoint plus things that it does not know and that are cut off or written
//! again. The file is a digest, a line of JSON, and the bytes that wait to fill a compressed frame.

use super::finish;
use super::folder::{DEDUP_LOG, Folder, WAITING};
use super::later::{Later, LaterState};
use super::tail::{Job, Settle, Tail};
use super::timings::Timings;
use crate::digest::Digest;
use crate::plan::Plan;
use crate::report::Report;
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
    pub inputs: Arc<Inputs>,
    pub limit: Option<u64>,
    pub threads: usize,
    /// `None` of a dry run.
    folder: Option<Folder>,
    every: Duration,
    started: Instant,
    last: Instant,
    cost: Duration,
    /// What earlier parts of the run took.
    before: Timings,
    spent: Duration,
    count: u64,
    outcome: Option<finish::Outcome>,
}

impl Keeper {
    pub fn new(
        plan: &Plan,
        inputs: Arc<Inputs>,
        options: &super::Options,
        folder: Option<Folder>,
        before: Timings,
        started: Instant,
    ) -> Self {
        Self {
            plan: plan.clone(),
            inputs,
            limit: options.limit,
            threads: options.threads,
            folder,
            every: options.checkpoint_every,
            started,
            last: started,
            cost: Duration::ZERO,
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

    /// Writes a checkpoint and gives the shards that it knows their names.
    pub fn checkpoint(&mut self, tail: &mut Tail, settle: &mut impl Settle, current: &Timings) -> Result<()> {
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
            payload,
        };
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
        self.estimate(tail);
        self.cost = begin.elapsed();
        self.spent += self.cost;
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
        self.checkpoint(tail, settle, current)?;
        let timings = self.timings(tail, current);
        self.outcome = Some(finish::finish(self, tail, timings, self.folder.as_ref())?);
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
