//! What the plan may say about `normalise`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of `normalise`: each kind of change has a switch and is counted in the record's trace.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct NormaliseSettings {
    /// Unicode normalisation form C.
    pub nfc: bool,
    /// Repairs UTF-8 that was read as cp1252, latin-1 or MacRoman, also more than once.
    pub mojibake: bool,
    /// Removes control characters but tab and line feed, and terminal colour sequences whole.
    pub control: bool,
    /// Removes U+200B (zero width space) and U+FEFF (byte order mark). Joiners, which scripts and emoji need, stay.
    pub zero_width: bool,
    /// Makes every line end a line feed: CR LF, CR, U+0085, U+2028, U+2029.
    pub line_ends: bool,
    /// Removes spaces and tabs at line ends outside code; a Markdown hard break stays, as two spaces.
    pub trailing_space: bool,
    /// HTML outside code: `entities` decodes entities, `strip` also removes tags.
    pub html: Html,
    /// Removes turns that say and do nothing.
    pub empty_turns: bool,
    /// Joins consecutive plain-text turns of one role with an empty line between.
    pub merge: bool,
}

impl Default for NormaliseSettings {
    fn default() -> Self {
        Self {
            nfc: true,
            mojibake: true,
            control: true,
            zero_width: true,
            line_ends: true,
            trailing_space: true,
            html: Html::Off,
            empty_turns: true,
            merge: false,
        }
    }
}

impl NormaliseSettings {
    /// Everything switched off: the start of a selection.
    pub fn off() -> Self {
        Self {
            nfc: false,
            mojibake: false,
            control: false,
            zero_width: false,
            line_ends: false,
            trailing_space: false,
            html: Html::Off,
            empty_turns: false,
            merge: false,
        }
    }
}

/// What happens to HTML in texts.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Html {
    /// It stays.
    #[default]
    #[serde(alias = "false")]
    Off,
    /// Entities become the characters that they stand for.
    Entities,
    /// Tags and comments are removed, blocks become lines, then entities are decoded.
    Strip,
}
