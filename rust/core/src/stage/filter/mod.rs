//! `filter`: drops records by stated measures, each with reason `filter.<name>.<why>` and the
//! measured value as evidence.
//!
//! | reason | evidence |
//! |---|---|
//! | `filter.empty.no_turns` | `{"turns":0}` |
//! | `filter.empty.nothing_said` | `{"turns":2,"characters":0}` |
//! | `filter.length.short`, `.long` | `{"characters":3,"min_chars":20}` |
//! | `filter.length.few_words`, `.many_words` | `{"words":3,"min_words":5}` |
//! | `filter.length.few_turns`, `.many_turns` | `{"turns":1,"min_turns":2}` |

mod empty;
mod length;

#[cfg(test)]
mod tests;

pub use length::LengthSettings;

use super::PerRecord;
use crate::Result;
use crate::record::{Record, Verdict};
use bumpalo::Bump;
use length::Length;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of `filter`.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct FilterSettings {
    /// Drops records without turns, and records in which nobody says or does anything.
    pub empty: bool,
    /// Bounds of what the assistant says.
    pub length: LengthSettings,
}

impl Default for FilterSettings {
    fn default() -> Self {
        Self { empty: true, length: LengthSettings::default() }
    }
}

/// The stage, ready to run.
#[derive(Clone, Debug)]
pub struct Filter {
    empty: bool,
    length: Option<Length>,
}

impl Filter {
    /// Checks the settings and builds the stage.
    ///
    /// # Errors
    /// A lower bound above its upper bound.
    pub fn new(settings: &FilterSettings) -> Result<Self> {
        Ok(Self { empty: settings.empty, length: Length::new(&settings.length)? })
    }
}

impl Filter {
    /// Whether it keeps every record in which the assistant says something.
    pub(crate) fn keeps_what_is_said(&self) -> bool {
        self.length.as_ref().is_none_or(Length::keeps_what_is_said)
    }
}

impl PerRecord for Filter {
    fn apply<'a>(&self, record: &mut Record<'a>, _arena: &'a Bump) -> Verdict {
        if self.empty
            && let Some(verdict) = empty::judge(record)
        {
            return verdict;
        }
        self.length.as_ref().and_then(|length| length.judge(record)).unwrap_or(Verdict::Keep)
    }
}
