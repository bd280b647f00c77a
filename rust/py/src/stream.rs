//! Records as an iterator: a run in the background hands over kept lines, a bounded few at a time.

use crate::errors::Result;
use crate::plan::EffectivePlan;
use corpuskit_core::Error;
use corpuskit_core::run::{self, Control, Options};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often signals are polled while there is nothing to hand over.
const POLL: Duration = Duration::from_millis(50);

/// Chunks of lines that may wait for the caller.
const WAITING: usize = 2;

type Chunk = std::result::Result<Vec<u8>, Error>;

/// The kept records of inputs, a few thousand lines at a time.
#[pyclass(frozen, module = "corpuskit._core")]
pub struct RecordStream {
    /// The process that opened the stream: threads do not survive a fork.
    process: u32,
    stop: Arc<AtomicBool>,
    state: Mutex<State>,
}

struct State {
    chunks: Option<Receiver<Chunk>>,
    worker: Option<JoinHandle<()>>,
}

#[pymethods]
impl RecordStream {
    /// Starts reading.
    #[new]
    #[pyo3(signature = (plan, inputs, *, threads=None, limit=None))]
    fn new(plan: &EffectivePlan, inputs: Vec<String>, threads: Option<usize>, limit: Option<u64>) -> Result<Self> {
        let mut options = Options { limit, dry_run: true, ..Options::default() };
        options.threads = threads.unwrap_or(options.threads);
        let plan = plan.plan.clone();
        let stop = Arc::new(AtomicBool::new(false));
        let (sender, chunks) = sync_channel(WAITING);
        let stopped = Arc::clone(&stop);
        let worker = std::thread::Builder::new()
            .name("corpuskit-stream".to_owned())
            .spawn(move || feed(&plan, &inputs, &options, &stopped, &sender))
            .map_err(|error| Error::io("a thread", error))?;
        let state = State { chunks: Some(chunks), worker: Some(worker) };
        Ok(Self { process: std::process::id(), stop, state: Mutex::new(state) })
    }

    /// The next lines, each with its line end; None after the last.
    fn next_chunk<'py>(&self, py: Python<'py>) -> Result<Option<Bound<'py, PyBytes>>> {
        if std::process::id() != self.process {
            let problem = "the iterator was opened before a fork, and its threads stayed behind";
            return Err(Error::input("iterate", problem).with_hint("open it in the process that reads it").into());
        }
        loop {
            py.check_signals()?;
            let received = py.detach(|| {
                let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                match &state.chunks {
                    Some(chunks) => chunks.recv_timeout(POLL),
                    None => Err(RecvTimeoutError::Disconnected),
                }
            });
            match received {
                Ok(Ok(lines)) => return Ok(Some(PyBytes::new(py, &lines))),
                Ok(Err(error)) => {
                    self.close(py);
                    return Err(error.into());
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
            }
        }
    }

    /// Stops reading and waits until the workers are gone. May be called more than once.
    fn close(&self, py: Python<'_>) {
        self.stop.store(true, Ordering::Relaxed);
        if std::process::id() != self.process {
            return;
        }
        py.detach(|| {
            let worker = {
                let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                state.chunks = None;
                state.worker.take()
            };
            if let Some(worker) = worker {
                // `feed` catches panics, so there is nothing in the outcome.
                let _ = worker.join();
            }
        });
    }
}

impl Drop for RecordStream {
    fn drop(&mut self) {
        // Dropping the receiver ends the worker at its next chunk; nobody waits for it here.
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// The background thread: runs the plan; every chunk and at last an error go into the channel.
fn feed(
    plan: &corpuskit_core::plan::Plan,
    inputs: &[String],
    options: &Options,
    stop: &Arc<AtomicBool>,
    sender: &SyncSender<Chunk>,
) {
    let lines = sender.clone();
    let watched = Arc::clone(stop);
    let consumer = move |chunk: &[u8]| !watched.load(Ordering::Relaxed) && lines.send(Ok(chunk.to_vec())).is_ok();
    let observer = |_: &run::Progress| match stop.load(Ordering::Relaxed) {
        true => Control::Stop,
        false => Control::Continue,
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| run::iterate(plan, inputs, options, consumer, &observer)));
    let error = match outcome {
        Ok(Ok(_)) => return,
        Ok(Err(Error::Interrupted)) if stop.load(Ordering::Relaxed) => return,
        Ok(Err(error)) => error,
        Err(_) => Error::Internal("a panic while records were read".to_owned()),
    };
    // Nobody may be listening any more.
    let _ = sender.send(Err(error));
}
