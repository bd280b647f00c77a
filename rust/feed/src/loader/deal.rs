//! Who gets which pack, and from where to go on.
//!
//! Packs are dealt in rounds from pack `base` on: pack `base + round * ranks + rank` to each rank. Of its packs a
//! rank's workers take turns, `batch` packs at a time, as PyTorch's `DataLoader` asks them. All ranks stand at
//! the same round after a step, so the state of any one of them says where all of them are.

use super::corpus::Corpus;
use super::stream::{Cursor, Plan, Stream, StreamSettings};
use corpuskit_core::digest::Digest;
use corpuskit_core::{Error, Result};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Changed whenever a state means something else.
const VERSION: u32 = 1;

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
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    version: u32,
    /// What identifies tokens, selection and settings.
    of: Digest,
    /// A place in the stream at or before `next`.
    cursor: Cursor,
    /// The first pack that nobody has yet.
    next: u64,
    /// Where dealing began.
    base: u64,
    ranks: u64,
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
}

/// One process's packs.
#[derive(Debug)]
pub struct Loader {
    corpus: Arc<Corpus>,
    settings: StreamSettings,
    of: Digest,
    lane: Lane,
    stream: Stream,
    base: u64,
    /// The first pack that is not behind.
    next: u64,
}

impl Loader {
    /// A loader from the start of the stream, or from a state.
    ///
    /// A state that was taken with another number of ranks, or (`fresh`) by a loader whose workers all start anew, is
    /// dealt out from where it stands.
    ///
    /// # Errors
    /// Wrong settings; a state that is damaged or of another corpus, selection or settings.
    pub fn new(
        corpus: Arc<Corpus>,
        settings: StreamSettings,
        lane: Lane,
        state: Option<State>,
        fresh: bool,
    ) -> Result<Self> {
        lane.check()?;
        let identity = serde_json::to_vec(&(corpus.digest, &settings));
        let of = Digest::of(&identity.map_err(|error| Error::Internal(error.to_string()))?);
        let (cursor, next, base) = match state {
            None => (Cursor::default(), 0, 0),
            Some(state) => {
                let wrong = |what: &str| Error::input("the state of the loader", what);
                if state.clone().seal()? != state || state.cursor.packs > state.next || state.base > state.next {
                    return Err(wrong("is damaged, its digest does not agree"));
                }
                if state.version != VERSION || state.of != of {
                    return Err(wrong("belongs to other tokens, another selection or other settings")
                        .with_hint("go on with the corpus and the settings that it was saved with"));
                }
                let base = if fresh || state.ranks != lane.ranks { state.next } else { state.base };
                (state.cursor, state.next, base)
            }
        };
        let stream = Stream::new(Arc::clone(&corpus), settings.clone(), cursor)?;
        Ok(Self { corpus, settings, of, lane, stream, base, next })
    }

    /// What it reads.
    pub fn corpus(&self) -> &Arc<Corpus> {
        &self.corpus
    }

    /// How packs are made.
    pub fn settings(&self) -> &StreamSettings {
        &self.settings
    }

    /// The next pack of this process; none at the end.
    ///
    /// # Errors
    /// As for [`Stream::next_pack`].
    pub fn next_pack(&mut self) -> Result<Option<Plan>> {
        while let Some(plan) = self.stream.next_pack()? {
            if plan.number < self.next || !self.lane.has(plan.number - self.base) {
                continue;
            }
            // The whole round is behind once this pack is.
            let distance = plan.number - self.base;
            self.next = self.base + (distance / self.lane.ranks + 1) * self.lane.ranks;
            return Ok(Some(plan));
        }
        Ok(None)
    }

    /// Where it stands.
    ///
    /// # Errors
    /// None that an input could cause.
    pub fn state(&self) -> Result<State> {
        let cursor = self.stream.cursor();
        // Where the stream ended inside a round, nothing is left.
        let next = self.next.max(cursor.packs);
        let digest = String::new();
        State { version: VERSION, of: self.of, cursor, next, base: self.base, ranks: self.lane.ranks, digest }.seal()
    }
}
