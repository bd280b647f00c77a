//! Plans as YAML: for people to read (`plan show`) and to edit (`plan init`).

use super::message::{describe, property};
use super::{Deviation, Plan};
use serde_json::{Map, Value};
use std::fmt::Write;

/// Longest line of a comment.
const WIDTH: usize = 100;

/// The effective plan; a key that deviates names the profile's value.
pub(super) fn effective(plan: &Plan) -> String {
    let deviations = plan.deviations();
    let mut out = String::new();
    if let Value::Object(map) = plan.to_json() {
        write_map(&mut out, &map, "", &|path, _| deviation_comment(&deviations, path), &|_, _| String::new());
    }
    out
}

/// A plan with every key explained from the settings' own documentation.
pub(super) fn commented(plan: &Plan) -> String {
    let schema = Plan::schema();
    let mut out = String::from(
        "# A plan of corpuskit: every setting of `corpuskit process`, in the order of the flow.\n\
         # A key that you take out goes back to what the profile says; `corpuskit plan show` prints the result.\n",
    );
    if let Value::Object(map) = plan.to_json() {
        let above = |path: &str, depth: usize| {
            let Some(node) = property(&schema, path) else { return String::new() };
            let text = node.get("description").and_then(Value::as_str).unwrap_or_default();
            let mut comment = String::new();
            if depth == 0 && !out_of_head(path) {
                comment.push('\n');
            }
            let allowed = describe(&schema, node).filter(|words| words.starts_with('`'));
            let text = match allowed {
                Some(words) => format!("{} [{}]", text.replace('\n', " "), words.replace('`', "")),
                None => text.replace('\n', " "),
            };
            for line in wrap(text.trim(), WIDTH - 2 * depth - 2) {
                let _ = writeln!(comment, "{}# {line}", "  ".repeat(depth));
            }
            comment
        };
        write_map(&mut out, &map, "", &|_, _| String::new(), &above);
    }
    out
}

/// The two keys that stand before the sections.
fn out_of_head(path: &str) -> bool {
    path == "version" || path == "profile"
}

fn deviation_comment(deviations: &[Deviation], path: &str) -> String {
    deviations
        .iter()
        .find(|deviation| deviation.path == path)
        .map_or_else(String::new, |deviation| format!("  # profile: {}", flow(&deviation.profile)))
}

/// Says something about the setting at a path and a depth.
type Remark<'a> = dyn Fn(&str, usize) -> String + 'a;

fn write_map(out: &mut String, map: &Map<String, Value>, parent: &str, beside: &Remark<'_>, above: &Remark<'_>) {
    let depth = if parent.is_empty() { 0 } else { parent.matches('.').count() + 1 };
    for (key, value) in map {
        let path = if parent.is_empty() { key.clone() } else { format!("{parent}.{key}") };
        out.push_str(&above(&path, depth));
        let _ = write!(out, "{}{}:", "  ".repeat(depth), scalar(key));
        match value {
            Value::Object(below) if !below.is_empty() => {
                out.push_str(&beside(&path, depth));
                out.push('\n');
                write_map(out, below, &path, beside, above);
            }
            _ => {
                let _ = writeln!(out, " {}{}", flow(value), beside(&path, depth));
            }
        }
    }
}

/// A value on one line.
fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        Value::Array(list) => format!("[{}]", list.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let members: Vec<String> =
                map.iter().map(|(key, value)| format!("{}: {}", scalar(key), flow(value))).collect();
            format!("{{{}}}", members.join(", "))
        }
        other => other.to_string(),
    }
}

/// A text, in quotes (JSON's are YAML's) unless it is plainly a word.
fn scalar(text: &str) -> String {
    let is_word = text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte));
    let is_taken =
        ["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&text.to_ascii_lowercase().as_str());
    if is_word && !is_taken { text.to_owned() } else { Value::from(text).to_string() }
}

/// Breaks a text into lines of at most `width` characters, at spaces.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}
