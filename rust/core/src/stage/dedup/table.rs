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
/// Lines of a new table, and up to which a table becomes eight times as large when it is full: then it
/// fills a huge page.
const FIRST: usize = 8;
const SMALL: usize = 1 << 15;
/// Parts into which many records are sorted before they are put in: each part's lines fit in a cache.
const PARTS: usize = 256;
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
        let mut at = self.home(tag);
        let mut found = Found { records: 0, moved: false, end: slots.len() };
        while let Some(line) = slots.get(at..).and_then(<[u64]>::first_chunk::<LINE>) {
            let (mut equal, empty) = compare(line, tag);
            while equal != 0 {
                let record = line[equal.trailing_zeros() as usize] as u32;
                if record == MOVED {
                    return Found { records: 0, moved: true, end: slots.len() };
                }
                found.records += 1;
                each(record - 1);
                equal &= equal - 1;
            }
            if empty != 0 {
                found.end = at + empty.trailing_zeros() as usize;
                break;
            }
            at += LINE;
        }
        found
    }

    /// Makes sure that one more record fits, so that the place of a find stays good until an insert.
    #[inline]
    pub fn make_room(&mut self) -> Result<()> {
        if self.used >= full(self.lines) { self.grow() } else { Ok(()) }
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
        let tag = (value >> 32) as u32;
        let mut at = self.home(tag);
        let slots = self.slots.words_mut();
        while let Some(line) = slots.get_mut(at..).and_then(<[u64]>::first_chunk_mut::<LINE>) {
            let (mut equal, empty) = compare(line, tag);
            while equal != 0 {
                if line[equal.trailing_zeros() as usize] as u32 == MOVED {
                    return Ok(());
                }
                equal &= equal - 1;
            }
            if empty != 0 {
                line[empty.trailing_zeros() as usize] = value;
                self.used += 1;
                return Ok(());
            }
            at += LINE;
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
        self.lines = larger(self.lines);
        let mut old = std::mem::replace(&mut self.slots, slab(self.lines, SLACK)?);
        self.used = 0;
        // How many slots of each line are taken. With it, an empty slot costs no guess of the processor.
        let mut taken = vec![0u8; self.lines + 1];
        let old = old.words_mut();
        for at in 0..old.len() {
            let value = old[at];
            let tag = (value >> 32) as u32;
            if value as u32 == MOVED {
                // What stands behind it under the same key has moved too.
                let behind = old[at + 1..].iter_mut().take_while(|slot| **slot != 0);
                behind.filter(|slot| **slot >> 32 == value >> 32).for_each(|slot| *slot = 0);
            }
            let home = self.home(tag);
            let line = &mut taken[home / LINE];
            if usize::from(*line) == LINE {
                if value != 0 {
                    self.put(value)?;
                }
                continue;
            }
            let slot = &mut self.slots.words_mut()[home + usize::from(*line)];
            if *slot == 0 {
                // Where there is nothing to move, nothing is written over nothing.
                *slot = value;
                *line += u8::from(value != 0);
                self.used += usize::from(value != 0);
            } else {
                // A key of the line before did not fit there.
                *line = LINE as u8;
                if value != 0 {
                    self.put(value)?;
                }
            }
        }
        Ok(())
    }

    /// The table that comes of inserting each record under its tag, with the records of a tag that
    /// has more than `most` moved elsewhere: they are appended to `moved`, in no order that matters.
    /// `sorted` is a reused buffer.
    pub fn build(
        pairs: impl Iterator<Item = (u32, u32)> + Clone,
        most: usize,
        moved: &mut Vec<u32>,
        sorted: &mut Vec<u64>,
    ) -> Result<Self> {
        let part = |tag: u32| tag as usize / ((1 << 32) / PARTS);
        let mut places = [0; PARTS];
        let mut count = 0;
        for (tag, _) in pairs.clone() {
            places[part(tag)] += 1;
            count += 1;
        }
        let mut before = 0;
        for place in &mut places {
            before += std::mem::replace(place, before);
        }
        sorted.clear();
        sorted.resize(count, 0);
        for (tag, record) in pairs {
            let place = &mut places[part(tag)];
            sorted[*place] = u64::from(tag) << 32 | u64::from(record);
            *place += 1;
        }
        let mut lines = FIRST;
        while count >= full(lines) {
            lines = larger(lines);
        }
        let mut table = Self { slots: slab(lines, SLACK)?, lines, used: 0 };
        for &value in sorted.iter() {
            let (tag, record) = ((value >> 32) as u32, value as u32);
            let found = table.find(tag, |_| {});
            if !found.moved && found.records < most {
                table.insert_found(found, tag, record)?;
                continue;
            }
            if !found.moved {
                table.find(tag, |record| moved.push(record));
                table.mark_moved(tag);
            }
            moved.push(record);
        }
        Ok(table)
    }

    /// Bytes of memory.
    pub fn bytes(&self) -> usize {
        self.slots.bytes().len()
    }
}

