//! What a run folder says about itself before it is labelled anew.

use crate::report::Report;
use crate::stage::parse::ParseSettings;
use crate::stage::write::form::Form;
use crate::stage::write::manifest::Manifest;
use crate::stage::write::{Format, LabelPlace, WriteSettings};
use crate::{Error, Result};
use std::path::Path;

/// How its lines are read: nothing in them is to be mended, and nothing is too deep.
pub(super) fn parse_settings(manifest: &Manifest) -> ParseSettings {
    let given = manifest.plan.get("parse").cloned().and_then(|parse| serde_json::from_value(parse).ok());
    let given: ParseSettings = given.unwrap_or_default();
    ParseSettings { max_depth: given.max_depth, ..ParseSettings::default() }
}

/// How the run was written; refuses what does not hold the records themselves.
pub(super) fn written(manifest: &Manifest, name: &str) -> Result<WriteSettings> {
    let write = manifest.plan.get("write").cloned().unwrap_or_default();
    let mut write: WriteSettings = serde_json::from_value(write)
        .map_err(|error| Error::output(name, format!("was written by another version of corpuskit: {error}")))?;
    if write.form != Form::Messages {
        return Err(Error::output(
            name,
            "holds records in another form than `messages`, which has no place for labels",
        )
        .with_hint("run `corpuskit process` with `write.form: messages`"));
    }
    if write.format == Format::Parquet && write.labels == LabelPlace::Inline {
        return Err(Error::output(name, "holds labels within Parquet records, which are not written anew")
            .with_hint("`write.labels: columns` keeps them beside the records"));
    }
    // Shards keep their rows.
    write.shard_bytes = u64::MAX;
    Ok(write)
}

/// No manifest, no finished run.
pub(super) fn unfinished(error: Error) -> Error {
    match error {
        Error::Io { path, source } if source.kind() == std::io::ErrorKind::NotFound => {
            let folder = path.parent().unwrap_or(&path).display().to_string();
            Error::output(folder, "has no manifest, expected the folder of a finished run")
                .with_hint("an unfinished run is continued by the command that began it")
        }
        error => error,
    }
}

pub(super) fn report(folder: &Path) -> Result<Report> {
    let path = folder.join("report.json");
    let text = std::fs::read(&path).map_err(|error| Error::io(&path, error))?;
    serde_json::from_slice(&text).map_err(|_| damaged(folder, "report.json is damaged"))
}

pub(super) fn damaged(folder: &Path, what: &str) -> Error {
    Error::output(folder.display().to_string(), what.to_owned()).with_hint("`corpuskit audit` names what is wrong")
}
