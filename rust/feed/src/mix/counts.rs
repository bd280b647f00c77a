//! Trained tokens of every record as `corpuskit count` wrote them down.

use super::columns::{Rows, optional_integers, texts};
use corpuskit_core::digest::Digest;
use corpuskit_core::stage::write::manifest::Manifest;
use corpuskit_core::{Error, Result};
use parquet::file::reader::{FileReader, SerializedFileReader};
use std::fs::File;
use std::path::Path;

/// Trained tokens of each row (none where the record cannot be trained on), and the digest of the files; none where nobody counted.
pub(super) fn read(run: &Path, manifest: &Manifest, rows: &Rows) -> Result<Option<(Vec<u64>, Digest)>> {
    let is_table = |path: &str| path.starts_with("counts/") && path.ends_with(".parquet");
    let mut files: Vec<_> = manifest.files.iter().filter(|file| is_table(&file.path)).collect();
    if files.is_empty() {
        return Ok(None);
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    let mut amounts = Vec::with_capacity(rows.len());
    let mut text = String::new();
    for file in files {
        text.push_str(&format!("{} {}\n", file.digest, file.path));
        read_file(&run.join(&file.path), &mut amounts)?;
    }
    if amounts.len() != rows.len() {
        let found = format!("{}: counts/ has {} rows, columns/ {}", run.display(), amounts.len(), rows.len());
        return Err(Error::Check(found));
    }
    Ok(Some((amounts, Digest::of(text.as_bytes()))))
}

fn read_file(path: &Path, amounts: &mut Vec<u64>) -> Result<()> {
    let wrong = |what: String| Error::Check(format!("{}: {what}", path.display()));
    let file = File::open(path).map_err(|error| Error::io(path, error))?;
    let reader = SerializedFileReader::new(file).map_err(|error| wrong(error.to_string()))?;
    for number in 0..reader.num_row_groups() {
        let group = reader.get_row_group(number).map_err(|error| wrong(error.to_string()))?;
        let first = amounts.len();
        optional_integers(&*group, "supervised", |value| amounts.push(u64::from(value.unwrap_or(0).max(0) as u32)))
            .and_then(|()| {
                let mut at = first;
                texts(&*group, "reason", |reason| {
                    if let (Some(_), Some(amount)) = (reason, amounts.get_mut(at)) {
                        *amount = 0;
                    }
                    at += 1;
                })
            })
            .map_err(wrong)?;
    }
    Ok(())
}
