//! A run: the core works without the interpreter lock and looks up about every 50 ms.

use crate::errors::{Result, detached};
use crate::plan::EffectivePlan;
use crate::stream::named;
use corpuskit_core::Error;
use corpuskit_core::run::{self, Control, Options, Phase};
use pyo3::prelude::*;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// How far a run is.
#[pyclass(frozen, get_all, module = "corpuskit._core")]
pub struct Progress {
    /// Bytes of input, after decompression, that are done.
    bytes: u64,
    /// Bytes of input in all; None where that is not known.
    bytes_total: Option<u64>,
    /// Units: lines, table rows, array elements, whole-file records.
    units: u64,
    /// Records.
    records: u64,
    /// Kept records.
    kept: u64,
    /// Dropped records.
    dropped: u64,
    /// Duplicates.
    duplicates: u64,
    /// Rejected units.
    rejected: u64,
    /// Seconds that this process has run.
    seconds: f64,
    /// Records a second in this process.
    rate: f64,
    /// `process` while records flow, `finish` while the folder is closed.
    phase: &'static str,
}

impl From<&run::Progress> for Progress {
    fn from(progress: &run::Progress) -> Self {
        Self {
            bytes: progress.bytes,
            bytes_total: progress.bytes_total,
            units: progress.units,
            records: progress.records,
            kept: progress.kept,
            dropped: progress.dropped,
            duplicates: progress.duplicates,
            rejected: progress.rejected,
            seconds: progress.seconds,
            rate: progress.rate,
            phase: match progress.phase {
                Phase::Process => "process",
                Phase::Finish => "finish",
            },
        }
    }
}

/// Runs a plan over inputs into a folder; returns the summary as JSON.
#[pyfunction]
#[pyo3(signature = (plan, inputs, output, *, streams=Vec::new(), threads=None, limit=None, force=false, dry_run=false, progress=None))]
#[expect(clippy::too_many_arguments, reason = "the keywords of Pipeline.process")]
pub fn process(
    py: Python<'_>,
    plan: &EffectivePlan,
    inputs: Vec<String>,
    output: Option<PathBuf>,
    streams: Vec<(String, PathBuf)>,
    threads: Option<usize>,
    limit: Option<u64>,
    force: bool,
    dry_run: bool,
    progress: Option<Py<PyAny>>,
) -> Result<String> {
    if output.is_none() && !dry_run {
        return Err(Error::plan("output", "is required unless `dry_run` is set").into());
    }
    let mut options = Options { limit, force, dry_run, streams: named(streams)?, ..Options::default() };
    if let Some(threads) = threads {
        if threads == 0 {
            return Err(Error::plan("threads", "must be at least 1, got 0").into());
        }
        options.threads = threads;
    }
    let watch = Watch { callback: progress, raised: Mutex::new(None) };
    let output = output.unwrap_or_default();
    let done = detached(py, || run::process(&plan.plan, &inputs, &output, &options, &watch));
    if let Some(raised) = watch.raised.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(raised.into());
    }
    serde_json::to_string(&done?).map_err(|error| Error::Internal(error.to_string()).into())
}

/// Polls signals and shows the progress; remembers what was raised.
pub struct Watch {
    pub callback: Option<Py<PyAny>>,
    pub raised: Mutex<Option<PyErr>>,
}

impl run::Observer for Watch {
    fn progress(&self, progress: &run::Progress) -> Control {
        let outcome = Python::attach(|py| {
            py.check_signals()?;
            if let Some(callback) = &self.callback {
                callback.call1(py, (Progress::from(progress),))?;
            }
            Ok(())
        });
        match outcome {
            Ok(()) => Control::Continue,
            Err(error) => {
                let mut raised = self.raised.lock().unwrap_or_else(PoisonError::into_inner);
                raised.get_or_insert(error);
                Control::Stop
            }
        }
    }
}
