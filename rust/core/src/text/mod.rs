//! Shared text primitives, no policy: characters, tokens, numbers, shingles and the hashes of them.
//!
//! They follow the deduplication rule of the design word for word; `tests/oracle/dedup_oracle.py` is
//! the same rule once more, in plain Python.

pub(crate) mod bits;
pub mod chars;
pub(crate) mod cuts;
pub mod distinct;
pub mod hash;
pub(crate) mod hashes;
pub mod normal;
pub mod numbers;
mod ranges;
pub mod shingles;
pub mod words;
