//! A unit: the smallest thing that becomes a record, is empty, or is rejected.

use crate::json::{self, Limits, Node};
use crate::record::{Origin, Place, Rejection};
use bumpalo::Bump;

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
    /// The input's path as origins show it.
    pub path: String,
    /// The place in the file.
    pub place: OwnedPlace,
    /// Its first byte in the file, after decompression.
    pub byte: u64,
    /// What it is.
    pub body: OwnedBody,
}

/// The owned twin of `Place`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnedPlace {
    /// `PATH:LINE`
    Line(u64),
    /// `PATH#INDEX`
    Index(u64),
    /// `PATH#KEY`
    Key(String),
    /// `PATH`
    Whole,
}

impl From<Place<'_>> for OwnedPlace {
    fn from(place: Place<'_>) -> Self {
        match place {
            Place::Line(line) => Self::Line(line),
            Place::Index(index) => Self::Index(index),
            Place::Key(key) => Self::Key(key.to_owned()),
            Place::Whole => Self::Whole,
        }
    }
}

/// The owned twin of `Body`.
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
        Self { path: unit.origin.path.to_owned(), place: unit.origin.place.into(), byte: unit.byte, body }
    }
}

impl OwnedUnit {
    /// Where it stands.
    pub fn origin(&self) -> Origin<'_> {
        let place = match &self.place {
            OwnedPlace::Line(line) => Place::Line(*line),
            OwnedPlace::Index(index) => Place::Index(*index),
            OwnedPlace::Key(key) => Place::Key(key),
            OwnedPlace::Whole => Place::Whole,
        };
        Origin { path: &self.path, place }
    }

    /// The unit as the reader hands it out, for stages that borrow.
    pub fn unit<'a>(&'a self, arena: &'a Bump) -> Unit<'a> {
        // A row's text is our own spelling, so that it parses.
        let row = |json: &'a str| json::parse(json, arena, Limits::default()).unwrap_or(Node::NULL);
        let body = match &self.body {
            OwnedBody::Empty => Body::Empty,
            OwnedBody::Json(bytes) => Body::Json(bytes),
            OwnedBody::Row(json) => Body::Row(row(json)),
            OwnedBody::DecodedRow(json) => Body::DecodedRow(row(json)),
            OwnedBody::Text(bytes) => Body::Text(bytes),
            OwnedBody::Rejected { rejection, head, length, digest } => {
                Body::Rejected { rejection: rejection.clone(), head, length: *length, digest: digest.as_deref() }
            }
        };
        Unit { origin: self.origin(), byte: self.byte, body }
    }
}
