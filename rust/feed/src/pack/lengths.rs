//! A set of lengths with predecessor search: one bit a length, one bit a word of those.

/// Which lengths from 1 to a maximum are there.
#[derive(Clone, Debug)]
pub(super) struct Lengths {
    words: Vec<u64>,
    /// Bit w: `words[w]` is not zero.
    summary: Vec<u64>,
}

impl Lengths {
    /// An empty set that may hold lengths up to `longest`.
    pub fn new(longest: u32) -> Self {
        let words = longest as usize / 64 + 1;
        Self { words: vec![0; words], summary: vec![0; words / 64 + 1] }
    }

    /// Adds a length.
    pub fn insert(&mut self, length: u32) {
        let word = length as usize / 64;
        self.words[word] |= 1 << (length % 64);
        self.summary[word / 64] |= 1 << (word % 64);
    }

    /// Takes a length out.
    pub fn remove(&mut self, length: u32) {
        let word = length as usize / 64;
        self.words[word] &= !(1 << (length % 64));
        if self.words[word] == 0 {
            self.summary[word / 64] &= !(1 << (word % 64));
        }
    }

    /// The greatest length of the set that is at most `limit`; 0 where there is none.
    pub fn at_most(&self, limit: u32) -> u32 {
        let mut word = limit as usize / 64;
        let bits = self.words[word] & (u64::MAX >> (63 - limit % 64));
        if bits != 0 {
            return top(word, bits);
        }
        // The next lower word that is not empty, by the summary.
        let mut block = word / 64;
        let mut filled = self.summary[block] & ((1 << (word % 64)) - 1);
        while filled == 0 {
            if block == 0 {
                return 0;
            }
            block -= 1;
            filled = self.summary[block];
        }
        word = block * 64 + 63 - filled.leading_zeros() as usize;
        top(word, self.words[word])
    }
}

/// The length that the highest bit of a word stands for.
fn top(word: usize, bits: u64) -> u32 {
    word as u32 * 64 + 63 - bits.leading_zeros()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn it_is_a_set(steps in proptest::collection::vec((any::<bool>(), 1u32..=9_000), 1..400), asked in proptest::collection::vec(0u32..=9_000, 1..50)) {
            let mut lengths = Lengths::new(9_000);
            let mut set = BTreeSet::new();
            for (is_new, length) in steps {
                if is_new {
                    lengths.insert(length);
                    set.insert(length);
                } else {
                    lengths.remove(length);
                    set.remove(&length);
                }
            }
            for limit in asked {
                prop_assert_eq!(lengths.at_most(limit), set.range(..=limit).next_back().copied().unwrap_or(0));
            }
        }
    }
}
