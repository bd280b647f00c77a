//! Hashes looked up fast where most are not there: a filter of bits in front of a table.

/// Whether a hash may be there. Few bits, so that those of a turn stay in the nearest cache; two of a hash in
/// one place, so that one look finds both.
#[derive(Debug)]
pub(super) struct Filter {
    bits: Box<[u32]>,
    /// Makes a hash a place.
    mask: u32,
}

impl Filter {
    /// A filter of these hashes, which lets a few in a thousand of others through.
    pub fn new(hashes: &[u32]) -> Self {
        let places = (hashes.len() * 32).next_power_of_two().clamp(1 << 8, 1 << 20);
        let mut filter = Self { bits: vec![0; places / 32].into_boxed_slice(), mask: places as u32 - 1 };
        for &hash in hashes {
            filter.bits[filter.at(hash)] |= Self::both(hash);
        }
        filter
    }

    /// Whether the hash may have been put in.
    #[inline(always)]
    pub fn may_have(&self, hash: u32) -> bool {
        let both = Self::both(hash);
        self.bits[self.at(hash)] & both == both
    }

    /// Where the bits of a hash are. The length is a power of two.
    #[inline(always)]
    fn at(&self, hash: u32) -> usize {
        (hash & self.mask) as usize / 32
    }

    /// The bits of a hash: two of one place, by its lowest and by its highest bits.
    #[inline(always)]
    fn both(hash: u32) -> u32 {
        1 << (hash & 31) | 1 << (hash >> 27)
    }

    /// The bits, and the mask that makes a hash a place.
    pub fn parts(&self) -> (&[u32], u32) {
        (&self.bits, self.mask)
    }
}

/// Items by hash, each in its slot, so that one line of memory says all of most of them.
#[derive(Debug)]
pub(super) struct Table<T> {
    /// Hash and item; hash 0 is none. Behind those of a hash stands another one's, or none.
    slots: Box<[(u64, T)]>,
}

impl<T: Copy + Default> Table<T> {
    /// A table of items with their hashes; those of one hash keep their order.
    pub fn new(items: &[(u64, T)]) -> Self {
        // A third of them stays empty: a search ends there.
        let size = (items.len() * 3 / 2 + 1).next_power_of_two();
        let mut slots = vec![(0, T::default()); size].into_boxed_slice();
        for &(hash, item) in items {
            let mut at = Self::key(hash) as usize & (size - 1);
            while slots[at].0 != 0 {
                at = (at + 1) & (size - 1);
            }
            slots[at] = (Self::key(hash), item);
        }
        Self { slots }
    }

    /// Hash 0 is taken for 1: one more collision in 2⁶⁴.
    #[inline(always)]
    fn key(hash: u64) -> u64 {
        hash.max(1)
    }

    /// Shows the items of a hash.
    #[inline(always)]
    pub fn each(&self, hash: u64, mut show: impl FnMut(&T)) {
        let hash = Self::key(hash);
        let mut at = hash as usize & (self.slots.len() - 1);
        loop {
            let (here, item) = &self.slots[at];
            if *here == hash {
                show(item);
            } else if *here == 0 {
                return;
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
            let table = Table::new(&hashes.iter().copied().zip(0..).collect::<Vec<(u64, i32)>>());
            for hash in hashes.iter().copied().chain(others) {
                let expected: Vec<i32> = hashes.iter().zip(0..).filter(|(other, _)| (**other).max(1) == hash.max(1)).map(|(_, at)| at).collect();
                let mut found = Vec::new();
                table.each(hash, |&at| found.push(at));
                prop_assert_eq!(&found, &expected);
                prop_assert!(!hashes.contains(&hash) || filter.may_have(hash as u32));
            }
        }
    }
}
