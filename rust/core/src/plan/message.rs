//! What is said when a plan is wrong: the place, the line, what was expected, what was meant.

use super::hint::{list, nearest};
use super::tree::Tree;
use super::{Plan, hint};
use crate::error::Error;
use serde_json::Value;
use serde_saphyr::Location;

/// The text that a message is about.
pub(super) enum Text<'a> {
    /// A file (or a text that stands for one).
    File {
        /// What it is called.
        name: &'a str,
        /// All of it.
        text: &'a str,
    },
    /// A single setting of the command line.
    Setting(&'a str),
}

impl Text<'_> {
    /// What messages call it.
    pub(super) fn name(&self) -> String {
        match self {
            Self::File { name, .. } => (*name).to_owned(),
            Self::Setting(setting) => format!("--set {setting}"),
        }
    }

    /// An error at a place, with the line where there is one.
    pub(super) fn error(&self, place: Option<Location>, problem: &str) -> Error {
        let problem = &shortened(problem, LONGEST_PROBLEM);
        match (self, place.filter(|place| place.line() > 0)) {
            (Self::File { name, text }, Some(place)) => {
                let at = format!("{name}:{}:{}", place.line(), place.column());
                Error::plan(at, format!("{problem}{}", snippet(text, place)))
            }
            _ => Error::plan(self.name(), problem),
        }
    }
}

/// Characters of a problem that are shown: a plan may hold a word of a million letters.
const LONGEST_PROBLEM: usize = 1_000;
/// Characters of a line that are shown.
const LONGEST_LINE: usize = 120;

/// A text, cut where it is too long.
fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The line and a mark below the word at the place; empty where there is no such line.
fn snippet(text: &str, place: Location) -> String {
    let index = usize::try_from(place.line()).unwrap_or(0).saturating_sub(1);
    let Some(line) = text.lines().nth(index) else { return String::new() };
    let line = line.trim_start_matches('\u{feff}');
    let column = usize::try_from(place.column()).unwrap_or(1).saturating_sub(1);
    // Of a long line, what is around the place.
    let start = if column < LONGEST_LINE { 0 } else { column - LONGEST_LINE / 2 };
    let column = column - start;
    let line: String = line.chars().skip(start).take(LONGEST_LINE).collect();
    let marked = word(&line, column).chars().count().max(1);
    let margin = " ".repeat(place.line().to_string().len());
    format!(
        "\n{margin} |\n{} | {}\n{margin} | {}{}",
        place.line(),
        line.replace('\t', " "),
        " ".repeat(column),
        "^".repeat(marked)
    )
}

/// The word that begins at a column (counted in characters, from 0).
fn word(line: &str, column: usize) -> String {
    let rest: String = line.chars().skip(column).collect();
    match rest.chars().next() {
        Some(quote @ ('"' | '\'')) => {
            rest[1..].split_once(quote).map_or(rest.clone(), |(inner, _)| format!("{quote}{inner}{quote}"))
        }
        Some('[' | '{') => rest.split(" #").next().unwrap_or_default().trim_end().to_owned(),
        _ => rest.split([':', ',', '}', ']', '#']).next().unwrap_or_default().trim_end().to_owned(),
    }
}

/// An error of the YAML reader in our words.
pub(super) fn of_yaml(error: &serde_saphyr::Error, tree: &Tree, text: &Text<'_>) -> Error {
    use serde_saphyr::Error as Yaml;
    let error = error.without_snippet();
    let place = error.location();
    let (path, is_key) = place.and_then(|place| tree.path_at(place)).unwrap_or_default();
    let inside = |path: &str| if path.is_empty() { "the plan".to_owned() } else { format!("`{path}`") };
    match error {
        Yaml::SerdeUnknownField { field, expected, .. } => {
            let parent = if is_key { path.rsplit_once('.').map_or("", |(parent, _)| parent) } else { path.as_str() };
            let problem = format!("unknown key `{field}` in {}, expected {}", inside(parent), list(expected));
            let error = text.error(place, &problem);
            match nearest(field, expected.iter().copied()) {
                Some(meant) => error.with_hint(format!("did you mean `{meant}`?")),
                None => error,
            }
        }
        Yaml::SerdeUnknownVariant { variant, expected, .. } => {
            let problem = format!("unknown value `{variant}` of {}, expected {}", inside(&path), list(expected));
            let error = text.error(place, &problem);
            match nearest(variant, expected.iter().copied()) {
                Some(meant) => error.with_hint(format!("did you mean `{meant}`?")),
                None => error,
            }
        }
        Yaml::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().unwrap_or("a key");
            text.error(place, &format!("`{key}` stands twice in one mapping"))
        }
        Yaml::Message { msg, .. } if !path.is_empty() => text.error(place, &format!("wrong value of `{path}`: {msg}")),
        _ => match expected_at(&path) {
            Some(expected) if !path.is_empty() && !is_key => {
                text.error(place, &format!("wrong value of `{path}`, expected {expected}"))
            }
            _ => text.error(place, &first_line(&error.to_string())),
        },
    }
}

