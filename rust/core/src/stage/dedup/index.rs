//! The in-order half: which record is a duplicate, and of which kept record.

use super::design::Design;
use super::entry::Entry;
use super::hashes::{KeptHashes, Writer};
use super::hot::Hot;
use super::keep::Keep;
use super::log::{self, Log};
use super::minhash::{band_keys, equal_bytes};
use super::settings::DedupSettings;
use super::similarity::{self, Query};
use super::store::Store;
use super::table::{self, Found, Table};
use crate::error::{Error, Result};
use std::path::Path;
use std::sync::Arc;

/// What was decided about a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Like no kept record before it.
    Kept,
    /// Like a kept record.
    Duplicate(Duplicate),
}

impl Judgement {
    /// Whom the record doubles, if any.
    pub fn duplicate(self) -> Option<Duplicate> {
        match self {
            Self::Kept => None,
            Self::Duplicate(duplicate) => Some(duplicate),
        }
    }
}

/// Whom a record doubles, and how much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duplicate {
    /// The origin of the first kept record that it resembles.
    pub of: String,
    /// Whether all turns and tools are equal.
    pub exact: bool,
    /// Shingles in both prompts and in either; `None` if prompts were not judged.
    pub prompt: Option<[u64; 2]>,
    /// Shingles in both responses and in either; `None` if responses were not judged.
    pub response: Option<[u64; 2]>,
}

/// The kept records and every way to find them.
#[derive(Debug)]
pub struct Index {
    by_exact: bool,
    store: Store,
    exact: Table,
    /// What workers know of the kept records, where they are judged in input order.
    hashes: Option<Writer>,
    near: Option<Near>,
    candidates: Vec<u32>,
    keys: Vec<u32>,
}

/// What near deduplication adds.
#[derive(Debug)]
struct Near {
    design: Design,
    bands: Vec<Table>,
    hot: Hot,
    query: Query,
    /// What each table said about the keys of the record at hand.
    found: Vec<Found>,
    /// The last records seen, by their low bits: a cheap way to look at most candidates once.
    seen: Vec<u32>,
}

impl Index {
    /// A new index whose entries are logged at `log_path`. `normaliser` tells how the records were
    /// normalised: an index is of use only to records that were normalised in the same way.
    pub fn create(settings: &DedupSettings, normaliser: &str, log_path: &Path) -> Result<Self> {
        settings.check()?;
        Self::with_log(settings, Design::new(settings), Log::create(settings, normaliser, log_path)?)
    }

    /// The index as it was when `mark` returned these numbers. What was logged later is cut off.
    ///
    /// # Errors
    ///
    /// The log was made with other settings, with another normaliser or by another version, or is damaged.
    pub fn resume(
        settings: &DedupSettings,
        normaliser: &str,
        log_path: &Path,
        log_length: u64,
        kept: u64,
    ) -> Result<Self> {
        settings.check()?;
        let log = Log::open(settings, normaliser, log_path, log_length)?;
        let mut index = Self::with_log(settings, Design::new(settings), log)?;
        index.replay_all(log_length)?;
        if index.kept() != kept {
            let problem = format!("{} entries, but the checkpoint counts {kept}", index.kept());
            return Err(Error::output(log_path.display().to_string(), problem).with_hint("start again with `--force`"));
        }
        Ok(index)
    }

    pub(super) fn with_log(settings: &DedupSettings, design: Option<Design>, log: Log) -> Result<Self> {
        let store = Store::new(log, design.as_ref().map(Design::signature));
        let near = design.map(Near::new).transpose()?;
        let (candidates, keys) = (Vec::new(), Vec::new());
        let by_exact = settings.exact;
        let hashes = (by_exact && settings.keep == Keep::First).then(Writer::new).flatten();
        Ok(Self { by_exact, store, exact: Table::new()?, hashes, near, candidates, keys })
    }

    /// Where the log ends and how many records are kept: what `resume` needs to continue from here. The log is
    /// with the operating system then; that it is on the medium is for the caller to see to.
    pub fn mark(&mut self) -> Result<(u64, u64)> {
        Ok((self.store.log.flush()?, self.kept()))
    }

    /// Kept records.
    pub fn kept(&self) -> u64 {
        u64::from(self.store.len())
    }

    /// Bytes of anonymous memory of the tables, as far as they are counted.
    pub fn bytes(&self) -> usize {
        let bands = self.near.iter().flat_map(|near| &near.bands).map(Table::bytes).sum::<usize>();
        let hashes = self.hashes.as_ref().map_or(0, Writer::bytes);
        bands + self.exact.bytes() + hashes + self.store.bytes()
    }

    /// What workers may know of the kept records: a record whose hash is there can be given to `judge` as a copy.
    pub fn kept_hashes(&self) -> Option<Arc<KeptHashes>> {
        self.hashes.as_ref().map(Writer::shared)
    }

