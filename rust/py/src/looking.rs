//! `audit` and `why`: a finished run folder, looked at again.

use crate::background::abandonable;
use crate::errors::Result;
use corpuskit_core::{Error, audit, why};
use pyo3::prelude::*;
use std::path::PathBuf;

/// Recounts a run folder and compares digests and sums; returns what was found as JSON.
#[pyfunction]
#[pyo3(name = "audit")]
pub fn recount(py: Python<'_>, folder: PathBuf) -> Result<String> {
    abandonable(py, move |_| {
        let found = audit::audit(&folder)?;
        let holds = found.holds();
        let mut answer = serde_json::to_value(&found).map_err(|error| Error::Internal(error.to_string()))?;
        answer["holds"] = holds.into();
        Ok(answer.to_string())
    })
}

/// The life of the unit at an origin of a run folder, as JSON.
#[pyfunction]
#[pyo3(name = "why")]
pub fn life(py: Python<'_>, folder: PathBuf, origin: String) -> Result<String> {
    abandonable(py, move |_| {
        let found = why::why(&folder, &origin)?;
        serde_json::to_string(&found).map_err(|error| Error::Internal(error.to_string()))
    })
}
