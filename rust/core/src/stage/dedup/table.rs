//! A hash table of record numbers: open addressing, eight bytes a slot, no keys. A slot holds 32 bits
//! of the key's hash and the record's number; several records may share a key.
//!
//! Probing starts at a cache line, so most look-ups touch one. Lines are ordered by hash, so growing
//! reads and writes in one sweep; tables grow one after the other, large ones by half, so that memory
//! never doubles.

use super::memory::Slab;
use crate::error::Result;

/// Slots in a cache line.
const LINE: usize = 8;
/// Slots behind the last line, so that probing never wraps.
const SLACK: usize = 256;
/// Lines of a new table, and up to which a table doubles.
const FIRST: usize = 8;
const DOUBLING: usize = 1 << 14;
/// A slot that says: the records of this key have moved elsewhere.
const MOVED: u32 = u32::MAX;

/// The largest number of records that a table can tell apart.
pub const MOST: u32 = u32::MAX - 2;

/// The table.
#[derive(Debug)]
pub struct Table {
    slots: Slab,
    lines: usize,
    used: usize,
}

/// What a key's slots hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Records with this key that were handed out.
    pub records: usize,
    /// Whether the key's records have moved elsewhere.
    pub moved: bool,
    /// The empty slot where probing ended.
    end: usize,
}

fn slab(lines: usize, slack: usize) -> Result<Slab> {
    Slab::new((lines * LINE + slack) * 8)
}

impl Table {
    /// An empty table.
    pub fn new() -> Result<Self> {
        Ok(Self { slots: slab(FIRST, SLACK)?, lines: FIRST, used: 0 })
    }

    fn home(&self, tag: u32) -> usize {
        ((u64::from(tag) * self.lines as u64) >> 32) as usize * LINE
    }

    /// Asks the processor for the memory of this key.
    #[inline]
    pub fn prefetch(&self, tag: u32) {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            let slot = &raw const self.slots.words()[self.home(tag)];
            // SAFETY: a hint; the address is inside the table.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(slot.cast()) };
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = tag;
    }

    /// Hands out every record with this key, and records whose 32-bit hash is the same.
    #[inline]
    pub fn find(&self, tag: u32, mut each: impl FnMut(u32)) -> Found {
        let slots = self.slots.words();
        let home = self.home(tag);
        let mut found = Found { records: 0, moved: false, end: slots.len() };
        for (at, &slot) in slots[home..].iter().enumerate() {
            if slot == 0 {
                found.end = home + at;
                break;
            }
            if (slot >> 32) as u32 == tag {
                if slot as u32 == MOVED {
                    return Found { records: 0, moved: true, end: slots.len() };
                }
                found.records += 1;
                each(slot as u32 - 1);
            }
        }
        found
    }

    /// Makes sure that one more record fits, so that the place of a find stays good until an insert.
    #[inline]
    pub fn make_room(&mut self) -> Result<()> {
        if self.used >= self.lines * LINE / 4 * 3 { self.grow() } else { Ok(()) }
    }

    /// Adds a record to the key that was just looked for.
    #[inline]
    pub fn insert_found(&mut self, found: Found, tag: u32, record: u32) -> Result<()> {
        match self.slots.words_mut().get_mut(found.end) {
            Some(slot) if *slot == 0 => {
                *slot = u64::from(tag) << 32 | u64::from(record + 1);
                self.used += 1;
                Ok(())
            }
            _ => self.insert(tag, record),
        }
    }

    /// Adds a record to a key.
    pub fn insert(&mut self, tag: u32, record: u32) -> Result<()> {
        self.make_room()?;
        self.put(u64::from(tag) << 32 | u64::from(record + 1))
    }

    /// Marks a key that has records: from now on its records are elsewhere.
    pub fn mark_moved(&mut self, tag: u32) {
        let home = self.home(tag);
        let slots = &mut self.slots.words_mut()[home..];
        if let Some(slot) = slots.iter_mut().find(|slot| **slot != 0 && (**slot >> 32) as u32 == tag) {
            *slot |= u64::from(MOVED);
        }
    }

    /// Puts a slot's value in its place.
    fn put(&mut self, value: u64) -> Result<()> {
        let home = self.home((value >> 32) as u32);
        for slot in &mut self.slots.words_mut()[home..] {
            if *slot == 0 {
                *slot = value;
                self.used += 1;
                return Ok(());
            }
            if *slot >> 32 == value >> 32 && *slot as u32 == MOVED {
                return Ok(());
            }
        }
        // The last keys filled the slack: it gets longer.
        let end = self.slots.words().len();
        let mut longer = slab(0, end * 2)?;
        longer.words_mut()[..end].copy_from_slice(self.slots.words());
        longer.words_mut()[end] = value;
        self.slots = longer;
        self.used += 1;
        Ok(())
    }

    fn grow(&mut self) -> Result<()> {
        self.lines += if self.lines < DOUBLING { self.lines } else { self.lines / 2 };
        let old = std::mem::replace(&mut self.slots, slab(self.lines, SLACK)?);
        self.used = 0;
        for &value in old.words().iter().filter(|value| **value != 0) {
            self.put(value)?;
        }
        Ok(())
    }

    /// Bytes of memory.
    pub fn bytes(&self) -> usize {
        self.slots.bytes().len()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    proptest! {
        #[test]
        fn as_a_multimap(operations in proptest::collection::vec((0u32..40, any::<bool>(), 0u8..20), 0..3_000)) {
            let mut table = Table::new().unwrap();
            let mut model: BTreeMap<u32, Option<BTreeSet<u32>>> = BTreeMap::new();
            for (record, (key, high, action)) in operations.into_iter().enumerate() {
                // Keys at both ends of the range crowd the first and the last slots.
                let tag = if high { u32::MAX - key } else { key };
                let entry = model.entry(tag).or_insert_with(|| Some(BTreeSet::new()));
                if action == 0 && entry.as_ref().is_some_and(|records| !records.is_empty()) {
                    table.mark_moved(tag);
                    *entry = None;
                } else {
                    if action % 2 == 0 {
                        table.insert(tag, record as u32).unwrap();
                    } else {
                        table.make_room().unwrap();
                        let found = table.find(tag, |_| {});
                        if !found.moved {
                            table.insert_found(found, tag, record as u32).unwrap();
                        }
                    }
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
        let mut table = Table::new().unwrap();
        for record in 0..5_000 {
            table.insert(u32::MAX, record).unwrap();
        }
        let found = table.find(u32::MAX, |_| {});
        assert_eq!((found.records, found.moved), (5_000, false));
        assert!(table.find(5, |_| {}).records == 0);
    }
}
