//! A record as one line, in the form that was asked for.

use super::form_canonical::write_canonical;
use super::{form_openai, form_pairs, form_sharegpt};
use crate::record::Record;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The form of the records that are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// The canonical form: `messages`, everything carried, and `_origin`, `_source`, `_schema`. Any record can be written in it, and converted back to its own schema.
    #[default]
    Messages,
    /// What OpenAI's fine-tuning takes: `messages` and `tools`, or `input`, `preferred_output` and `non_preferred_output` of a preference pair. Calls without an id get one; arguments become strings.
    Openai,
    /// `instruction`, `input`, `output`, with `system` and `history` (pairs of earlier turns); `chosen` and `rejected` of a preference pair. Texts only.
    Alpaca,
    /// `conversations` of `from` and `value`, with `function_call` and `observation` turns and `tools` as a JSON string.
    Sharegpt,
    /// `prompt` and `completion`, of one user's and one assistant's turn; `chosen` and `rejected` of a preference pair. Texts only.
    PromptCompletion,
}

/// Why a record cannot be written in a form without losing something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {detail}")]
pub struct Inexpressible {
    /// The reason code: `write.form.turns` …
    pub reason: &'static str,
    /// What the form cannot hold.
    pub detail: &'static str,
}

/// Writes the record in this form on one line, without the line end. Where the form cannot hold the
/// record, nothing is written and the reason is returned; form `messages` holds every record.
///
/// Fields that begin with `_` are written in form `messages` only; every other carried field is
/// written in all forms.
pub fn write_record(out: &mut Vec<u8>, record: &Record<'_>, form: Form) -> Result<(), Inexpressible> {
    let start = out.len();
    let written = match form {
        Form::Messages => {
            write_canonical(out, record);
            return Ok(());
        }
        Form::Openai => form_openai::write(out, record),
        Form::Alpaca => form_pairs::write_alpaca(out, record),
        Form::Sharegpt => form_sharegpt::write(out, record),
        Form::PromptCompletion => form_pairs::write_prompt_completion(out, record),
    };
    if written.is_err() {
        out.truncate(start);
    }
    written
}
