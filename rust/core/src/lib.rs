//! corpuskit's engine: from raw bytes to a clean, deduplicated corpus and a full account.
//!
//! ```text
//! read -> parse -> normalise -> filter   PerRecord, every core
//! dedup -> write                         InOrder, input order
//! ```
//!
//! No Python, no printing, no clock in any output: callers own the terminal and the time.

pub mod arrow;
pub mod audit;
pub mod batches;
pub mod convert;
pub mod digest;
pub mod drops;
pub mod error;
pub mod json;
pub mod peek;
pub mod plan;
pub mod reasons;
pub mod record;
pub mod report;
pub mod rules;
pub mod rules_bench;
pub mod run;
pub mod stage;
pub mod text;
pub mod why;

pub use error::{Error, Result};

/// The version of corpuskit.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
