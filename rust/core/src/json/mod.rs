//! JSON that keeps its own spelling: every node knows the bytes it was read from, so what no
//! stage touches is written back byte for byte (number spelling, key order, escapes).
//!
//! Nodes borrow from the input line or from the batch's arena and are freed with it.

mod check;
mod decoded;
mod defect;
mod node;
mod parse;
mod quiet;
mod repair;
mod scan;
mod scanner;
mod strings;
#[cfg(test)]
mod tests;
mod write;

pub use check::check;
pub use defect::{Defect, DefectKind};
pub use node::{Kind, Member, Node};
pub use parse::{Limits, parse};
pub use repair::{Mended, Repair};
pub(crate) use scanner::Scanner;
pub use strings::unescape;
pub use write::{is_one_line, write_anew, write_compact, write_string};
