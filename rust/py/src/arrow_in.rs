//! Columns of another library as an input: they become the bytes of an Arrow IPC stream, which the core reads.

use crate::errors::Result;
use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi};
use arrow_array::ffi_stream::{FFI_ArrowArrayStream, RecordBatchStreamReader};
use arrow_array::{ArrayRef, RecordBatch, RecordBatchReader, StringArray, StructArray};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, DataType, Field, FieldRef, Schema, SchemaRef};
use corpuskit_core::Error;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCapsule, PyTuple};
use std::ffi::CStr;
use std::sync::{Arc, Mutex, PoisonError};

/// Most rows of a message.
const ROWS: usize = 4096;

/// About how many bytes a message has at most; the core refuses those of 256 MiB.
const BYTES: usize = 32 << 20;

/// The bytes of an Arrow IPC stream that holds the columns of an object.
#[pyclass(frozen, module = "corpuskit._core")]
pub struct ArrowBytes {
    state: Mutex<State>,
}

struct State {
    batches: Box<dyn Iterator<Item = std::result::Result<RecordBatch, ArrowError>> + Send>,
    writer: Option<StreamWriter<Vec<u8>>>,
    schema: SchemaRef,
    /// A column that every row gets: its name and value.
    constant: Option<(String, String)>,
    /// Rows that are not written yet, and how many of them become a message.
    waiting: Option<(RecordBatch, usize)>,
}

#[pymethods]
impl ArrowBytes {
    /// Takes an object with `__arrow_c_stream__` or `__arrow_c_array__`. `licence`: what rows are under that have no
    /// column `licence` or `license`.
    #[new]
    #[pyo3(signature = (columns, *, licence=None))]
    fn new(columns: &Bound<'_, PyAny>, licence: Option<String>) -> Result<Self> {
        let batches = open(columns)?;
        let mut schema = batches.schema();
        let named = |name: &str| schema.fields().iter().any(|field| field.name() == name);
        let constant = licence.filter(|_| !named("licence") && !named("license"));
        if constant.is_some() {
            let mut fields: Vec<FieldRef> = schema.fields().iter().cloned().collect();
            fields.push(Arc::new(Field::new("licence", DataType::Utf8, false)));
            schema = Arc::new(Schema::new(fields));
        }
        let writer = StreamWriter::try_new(Vec::new(), &schema).map_err(|error| wrong(&error))?;
        let constant = constant.map(|value| ("licence".to_owned(), value));
        let state = State { batches, writer: Some(writer), schema, constant, waiting: None };
        Ok(Self { state: Mutex::new(state) })
    }

    /// The next bytes; None after the last.
    fn next_bytes<'py>(&self, py: Python<'py>) -> Result<Option<Bound<'py, PyBytes>>> {
        let bytes = py.detach(|| self.state.lock().unwrap_or_else(PoisonError::into_inner).next_bytes());
        Ok(bytes.map_err(|error| wrong(&error))?.map(|bytes| PyBytes::new(py, &bytes)))
    }
}

impl State {
    fn next_bytes(&mut self) -> std::result::Result<Option<Vec<u8>>, ArrowError> {
        let Some(writer) = &mut self.writer else { return Ok(None) };
        let batch = match self.waiting.take() {
            Some(waiting) => Some(waiting),
            None => self.batches.next().transpose()?.map(|batch| {
                let fit = BYTES.saturating_mul(batch.num_rows()) / batch.get_array_memory_size().max(1);
                (batch, fit.clamp(1, ROWS))
            }),
        };
        let Some((batch, most)) = batch else {
            let mut writer = self.writer.take();
            if let Some(writer) = &mut writer {
                writer.finish()?;
            }
            return writer.map(StreamWriter::into_inner).transpose();
        };
        let now = batch.slice(0, batch.num_rows().min(most));
        if now.num_rows() < batch.num_rows() {
            self.waiting = Some((batch.slice(most, batch.num_rows() - most), most));
        }
        let mut arrays = now.columns().to_vec();
        if let Some((_, value)) = &self.constant {
            arrays.push(Arc::new(StringArray::from_iter_values((0..now.num_rows()).map(|_| value))) as ArrayRef);
        }
        writer.write(&RecordBatch::try_new(Arc::clone(&self.schema), arrays)?)?;
        Ok(Some(std::mem::take(writer.get_mut())))
    }
}

/// The batches of an object that speaks Arrow.
fn open(columns: &Bound<'_, PyAny>) -> Result<Box<dyn RecordBatchReader + Send>> {
    if columns.hasattr("__arrow_c_stream__")? {
        let capsule = columns.call_method0("__arrow_c_stream__")?;
        let stream = take::<FFI_ArrowArrayStream>(&capsule, c"arrow_array_stream")?;
        // SAFETY: by the PyCapsule interface, a capsule of that name holds a valid stream, and who takes it
        // leaves an empty one behind; `from_raw` does so.
        let reader = unsafe { RecordBatchStreamReader::from_raw(stream) };
        return Ok(Box::new(reader.map_err(|error| wrong(&error))?));
    }
    let capsules = columns.call_method0("__arrow_c_array__")?;
    let (schema, array) =
        capsules.cast::<PyTuple>().map_err(PyErr::from)?.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>()?;
    let schema = take::<FFI_ArrowSchema>(&schema, c"arrow_schema")?;
    let array = take::<FFI_ArrowArray>(&array, c"arrow_array")?;
    // SAFETY: by the PyCapsule interface, capsules of these names hold a valid schema and a valid array of that type;
    // `FFI_ArrowArray::from_raw` leaves an empty one behind.
    let data = unsafe { from_ffi(FFI_ArrowArray::from_raw(array), &*schema) }.map_err(|error| wrong(&error))?;
    if !matches!(data.data_type(), DataType::Struct(_)) {
        return Err(PyTypeError::new_err("an Arrow array of records is one of structs").into());
    }
    if data.null_count() > 0 {
        return Err(wrong(&ArrowError::InvalidArgumentError("a record is null".to_owned())).into());
    }
    let batch = RecordBatch::from(StructArray::from(data));
    let schema = batch.schema();
    Ok(Box::new(arrow_array::RecordBatchIterator::new([Ok(batch)], schema)))
}

/// What a capsule of this name points at.
fn take<T>(capsule: &Bound<'_, PyAny>, name: &'static CStr) -> Result<*mut T> {
    let capsule = capsule.cast::<PyCapsule>().map_err(PyErr::from)?;
    Ok(capsule.pointer_checked(Some(name))?.cast::<T>().as_ptr())
}

fn wrong(error: &ArrowError) -> Error {
    Error::input("Arrow columns", error.to_string())
}
