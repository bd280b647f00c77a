//! Conditions on labels: tags that are wanted or not, scores, the language.

use super::quote;
use crate::record::labels::{DECLARED, Label, Vocabulary};
use crate::record::{Record, Verdict};
use crate::rules::text_of;
use crate::{Error, Result};
use bumpalo::Bump;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which tags of a label column are wanted. What a record declares for itself (`_category`, `_persona`, `_traits`) counts as well.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct TagCondition {
    /// The label column: `category`, `cue`, or what a pack of yours fills.
    pub column: String,
    /// Records with one of these tags are dropped.
    pub drop: Vec<String>,
    /// Records with none of these tags are dropped. Empty: no tag is asked for.
    pub keep: Vec<String>,
}

/// Bounds of the score that a label column came with. They are inclusive; a record without a score in the column is kept.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScoreCondition {
    /// The label column.
    pub column: String,
    /// Only the score of this tag counts; without it, of every tag of the column.
    pub tag: Option<String>,
    /// At least.
    pub min: Option<f64>,
    /// At most.
    pub max: Option<f64>,
}

/// Which languages are kept.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct LanguageSettings {
    /// Languages (ISO 639-1) that are kept. Empty: every language.
    pub keep: Vec<String>,
    /// Whether records are kept whose language could not be told.
    pub unknown: bool,
}

impl Default for LanguageSettings {
    fn default() -> Self {
        Self { keep: Vec::new(), unknown: true }
    }
}

/// A tag condition, checked and ready.
#[derive(Clone, Debug)]
pub(super) struct Tags {
    name: String,
    column: Option<u16>,
    /// The field where a record may declare the column for itself.
    field: Option<&'static str>,
    drop: Vec<String>,
    keep: Vec<String>,
    /// The reason where a tag is there that is not wanted.
    unwanted: &'static str,
}

impl Tags {
    pub(super) fn new(condition: &TagCondition, at: &str, vocabulary: &Vocabulary) -> Result<Self> {
        let TagCondition { column: name, drop, keep } = condition;
        let field = DECLARED.iter().find(|(column, _)| column == name).map(|(_, field)| *field);
        let column = vocabulary.column(name);
        if column.is_none() && field.is_none() {
            return Err(unknown_column(at, name, vocabulary));
        }
        if drop.is_empty() && keep.is_empty() {
            return Err(Error::plan(at, "asks for nothing, expected `drop` or `keep` with tags"));
        }
        if let (Some(column), None) = (column, field) {
            drop.iter().chain(keep).try_for_each(|tag| known(at, column, tag, vocabulary))?;
        }
        let column = column.and_then(|column| u16::try_from(column).ok());
        let (drop, keep) = (drop.clone(), keep.clone());
        Ok(Self { name: name.clone(), column, field, drop, keep, unwanted: "filter.tags.unwanted" })
    }

    /// The same with another reason where a tag is there that is not wanted.
    pub(super) fn saying(self, unwanted: &'static str) -> Self {
        Self { unwanted, ..self }
    }

    pub(super) fn judge<'a>(&self, record: &Record<'a>, vocabulary: &Vocabulary, arena: &'a Bump) -> Option<Verdict> {
        let given = record.labels.given.iter().filter(|label| Some(label.column) == self.column);
        let labelled = given.map(|label| (vocabulary.tag(label), Some(label)));
        let node = self.field.and_then(|field| record.field(field)).filter(|node| !node.is_null());
        let items = node.as_ref().map_or(&[][..], |node| node.as_array().unwrap_or(std::slice::from_ref(node)));
        let declared = items.iter().map(|item| (item.as_str().unwrap_or(item.raw), None));
        let tags: Vec<(&str, Option<&Label>)> = labelled.chain(declared).collect();
        let is_in = |list: &[String], tag: &str| list.iter().any(|wanted| wanted == tag);
        if let Some((tag, label)) = tags.iter().find(|(tag, _)| is_in(&self.drop, tag)) {
            let mut evidence = self.begin(Some(tag));
            if let Some(label) = label {
                add_score(&mut evidence, label);
                add_text(&mut evidence, record, label, vocabulary, arena);
            }
            evidence.push('}');
            return Some(Verdict::Drop { reason: self.unwanted, evidence });
        }
        if self.keep.is_empty() || tags.iter().any(|(tag, _)| is_in(&self.keep, tag)) {
            return None;
        }
        let mut evidence = self.begin(None);
        evidence.push_str(",\"tags\":[");
        for (at, (tag, _)) in tags.iter().enumerate() {
            evidence.push_str(if at > 0 { "," } else { "" });
            evidence.push_str(&quote(tag));
        }
        evidence.push_str("]}");
        Some(Verdict::Drop { reason: "filter.tags.missing", evidence })
    }

    fn begin(&self, tag: Option<&str>) -> String {
        let mut evidence = format!("{{\"column\":{}", quote(&self.name));
        if let Some(tag) = tag {
            evidence.push_str(",\"tag\":");
            evidence.push_str(&quote(tag));
        }
        evidence
    }
}

/// The score as JSON, where there is one.
fn add_score(evidence: &mut String, label: &Label) {
    if label.score.is_finite() {
        evidence.push_str(&format!(",\"score\":{}", label.score));
    }
}

