//! `audit`, `why`, `tag` and examples of drops: a finished run folder, looked at again.

use crate::background::abandonable;
use crate::errors::Result;
use crate::plan::EffectivePlan;
use corpuskit_core::run::{OwnLabels, retag};
use corpuskit_core::{Error, audit, drops, why};
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

/// Labels the kept records of a run folder anew, as the plan's section `tag` says; returns the new
/// counts as JSON. `own`: labels of the caller's own, as JSON.
#[pyfunction]
#[pyo3(name = "tag", signature = (plan, folder, own = None))]
pub fn label_anew(py: Python<'_>, plan: &EffectivePlan, folder: PathBuf, own: Option<String>) -> Result<String> {
    let settings = plan.plan.tag.clone();
    abandonable(py, move |abandoned| {
        let own: Option<OwnLabels> = own
            .map(|own| serde_json::from_str(&own).map_err(|error| Error::Internal(format!("own labels: {error}"))))
            .transpose()?;
        let done = retag(&folder, &settings, own.as_ref(), &|| abandoned.is_set())?;
        serde_json::to_string(&done).map_err(|error| Error::Internal(error.to_string()))
    })
}

/// The first `most` examples of every reason why something was not kept, as JSON.
#[pyfunction]
pub fn drop_examples(py: Python<'_>, folder: PathBuf, most: usize) -> Result<String> {
    abandonable(py, move |_| {
        let found = drops::drops(&folder, most)?;
        serde_json::to_string(&found).map_err(|error| Error::Internal(error.to_string()))
    })
}
