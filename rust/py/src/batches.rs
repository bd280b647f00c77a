//! Records as Arrow columns, by the PyCapsule interface: pointers change hands, values are not copied.

use crate::errors::{Result, panic_message};
use crate::plan::EffectivePlan;
use crate::stream::options;
use arrow_array::ffi::{FFI_ArrowSchema, to_ffi};
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_array::{Array as _, RecordBatch, RecordBatchReader, StructArray};
use arrow_schema::{ArrowError, SchemaRef};
use corpuskit_core::Error;
use corpuskit_core::batches::{Finished, flow};
use corpuskit_core::run::{self, Control};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often signals are polled while there is nothing to hand over.
const POLL: Duration = Duration::from_millis(50);

/// Batches that may wait for the caller.
const WAITING: usize = 2;

/// What the background thread says: the types of the columns, then rows or an error.
enum Event {
    Schema(SchemaRef),
    Rows(RecordBatch),
    Failed(Error),
}

/// What the reader and the background thread share.
#[derive(Clone, Default)]
struct Shared {
    stop: Arc<AtomicBool>,
    /// Why the records end early: their source failed.
    failed: Arc<Mutex<Option<String>>>,
}

impl Shared {
    fn failure(&self) -> Option<Error> {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.as_ref().map(|problem| Error::input("the source of the records", problem))
    }
}

/// Batches of records, made by a thread in the background, a bounded few ahead of the reader.
#[pyclass(frozen, module = "corpuskit._core")]
pub struct BatchReader {
    process: u32,
    shared: Shared,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    events: Option<Receiver<Event>>,
    schema: Option<SchemaRef>,
}

#[pymethods]
impl BatchReader {
    /// The records that a plan keeps of inputs.
    #[staticmethod]
    #[pyo3(signature = (plan, inputs, *, streams=Vec::new(), threads=None, limit=None))]
    fn of_inputs(
        plan: &EffectivePlan,
        inputs: Vec<String>,
        streams: Vec<(String, PathBuf)>,
        threads: Option<usize>,
        limit: Option<u64>,
    ) -> Result<Self> {
        let plan = plan.plan.clone();
        let options = options(streams, threads, limit)?;
        Self::start(move |shared, sender| {
            let (stop, out) = (Arc::clone(&shared.stop), sender.clone());
            let mut named = false;
            let emit = move |schema: SchemaRef, rows: Option<RecordBatch>| {
                let first = std::mem::replace(&mut named, true) || out.send(Event::Schema(schema)).is_ok();
                first && !stop.load(Ordering::Relaxed) && rows.is_none_or(|rows| out.send(Event::Rows(rows)).is_ok())
            };
            let observer = |_: &run::Progress| match shared.stop.load(Ordering::Relaxed) {
                true => Control::Stop,
                false => Control::Continue,
            };
            flow(&plan, &inputs, &options, emit, &observer)
        })
    }

    /// The records of a finished run folder with columns of `columns/` beside them.
    #[staticmethod]
    #[pyo3(signature = (folder, columns, *, threads=None))]
    fn of_run(folder: PathBuf, columns: Vec<String>, threads: Option<usize>) -> Result<Self> {
        let threads = options(Vec::new(), threads, None)?.threads;
        Self::start(move |shared, sender| {
            let stop = || shared.stop.load(Ordering::Relaxed);
            send(&Finished::records(&folder, &columns, threads, &stop)?, shared, sender)
        })
    }

    /// Columns of `columns/` alone; all of them if none are named.
    #[staticmethod]
    fn of_columns(folder: PathBuf, columns: Vec<String>) -> Result<Self> {
        Self::start(move |shared, sender| send(&Finished::columns(&folder, &columns)?, shared, sender))
    }

    /// The next batch; None after the last.
    fn next_batch(&self, py: Python<'_>) -> Result<Option<ArrowBatch>> {
        self.schema(py)?;
        loop {
            py.check_signals()?;
            match py.detach(|| self.wait(POLL)) {
                Ok(Event::Rows(rows)) => return Ok(Some(ArrowBatch { rows })),
                Ok(Event::Failed(error)) => return Err(error.into()),
                Ok(Event::Schema(_)) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(self.end()?),
            }
        }
    }

