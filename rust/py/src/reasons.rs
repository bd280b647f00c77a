//! The table of reasons.

use crate::errors::Result;
use corpuskit_core::Error;
use pyo3::prelude::*;

/// Every reason code with its kind and meaning, as JSON.
#[pyfunction]
pub fn reasons() -> Result<String> {
    let all: Vec<_> = corpuskit_core::reasons::all().collect();
    serde_json::to_string(&all).map_err(|error| Error::Internal(error.to_string()).into())
}
