//! Single records: their canonical form, another form, or their own schema again.

use crate::errors::{Result, detached};
use crate::verbs::target;
use corpuskit_core::convert::convert_line as convert_one;
use corpuskit_core::stage::parse::{FAMILIES, ParseSettings};
use pyo3::prelude::*;

/// One record (a JSON text) in one of `convert_targets`; raises `InputError` if it cannot be converted.
#[pyfunction]
pub fn convert_line(py: Python<'_>, line: Vec<u8>, to: &str) -> Result<Vec<u8>> {
    let target = target(to)?;
    detached(py, || convert_one(&line, &ParseSettings::default(), target))
}

/// The name of every schema family, in the order in which they are tried on a record.
#[pyfunction]
pub fn families() -> Vec<&'static str> {
    FAMILIES.iter().map(|family| family.name()).collect()
}
