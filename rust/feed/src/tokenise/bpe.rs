//! Byte-pair merging: the pair of lowest rank first, the leftmost of equals.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// No merge.
const NONE: u32 = u32::MAX;

/// Words of more symbols are merged with a heap.
const SHORT: usize = 48;

/// Every merge: two tokens to a rank and the token that they become. Open addressing, at most half full.
#[derive(Debug)]
pub struct Merges {
    places: Vec<(u64, u32, u32)>,
    shift: u32,
}

impl Merges {
    /// Builds the table; of equal pairs the last counts.
    pub fn new(merges: &[(u32, u32, u32)]) -> Self {
        let size = (merges.len() * 2).next_power_of_two().max(16);
        let mut table = Self { places: vec![(u64::MAX, NONE, 0); size], shift: 64 - size.trailing_zeros() };
        for (rank, &(left, right, merged)) in merges.iter().enumerate() {
            let key = u64::from(left) << 32 | u64::from(right);
            let at = table.find(key);
            table.places[at] = (key, rank as u32, merged);
        }
        table
    }

    #[inline]
    fn find(&self, key: u64) -> usize {
        let mask = self.places.len() - 1;
        let mut at = (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> self.shift) as usize;
        while self.places[at].0 != key && self.places[at].1 != NONE {
            at = (at + 1) & mask;
        }
        at
    }

    /// Rank and result of a pair; rank `NONE` if it does not merge.
    #[inline]
    fn get(&self, left: u32, right: u32) -> (u32, u32) {
        let (_, rank, merged) = self.places[self.find(u64::from(left) << 32 | u64::from(right))];
        (rank, merged)
    }
}

/// Memory that merging uses again.
#[derive(Debug, Default)]
pub struct Merging {
    /// The symbols; afterwards the tokens.
    pub symbols: Vec<u32>,
    pairs: Vec<(u32, u32)>,
    links: Vec<(u32, u32)>,
    heap: BinaryHeap<Reverse<(u32, u32, u32, u32)>>,
}

impl Merging {
    /// Merges `symbols` in place.
    pub fn run(&mut self, merges: &Merges) {
        if self.symbols.len() <= SHORT { self.short(merges) } else { self.long(merges) }
    }

    /// Looks for the best pair again and again: quadratic, and fastest for words.
    fn short(&mut self, merges: &Merges) {
        let Self { symbols, pairs, .. } = self;
        pairs.clear();
        pairs.extend(symbols.windows(2).map(|pair| merges.get(pair[0], pair[1])));
        loop {
            let mut best = NONE;
            let mut at = 0;
            for (place, &(rank, _)) in pairs.iter().enumerate() {
                if rank < best {
                    (best, at) = (rank, place);
                }
            }
            if best == NONE {
                return;
            }
            symbols[at] = pairs[at].1;
            symbols.remove(at + 1);
            pairs.remove(at);
            if at > 0 {
                pairs[at - 1] = merges.get(symbols[at - 1], symbols[at]);
            }
            if at < pairs.len() {
                pairs[at] = merges.get(symbols[at], symbols[at + 1]);
            }
        }
    }

    /// A heap of pairs over linked symbols: for texts without spaces.
    fn long(&mut self, merges: &Merges) {
        let Self { symbols, links, heap, .. } = self;
        let count = symbols.len() as u32;
        heap.clear();
        links.clear();
        links.extend((0..count).map(|at| (at.wrapping_sub(1), at + 1)));
        let offer = |heap: &mut BinaryHeap<_>, symbols: &[u32], left: u32, right: u32| {
            let (a, b) = (symbols[left as usize], symbols[right as usize]);
            let (rank, _) = merges.get(a, b);
            if rank != NONE {
                heap.push(Reverse((rank, left, a, b)));
            }
        };
        for left in 0..count.saturating_sub(1) {
            offer(heap, symbols, left, left + 1);
        }
        while let Some(Reverse((_, left, a, b))) = heap.pop() {
            let right = links[left as usize].1;
            // What the pair was made of may have been merged meanwhile.
            if symbols[left as usize] != a || right >= count || symbols[right as usize] != b {
                continue;
            }
            symbols[left as usize] = merges.get(a, b).1;
            symbols[right as usize] = NONE;
            let next = links[right as usize].1;
            links[left as usize].1 = next;
            if next < count {
                links[next as usize].0 = left;
                offer(heap, symbols, left, next);
            }
            let before = links[left as usize].0;
            if before < count {
                offer(heap, symbols, before, left);
            }
        }
        symbols.retain(|&symbol| symbol != NONE);
    }
}
