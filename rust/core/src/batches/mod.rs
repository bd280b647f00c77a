//! Records as columns in memory, for other tools: those of a finished run, and those that a run would keep.
//!
//! A finished run has the columns that all its records have, as `write.format: parquet` would give it. Of
//! records that are still to come nobody knows that: the first some thousand say which columns there are, and
//! what fits into none of them stands, as JSON, in a column `_rest` of its object. Either way nothing is lost.

mod columns;
mod finished;
mod flow;

pub use finished::{Finished, lines};
pub use flow::{LEARN, flow};

use crate::json::{self, Limits, Node};
use crate::{Error, Result};
use bumpalo::Bump;

/// Bytes of JSON that become one batch.
const CHUNK: usize = 4 << 20;

/// Lines nest deeper than the records they hold, and those deeper than plans allow were refused.
const DEPTH: usize = 2048;

/// A line as a node.
fn node<'a>(line: &'a [u8], arena: &'a Bump) -> Result<Node<'a>> {
    let text = std::str::from_utf8(line).ok();
    text.and_then(|line| json::parse(line, arena, Limits { depth: DEPTH }).ok())
        .ok_or_else(|| Error::Internal("a kept record is not JSON".to_owned()))
}
