//! Where a reader stands after a batch, to go on from there in another process.

use super::discover::Identity;
use super::sniff::Container;
use crate::digest::Tree;
use serde::{Deserialize, Serialize};

/// Everything needed to continue after a batch. A few kilobytes, whatever the input.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// Batches handed out so far.
    pub seq: u64,
    /// The file that is open, else the next one to open: an index into `Inputs::files`.
    pub file: usize,
    /// Where in that file, if it has been begun.
    pub position: Option<Position>,
}

/// A place between two units of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// Offset of the next unit after decompression.
    pub byte: u64,
    /// Line number or index of the next unit.
    pub number: u64,
    /// How the file divides into units, and what is open at this place.
    pub container: Container,
    /// What the file system said about the file when it was listed.
    pub identity: Option<Identity>,
    /// Digest of the file's bytes on disk that were read so far: exactly `byte` of them in a plain file.
    pub digest: Tree,
}