/// The YAML reader's own message without its place, which ours has already.
fn first_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default().trim();
    let line = line.strip_prefix("error: ").unwrap_or(line);
    shortened(line.split(" at line ").next().unwrap_or(line).trim_end_matches('.'), LONGEST_LINE)
}

/// Gives an error of a check (which knows a setting) the place in the file where that stands.
/// `exact`: only if the very setting was written there, not just a section around it.
pub(super) fn of_check(error: Error, tree: &Tree, text: &Text<'_>, exact: bool) -> Error {
    let Error::Plan { at, problem, hint } = &error else { return error };
    let name = at.rsplit('.').next();
    let Some(entry) = tree.nearest(at).filter(|entry| !exact || Some(entry.key.as_str()) == name) else { return error };
    let mut placed = text.error(Some(entry.key_at), &format!("`{at}` {problem}"));
    if let (Some(text), Error::Plan { hint, .. }) = (hint, &mut placed) {
        *hint = Some(text.clone());
    }
    placed
}

/// What the schema expects at a dotted path.
fn expected_at(path: &str) -> Option<String> {
    let root = Plan::schema();
    describe(&root, property(&root, path)?)
}

/// The schema's node of a setting.
pub(super) fn property<'s>(root: &'s Value, path: &str) -> Option<&'s Value> {
    path.split('.').try_fold(root, |node, name| {
        variants(root, node).into_iter().find_map(|node| node.get("properties")?.get(name))
    })
}

/// A schema node with references followed and alternatives spread out.
fn variants<'s>(root: &'s Value, node: &'s Value) -> Vec<&'s Value> {
    if let Some(name) = node.get("$ref").and_then(Value::as_str).and_then(|name| name.strip_prefix("#/$defs/")) {
        return root.get("$defs").and_then(|all| all.get(name)).map_or_else(Vec::new, |node| variants(root, node));
    }
    match node.get("anyOf").or_else(|| node.get("oneOf")).or_else(|| node.get("allOf")).and_then(Value::as_array) {
        Some(list) => list.iter().flat_map(|node| variants(root, node)).collect(),
        None => vec![node],
    }
}

/// A schema node in words.
pub(super) fn describe(root: &Value, node: &Value) -> Option<String> {
    let mut words: Vec<String> = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    for node in variants(root, node) {
        if let Some(name) = node.get("const").and_then(Value::as_str) {
            names.push(name);
        } else if let Some(Value::Bool(value)) = node.get("const") {
            names.push(if *value { "true" } else { "false" });
        } else if let Some(list) = node.get("enum").and_then(Value::as_array) {
            names.extend(list.iter().filter_map(Value::as_str));
        } else {
            words.extend(of_type(node));
        }
    }
    if !names.is_empty() {
        words.insert(0, hint::list(&names));
    }
    words.dedup();
    (!words.is_empty()).then(|| words.join(" or "))
}

/// The words for a node's type (or types) and bounds.
fn of_type(node: &Value) -> Vec<String> {
    let types: Vec<&str> = match node.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        _ => return Vec::new(),
    };
    let bound = |name: &str, word: &str| {
        node.get(name).and_then(Value::as_f64).filter(|bound| *bound != 0.0).map(|bound| format!(" {word} {bound}"))
    };
    let bounds = || {
        let both: Vec<String> =
            [bound("minimum", "of at least"), bound("maximum", "of at most")].into_iter().flatten().collect();
        both.join(" and").replace(" and of", " and")
    };
    types
        .into_iter()
        .filter_map(|name| {
            Some(match name {
                "integer" => format!("a whole number{}", bounds()),
                "number" => format!("a number{}", bounds()),
                "boolean" => "`true` or `false`".to_owned(),
                "string" => "a text".to_owned(),
                "array" => "a list".to_owned(),
                "object" => "a mapping of settings".to_owned(),
                "null" => "`null`".to_owned(),
                _ => return None,
            })
        })
        .collect()
}
