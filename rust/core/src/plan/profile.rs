//! Profiles: named sets of defaults, nothing else.

use super::Plan;
use crate::error::{Error, Result};
use crate::stage::write::LabelPlace;
use crate::stage::write::form::Form;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A named set of defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// Clean text and the natural mixture: nothing but empty records and duplicates is dropped.
    #[default]
    Emergent,
    /// For training with personas named in the text.
    Persona,
    /// For support dialogue: answers of at least 20 characters, OpenAI form.
    Companion,
}

impl Profile {
    /// Every profile.
    pub const ALL: [Self; 3] = [Self::Emergent, Self::Persona, Self::Companion];

    /// The name in a plan file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Emergent => "emergent",
            Self::Persona => "persona",
            Self::Companion => "companion",
        }
    }

    /// Puts the profile's values into a plan that has the emergent ones.
    pub(super) fn apply(self, plan: &mut Plan) {
        match self {
            Self::Emergent => {}
            Self::Persona => plan.write.labels = LabelPlace::Inline,
            Self::Companion => {
                plan.filter.length.min_chars = 20;
                plan.write.form = Form::Openai;
            }
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Profile {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|profile| profile.name() == name).ok_or_else(|| {
            let known = Self::ALL.map(Self::name);
            let error =
                Error::plan("profile", format!("unknown profile `{name}`, expected {}", super::hint::list(&known)));
            match super::hint::nearest(name, known) {
                Some(meant) => error.with_hint(format!("did you mean `{meant}`?")),
                None => error,
            }
        })
    }
}
