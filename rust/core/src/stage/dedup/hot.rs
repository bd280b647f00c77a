//! Kept records whose bands are shared by very many others: one template filled in a hundred thousand
//! times, one question with as many answers. Their bands say nothing, so they are found by a prefix
//! filter (Chaudhuri et al. 2006; sizes and positions as in PPJoin, Xiao et al. 2008), which is exact:
//!
//! Two sets of n and m shingles whose similarity reaches t have at least o = ⌈t/(1+t)·(n+m)⌉ in common.
//! Put the shingles of both in one fixed order; then the first n-o+1 of the one and the first m-o+1 of
//! the other have one in common. The order is from rare to frequent, so a template's words come last.
//!
//! A record matches only if all its judged sets are similar, so it is enough to post one of them: the
//! one whose first shingles are rarer. Any order gives the same matches; the snapshot of frequencies
//! behind it is taken anew when the records have doubled, or when much work was done in vain.

use super::design::Design;
use super::entry::Entry;
use super::settings::Mode;
use super::table::Table;
use crate::error::Result;
use crate::text::hash::mix;
use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

/// Records whose shingles are counted for a snapshot.
const SAMPLE: usize = 4_096;

/// A posting of a frequent shingle: its tag, the size of the record's set, the complement of the
/// largest set of another record for which this posting matters, the record.
type Posting = (u32, u32, u32, u32);

/// How often a shingle was counted.
type Counts = HashMap<u64, u32, BuildHasherDefault<Itself>>;

/// A shingle is a hash already.
#[derive(Debug, Default)]
struct Itself(u64);

impl Hasher for Itself {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.0 = mix(self.0 ^ u64::from(byte)));
    }
    fn write_u64(&mut self, shingle: u64) {
        // The map looks at the lowest bits first, which an entry does not keep.
        self.0 = shingle.rotate_left(32);
    }
}

/// The prefix filter.
#[derive(Debug)]
pub struct Hot {
    mode: Mode,
    thresholds: [u32; 2],
    /// Records under one shingle before its postings are ordered by size and position.
    many: usize,
    /// Postings looked at, per record here, before a new snapshot is tried.
    patience: u64,
    members: Vec<u32>,
    /// One bit a kept record.
    is_member: Vec<u64>,
    frequency: Counts,
    short: Table,
    long: BTreeSet<Posting>,
    work: u64,
    members_at_snapshot: usize,
    prefix: Vec<(u32, u64)>,
    other: Vec<(u32, u64)>,
}

/// One judged set of an entry: a side, or both in mode `conversation`.
#[derive(Clone, Copy)]
struct Set {
    sides: (usize, usize),
    size: u32,
    threshold: u32,
}

impl Set {
    /// Shingles that two equal sets of this size could differ in, and one: the prefix against the smallest partner.
    fn longest_prefix(self) -> usize {
        let (size, threshold) = (u64::from(self.size), u64::from(self.threshold));
        (size - (size * threshold).div_ceil(10_000) + 1) as usize
    }

    /// The prefix against a partner of the same size.
    fn equal_prefix(self) -> usize {
        let (size, threshold) = (u64::from(self.size), u64::from(self.threshold));
        (size - (2 * size * threshold).div_ceil(10_000 + threshold) + 1) as usize
    }

    /// The largest partner for which the shingle at this position belongs to the prefix.
    fn largest_partner(self, position: usize) -> u32 {
        let (size, threshold) = (u64::from(self.size), u64::from(self.threshold));
        let rest = size - position as u64;
        ((10_000 + threshold) * rest / threshold).saturating_sub(size).min(u64::from(u32::MAX)) as u32
    }

    /// The sizes that a similar set may have.
    fn partners(self) -> (u32, u32) {
        let (size, threshold) = (u64::from(self.size), u64::from(self.threshold));
        ((size * threshold).div_ceil(10_000) as u32, (size * 10_000 / threshold).min(u64::from(u32::MAX)) as u32)
    }
}

