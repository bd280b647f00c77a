//! Judgement in another order than the input's (rule 10): entries are gathered while the input is read,
//! judged in the order of their ranks when all are in, and asked about in input order afterwards.
//! The log holds all of them; the verdicts take a few bytes a record.

use super::design::Design;
use super::entry::Entry;
use super::index::{Duplicate, Index, Judgement};
use super::log::{self, Log};
use super::settings::DedupSettings;
use super::similarity;
use super::table;
use crate::error::{Error, Result};
use std::path::Path;

/// Entries that wait for the rest.
#[derive(Debug)]
pub struct Deferred {
    settings: DedupSettings,
    log: Log,
}

/// What was decided about every entry.
#[derive(Debug)]
pub struct Verdicts {
    log: Log,
    signature: usize,
    by_exact: bool,
    /// Where each entry is, in input order.
    places: Vec<u64>,
    /// Of each entry 0 if it is kept, else the number of the kept one from 1.
    of: Vec<u32>,
}

impl Deferred {
    /// Nothing yet. `normaliser` as for `Index::create`.
    pub fn create(settings: &DedupSettings, normaliser: &str, log_path: &Path) -> Result<Self> {
        settings.check()?;
        Ok(Self { settings: settings.clone(), log: Log::create(settings, normaliser, log_path)? })
    }

    /// What was there when `mark` returned this length.
    ///
    /// # Errors
    ///
    /// As `Index::resume`.
    pub fn resume(settings: &DedupSettings, normaliser: &str, log_path: &Path, log_length: u64) -> Result<Self> {
        settings.check()?;
        Ok(Self { settings: settings.clone(), log: Log::open(settings, normaliser, log_path, log_length)? })
    }

    /// Takes the entry of the next record in input order, as `Signer::sign` made it.
    pub fn take(&mut self, entry: &[u8]) -> Result<()> {
        let signature = Design::new(&self.settings).map_or(0, |design| design.signature());
        self.log.append(Entry::read(entry, signature)?.logged()).map(|_| ())
    }

    /// The length of the log: what `resume` needs to continue from here.
    pub fn mark(&mut self) -> Result<u64> {
        self.log.flush()
    }

    /// Judges all entries: rule 9 in the order of their ranks, those of one rank in input order.
    pub fn judge(mut self) -> Result<Verdicts> {
        let length = self.log.flush()?;
        let signature = Design::new(&self.settings).map_or(0, |design| design.signature());
        let (mut places, mut ranks) = (Vec::new(), Vec::new());
        let mut at = log::HEAD;
        while at < length {
            let entry = Entry::read(self.log.at(at), signature)?;
            places.push(at);
            ranks.push(entry.rank());
            at += entry.logged().len() as u64;
        }
        if places.len() >= table::MOST as usize {
            return Err(Error::Check("more records than one run can order (4,294,967,293)".to_owned()));
        }
        let mut order: Vec<u32> = (0..places.len() as u32).collect();
        order.sort_by_key(|&record| ranks[record as usize]);
        drop(ranks);
        let by_exact = self.settings.exact;
        let mut index = Index::with_log(&self.settings, Design::new(&self.settings), self.log)?;
        let mut of = vec![0; places.len()];
        let mut kept = Vec::new();
        let mut bytes = Vec::new();
        for record in order {
            match index.judge_logged(places[record as usize], &mut bytes)? {
                None => kept.push(record),
                Some(number) => of[record as usize] = kept[number as usize] + 1,
            }
        }
        Ok(Verdicts { log: index.into_log(), signature, by_exact, places, of })
    }
}

impl Verdicts {
    /// What was decided about a record, by its number in input order.
    pub fn of(&self, record: u64) -> Result<Judgement> {
        let missing = || Error::Internal(format!("no verdict about record {record}"));
        let &of = usize::try_from(record).ok().and_then(|record| self.of.get(record)).ok_or_else(missing)?;
        if of == 0 {
            return Ok(Judgement::Kept);
        }
        let [entry, kept] = [record as usize, of as usize - 1].map(|number| self.entry(number));
        let (entry, kept) = (entry?, kept?);
        let exact = self.by_exact && entry.exact() == kept.exact();
        let [prompt, response] = similarity::overlaps(&entry, &kept, exact);
        Ok(Judgement::Duplicate(Duplicate { of: kept.origin().to_owned(), exact, prompt, response }))
    }

    fn entry(&self, number: usize) -> Result<Entry<'_>> {
        Entry::read(self.log.at(self.places[number]), self.signature)
    }
}
