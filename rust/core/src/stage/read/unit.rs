//! A unit: the smallest thing that becomes a record, is empty, or is rejected.

use crate::json::Node;
use crate::record::{Origin, Rejection};

/// One unit of the input.
#[derive(Clone, Debug)]
pub struct Unit<'a> {
    /// Where it stands.
    pub origin: Origin<'a>,
    /// Its first byte in the file, after decompression.
    pub byte: u64,
    /// What it is.
    pub body: Body<'a>,
}

/// What a unit is.
#[derive(Clone, Debug)]
pub enum Body<'a> {
    /// A blank line or row.
    Empty,
    /// A line, an element or a file that should be one JSON value. Its bytes as they stand, not checked.
    Json(&'a [u8]),
    /// A row of a table as an object of strings, in column order.
    Row(Node<'a>),
    /// The same of a row that was not UTF-8 and was decoded as cp1252: parse applies its policy for that.
    DecodedRow(Node<'a>),
    /// A whole file of text, without a byte order mark. Its bytes as they stand, not checked.
    Text(&'a [u8]),
    /// Something that could not be read as a unit.
    Rejected {
        /// Why: `read.too_long`, `read.unsupported`, `read.unreadable`, `read.corrupt`, `read.broken`.
        rejection: Rejection,
        /// Its first bytes, at most 4 KiB.
        head: &'a [u8],
        /// Its length in bytes (of an unsupported file, the length on disk).
        length: u64,
        /// The BLAKE3 digest of a file that is set aside as a whole.
        digest: Option<&'a str>,
    },
}

/// A unit that owns its bytes, for random access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedUnit {
    /// Where it stands, as an origin is written.
    pub origin: String,
    /// Its first byte in the file, after decompression.
    pub byte: u64,
    /// What it is.
    pub body: OwnedBody,
}

/// What an owned unit is: the owned twin of `Body`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnedBody {
    /// A blank line or row.
    Empty,
    /// A JSON value, not checked.
    Json(Vec<u8>),
    /// A table row, as the JSON text of an object of strings.
    Row(String),
    /// The same of a row that was decoded as cp1252.
    DecodedRow(String),
    /// A whole file of text.
    Text(Vec<u8>),
    /// Something that could not be read as a unit.
    Rejected {
        /// Why.
        rejection: Rejection,
        /// Its first bytes.
        head: Vec<u8>,
        /// Its length in bytes.
        length: u64,
        /// Its digest, of a whole file.
        digest: Option<String>,
    },
}

impl From<&Unit<'_>> for OwnedUnit {
    fn from(unit: &Unit<'_>) -> Self {
        let body = match &unit.body {
            Body::Empty => OwnedBody::Empty,
            Body::Json(bytes) => OwnedBody::Json(bytes.to_vec()),
            Body::Row(node) => OwnedBody::Row(node.raw.to_owned()),
            Body::DecodedRow(node) => OwnedBody::DecodedRow(node.raw.to_owned()),
            Body::Text(bytes) => OwnedBody::Text(bytes.to_vec()),
            Body::Rejected { rejection, head, length, digest } => OwnedBody::Rejected {
                rejection: rejection.clone(),
                head: head.to_vec(),
                length: *length,
                digest: digest.map(str::to_owned),
            },
        };
        Self { origin: unit.origin.to_string(), byte: unit.byte, body }
    }
}
