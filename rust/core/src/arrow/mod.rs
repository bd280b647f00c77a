//! Columns and records: Parquet files and Arrow batches become lines of JSON, and records become columns.
//!
//! What comes in is not trusted. Sizes that a file claims are checked before memory is taken for them, and
//! what the libraries make of a damaged file, a panic included, is a message.

mod build;
mod layout;
mod lists;
mod messages;
mod numbers;
mod pages;
mod parquet_file;
mod rows;
mod scalars;
mod seen;
mod texts;
mod thrift;
mod time;

pub use build::Builder;
pub use layout::{Field, LAYOUT_KEY, Layout, Shape};
pub use messages::{Decoded, Messages};
pub use parquet_file::{GroupReader, ParquetFile};
pub use rows::{Nulls, Rows};
pub use seen::Seen;

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Deepest nesting of types that is read.
pub const MAX_DEPTH: usize = 64;

/// Runs code of a library on bytes that nobody checked: an error or a panic becomes a message.
fn guarded<T, E: std::fmt::Display>(work: impl FnOnce() -> Result<T, E>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(one_line(&error.to_string())),
        Err(_) => Err("it makes no sense to the reader".to_owned()),
    }
}

/// A message of a library, short and on one line.
fn one_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    line.chars().take(200).collect()
}
