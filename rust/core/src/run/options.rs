//! What a run is told beside its plan, and what it tells while it runs.

use crate::report::Report;
use crate::stage::read::StreamInput;
use crate::stage::write::disk::Fault;
use serde::Serialize;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What a run is told beside its plan. None of it but `limit` changes a byte of the output.
#[derive(Clone)]
pub struct Options {
    /// Worker threads; exactly so many are busy.
    pub threads: usize,
    /// Only the first so many records (and the units up to the last of them).
    pub limit: Option<u64>,
    /// Everything but writing.
    pub dry_run: bool,
    /// Overwrite an own folder, finished or not.
    pub force: bool,
    /// Inputs that are no files.
    pub streams: Vec<StreamInput>,
    /// Least time between checkpoints.
    pub checkpoint_every: Duration,
    /// Lets single file operations fail, in tests.
    #[doc(hidden)]
    pub fault: Option<Arc<Fault>>,
    /// Labels and signs even records that are known to be duplicates, in tests.
    #[doc(hidden)]
    pub whole_copies: bool,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("threads", &self.threads)
            .field("limit", &self.limit)
            .field("dry_run", &self.dry_run)
            .field("force", &self.force)
            .finish_non_exhaustive()
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            limit: None,
            dry_run: false,
            force: false,
            streams: Vec::new(),
            checkpoint_every: Duration::from_millis(500),
            fault: None,
            whole_copies: false,
        }
    }
}

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Progress {
    /// Bytes of input (after decompression) that are done.
    pub bytes: u64,
    /// Bytes of input in all; `None` where that is not known (standard input, compressed files).
    pub bytes_total: Option<u64>,
    /// Units.
    pub units: u64,
    /// Records.
    pub records: u64,
    /// Kept records.
    pub kept: u64,
    /// Dropped records.
    pub dropped: u64,
    /// Duplicates.
    pub duplicates: u64,
    /// Rejected units.
    pub rejected: u64,
    /// Seconds that this process has run.
    pub seconds: f64,
    /// Records a second in this process.
    pub rate: f64,
    /// What is being done.
    pub phase: Phase,
}

/// What a run is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Records flow.
    #[default]
    Process,
    /// The last shards are closed, the account is written.
    Finish,
}

/// Whether a run goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Go on.
    Continue,
    /// Stop at the next checkpoint; the same command goes on from there.
    Stop,
}

/// Watches a run. Called on the thread that called `process`, about every 50 ms and once at the end.
pub trait Observer {
    /// Sees the progress and decides whether to go on.
    fn progress(&self, progress: &Progress) -> Control;
}

impl<F: Fn(&Progress) -> Control> Observer for F {
    fn progress(&self, progress: &Progress) -> Control {
        self(progress)
    }
}

/// What a run did.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// The account, as in `report.json`.
    pub report: Report,
    /// Digest of the manifest; `None` of a dry run.
    pub digest: Option<String>,
    /// Whether an unfinished run was continued.
    pub continued: bool,
    /// Seconds, over all parts of a run that was interrupted.
    pub seconds: f64,
}
