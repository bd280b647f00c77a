//! Building a store: one thread reads, some render and tokenise, one writes in order.

use super::{Feed, Ledger, Outcome, Workspace};
use crate::store::{Key, TokenStore, Writer};
use corpuskit_core::plan::tokenising::{LeakGuard, Overflow, Untrainable};
use corpuskit_core::{Error, Result};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};

/// Bytes of lines that travel together.
const CHUNK: usize = 256 << 10;
/// Chunks that are under way for each thread.
const AHEAD: u64 = 8;

/// Hands the lines of a shard to a function; it returns `false` to stop.
pub trait Lines {
    /// Calls `each` with every line, in order.
    ///
    /// # Errors
    /// Where they cannot be read; what `each` returns.
    fn each(&mut self, each: &mut dyn FnMut(&[u8]) -> Result<bool>) -> Result<()>;
}

impl<F: FnMut(&mut dyn FnMut(&[u8]) -> Result<bool>) -> Result<()>> Lines for F {
    fn each(&mut self, each: &mut dyn FnMut(&[u8]) -> Result<bool>) -> Result<()> {
        self(each)
    }
}

/// How a store is built.
pub struct Options<'o> {
    /// Threads that tokenise.
    pub threads: usize,
    /// Told the number of rows now and then; returns whether to stop.
    pub progress: &'o (dyn Fn(u64) -> bool + Sync),
}

impl std::fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").field("threads", &self.threads).finish_non_exhaustive()
    }
}

/// Why a build is not to be trained on, with what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong.
    pub problem: String,
    /// What to try.
    pub hint: &'static str,
}

/// A finished build.
#[derive(Debug)]
pub struct Built {
    /// The store.
    pub store: TokenStore,
    /// What became of every token.
    pub ledger: Ledger,
    /// What the settings call an error.
    pub faults: Vec<Fault>,
}

