//! Packing: documents become rows of at most a fixed number of tokens.
//!
//! Planned over lengths alone, so a plan of millions of documents takes a second, every rank and
//! worker can make the same one, and a loader reads only the tokens of the rows that are its own.

mod bitmap;
mod lengths;
mod packer;
mod row;
mod window;

pub use packer::{PackCursor, Packer};
