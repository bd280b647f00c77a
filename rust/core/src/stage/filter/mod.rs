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
//! | `filter.refusal.refused` | `{"column":"refusal","tag":"refusal","score":1,"turn":1,"text":"I cannot help with"}` |
//! | `filter.language.other`, `.unknown` | `{"language":"fr"}` |
//! | `filter.tags.unwanted`, `.missing` | `{"column":"cue","tag":"emotional","score":1,"turn":0,"text":"so lonely"}` |
//! | `filter.scores.low`, `.high` | `{"column":"category","tag":"creative","score":0.7,"min":1}` |
//! | `filter.measures.low`, `.high` | `{"measure":"assistant.words","value":3,"min":5}` |
//! | `filter.repetition.lines`, `.words` | `{"line_share":0.8,"max_line_share":0.3}` |

mod empty;
mod labels;
mod length;
mod measures;
mod repetition;

#[cfg(test)]
mod tests;

pub use labels::{LanguageSettings, ScoreCondition, TagCondition};
pub use length::LengthSettings;
pub use measures::MeasureCondition;
pub use repetition::RepetitionSettings;

use super::PerRecord;
use crate::record::labels::Vocabulary;
use crate::record::{Record, Verdict};
use crate::{Error, Result};
use bumpalo::Bump;
use labels::{Language, Score, Tags};
use length::Length;
use measures::Bounded;
use repetition::Repetition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Settings of `filter`.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct FilterSettings {
    /// Drops records without turns, and records in which nobody says or does anything.
    pub empty: bool,
    /// Bounds of what the assistant says.
    pub length: LengthSettings,
    /// Drops records whose last answer declines, as the pack `refusal` tells it.
    pub refusal: bool,
    /// Which languages are kept.
    pub language: LanguageSettings,
    /// How much of what the assistant says may be said again.
    pub repetition: RepetitionSettings,
    /// Which labels are wanted.
    pub tags: Vec<TagCondition>,
    /// Bounds of the scores of labels.
    pub scores: Vec<ScoreCondition>,
    /// Bounds of measured numbers.
    pub measures: Vec<MeasureCondition>,
}

impl Default for FilterSettings {
    fn default() -> Self {
        Self {
            empty: true,
            length: LengthSettings::default(),
            refusal: false,
            language: LanguageSettings::default(),
            repetition: RepetitionSettings::default(),
            tags: Vec::new(),
            scores: Vec::new(),
            measures: Vec::new(),
        }
    }
}

/// The stage, ready to run.
#[derive(Clone, Debug)]
pub struct Filter {
    empty: bool,
    length: Option<Length>,
    language: Option<Language>,
    repetition: Option<Repetition>,
    refusal: Option<Tags>,
    tags: Vec<Tags>,
    scores: Vec<Score>,
    measures: Vec<Bounded>,
    /// The labels that conditions speak of.
    vocabulary: Arc<Vocabulary>,
}

impl Filter {
    /// Checks the settings and builds the stage; `vocabulary` holds the labels that records come with.
    ///
    /// # Errors
    /// A lower bound above its upper bound; a column, tag, language or measure that there is not.
    pub fn new(settings: &FilterSettings, vocabulary: &Arc<Vocabulary>) -> Result<Self> {
        let refusal = settings.refusal.then(|| {
            if vocabulary.column("refusal").is_none() {
                return Err(Error::plan("filter.refusal", "no pack tells refusals, expected `refusal` in `tag.packs`")
                    .with_hint("`tag.packs: [builtin]` holds it"));
            }
            let name = || "refusal".to_owned();
            let condition = TagCondition { column: name(), drop: vec![name()], keep: Vec::new() };
            let tags = Tags::new(&condition, "filter.refusal", vocabulary)?;
            Ok(tags.saying("filter.refusal.refused"))
        });
        let at = |name: &str, index: usize| format!("filter.{name}[{index}]");
        let tags = settings.tags.iter().enumerate();
        let scores = settings.scores.iter().enumerate();
        let measures = settings.measures.iter().enumerate();
        Ok(Self {
            empty: settings.empty,
            length: Length::new(&settings.length)?,
            language: Language::new(&settings.language, vocabulary)?,
            repetition: Repetition::new(&settings.repetition)?,
            refusal: refusal.transpose()?,
            tags: tags.map(|(index, one)| Tags::new(one, &at("tags", index), vocabulary)).collect::<Result<_>>()?,
            scores: scores
                .map(|(index, one)| Score::new(one, &at("scores", index), vocabulary))
                .collect::<Result<_>>()?,
            measures: measures.map(|(index, one)| Bounded::new(one, &at("measures", index))).collect::<Result<_>>()?,
            vocabulary: Arc::clone(vocabulary),
        })
    }

    /// The first condition that the record does not meet.
    fn judge<'a>(&self, record: &Record<'a>, arena: &'a Bump) -> Option<Verdict> {
        let vocabulary = &*self.vocabulary;
        let mut found = self.length.as_ref().and_then(|length| length.judge(record));
        found = found.or_else(|| self.refusal.as_ref()?.judge(record, vocabulary, arena));
        found = found.or_else(|| self.language.as_ref()?.judge(record, vocabulary));
        found = found.or_else(|| self.tags.iter().find_map(|tags| tags.judge(record, vocabulary, arena)));
        found = found.or_else(|| self.scores.iter().find_map(|score| score.judge(record, vocabulary)));
        found = found.or_else(|| self.measures.iter().find_map(|bounded| bounded.judge(record, arena)));
        found.or_else(|| self.repetition.as_ref()?.judge(record, arena))
    }
}

impl Filter {
    /// Whether a verdict can depend on labels that the stage `tag` gave.
    pub(crate) fn looks_at_labels(&self) -> bool {
        self.language.is_some() || self.refusal.is_some() || !self.tags.is_empty() || !self.scores.is_empty()
    }

    /// Whether it keeps every record in which the assistant says something.
    pub(crate) fn keeps_what_is_said(&self) -> bool {
        self.length.as_ref().is_none_or(Length::keeps_what_is_said)
            && self.language.is_none()
            && self.repetition.is_none()
            && self.refusal.is_none()
            && self.tags.is_empty()
            && self.scores.is_empty()
            && self.measures.is_empty()
    }
}

impl PerRecord for Filter {
    fn apply<'a>(&self, record: &mut Record<'a>, arena: &'a Bump) -> Verdict {
        if self.empty
            && let Some(verdict) = empty::judge(record)
        {
            return verdict;
        }
        self.judge(record, arena).unwrap_or(Verdict::Keep)
    }
}

/// A text as JSON.
fn quote(text: &str) -> String {
    let mut out = Vec::new();
    crate::json::write_string(&mut out, text);
    String::from_utf8_lossy(&out).into_owned()
}
