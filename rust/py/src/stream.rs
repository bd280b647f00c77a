//! Records as an iterator: a run in the background hands over kept lines, a bounded few at a time.

use crate::errors::Result;
use crate::plan::EffectivePlan;
use corpuskit_core::Error;
use corpuskit_core::batches;
use corpuskit_core::run::{self, Control, Options};
use corpuskit_core::stage::read::StreamInput;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often signals are polled while there is nothing to hand over.
const POLL: Duration = Duration::from_millis(50);

/// Chunks of lines that may wait for the caller.
const WAITING: usize = 2;

type Chunk = std::result::Result<Vec<u8>, Error>;

/// Takes lines; `false` to stop.
type Consumer = Box<dyn FnMut(&[u8]) -> bool + Send>;

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
    #[pyo3(signature = (plan, inputs, *, streams=Vec::new(), threads=None, limit=None))]
    fn new(
        plan: &EffectivePlan,
        inputs: Vec<String>,
        streams: Vec<(String, PathBuf)>,
        threads: Option<usize>,
        limit: Option<u64>,
    ) -> Result<Self> {
        let options = options(streams, threads, limit)?;
        let plan = plan.plan.clone();
        Self::start(move |stop, consumer| {
            let observer = |_: &run::Progress| match stop.load(Ordering::Relaxed) {
                true => Control::Stop,
                false => Control::Continue,
            };
            run::iterate(&plan, &inputs, &options, consumer, &observer).map(|_| ())
        })
    }

    /// The kept records of a finished run folder.
    #[staticmethod]
    fn of_run(folder: PathBuf) -> Result<Self> {
        Self::start(move |_, consumer| batches::lines(&folder, consumer))
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

    /// Stops reading without waiting. May be called on any thread.
    fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
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

impl RecordStream {
    /// Starts the background thread; every chunk of lines, and at last an error, go into the channel.
    fn start(work: impl FnOnce(&AtomicBool, Consumer) -> corpuskit_core::Result<()> + Send + 'static) -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (sender, chunks) = sync_channel(WAITING);
        let stopped = Arc::clone(&stop);
        let feed = move || {
            let (lines, watched) = (sender.clone(), Arc::clone(&stopped));
            let consumer =
                move |chunk: &[u8]| !watched.load(Ordering::Relaxed) && lines.send(Ok(chunk.to_vec())).is_ok();
            let error = match catch_unwind(AssertUnwindSafe(|| work(&stopped, Box::new(consumer)))) {
                Ok(Ok(())) => return,
                Ok(Err(Error::Interrupted)) if stopped.load(Ordering::Relaxed) => return,
                Ok(Err(error)) => error,
                Err(_) => Error::Internal("a panic while records were read".to_owned()),
            };
            // Nobody may be listening any more.
            drop(sender.send(Err(error)));
        };
        let worker = std::thread::Builder::new()
            .name("corpuskit-stream".to_owned())
            .spawn(feed)
            .map_err(|error| Error::io("a thread", error))?;
        let state = State { chunks: Some(chunks), worker: Some(worker) };
        Ok(Self { process: std::process::id(), stop, state: Mutex::new(state) })
    }
}

impl Drop for RecordStream {
    fn drop(&mut self) {
        // Dropping the receiver ends the worker at its next chunk; nobody waits for it here.
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// What a run is told that writes nothing. `streams`: names of inputs that are no files, and what to open.
pub fn options(streams: Vec<(String, PathBuf)>, threads: Option<usize>, limit: Option<u64>) -> Result<Options> {
    let mut options = Options { limit, dry_run: true, streams: named(streams)?, ..Options::default() };
    options.threads = threads.unwrap_or(options.threads);
    Ok(options)
}

/// Streams as the core takes them.
pub fn named(streams: Vec<(String, PathBuf)>) -> Result<Vec<StreamInput>> {
    let open = |(name, path): (String, PathBuf)| match File::open(&path) {
        Ok(pipe) => Ok(StreamInput::new(name, pipe)),
        Err(error) => Err(Error::io(name, error).into()),
    };
    streams.into_iter().map(open).collect()
}