impl Hot {
    /// An empty filter.
    pub fn new(design: &Design) -> Result<Self> {
        Ok(Self {
            mode: design.near.mode,
            thresholds: [design.near.threshold.prompt, design.near.threshold.response],
            many: (design.crowd / 2).max(1),
            patience: 64 * design.crowd as u64,
            members: Vec::new(),
            is_member: Vec::new(),
            frequency: Counts::default(),
            short: Table::new()?,
            long: BTreeSet::new(),
            work: 0,
            members_at_snapshot: 0,
            prefix: Vec::new(),
            other: Vec::new(),
        })
    }

    /// Records in the filter.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    fn sets(&self, entry: &Entry<'_>) -> impl Iterator<Item = Set> + use<> {
        let [prompt, response] = entry.sizes().map(|size| u32::try_from(size).unwrap_or(u32::MAX));
        let sets = if self.mode == Mode::Conversation {
            [Some(Set { sides: (0, 2), size: prompt.saturating_add(response), threshold: self.thresholds[0] }), None]
        } else {
            let set = |side: usize, size: u32| {
                (size > 0).then_some(Set { sides: (side, side + 1), size, threshold: self.thresholds[side] })
            };
            [set(0, prompt), set(1, response)]
        };
        sets.into_iter().flatten()
    }

    /// What two records must share whatever their words: numbers, and which sides are empty.
    fn group(&self, entry: &Entry<'_>) -> u64 {
        let numbers = entry.numbers();
        let empty = entry.sizes().map(|size| u64::from(size == 0 && self.mode != Mode::Conversation));
        mix(numbers[0].wrapping_mul(0xd6e8_feb8_6659_fd93) ^ numbers[1].rotate_left(32))
            .wrapping_add(empty[0] << 1 | empty[1])
    }

    fn tag(shingle: u64, group: u64) -> u32 {
        (mix(shingle ^ group) >> 32) as u32
    }

    /// The first shingles of a set, rare ones first.
    fn rank(frequency: &Counts, entry: &Entry<'_>, set: Set, out: &mut Vec<(u32, u64)>) {
        out.clear();
        let shingles = (set.sides.0..set.sides.1).flat_map(|side| entry.shingles(side));
        out.extend(shingles.map(|shingle| (frequency.get(&shingle).copied().unwrap_or(0), shingle)));
        let length = set.longest_prefix();
        if length < out.len() {
            out.select_nth_unstable(length);
            out.truncate(length);
        }
        out.sort_unstable();
    }

    /// The set under which a record is posted; its prefix is left in `prefix`.
    fn choose(&mut self, entry: &Entry<'_>) -> Option<Set> {
        let mut best: Option<(u64, u32, Set)> = None;
        for set in self.sets(entry) {
            Self::rank(&self.frequency, entry, set, &mut self.other);
            let cost = self.other.iter().take(set.equal_prefix()).map(|&(frequency, _)| u64::from(frequency)).sum();
            // Rarer first; of equals the larger set, which tells more.
            if best.is_none_or(|(least, size, _)| (cost, u32::MAX - set.size) < (least, u32::MAX - size)) {
                best = Some((cost, set.size, set));
                std::mem::swap(&mut self.prefix, &mut self.other);
            }
        }
        best.map(|(_, _, set)| set)
    }

    /// Makes a record a member; whether it was none.
    fn enlist(&mut self, record: u32) -> bool {
        let (word, bit) = (record as usize / 64, 1u64 << (record % 64));
        if word >= self.is_member.len() {
            self.is_member.resize(word + 1, 0);
        }
        let new = self.is_member[word] & bit == 0;
        if new {
            self.is_member[word] |= bit;
            self.members.push(record);
        }
        new
    }

    /// Adds many records to an empty filter, those that come twice once.
    pub fn load<'e>(&mut self, mut records: Vec<u32>, read: &impl Fn(u32) -> Result<Entry<'e>>) -> Result<()> {
        records.sort_unstable();
        for record in records {
            self.enlist(record);
        }
        if self.members.is_empty() { Ok(()) } else { self.snapshot(read) }
    }

    /// Adds a record, unless it is here already. `read` gives the entry of any kept record.
    pub fn add<'e>(&mut self, record: u32, read: &impl Fn(u32) -> Result<Entry<'e>>) -> Result<()> {
        if !self.enlist(record) {
            return Ok(());
        }
        if self.members.len() >= (2 * self.members_at_snapshot).max(16) {
            return self.snapshot(read);
        }
        self.post(record, read)
    }

    fn post<'e>(&mut self, record: u32, read: &impl Fn(u32) -> Result<Entry<'e>>) -> Result<()> {
        let entry = read(record)?;
        let group = self.group(&entry);
        let Some(set) = self.choose(&entry) else { return Ok(()) };
        let prefix = std::mem::take(&mut self.prefix);
        for (position, &(_, shingle)) in prefix.iter().enumerate() {
            let tag = Self::tag(shingle, group);
            let mut records = Vec::new();
            let found = self.short.find(tag, |record| records.push(record));
            if !found.moved && found.records < self.many {
                self.short.insert(tag, record)?;
                continue;
            }
            if !found.moved {
                for record in records {
                    self.lengthen(tag, record, read)?;
                }
                self.short.mark_moved(tag);
            }
            self.long.insert((tag, set.size, !set.largest_partner(position), record));
        }
        self.prefix = prefix;
        Ok(())
    }

    /// Moves a record's short posting under this tag to the long ones.
    fn lengthen<'e>(&mut self, tag: u32, record: u32, read: &impl Fn(u32) -> Result<Entry<'e>>) -> Result<()> {
        let entry = read(record)?;
        let group = self.group(&entry);
        // The same snapshot makes the same choice as when the record was posted.
        let Some(set) = self.choose(&entry) else { return Ok(()) };
        if let Some(position) = self.prefix.iter().position(|&(_, shingle)| Self::tag(shingle, group) == tag) {
            self.long.insert((tag, set.size, !set.largest_partner(position), record));
        }
        Ok(())
    }

    /// Counts frequencies anew and posts every record by them.
    fn snapshot<'e>(&mut self, read: &impl Fn(u32) -> Result<Entry<'e>>) -> Result<()> {
        self.work = 0;
        self.members_at_snapshot = self.members.len();
        self.short = Table::new()?;
        self.long.clear();
        self.frequency.clear();
        let step = self.members.len().div_ceil(SAMPLE);
        for &member in self.members.iter().step_by(step) {
            let entry = read(member)?;
            (0..2)
                .flat_map(|side| entry.shingles(side))
                .for_each(|shingle| *self.frequency.entry(shingle).or_insert(0) += 1);
        }
        self.frequency.retain(|_, count| *count > 1);
        self.frequency.shrink_to_fit();
        for index in 0..self.members.len() {
            self.post(self.members[index], read)?;
        }
        Ok(())
    }

    /// Appends every record here that may match this entry; each that does match is among them.
    pub fn find<'e>(
        &mut self,
        entry: &Entry<'_>,
        out: &mut Vec<u32>,
        read: &impl Fn(u32) -> Result<Entry<'e>>,
    ) -> Result<()> {
        if self.members.is_empty() {
            return Ok(());
        }
        let group = self.group(entry);
        let before = out.len();
        for set in self.sets(entry) {
            Self::rank(&self.frequency, entry, set, &mut self.other);
            let (smallest, largest) = set.partners();
            for (position, &(_, shingle)) in self.other.iter().enumerate() {
                let tag = Self::tag(shingle, group);
                if !self.short.find(tag, |record| out.push(record)).moved {
                    continue;
                }
                let largest = largest.min(set.largest_partner(position));
                let mut size = smallest;
                while let Some(&(found, found_size, _, _)) = self.long.range((tag, size, 0, 0)..).next() {
                    if found != tag || found_size > largest {
                        break;
                    }
                    let near = (tag, found_size, 0, 0)..=(tag, found_size, !set.size, u32::MAX);
                    out.extend(self.long.range(near).map(|posting| posting.3));
                    size = found_size + 1;
                    self.work += 1;
                }
            }
        }
        self.work += (out.len() - before) as u64;
        if self.work > self.patience * self.members.len() as u64 {
            self.snapshot(read)?;
        }
        Ok(())
    }
}
