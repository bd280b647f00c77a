//! The stream of packs: which documents, in which order, in which row. Planned over lengths alone, so
//! every rank and worker plans all of it and reads only the tokens of its own packs.

use super::corpus::{Corpus, reference};
use crate::counter::Counter;
use crate::pack::{PackCursor, Packer};
use corpuskit_core::plan::packing::{PackMode, PackSettings};
use corpuskit_core::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::Arc;

/// Records that change places with each other; no record leaves its block.
pub const BLOCK: usize = 10_000;

/// Streams of the loader's random numbers start here; `mix` has the ones below.
const FIRST_STREAM: u64 = 1 << 32;

/// How packs are made.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct StreamSettings {
    /// Mode, length and window.
    pub pack: PackSettings,
    /// Decides the order inside blocks.
    pub seed: u64,
    /// Whether records change places inside blocks.
    pub shuffle: bool,
    /// Passes over all phases.
    pub epochs: u32,
    /// Only documents of these categories; all if there are none.
    pub categories: Vec<String>,
}

/// Where a stream stands.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// Passes that are behind.
    pub epoch: u32,
    /// Phases of this pass that are behind.
    pub phase: u32,
    /// Packs that are behind, in all.
    pub packs: u64,
    /// The packer of this phase.
    pub packer: PackCursor,
    /// The digest chain over the packs that are behind.
    pub chain: u64,
}

/// A document as it is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The shard.
    pub shard: u32,
    /// The document in it.
    pub document: u32,
    /// Tokens.
    pub length: u32,
    /// Category, or `NO_CATEGORY`.
    pub category: u16,
}

/// A planned pack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Its number in the stream.
    pub number: u64,
    /// The pass.
    pub epoch: u32,
    /// The phase.
    pub phase: u32,
    /// Its documents.
    pub members: Vec<Member>,
    /// The digest chain, this pack included.
    pub chain: u64,
}

/// Plans packs, one after the other.
#[derive(Debug)]
pub struct Stream {
    corpus: Arc<Corpus>,
    settings: StreamSettings,
    wanted: Option<Vec<bool>>,
    cursor: Cursor,
    packer: Packer,
    /// Documents from number `first` on, of which the packer may still want some.
    ahead: VecDeque<Member>,
    first: u64,
    /// The next block of this phase.
    block: usize,
    numbers: Vec<u64>,
}

impl Stream {
    /// A stream that starts at a cursor.
    ///
    /// # Errors
    /// Wrong settings, or a cursor that this stream cannot have.
    pub fn new(corpus: Arc<Corpus>, settings: StreamSettings, cursor: Cursor) -> Result<Self> {
        settings.pack.check()?;
        let wanted = wanted(&corpus, &settings.categories)?;
        let packer = Packer::resume(settings.pack.length, settings.pack.window, &cursor.packer)?;
        let mut stream = Self {
            corpus,
            settings,
            wanted,
            cursor,
            packer,
            ahead: VecDeque::new(),
            first: 0,
            block: 0,
            numbers: Vec::new(),
        };
        if stream.cursor.phase as usize > stream.corpus.phases.len() {
            return Err(Error::input("the state of the loader", "names a phase that does not exist"));
        }
        stream.skip_blocks();
        Ok(stream)
    }

    /// What it reads.
    pub fn corpus(&self) -> &Arc<Corpus> {
        &self.corpus
    }

    /// Packs that are behind.
    pub fn packs(&self) -> u64 {
        self.cursor.packs
    }

    /// Where it stands.
    pub fn cursor(&self) -> Cursor {
        let mut cursor = self.cursor.clone();
        if self.settings.pack.mode == PackMode::Packed {
            cursor.packer = self.packer.cursor();
        }
        cursor
    }

    /// Passes over blocks that lie wholly before the packer's oldest document.
    fn skip_blocks(&mut self) {
        let target = self.cursor.packer.oldest;
        while self.first + (self.ahead.len() as u64) < target || self.ahead.is_empty() {
            if !self.read_block() {
                return;
            }
            let behind = target.saturating_sub(self.first).min(self.ahead.len() as u64);
            self.ahead.drain(..behind as usize);
            self.first += behind;
        }
    }

    /// Appends the documents of the next block of the phase; false at its end.
    fn read_block(&mut self) -> bool {
        let Some(phase) = self.corpus.phases.get(self.cursor.phase as usize) else { return false };
        let start = self.block * BLOCK;
        if start >= phase.places.len() {
            return false;
        }
        let places = &phase.places[start..phase.places.len().min(start + BLOCK)];
        let mut order: Vec<u32> = (0..places.len() as u32).collect();
        if self.settings.shuffle {
            let stream = FIRST_STREAM + (u64::from(self.cursor.epoch) << 20) + u64::from(self.cursor.phase);
            let counter = Counter::new(self.settings.seed, stream);
            order.sort_by_cached_key(|&at| (counter.at((start + at as usize) as u64), at));
        }
        for at in order {
            let (shard, row) = places[at as usize];
            let category = self.corpus.category(shard, row as usize);
            let last = self.corpus.categories.len();
            if self.wanted.as_ref().is_some_and(|wanted| !wanted[usize::from(category).min(last)]) {
                continue;
            }
            let tokens = &self.corpus.store.shards()[shard as usize];
            for document in tokens.documents_of(row as usize) {
                let length = tokens.span(document).map_or(0, |span| span.len() as u32);
                self.ahead.push_back(Member { shard, document: document as u32, length, category });
            }
        }
        self.block += 1;
        true
    }

