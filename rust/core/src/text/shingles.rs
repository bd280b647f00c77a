//! Shingles: the set of windows of n tokens of a padded text, as 64-bit identities.

use super::hash;

const START: u64 = 0x1f83_d9ab_fb41_bd6b;
const END: u64 = 0x5be0_cd19_137e_2179;
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Which half of a conversation a shingle belongs to. The same words have another identity on the
/// other side, so that the two sets can be joined without loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// What the model is given: user and tool turns.
    Prompt,
    /// What the model says.
    Response,
}

impl Side {
    fn seed(self) -> u64 {
        match self {
            Self::Prompt => 0x6a09_e667_f3bc_c908,
            Self::Response => 0xbb67_ae85_84ca_a73b,
        }
    }
}

/// Reused buffers.
#[derive(Debug, Default)]
pub struct Shingler {
    padded: Vec<u64>,
    /// Where in the output a shingle stands, by its low bits: number of the shingle from 1, or 0.
    places: Vec<u32>,
}

impl Shingler {
    /// Appends the distinct shingles of a text, given by its tokens' hashes, to `out` in order of
    /// first appearance, and says how many. The text is padded with n-1 marks on either side; a
    /// text without tokens has no shingles.
    pub fn read(&mut self, side: Side, tokens: &[u64], window: usize, out: &mut Vec<u64>) -> usize {
        if tokens.is_empty() {
            return 0;
        }
        self.padded.clear();
        self.padded.extend(std::iter::repeat_n(START, window - 1));
        self.padded.extend_from_slice(tokens);
        self.padded.extend(std::iter::repeat_n(END, window - 1));
        let step = |sum: u64, token: u64| sum.wrapping_mul(STEP).wrapping_add(token);
        let seed = side.seed();
        let windows = self.padded.windows(window);
        let count = windows.len();
        // The usual width is known to the compiler: three steps without a loop.
        if window == 3 {
            let sums = self.padded.windows(3).map(|window| match *window {
                [a, b, c] => step(step(step(seed, a), b), c),
                _ => seed,
            });
            distinct(&mut self.places, sums, count, out)
        } else {
            let sums = windows.map(|window| window.iter().fold(seed, |sum, &token| step(sum, token)));
            distinct(&mut self.places, sums, count, out)
        }
    }
}

/// Appends each of `count` sums, made a hash, unless it was there before; how many were new.
#[inline(always)]
fn distinct(places: &mut Vec<u32>, sums: impl Iterator<Item = u64>, count: usize, out: &mut Vec<u64>) -> usize {
    // Four places a shingle: a place that is taken is rare enough for the processor to bet against it.
    let mask = (count * 4).next_power_of_two() - 1;
    places.clear();
    places.resize(mask + 1, 0);
    let before = out.len();
    out.reserve(count);
    for sum in sums {
        let shingle = hash::mix(sum);
        let mut place = shingle as usize & mask;
        loop {
            match places[place] {
                0 => {
                    out.push(shingle);
                    places[place] = (out.len() - before) as u32;
                    break;
                }
                number if out[before + number as usize - 1] == shingle => break,
                _ => place = (place + 1) & mask,
            }
        }
    }
    out.len() - before
}

/// A set of 64-bit identities: open addressing, cleared in the time that its next use needs anyway.
#[derive(Debug, Default)]
pub struct IdentitySet {
    /// 0 is empty; identity 0 is stored as 1 (they are hashes: one more collision in 2⁶⁴).
    slots: Vec<u64>,
    mask: usize,
}

impl IdentitySet {
    /// Empties the set and makes room for `count` identities.
    pub fn clear(&mut self, count: usize) {
        let size = (count * 2).next_power_of_two().max(16);
        self.slots.clear();
        self.slots.resize(size, 0);
        self.mask = size - 1;
    }

    /// Adds an identity; whether it was new.
    #[inline]
    pub fn insert(&mut self, identity: u64) -> bool {
        let identity = identity.max(1);
        let mut at = identity as usize & self.mask;
        loop {
            match self.slots[at] {
                0 => {
                    self.slots[at] = identity;
                    return true;
                }
                found if found == identity => return false,
                _ => at = (at + 1) & self.mask,
            }
        }
    }

    /// Whether the set has this identity.
    #[inline]
    pub fn contains(&self, identity: u64) -> bool {
        let identity = identity.max(1);
        let mut at = identity as usize & self.mask;
        loop {
            match self.slots[at] {
                0 => return false,
                found if found == identity => return true,
                _ => at = (at + 1) & self.mask,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    proptest! {
        #[test]
        fn as_many_as_distinct_windows(tokens in proptest::collection::vec(0u64..6, 0..60), window in 1usize..6) {
            let mut padded = vec![100; window - 1];
            padded.extend(&tokens);
            padded.extend(vec![200; window - 1]);
            let expected: HashSet<&[u64]> = if tokens.is_empty() { HashSet::new() } else { padded.windows(window).collect() };
            let mut shingler = Shingler::default();
            let mut prompt = Vec::new();
            let mut response = Vec::new();
            prop_assert_eq!(shingler.read(Side::Prompt, &tokens, window, &mut prompt), expected.len());
            shingler.read(Side::Response, &tokens, window, &mut response);
            prop_assert_eq!(prompt.len(), response.len());
            let both: HashSet<u64> = prompt.iter().chain(&response).copied().collect();
            prop_assert_eq!(both.len(), 2 * expected.len());
        }
    }
}
