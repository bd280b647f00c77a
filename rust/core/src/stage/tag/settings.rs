//! Settings of `tag`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is observed about a record. Labels go into `columns/`, with the places that earned them; no label reaches a text.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct TagSettings {
    /// Rule packs: `builtin` for all shipped ones, the name of a shipped one, or the path of a TOML file. None: no rules.
    pub packs: Vec<String>,
    /// Tells language (ISO 639-1) and script (ISO 15924) of the answer.
    pub language: bool,
    /// Keeps the places that earned the labels, in the column `spans`.
    pub spans: bool,
    /// Labels of whole sources. A record's own `_category`, `_persona` and `_traits` win over them, they win over rules.
    pub sources: Vec<SourceLabels>,
}

/// What is known about all records of a source.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct SourceLabels {
    /// A glob for the input's path as it was named, or for the record's `_source` (where it declares none: the file's name). The first that matches counts.
    #[serde(rename = "match")]
    pub pattern: String,
    /// The category of its records.
    pub category: Option<String>,
    /// The persona of its records.
    pub persona: Option<String>,
    /// Traits of its records.
    pub traits: Vec<String>,
}

impl Default for TagSettings {
    fn default() -> Self {
        Self { packs: vec!["builtin".to_owned()], language: true, spans: true, sources: Vec::new() }
    }
}

impl TagSettings {
    /// Asks for nothing.
    pub fn none() -> Self {
        Self { packs: Vec::new(), language: false, spans: false, sources: Vec::new() }
    }

    /// Whether nothing is asked for.
    pub fn is_off(&self) -> bool {
        self.packs.is_empty() && !self.language && self.sources.is_empty()
    }
}
