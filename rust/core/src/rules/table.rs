//! Hashes looked up fast where most are not there: a filter of a bit a place in front of a table.

/// Whether a hash may be there. Few bits, so that those of a turn stay in the nearest cache.
#[derive(Debug)]
pub(super) struct Filter {
    bits: Box<[u32]>,
    /// Makes a hash a place.
    mask: u32,
}

impl Filter {
    /// A filter of these hashes, which lets about a fiftieth of others through.
    pub fn new(hashes: &[u32]) -> Self {
        let places = (hashes.len() * 48).next_power_of_two().clamp(1 << 8, 1 << 20);
        let mut filter = Self { bits: vec![0; places / 32].into_boxed_slice(), mask: places as u32 - 1 };
        for &hash in hashes {
            let place = hash & filter.mask;
            filter.bits[place as usize / 32] |= 1 << (place % 32);
        }
        filter
    }

    /// Whether the hash may have been put in.
    #[inline(always)]
    pub fn may_have(&self, hash: u32) -> bool {
        let place = hash & self.mask;
        // The length is a power of two.
        self.bits[place as usize / 32] >> (place % 32) & 1 == 1
    }

    /// The bits, and the mask that makes a hash a place.
    pub fn parts(&self) -> (&[u32], u32) {
        (&self.bits, self.mask)
    }
}

/// Items by hash.
#[derive(Debug)]
pub(super) struct Table<T> {
    /// A hash, and where its items begin and end; none where these are equal.
    slots: Box<[(u64, u32, u32)]>,
    items: Box<[T]>,
}

impl<T> Table<T> {
    /// A table of items with their hashes; those of one hash keep their order.
    pub fn new(mut items: Vec<(u64, T)>) -> Self {
        items.sort_by_key(|(hash, _)| *hash);
        let mut slots = vec![(0, 0, 0); (items.len() * 2).next_power_of_two().max(2)].into_boxed_slice();
        let mut from = 0;
        for same in items.chunk_by(|one, other| one.0 == other.0) {
            let hash = same[0].0;
            let mut at = hash as usize & (slots.len() - 1);
            while slots[at].1 != slots[at].2 {
                at = (at + 1) & (slots.len() - 1);
            }
            slots[at] = (hash, from, from + same.len() as u32);
            from += same.len() as u32;
        }
        Self { slots, items: items.into_iter().map(|(_, item)| item).collect() }
    }

    /// The items of a hash.
    #[inline]
    pub fn get(&self, hash: u64) -> &[T] {
        let mut at = hash as usize & (self.slots.len() - 1);
        loop {
            // Half of the slots are empty.
            let (here, from, to) = self.slots[at];
            if here == hash || from == to {
                return &self.items[from as usize..to as usize];
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn everything_put_in_is_found(hashes in proptest::collection::vec(0u64..200, 0..300), others in proptest::collection::vec(any::<u64>(), 0..50)) {
            let filter = Filter::new(&hashes.iter().map(|&hash| hash as u32).collect::<Vec<_>>());
            let table = Table::new(hashes.iter().copied().zip(0..).collect());
            for hash in hashes.iter().copied().chain(others) {
                let expected: Vec<i32> = hashes.iter().zip(0..).filter(|(other, _)| **other == hash).map(|(_, at)| at).collect();
                prop_assert_eq!(table.get(hash), &expected[..]);
                prop_assert!(expected.is_empty() || filter.may_have(hash as u32));
            }
        }
    }
}
