//! `why`: the life of one record of a finished run: where it came from, what was changed, what was
//! decided, whom it doubles.

use crate::audit::digest;
use crate::json::write_string;
use crate::plan::Plan;
use crate::record::{Change, Changes, Content, Message, Record};
use crate::stage::PerRecord;
use crate::stage::normalise::{Html, Normalise, NormaliseSettings};
use crate::stage::parse::{Parsed, Parser};
use crate::stage::read::{Body, Inputs, Reader, Unit};
use crate::stage::write::form::write_record;
use crate::stage::write::manifest::{Manifest, ManifestInput};
use crate::stage::write::shards::{each_line, each_row};
use crate::{Error, Result};
use bumpalo::Bump;
use serde::Serialize;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;

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
        changes: Vec<(String, u32)>,
        /// What was written.
        record: Value,
    },
    /// In `dropped/`.
    Dropped {
        /// The reason code.
        reason: String,
        /// What was measured.
        evidence: Value,
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

/// The source of a record as it is today.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Source {
    /// `same`, `changed`, `missing` or `unknown` (the run did not read the file to its end).
    pub state: String,
    /// The unit as it stands there, as far as it is text.
    pub text: Option<String>,
    /// What each kind of change does to each turn, run again.
    pub steps: Vec<Step>,
    /// Whether running the per-record stages again gives what was written; of kept records only.
    pub reproduced: Option<bool>,
}