    /// Kept records whose bands are so crowded that the prefix filter finds them.
    pub fn hot(&self) -> usize {
        self.near.as_ref().map_or(0, |near| near.hot.len())
    }

    /// Decides about the record of this entry (as `Signer::sign` made it), after all before it.
    pub fn judge(&mut self, entry: &[u8]) -> Result<Judgement> {
        self.judge_before(entry, &[])
    }

    /// The same, and meanwhile asks the processor for the memory that judging the `next` entry will
    /// touch, if there is one: look-ups and requests in turn keep both busy.
    pub fn judge_before(&mut self, entry: &[u8], next: &[u8]) -> Result<Judgement> {
        let entry = Entry::read(entry, self.store.signature())?;
        let next = Entry::read(next, self.store.signature()).ok();
        if let (true, Some(next)) = (self.by_exact, &next) {
            self.exact.prefetch(next.exact()[0] as u32);
        }
        let tables = self.near.as_ref().map_or(0, |near| near.bands.len());
        let next = next.and_then(|next| next.bands(tables)).unwrap_or_default();
        // Two records with equal turns resemble the same records, and the kept one resembles none before
        // it: an equal record is always the first that matches.
        if let Some(record) = self.equal(&entry)? {
            self.prefetch(next);
            return self.duplicate(record, true, &entry);
        }
        if entry.is_copy() {
            return Err(Error::Internal(format!(
                "no kept record equals {}, which was taken for a copy",
                entry.origin()
            )));
        }
        self.keys.resize(tables, 0);
        let keys = entry.read_bands(&mut self.keys);
        keys.ok_or_else(|| Error::Internal("an entry without band keys".to_owned()))?;
        if let Some(record) = self.near(&entry, next)? {
            return self.duplicate(record, false, &entry);
        }
        let at = self.store.log.append(entry.logged())?;
        self.keep(at, &entry)?;
        Ok(Judgement::Kept)
    }

    /// Decides about a record whose entry is in the log already, at `at`: the number of the kept record
    /// that it doubles, counted in the order of judging. `bytes` is a reused buffer.
    pub(super) fn judge_logged(&mut self, at: u64, bytes: &mut Vec<u8>) -> Result<Option<u32>> {
        bytes.clear();
        bytes.extend_from_slice(Entry::read(self.store.log.at(at), self.store.signature())?.logged());
        let entry = Entry::read(bytes, self.store.signature())?;
        if let Some(record) = self.equal(&entry)? {
            return Ok(Some(record));
        }
        if let Some(near) = &self.near {
            self.keys.clear();
            band_keys(entry.signature(), near.design.rows, entry.numbers(), &mut self.keys);
        }
        if let Some(record) = self.near(&entry, &[])? {
            return Ok(Some(record));
        }
        self.keep(at, &entry)?;
        Ok(None)
    }

    /// The log, without the tables.
    pub(super) fn into_log(self) -> Log {
        self.store.log
    }

    /// Takes up everything that is logged before `log_length`: the tables that judging the same records
    /// one by one would have made, but each filled in the order of its memory.
    pub(super) fn replay_all(&mut self, log_length: u64) -> Result<()> {
        let mut at = log::HEAD;
        let (mut tags, mut keys, mut with_shingles) = (Vec::new(), Vec::new(), Vec::new());
        let mut bands = vec![Vec::new(); self.near.as_ref().map_or(0, |near| near.bands.len())];
        while at < log_length {
            let entry = Entry::read(self.store.log.at(at), self.store.signature())?;
            let record = self.store.rows.push(at, &entry)?;
            at += entry.logged().len() as u64;
            if self.by_exact {
                tags.push(entry.exact()[0] as u32);
            }
            if let Some(hashes) = &mut self.hashes {
                hashes.add(entry.exact());
            }
            if let Some(near) = self.near.as_ref().filter(|_| entry.sizes() != [0, 0]) {
                keys.clear();
                band_keys(entry.signature(), near.design.rows, entry.numbers(), &mut keys);
                bands.iter_mut().zip(&keys).for_each(|(band, &key)| band.push(key));
                with_shingles.push(record);
            }
        }
        let (mut moved, mut sorted) = (Vec::new(), Vec::new());
        self.exact = Table::build(tags.iter().copied().zip(0..), usize::MAX, &mut moved, &mut sorted)?;
        drop(tags);
        let Some(near) = &mut self.near else { return Ok(()) };
        for (table, keys) in near.bands.iter_mut().zip(bands) {
            let pairs = keys.iter().copied().zip(with_shingles.iter().copied());
            *table = Table::build(pairs, near.design.crowd, &mut moved, &mut sorted)?;
        }
        near.hot.load(moved, &|record| self.store.entry(record))
    }