/// The first text that earned the label, where places are kept (`tag.spans`).
fn add_text<'a>(evidence: &mut String, record: &Record<'a>, label: &Label, vocabulary: &Vocabulary, arena: &'a Bump) {
    let earned = record.labels.places.iter().find(|place| {
        vocabulary.earns.get(place.rule as usize).is_some_and(|&earned| earned == (label.column, label.tag))
    });
    let Some(place) = earned else { return };
    let text = record.messages.get(place.turn as usize).map(|message| text_of(message, arena)).unwrap_or_default();
    if let Some(text) = text.get(place.start as usize..place.end as usize) {
        evidence.push_str(&format!(",\"turn\":{},\"text\":{}", place.turn, quote(text)));
    }
}

/// A score condition, checked and ready.
#[derive(Clone, Debug)]
pub(super) struct Score {
    column: u16,
    tag: Option<u16>,
    min: f64,
    max: f64,
}

impl Score {
    pub(super) fn new(condition: &ScoreCondition, at: &str, vocabulary: &Vocabulary) -> Result<Self> {
        let column = vocabulary
            .column(&condition.column)
            .filter(|&column| vocabulary.columns[column].scored)
            .ok_or_else(|| unknown_column(at, &condition.column, vocabulary))?;
        let tag = match &condition.tag {
            None => None,
            Some(tag) => {
                known(at, column, tag, vocabulary)?;
                vocabulary.columns[column].tags.iter().position(|other| other == tag)
            }
        };
        let (min, max) = super::measures::bounds(condition.min, condition.max, at)?;
        let number = |value: usize| u16::try_from(value).map_err(|_| Error::plan(at, "too many columns or tags"));
        Ok(Self { column: number(column)?, tag: tag.map(number).transpose()?, min, max })
    }

    pub(super) fn judge(&self, record: &Record<'_>, vocabulary: &Vocabulary) -> Option<Verdict> {
        let is_its = |label: &&Label| label.column == self.column && self.tag.is_none_or(|tag| tag == label.tag);
        for label in record.labels.given.iter().filter(is_its) {
            let score = f64::from(label.score);
            let (reason, bound, limit) = if score < self.min {
                ("filter.scores.low", "min", self.min)
            } else if score > self.max {
                ("filter.scores.high", "max", self.max)
            } else {
                continue;
            };
            let column = vocabulary.columns.get(usize::from(label.column)).map_or("", |column| &column.name);
            let (column, tag) = (quote(column), quote(vocabulary.tag(label)));
            let evidence =
                format!("{{\"column\":{column},\"tag\":{tag},\"score\":{},\"{bound}\":{limit}}}", label.score);
            return Some(Verdict::Drop { reason, evidence });
        }
        None
    }
}

/// The languages that are kept, by their number.
#[derive(Clone, Debug)]
pub(super) struct Language {
    column: u16,
    keep: Vec<u16>,
    unknown: bool,
}

impl Language {
    /// `None` where nothing is asked for.
    pub(super) fn new(settings: &LanguageSettings, vocabulary: &Vocabulary) -> Result<Option<Self>> {
        let at = "filter.language";
        if settings.keep.is_empty() && settings.unknown {
            return Ok(None);
        }
        let column = vocabulary.column("language").ok_or_else(|| {
            Error::plan(at, "no language is told, expected `tag.language: true`").with_hint("set `tag.language: true`")
        })?;
        let tags = &vocabulary.columns[column].tags;
        let keep = settings.keep.iter().map(|code| {
            known(at, column, code, vocabulary)?;
            let number = tags.iter().position(|tag| tag == code).and_then(|number| u16::try_from(number).ok());
            number.ok_or_else(|| Error::plan(at, format!("unknown language `{code}`")))
        });
        let keep = keep.collect::<Result<Vec<u16>>>()?;
        let column = u16::try_from(column).map_err(|_| Error::plan(at, "too many label columns"))?;
        Ok(Some(Self { column, keep, unknown: settings.unknown }))
    }

    pub(super) fn judge(&self, record: &Record<'_>, vocabulary: &Vocabulary) -> Option<Verdict> {
        let found = record.labels.given.iter().find(|label| label.column == self.column);
        match found {
            None if self.unknown => None,
            None => {
                Some(Verdict::Drop { reason: "filter.language.unknown", evidence: r#"{"language":null}"#.to_owned() })
            }
            Some(label) if self.keep.is_empty() || self.keep.contains(&label.tag) => None,
            Some(label) => {
                let evidence = format!("{{\"language\":{}}}", quote(vocabulary.tag(label)));
                Some(Verdict::Drop { reason: "filter.language.other", evidence })
            }
        }
    }
}

fn unknown_column(at: &str, name: &str, vocabulary: &Vocabulary) -> Error {
    let known: Vec<&str> = vocabulary.columns.iter().map(|column| column.name.as_str()).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Error::plan(format!("{at}.column"), format!("no label column `{name}` in this run, there are: {known}"))
        .with_hint("a pack of `tag.packs` fills the column that it names")
}

fn known(at: &str, column: usize, tag: &str, vocabulary: &Vocabulary) -> Result<()> {
    let column = &vocabulary.columns[column];
    if column.tags.iter().any(|known| known == tag) {
        return Ok(());
    }
    let problem = format!("the column `{}` has no tag `{tag}`, expected {}", column.name, column.tags.join(", "));
    Err(Error::plan(at, problem))
}
