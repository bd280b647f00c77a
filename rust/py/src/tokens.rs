//! Token stores: their arrays as buffers, without a copy.

use crate::errors::{Result, detached};
use corpuskit_core::Error;
use corpuskit_feed::store::{Column, TokenStore, Width};
use memmap2::Mmap;
use pyo3::exceptions::PyBufferError;
use pyo3::ffi;
use pyo3::prelude::*;
use std::ffi::{CStr, c_int, c_void};
use std::path::PathBuf;
use std::sync::Arc;

/// A finished token store; use `corpuskit.tokens.TokenStore`.
#[pyclass(frozen, module = "corpuskit._core")]
pub struct TokenFolder {
    store: TokenStore,
}

#[pymethods]
impl TokenFolder {
    /// Maps the files of a store.
    #[new]
    fn new(py: Python<'_>, folder: PathBuf) -> Result<Self> {
        Ok(Self { store: detached(py, || TokenStore::open(&folder))? })
    }

    /// `store.json` as JSON.
    fn meta(&self) -> Result<String> {
        Ok(serde_json::to_string(self.store.meta()).map_err(|error| Error::Internal(error.to_string()))?)
    }

    /// One array of a shard, by its name (`ids`, `mask`, `documents` …).
    fn column(&self, shard: usize, name: &str) -> Result<TokenColumn> {
        let found = self.store.shards().get(shard).zip(Column::ALL.into_iter().find(|column| column.name() == name));
        let Some((shard, column)) = found else {
            return Err(Error::Internal(format!("there is no array `{name}` of shard {shard}")).into());
        };
        let (format, size) = match column {
            Column::Ids if self.store.meta().width == Width::U16 => (c"H", 2),
            Column::Ids | Column::Supervised | Column::Seen | Column::SeenSupervised => (c"I", 4),
            Column::Weight => (c"f", 4),
            Column::Documents | Column::Rows => (c"Q", 8),
            Column::Mask | Column::Fate => (c"B", 1),
        };
        let map = Arc::clone(shard.map(column));
        let shape = Box::new([(map.len() / size) as ffi::Py_ssize_t, size as ffi::Py_ssize_t]);
        Ok(TokenColumn { map, format, shape })
    }

    /// Compares every file with its digest; raises `CheckError` where one differs.
    fn verify(&self, py: Python<'_>) -> Result<()> {
        detached(py, || self.store.verify())
    }
}

/// A mapped array that speaks the buffer protocol, read-only.
#[pyclass(frozen, module = "corpuskit._core")]
pub struct TokenColumn {
    map: Arc<Mmap>,
    format: &'static CStr,
    /// Items and bytes an item; on the heap, so that views may point at it.
    shape: Box<[ffi::Py_ssize_t; 2]>,
}

#[pymethods]
impl TokenColumn {
    unsafe fn __getbuffer__(slf: Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        if view.is_null() {
            return Err(PyBufferError::new_err("no view to fill"));
        }
        if flags & ffi::PyBUF_WRITABLE == ffi::PyBUF_WRITABLE {
            return Err(PyBufferError::new_err("a token store is read-only"));
        }
        let this = slf.get();
        let asked = |flag: c_int| flags & flag == flag;
        // SAFETY: the caller hands over a view to be filled. Everything that it will point at lives in
        // `this`, which is frozen and which the view keeps alive through `obj`.
        unsafe {
            (*view).buf = this.map.as_ptr().cast_mut().cast::<c_void>();
            (*view).len = this.map.len() as ffi::Py_ssize_t;
            (*view).readonly = 1;
            (*view).itemsize = this.shape[1];
            (*view).format =
                if asked(ffi::PyBUF_FORMAT) { this.format.as_ptr().cast_mut() } else { std::ptr::null_mut() };
            (*view).ndim = 1;
            let shape = this.shape.as_ptr().cast_mut();
            (*view).shape = if asked(ffi::PyBUF_ND) { shape } else { std::ptr::null_mut() };
            (*view).strides = if asked(ffi::PyBUF_STRIDES) { shape.add(1) } else { std::ptr::null_mut() };
            (*view).suboffsets = std::ptr::null_mut();
            (*view).internal = std::ptr::null_mut();
            (*view).obj = slf.into_any().into_ptr();
        }
        Ok(())
    }

    fn __len__(&self) -> usize {
        self.shape[0] as usize
    }
}