/// A change of a turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The kind; empty for the sum of all where kinds work on each other's results.
    pub change: String,
    /// The turn, from 1.
    pub turn: usize,
    /// Its role.
    pub role: String,
    /// Before.
    pub before: String,
    /// After; `None` where the turn was removed.
    pub after: Option<String>,
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
        look_at_source(&manifest, input, origin, fate.as_ref(), &mut source, &mut is_empty)?;
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
        return Ok(Some(match name {
            "dropped" => {
                Fate::Dropped { reason: text(take("reason")), evidence: take("evidence"), record: take("record") }
            }
            "duplicates" => {
                let of = text(take("of"));
                let kept = match find_kept(folder, manifest, &of)? {
                    Some(Fate::Kept { record, .. }) => Some(record),
                    _ => None,
                };
                let kind = text(take("kind"));
                let (prompt, response) = (pair(take("prompt")), pair(take("response")));
                Fate::Duplicate { of, kind, prompt, response, record: take("record"), kept }
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
                let changes = row.changes.iter().map(|(kind, times)| (kind.name().to_owned(), times)).collect();
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

fn value(line: &[u8]) -> Value {
    serde_json::from_slice(line).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(line).into_owned()))
}

/// Reads the unit again and runs the per-record stages on it.
fn look_at_source(
    manifest: &Manifest,
    input: &ManifestInput,
    origin: &str,
    fate: Option<&Fate>,
    source: &mut Source,
    is_empty: &mut bool,
) -> Result<()> {
    let plan: Plan = serde_json::from_value(manifest.plan.clone())
        .map_err(|error| Error::Check(format!("manifest.json: its plan cannot be read: {error}")))?;
    let Ok(mut inputs) = Inputs::discover(&manifest.arguments, &plan.read) else { return Ok(()) };
    inputs.files.retain(|file| file.path == input.path);
    let Some(file) = inputs.files.first() else { return Ok(()) };
    if inputs.has_stdin() {
        source.state = "unknown".to_owned();
        return Ok(());
    }
    source.state = match (input.digest, digest(file.real())) {
        (_, Err(_)) => return Ok(()),
        (None, Ok(_)) => "unknown",
        (Some(before), Ok((_, now))) if before == now => "same",
        (Some(_), Ok(_)) => "changed",
    }
    .to_owned();
    let mut reader = Reader::new(Arc::new(inputs), &plan.read)?;
    let arena = Bump::new();
    let mut batch_arena = Bump::new();
    while let Some(batch) = reader.next_batch()? {
        for unit in batch.units(&batch_arena) {
            if unit.origin.to_string() == origin {
                return replay(&plan, &unit, &arena, fate, source, is_empty);
            }
        }
        batch_arena.reset();
    }
    Ok(())
}

fn replay<'a>(
    plan: &Plan,
    unit: &Unit<'a>,
    arena: &'a Bump,
    fate: Option<&Fate>,
    source: &mut Source,
    is_empty: &mut bool,
) -> Result<()> {
    let bytes = match &unit.body {
        Body::Empty => &b""[..],
        Body::Json(bytes) | Body::Text(bytes) => bytes,
        Body::Row(node) | Body::DecodedRow(node) => node.raw.as_bytes(),
        Body::Rejected { head, .. } => head,
    };
    source.text = Some(String::from_utf8_lossy(bytes).into_owned());
    let parser = Parser::new(&plan.parse)?;
    let parse = || match parser.parse(unit, arena) {
        Ok(Parsed::Record(record)) => Some(record),
        _ => None,
    };
    *is_empty = matches!(parser.parse(unit, arena), Ok(Parsed::Empty));
    let (Some(before), Some(mut after)) = (parse(), parse()) else { return Ok(()) };
    let _ = Normalise::new(&plan.normalise)?.apply(&mut after, arena);
    for (kind, _) in after.changes.iter() {
        let (Some(only), Some(mut changed)) = (only(&plan.normalise, kind), parse()) else { continue };
        let _ = Normalise::new(&only)?.apply(&mut changed, arena);
        steps(kind.name(), &before, &changed, &mut source.steps);
    }
    if source.steps.is_empty() && after.changes != Changes::default() {
        steps("", &before, &after, &mut source.steps);
    }
    if let Some(Fate::Kept { record, .. }) = fate {
        let mut line = Vec::new();
        let written = write_record(&mut line, &after, plan.write.form).is_ok();
        source.reproduced = Some(written && value(&line) == *record);
    }
    Ok(())
}

/// The settings with this kind alone; `None` for changes of other stages.
fn only(settings: &NormaliseSettings, kind: Change) -> Option<NormaliseSettings> {
    let mut only = NormaliseSettings::off();
    match kind {
        Change::Nfc => only.nfc = true,
        Change::Mojibake => only.mojibake = true,
        Change::Control => only.control = true,
        Change::ZeroWidth => only.zero_width = true,
        Change::LineEnds => only.line_ends = true,
        Change::TrailingSpace => only.trailing_space = true,
        Change::HtmlEntities => only.html = Html::Entities,
        Change::HtmlTags => only.html = settings.html,
        Change::EmptyTurn => only.empty_turns = true,
        Change::Merge => only.merge = true,
        _ => return None,
    }
    Some(only)
}

/// The turns that differ. Where turns were removed, the rest is compared in order.
fn steps(change: &str, before: &Record<'_>, after: &Record<'_>, out: &mut Vec<Step>) {
    let mut rest = after.messages.iter().peekable();
    let removed = before.messages.len() - after.messages.len().min(before.messages.len());
    let mut left = removed;
    for (index, message) in before.messages.iter().enumerate() {
        let old = said(message);
        let step = |after: Option<String>| Step {
            change: change.to_owned(),
            turn: index + 1,
            role: message.role_given.to_owned(),
            before: old.clone(),
            after,
        };
        match rest.peek() {
            Some(new) if left == 0 || said(new) == old => {
                let role = (new.role_given != message.role_given).then(|| format!("{}: ", new.role_given));
                let now = said(new);
                if now != old || role.is_some() {
                    out.push(step(Some(format!("{}{now}", role.unwrap_or_default()))));
                }
                rest.next();
            }
            _ => {
                left = left.saturating_sub(1);
                out.push(step(None));
            }
        }
    }
}

/// What a turn says, for people.
fn said(message: &Message<'_>) -> String {
    let mut parts: Vec<&str> = message.reasoning.iter().map(|text| text.value).collect();
    match &message.content {
        Content::Text(text) => parts.push(text.value),
        Content::Parts(found) => parts.extend(found.iter().filter_map(|part| part.text).map(|text| text.value)),
        Content::Absent | Content::Null => {}
    }
    parts.join("\n")
}
