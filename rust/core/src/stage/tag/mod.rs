//! tag: labels from rule packs, each with the spans that earned it.
//!
//! Tags are observations: they fill columns and never touch the text. A pack is data (TOML); the
//! words and phrases of all packs are found in one pass over the words of a turn, expressions run only
//! where a word that they need stands, and rules that cannot be narrowed down so are named as slow.

mod compile;
mod measure;
mod pack;
mod phrases;
mod scan;
mod tagger;
mod words;

#[cfg(test)]
mod tests;

pub use measure::Facts;
pub use compile::{Column, Compiled};
pub use pack::{Bounds, Mode, Pack, Rule, Same, Scope};
pub use scan::{Label, Scratch, Span, Turn};
pub use tagger::{TagSettings, Tagger};
