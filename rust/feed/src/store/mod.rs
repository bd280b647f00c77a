//! The token store: the tokens of every record of a corpus in files that are mapped, not read.
//!
//! ```text
//! FOLDER/store.json               written last: key, shards, reasons, size and digest of every file
//! FOLDER/part-00000.ids           tokens: u16 (vocabulary <= 65,536) or u32
//! FOLDER/part-00000.mask          one bit a token, lowest bit first: 1 = trained
//! FOLDER/part-00000.documents     u64, one more than documents: where each document's tokens start
//! FOLDER/part-00000.supervised    u32 a document: its trained tokens
//! FOLDER/part-00000.weight        f32 a document: weight of its loss
//! FOLDER/part-00000.rows          u64, one more than rows: the first document of each row
//! FOLDER/part-00000.fate          u8 a row: 0 = it has documents, n = `reasons[n - 1]` says why it has none
//! FOLDER/part-00000.seen          u32 a row: its tokens before any overflow policy
//! FOLDER/part-00000.seen_supervised  u32 a row: its trained tokens before any overflow policy
//! ```
//!
//! A *row* is a line of the data shard of the same name, so `(shard, row)` means here what it means in
//! `columns/` and in a selection. A *document* is what is packed: most rows have one, a row that was too
//! long has none (`drop`) or several (`window`), and a row that cannot be trained on has none.
//! Numbers are little-endian. Every array is its own file, so any of them is a NumPy array without a copy.

mod meta;
mod shard;
#[cfg(test)]
mod tests;
mod write;

pub use meta::{Column, Key, Meta, ShardMeta, Width};
pub use shard::{Document, Ids, Shard};
pub use write::{NewDocument, NewRow, ShardWriter, Writer};

use corpuskit_core::{Error, Result};
use std::path::{Path, PathBuf};

/// The name of the file that makes a folder a token store.
pub const STORE: &str = "store.json";

/// A finished token store; cheap to open, shared by any number of threads.
#[derive(Debug)]
pub struct TokenStore {
    folder: PathBuf,
    meta: Meta,
    shards: Vec<Shard>,
}

impl TokenStore {
    /// Maps the files of a store.
    ///
    /// # Errors
    /// Where the folder is not a finished store of this version, or a file has not the size that it says.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(STORE);
        let bytes = std::fs::read(&path).map_err(|error| Error::io(&path, error))?;
        let meta: Meta = serde_json::from_slice(&bytes).map_err(|error| {
            Error::input(path.display().to_string(), format!("is not a token store of this version: {error}"))
        })?;
        meta.check(&path)?;
        let shards = meta.shards.iter().map(|shard| Shard::open(folder, shard, meta.width)).collect::<Result<_>>()?;
        Ok(Self { folder: folder.to_owned(), meta, shards })
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What it was made from and what is in it.
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// The shards, in the order of the data shards.
    pub fn shards(&self) -> &[Shard] {
        &self.shards
    }

    /// The first document of a row that has one.
    pub fn document(&self, shard: usize, row: usize) -> Option<Document<'_>> {
        let shard = self.shards.get(shard)?;
        shard.document(shard.documents_of(row).next()?)
    }

    /// Reads every file and compares it with the digests that were written with it.
    ///
    /// # Errors
    /// Where one does not agree.
    pub fn verify(&self) -> Result<()> {
        self.meta.shards.iter().try_for_each(|shard| shard.verify(&self.folder))
    }
}
