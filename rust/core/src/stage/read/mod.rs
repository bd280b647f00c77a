//! read: bytes of files, folders, globs and standard input become units.
//!
//! A unit is a line, a table row, an array element, a member of a map or a whole-file record. What
//! a file holds is told from its content: names only break ties. Nothing vanishes: every byte of
//! an input belongs to a unit, to an empty unit, or is punctuation of its container.
//!
//! `Reader` hands out batches in input order. It does only what must be serial (read, decompress,
//! digest, find the cut); `Batch::units` splits a batch into units on whichever worker has it. Cuts
//! depend on the bytes alone, never on threads, time or how much one system call returned.

mod batch;
mod columnar;
mod cursor;
mod decompress;
mod dialogues;
mod discover;
mod ipc;
mod lines;
mod locate;
mod masks;
mod parquet;
mod reader;
mod resume;
mod rows;
mod scan;
mod settings;
mod shape;
mod sniff;
mod source;
mod stdin;
mod stream;
mod structure;
mod table;
mod unit;
mod values;
mod walk;
mod whole;

pub use batch::{Batch, FileAccount};
pub use cursor::{Cursor, Position};
pub use discover::{Identity, InputFile, InputKind, Inputs, Note, StreamInput};
pub use ipc::IpcPlace;
pub use locate::unit_at;
pub use parquet::ParquetPlace;
pub use reader::Reader;
pub use rows::Table;
pub use settings::{Header, NullMembers, ReadSettings};
pub use sniff::Container;
pub use structure::{Structure, StructureKind};
pub use unit::{Body, OwnedBody, OwnedPlace, OwnedUnit, Unit};

/// Plain bytes of a batch, about: it ends with the unit that would pass this size.
pub const BATCH_BYTES: usize = 512 << 10;

/// Most bytes of a rejected unit that are kept to show it.
pub const HEAD_BYTES: usize = 4096;

#[cfg(test)]
mod fault_tests;
#[cfg(test)]
mod sniff_tests;