struct Chunk {
    number: u64,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

/// Builds a store at `place` from named shards of lines.
///
/// # Errors
/// Where lines cannot be read or files not be written. What records hold is in the ledger and in `faults`.
pub fn build(
    feed: &Feed,
    place: &Path,
    key: Key,
    shards: Vec<(String, Box<dyn Lines + '_>)>,
    notes: &[String],
    options: &Options<'_>,
) -> Result<Built> {
    let mut writer = Writer::create(place, key, feed.chosen.vocabulary)?;
    notes.iter().for_each(|note| writer.note(note.clone()));
    writer.note(feed.chosen.note.clone());
    let mut ledger = Ledger::default();
    for (name, lines) in shards {
        let mut shard = writer.shard(&name)?;
        let base = ledger.total.rows;
        let mut rows = 0;
        ordered(feed, lines, options.threads.max(1), &mut |outcome| {
            shard.push(&outcome.row)?;
            ledger.add(&outcome);
            rows += 1;
            if rows % 256 == 0 && (options.progress)(base + rows) {
                return Err(Error::Interrupted);
            }
            Ok(())
        })?;
        shard.finish()?;
    }
    let faults = faults(feed, &ledger);
    let value = serde_json::json!({
        "ledger": ledger,
        "faults": faults.iter().map(|fault| (&fault.problem, fault.hint)).collect::<Vec<_>>(),
    });
    let text = serde_json::to_vec_pretty(&value).map_err(|error| Error::Internal(error.to_string()))?;
    writer.file("ledger.json", &text)?;
    Ok(Built { store: writer.finish()?, ledger, faults })
}

/// What of a ledger the settings call an error.
pub(crate) fn faults(feed: &Feed, ledger: &Ledger) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (reason, count) in &ledger.total.refused {
        let (fatal, hint) = match reason.as_str() {
            "condition.leak" => (true, "the template puts a label into the text; use another template"),
            "condition.tag_in_text" => {
                (feed.leak_guard == LeakGuard::Error, "set `condition.leak_guard` to `strip` or `warn`")
            }
            "tokenise.too_long" => {
                let hint = "set `tokenise.overflow` to `drop`, `tail_turns` or `window`, or `pack.length` higher";
                (feed.settings.overflow == Overflow::Error, hint)
            }
            _ => {
                let hint = "set `tokenise.untrainable` to `drop` to train without them";
                (feed.settings.untrainable == Untrainable::Error, hint)
            }
        };
        if fatal {
            let named = ledger.examples.iter().filter(|(known, ..)| known == reason);
            let shown: Vec<String> = named.map(|(_, origin, detail)| format!("{origin}: {detail}")).collect();
            faults.push(Fault { problem: format!("{reason}: {count} records ({})", shown.join("; ")), hint });
        }
    }
    if ledger.total.documents > 0 && ledger.ended == 0 {
        faults.push(Fault {
            problem: "no end token is ever trained, so the model would not learn to stop".to_owned(),
            hint: "name a template whose turns end with the tokenizer's end token",
        });
    }
    faults
}

/// Runs every line through the feed on some threads; `take` gets the outcomes in order, on this thread.
fn ordered(
    feed: &Feed,
    mut lines: Box<dyn Lines + '_>,
    threads: usize,
    take: &mut dyn FnMut(Outcome) -> Result<()>,
) -> Result<()> {
    let (chunks, work) = sync_channel::<Chunk>(threads);
    let work = Mutex::new(work);
    let (results, done) = sync_channel::<(u64, Result<Vec<Outcome>>)>(threads * AHEAD as usize + 1);
    std::thread::scope(|scope| {
        let work = &work;
        for _ in 0..threads {
            let results = results.clone();
            scope.spawn(move || worker(feed, work, &results));
        }
        drop(results);
        // Reading may hold a borrow that is not `Send`, so it stays here; writing happens between the chunks.
        let mut order = Order { next: 0, waiting: BTreeMap::new(), take };
        let mut number = 0;
        let mut chunk = Chunk { number, bytes: Vec::new(), ends: Vec::new() };
        let send = |chunk: Chunk, order: &mut Order<'_>| -> Result<bool> {
            let number = chunk.number;
            let mut chunk = Some(chunk);
            while let Some(waiting) = chunk.take() {
                // Never further ahead than what may wait for its turn.
                if number >= order.next + threads as u64 * AHEAD {
                    chunk = Some(waiting);
                    order.receive(&done)?;
                } else if let Err(std::sync::mpsc::TrySendError::Full(back)) = chunks.try_send(waiting) {
                    chunk = Some(back);
                    order.receive(&done)?;
                }
            }
            while let Ok((number, result)) = done.try_recv() {
                order.put(number, result?)?;
            }
            Ok(true)
        };
        let mut run = || -> Result<()> {
            lines.each(&mut |line| {
                chunk.bytes.extend_from_slice(line);
                chunk.ends.push(chunk.bytes.len());
                if chunk.bytes.len() < CHUNK {
                    return Ok(true);
                }
                number += 1;
                let full = std::mem::replace(&mut chunk, Chunk { number, bytes: Vec::new(), ends: Vec::new() });
                send(full, &mut order)
            })?;
            let last = std::mem::replace(&mut chunk, Chunk { number: 0, bytes: Vec::new(), ends: Vec::new() });
            let count = if last.ends.is_empty() { number } else { number + 1 };
            if !last.ends.is_empty() {
                send(last, &mut order)?;
            }
            while order.next < count {
                order.receive(&done)?;
            }
            Ok(())
        };
        let outcome = run();
        // Ends the threads, those that wait to hand over too.
        drop(chunks);
        drop(done);
        outcome
    })
}

/// Outcomes that wait for those before them.
struct Order<'o> {
    next: u64,
    waiting: BTreeMap<u64, Vec<Outcome>>,
    take: &'o mut dyn FnMut(Outcome) -> Result<()>,
}

impl Order<'_> {
    fn receive(&mut self, done: &Receiver<(u64, Result<Vec<Outcome>>)>) -> Result<()> {
        let (number, result) = done.recv().map_err(|_| Error::Internal("a tokenising thread was lost".to_owned()))?;
        self.put(number, result?)
    }

    fn put(&mut self, number: u64, outcomes: Vec<Outcome>) -> Result<()> {
        self.waiting.insert(number, outcomes);
        while let Some(outcomes) = self.waiting.remove(&self.next) {
            self.next += 1;
            outcomes.into_iter().try_for_each(&mut *self.take)?;
        }
        Ok(())
    }
}

fn worker(feed: &Feed, work: &Mutex<Receiver<Chunk>>, results: &SyncSender<(u64, Result<Vec<Outcome>>)>) {
    let mut space = Workspace::default();
    loop {
        let Ok(chunk) = work.lock().unwrap_or_else(PoisonError::into_inner).recv() else { return };
        let mut start = 0;
        let outcomes = chunk.ends.iter().map(|&end| {
            let line = &chunk.bytes[start..end];
            start = end;
            feed.row(line, &mut space)
        });
        if results.send((chunk.number, outcomes.collect())).is_err() {
            return;
        }
    }
}