    /// The types of the columns, as a capsule of the C data interface.
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> Result<Bound<'py, PyCapsule>> {
        let schema = self.schema(py)?;
        schema_capsule(py, &schema)
    }

    /// All batches that are left, as a capsule of the C stream interface; this reader is empty afterwards.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> Result<Bound<'py, PyCapsule>> {
        // A request is a wish; consumers cast what they get.
        drop(requested_schema);
        let schema = self.schema(py)?;
        let events = self.state.lock().unwrap_or_else(PoisonError::into_inner).events.take();
        let events = events.map(Mutex::new);
        let batches = Batches { process: self.process, shared: self.shared.clone(), events, schema };
        Ok(PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(Box::new(batches)), c"arrow_array_stream")?)
    }

    /// Ends the records with an error: what they are made of failed. Whoever reads them gets the message.
    fn fail(&self, problem: String) {
        self.shared.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(problem);
        self.shared.stop.store(true, Ordering::Relaxed);
    }

    /// Stops reading. May be called more than once.
    fn close(&self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.state.lock().unwrap_or_else(PoisonError::into_inner).events = None;
    }
}

impl BatchReader {
    fn start(
        work: impl FnOnce(&Shared, &SyncSender<Event>) -> corpuskit_core::Result<()> + Send + 'static,
    ) -> Result<Self> {
        let shared = Shared::default();
        let (sender, events) = sync_channel(WAITING);
        let theirs = shared.clone();
        std::thread::Builder::new()
            .name("corpuskit-batches".to_owned())
            .spawn(move || {
                let outcome = catch_unwind(AssertUnwindSafe(|| work(&theirs, &sender)))
                    .unwrap_or_else(|panic| Err(Error::Internal(panic_message(&*panic))));
                match outcome {
                    Ok(()) => {}
                    Err(Error::Interrupted) if theirs.stop.load(Ordering::Relaxed) => {}
                    // Nobody may be listening any more.
                    Err(error) => drop(sender.send(Event::Failed(error))),
                }
            })
            .map_err(|error| Error::io("a thread", error))?;
        let state = State { events: Some(events), schema: None };
        Ok(Self { process: std::process::id(), shared, state: Mutex::new(state) })
    }

    fn wait(&self, most: Duration) -> std::result::Result<Event, RecvTimeoutError> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.events.as_ref().map_or(Err(RecvTimeoutError::Disconnected), |events| events.recv_timeout(most))
    }

    /// The records are over: at their end, or because their source failed.
    fn end<T>(&self) -> std::result::Result<Option<T>, Error> {
        self.shared.failure().map_or(Ok(None), Err)
    }

    fn schema(&self, py: Python<'_>) -> Result<SchemaRef> {
        same_process(self.process)?;
        loop {
            if let Some(schema) = &self.state.lock().unwrap_or_else(PoisonError::into_inner).schema {
                return Ok(Arc::clone(schema));
            }
            py.check_signals()?;
            match py.detach(|| self.wait(POLL)) {
                Ok(Event::Schema(schema)) => {
                    self.state.lock().unwrap_or_else(PoisonError::into_inner).schema = Some(schema);
                }
                Ok(Event::Failed(error)) => return Err(error.into()),
                Ok(Event::Rows(_)) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    self.end::<()>()?;
                    return Err(Error::input("batches", "were closed before their columns were known").into());
                }
            }
        }
    }
}

impl Drop for BatchReader {
    fn drop(&mut self) {
        // Where a consumer took the batches, they go on without this reader.
        if self.state.get_mut().unwrap_or_else(PoisonError::into_inner).events.is_some() {
            self.shared.stop.store(true, Ordering::Relaxed);
        }
    }
}

fn send(table: &Finished, shared: &Shared, sender: &SyncSender<Event>) -> corpuskit_core::Result<()> {
    if sender.send(Event::Schema(Arc::clone(table.schema()))).is_err() {
        return Ok(());
    }
    table.each(|rows| !shared.stop.load(Ordering::Relaxed) && sender.send(Event::Rows(rows)).is_ok())
}

fn same_process(process: u32) -> corpuskit_core::Result<()> {
    if std::process::id() == process {
        return Ok(());
    }
    let problem = "they were opened before a fork, and their threads stayed behind";
    Err(Error::input("batches", problem).with_hint("open them in the process that reads them"))
}

/// What a consumer reads through the C stream interface, on any thread, with the interpreter lock or without.
struct Batches {
    process: u32,
    shared: Shared,
    events: Option<Mutex<Receiver<Event>>>,
    schema: SchemaRef,
}

