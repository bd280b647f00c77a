//! Rule packs: labels as data, each with the spans that earned it.
//!
//! A pack is a TOML file; the words and phrases of all packs are found in one pass over the words of a
//! turn, expressions run only where a word that they need stands, and rules that cannot be narrowed
//! down so are named as slow. Nothing here changes a text.

mod begins;
mod blocks;
mod bounds;
mod compile;
mod decide;
mod explain;
mod expression;
mod groups;
mod hits;
mod literals;
mod measure;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod oracle_tests;
mod pack;
mod packs;
mod phrases;
mod scan;
mod sentences;
mod stems;
mod table;
#[cfg(test)]
mod tests;
mod turns;
mod words;

pub use compile::{Column, Compiled, Loaded};
pub use explain::{Explanation, Overview, Place, explain, overview};
pub use measure::{Facts, Measure};
pub use pack::{Bounds, Mode, Pack, Rule, Same, Scope};
pub use packs::{load, packs, shipped};
pub use scan::{Found, Scratch, Turn};
pub(crate) use turns::{facts_of, text_of, turns_of};
pub(crate) use words::hashes as word_hashes;
