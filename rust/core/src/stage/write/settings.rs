//! How kept records are written.

use super::form::Form;
use crate::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How kept records are written.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct WriteSettings {
    /// The schema of `data/`. Fields that begin with `_` are written in form `messages` only.
    pub form: Form,
    /// What `data/` is written as. `parquet` needs room for its lines, compressed, until the run ends.
    pub format: Format,
    /// How `data/`, `dropped/`, `duplicates/` and `rejected/` are compressed; of Parquet, the pages.
    pub compression: Compression,
    /// Compression level: 1 to 19 for zst (default 3), 1 to 9 for gz (default 6).
    pub level: Option<u8>,
    /// A shard ends with the record that reaches this many uncompressed bytes.
    pub shard_bytes: u64,
    /// Where labels and scores go.
    pub labels: LabelPlace,
}

/// What `data/` is written as.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Lines of JSON.
    #[default]
    Jsonl,
    /// Parquet with the same columns in every shard: those that the kept records have.
    Parquet,
}

/// How a file of records is compressed.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// Zstandard in frames of about 1 MiB.
    #[default]
    Zst,
    /// Gzip in members of about 1 MiB.
    Gz,
    /// Plain lines.
    None,
}

impl Compression {
    /// How the names of such files end.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Zst => ".jsonl.zst",
            Self::Gz => ".jsonl.gz",
            Self::None => ".jsonl",
        }
    }
}

/// Where labels and scores go.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LabelPlace {
    /// Only into `columns/`.
    #[default]
    Columns,
    /// Into the records as well (`_category`, `_persona`, `_traits`, `_scores`).
    Inline,
}

impl Default for WriteSettings {
    fn default() -> Self {
        Self {
            form: Form::default(),
            format: Format::default(),
            compression: Compression::default(),
            level: None,
            shard_bytes: 256 << 20,
            labels: LabelPlace::default(),
        }
    }
}

impl WriteSettings {
    /// Smallest shard that may be asked for.
    pub const MIN_SHARD_BYTES: u64 = 1024;

    /// Checks the values.
    ///
    /// # Errors
    ///
    /// A level that the compression does not have, or shards below 1 KiB.
    pub fn check(&self) -> Result<()> {
        if self.shard_bytes < Self::MIN_SHARD_BYTES {
            return Err(Error::plan(
                "write.shard_bytes",
                format!("must be at least {}, got {}", Self::MIN_SHARD_BYTES, self.shard_bytes),
            ));
        }
        let most = match self.compression {
            Compression::Zst => 19,
            Compression::Gz => 9,
            Compression::None => {
                return match self.level {
                    None => Ok(()),
                    Some(_) => Err(Error::plan("write.level", "is set, but `write.compression` is `none`")
                        .with_hint("leave the level out or choose `zst` or `gz`")),
                };
            }
        };
        match self.level {
            Some(level) if !(1..=most).contains(&level) => {
                Err(Error::plan("write.level", format!("must be between 1 and {most}, got {level}")))
            }
            _ => Ok(()),
        }
    }
}
