//! Examples of what a run did not keep, a few a reason.

use crate::json::{Limits, Node, parse};
use crate::report::Report;
use crate::stage::write::manifest::Manifest;
use crate::stage::write::shards::each_line;
use crate::{Error, Result};
use bumpalo::Bump;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Characters of a record that are shown, at most.
const SHOWN: usize = 240;

/// A unit or record that was not kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Example {
    /// Where it came from.
    pub origin: String,
    /// What the reason rests on, as JSON; empty where the reason says it all.
    pub evidence: String,
    /// Its beginning: the turns of a record, the bytes of a unit.
    pub text: String,
}

/// A reason, how often it was given, and examples in input order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The reason's code.
    pub reason: String,
    /// Records or units with it.
    pub count: u64,
    /// The first of them.
    pub examples: Vec<Example>,
}

/// The first `most` examples of every reason of a finished run, dropped records before rejected units, reasons by name.
///
/// # Errors
/// A folder that is not a finished run, and files that cannot be read.
pub fn drops(folder: &Path, most: usize) -> Result<Vec<Reason>> {
    let manifest = Manifest::load(folder)?;
    let path = folder.join("report.json");
    let text = std::fs::read(&path).map_err(|error| Error::io(&path, error))?;
    let report: Report = serde_json::from_slice(&text)
        .map_err(|error| Error::output(path.display().to_string(), format!("is not a report: {error}")))?;
    let mut out = read(folder, &manifest, "dropped/", &report.dropped, most)?;
    out.extend(read(folder, &manifest, "rejected/", &report.rejected, most)?);
    Ok(out)
}

fn read(
    folder: &Path,
    manifest: &Manifest,
    prefix: &str,
    counts: &BTreeMap<String, u64>,
    most: usize,
) -> Result<Vec<Reason>> {
    let mut found: BTreeMap<&str, Vec<Example>> = counts.keys().map(|reason| (reason.as_str(), Vec::new())).collect();
    let mut missing: u64 = counts.values().map(|&count| count.min(most as u64)).sum();
    let mut arena = Bump::new();
    for file in manifest.files.iter().filter(|file| file.path.starts_with(prefix)) {
        if missing == 0 {
            break;
        }
        let path = folder.join(&file.path);
        each_line(&path, |line| {
            arena.reset();
            let wrong = || Error::Check(format!("{}: a line is not of this version", path.display()));
            let text = std::str::from_utf8(line).map_err(|_| wrong())?;
            let node = parse(text, &arena, Limits { depth: 2048 }).map_err(|_| wrong())?;
            let text_of = |key: &str| node.get(key).and_then(|node| node.as_str());
            let examples = text_of("reason").and_then(|reason| found.get_mut(reason)).ok_or_else(wrong)?;
            if examples.len() < most {
                missing -= 1;
                examples.push(Example {
                    origin: text_of("origin").unwrap_or_default().to_owned(),
                    evidence: node.get("evidence").map_or("", |node| node.raw).to_owned(),
                    text: shown(&node),
                });
            }
            Ok(missing > 0)
        })?;
    }
    let reason = |(reason, examples): (&str, Vec<Example>)| Reason {
        reason: reason.to_owned(),
        count: counts.get(reason).copied().unwrap_or_default(),
        examples,
    };
    Ok(found.into_iter().map(reason).collect())
}

/// The beginning of what the line holds, on one line.
fn shown(line: &Node<'_>) -> String {
    let mut out = String::new();
    if let Some(record) = line.get("record") {
        let messages = record.get("messages").and_then(|node| node.as_array()).unwrap_or_default();
        for message in messages {
            let of = |key: &str| message.get(key).and_then(|node| node.as_str());
            let content = message.get("content").map_or("", |node| node.as_str().unwrap_or(node.raw));
            out.push_str(if out.is_empty() { "" } else { " | " });
            out.push_str(of("role").unwrap_or("?"));
            out.push_str(": ");
            out.push_str(content);
            if out.len() > 4 * SHOWN {
                break;
            }
        }
    } else {
        out.push_str(line.get("raw").or(line.get("raw_base64")).and_then(|node| node.as_str()).unwrap_or_default());
    }
    let one_line: String = out.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN + 1).collect();
    match one_line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &one_line[..end]),
        None => one_line,
    }
}
