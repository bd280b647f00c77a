//! UTF-8 that was read as cp1252, latin-1 or MacRoman.

mod codec;

pub(super) use codec::{Parts, parts};

use bumpalo::Bump;

/// The repaired text, and how many stretches were repaired.
pub(super) fn repair<'a>(_text: &str, _arena: &'a Bump) -> Option<(&'a str, u32)> {
    None
}
