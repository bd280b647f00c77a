//! Who does what: one queue under one lock, worked on by exactly as many threads as asked for.
//!
//! A worker without work looks, in this order, for (1) the next batch in input order or finished
//! frames, if the ordered tail is free, (2) a frame to make, (3) a shard to sync or columns to write,
//! (4) the next batch to read, if the reader is free and not too many bytes are under way. Batches are claimed
//! in order by workers that hold nothing else, so the oldest always moves on: back-pressure cannot block it.

mod ends;
mod queue;
mod settle;

pub(super) use settle::leave;

use super::checkpoint::Keeper;
use super::options::{Options, Phase, Progress};
use super::processed::Processed;
use super::stages::Stages;
use super::station::Station;
use super::tail::{Job, Made, Tail};
use super::timings::{Clock, Share, Timings};
use crate::stage::dedup::{Index, KeptHashes};
use crate::stage::read::{Inputs, Reader};
use crate::stage::write::WriteSettings;
use crate::stage::write::encode::Encoder;
use crate::{Error, Result};
use settle::Helper;
use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Bytes under way (read, processed or waiting to be compressed) that one more thread may add.
const BYTES_A_THREAD: usize = 8 << 20;

/// What the workers share.
pub(super) struct Pool {
    pub stages: Arc<Stages>,
    pub inputs: Arc<Inputs>,
    pub write: WriteSettings,
    pub limit: Option<u64>,
    most_bytes: usize,
    /// The hashes of kept records.
    kept: Option<Arc<KeptHashes>>,
    /// Ends a read that waits for standard input or a pipe, which may never say anything again.
    reading: Option<Arc<AtomicBool>>,
    queue: Mutex<Queue>,
    wake: Condvar,
    /// Told when the run is over, for the thread that watches.
    over: Condvar,
}

/// What there is to do. `None` for the reader or the tail: some worker has it.
pub(super) struct Queue {
    reader: Option<Box<Reader>>,
    /// No batch will follow.
    ended: bool,
    claimed: u64,
    ready: BTreeMap<u64, Box<Processed>>,
    next: u64,
    pub tail: Option<Box<(Tail, Keeper)>>,
    frames: VecDeque<Job>,
    slow: VecDeque<Job>,
    made: Vec<Made>,
    bytes: usize,
    #[expect(clippy::vec_box, reason = "handed on without being copied")]
    spare: Vec<Box<Processed>>,
    stop: bool,
    pub finished: bool,
    pub error: Option<Error>,
    pub progress: Progress,
    pub timings: Timings,
}

/// What a worker found to do.
enum Task {
    Drain { tail: Box<(Tail, Keeper)>, made: Vec<Made>, batch: Option<Box<Processed>>, last: bool },
    Job(Job),
    Read { reader: Box<Reader>, out: Box<Processed> },
    Leave,
}

impl Pool {
    pub fn new(
        stages: Arc<Stages>,
        inputs: Arc<Inputs>,
        write: WriteSettings,
        options: &Options,
        reader: Reader,
        tail: Tail,
        keeper: Keeper,
    ) -> Self {
        let next = tail.cursor.seq;
        let kept = tail.index.as_ref().filter(|_| !options.whole_copies).and_then(Index::kept_hashes);
        let reading = inputs.has_stdin().then(|| reader.stop_flag());
        let queue = Queue {
            reader: Some(Box::new(reader)),
            ended: tail.ended,
            claimed: next,
            ready: BTreeMap::new(),
            next,
            tail: Some(Box::new((tail, keeper))),
            frames: VecDeque::new(),
            slow: VecDeque::new(),
            made: Vec::new(),
            bytes: 0,
            spare: Vec::new(),
            stop: false,
            finished: false,
            error: None,
            progress: Progress::default(),
            timings: Timings::default(),
        };
        Self {
            stages,
            inputs,
            write,
            limit: options.limit,
            kept,
            most_bytes: (options.threads + 2) * BYTES_A_THREAD,
            reading,
            queue: Mutex::new(queue),
            wake: Condvar::new(),
            over: Condvar::new(),
        }
    }

