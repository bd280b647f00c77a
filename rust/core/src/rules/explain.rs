//! What packs say about a text, and what is in them, for people.

use super::{Compiled, Facts, Mode, Scratch, Turn};
use crate::record::{Role, labels};
use serde::Serialize;

/// One label of a text, with where it was earned.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// The pack.
    pub pack: String,
    /// The label column.
    pub column: String,
    /// The tag.
    pub tag: String,
    /// What its rules added.
    pub score: f32,
    /// The places, at most eight.
    pub places: Vec<Place>,
}

/// A place that earned a label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The rule.
    pub rule: String,
    /// First byte in the text.
    pub start: u32,
    /// Byte after the last.
    pub end: u32,
    /// What stands there.
    pub text: String,
}

/// A loaded pack.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Overview {
    /// Its name.
    pub pack: String,
    /// Its version.
    pub version: u32,
    /// The label column that it fills.
    pub column: String,
    /// Whether a text gets one of its tags at most.
    pub one: bool,
    /// Its tags, in order of precedence.
    pub tags: Vec<String>,
    /// How many rules it has.
    pub rules: usize,
    /// The rules whose expressions run on every turn, because nothing narrows them down.
    pub slow: Vec<String>,
}

/// The labels of one text, taken for the only turn of this role.
pub fn explain(packs: &Compiled, role: Role, text: &str) -> Vec<Explanation> {
    let mut scratch = Scratch::default();
    let explained = packs.label(&[Turn { role, text }], Facts::default(), &mut scratch).map(|found| {
        let column = &packs.columns[usize::from(found.label.column)];
        let place = |place: &labels::Place| Place {
            rule: packs.rule_name(place.rule).to_owned(),
            start: place.start,
            end: place.end,
            text: text.get(place.start as usize..place.end as usize).unwrap_or_default().to_owned(),
        };
        Explanation {
            pack: column.pack.clone(),
            column: column.column.clone(),
            tag: column.tags[usize::from(found.label.tag)].clone(),
            score: found.label.score,
            places: found.places.iter().map(place).collect(),
        }
    });
    explained.collect()
}

/// What is loaded.
pub fn overview(packs: &Compiled) -> Vec<Overview> {
    let of = |index: usize| {
        let column = &packs.columns[index];
        Overview {
            pack: column.pack.clone(),
            version: column.version,
            column: column.column.clone(),
            one: column.mode == Mode::One,
            tags: column.tags.clone(),
            rules: packs.rules_of(index).count(),
            slow: packs.slow_rules(index).map(str::to_owned).collect(),
        }
    };
    (0..packs.columns.len()).map(of).collect()
}
