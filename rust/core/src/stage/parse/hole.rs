//! The places in a source object that turns are put back into.

use crate::json::Node;

/// Which turns are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// `messages`
    Messages,
    /// `rejected`
    Rejected,
}

impl Side {
    /// The key of a hole that is filled from this side.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Messages => "$turn",
            Self::Rejected => "$rejected",
        }
    }
}

/// One value of the source that comes from a turn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hole<'a> {
    /// Where the value's spelling begins in memory: two values of a record never begin at the same byte.
    pub(super) address: usize,
    /// Which turns.
    pub(super) side: Side,
    /// Which turn, from 0.
    pub(super) turn: usize,
    /// What of it.
    pub(super) shape: Shape<'a>,
}

/// What a hole is filled with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape<'a> {
    /// The turn's text: `{"$turn":0}`.
    Whole,
    /// The same, but while the text is unchanged this value stands: `{"$turn":0,"is":42}`.
    Spelled(Node<'a>),
    /// The turn says in words of ours what the value means: `{"$turn":1,"is":3,"as":"D"}`.
    Meant {
        /// The value.
        value: Node<'a>,
        /// What the turn says.
        text: &'a str,
    },
    /// Some of its lines: `{"$turn":0,"lines":[0,2],"after":"A. "}`; without an end, all that follow.
    Lines {
        /// First line, from 0.
        from: usize,
        /// The line after the last.
        to: Option<usize>,
        /// What stands before the value on its first line.
        after: &'a str,
        /// The value, where it is not its own text.
        spelled: Option<Node<'a>>,
    },
    /// The whole message: `{"$message":0}` or `{"$message":0,"of":"rejected"}`.
    Message,
    /// The tool definitions: `{"$tools":true}`.
    Tools,
    /// A text with several turns in it: `{"$text":["Human: ",0,"Assistant: ",1]}`.
    Text(&'a [Piece<'a>]),
}

/// A piece of a text with several turns in it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Piece<'a> {
    /// Markup.
    Literal(&'a str),
    /// A turn's text.
    Turn {
        /// Which turns.
        side: Side,
        /// Which turn.
        turn: usize,
        /// Its text, if that is only white space (the normaliser may remove the turn).
        blank: Option<&'a str>,
    },
}
