//! The plan sections `condition` and `tokenise`: what of a record becomes text, and what of the text is trained.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether labels may stand in the text. Read by `corpuskit count`, `inspect` and the loader.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConditionSettings {
    /// What becomes of a record whose own text holds a tag such as `<persona:x>` or the name of one of our fields.
    pub leak_guard: LeakGuard,
}

/// What becomes of a record whose own text holds a tag. A tag that is in the rendered text and not in the record's
/// own is always an error.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LeakGuard {
    /// It is not trained on, and the verb ends with exit code 1.
    #[default]
    Error,
    /// The tag is taken out.
    Strip,
    /// It is trained on as it is, and counted.
    Warn,
}

/// How records become tokens, and which of them are trained. Read by `corpuskit count`, `inspect` and the loader.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct TokeniseSettings {
    /// Which turns of the model are trained; a turn of `weight` 0 never is.
    pub train: TrainedTurns,
    /// Train reasoning too.
    pub reasoning: bool,
    /// Train tool calls too.
    pub tool_calls: bool,
    /// What becomes of a conversation that is longer than `pack.length`.
    pub overflow: Overflow,
    /// What becomes of a record that cannot be trained on: no trained token, something that the template would leave out.
    pub untrainable: Untrainable,
}

impl Default for TokeniseSettings {
    fn default() -> Self {
        Self {
            train: TrainedTurns::All,
            reasoning: true,
            tool_calls: true,
            overflow: Overflow::Error,
            untrainable: Untrainable::Error,
        }
    }
}

/// Which turns of the model are trained.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TrainedTurns {
    /// All of them.
    #[default]
    All,
    /// The last of each conversation.
    Last,
}

/// What becomes of a conversation that is too long.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Overflow {
    /// The verb stops with exit code 1 and names the first.
    #[default]
    Error,
    /// It is left out.
    Drop,
    /// Its system turn and as many of its last exchanges as fit are kept.
    TailTurns,
    /// It is cut between exchanges into windows, each with the system turn; every turn of the model is trained once.
    Window,
}

/// What becomes of a record that cannot be trained on.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Untrainable {
    /// The verb stops with exit code 1 and names the first.
    #[default]
    Error,
    /// It is left out, counted by reason.
    Drop,
}
