//! The JSON scanner by itself, for tests and the curious.

use corpuskit_core::json::{Limits, check};
use pyo3::prelude::*;

/// Whether the bytes are one JSON value under the strict rules: the reason code of the first defect
/// (`None`: there is none), its byte offset, and the value written anew from what was decoded.
#[pyfunction]
pub fn json_check(py: Python<'_>, data: &[u8]) -> (Option<&'static str>, usize, Vec<u8>) {
    py.detach(|| match check(data, Limits::default()) {
        Ok(anew) => (None, 0, anew),
        Err(defect) => (Some(defect.kind.reason()), defect.byte, Vec::new()),
    })
}
