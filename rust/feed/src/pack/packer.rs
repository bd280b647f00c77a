//! The order-bounded packer: a stream of document lengths in, packs of document numbers out.
//!
//! A pack is started by the oldest document that waits, filled in order, and closed with the one or two
//! documents of the window that fill it best (`row.rs`). Candidates are the documents less than `window`
//! places after the oldest when the pack is started, so whatever the lengths are, no document moves
//! `window` places or more. Where the stream ends, what waits is also packed longest first, and the way
//! that needs fewer packs is taken.

use super::row::{Start, fill};
use super::window::Window;
use corpuskit_core::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Where a packer stands: enough to go on with the same packs.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PackCursor {
    /// The number of the oldest document that is in no pack yet.
    pub oldest: u64,
    /// Younger ones that are in packs already, as distances from it, ascending.
    #[serde(with = "super::bitmap")]
    pub taken: Vec<u32>,
    /// How many of the last packs of the stream, which are chosen together, were handed out.
    pub last: u32,
}

/// Plans packs over lengths. A pure function of the stream: how it is cut into calls changes nothing.
#[derive(Clone, Debug)]
pub struct Packer {
    budget: u32,
    window: Window,
    /// Numbers below that are packed already, of a cursor; ascending.
    taken: VecDeque<u64>,
    ending: Option<Ending>,
    /// Last packs that were handed out.
    last: u32,
}

/// The last packs of a stream, chosen together.
#[derive(Clone, Debug)]
struct Ending {
    packs: Vec<Vec<u64>>,
}

impl Packer {
    /// Packs of at most `budget` tokens from documents of 1 to `budget` tokens; none moves `window` places.
    ///
    /// # Errors
    /// A budget of 0, or a window outside of 1 to 65,536.
    pub fn new(budget: u32, window: u32) -> Result<Self> {
        Self::resume(budget, window, &PackCursor::default())
    }

    /// A packer that goes on at a cursor: the next length that it is given is that of document `cursor.oldest`.
    ///
    /// # Errors
    /// As for [`Packer::new`]; a cursor that no packer with this window can have.
    pub fn resume(budget: u32, window: u32, cursor: &PackCursor) -> Result<Self> {
        if budget == 0 || budget > 1 << 24 {
            return Err(Error::plan("pack.length", format!("must be between 1 and {}, got {budget}", 1 << 24)));
        }
        if window == 0 || window > 1 << 16 {
            return Err(Error::plan("pack.window", format!("must be between 1 and {}, got {window}", 1 << 16)));
        }
        let ascending = cursor.taken.windows(2).all(|pair| pair[0] < pair[1]);
        let within = cursor.taken.first().is_none_or(|first| *first > 0)
            && cursor.taken.last().is_none_or(|last| *last < window);
        if !(ascending && within) {
            return Err(Error::input("the state of the packer", "is damaged, expected distances within the window"));
        }
        let taken = cursor.taken.iter().map(|distance| cursor.oldest + u64::from(*distance)).collect();
        Ok(Self { budget, window: Window::new(window, budget, cursor.oldest), taken, ending: None, last: cursor.last })
    }

    /// Where the packer stands. Documents that wait have to be given again to the one that goes on.
    pub fn cursor(&self) -> PackCursor {
        let oldest = self.window.oldest();
        let behind = (oldest..self.window.next()).filter(|number| !self.window.waits(*number));
        let ahead = self.taken.iter().copied().filter(|number| *number >= oldest);
        let mut taken: Vec<u32> = behind.chain(ahead).map(|number| (number - oldest) as u32).collect();
        taken.dedup();
        PackCursor { oldest, taken, last: self.last }
    }

    /// The number of the oldest document that is in no pack yet, as far as packs are taken one by one.
    pub fn oldest(&self) -> u64 {
        self.window.oldest()
    }

    /// Whether a pack has to be taken before the next document can come in.
    pub fn is_full(&self) -> bool {
        self.window.is_full()
    }

    /// The number of the next document that comes in.
    pub fn next_document(&self) -> u64 {
        self.window.next()
    }

    /// Takes the next document in. Does nothing and returns false while the packer is full.
    ///
    /// # Errors
    /// A length of 0 or above the budget, or a document after the end.
    pub fn push(&mut self, length: u32) -> Result<bool> {
        if self.window.is_full() {
            return Ok(false);
        }
        if self.ending.is_some() {
            return Err(Error::Internal("a document after the end of the stream".to_owned()));
        }
        if length == 0 || length > self.budget {
            return Err(Error::Internal(format!(
                "document {} has {length} tokens, expected 1 to {}",
                self.window.next(),
                self.budget
            )));
        }
        let is_taken = self.taken.front() == Some(&self.window.next());
        if is_taken {
            self.taken.pop_front();
        }
        self.window.push(if is_taken { 0 } else { length });
        Ok(true)
    }

    /// The next pack of the running stream: document numbers, ascending. False while the window is not full.
    pub fn next_pack(&mut self, pack: &mut Vec<u64>) -> bool {
        pack.clear();
        if !self.window.is_full() {
            return false;
        }
        fill(&mut self.window, self.budget, Start::Oldest, pack);
        true
    }

    /// The next pack after the last document. False when there is none left.
    pub fn last_pack(&mut self, pack: &mut Vec<u64>) -> bool {
        pack.clear();
        if self.window.is_full() {
            // As if more documents came: what is chosen must not depend on when the end was seen.
            return self.next_pack(pack);
        }
        let ending = self.ending.get_or_insert_with(|| {
            let in_order = drain(self.window.clone(), self.budget, Start::Oldest);
            let by_length = drain(self.window.clone(), self.budget, Start::Longest);
            let packs = if by_length.len() < in_order.len() { by_length } else { in_order };
            Ending { packs }
        });
        match ending.packs.get(self.last as usize) {
            Some(next) => {
                pack.extend(next);
                self.last += 1;
                true
            }
            None => false,
        }
    }
}

/// Packs everything that waits.
fn drain(mut window: Window, budget: u32, start: Start) -> Vec<Vec<u64>> {
    let mut packs = Vec::new();
    while window.waiting() > 0 {
        let mut pack = Vec::new();
        fill(&mut window, budget, start, &mut pack);
        packs.push(pack);
    }
    packs
}

#[cfg(test)]
mod tests;
