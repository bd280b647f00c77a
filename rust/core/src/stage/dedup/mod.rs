//! Deduplication by one rule: a record is dropped if it equals, or on every judged side nearly
//! equals, a kept record before it; it names the first such record and the exact similarity.
//!
//! `Signer` does what concerns one record alone, on any core; `Index` decides, in input order.
//! MinHash bands only find candidates: true Jaccard similarity of the shingles decides, in integers.
//! Nothing is compared through a third record, and nothing is skipped for being short or frequent.
//!
//! A record that equals a kept one needs no signature: `KeptHashes` tells workers of most of them in time.

mod arguments;
mod deferred;
mod design;
mod entry;
mod hashes;
mod hot;
mod index;
mod keep;
mod log;
mod memory;
mod minhash;
mod settings;
mod sides;
mod signer;
mod similarity;
mod store;
mod table;
#[cfg(test)]
mod tests;

pub use deferred::{Deferred, Verdicts};
pub use entry::Entry;
pub use hashes::{KeptHashes, View};
pub use index::{Duplicate, Index, Judgement};
pub use keep::Keep;
pub use settings::{DedupSettings, Mode, Near, NearSettings, Threshold};
pub use signer::{Scratch, Signer};
