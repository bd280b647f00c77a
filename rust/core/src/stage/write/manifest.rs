//! `manifest.json`, written last: what a run was, and the digest of every file that it left.

use crate::digest::Digest;
use crate::rules::Loaded;
use crate::stage::read::Note;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The manifest's name in the run folder.
pub const MANIFEST: &str = "manifest.json";

/// The account of a run folder.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The version of corpuskit that wrote it.
    pub corpuskit: String,
    /// The effective plan.
    pub plan: serde_json::Value,
    /// Its digest.
    pub plan_digest: String,
    /// Settings that differ from the profile.
    pub deviations: serde_json::Value,
    /// The rule packs that labelled the records.
    pub packs: Vec<Loaded>,
    /// The settings of `corpuskit tag`, where the labels are no longer those of the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relabelled: Option<serde_json::Value>,
    /// The function that gave labels of its own, and their columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labelled_by: Option<LabelledBy>,
    /// Only so many records were asked for.
    pub limit: Option<u64>,
    /// The inputs as they were named.
    pub arguments: Vec<String>,
    /// The input files in the order in which they were read.
    pub inputs: Vec<ManifestInput>,
    /// What is to be said about inputs beside that.
    pub notes: Vec<Note>,
    /// Every other file of the folder but `timings.json`.
    pub files: Vec<ManifestFile>,
    /// BLAKE3 of this file with an empty text here.
    pub digest: String,
}

/// Labels that no rule gave.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LabelledBy {
    /// The function, as `module:name`.
    pub function: String,
    /// The columns that it filled.
    pub columns: Vec<String>,
}

/// An input file.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestInput {
    /// The path as origins show it.
    pub path: String,
    /// Bytes as they stand on disk.
    pub bytes: u64,
    /// BLAKE3; `null` where the file was not read to its end (a limit) or not at all.
    pub digest: Option<Digest>,
    /// `none`, `gzip` or `zstd`; `null` where that was not found out.
    pub compression: Option<String>,
    /// `lines`, `array`, `table` …; `null` where that was not found out.
    pub container: Option<String>,
    /// Units that were read from it.
    pub units: u64,
}

/// A file of the run folder.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestFile {
    /// The path within the folder.
    pub path: String,
    /// Bytes.
    pub bytes: u64,
    /// BLAKE3.
    pub digest: Digest,
    /// Lines, or rows of columns.
    pub rows: Option<u64>,
}

impl Manifest {
    /// The bytes of the file, with its digest in it.
    ///
    /// # Errors
    /// None that an input could cause.
    pub fn seal(&mut self) -> Result<Vec<u8>> {
        self.digest = String::new();
        self.digest = Digest::of(&self.text()?).to_string();
        self.text()
    }

    /// Reads the manifest of a folder and checks its digest.
    ///
    /// # Errors
    /// Where it is missing, is not a manifest or was changed.
    pub fn load(folder: &Path) -> Result<Self> {
        let path = folder.join(MANIFEST);
        let bytes = std::fs::read(&path).map_err(|error| Error::io(&path, error))?;
        let name = path.display().to_string();
        let mut manifest: Self = serde_json::from_slice(&bytes)
            .map_err(|error| Error::output(&name, format!("is not a manifest of this version: {error}")))?;
        let claimed = manifest.digest.clone();
        if manifest.seal()? != bytes || manifest.digest != claimed {
            return Err(Error::Check(format!("{name}: was changed, its digest does not agree")));
        }
        Ok(manifest)
    }

    fn text(&self) -> Result<Vec<u8>> {
        let mut text =
            serde_json::to_vec_pretty(self).map_err(|error| Error::Internal(format!("manifest: {error}")))?;
        text.push(b'\n');
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn any_flipped_byte_is_found() {
        let mut manifest = Manifest {
            corpuskit: "1.2.3".to_owned(),
            plan: serde_json::json!({"version": 1, "x": 1.0, "b": [true, null]}),
            plan_digest: "00".to_owned(),
            deviations: serde_json::json!([]),
            packs: Vec::new(),
            relabelled: None,
            labelled_by: None,
            limit: None,
            arguments: vec!["in/ü".to_owned()],
            inputs: Vec::new(),
            notes: Vec::new(),
            files: vec![ManifestFile {
                path: "data/x".to_owned(),
                bytes: 3,
                digest: Digest::of(b"abc"),
                rows: Some(1),
            }],
            digest: String::new(),
        };
        let bytes = manifest.seal().unwrap();
        let folder = std::env::temp_dir().join(format!("corpuskit-manifest-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(MANIFEST), &bytes).unwrap();
        assert_eq!(Manifest::load(&folder).unwrap(), manifest);
        for at in 0..bytes.len() {
            for flip in [1, 0x20, 0x80] {
                let mut changed = bytes.clone();
                changed[at] ^= flip;
                std::fs::write(folder.join(MANIFEST), &changed).unwrap();
                assert!(Manifest::load(&folder).is_err(), "byte {at} ^ {flip}");
            }
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
