//! `store.json`: what a token store was made from, and the size and digest of every file in it.

use corpuskit_core::digest::Digest;
use corpuskit_core::{Error, Result};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Changed whenever the files mean something else.
pub const VERSION: u32 = 1;

/// Bytes of a token.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Width {
    /// Two, for vocabularies of at most 65,536.
    U16,
    /// Four.
    U32,
}

impl Width {
    /// The narrowest width that holds every token of a vocabulary.
    pub fn of(vocabulary: u32) -> Self {
        if vocabulary <= 1 << 16 { Self::U16 } else { Self::U32 }
    }

    /// Bytes.
    pub fn bytes(self) -> u64 {
        match self {
            Self::U16 => 2,
            Self::U32 => 4,
        }
    }
}

/// The arrays of a shard, one file each.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Column {
    /// Tokens.
    Ids,
    /// One bit a token.
    Mask,
    /// Where each document's tokens start.
    Documents,
    /// Trained tokens of each document.
    Supervised,
    /// Weight of each document's loss.
    Weight,
    /// The first document of each row.
    Rows,
    /// Why a row has no documents.
    Fate,
    /// Tokens of each row before any overflow policy.
    Seen,
    /// Trained tokens of each row before any overflow policy.
    SeenSupervised,
}

impl Column {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Ids,
        Self::Mask,
        Self::Documents,
        Self::Supervised,
        Self::Weight,
        Self::Rows,
        Self::Fate,
        Self::Seen,
        Self::SeenSupervised,
    ];

    /// The end of the file's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ids => "ids",
            Self::Mask => "mask",
            Self::Documents => "documents",
            Self::Supervised => "supervised",
            Self::Weight => "weight",
            Self::Rows => "rows",
            Self::Fate => "fate",
            Self::Seen => "seen",
            Self::SeenSupervised => "seen_supervised",
        }
    }

    /// The file in a store's folder.
    pub fn path(self, folder: &Path, shard: &str) -> PathBuf {
        folder.join(format!("{shard}.{}", self.name()))
    }

    /// How many bytes the file must have.
    pub fn bytes(self, shard: &ShardMeta, width: Width) -> u64 {
        match self {
            Self::Ids => shard.tokens * width.bytes(),
            Self::Mask => shard.tokens.div_ceil(8),
            Self::Documents => (shard.documents + 1) * 8,
            Self::Supervised | Self::Weight => shard.documents * 4,
            Self::Rows => (shard.rows + 1) * 8,
            Self::Fate => shard.rows,
            Self::Seen | Self::SeenSupervised => shard.rows * 4,
        }
    }
}

/// What decides the tokens: equal keys mean equal stores.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// The version of rendering and tokenising.
    pub version: u32,
    /// Digests of the data shards (or of the records), in order.
    pub records: Vec<Digest>,
    /// Digest of the tokenizer's files.
    pub tokenizer: Digest,
    /// Digest of the chat template.
    pub template: Digest,
    /// The settings: who is trained, overflow, longest document …
    pub settings: serde_json::Value,
}

impl Key {
    /// Names the folder of the store.
    ///
    /// # Errors
    /// None that an input could cause.
    pub fn digest(&self) -> Result<Digest> {
        let mut value = serde_json::to_value(self).map_err(|error| Error::Internal(error.to_string()))?;
        value.sort_all_objects();
        Ok(Digest::of(value.to_string().as_bytes()))
    }
}

/// What is in a store.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Meta {
    /// Version of the format.
    pub format: u32,
    /// What decides the tokens.
    pub key: Key,
    /// Tokens that the tokenizer knows, added ones included.
    pub vocabulary: u32,
    /// How tokens are stored.
    pub width: Width,
    /// Why rows have no documents; `fate` counts from 1.
    pub reasons: Vec<String>,
    /// The shards.
    pub shards: Vec<ShardMeta>,
    /// What else is to be said: the renderer and the tokenising backend that were used, and why.
    pub notes: Vec<String>,
}

impl Meta {
    pub(super) fn check(&self, path: &Path) -> Result<()> {
        let wrong = |what: String| Err(Error::input(path.display().to_string(), what));
        if self.format != VERSION {
            return wrong(format!("has format {}, expected {VERSION}", self.format));
        }
        if self.width != Width::of(self.vocabulary) {
            return wrong("the width of its tokens does not fit its vocabulary".to_owned());
        }
        for shard in &self.shards {
            // A name becomes a path.
            if shard.name.is_empty() || !shard.name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) {
                return wrong(format!("shard `{}`: expected letters, digits, `-`, `_` and `.`", shard.name));
            }
        }
        Ok(())
    }

    /// Documents of all shards.
    pub fn documents(&self) -> u64 {
        self.shards.iter().map(|shard| shard.documents).sum()
    }

    /// Tokens of all shards.
    pub fn tokens(&self) -> u64 {
        self.shards.iter().map(|shard| shard.tokens).sum()
    }

    /// Trained tokens of all shards.
    pub fn supervised(&self) -> u64 {
        self.shards.iter().map(|shard| shard.supervised).sum()
    }
}

/// A shard of a store.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ShardMeta {
    /// The name of the data shard without its endings: `part-00000`.
    pub name: String,
    /// Lines of the data shard.
    pub rows: u64,
    /// What they became.
    pub documents: u64,
    /// Tokens of all documents.
    pub tokens: u64,
    /// Trained tokens of all documents.
    pub supervised: u64,
    /// BLAKE3 of each array, in the order of [`Column::ALL`].
    pub digests: Vec<Digest>,
}

impl ShardMeta {
    pub(super) fn verify(&self, folder: &Path) -> Result<()> {
        for (column, &expected) in Column::ALL.into_iter().zip(&self.digests) {
            let path = column.path(folder, &self.name);
            let file = std::fs::File::open(&path).map_err(|error| Error::io(&path, error))?;
            let mut hasher = blake3::Hasher::new();
            hasher.update_reader(file).map_err(|error| Error::io(&path, error))?;
            if *hasher.finalize().as_bytes() != expected.0 {
                return Err(Error::Check(format!("{}: was changed, its digest does not agree", path.display())));
            }
        }
        Ok(())
    }
}
