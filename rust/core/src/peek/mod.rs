//! `peek`: what is in there, within seconds whatever the size.
//!
//! Two passes. The first looks at every file: at all of a small one, at the beginning of a large
//! one, and of plain lines also at the middle and the end; of more files than it has time for, at
//! files from everywhere. The second counts large files whole, the smallest first, as long as time
//! is left. What was not counted whole is estimated by bytes and marked so. Nothing else depends on the clock: two runs that counted the same files whole
//! give the same answer, and the records that are shown are always those of the first pass.

mod fold;
mod look;
mod render;
mod sample;
mod tally;
mod watch;

#[cfg(test)]
mod tests;

pub use fold::{Count, Group, Peek, RejectedRow, SchemaRow};
pub use sample::{Sample, SampleTurn};

use crate::stage::parse::{ParseSettings, Parser};
use crate::stage::read::{InputKind, Inputs, ReadSettings};
use crate::{Error, Result};
use look::{Look, View};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How `peek` goes about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Time to spend (4 seconds by default, so that the command as a whole stays under 5).
    pub budget: Duration,
    /// Threads; 0 takes as many as the machine has cores, at most 8.
    pub threads: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { budget: Duration::from_secs(4), threads: 0 }
    }
}

/// Looks at what the arguments name: files, folders, globs, `-` for standard input.
///
/// # Errors
/// An argument that names nothing readable, or a setting out of bounds. A file that cannot be read
/// or parsed is part of the answer.
pub fn peek(arguments: &[String], read: &ReadSettings, parse: &ParseSettings, options: Options) -> Result<Peek> {
    run(arguments, read, parse, options, true)
}

/// `peek`; without `count_whole` large files are only sampled, as if no time were left.
fn run(
    arguments: &[String],
    read: &ReadSettings,
    parse: &ParseSettings,
    options: Options,
    count_whole: bool,
) -> Result<Peek> {
    let started = Instant::now();
    let inputs = Arc::new(Inputs::discover(arguments, read)?);
    let parser = Parser::new(parse)?;
    let deadline = started + options.budget;
    let watch = watch::Watch::start(deadline)?;
    let look = Look { inputs: &inputs, read, parser: &parser, watch: &watch, deadline };
    let threads = match options.threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from).min(8),
        given => given,
    };

    let count = inputs.files.len();
    let order = spread(count);
    let in_time = || Instant::now() < deadline;
    let mut views = each(&order, threads, &|file| in_time().then(|| look.first(file)).transpose())?;

    let mut rest: Vec<usize> = (0..count).filter(|file| views.get(file).is_some_and(|view| !view.whole)).collect();
    // Standard input cannot be read twice; its first look went on until the end or the deadline.
    rest.retain(|&file| inputs.files.get(file).is_some_and(|input| input.kind != InputKind::Stdin));
    rest.sort_by_key(|&file| (inputs.files.get(file).and_then(|input| input.bytes()), file));
    if !count_whole {
        rest.clear();
    }
    let pace = Pace::of(&views, started.elapsed());
    let whole = each(&rest, threads, &|file| {
        let bytes = inputs.files.get(file).and_then(|input| input.bytes()).unwrap_or(0);
        if pace.fits(bytes, deadline) { look.whole(file) } else { Ok(None) }
    })?;
    for (file, view) in whole {
        if let Some(first) = views.get_mut(&file) {
            first.replace_counts(view);
        }
    }
    watch.end();
    Ok(fold::fold(&inputs, &views))
}

/// Runs `work` on every item, in order, with some threads; what it gave, by item.
fn each(
    items: &[usize],
    threads: usize,
    work: &(dyn Fn(usize) -> Result<Option<View>> + Sync),
) -> Result<BTreeMap<usize, View>> {
    let next = AtomicUsize::new(0);
    let found: Mutex<BTreeMap<usize, View>> = Mutex::default();
    let run = || -> Result<()> {
        while let Some(&item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Some(view) = work(item)? {
                found.lock().unwrap_or_else(PoisonError::into_inner).insert(item, view);
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads.clamp(1, items.len().max(1))).map(|_| scope.spawn(run)).collect();
        let panicked = || Error::Internal("a thread of `peek` panicked".into());
        handles.into_iter().try_for_each(|handle| handle.join().unwrap_or_else(|_| Err(panicked())))
    })?;
    Ok(found.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// The numbers below `count` in an order that covers the range evenly from the start, so that
/// time that runs out leaves gaps everywhere rather than nothing at the end.
fn spread(count: usize) -> Vec<usize> {
    let mut step = (count * 618 / 1000).max(1);
    while gcd(step, count) != 1 {
        step += 1;
    }
    (0..count).map(|index| index * step % count).collect()
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a.max(1) } else { gcd(b, a % b) }
}

/// How fast the first pass went.
struct Pace {
    bytes_per_second: f64,
}

impl Pace {
    fn of(views: &BTreeMap<usize, View>, elapsed: Duration) -> Self {
        let bytes: u64 = views.values().map(|view| view.seen).sum();
        Self { bytes_per_second: bytes as f64 / elapsed.as_secs_f64().max(1e-3) }
    }

    /// Whether a file of this size has a chance to be counted before the deadline. Generous, since
    /// the first pass is slow where it opens many files.
    fn fits(&self, bytes: u64, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now()).as_secs_f64();
        left > 0.0 && bytes as f64 <= 8.0 * left * self.bytes_per_second.max(100e6)
    }
}