/// Slots in use at which a table of so many lines grows.
fn full(lines: usize) -> usize {
    lines * LINE / 4 * 3
}

/// Lines after growing.
fn larger(lines: usize) -> usize {
    if lines < SMALL { lines * 8 } else { lines + lines / 2 }
}

/// Which slots of a line have this tag, and which are empty: one bit a slot.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn compare(line: &[u64; LINE], tag: u32) -> (u32, u32) {
    use std::arch::x86_64::{
        __m128i, _mm_castps_si128, _mm_castsi128_ps, _mm_cmpeq_epi32, _mm_loadu_si128, _mm_movemask_epi8,
        _mm_packs_epi16, _mm_packs_epi32, _mm_set1_epi32, _mm_setzero_si128, _mm_shuffle_ps,
    };
    // SAFETY: SSE2 is part of x86-64, and the loads are of the line's four pairs of slots.
    let bits = unsafe {
        let load = |pair: usize| -> __m128i { _mm_loadu_si128(line.as_ptr().add(pair * 2).cast()) };
        let pairs = [load(0), load(1), load(2), load(3)].map(|pair| _mm_castsi128_ps(pair));
        let wanted = _mm_set1_epi32(tag as i32);
        let tags = |a, b| _mm_cmpeq_epi32(_mm_castps_si128(_mm_shuffle_ps::<0b11_01_11_01>(a, b)), wanted);
        let empties =
            |a, b| _mm_cmpeq_epi32(_mm_castps_si128(_mm_shuffle_ps::<0b10_00_10_00>(a, b)), _mm_setzero_si128());
        let equal = _mm_packs_epi32(tags(pairs[0], pairs[1]), tags(pairs[2], pairs[3]));
        let empty = _mm_packs_epi32(empties(pairs[0], pairs[1]), empties(pairs[2], pairs[3]));
        _mm_movemask_epi8(_mm_packs_epi16(equal, empty)) as u32
    };
    (bits & 0xff & !(bits >> 8), bits >> 8)
}

#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn compare(line: &[u64; LINE], tag: u32) -> (u32, u32) {
    compare_plain(line, tag)
}

/// The definition of `compare`.
#[cfg(any(test, not(target_arch = "x86_64")))]
fn compare_plain(line: &[u64; LINE], tag: u32) -> (u32, u32) {
    line.iter().enumerate().fold((0, 0), |(equal, empty), (at, &slot)| match slot {
        0 => (equal, empty | 1 << at),
        slot if (slot >> 32) as u32 == tag => (equal | 1 << at, empty),
        _ => (equal, empty),
    })
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

    proptest! {
        #[test]
        fn a_line_is_compared_as_slot_by_slot(slots in proptest::array::uniform8(0u64..3), tag in 0u32..3) {
            let line = slots.map(|slot| if slot == 0 { 0 } else { (slot - 1) << 32 | 7 });
            prop_assert_eq!(compare(&line, tag), compare_plain(&line, tag));
        }

        /// All at once or one by one: the same records under every key.
        #[test]
        fn built_as_if_one_by_one(tags in proptest::collection::vec(0u32..60, 0..600), most in 1usize..20) {
            let tags: Vec<u32> = tags.into_iter().map(|tag| tag.wrapping_mul(0x9e37_79b9)).collect();
            let mut model: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
            for (record, &tag) in (0u32..).zip(&tags) {
                model.entry(tag).or_default().insert(record);
            }
            let (mut moved, mut sorted) = (Vec::new(), Vec::new());
            let table = Table::build(tags.iter().copied().zip(0u32..), most, &mut moved, &mut sorted).unwrap();
            let mut expected = BTreeSet::new();
            for (tag, records) in model {
                let mut found = BTreeSet::new();
                prop_assert_eq!(table.find(tag, |record| { found.insert(record); }).moved, records.len() > most);
                if records.len() > most {
                    expected.extend(records);
                } else {
                    prop_assert_eq!(found, records);
                }
            }
            prop_assert_eq!(moved.len(), expected.len());
            prop_assert_eq!(moved.into_iter().collect::<BTreeSet<_>>(), expected);
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
