//! Who gets which pack, and from where to go on.
//!
//! Packs are dealt in rounds from pack `base` on: pack `base + round * ranks + rank` to each rank. Of its packs a
//! rank's workers take turns, `batch` packs at a time, as PyTorch's `DataLoader` asks them. A loader plans on to the
//! end of the round that its pack is of, so all ranks have the same state after the same number of packs.

use super::corpus::Corpus;
use super::stream::{Cursor, Plan, Stream, StreamSettings};
use corpuskit_core::digest::Digest;
use corpuskit_core::{Error, Result};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Changed whenever a state means something else.
const VERSION: u32 = 2;

/// Which packs a process takes.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Lane {
    /// Processes that train together.
    pub ranks: u64,
    /// Which of them this is.
    pub rank: u64,
    /// Loader workers of this process.
    pub workers: u64,
    /// Which of them this is.
    pub worker: u64,
    /// Packs that a worker hands out in a row.
    pub batch: u64,
}

impl Lane {
    fn check(self) -> Result<()> {
        let is_right = self.ranks > 0
            && self.workers > 0
            && self.batch > 0
            && self.rank < self.ranks
            && self.worker < self.workers;
        if is_right { Ok(()) } else { Err(Error::plan("rank", format!("impossible: {self:?}"))) }
    }

    /// Whether the pack at a distance from the base is this one's.
    fn has(self, distance: u64) -> bool {
        distance % self.ranks == self.rank && distance / self.ranks / self.batch % self.workers == self.worker
    }
}

/// Where a loader stands; a few kilobytes of JSON.
///
/// Everything before `cursor` is behind, for all ranks. Only a worker among several has its own share behind alone:
/// its state is taken up by the same worker of as many.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    version: u32,
    /// What identifies tokens, selection and settings.
    of: Digest,
    /// The first pack that is not behind.
    cursor: Cursor,
    /// Where dealing to the workers began; none where there is one.
    worker: Option<(Lane, u64)>,
    /// BLAKE3 of all that, with an empty text here.
    digest: String,
}

impl State {
    fn seal(mut self) -> Result<Self> {
        self.digest = String::new();
        let text = serde_json::to_vec(&self).map_err(|error| Error::Internal(error.to_string()))?;
        self.digest = Digest::of(&text).to_string();
        Ok(self)
    }

    /// Packs that are behind.
    pub fn packs(&self) -> u64 {
        self.cursor.packs
    }

    /// The digest chain over them.
    pub fn chain(&self) -> u64 {
        self.cursor.chain
    }
}

/// One process's packs.
#[derive(Debug)]
pub struct Loader {
    settings: StreamSettings,
    of: Digest,
    lane: Lane,
    stream: Stream,
    base: u64,
}

impl Loader {
    /// A loader from the start of the stream, or from a state, with any number of ranks.
    ///
    /// # Errors
    /// Wrong settings; a state that is damaged, of another corpus, selection or settings, or of another worker.
    pub fn new(corpus: Arc<Corpus>, settings: StreamSettings, lane: Lane, state: Option<State>) -> Result<Self> {
        lane.check()?;
        let identity = serde_json::to_vec(&(corpus.digest, &settings));
        let of = Digest::of(&identity.map_err(|error| Error::Internal(error.to_string()))?);
        let (mut cursor, mut base) = (Cursor::default(), 0);
        if let Some(state) = state {
            let wrong = |what: &str| Error::input("the state of the loader", what);
            if state.clone().seal()? != state {
                return Err(wrong("is damaged, its digest does not agree"));
            }
            if state.version != VERSION {
                return Err(wrong("was saved by a version of corpuskit that made other packs")
                    .with_hint("finish the run with that version, or start it again"));
            }
            if state.of != of {
                return Err(wrong("belongs to other tokens, another selection or other settings")
                    .with_hint("go on with the corpus and the settings that it was saved with"));
            }
            base = match state.worker {
                None => state.cursor.packs,
                Some((saved, base)) if saved == lane => base,
                Some((saved, _)) => {
                    let what = format!("is that of worker {} of {}, not of {lane:?}", saved.worker, saved.workers);
                    return Err(wrong(&what).with_hint(
                        "a state that any number of workers can go on from is made by `state_dict(after=…)`",
                    ));
                }
            };
            cursor = state.cursor;
        }
        let stream = Stream::new(corpus, settings.clone(), cursor)?;
        Ok(Self { settings, of, lane, stream, base })
    }

    /// How packs are made.
    pub fn settings(&self) -> &StreamSettings {
        &self.settings
    }

    /// What it reads.
    pub fn corpus(&self) -> &Arc<Corpus> {
        self.stream.corpus()
    }

    /// The next pack of this process; none at the end.
    ///
    /// # Errors
    /// As for [`Stream::next_pack`].
    pub fn next_pack(&mut self) -> Result<Option<Plan>> {
        let mut own = None;
        while own.is_none() || !(self.stream.packs() - self.base).is_multiple_of(self.lane.ranks) {
            let Some(plan) = self.stream.next_pack()? else { break };
            if self.lane.has(plan.number - self.base) {
                own = Some(plan);
            }
        }
        Ok(own)
    }

    /// Goes on until the pack with a number is behind, and the round that it is of.
    ///
    /// # Errors
    /// As for [`Stream::next_pack`]; a pack that is behind already.
    pub fn pass(&mut self, number: u64) -> Result<()> {
        let round = (number.saturating_sub(self.base) / self.lane.ranks + 1) * self.lane.ranks;
        let end = self.base + round;
        if number < self.base || self.stream.packs() > end {
            return Err(Error::plan("after", format!("pack {number} is behind, {} are", self.stream.packs())));
        }
        while self.stream.packs() < end && self.stream.next_pack()?.is_some() {}
        Ok(())
    }

    /// Where it stands.
    ///
    /// # Errors
    /// None that an input could cause.
    pub fn state(&self) -> Result<State> {
        let worker = (self.lane.workers > 1).then_some((self.lane, self.base));
        let (cursor, digest) = (self.stream.cursor(), String::new());
        State { version: VERSION, of: self.of, cursor, worker, digest }.seal()
    }
}

#[cfg(test)]
mod tests;
