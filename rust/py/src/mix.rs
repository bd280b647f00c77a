//! `mix`.

use crate::background::abandonable;
use crate::errors::Result;
use crate::plan::EffectivePlan;
use corpuskit_core::Error;
use corpuskit_feed::mix::{self, Options};
use pyo3::prelude::*;
use std::path::PathBuf;

/// Selects from a run folder into a folder; returns `selection.json`.
#[pyfunction]
#[pyo3(name = "mix", signature = (plan, run, output, *, tokens=None, materialise=false, force=false, threads=1))]
#[expect(clippy::too_many_arguments, reason = "most by name")]
pub fn select(
    py: Python<'_>,
    plan: &EffectivePlan,
    run: PathBuf,
    output: PathBuf,
    tokens: Option<PathBuf>,
    materialise: bool,
    force: bool,
    threads: usize,
) -> Result<String> {
    let plan = plan.plan.clone();
    abandonable(py, move |_| {
        let options = Options { tokens, materialise, force, threads };
        let account = mix::mix(&run, &output, &plan, &options)?;
        serde_json::to_string(&account).map_err(|error| Error::Internal(error.to_string()))
    })
}

/// `selection.json` of a selection, checked against its digest.
#[pyfunction]
pub fn selection_account(folder: PathBuf) -> Result<String> {
    let account = mix::Account::load(&folder)?;
    Ok(serde_json::to_string(&account).map_err(|error| Error::Internal(error.to_string()))?)
}
