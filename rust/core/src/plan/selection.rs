//! The plan sections `mix` and `curriculum`: what of a run folder is trained on, how often, in which order.

use crate::error::{Error, Result};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::SeqAccessDeserializer;
use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// The categories of the taxonomy.
pub const CATEGORIES: [&str; 10] = [
    "technical",
    "instructional",
    "analytical",
    "conversational",
    "empathetic",
    "creative",
    "tool_api",
    "factual",
    "ethical",
    "specialized",
];

/// What is selected from a run folder. Read by `corpuskit mix`.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct MixSettings {
    /// How often a record is taken.
    pub mode: MixMode,
    /// What shares are measured in.
    pub unit: Unit,
    /// Decides order, split and which records are replayed, with nothing else.
    pub seed: u64,
    /// How often a record may be taken in all; replay stops there.
    #[schemars(range(min = 1))]
    pub max_epochs_per_record: u32,
    /// What is kept for evaluation.
    pub split: SplitSettings,
    /// What is done where a share that is asked for cannot be reached.
    pub on_infeasible: OnInfeasible,
}

/// How often a record is taken.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MixMode {
    /// Every record as often as the phases say, no weights.
    #[default]
    Natural,
}

/// What shares are measured in.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Tokens that are learnt; without token columns a quarter of the assistant's characters, marked *estimated*.
    #[default]
    TrainedTokens,
    /// Records.
    Examples,
}

/// What is done where a share cannot be reached.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OnInfeasible {
    /// As near as it goes; the gap is reported.
    #[default]
    Report,
    /// Stop before anything is written.
    Error,
}

/// What is kept for evaluation.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct SplitSettings {
    /// Share of the corpus, 0 to 0.5. A record and what was made of it are never parted.
    #[schemars(range(max = 0.5))]
    pub validation: f64,
}

impl Default for MixSettings {
    fn default() -> Self {
        Self {
            mode: MixMode::Natural,
            unit: Unit::TrainedTokens,
            seed: 0,
            max_epochs_per_record: 4,
            split: SplitSettings::default(),
            on_infeasible: OnInfeasible::Report,
        }
    }
}

impl Default for SplitSettings {
    fn default() -> Self {
        Self { validation: 0.01 }
    }
}

impl MixSettings {
    /// Checks the bounds.
    ///
    /// # Errors
    /// A share outside of its bounds, or no epoch at all.
    pub fn check(&self) -> Result<()> {
        share("mix.split.validation", self.split.validation, 0.5)?;
        if self.max_epochs_per_record == 0 {
            return Err(Error::plan("mix.max_epochs_per_record", "must be at least 1, got 0"));
        }
        Ok(())
    }
}

/// Phases of training, one after the other. Read by `corpuskit mix` (what and in which order) and by training (rates).
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct CurriculumSettings {
    /// The phases; an empty list is one phase `all` of every record, which needs no categories.
    pub phases: Vec<PhaseSettings>,
    /// Share of each focused phase after the first that repeats records of the phases before it, below 1
    /// (arXiv 2310.05492); 0 switches it off. Phases with `include: all` need none.
    #[schemars(range(max = 0.9))]
    pub replay: f64,
    /// The phase in which categories come first that no phase names, and records without one.
    pub unlisted: Option<String>,
}

/// One phase: one pass over what it includes.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct PhaseSettings {
    /// Its name: letters, digits, `-` and `_`.
    pub name: String,
    /// Categories, or `all`.
    pub include: Include,
    /// The learning rate at its highest.
    pub lr: f64,
}

impl Default for PhaseSettings {
    fn default() -> Self {
        Self { name: String::new(), include: Include::All, lr: 2.0e-5 }
    }
}

/// Categories, or all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Include {
    /// Every record, with a category or not.
    #[default]
    All,
    /// These categories.
    Only(Vec<String>),
}

impl Default for CurriculumSettings {
    fn default() -> Self {
        let phase = |name: &str, categories: &[&str], lr| {
            let only = || Include::Only(categories.iter().map(|&category| category.to_owned()).collect());
            let include = if categories.is_empty() { Include::All } else { only() };
            PhaseSettings { name: name.to_owned(), include, lr }
        };
        Self {
            phases: vec![
                phase("foundation", &["technical", "factual"], 2.0e-5),
                phase("analytical", &["analytical", "ethical"], 1.5e-5),
                phase("empathic_creative", &["empathetic", "creative"], 1.0e-5),
                phase("mixed", &[], 5.0e-6),
                phase("fine_tuning", &[], 3.0e-6),
            ],
            replay: 0.15,
            unlisted: Some("mixed".to_owned()),
        }
    }
}

impl CurriculumSettings {
    /// Checks names, shares and rates.
    ///
    /// # Errors
    /// A name that is missing, stands twice or is no name; a share or rate out of bounds; `unlisted` that is
    /// not a phase or would come after the phase that includes all.
    pub fn check(&self) -> Result<()> {
        share("curriculum.replay", self.replay, 0.9)?;
        let wrong = |problem: String| Err(Error::plan("curriculum.phases", problem));
        for (number, phase) in self.phases.iter().enumerate() {
            let name = &phase.name;
            let is_name = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
            if name.is_empty() || name.len() > 64 || !name.bytes().all(is_name) {
                return wrong(format!(
                    "the name of phase {} is `{name}`, expected letters, digits, `-` and `_`",
                    number + 1
                ));
            }
            if name == "validation" || self.phases[..number].iter().any(|before| before.name == *name) {
                return wrong(format!("phase {} is called `{name}`, which is taken", number + 1));
            }
            if !(phase.lr.is_finite() && phase.lr > 0.0) {
                return wrong(format!("the rate of phase `{name}` is {}, expected a number above 0", phase.lr));
            }
            if phase.include == Include::Only(Vec::new()) {
                return wrong(format!("phase `{name}` includes nothing, expected categories or `all`"));
            }
        }
        let Some(unlisted) = &self.unlisted else { return Ok(()) };
        if !self.phases.is_empty() && !self.phases.iter().any(|phase| phase.name == *unlisted) {
            let names: Vec<&str> = self.phases.iter().map(|phase| phase.name.as_str()).collect();
            let problem = format!("there is no phase `{unlisted}`, expected {} or `null`", super::hint::list(&names));
            return Err(Error::plan("curriculum.unlisted", problem));
        }
        Ok(())
    }
}

fn share(at: &str, value: f64, most: f64) -> Result<()> {
    if (0.0..=most).contains(&value) {
        return Ok(());
    }
    Err(Error::plan(at, format!("must be between 0 and {most}, got {value}")))
}

impl Serialize for Include {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => serializer.serialize_str("all"),
            Self::Only(categories) => categories.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Include {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AllOrList;

        impl<'de> Visitor<'de> for AllOrList {
            type Value = Include;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`all` or a list of categories")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Include, E> {
                match text {
                    "all" => Ok(Include::All),
                    _ => Err(E::custom(format_args!("`{text}`: expected `all` or a list of categories"))),
                }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Include, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(Include::Only)
            }
        }

        deserializer.deserialize_any(AllOrList)
    }
}

impl JsonSchema for Include {
    fn schema_name() -> Cow<'static, str> {
        "Include".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Categories, or `all`.",
            "anyOf": [{"const": "all"}, {"type": "array", "items": {"type": "string", "examples": CATEGORIES}}],
        })
    }
}
