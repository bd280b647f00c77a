//! Which packs there are, and their own examples, checked before a pack is used.

use super::{Compiled, Facts, Loaded, Pack, Scratch, Turn};
use crate::record::Role;
use crate::{Error, Result};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// The shipped packs: name and TOML text.
const SHIPPED: [(&str, &str); 5] = [
    ("category", include_str!("../../packs/category.toml")),
    ("cue", include_str!("../../packs/cue.toml")),
    ("refusal", include_str!("../../packs/refusal.toml")),
    ("boilerplate", include_str!("../../packs/boilerplate.toml")),
    ("code", include_str!("../../packs/code.toml")),
];

/// The names of the shipped packs.
pub fn shipped() -> impl Iterator<Item = &'static str> {
    SHIPPED.iter().map(|(name, _)| *name)
}

/// A pack's file: what messages call it, and its text.
type Source = (String, String);

/// The packs that were loaded last: a plan is looked at two or three times before it runs.
static LAST: Mutex<Option<(Vec<Source>, Arc<Compiled>)>> = Mutex::new(None);

/// Loads packs: `builtin` for all shipped ones, a shipped pack's name, or the path of a TOML file, whose own
/// examples are run. Those of the shipped ones were run when they were built: a test sees to it.
///
/// # Errors
/// A pack that cannot be read or used, or whose example does not do what it says.
pub fn load(names: &[String]) -> Result<Arc<Compiled>> {
    let sources = sources(names)?;
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, compiled)) = last.as_ref().filter(|(known, _)| *known == sources) {
        return Ok(Arc::clone(compiled));
    }
    let is_own = |(place, text): &Source| !SHIPPED.contains(&(place, text));
    let packs = read_all(&sources, is_own)?;
    let loaded = packs.iter().zip(&sources).map(|((pack, _), (_, text))| Loaded {
        pack: pack.name.clone(),
        version: pack.version,
        digest: blake3::hash(text.as_bytes()).to_hex().to_string(),
    });
    let compiled = Arc::new(Compiled { loaded: loaded.collect(), ..Compiled::new(&packs)? });
    *last = Some((sources, Arc::clone(&compiled)));
    Ok(compiled)
}

/// The packs themselves, the examples of all of them run, with what messages call them.
///
/// # Errors
/// As [`load`].
pub fn packs(names: &[String]) -> Result<Vec<(Pack, String)>> {
    read_all(&sources(names)?, |_| true)
}

fn read_all(sources: &[Source], has_to_check: impl Fn(&Source) -> bool) -> Result<Vec<(Pack, String)>> {
    let packs = sources.iter().map(|source| {
        let (place, text) = source;
        let pack = Pack::from_toml(text, place)?;
        if has_to_check(source) {
            check_examples(&pack, place)?;
        }
        Ok((pack, place.clone()))
    });
    packs.collect()
}

fn sources(names: &[String]) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    let shipped = |&(name, text): &(&str, &str)| (name.to_owned(), text.to_owned());
    for name in names {
        if name == "builtin" {
            sources.extend(SHIPPED.iter().map(shipped));
        } else if let Some(pack) = SHIPPED.iter().find(|(shipped, _)| shipped == name) {
            sources.push(shipped(pack));
        } else {
            sources.push((name.clone(), read(name)?));
        }
    }
    Ok(sources)
}

fn read(name: &str) -> Result<String> {
    let path = Path::new(name);
    let meta = std::fs::metadata(path).map_err(|error| {
        let shipped: Vec<&str> = shipped().collect();
        Error::plan("rules", format!("`{name}` cannot be read: {error}"))
            .with_hint(format!("shipped packs: builtin, {}", shipped.join(", ")))
    })?;
    if !meta.is_file() {
        return Err(Error::plan("rules", format!("`{name}` is not a regular file")));
    }
    if meta.len() > super::pack::MAX_BYTES as u64 {
        return Err(Error::plan(
            "rules",
            format!("`{name}` has {} bytes, a pack has at most {}", meta.len(), super::pack::MAX_BYTES),
        ));
    }
    std::fs::read_to_string(path).map_err(|error| Error::plan("rules", format!("`{name}` cannot be read: {error}")))
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
                let found = compiled.label(&[Turn { role, text }], Facts::default(), &mut scratch).next().is_some();
                if found != expected {
                    let verb = if expected { "does not match its own example" } else { "matches what it must miss" };
                    return Err(Error::plan(
                        format!("{place}: {}", rule.label(index)),
                        format!("the rule {verb} `{text}`"),
                    ));
                }
            }
        }
    }
    Ok(())
}