    fn keep(&mut self, at: u64, entry: &Entry<'_>) -> Result<()> {
        if self.store.len() >= table::MOST {
            return Err(Error::Check("more kept records than one index can hold (4,294,967,293)".to_owned()));
        }
        let record = self.store.rows.push(at, entry)?;
        if self.by_exact {
            self.exact.insert(entry.exact()[0] as u32, record)?;
        }
        if let Some(hashes) = &mut self.hashes {
            hashes.add(entry.exact());
        }
        match &mut self.near {
            Some(near) if entry.sizes() != [0, 0] => near.keep(record, &self.keys, &self.store, &mut self.candidates),
            _ => Ok(()),
        }
    }

    /// The kept record that is equal to this one.
    fn equal(&mut self, entry: &Entry<'_>) -> Result<Option<u32>> {
        if !self.by_exact {
            return Ok(None);
        }
        let wanted = entry.exact();
        self.candidates.clear();
        self.exact.find(wanted[0] as u32, |record| self.candidates.push(record));
        for &record in &self.candidates {
            if self.store.entry(record)?.exact() == wanted {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }

    /// Asks for the places of these band keys.
    fn prefetch(&self, keys: &[[u8; 4]]) {
        let tables = self.near.iter().flat_map(|near| &near.bands);
        tables.zip(keys).for_each(|(table, key)| table.prefetch(u32::from_le_bytes(*key)));
    }

    /// The first kept record that is nearly equal to this one; `next` are the band keys of the next record.
    fn near(&mut self, entry: &Entry<'_>, next: &[[u8; 4]]) -> Result<Option<u32>> {
        match &mut self.near {
            Some(near) if entry.sizes() != [0, 0] => {
                near.first(entry, (&self.keys, next), &self.store, &mut self.candidates)
            }
            _ => {
                self.prefetch(next);
                Ok(None)
            }
        }
    }

    fn duplicate(&self, of: u32, exact: bool, entry: &Entry<'_>) -> Result<Judgement> {
        let kept = self.store.entry(of)?;
        let [prompt, response] = similarity::overlaps(entry, &kept, exact);
        Ok(Judgement::Duplicate(Duplicate { of: kept.origin().to_owned(), exact, prompt, response }))
    }
}

impl Near {
    fn new(design: Design) -> Result<Self> {
        Ok(Self {
            bands: (0..design.bands).map(|_| Table::new()).collect::<Result<_>>()?,
            hot: Hot::new(&design)?,
            query: Query::default(),
            found: Vec::new(),
            seen: Vec::new(),
            design,
        })
    }

    /// Asks every table for its key, and leaves the answers in `found`. Whether a key is crowded.
    fn look_up(&mut self, (keys, next): (&[u32], &[[u8; 4]]), mut each: impl FnMut(u32)) -> Result<bool> {
        self.found.clear();
        let mut crowded = false;
        let mut next = next.iter();
        for (table, &key) in self.bands.iter_mut().zip(keys) {
            table.make_room()?;
            if let Some(next) = next.next() {
                table.prefetch(u32::from_le_bytes(*next));
            }
            let found = table.find(key, &mut each);
            crowded |= found.moved;
            self.found.push(found);
        }
        Ok(crowded)
    }

    /// Makes a kept record findable, whose keys were just looked up.
    fn keep(&mut self, record: u32, keys: &[u32], store: &Store, buffer: &mut Vec<u32>) -> Result<()> {
        let read = |record| store.entry(record);
        let mut crowded = false;
        for ((table, &key), &found) in self.bands.iter_mut().zip(keys).zip(&self.found) {
            if !found.moved && found.records < self.design.crowd {
                table.insert_found(found, key, record)?;
                continue;
            }
            if !found.moved {
                buffer.clear();
                table.find(key, |record| buffer.push(record));
                for &record in buffer.iter() {
                    self.hot.add(record, &read)?;
                }
                table.mark_moved(key);
            }
            crowded = true;
        }
        if crowded { self.hot.add(record, &read) } else { Ok(()) }
    }

    /// The first kept record that matches.
    fn first(
        &mut self,
        entry: &Entry<'_>,
        keys: (&[u32], &[[u8; 4]]),
        store: &Store,
        candidates: &mut Vec<u32>,
    ) -> Result<Option<u32>> {
        candidates.clear();
        let mut seen = std::mem::take(&mut self.seen);
        seen.clear();
        seen.resize(256, u32::MAX);
        let crowded = self.look_up(keys, |record| {
            let last = &mut seen[record as usize % 256];
            if *last != record {
                *last = record;
                store.prefetch(record);
                candidates.push(record);
            }
        })?;
        self.seen = seen;
        if crowded {
            self.hot.find(entry, candidates, &|record| store.entry(record))?;
        }
        candidates.retain(|&record| {
            let row = store.row(record);
            similarity::sizes_may_match(&self.design, entry.sizes(), row.sizes())
                && equal_bytes(row.signature(), entry.signature()) >= self.design.least_equal
        });
        candidates.sort_unstable();
        candidates.dedup();
        self.query.begin();
        for &record in candidates.iter() {
            if self.query.matches(&self.design, entry, &store.entry(record)?) {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }
}
