//! A record as `peek` shows it: its turns, shortened.

use crate::record::{Content, Message, Record};
use serde::Serialize;

/// Turns shown of a record.
const TURNS: usize = 6;

/// Characters shown of a turn.
const CHARACTERS: usize = 300;

/// One record of a schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sample {
    /// Where it stands; `PATH@BYTE` in the middle of a file whose lines were not counted.
    pub origin: String,
    /// The first turns.
    pub turns: Vec<SampleTurn>,
    /// How many turns it has.
    pub turn_count: usize,
    /// Whether it defines tools.
    pub tools: bool,
    /// Whether it has a rejected answer.
    pub rejected: bool,
    /// The names of its other fields.
    pub fields: Vec<String>,
}

/// One turn of a sample.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SampleTurn {
    /// The canonical role.
    pub role: &'static str,
    /// What it says, at most 300 characters; longer texts end with `…`.
    pub text: String,
    /// Calls that it makes.
    pub calls: usize,
}

impl Sample {
    pub(super) fn of(record: &Record<'_>, origin: String) -> Self {
        Self {
            origin,
            turns: record.messages.iter().take(TURNS).map(SampleTurn::of).collect(),
            turn_count: record.messages.len(),
            tools: record.tools.is_some(),
            rejected: record.rejected.is_some(),
            fields: record.fields.iter().map(|member| shorten(member.key, 40)).collect(),
        }
    }
}

impl SampleTurn {
    fn of(message: &Message<'_>) -> Self {
        let text = match &message.content {
            Content::Text(text) => shorten(text.value, CHARACTERS),
            Content::Parts(parts) => {
                let texts: Vec<&str> =
                    parts.iter().map(|part| part.text.map_or("(other part)", |text| text.value)).collect();
                shorten(&texts.join(" "), CHARACTERS)
            }
            Content::Absent | Content::Null => String::new(),
        };
        let calls = message.tool_calls.and_then(|calls| calls.as_array()).map_or(0, <[_]>::len);
        let legacy = message.fields.iter().any(|member| member.key == "function_call" && !member.value.is_null());
        Self { role: message.role.name(), text, calls: calls + usize::from(legacy) }
    }
}

/// The first characters, with an ellipsis where there are more.
fn shorten(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