impl Batches {
    fn next_event(&self) -> std::result::Result<Event, RecvTimeoutError> {
        let Some(events) = &self.events else { return Err(RecvTimeoutError::Disconnected) };
        let wait = |most| events.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(most);
        loop {
            match wait(Duration::ZERO) {
                Err(RecvTimeoutError::Timeout) => {}
                event => return event,
            }
            match beside_python(|| wait(POLL)) {
                Err(RecvTimeoutError::Timeout) => {}
                event => return event,
            }
        }
    }
}

/// Waits while this thread is not attached to the interpreter: the consumer may hold its lock, which the source of
/// the records may need. Ctrl-C is heard here. Without an interpreter there is neither.
///
/// Not by [`Python::try_attach`]: a consumer that our own code calls, and that let go of the lock before it asks for
/// rows, is attached by what pyo3 counts and not attached in truth.
fn beside_python(
    wait: impl Fn() -> std::result::Result<Event, RecvTimeoutError>,
) -> std::result::Result<Event, RecvTimeoutError> {
    use pyo3::ffi;
    // SAFETY: these three go with every state; the interpreter knows itself whether this thread is attached.
    let state = unsafe {
        if ffi::Py_IsInitialized() == 0 {
            return wait();
        }
        ffi::PyGILState_Ensure()
    };
    // SAFETY: this thread is attached from here to the release, but for the wait, which touches no Python object and
    // does not unwind.
    unsafe {
        let event = if ffi::PyErr_CheckSignals() == 0 {
            let thread = ffi::PyEval_SaveThread();
            let event = wait();
            ffi::PyEval_RestoreThread(thread);
            event
        } else {
            // It is raised once the consumer is back in the interpreter.
            ffi::PyErr_Clear();
            ffi::PyErr_SetInterrupt();
            Ok(Event::Failed(Error::Interrupted))
        };
        ffi::PyGILState_Release(state);
        event
    }
}

impl Iterator for Batches {
    type Item = std::result::Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Err(error) = same_process(self.process) {
            return Some(Err(ArrowError::ExternalError(Box::new(error))));
        }
        let error = match self.next_event() {
            Ok(Event::Rows(rows)) => return Some(Ok(rows)),
            Ok(Event::Failed(error)) => error,
            Ok(Event::Schema(_)) => Error::Internal("the columns were named twice".to_owned()),
            Err(_) => self.shared.failure()?,
        };
        self.events = None;
        Some(Err(ArrowError::ExternalError(Box::new(error))))
    }
}

impl RecordBatchReader for Batches {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
    }
}

/// Rows of records as columns.
#[pyclass(frozen, module = "corpuskit._core")]
pub struct ArrowBatch {
    rows: RecordBatch,
}

#[pymethods]
impl ArrowBatch {
    /// How many rows.
    fn __len__(&self) -> usize {
        self.rows.num_rows()
    }

    /// The names of the columns.
    fn names(&self) -> Vec<String> {
        self.rows.schema_ref().fields().iter().map(|field| field.name().clone()).collect()
    }

    /// Where the values lie in memory, column by column: whoever has the same addresses has no copy.
    fn addresses(&self) -> Vec<usize> {
        let mut out = Vec::new();
        let mut left: Vec<_> = self.rows.columns().iter().rev().map(|column| column.to_data()).collect();
        while let Some(data) = left.pop() {
            out.extend(data.buffers().iter().map(|buffer| buffer.as_ptr() as usize));
            left.extend(data.child_data().iter().rev().cloned());
        }
        out
    }

    /// The types of the columns, as a capsule of the C data interface.
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> Result<Bound<'py, PyCapsule>> {
        schema_capsule(py, self.rows.schema_ref())
    }

    /// Types and values, as capsules of the C data interface.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> Result<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)> {
        drop(requested_schema);
        let internal = |error: ArrowError| Error::Internal(error.to_string());
        let (array, _) = to_ffi(&StructArray::from(self.rows.clone()).to_data()).map_err(internal)?;
        let array = PyCapsule::new_with_value(py, array, c"arrow_array")?;
        Ok((schema_capsule(py, self.rows.schema_ref())?, array))
    }
}

fn schema_capsule<'py>(py: Python<'py>, schema: &arrow_schema::Schema) -> Result<Bound<'py, PyCapsule>> {
    let schema = FFI_ArrowSchema::try_from(schema).map_err(|error| Error::Internal(error.to_string()))?;
    Ok(PyCapsule::new_with_value(py, schema, c"arrow_schema")?)
}
