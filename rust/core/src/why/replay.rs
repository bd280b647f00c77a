//! The source of a unit as it is today, and the per-record stages run on it again.

use super::{Fate, value};
use crate::audit::digest;
use crate::plan::Plan;
use crate::record::{Change, Content, Message, Record, Verdict};
use crate::run::inline::inline;
use crate::stage::PerRecord;
use crate::stage::filter::Filter;
use crate::stage::normalise::{Html, Normalise, NormaliseSettings};
use crate::stage::parse::{Parsed, Parser};
use crate::stage::read::{Body, Inputs, Unit, unit_at};
use crate::stage::tag::{TagSettings, Tagger};
use crate::stage::write::LabelPlace;
use crate::stage::write::form::{Form, write_record};
use crate::stage::write::lines::{self, Rejected};
use crate::stage::write::manifest::{Manifest, ManifestInput};
use crate::{Error, Result};
use bumpalo::Bump;
use serde::Serialize;
use serde_json::Value;

/// Most bytes of a mended place that are shown.
const SHOWN: usize = 160;

/// Most mended places that are told.
const MENDS: usize = 1000;

/// The source of a record as it is today.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Source {
    /// `same` (it gives again what was written, or the whole file has its digest), `changed`, `missing` or
    /// `unknown` (standard input, or the run did not read the file to its end).
    pub state: String,
    /// The unit as it stands there, as far as it is text.
    pub text: Option<String>,
    /// The places that `parse` mended to read it, at most a thousand.
    pub mends: Vec<Mend>,
    /// The roles that are spelled otherwise there.
    pub roles: Vec<RoleMapping>,
    /// What each kind of change of `normalise` does to each turn, run again.
    pub steps: Vec<Step>,
    /// Whether running the per-record stages again gives what was written; `None` of what wrote nothing.
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

/// A place of the unit that `parse` mended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mend {
    /// The kind, as in the trace: `parse.trailing_comma` …
    pub change: String,
    /// The byte within the unit; `None` of table rows, which are decoded as a whole.
    pub byte: Option<u64>,
    /// What stands there; bytes that are not UTF-8 as `\xNN`.
    pub before: String,
    /// What was read instead.
    pub after: String,
}

/// A role that was given its canonical name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RoleMapping {
    /// The turn, from 1.
    pub turn: usize,
    /// Whether the turn is one of the rejected answer.
    pub rejected: bool,
    /// The role as the source spells it.
    pub given: String,
    /// The canonical role.
    pub role: String,
}

/// Reads the unit again, up to where it stands, and runs the per-record stages on it. The whole file is read
/// for its digest only where that does not give what was written. Returns whether the unit is empty.
pub(super) fn look_at_source(
    manifest: &Manifest,
    input: &ManifestInput,
    origin: &str,
    fate: Option<&Fate>,
    source: &mut Source,
) -> Result<bool> {
    let plan: Plan = serde_json::from_value(manifest.plan.clone())
        .map_err(|error| Error::Check(format!("manifest.json: its plan cannot be read: {error}")))?;
    let relabelled: Option<TagSettings> = match (&manifest.relabelled, fate) {
        // Only kept records are labelled anew.
        (Some(settings), Some(Fate::Kept { .. })) => Some(
            serde_json::from_value(settings.clone())
                .map_err(|error| Error::Check(format!("manifest.json: its labels cannot be read: {error}")))?,
        ),
        _ => None,
    };
    let Ok(mut inputs) = Inputs::discover(&manifest.arguments, &plan.read) else { return Ok(false) };
    inputs.files.retain(|file| file.path == input.path);
    let Some(file) = inputs.files.first() else { return Ok(false) };
    if inputs.has_stdin() {
        source.state = "unknown".to_owned();
        return Ok(false);
    }
    let mut is_empty = false;
    if let Some(unit) = unit_at(&inputs, &plan.read, origin)? {
        let arena = Bump::new();
        is_empty = replay(&plan, relabelled.as_ref(), &unit.unit(&arena), &arena, fate, source)?;
    }
    source.state = if source.reproduced == Some(true) {
        "same"
    } else {
        match (input.digest, digest(file.real())) {
            (_, Err(_)) => "missing",
            (None, Ok(_)) => "unknown",
            (Some(before), Ok((_, now))) if before == now => "same",
            (Some(_), Ok(_)) => "changed",
        }
    }
    .to_owned();
    Ok(is_empty)
}

