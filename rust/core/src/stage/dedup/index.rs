//! The in-order half: which record is a duplicate, and of which kept record.

use super::design::Design;
use super::entry::Entry;
use super::log::{self, Log};
use super::minhash::{band_keys, equal_bytes};
use super::settings::{DedupSettings, Mode};
use super::table::{self, Table};
use crate::error::{Error, Result};
use crate::text::shingles::IdentitySet;
use std::path::Path;

/// What was decided about a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Like no kept record before it.
    Kept,
    /// Like a kept record.
    Duplicate(Duplicate),
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

/// The kept records, by number, and every way to find them.
#[derive(Debug)]
pub struct Index {
    by_exact: bool,
    design: Option<Design>,
    log: Log,
    kept: u32,
    /// A fixed number of bytes a kept record, see `Index::keep`.
    rows: Vec<u8>,
    exact: Table,
    bands: Vec<Table>,
    candidates: Vec<u32>,
    keys: Vec<u32>,
    query: IdentitySet,
}

/// Bytes of a row before the signature: place in the log, numbers of shingles (saturated).
const ROW_HEAD: usize = 12;

impl Index {
    /// A new index whose entries are logged at `log_path`.
    pub fn create(settings: &DedupSettings, log_path: &Path) -> Result<Self> {
        settings.check()?;
        Ok(Self::with_log(settings, Log::create(settings, log_path)?))
    }

    /// The index as it was when `mark` returned these numbers. What was logged later is cut off.
    pub fn resume(settings: &DedupSettings, log_path: &Path, log_length: u64, kept: u64) -> Result<Self> {
        settings.check()?;
        let mut index = Self::with_log(settings, Log::open(settings, log_path, log_length)?);
        let mut at = log::HEAD;
        while at < log_length {
            at = index.replay(at)?;
        }
        if u64::from(index.kept) != kept {
            let problem = format!("{} entries, but the checkpoint counts {kept}", index.kept);
            return Err(Error::output(log_path.display().to_string(), problem).with_hint("start again with `--force`"));
        }
        Ok(index)
    }

    fn with_log(settings: &DedupSettings, log: Log) -> Self {
        let design = Design::new(settings);
        let bands = design.as_ref().map_or(0, |design| design.bands);
        Self {
            by_exact: settings.exact,
            design,
            log,
            kept: 0,
            rows: Vec::new(),
            exact: Table::default(),
            bands: (0..bands).map(|_| Table::default()).collect(),
            candidates: Vec::new(),
            keys: Vec::new(),
            query: IdentitySet::default(),
        }
    }

    /// Where the log ends and how many records are kept: what `resume` needs to continue from here.
    pub fn mark(&mut self) -> Result<(u64, u64)> {
        Ok((self.log.flush()?, u64::from(self.kept)))
    }

    /// Waits until everything before the last `mark` is on the device.
    pub fn sync(&self) -> Result<()> {
        self.log.sync()
    }

    /// Kept records.
    pub fn kept(&self) -> u64 {
        u64::from(self.kept)
    }

    fn signature_length(&self) -> usize {
        self.design.as_ref().map_or(0, Design::signature)
    }

    /// Decides about the record of this entry (as `Signer::sign` made it), after all before it.
    pub fn judge(&mut self, entry: &[u8]) -> Result<Judgement> {
        let entry = Entry::read(entry, self.signature_length())?;
        // Two records with equal turns resemble the same records, and the kept one resembles none before
        // it: an equal record is always the first that matches.
        if let Some(record) = self.equal(&entry)? {
            return self.duplicate(record, true, &entry);
        }
        self.keys.clear();
        if let Some(keys) = entry.bands(self.bands.len()) {
            self.keys.extend(keys);
        }
        if let Some(record) = self.near(&entry)? {
            return self.duplicate(record, false, &entry);
        }
        let at = self.log.append(entry.logged())?;
        self.keep(at, &entry)?;
        Ok(Judgement::Kept)
    }

    fn replay(&mut self, at: u64) -> Result<u64> {
        // The entry's bytes belong to the log, which `keep` does not touch; they are copied because
        // the borrow checker cannot know.
        let bytes = Entry::read(self.log.at(at), self.signature_length())?.logged().to_vec();
        let entry = Entry::read(&bytes, self.signature_length())?;
        self.keys.clear();
        if let Some(design) = &self.design {
            band_keys(entry.signature(), design.rows, entry.numbers(), &mut self.keys);
        }
        self.keep(at, &entry)?;
        Ok(at + bytes.len() as u64)
    }

