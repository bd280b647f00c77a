//! JSON that keeps its own spelling: every node knows the bytes it was read from, so what no
//! stage touches is written back byte for byte (number spelling, key order, escapes).
//!
//! Nodes borrow from the input line or from the batch's arena and are freed with it.

mod node;
mod parse;
mod strings;
mod write;

pub use node::{Kind, Member, Node};
pub use parse::{Defect, DefectKind, Limits, parse};
pub use strings::unescape;
pub use write::{write_compact, write_string};