/// Runs the stages on the unit. Returns whether it is empty.
fn replay<'a>(
    plan: &Plan,
    relabelled: Option<&TagSettings>,
    unit: &Unit<'a>,
    arena: &'a Bump,
    fate: Option<&Fate>,
    source: &mut Source,
) -> Result<bool> {
    let bytes = match &unit.body {
        Body::Empty => &b""[..],
        Body::Json(bytes) | Body::Text(bytes) => bytes,
        Body::Row(node) | Body::DecodedRow(node) => node.raw.as_bytes(),
        Body::Rejected { head, .. } => head,
    };
    source.text = Some(String::from_utf8_lossy(bytes).into_owned());
    let parser = Parser::new(&plan.parse)?;
    source.mends = mends(&parser, unit, bytes, arena);
    let parse = || match parser.parse(unit, arena) {
        Ok(Parsed::Record(record)) => Some(record),
        _ => None,
    };
    let (Some(before), Some(mut after)) = (parse(), parse()) else {
        if let (Ok(Parsed::Rejected(rejection)), Some(Fate::Rejected { line })) = (parser.parse(unit, arena), fate) {
            let (length, digest) = match &unit.body {
                Body::Rejected { head, length, digest, .. } => {
                    ((*length != head.len() as u64).then_some(*length), *digest)
                }
                _ => (None, None),
            };
            let origin = unit.origin.to_string();
            let again =
                Rejected { origin: &origin, unit_byte: unit.byte, rejection: &rejection, raw: bytes, length, digest };
            let mut written = Vec::new();
            lines::rejected(&mut written, &again);
            source.reproduced = Some(value(written.trim_ascii_end()) == *line);
        }
        return Ok(matches!(parser.parse(unit, arena), Ok(Parsed::Empty)));
    };
    source.roles = roles(&before.messages, false).collect();
    source.roles.extend(roles(before.rejected.as_deref().unwrap_or_default(), true));
    let _ = Normalise::new(&plan.normalise)?.apply(&mut after, arena);
    for (kind, _) in after.changes.iter() {
        let (Some(only), Some(mut changed)) = (only(&plan.normalise, kind), parse()) else { continue };
        let _ = Normalise::new(&only)?.apply(&mut changed, arena);
        steps(kind.name(), &before, &changed, &mut source.steps);
    }
    if source.steps.is_empty() && after.changes.iter().any(|(kind, _)| only(&plan.normalise, kind).is_some()) {
        steps("", &before, &after, &mut source.steps);
    }
    // A pack that is no longer there is missed only where a condition or a label in the record needs it.
    let tagger = Tagger::new(&plan.tag).or_else(|_| Tagger::new(&TagSettings::none()))?;
    let _ = tagger.apply(&mut after, arena);
    let verdict = Filter::new(&plan.filter, tagger.vocabulary())?.apply(&mut after, arena);
    if verdict == Verdict::Keep && plan.write.labels == LabelPlace::Inline {
        let relabelled = relabelled.map(Tagger::new).transpose()?;
        let tagger = relabelled.as_ref().unwrap_or(&tagger);
        let _ = tagger.apply(&mut after, arena);
        inline(&mut after, tagger.vocabulary(), arena);
    }
    source.reproduced = reproduced(plan, &after, &verdict, fate);
    Ok(false)
}

/// Whether the record and the verdict are those that were written.
fn reproduced(plan: &Plan, record: &Record<'_>, verdict: &Verdict, fate: Option<&Fate>) -> Option<bool> {
    let written = |form| {
        let mut line = Vec::new();
        write_record(&mut line, record, form).map(|()| value(&line))
    };
    let same = |form, expected: &Value| written(form).is_ok_and(|line| line == *expected);
    let kept = *verdict == Verdict::Keep;
    Some(match fate? {
        Fate::Kept { record, .. } => kept && same(plan.write.form, record),
        Fate::Duplicate { record, .. } => kept && same(Form::Messages, record),
        Fate::Dropped { reason: expected, record, .. } => {
            let dropped = match (verdict, written(plan.write.form)) {
                (Verdict::Drop { reason, .. }, _) => expected == reason,
                (Verdict::Keep, Err(problem)) => expected == problem.reason,
                (Verdict::Keep, Ok(_)) => false,
            };
            dropped && same(Form::Messages, record)
        }
        Fate::Rejected { .. } => false,
        Fate::Empty => return None,
    })
}

/// What `parse` mended in the unit.
fn mends(parser: &Parser, unit: &Unit<'_>, bytes: &[u8], arena: &Bump) -> Vec<Mend> {
    if matches!(unit.body, Body::DecodedRow(_)) {
        let (before, after) = ("bytes that are not UTF-8".to_owned(), "the row as Windows-1252".to_owned());
        return vec![Mend { change: Change::Encoding.name().to_owned(), byte: None, before, after }];
    }
    let shown = |at: usize, length: usize| {
        let end = at.saturating_add(length.min(SHOWN)).min(bytes.len());
        bytes.get(at..end).unwrap_or_default().escape_ascii().to_string()
    };
    let text = |at: usize, length: usize| match std::str::from_utf8(bytes.get(at..at + length).unwrap_or_default()) {
        Ok(text) if length <= SHOWN => text.to_owned(),
        _ => shown(at, length),
    };
    let mended = parser.mended(unit, arena, MENDS).into_iter().map(|mended| Mend {
        change: mended.kind.reason().to_owned(),
        byte: Some(mended.byte as u64),
        before: text(mended.byte, mended.removed),
        after: mended.put,
    });
    mended.collect()
}

/// The roles that are not spelled as their canonical names.
fn roles<'m>(messages: &'m [Message<'_>], rejected: bool) -> impl Iterator<Item = RoleMapping> + 'm {
    let renamed = messages.iter().enumerate().filter(|(_, message)| message.role_given != message.role.name());
    renamed.map(move |(index, message)| RoleMapping {
        turn: index + 1,
        rejected,
        given: message.role_given.to_owned(),
        role: message.role.name().to_owned(),
    })
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