    /// The queue. A worker that panicked while it held the lock has been recorded as an error.
    pub fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the end of the run, at most this long.
    pub fn wait<'a>(&self, queue: MutexGuard<'a, Queue>, most: std::time::Duration) -> MutexGuard<'a, Queue> {
        self.over.wait_timeout(queue, most).unwrap_or_else(PoisonError::into_inner).0
    }

    /// A worker's life. Never unwinds: a panic becomes an error that names the unit.
    pub fn work(&self) {
        let mut at = String::new();
        let outcome = catch_unwind(AssertUnwindSafe(|| self.work_until_done(&mut at)));
        let error = match outcome {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error),
            Err(panic) => {
                let what = panic
                    .downcast_ref::<&str>()
                    .map(|text| (*text).to_owned())
                    .or_else(|| panic.downcast_ref::<String>().cloned())
                    .unwrap_or_else(|| "a panic".to_owned());
                let place = if at.is_empty() { String::new() } else { format!(", at {at}") };
                Some(Error::Internal(format!("{what}{place}")))
            }
        };
        if let Some(error) = error {
            self.fail(error);
        }
    }

    fn work_until_done(&self, at: &mut String) -> Result<()> {
        let mut station = Station::new(Arc::clone(&self.stages), Arc::clone(&self.inputs), self.kept.clone());
        let mut encoder = Encoder::new(&self.write)?;
        self.work_loop(at, &mut station, &mut encoder)
    }

    fn work_loop(&self, at: &mut String, station: &mut Station, encoder: &mut Encoder) -> Result<()> {
        let mut clock = Clock::default();
        loop {
            at.clear();
            match self.next_task() {
                Task::Leave => {
                    self.lock().timings.add(&clock);
                    return Ok(());
                }
                Task::Job(job) => {
                    let start = Instant::now();
                    self.run_job(job, encoder)?;
                    clock.add(Share::Write, start.elapsed());
                }
                Task::Read { reader, out } => self.read(reader, out, at, station, &mut clock)?,
                Task::Drain { tail, made, batch, last } => {
                    let start = Instant::now();
                    self.drain(tail, made, batch, last, station, encoder, at);
                    clock.add(Share::Write, start.elapsed());
                }
            }
        }
    }

    fn next_task(&self) -> Task {
        let mut queue = self.lock();
        loop {
            if queue.stop || queue.finished || queue.error.is_some() {
                return Task::Leave;
            }
            let next = queue.next;
            let has_batch = queue.ready.contains_key(&next);
            // Where records have waited, the tail is a source of frames: those that are there go first.
            let last = queue.ended && queue.claimed == next && queue.frames.is_empty();
            if (has_batch || last || !queue.made.is_empty())
                && let Some(tail) = queue.tail.take()
            {
                let batch = queue.ready.remove(&next);
                let made = std::mem::take(&mut queue.made);
                return Task::Drain { tail, made, batch, last };
            }
            if let Some(job) = queue.frames.pop_front().or_else(|| queue.slow.pop_front()) {
                return Task::Job(job);
            }
            if !queue.ended
                && queue.bytes < self.most_bytes
                && let Some(reader) = queue.reader.take()
            {
                let out = queue.spare.pop().unwrap_or_default();
                return Task::Read { reader, out };
            }
            queue = self.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Claims the next batch and runs the per-record stages on it.
    fn read(
        &self,
        mut reader: Box<Reader>,
        mut out: Box<Processed>,
        at: &mut String,
        station: &mut Station,
        clock: &mut Clock,
    ) -> Result<()> {
        let start = Instant::now();
        let batch = reader.next_batch();
        clock.add(Share::Read, start.elapsed());
        let mut queue = self.lock();
        queue.reader = Some(reader);
        if queue.ended {
            // The limit was reached meanwhile: what lies beyond it does not count.
            queue.spare.push(out);
            drop(queue);
            self.wake.notify_all();
            return Ok(());
        }
        let batch = match batch {
            Ok(Some(batch)) => batch,
            Ok(None) => {
                queue.ended = true;
                queue.spare.push(out);
                drop(queue);
                self.wake.notify_all();
                return Ok(());
            }
            Err(error) => {
                // What was read before comes first; the error takes this batch's place.
                out.clear();
                out.error = Some(error);
                queue.ended = true;
                let seq = queue.claimed;
                queue.claimed += 1;
                queue.ready.insert(seq, out);
                drop(queue);
                self.wake.notify_all();
                return Ok(());
            }
        };
        let seq = queue.claimed;
        queue.claimed += 1;
        // The batch and about as much again that becomes of it.
        let bytes = batch.bytes * 2;
        queue.bytes += bytes;
        drop(queue);
        self.wake.notify_all();
        if batch.seq != seq {
            return Err(Error::Internal(format!("batch {} came as number {seq}", batch.seq)));
        }
        station.process(&batch, None, &mut out, at);
        if self.limit.is_some() {
            out.batch = Some(batch);
        } else {
            drop(batch);
        }
        let spent = station.take_clock();
        let mut queue = self.lock();
        queue.timings.add(&spent);
        queue.timings.add(&std::mem::take(clock));
        queue.bytes -= bytes;
        if seq < queue.claimed {
            queue.bytes += out.size();
            queue.ready.insert(seq, out);
        } else {
            // The limit was reached before this batch.
            out.clear();
            queue.spare.push(out);
        }
        drop(queue);
        self.wake.notify_all();
        Ok(())
    }

    fn run_job(&self, job: Job, encoder: &mut Encoder) -> Result<()> {
        let mut bytes = 0;
        let made = match job {
            Job::Sink(work) => {
                bytes = work.bytes();
                Made::Sink(work.run(encoder)?)
            }
            Job::Columns(work) => Made::Columns(work.run()?),
        };
        let mut queue = self.lock();
        queue.bytes -= bytes;
        queue.made.push(made);
        drop(queue);
        self.wake.notify_all();
        Ok(())
    }

    /// Takes what is next in order, with the tail in hand.
    #[expect(clippy::too_many_arguments, reason = "the parts of one task")]
    fn drain(
        &self,
        mut tail_box: Box<(Tail, Keeper)>,
        made: Vec<Made>,
        mut batch: Option<Box<Processed>>,
        last: bool,
        station: &mut Station,
        encoder: &mut Encoder,
        at: &mut String,
    ) {
        let (tail, keeper) = &mut *tail_box;
        let bytes = batch.as_ref().map_or(0, |batch| batch.size());
        let outcome = self.drain_inner(tail, keeper, made, batch.as_deref_mut(), last, station, encoder, at);
        let jobs = tail.take_jobs();
        let mut queue = self.lock();
        queue.enqueue(jobs);
        queue.progress = Progress { phase: queue.progress.phase, ..tail.progress() };
        if let Some(mut batch) = batch {
            queue.next += 1;
            queue.bytes = queue.bytes.saturating_sub(bytes);
            batch.clear();
            queue.spare.push(batch);
        }
        if tail.ended {
            queue.end_here();
        }
        queue.finished = last && outcome.is_ok() && keeper.is_done();
        queue.tail = Some(tail_box);
        if let Err(error) = outcome {
            // In one step with giving the tail back: no other worker may end the run as if nothing had happened.
            return self.fail_with(queue, error);
        }
        if queue.finished {
            self.over.notify_all();
        }
        drop(queue);
        self.wake.notify_all();
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one task")]
    fn drain_inner(
        &self,
        tail: &mut Tail,
        keeper: &mut Keeper,
        made: Vec<Made>,
        batch: Option<&mut Processed>,
        last: bool,
        station: &mut Station,
        encoder: &mut Encoder,
        at: &mut String,
    ) -> Result<()> {
        for made in made {
            tail.accept(made)?;
        }
        let mut helper = Helper { pool: self, encoder, alone: false };
        let mut is_over = false;
        if let Some(batch) = batch {
            if let Some(error) = batch.error.take() {
                return Err(error);
            }
            if let (Some(limit), Some(whole)) = (self.limit, batch.batch.take()) {
                let left = limit.saturating_sub(tail.records());
                if batch.records() >= left {
                    station.process(&whole, Some(left), batch, at);
                    tail.ended = true;
                }
            }
            tail.apply(batch, &mut helper)?;
        } else if last {
            tail.ended = true;
            is_over = !tail.next_waiting(&mut helper)?;
        }
        if is_over {
            self.lock().progress.phase = Phase::Finish;
            let timings = self.lock().timings.clone();
            keeper.finish(tail, &mut helper, &timings)?;
        } else if keeper.is_due() {
            let timings = self.lock().timings.clone();
            keeper.checkpoint(tail, &mut helper, &timings)?;
        }
        Ok(())
    }
}
