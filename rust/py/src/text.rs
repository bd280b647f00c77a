//! Single texts: the normaliser without a run.

use crate::errors::{Result, detached};
use crate::plan::EffectivePlan;
use bumpalo::Bump;
use corpuskit_core::record::Changes;
use corpuskit_core::stage::normalise::Normalise;
use pyo3::prelude::*;

/// The text as `normalise` would leave it, and each kind of change with how often it was made.
#[pyfunction]
pub fn normalise_text(py: Python<'_>, text: String, plan: &EffectivePlan) -> Result<(String, Vec<(String, u32)>)> {
    detached(py, || {
        let arena = Bump::new();
        let mut changes = Changes::default();
        let normalised = Normalise::new(&plan.plan.normalise)?
            .text(&text, &mut changes, &arena)
            .map_or_else(|| text.clone(), str::to_owned);
        Ok((normalised, changes.iter().map(|(kind, times)| (kind.name().to_owned(), times)).collect()))
    })
}
