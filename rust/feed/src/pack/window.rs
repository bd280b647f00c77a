//! The documents that may go into the next pack: those with numbers from the oldest that waits to
//! `width` further on, found by age or by length.

use super::lengths::Lengths;

/// No document.
const NONE: u32 = u32::MAX;

/// Waiting documents. A document's number is its place in the stream.
#[derive(Clone, Debug)]
pub(super) struct Window {
    width: u64,
    /// The first number that may wait; every lower one is packed.
    oldest: u64,
    /// The number of the next document that comes in.
    next: u64,
    waiting: u32,
    /// Length by slot (number modulo a power of two); 0: packed.
    length: Vec<u32>,
    /// The next younger slot of the same length.
    younger: Vec<u32>,
    /// Oldest and youngest slot by length.
    head: Vec<u32>,
    tail: Vec<u32>,
    lengths: Lengths,
}

impl Window {
    /// An empty window whose first document has the number `start`.
    pub fn new(width: u32, longest: u32, start: u64) -> Self {
        let slots = width.next_power_of_two() as usize;
        let lists = longest as usize + 1;
        Self {
            width: u64::from(width),
            oldest: start,
            next: start,
            waiting: 0,
            length: vec![0; slots],
            younger: vec![NONE; slots],
            head: vec![NONE; lists],
            tail: vec![NONE; lists],
            lengths: Lengths::new(longest),
        }
    }

    /// Whether the next document has to wait until an older one is packed.
    pub fn is_full(&self) -> bool {
        self.next - self.oldest >= self.width
    }

    /// Documents that wait.
    pub fn waiting(&self) -> u32 {
        self.waiting
    }

    /// The first number that may wait.
    pub fn oldest(&self) -> u64 {
        self.oldest
    }

    /// The number of the next document that comes in.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Whether the document with this number waits.
    pub fn waits(&self, number: u64) -> bool {
        (self.oldest..self.next).contains(&number) && self.length[self.slot(number)] != 0
    }

    /// Takes a document in; the window must not be full. Length 0: it is packed already.
    pub fn push(&mut self, length: u32) {
        let slot = self.slot(self.next);
        self.length[slot] = length;
        self.next += 1;
        if length == 0 {
            if self.waiting == 0 {
                self.oldest = self.next;
            }
            return;
        }
        self.waiting += 1;
        self.younger[slot] = NONE;
        let tail = std::mem::replace(&mut self.tail[length as usize], slot as u32);
        if tail == NONE {
            self.head[length as usize] = slot as u32;
            self.lengths.insert(length);
        } else {
            self.younger[tail as usize] = slot as u32;
        }
    }

    /// The length of the oldest document, 0 where none waits.
    pub fn oldest_length(&self) -> u32 {
        if self.waiting == 0 { 0 } else { self.length[self.slot(self.oldest)] }
    }

    /// The greatest waiting length that is at most `limit`, 0 where there is none.
    pub fn at_most(&self, limit: u32) -> u32 {
        self.lengths.at_most(limit)
    }

    /// Whether at least two documents of this length wait.
    pub fn has_two(&self, length: u32) -> bool {
        self.head[length as usize] != self.tail[length as usize]
    }

    /// Takes out the oldest document of a length that waits; returns its number.
    pub fn take(&mut self, length: u32) -> u64 {
        let slot = self.head[length as usize];
        let younger = self.younger[slot as usize];
        self.head[length as usize] = younger;
        if younger == NONE {
            self.tail[length as usize] = NONE;
            self.lengths.remove(length);
        }
        self.length[slot as usize] = 0;
        self.waiting -= 1;
        let slots = self.length.len() as u64;
        let number = self.oldest + (u64::from(slot).wrapping_sub(self.oldest) & (slots - 1));
        while self.oldest < self.next && self.length[self.slot(self.oldest)] == 0 {
            self.oldest += 1;
        }
        number
    }

    /// Undoes a `take`. Several are undone from the last to the first.
    pub fn put_back(&mut self, number: u64, length: u32) {
        let slot = self.slot(number);
        self.length[slot] = length;
        self.waiting += 1;
        self.oldest = self.oldest.min(number);
        let head = std::mem::replace(&mut self.head[length as usize], slot as u32);
        self.younger[slot] = head;
        if head == NONE {
            self.tail[length as usize] = slot as u32;
            self.lengths.insert(length);
        }
    }

    fn slot(&self, number: u64) -> usize {
        (number & (self.length.len() as u64 - 1)) as usize
    }
}
