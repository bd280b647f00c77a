//! Single records: their canonical form, another form, or their own schema again.

use crate::errors::{Result, detached};
use corpuskit_core::Error;
use corpuskit_core::convert::{Target, convert_line as convert_one};
use corpuskit_core::stage::parse::{FAMILIES, ParseSettings};
use corpuskit_core::stage::write::form::Form;
use pyo3::prelude::*;

/// One record (a JSON text) in another form: `messages` (the canonical one), `openai`, `alpaca`,
/// `sharegpt`, `prompt_completion`, or `own`: the schema that its `_schema` names.
///
/// Raises `InputError` for what is no record, or cannot be converted.
#[pyfunction]
pub fn convert_line(py: Python<'_>, line: Vec<u8>, to: &str) -> Result<Vec<u8>> {
    let target = match to {
        "messages" => Target::Form(Form::Messages),
        "openai" => Target::Form(Form::Openai),
        "alpaca" => Target::Form(Form::Alpaca),
        "sharegpt" => Target::Form(Form::Sharegpt),
        "prompt_completion" => Target::Form(Form::PromptCompletion),
        "own" => Target::Own,
        _ => {
            let problem =
                format!("`{to}` is no form, expected messages, openai, alpaca, sharegpt, prompt_completion or own");
            return Err(Error::plan("to", problem).into());
        }
    };
    detached(py, || convert_one(&line, &ParseSettings::default(), target))
}

/// The name of every schema family, in the order in which they are tried on a record.
#[pyfunction]
pub fn families() -> Vec<&'static str> {
    FAMILIES.iter().map(|family| family.name()).collect()
}
