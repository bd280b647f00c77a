//! The stage: which packs are loaded, their own examples checked, the labels of a record.

use super::{Compiled, Facts, Label, Pack, Scratch, Turn};
use crate::record::{Content, Message, Record, Role};
use crate::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The shipped packs: name and TOML text.
const SHIPPED: [(&str, &str); 5] = [
    ("category", include_str!("../../../rules/category.toml")),
    ("cue", include_str!("../../../rules/cue.toml")),
    ("refusal", include_str!("../../../rules/refusal.toml")),
    ("boilerplate", include_str!("../../../rules/boilerplate.toml")),
    ("code", include_str!("../../../rules/code.toml")),
];

/// Labels from rule packs.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct TagSettings {
    /// Packs to load: `builtin` for all shipped ones, a shipped pack's name, or the path of a TOML file. Empty switches tagging off.
    pub packs: Vec<String>,
}

impl Default for TagSettings {
    fn default() -> Self {
        Self { packs: vec!["builtin".to_owned()] }
    }
}

/// The stage, checked and ready.
#[derive(Debug)]
pub struct Tagger {
    compiled: Compiled,
}

impl Tagger {
    /// Loads the packs and runs their own examples.
    ///
    /// # Errors
    /// A pack that cannot be read or used, or whose example does not do what it says.
    pub fn new(settings: &TagSettings) -> Result<Self> {
        let mut packs = Vec::new();
        for name in &settings.packs {
            if name == "builtin" {
                for (name, text) in SHIPPED {
                    packs.push((Pack::from_toml(text, name)?, name.to_owned()));
                }
            } else if let Some((name, text)) = SHIPPED.iter().find(|(shipped, _)| shipped == name) {
                packs.push((Pack::from_toml(text, name)?, (*name).to_owned()));
            } else {
                packs.push((Pack::from_toml(&read(name)?, name)?, name.clone()));
            }
        }
        for (pack, place) in &packs {
            check_examples(pack, place)?;
        }
        Ok(Self { compiled: Compiled::new(&packs)? })
    }

    /// The compiled packs.
    pub fn compiled(&self) -> &Compiled {
        &self.compiled
    }

    /// The labels of a record.
    pub fn label(&self, record: &Record<'_>, scratch: &mut Scratch) -> Vec<Label> {
        let turns = turns(record);
        let length = |node: Option<crate::json::Node<'_>>| node.and_then(|node| node.as_array()).map_or(0, <[_]>::len);
        let facts = Facts {
            tool_definitions: length(record.tools),
            tool_calls: record.messages.iter().map(|message| length(message.tool_calls)).sum(),
        };
        self.compiled.label(&turns, facts, scratch)
    }
}

fn read(name: &str) -> Result<String> {
    let path = Path::new(name);
    let meta = std::fs::metadata(path).map_err(|error| {
        let shipped: Vec<&str> = SHIPPED.iter().map(|(name, _)| *name).collect();
        Error::plan("tag.packs", format!("`{name}` cannot be read: {error}"))
            .with_hint(format!("shipped packs: builtin, {}", shipped.join(", ")))
    })?;
    if !meta.is_file() {
        return Err(Error::plan("tag.packs", format!("`{name}` is not a regular file")));
    }
    if meta.len() > super::pack::MAX_BYTES as u64 {
        return Err(Error::plan("tag.packs", format!("`{name}` has {} bytes, a pack has at most {}", meta.len(), super::pack::MAX_BYTES)));
    }
    std::fs::read_to_string(path).map_err(|error| Error::plan("tag.packs", format!("`{name}` cannot be read: {error}")))
}

/// Every rule must match its own `match` examples and none of its `miss` examples, alone and as
/// the only turn of its scope.
fn check_examples(pack: &Pack, place: &str) -> Result<()> {
    for (index, rule) in pack.rules.iter().enumerate() {
        if rule.matches.is_empty() && rule.miss.is_empty() {
            continue;
        }
        let alone = Pack { rules: vec![rule.clone()], threshold: f32::MIN, tags: Vec::new(), ..pack.clone() };
        let compiled = Compiled::new(&[(alone, place.to_owned())])?;
        let role = match rule.scope {
            super::Scope::System => Role::System,
            super::Scope::Assistant | super::Scope::LastAssistant => Role::Assistant,
            _ => Role::User,
        };
        let mut scratch = Scratch::default();
        for (examples, expected) in [(&rule.matches, true), (&rule.miss, false)] {
            for text in examples {
                let found = !compiled.label(&[Turn { role, text }], Facts::default(), &mut scratch).is_empty();
                if found != expected {
                    let verb = if expected { "does not match its own example" } else { "matches what it must miss" };
                    return Err(Error::plan(format!("{place}: {}", rule.label(index)), format!("the rule {verb} `{text}`")));
                }
            }
        }
    }
    Ok(())
}

/// The texts of a record as turns; parts of one turn are turns of their own.
pub fn turns<'a>(record: &Record<'a>) -> Vec<Turn<'a>> {
    let mut turns = Vec::with_capacity(record.messages.len());
    for Message { role, content, .. } in &record.messages {
        match content {
            Content::Text(text) => turns.push(Turn { role: *role, text: text.value }),
            Content::Parts(parts) => {
                turns.extend(parts.iter().filter_map(|part| part.text).map(|text| Turn { role: *role, text: text.value }));
            }
            Content::Absent | Content::Null => {}
        }
    }
    turns
}
