//! Schemas that a plan describes: which fields of an unknown shape are which turns.

use super::policy::RoleName;
use crate::error::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A schema of your own: which fields are which turns. What it does not name travels as it is.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SchemaSettings {
    /// What reports call it: letters, digits, `_`, `-` and `.`.
    pub name: String,
    /// The turns with a field of their own, in order.
    pub turns: Vec<TurnSettings>,
    /// A list of turns; they follow those of `turns`.
    pub list: Option<TurnListSettings>,
    /// The field of a worse answer, for preference pairs.
    pub rejected: Option<String>,
    /// What a record must also say to be of this schema: fields (as in `turns.path`) with their texts, `{label: "1"}`; `*` is anything but null.
    #[serde(rename = "where")]
    pub conditions: BTreeMap<String, String>,
}

/// A turn that has a field of its own.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TurnSettings {
    /// Who says it.
    pub role: RoleName,
    /// The field: keys with dots between, `ticket.body`; a number is a place in a list, `posts.0.text`; a backslash goes before a dot that belongs to a key.
    pub path: String,
    /// Whether records without it are of this schema too, and then lack the turn.
    #[serde(default)]
    pub optional: bool,
}

/// A list whose objects are turns.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TurnListSettings {
    /// The field that holds the list, as in `turns.path`.
    pub path: String,
    /// The field of an object that says who speaks. Its values are mapped by `roles`, then by `parse.roles` and the shipped table.
    pub role: String,
    /// The field of an object that holds the text.
    pub text: String,
    /// What this list calls the roles, e.g. `{customer: user, agent: assistant}`. Case is ignored.
    #[serde(default)]
    pub roles: BTreeMap<String, RoleName>,
}

/// A field's address: the keys from the record down to it.
pub(super) type Path = Vec<String>;

/// Takes a field apart at its dots.
pub(super) fn path(field: &str) -> Path {
    let mut keys = vec![String::new()];
    let mut characters = field.chars();
    while let Some(character) = characters.next() {
        match character {
            '.' => keys.push(String::new()),
            '\\' => {
                let next = characters.next();
                if let (Some(last), Some(next)) = (keys.last_mut(), next) {
                    if next != '.' && next != '\\' {
                        last.push('\\');
                    }
                    last.push(next);
                }
            }
            _ => {
                if let Some(last) = keys.last_mut() {
                    last.push(character);
                }
            }
        }
    }
    keys
}

/// Most turns that a schema may name one by one.
const MAX_TURNS: usize = 64;

impl SchemaSettings {
    /// Checks one schema. `at` is its place in the plan.
    pub(super) fn check(&self, at: &str) -> Result<()> {
        let named = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-' | '.');
        if self.name.is_empty() || self.name.len() > 64 || !self.name.chars().all(named) {
            return Err(Error::plan(
                format!("{at}.name"),
                format!("{:?} is no name, expected at most 64 letters, digits, `_`, `-` and `.`", self.name),
            ));
        }
        if self.turns.is_empty() && self.list.is_none() {
            return Err(Error::plan(at, "has no turns, expected `turns` or `list`")
                .with_hint("e.g. turns: [{role: user, path: body}, {role: assistant, path: reply}]"));
        }
        if self.turns.len() > MAX_TURNS {
            return Err(Error::plan(
                format!("{at}.turns"),
                format!("has {} turns, expected at most {MAX_TURNS}; more of them are a `list`", self.turns.len()),
            ));
        }
        if self.list.is_none() && self.turns.iter().all(|turn| turn.optional) {
            return Err(Error::plan(
                format!("{at}.turns"),
                "are all optional, so that any record would be of this schema; expected one that has to be there",
            ));
        }
        let mut fields: Vec<(String, &str)> = Vec::new();
        for (index, turn) in self.turns.iter().enumerate() {
            fields.push((format!("{at}.turns[{index}].path"), &turn.path));
        }
        if let Some(list) = &self.list {
            fields.push((format!("{at}.list.path"), &list.path));
            for (key, field) in [("role", &list.role), ("text", &list.text)] {
                check_field(&format!("{at}.list.{key}"), field)?;
            }
        }
        if let Some(rejected) = &self.rejected {
            fields.push((format!("{at}.rejected"), rejected));
        }
        for field in self.conditions.keys() {
            check_field(&format!("{at}.where"), field)?;
        }
        for (index, (place, field)) in fields.iter().enumerate() {
            check_field(place, field)?;
            let mine = path(field);
            for (other, before) in &fields[..index] {
                let theirs = path(before);
                if mine.starts_with(&theirs) || theirs.starts_with(&mine) {
                    return Err(Error::plan(
                        place.as_str(),
                        format!("field `{field}` overlaps `{before}` of `{other}`, expected a field of its own"),
                    ));
                }
            }
        }
        Ok(())
    }
}

fn check_field(at: &str, field: &str) -> Result<()> {
    if path(field).iter().any(String::is_empty) {
        return Err(Error::plan(at, format!("{field:?} is no field, expected keys with dots between"))
            .with_hint("a dot that belongs to a key is written `\\.`"));
    }
    Ok(())
}