    fn keep(&mut self, at: u64, entry: &Entry<'_>) -> Result<()> {
        if self.kept >= table::MOST {
            return Err(Error::Check("more than 4,294,967,293 kept records, the most that one index can hold".to_owned()));
        }
        let record = self.kept;
        self.kept += 1;
        self.rows.extend_from_slice(&at.to_le_bytes());
        if self.by_exact {
            self.exact.insert(entry.exact()[0] as u32, record);
        }
        if self.design.is_some() {
            let [prompt, response] = entry.sizes();
            for size in [prompt, response] {
                self.rows.extend_from_slice(&u16::try_from(size).unwrap_or(u16::MAX).to_le_bytes());
            }
            self.rows.extend_from_slice(entry.signature());
            if prompt + response > 0 {
                for (table, &key) in self.bands.iter_mut().zip(&self.keys) {
                    table.insert(key, record);
                }
            }
        }
        Ok(())
    }

    fn row(&self, record: u32) -> &[u8] {
        let width = if self.design.is_some() { ROW_HEAD + self.signature_length() } else { 8 };
        &self.rows[record as usize * width..][..width]
    }

    fn logged(&self, record: u32) -> Result<Entry<'_>> {
        let mut at = [0; 8];
        at.copy_from_slice(&self.row(record)[..8]);
        Entry::read(self.log.at(u64::from_le_bytes(at)), self.signature_length())
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
            if self.logged(record)?.exact() == wanted {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }

    /// The first kept record that is nearly equal to this one.
    fn near(&mut self, entry: &Entry<'_>) -> Result<Option<u32>> {
        let Some(design) = &self.design else { return Ok(None) };
        if entry.sizes() == [0, 0] {
            return Ok(None);
        }
        self.candidates.clear();
        for (table, &key) in self.bands.iter().zip(&self.keys) {
            table.find(key, |record| self.candidates.push(record));
        }
        self.candidates.sort_unstable();
        self.candidates.dedup();
        let candidates = std::mem::take(&mut self.candidates);
        let mut query = std::mem::take(&mut self.query);
        let mut ready = false;
        let mut first = None;
        for &record in &candidates {
            if equal_bytes(&self.row(record)[ROW_HEAD..], entry.signature()) < design.least_equal {
                continue;
            }
            if !ready {
                let sizes = entry.sizes();
                query.clear(sizes[0] + sizes[1]);
                (0..2).flat_map(|side| entry.shingles(side)).for_each(|shingle| {
                    query.insert(shingle);
                });
                ready = true;
            }
            if matches(design, entry, &self.logged(record)?, &query) {
                first = Some(record);
                break;
            }
        }
        self.candidates = candidates;
        self.query = query;
        Ok(first)
    }

    fn duplicate(&self, of: u32, exact: bool, entry: &Entry<'_>) -> Result<Judgement> {
        let kept = self.logged(of)?;
        let mut overlaps = [None; 2];
        for (side, overlap) in overlaps.iter_mut().enumerate() {
            let sizes = [entry.sizes()[side], kept.sizes()[side]];
            if sizes == [0, 0] {
                continue;
            }
            let mut query = IdentitySet::default();
            query.clear(sizes[0]);
            entry.shingles(side).for_each(|shingle| {
                query.insert(shingle);
            });
            *overlap = Some(overlap_of(&kept, side, sizes, &query));
        }
        Ok(Judgement::Duplicate(Duplicate {
            of: kept.origin().to_owned(),
            exact,
            prompt: overlaps[0],
            response: overlaps[1],
        }))
    }
}

/// Shingles in both and in either, where `query` holds the other record's shingles.
fn overlap_of(kept: &Entry<'_>, side: usize, sizes: [usize; 2], query: &IdentitySet) -> [u64; 2] {
    let both = kept.shingles(side).filter(|&shingle| query.contains(shingle)).count();
    [both as u64, (sizes[0] + sizes[1] - both) as u64]
}

fn reaches(overlap: [u64; 2], threshold: u32) -> bool {
    overlap[0] * 10_000 >= u64::from(threshold) * overlap[1]
}

/// Rule 7: whether the records match. At least one of them has shingles.
fn matches(design: &Design, entry: &Entry<'_>, kept: &Entry<'_>, query: &IdentitySet) -> bool {
    if entry.numbers() != kept.numbers() {
        return false;
    }
    let mut overlaps = [[0; 2]; 2];
    let thresholds = [design.near.threshold.prompt, design.near.threshold.response];
    for side in 0..2 {
        let sizes = [entry.sizes()[side], kept.sizes()[side]];
        if sizes == [0, 0] {
            continue;
        }
        overlaps[side] = overlap_of(kept, side, sizes, query);
        if design.near.mode != Mode::Conversation && !reaches(overlaps[side], thresholds[side]) {
            return false;
        }
    }
    let sum = [overlaps[0][0] + overlaps[1][0], overlaps[0][1] + overlaps[1][1]];
    design.near.mode != Mode::Conversation || reaches(sum, thresholds[0])
}
