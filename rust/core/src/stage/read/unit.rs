//! What the reader hands to the parser: one unit of input.

use crate::json::Node;
use crate::record::{Origin, Rejection};

/// One unit of input: a line, a table row, an array element, a map entry or a whole file.
#[derive(Clone, Debug)]
pub struct Unit<'a> {
    /// Where it stands.
    pub origin: Origin<'a>,
    /// Byte offset in the (decompressed) file.
    pub byte: u64,
    /// What stands there.
    pub body: Body<'a>,
}

/// The content of a unit.
#[derive(Clone, Debug)]
pub enum Body<'a> {
    /// Nothing but white space.
    Empty,
    /// One JSON value, not parsed yet.
    Json(&'a [u8]),
    /// A table row as an object of strings.
    Row(Node<'a>),
    /// The text of a whole file, not decoded yet.
    Text(&'a [u8]),
    /// A unit that the reader refuses.
    Rejected {
        /// Why.
        rejection: Rejection,
        /// Its first bytes, at most 4 KiB.
        head: &'a [u8],
        /// Its length in bytes.
        length: u64,
        /// Its BLAKE3 digest in hexadecimal, where the reader knows it.
        digest: Option<&'a str>,
    },
}
