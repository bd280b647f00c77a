//! From records to tokens: what a trainer is fed.
//!
//! ```text
//! canonical record -> render (segments, who speaks, what is learnt) -> tokenise -> token store
//! ```
//!
//! No Python, no printing, no clock in any output, as in `corpuskit-core`.

pub mod build;
pub mod conversation;
pub mod count;
pub mod counter;
pub mod guard;
pub mod loader;
pub mod mix;
pub mod pack;
pub mod render;
pub mod store;
pub mod tokenise;

pub use corpuskit_core::{Error, Result};
