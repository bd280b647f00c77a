//! A hash table of record numbers: open addressing, eight bytes a slot, no keys. A slot holds 32 bits
//! of the key's hash and the record's number; several records may share a key.
//!
//! Slots are ordered by hash, so growing reads and writes in one sweep, and it grows by half, one table
//! after the other, so that memory never doubles.

/// Slots behind the last home slot, so that probing never wraps.
const SLACK: usize = 256;
/// A slot that says: the records of this key have moved elsewhere.
const MOVED: u32 = u32::MAX;

/// The largest number of records that a table can tell apart.
pub const MOST: u32 = u32::MAX - 2;

/// The table.
#[derive(Debug)]
pub struct Table {
    slots: Vec<u64>,
    homes: usize,
    used: usize,
}

/// What a key's slots hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Records with this key that were handed out.
    pub records: usize,
    /// Whether the key's records have moved elsewhere.
    pub moved: bool,
}

impl Default for Table {
    fn default() -> Self {
        Self { slots: vec![0; 64 + SLACK], homes: 64, used: 0 }
    }
}

impl Table {
    fn home(&self, tag: u32) -> usize {
        (u64::from(tag) * self.homes as u64 >> 32) as usize
    }

    /// Asks the processor for the memory of this key.
    #[inline]
    pub fn prefetch(&self, tag: u32) {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            let slot = &raw const self.slots[self.home(tag)];
            // SAFETY: a hint; the address is inside the table.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(slot.cast()) };
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = tag;
    }

    /// Hands out every record with this key, and records whose 32-bit hash is the same.
    #[inline]
    pub fn find(&self, tag: u32, mut each: impl FnMut(u32)) -> Found {
        let mut found = Found { records: 0, moved: false };
        for &slot in &self.slots[self.home(tag)..] {
            if slot == 0 {
                break;
            }
            if (slot >> 32) as u32 == tag {
                if slot as u32 == MOVED {
                    return Found { records: 0, moved: true };
                }
                found.records += 1;
                each(slot as u32 - 1);
            }
        }
        found
    }

    /// Adds a record to a key.
    pub fn insert(&mut self, tag: u32, record: u32) {
        if self.used >= self.homes / 4 * 3 {
            self.grow();
        }
        self.put(u64::from(tag) << 32 | u64::from(record + 1));
    }

    /// Marks a key that has records: from now on its records are elsewhere.
    pub fn mark_moved(&mut self, tag: u32) {
        let home = self.home(tag);
        let own = self.slots[home..].iter_mut().find(|slot| **slot != 0 && (**slot >> 32) as u32 == tag);
        if let Some(slot) = own {
            *slot |= u64::from(MOVED);
        }
    }

    /// Puts a slot's value in its place.
    fn put(&mut self, value: u64) {
        let home = self.home((value >> 32) as u32);
        for slot in &mut self.slots[home..] {
            if *slot == 0 {
                *slot = value;
                self.used += 1;
                return;
            }
            if *slot >> 32 == value >> 32 && *slot as u32 == MOVED {
                return;
            }
        }
        // The last keys filled the slack: it gets longer.
        let end = self.slots.len();
        self.slots.reserve_exact(SLACK);
        self.slots.resize(end + SLACK, 0);
        self.slots[end] = value;
        self.used += 1;
    }

    fn grow(&mut self) {
        self.homes += self.homes / 2;
        let old = std::mem::replace(&mut self.slots, vec![0; self.homes + SLACK]);
        self.used = 0;
        for &value in old.iter().filter(|value| **value != 0) {
            self.put(value);
        }
    }

    /// Bytes of memory.
    pub fn bytes(&self) -> usize {
        self.slots.len() * 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    proptest! {
        #[test]
        fn as_a_multimap(operations in proptest::collection::vec((0u32..40, any::<bool>(), 0u8..20), 0..3_000)) {
            let mut table = Table::default();
            let mut model: BTreeMap<u32, Option<BTreeSet<u32>>> = BTreeMap::new();
            for (record, (key, high, action)) in operations.into_iter().enumerate() {
                // Keys at both ends of the range crowd the first and the last slots.
                let tag = if high { u32::MAX - key } else { key };
                let entry = model.entry(tag).or_insert_with(|| Some(BTreeSet::new()));
                if action == 0 && entry.as_ref().is_some_and(|records| !records.is_empty()) {
                    table.mark_moved(tag);
                    *entry = None;
                } else {
                    table.insert(tag, record as u32);
                    if let Some(records) = entry {
                        records.insert(record as u32);
                    }
                }
            }
            for (tag, expected) in model {
                let mut records = BTreeSet::new();
                let found = table.find(tag, |record| { records.insert(record); });
                prop_assert_eq!(found.moved, expected.is_none());
                if let Some(expected) = expected {
                    prop_assert_eq!(found.records, expected.len());
                    prop_assert_eq!(records, expected);
                }
            }
        }
    }

    #[test]
    fn one_key_with_many_records() {
        let mut table = Table::default();
        for record in 0..5_000 {
            table.insert(u32::MAX, record);
        }
        assert_eq!(table.find(u32::MAX, |_| {}), Found { records: 5_000, moved: false });
        assert!(table.find(5, |_| {}).records == 0);
    }
}
