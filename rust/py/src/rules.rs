//! Rule packs: what is in them, and what they say about a text.

use crate::errors::{Result, detached};
use corpuskit_core::Error;
use corpuskit_core::record::Role;
use corpuskit_core::rules::{self, explain, load, overview};
use corpuskit_core::rules_bench::bench;
use pyo3::prelude::*;

/// Loads packs, runs the examples of all of them, and tells what is in them, as JSON.
#[pyfunction]
pub fn rules_overview(py: Python<'_>, packs: Vec<String>) -> Result<String> {
    detached(py, || {
        // A run takes the shipped ones on trust.
        rules::packs(&packs)?;
        json(&overview(load(&packs)?.as_ref()))
    })
}

/// The labels of a text with the places that earned them, as JSON. The text is taken for the only
/// turn of `role`: system, user, assistant, tool or text.
#[pyfunction]
pub fn rules_explain(py: Python<'_>, packs: Vec<String>, text: String, role: String) -> Result<String> {
    detached(py, || {
        let role = match role.as_str() {
            "system" => Role::System,
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "tool" => Role::Tool,
            "text" => Role::Text,
            _ => {
                let expected = "expected `system`, `user`, `assistant`, `tool` or `text`";
                return Err(Error::plan("role", format!("unknown role `{role}`, {expected}")));
            }
        };
        json(&explain(load(&packs)?.as_ref(), role, &text))
    })
}

/// What packs cost on the first records of the inputs, as JSON.
#[pyfunction]
pub fn rules_bench(py: Python<'_>, packs: Vec<String>, inputs: Vec<String>) -> Result<String> {
    detached(py, || json(&bench(&packs, &inputs)?))
}

fn json<T: serde::Serialize>(value: &T) -> corpuskit_core::Result<String> {
    serde_json::to_string(value).map_err(|error| Error::Internal(error.to_string()))
}
