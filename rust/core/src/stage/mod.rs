//! The stages. Two kinds only: per record (pure, any core) and in order (input order, one at a time).

use crate::record::{Record, Verdict};
use bumpalo::Bump;

pub mod dedup;
pub mod filter;
pub mod normalise;
pub mod parse;
pub mod read;
pub mod tag;
pub mod write;

/// A stage that looks at one record and nothing else, so that any core may run it.
pub trait PerRecord: Send + Sync {
    /// Changes the record or decides about it. Changes are counted in `record.changes`.
    fn apply<'a>(&self, record: &mut Record<'a>, arena: &'a Bump) -> Verdict;
}
