//! `convert`: records of a finished run, or any input, in another form or in their own schema again.
//!
//! One record in, at most one line out, in input order. What cannot be converted is reported, never
//! left out silently. Nothing is normalised, filtered or deduplicated here.

use crate::error::{Error, Result};
use crate::json::{self, Limits};
use crate::record::{Origin, Place};
use crate::stage::parse::{ParseSettings, Parsed, Parser, family};
use crate::stage::read::{Body, Inputs, ReadSettings, Reader, Unit};
use crate::stage::write::form::{Form, write_record};
use bumpalo::Bump;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

/// What records are converted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A form of output.
    Form(Form),
    /// The schema that `_schema` names: records of a finished run as they came, texts aside that a
    /// stage changed. A whole text file comes back as `{"text": …}`.
    Own,
}

/// A unit that was not converted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Where it stands in the input of this conversion.
    pub origin: String,
    /// The reason code: of `parse.`, `read.`, `write.form.` or `convert.`.
    pub reason: &'static str,
    /// The same for people.
    pub detail: String,
}

/// What was done. `units = empty + written + the sum of refused`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Converted {
    /// Units read.
    pub units: u64,
    /// Units of white space.
    pub empty: u64,
    /// Lines written.
    pub written: u64,
    /// Units that were refused, by reason.
    pub refused: BTreeMap<&'static str, u64>,
}

/// Converts. Each refused unit is handed to `refused`, which may stop by returning an error.
///
/// # Errors
/// Wrong settings, unusable inputs, a failed write, a defect whose policy is `strict`.
pub fn convert(
    inputs: &[String],
    read: &ReadSettings,
    parse: &ParseSettings,
    target: Target,
    out: &mut dyn Write,
    refused: &mut dyn FnMut(&Refused) -> Result<()>,
) -> Result<Converted> {
    let parser = Parser::new(parse)?;
    let arguments = inputs.iter().map(|input| run_data(input)).collect::<Result<Vec<_>>>()?;
    let inputs = Arc::new(Inputs::discover(&arguments, read)?);
    let mut reader = Reader::new(inputs, read)?;
    let mut done = Converted::default();
    let mut arena = Bump::new();
    let mut lines = Vec::new();
    while let Some(batch) = reader.next_batch()? {
        for unit in batch.units(&arena) {
            done.units += 1;
            let start = lines.len();
            match one(&parser, &unit, target, &arena, &mut lines)? {
                Outcome::Written => {
                    lines.push(b'\n');
                    done.written += 1;
                }
                Outcome::Empty => done.empty += 1,
                Outcome::Refused(reason, detail) => {
                    lines.truncate(start);
                    *done.refused.entry(reason).or_default() += 1;
                    refused(&Refused { origin: unit.origin.to_string(), reason, detail })?;
                }
            }
            if lines.len() > 1 << 20 {
                flush(&mut lines, out)?;
            }
        }
        arena.reset();
    }
    flush(&mut lines, out)?;
    out.flush().map_err(|source| Error::io("output", source))?;
    Ok(done)
}

fn flush(lines: &mut Vec<u8>, out: &mut dyn Write) -> Result<()> {
    out.write_all(lines).map_err(|source| Error::io("output", source))?;
    lines.clear();
    Ok(())
}

/// Of the folder of a finished run its kept records; every other argument stays as it is.
fn run_data(argument: &str) -> Result<String> {
    let folder = Path::new(argument);
    let data = folder.join("data");
    if !data.is_dir() || !folder.join("report.json").exists() && !folder.join("manifest.json").exists() {
        return Ok(argument.to_owned());
    }
    if !folder.join("manifest.json").exists() {
        return Err(Error::input(argument, "an unfinished run, expected a finished one")
            .with_hint("run the same `corpuskit process` command again; it continues"));
    }
    Ok(data.to_string_lossy().into_owned())
}

enum Outcome {
    Written,
    Empty,
    Refused(&'static str, String),
}

fn one<'a>(parser: &Parser, unit: &Unit<'a>, target: Target, arena: &'a Bump, out: &mut Vec<u8>) -> Result<Outcome> {
    let record = match parser.parse(unit, arena)? {
        Parsed::Empty => return Ok(Outcome::Empty),
        Parsed::Rejected(rejection) => return Ok(Outcome::Refused(rejection.reason, rejection.detail)),
        Parsed::Record(record) => record,
    };
    match target {
        Target::Form(form) => Ok(match write_record(out, &record, form) {
            Ok(()) => Outcome::Written,
            Err(inexpressible) => Outcome::Refused(inexpressible.reason, inexpressible.detail.to_owned()),
        }),
        Target::Own => {
            let mut line = Vec::new();
            write_record(&mut line, &record, Form::Messages)
                .map_err(|error| Error::Internal(format!("the canonical form refused a record: {error}")))?;
            let restored = if record.schema.family == "corpuskit" {
                restore(&line, arena).and_then(|own| restore(&own, arena))
            } else {
                restore(&line, arena)
            };
            Ok(match restored {
                Ok(own) => {
                    out.extend_from_slice(&own);
                    Outcome::Written
                }
                Err(problem) => Outcome::Refused("convert.schema", problem),
            })
        }
    }
}

/// One record, a JSON text of its own, converted. White space gives nothing.
///
/// # Errors
/// `Error::Input` for what is no record or cannot be converted, with the reason code.
pub fn convert_line(line: &[u8], parse: &ParseSettings, target: Target) -> Result<Vec<u8>> {
    let arena = Bump::new();
    let unit = Unit { origin: Origin { path: "-", place: Place::Line(1) }, byte: 0, body: Body::Json(line) };
    let mut out = Vec::new();
    match one(&Parser::new(parse)?, &unit, target, &arena, &mut out)? {
        Outcome::Written | Outcome::Empty => Ok(out),
        Outcome::Refused(reason, detail) => Err(Error::input("-:1", format!("{reason}: {detail}"))),
    }
}

/// A canonical record in the schema that it names.
fn restore(line: &[u8], arena: &Bump) -> std::result::Result<Vec<u8>, String> {
    let text = std::str::from_utf8(arena.alloc_slice_copy(line)).map_err(|error| error.to_string())?;
    let node = json::parse(text, arena, Limits { depth: 1100 }).map_err(|defect| defect.describe(line))?;
    let name = node.get("_schema").and_then(|schema| schema.get("family")).and_then(|name| name.as_str());
    let name = name.ok_or("the record has no `_schema.family`")?;
    let family = family(name).ok_or_else(|| format!("no family is called `{name}`"))?;
    let mut out = Vec::new();
    family.restore(&node, &mut out)?;
    Ok(out)
}

#[cfg(test)]
mod tests;