    /// The document with a number, if the phase has so many.
    fn member(&mut self, number: u64) -> Option<Member> {
        loop {
            let at = (number - self.first) as usize;
            if let Some(member) = self.ahead.get(at) {
                return Some(*member);
            }
            if !self.read_block() {
                return None;
            }
        }
    }

    /// The next pack; none at the end of the last pass.
    ///
    /// # Errors
    /// A document that is longer than a pack.
    pub fn next_pack(&mut self) -> Result<Option<Plan>> {
        loop {
            if self.cursor.epoch >= self.settings.epochs {
                return Ok(None);
            }
            if self.cursor.phase as usize >= self.corpus.phases.len() {
                self.cursor.epoch += 1;
                self.start_phase(0)?;
                continue;
            }
            let mut numbers = std::mem::take(&mut self.numbers);
            let found = match self.settings.pack.mode {
                PackMode::Packed => self.packed(&mut numbers)?,
                PackMode::PaddingFree => self.in_order(&mut numbers, usize::MAX)?,
                PackMode::Padded => self.in_order(&mut numbers, 1)?,
            };
            let plan = if found { Some(self.planned(&numbers)) } else { None };
            self.numbers = numbers;
            match plan {
                Some(plan) => return Ok(Some(plan)),
                None => self.start_phase(self.cursor.phase + 1)?,
            }
        }
    }

    fn start_phase(&mut self, phase: u32) -> Result<()> {
        self.cursor.phase = phase;
        self.cursor.packer = PackCursor::default();
        self.packer = Packer::new(self.settings.pack.length, self.settings.pack.window)?;
        self.ahead.clear();
        (self.first, self.block) = (0, 0);
        Ok(())
    }

    fn packed(&mut self, numbers: &mut Vec<u64>) -> Result<bool> {
        while !self.packer.is_full() {
            let Some(member) = self.member(self.packer.next_document()) else {
                return Ok(self.packer.last_pack(numbers));
            };
            self.fits(member)?;
            self.packer.push(member.length)?;
        }
        Ok(self.packer.next_pack(numbers))
    }

    fn in_order(&mut self, numbers: &mut Vec<u64>, most: usize) -> Result<bool> {
        numbers.clear();
        let mut left = self.settings.pack.length;
        let mut next = self.cursor.packer.oldest;
        while numbers.len() < most {
            let Some(member) = self.member(next) else { break };
            self.fits(member)?;
            if member.length > left {
                break;
            }
            left -= member.length;
            numbers.push(next);
            next += 1;
        }
        self.cursor.packer.oldest = next;
        Ok(!numbers.is_empty())
    }

    fn fits(&self, member: Member) -> Result<()> {
        if (1..=self.settings.pack.length).contains(&member.length) {
            return Ok(());
        }
        let origin = self.corpus.origin(reference(member.shard, member.document))?;
        let problem = format!("must be at least {}, the length of the document of {origin}", member.length);
        Err(Error::plan("pack.length", problem)
            .with_hint("make the token store again with this length, so that `tokenise.overflow` decides"))
    }

    fn planned(&mut self, numbers: &[u64]) -> Plan {
        let members: Vec<Member> = numbers.iter().map(|number| self.ahead[(number - self.first) as usize]).collect();
        if self.settings.pack.mode == PackMode::Packed {
            self.cursor.packer.oldest = self.packer.oldest();
        }
        let behind = (self.cursor.packer.oldest - self.first).min(self.ahead.len() as u64);
        self.ahead.drain(..behind as usize);
        self.first += behind;
        let mut bytes = Vec::with_capacity(8 + 8 * members.len());
        bytes.extend_from_slice(&self.cursor.epoch.to_le_bytes());
        bytes.extend_from_slice(&self.cursor.phase.to_le_bytes());
        for member in &members {
            bytes.extend_from_slice(&reference(member.shard, member.document).to_le_bytes());
        }
        self.cursor.chain = xxhash_rust::xxh3::xxh3_64_with_seed(&bytes, self.cursor.chain);
        let (epoch, phase, number) = (self.cursor.epoch, self.cursor.phase, self.cursor.packs);
        self.cursor.packs += 1;
        Plan { number, epoch, phase, members, chain: self.cursor.chain }
    }
}

/// A flag a category and one for documents without.
fn wanted(corpus: &Corpus, categories: &[String]) -> Result<Option<Vec<bool>>> {
    if categories.is_empty() {
        return Ok(None);
    }
    if let Some(unknown) = categories.iter().find(|name| !corpus.categories.contains(name)) {
        let known = corpus.categories.join(", ");
        return Err(Error::plan("categories", format!("no record has category `{unknown}`, there are: {known}")));
    }
    Ok(Some(corpus.categories.iter().map(|name| categories.contains(name)).chain([false]).collect()))
}
