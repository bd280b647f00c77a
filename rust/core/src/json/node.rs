//! A JSON value and the text it was read from.

use super::strings;
use bumpalo::Bump;

/// A JSON value. `raw` is its exact spelling, without surrounding white space.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a> {
    /// The value as it is spelled in the source.
    pub raw: &'a str,
    /// What it is.
    pub kind: Kind<'a>,
}

/// The kinds of JSON value.
#[derive(Clone, Copy, Debug)]
pub enum Kind<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number; its spelling is `Node::raw`.
    Number,
    /// A string, decoded: a slice of the source where it has no escapes, else in the arena.
    String(&'a str),
    /// An array.
    Array(&'a [Node<'a>]),
    /// An object, members in source order, duplicate keys included.
    Object(&'a [Member<'a>]),
}

/// One member of an object.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    /// The key, decoded.
    pub key: &'a str,
    /// The key as spelled, with its quotes.
    pub raw_key: &'a str,
    /// The value.
    pub value: Node<'a>,
}

impl<'a> Node<'a> {
    /// `null`.
    pub const NULL: Node<'static> = Node { raw: "null", kind: Kind::Null };

    /// The string's text.
    pub fn as_str(&self) -> Option<&'a str> {
        match self.kind {
            Kind::String(text) => Some(text),
            _ => None,
        }
    }

    /// The array's elements.
    pub fn as_array(&self) -> Option<&'a [Node<'a>]> {
        match self.kind {
            Kind::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The object's members.
    pub fn as_object(&self) -> Option<&'a [Member<'a>]> {
        match self.kind {
            Kind::Object(members) => Some(members),
            _ => None,
        }
    }

    /// Whether this is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Null)
    }

    /// The value of the last member called `key` (of duplicates the last counts, as in Python).
    pub fn get(&self, key: &str) -> Option<Node<'a>> {
        self.as_object()?.iter().rev().find(|member| member.key == key).map(|member| member.value)
    }

    /// A string node made from text, spelled with the fewest escapes.
    pub fn string(text: &'a str, arena: &'a Bump) -> Self {
        Node { raw: strings::quote(text, arena), kind: Kind::String(text) }
    }
}

impl<'a> Member<'a> {
    /// A member made from a key and a value.
    pub fn new(key: &'a str, value: Node<'a>, arena: &'a Bump) -> Self {
        Member { key, raw_key: strings::quote(key, arena), value }
    }
}
