//! Where a plan comes from: a profile, a file over it, single settings over that.

use super::message::{Text, of_check, of_yaml};
use super::tree::Tree;
use super::{LATER_SECTIONS, Plan, Profile, hint};
use crate::error::{Error, Result};
use serde_json::Value;

/// Longest plan file; a plan is written by hand.
const MAX_PLAN_BYTES: usize = 1 << 20;

/// The layers of a plan, the later ones winning: profile, file, single settings.
///
/// ```
/// use corpuskit_core::plan::Source;
/// let plan = Source::default().text("parse: {max_depth: 9}", "plan.yaml").set("parse.max_depth=10").load()?;
/// assert_eq!(plan.parse.max_depth, 10);
/// # Ok::<(), corpuskit_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Source {
    profile: Option<Profile>,
    file: Option<(String, String)>,
    settings: Vec<String>,
}

impl Source {
    /// The profile, whatever the file says.
    #[must_use]
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = Some(profile);
        self
    }

    /// A plan file: its text and what messages call it.
    #[must_use]
    pub fn text(mut self, text: &str, name: &str) -> Self {
        self.file = Some((text.to_owned(), name.to_owned()));
        self
    }

    /// A single setting, `section.key=value`, the value in YAML.
    #[must_use]
    pub fn set(mut self, setting: &str) -> Self {
        self.settings.push(setting.to_owned());
        self
    }

    /// Joins the layers and checks the result.
    ///
    /// # Errors
    /// `Error::Plan` at the file's line, or at the setting.
    pub fn load(&self) -> Result<Plan> {
        let mut layers = Vec::new();
        if let Some((text, name)) = &self.file {
            layers.push(Layer::parse(text, Text::File { name, text })?);
        }
        for setting in &self.settings {
            let yaml = nested(setting)?;
            layers.push(Layer::parse(&yaml, Text::Setting(setting))?);
        }
        let named = layers.iter().rev().find(|layer| layer.tree.nearest("profile").is_some());
        let profile = self.profile.or(named.map(|layer| layer.plan.profile)).unwrap_or_default();
        let mut effective = Plan::of(profile).to_json();
        for layer in &layers {
            overlay(&mut effective, &layer.plan.to_json(), &layer.tree);
        }
        effective["profile"] = Value::from(profile.name());
        let plan: Plan = serde_json::from_value(effective).map_err(|error| Error::plan("plan", error.to_string()))?;
        plan.check().map_err(|error| {
            let all = || layers.iter().rev();
            let error = all().fold(error, |error, layer| of_check(error, &layer.tree, &layer.text, true));
            all().fold(error, |error, layer| of_check(error, &layer.tree, &layer.text, false))
        })?;
        Ok(plan)
    }
}

/// One parsed text.
struct Layer<'a> {
    plan: Plan,
    tree: Tree,
    text: Text<'a>,
}

impl<'a> Layer<'a> {
    fn parse(yaml: &str, text: Text<'a>) -> Result<Self> {
        if yaml.len() > MAX_PLAN_BYTES {
            return Err(Error::plan(
                text.name(),
                format!("a plan may have {MAX_PLAN_BYTES} bytes, this has {}", yaml.len()),
            ));
        }
        if is_empty(yaml) {
            return Ok(Self { plan: Plan::default(), tree: Tree::default(), text });
        }
        let tree: Tree = serde_saphyr::from_str(yaml).map_err(|error| of_yaml(&error, &Tree::default(), &text))?;
        if !matches!(tree, Tree::Map(_)) {
            let known: Vec<&str> = ["version", "profile"].into_iter().chain(Plan::SECTIONS).collect();
            return Err(text.error(None, &format!("not a plan: expected a mapping with {}", hint::list(&known))));
        }
        check_sections(&tree, &text)?;
        let plan = serde_saphyr::from_str(yaml).map_err(|error| of_yaml(&error, &tree, &text))?;
        Ok(Self { plan, tree, text })
    }
}

/// Whether a file says nothing at all, which is the default plan.
fn is_empty(yaml: &str) -> bool {
    yaml.lines().all(|line| {
        let line = line.trim_start_matches('\u{feff}').trim();
        line.is_empty() || line.starts_with('#') || line == "---"
    })
}

/// Names sections of later versions as what they are.
fn check_sections(tree: &Tree, text: &Text<'_>) -> Result<()> {
    let Some(entry) = tree.entries().iter().find(|entry| LATER_SECTIONS.contains(&entry.key.as_str())) else {
        return Ok(());
    };
    let version = env!("CARGO_PKG_VERSION");
    let problem = format!("section `{}` is unknown to this version of corpuskit ({version})", entry.key);
    Err(text.error(Some(entry.key_at), &problem).with_hint(format!("remove `{}:` and what is below it", entry.key)))
}

/// Copies into `base` what the tree says was written, with the values that the types read.
fn overlay(base: &mut Value, typed: &Value, tree: &Tree) {
    match (tree, base, typed) {
        (Tree::Nothing, Value::Object(_), Value::Object(_)) => {}
        (Tree::Map(entries), Value::Object(base), Value::Object(typed)) => {
            for entry in entries {
                if let Some(value) = typed.get(&entry.key) {
                    overlay(base.entry(entry.key.clone()).or_insert(Value::Null), value, &entry.value);
                }
            }
        }
        (_, base, typed) => *base = typed.clone(),
    }
}

/// `a.b=value` as nested YAML.
fn nested(setting: &str) -> Result<String> {
    let at = || format!("--set {setting}");
    let Some((path, value)) = setting.split_once('=') else {
        return Err(Error::plan(at(), "expected `section.key=value`"));
    };
    let path = path.trim();
    let is_name =
        |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if let Some(wrong) = path.split('.').find(|name| !is_name(name)) {
        return Err(Error::plan(at(), format!("`{wrong}` is not the name of a setting, expected `section.key=value`")));
    }
    if !path.contains('.') && !["version", "profile"].contains(&path) {
        return Err(Error::plan(at(), format!("`{path}` is a section or unknown, expected `section.key=value`"))
            .with_hint(format!("sections are {}", hint::list(&Plan::SECTIONS))));
    }
    let mut yaml = String::new();
    for (depth, name) in path.split('.').enumerate() {
        if depth > 0 {
            yaml.push('\n');
        }
        yaml.push_str(&"  ".repeat(depth));
        yaml.push_str(name);
        yaml.push(':');
    }
    yaml.push(' ');
    yaml.push_str(value.trim());
    yaml.push('\n');
    Ok(yaml)
}
