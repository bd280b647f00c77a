//! A rule pack: what the TOML file says, checked.
//!
//! ```toml
//! name = "cue"
//! column = "cue"        # the label column that the pack fills
//! mode = "many"         # many: every tag at or above the threshold; one: the best tag, or none
//! threshold = 1.0
//!
//! [[rule]]
//! tag = "emotional"
//! in = "last_user"      # all system user first_user last_user assistant last_assistant tool
//! any = ["i'm feeling", "lonel*"]
//! with = ["i", "my"]    # one of these must stand in the same sentence (`same = "turn"` widens it)
//! unless = ["story about"]
//! match = ["I'm feeling so lonely today"]
//! miss = ["Write a story about a lonely star"]
//! ```

use crate::{Error, Result};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Most bytes of a pack file, rules of a pack and phrases of a rule: a pack is read by people.
pub const MAX_BYTES: usize = 4 << 20;
const MAX_RULES: usize = 5_000;
const MAX_PHRASES: usize = 5_000;

/// Hits of a rule that may count: what bounds the work on a text that is nothing but hits.
const MAX_HITS: u32 = 100;

/// A pack as its file spells it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pack {
    /// The pack's name, unique among the loaded ones.
    pub name: String,
    /// What it labels, in a sentence.
    #[serde(default)]
    pub description: String,
    /// Names are versioned; a version never changes its meaning.
    #[serde(default = "one")]
    pub version: u32,
    /// The label column.
    pub column: String,
    /// One tag a record or many.
    #[serde(default)]
    pub mode: Mode,
    /// The score from which a tag is given.
    #[serde(default = "unit")]
    pub threshold: f32,
    /// Tags that a record may be given, in order of precedence at equal score.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The rules.
    #[serde(default, rename = "rule")]
    pub rules: Vec<Rule>,
}

/// One tag a record, or many.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The tag with the highest score, if it reaches the threshold.
    One,
    /// Every tag that reaches the threshold.
    #[default]
    Many,
}

/// One rule.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The tag it votes for.
    pub tag: String,
    /// A name for reports; the tag and a number if not given.
    #[serde(default)]
    pub name: Option<String>,
    /// Where it looks.
    #[serde(default, rename = "in")]
    pub scope: Scope,
    /// Words and phrases, one of which must stand there.
    #[serde(default)]
    pub any: Vec<String>,
    /// Literal texts, case and symbols as they stand, one of which must stand there.
    #[serde(default)]
    pub literal: Vec<String>,
    /// A hit of `any` counts only as the first words of the turn.
    #[serde(default)]
    pub start: bool,
    /// Regular expressions (linear time), one of which must match there.
    #[serde(default)]
    pub regex: Vec<String>,
    /// The expressions run only where one of these words or literals stands; without it they are slow rules.
    #[serde(default)]
    pub needs: Vec<String>,
    /// One of these must stand beside the hit.
    #[serde(default)]
    pub with: Vec<String>,
    /// None of these may stand beside the hit.
    #[serde(default)]
    pub unless: Vec<String>,
    /// What "beside" means for `with` and `unless`.
    #[serde(default)]
    pub same: Same,
    /// Bounds on measured numbers, `"assistant.words" = { max = 3 }`.
    #[serde(default)]
    pub measure: BTreeMap<String, Bounds>,
    /// What one hit adds to the tag's score.
    #[serde(default = "unit")]
    pub weight: f32,
    /// Hits that count, at most.
    #[serde(default = "one")]
    pub most: u32,
    /// Texts that the rule must match. Checked when the pack is loaded.
    #[serde(default, rename = "match")]
    pub matches: Vec<String>,
    /// Texts that it must not match.
    #[serde(default)]
    pub miss: Vec<String>,
}

/// Where a rule looks.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Every turn.
    #[default]
    All,
    /// System and developer turns.
    System,
    /// User turns.
    User,
    /// The first user turn.
    FirstUser,
    /// The last user turn.
    LastUser,
    /// Assistant turns (and the text of a `text` record).
    Assistant,
    /// The last assistant turn.
    LastAssistant,
    /// Answers of tools.
    Tool,
}

/// What stands beside a hit.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Same {
    /// The same sentence.
    #[default]
    Sentence,
    /// The same turn.
    Turn,
}

/// Inclusive bounds.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// At least.
    pub min: Option<f64>,
    /// At most.
    pub max: Option<f64>,
}

impl Bounds {
    /// Whether the value lies inside.
    pub fn hold(&self, value: f64) -> bool {
        self.min.is_none_or(|min| value >= min) && self.max.is_none_or(|max| value <= max)
    }
}

fn one() -> u32 {
    1
}

fn unit() -> f32 {
    1.0
}

impl Pack {
    /// Reads a pack; `place` names the file in messages.
    ///
    /// # Errors
    /// With file, line and what was expected.
    pub fn from_toml(text: &str, place: &str) -> Result<Self> {
        if text.len() > MAX_BYTES {
            return Err(Error::plan(
                place,
                format!("a rule pack has at most {MAX_BYTES} bytes, this one has {}", text.len()),
            ));
        }
        let pack: Self = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| 1 + text[..span.start.min(text.len())].matches('\n').count());
            Error::plan(format!("{place}:{line}"), error.message().to_owned())
        })?;
        pack.check(place)?;
        Ok(pack)
    }

    fn check(&self, place: &str) -> Result<()> {
        let wrong = |at: String, problem: String| Err(Error::plan(format!("{place}: {at}"), problem));
        for (what, name) in [("name", &self.name), ("column", &self.column)] {
            if name.is_empty()
                || !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
            {
                return wrong(
                    what.to_owned(),
                    format!("`{name}` is no name, expected lower-case letters, digits and `_`"),
                );
            }
        }
        if self.rules.len() > MAX_RULES {
            return wrong("rule".to_owned(), format!("at most {MAX_RULES} rules a pack, got {}", self.rules.len()));
        }
        for (index, rule) in self.rules.iter().enumerate() {
            let at = rule.label(index);
            if !self.tags.is_empty() && !self.tags.contains(&rule.tag) {
                return wrong(
                    at,
                    format!("the tag `{}` is not among the pack's tags: {}", rule.tag, self.tags.join(", ")),
                );
            }
            if rule.any.is_empty() && rule.literal.is_empty() && rule.regex.is_empty() && rule.measure.is_empty() {
                return wrong(at, "a rule needs `any`, `literal`, `regex` or `measure`".to_owned());
            }
            if rule.literal.iter().any(String::is_empty) {
                return wrong(at, "a literal is empty".to_owned());
            }
            let lists = [&rule.any, &rule.literal, &rule.unless, &rule.with, &rule.needs];
            if lists.iter().any(|list| list.len() > MAX_PHRASES) {
                return wrong(at, format!("at most {MAX_PHRASES} phrases a list"));
            }
            if !rule.needs.is_empty() && rule.regex.is_empty() {
                return wrong(at, "`needs` goes with `regex`".to_owned());
            }
            if !(1..=MAX_HITS).contains(&rule.most) {
                return wrong(at, format!("`most` must be between 1 and {MAX_HITS}, got {}", rule.most));
            }
            if !rule.weight.is_finite() {
                return wrong(at, "`weight` must be a finite number".to_owned());
            }
        }
        Ok(())
    }
}

impl Rule {
    /// The rule's name in messages and reports.
    pub fn label(&self, index: usize) -> String {
        self.name.clone().unwrap_or_else(|| format!("{}#{}", self.tag, index + 1))
    }
}
