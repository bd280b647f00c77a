//! `why`: the life of one record of a finished run: where it came from, what was changed, what was
//! decided, whom it doubles.

mod replay;

pub use replay::{Mend, RoleMapping, Source, Step};

use crate::json::write_string;
use crate::stage::write::manifest::{Manifest, ManifestInput};
use crate::stage::write::shards::{each_line, each_row};
use crate::{Error, Result};
use serde::Serialize;
use serde_json::Value;
use std::path::Path;

/// The life of one unit of the input.
#[derive(Clone, Debug, Serialize)]
pub struct Why {
    /// Where it came from.
    pub origin: String,
    /// What became of it.
    pub fate: Fate,
    /// Its source today.
    pub source: Source,
}

/// What became of a unit.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum Fate {
    /// In `data/`.
    Kept {
        /// The file.
        shard: String,
        /// The line in it, from 0, and the row of the columns beside it.
        row: u64,
        /// How often each kind of change was made to it.
        changes: Vec<(String, u64)>,
        /// What was written.
        record: Value,
    },
    /// In `dropped/`.
    Dropped {
        /// The reason code.
        reason: String,
        /// What was measured.
        evidence: Value,
        /// How often each kind of change was made to it before.
        changes: Vec<(String, u64)>,
        /// The record.
        record: Value,
    },
    /// In `duplicates/`.
    Duplicate {
        /// Origin of the kept record.
        of: String,
        /// `exact` or `near`.
        kind: String,
        /// Shingles of the prompts: in both, in either.
        prompt: Option<[u64; 2]>,
        /// Shingles of the responses: in both, in either.
        response: Option<[u64; 2]>,
        /// How often each kind of change was made to it before.
        changes: Vec<(String, u64)>,
        /// The record.
        record: Value,
        /// The kept record.
        kept: Option<Value>,
    },
    /// In `rejected/`.
    Rejected {
        /// The whole line: reason, place of the defect, what was expected, the bytes.
        line: Value,
    },
    /// White space.
    Empty,
}

/// Tells the life of the unit at `origin`, as `_origin` and the other files name it.
///
/// # Errors
///
/// Where the folder is not a finished run, or the run knows no such unit.
pub fn why(folder: &Path, origin: &str) -> Result<Why> {
    let manifest = Manifest::load(folder)?;
    let input = input_of(&manifest, origin);
    let fate = find(folder, &manifest, origin)?;
    let mut source = Source { state: "missing".to_owned(), ..Source::default() };
    let mut is_empty = false;
    if let Some(input) = input {
        is_empty = replay::look_at_source(&manifest, input, origin, fate.as_ref(), &mut source)?;
    }
    let fate = match fate {
        Some(fate) => fate,
        None if is_empty => Fate::Empty,
        None => {
            let problem = format!("has no unit `{origin}`, expected an origin as in `_origin`, e.g. `in/a.jsonl:7`");
            return Err(Error::output(folder.display().to_string(), problem));
        }
    };
    Ok(Why { origin: origin.to_owned(), fate, source })
}

/// The input file that an origin is in: the longest path that it begins with.
fn input_of<'m>(manifest: &'m Manifest, origin: &str) -> Option<&'m ManifestInput> {
    let fits = |input: &&ManifestInput| {
        origin.strip_prefix(input.path.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '#']))
    };
    manifest.inputs.iter().filter(fits).max_by_key(|input| input.path.len())
}

fn files<'m>(manifest: &'m Manifest, folder: &str) -> impl Iterator<Item = &'m str> {
    let prefix = format!("{folder}/");
    manifest.files.iter().map(|file| file.path.as_str()).filter(move |path| path.starts_with(&prefix))
}

/// Looks for the unit in everything that the run wrote.
fn find(folder: &Path, manifest: &Manifest, origin: &str) -> Result<Option<Fate>> {
    if let Some(kept) = find_kept(folder, manifest, origin)? {
        return Ok(Some(kept));
    }
    for name in ["dropped", "duplicates", "rejected"] {
        let Some(mut line) = find_line(folder, manifest, name, origin)? else { continue };
        let mut take = |key: &str| line.get_mut(key).map(Value::take).unwrap_or_default();
        let text = |value: Value| value.as_str().unwrap_or_default().to_owned();
        let pair = |value: Value| serde_json::from_value::<Option<[u64; 2]>>(value).ok().flatten();
        let changes = trace(&take("changes"));
        return Ok(Some(match name {
            "dropped" => {
                let (reason, evidence) = (text(take("reason")), take("evidence"));
                Fate::Dropped { reason, evidence, changes, record: take("record") }
            }
            "duplicates" => {
                let of = text(take("of"));
                let kept = match find_kept(folder, manifest, &of)? {
                    Some(Fate::Kept { record, .. }) => Some(record),
                    _ => None,
                };
                let kind = text(take("kind"));
                let (prompt, response) = (pair(take("prompt")), pair(take("response")));
                Fate::Duplicate { of, kind, prompt, response, changes, record: take("record"), kept }
            }
            _ => Fate::Rejected { line },
        }));
    }
    Ok(None)
}

fn find_kept(folder: &Path, manifest: &Manifest, origin: &str) -> Result<Option<Fate>> {
    for (columns, shard) in files(manifest, "columns").zip(files(manifest, "data")) {
        let mut rows = 0;
        let mut found = None;
        each_row(&folder.join(columns), |row| {
            if row.origin == origin {
                let changes =
                    row.changes.iter().map(|(kind, times)| (kind.name().to_owned(), u64::from(times))).collect();
                found = Some((rows, changes));
                return Ok(false);
            }
            rows += 1;
            Ok(true)
        })?;
        let Some((row, changes)) = found else { continue };
        let mut at = 0;
        let mut record = Value::Null;
        each_line(&folder.join(shard), |line| {
            if at == row {
                record = value(line);
                return Ok(false);
            }
            at += 1;
            Ok(true)
        })?;
        return Ok(Some(Fate::Kept { shard: shard.to_owned(), row, changes, record }));
    }
    Ok(None)
}

/// The line of this origin in a folder of what is not kept.
fn find_line(folder: &Path, manifest: &Manifest, name: &str, origin: &str) -> Result<Option<Value>> {
    let mut head = b"{\"origin\":".to_vec();
    write_string(&mut head, origin);
    head.push(b',');
    let mut found = None;
    for file in files(manifest, name) {
        each_line(&folder.join(file), |line| {
            if line.starts_with(&head) {
                found = Some(value(line));
            }
            Ok(found.is_none())
        })?;
        if found.is_some() {
            break;
        }
    }
    Ok(found)
}

/// The trace of a line, in the order of the line.
fn trace(changes: &Value) -> Vec<(String, u64)> {
    let pairs = changes.as_object().into_iter().flatten();
    pairs.filter_map(|(kind, times)| Some((kind.clone(), times.as_u64()?))).collect()
}

fn value(line: &[u8]) -> Value {
    serde_json::from_slice(line).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(line).into_owned()))
}
