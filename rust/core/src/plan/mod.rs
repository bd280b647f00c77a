//! The plan: every setting of a run, in flow order.
//!
//! A stage owns the settings of its section; this module joins them, lays a user's file over the
//! defaults of a profile, and says exactly where a file is wrong. Sections are fixed, not a list of
//! steps: a typo has a line, and dedup cannot come before normalise. The effective plan (no key
//! missing) is what runs, what is digested, and what the manifest holds.

use crate::error::{Error, Result};
use crate::stage::dedup::DedupSettings;
use crate::stage::filter::{Filter, FilterSettings};
use crate::stage::normalise::{Normalise, NormaliseSettings};
use crate::stage::parse::{ParseSettings, Parser};
use crate::stage::read::ReadSettings;
use crate::stage::tag::{TagSettings, Tagger};
use crate::stage::write::WriteSettings;
use packing::PackSettings;
use schemars::JsonSchema;
use selection::{CurriculumSettings, MixSettings};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokenising::{ConditionSettings, TokeniseSettings};

mod deviation;
pub mod hint;
mod message;
pub mod packing;
mod profile;
pub mod selection;
mod source;
mod template;
pub mod tokenising;
mod tree;

pub use deviation::Deviation;
pub use profile::Profile;
pub use source::Source;

/// The version of the plan's language that this build reads.
pub const PLAN_VERSION: u32 = 1;

/// Sections that are part of the design but not of this version; their names get an own message.
const LATER_SECTIONS: [&str; 5] = ["score", "adapters", "train", "review", "eval"];

/// Every setting of a run, in flow order.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Plan {
    /// The version of the plan's language.
    #[schemars(range(min = 1, max = 1))]
    pub version: u32,
    /// Sets the defaults of every other key; a key that is written down wins over it.
    pub profile: Profile,
    /// How files become units: lines, rows, array elements, whole files.
    pub read: ReadSettings,
    /// How a unit of input becomes a conversation.
    pub parse: ParseSettings,
    /// What is cleaned in a record's text; this decides what is a duplicate.
    pub normalise: NormaliseSettings,
    /// What is observed about a record.
    pub tag: TagSettings,
    /// Which records are dropped.
    pub filter: FilterSettings,
    /// Which records double another.
    pub dedup: DedupSettings,
    /// How kept records are written.
    pub write: WriteSettings,
    /// What is selected from a run folder for training: split, shares, order.
    pub mix: MixSettings,
    /// Phases of training, one after the other.
    pub curriculum: CurriculumSettings,
    /// Whether labels may stand in the text.
    pub condition: ConditionSettings,
    /// How records become tokens, and which of them are trained.
    pub tokenise: TokeniseSettings,
    /// How documents become rows of tokens.
    pub pack: PackSettings,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            version: PLAN_VERSION,
            profile: Profile::Emergent,
            read: ReadSettings::default(),
            parse: ParseSettings::default(),
            normalise: NormaliseSettings::default(),
            tag: TagSettings::default(),
            filter: FilterSettings::default(),
            dedup: DedupSettings::default(),
            write: WriteSettings::default(),
            mix: MixSettings::default(),
            curriculum: CurriculumSettings::default(),
            condition: ConditionSettings::default(),
            tokenise: TokeniseSettings::default(),
            pack: PackSettings::default(),
        }
    }
}

impl Plan {
    /// The names of the sections, in flow order.
    pub const SECTIONS: [&str; 12] = [
        "read",
        "parse",
        "normalise",
        "tag",
        "filter",
        "dedup",
        "write",
        "mix",
        "curriculum",
        "condition",
        "tokenise",
        "pack",
    ];

    /// Sections that say what becomes of a finished run folder; they change nothing in it.
    pub const AFTERWARDS: [&str; 5] = ["mix", "curriculum", "condition", "tokenise", "pack"];

    /// The plan of a profile without any deviation.
    pub fn of(profile: Profile) -> Self {
        let mut plan = Self { profile, ..Self::default() };
        profile.apply(&mut plan);
        plan
    }

    /// Reads a plan. `name` is what messages call the text, usually its path.
    ///
    /// # Errors
    /// `Error::Plan` with `name:line:column`, the line, what was expected and what was probably meant.
    pub fn from_yaml(text: &str, name: &str) -> Result<Self> {
        Source::default().text(text, name).load()
    }

    /// Checks what types alone cannot: bounds that contradict, values out of range.
    ///
    /// # Errors
    /// `Error::Plan` that names the setting.
    pub fn check(&self) -> Result<()> {
        if self.version != PLAN_VERSION {
            return Err(Error::plan("version", format!("must be {PLAN_VERSION}, got {}", self.version)));
        }
        self.read.check()?;
        Parser::new(&self.parse)?;
        Normalise::new(&self.normalise)?;
        let tagger = Tagger::new(&self.tag)?;
        Filter::new(&self.filter, tagger.vocabulary())?;
        self.dedup.check()?;
        self.write.check()?;
        self.mix.check()?;
        self.curriculum.check()?;
        self.pack.check()
    }

    /// The effective plan as JSON, keys in flow order.
    pub fn to_json(&self) -> Value {
        // Settings are plain data with string keys; there is nothing in them that JSON cannot hold.
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The effective plan as YAML; keys that deviate from the profile say so.
    pub fn to_yaml(&self) -> String {
        template::effective(self)
    }

    /// The plan of a profile as YAML with every key explained, to be edited.
    pub fn template(profile: Profile) -> String {
        template::commented(&Self::of(profile))
    }

    /// BLAKE3 of what of the effective plan decides a run folder, as canonical JSON (sorted keys, no spaces), in hexadecimal.
    pub fn digest(&self) -> String {
        let mut sorted = self.of_run();
        sorted.sort_all_objects();
        blake3::hash(sorted.to_string().as_bytes()).to_hex().to_string()
    }

    /// What of the plan decides a run folder, as JSON: a folder stays the same whatever is mixed or packed from it.
    pub fn of_run(&self) -> Value {
        let mut json = self.to_json();
        if let Some(sections) = json.as_object_mut() {
            sections.retain(|name, _| !Self::AFTERWARDS.contains(&name.as_str()));
        }
        json
    }

    /// Every setting that is not what the profile says, in flow order.
    pub fn deviations(&self) -> Vec<Deviation> {
        deviation::between(&Self::of(self.profile).to_json(), &self.to_json())
    }

    /// The JSON schema of a plan file.
    pub fn schema() -> Value {
        let mut schema = schemars::schema_for!(Self).to_value();
        if let Some(object) = schema.as_object_mut() {
            object.insert("title".to_owned(), "corpuskit plan".into());
        }
        schema
    }
}

#[cfg(test)]
mod tests;
