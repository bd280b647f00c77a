//! corpuskit's engine: from raw bytes to a clean, deduplicated corpus and a full account.
//!
//! ```text
//! read -> parse -> normalise -> filter   PerRecord, every core
//! dedup -> write                         InOrder, input order
//! ```
//!
//! No Python, no printing, no clock in any output: callers own the terminal and the time.

pub mod error;
pub mod json;
pub mod record;
pub mod stage;
pub mod text;

pub use error::{Error, Result};
