//! `process`: the flow of DESIGN §2. Workers run the per-record stages on batches; whoever holds the
//! ordered tail writes them in input order; checkpoints make a killed run continue.
//!
//! Nothing here depends on how many workers there are or when they run: batches are cut by bytes,
//! every decision that needs an order is taken in input order.

mod checkpoint;
pub mod extra;
mod finish;
pub(crate) mod folder;
pub(crate) mod inline;
mod label_counts;
mod later;
mod one;
mod options;
mod places;
mod pool;
mod processed;
mod quiet;
pub(crate) mod retag;
mod stages;
mod station;
mod tail;
mod timings;

pub use options::{Control, Observer, Options, Phase, Progress, Summary};
pub use retag::{OwnColumn, OwnLabels, Retagged, retag, retag_with};
pub use timings::{Host, Timings};

use crate::plan::Plan;
use crate::stage::dedup::{Index, Keep};
use crate::stage::read::{Inputs, Reader};
use crate::stage::write::disk::Disk;
use crate::{Error, Result};
use checkpoint::Keeper;
use folder::{Folder, Identity, Start};
use later::Later;
use pool::Pool;
use stages::Stages;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tail::{Consumer, Tail};

/// How often the observer is asked.
const OBSERVE: Duration = Duration::from_millis(50);

/// Runs a plan over inputs into a run folder; continues an unfinished one.
///
/// # Errors
///
/// Wrong settings, unusable inputs or output (nothing was written); a system call that failed (the
/// folder can be continued); [`Error::Interrupted`] where the observer said stop; [`Error::Check`]
/// where all is written but a conservation sum does not hold.
pub fn process(
    plan: &Plan,
    inputs: &[String],
    output: &Path,
    options: &Options,
    observer: &dyn Observer,
) -> Result<Summary> {
    let output = if options.dry_run { None } else { Some(output) };
    run(plan, inputs, output, options, None, observer)
}

/// Runs a plan over inputs and hands the kept lines, a few thousand at a time and in order, to
/// `consumer` instead of a folder; it returns `false` to stop.
///
/// # Errors
///
/// As [`process`]; [`Error::Interrupted`] where the consumer or the observer said stop.
pub fn iterate(
    plan: &Plan,
    inputs: &[String],
    options: &Options,
    consumer: impl FnMut(&[u8]) -> bool + Send + 'static,
    observer: &dyn Observer,
) -> Result<Summary> {
    run(plan, inputs, None, options, Some(Box::new(consumer)), observer)
}

fn run(
    plan: &Plan,
    arguments: &[String],
    output: Option<&Path>,
    options: &Options,
    consumer: Option<Consumer>,
    observer: &dyn Observer,
) -> Result<Summary> {
    let started = Instant::now();
    if options.threads == 0 {
        return Err(Error::plan("threads", "must be at least 1, got 0"));
    }
    let stages = Arc::new(Stages::new(plan)?);
    let inputs = Arc::new(Inputs::discover_with(arguments, &options.streams, &plan.read)?);
    let disk = Disk::with_fault(options.fault.clone());
    let mut start = Start::Fresh;
    let mut folder = None;
    if let Some(output) = output {
        let identity = Identity::new(plan, options.limit, &inputs, stages.tagger.packs());
        let (opened, how) = Folder::open(output, disk.clone(), &identity, options.force)?;
        if matches!(how, Start::Finished) {
            return finished_before(&opened);
        }
        folder = Some(opened);
        start = how;
    }
    let mut tail = Tail::new(output.map(|output| (&disk, output)), &plan.write, Arc::clone(stages.tagger.vocabulary()));
    tail.consumer = consumer;
    let temporary = match output {
        None if !plan.dedup.is_off() => Some(Temporary::new()?),
        _ => None,
    };
    let work = output.map(|output| output.join(".run"));
    let work = work.as_deref().or(temporary.as_ref().map(Temporary::path)).filter(|_| !plan.dedup.is_off());
    let mut before = Timings::default();
    let mut continued = false;
    let reader = match start {
        Start::Continue(checkpoint) => {
            continued = true;
            before = checkpoint.timings().clone();
            let reader = Reader::resume(Arc::clone(&inputs), &plan.read, checkpoint.cursor())?;
            if let (Some((length, kept)), Some(work)) = (checkpoint.dedup(), work) {
                let log = work.join(folder::DEDUP_LOG);
                tail.index = Some(Index::resume(&plan.dedup, &normaliser(plan)?, &log, length, kept)?);
            }
            if let (Some(state), Some(work)) = (checkpoint.later(), work) {
                tail.later = Some(Later::resume(&plan.dedup, &normaliser(plan)?, work, disk, state)?);
            }
            checkpoint.restore(&mut tail)?;
            reader
        }
        _ => {
            match work {
                Some(work) if plan.dedup.keep == Keep::First => {
                    let log = work.join(folder::DEDUP_LOG);
                    tail.index = Some(Index::create(&plan.dedup, &normaliser(plan)?, &log)?);
                }
                Some(work) => tail.later = Some(Later::create(&plan.dedup, &normaliser(plan)?, work, disk)?),
                None => {}
            }
            Reader::new(Arc::clone(&inputs), &plan.read)?
        }
    };
    if options.limit == Some(tail.records()) {
        tail.ended = true;
    }
    let earlier = tail.progress();
    let packs = stages.tagger.packs().to_vec();
    let keeper = Keeper::new(plan, packs, Arc::clone(&inputs), options, folder, before, started);
    let pool = Pool::new(stages, Arc::clone(&inputs), plan.write.clone(), options, reader, tail, keeper);
    let total = (!inputs.has_stdin()).then(|| inputs.bytes());
    let stopped = std::thread::scope(|scope| {
        for number in 0..options.threads {
            let pool = &pool;
            let spawned =
                std::thread::Builder::new().name(format!("corpuskit-{number}")).spawn_scoped(scope, || pool.work());
            if let Err(error) = spawned {
                pool.fail(Error::Internal(format!("a thread could not be started: {error}")));
            }
        }
        watch(&pool, observer, started, total, &earlier)
    });
    let (error, outcome) = {
        let mut queue = pool.lock();
        let outcome = queue.tail.as_mut().and_then(|tail| tail.1.take_outcome());
        (queue.error.take(), outcome)
    };
    match (error, outcome) {
        (None, Some(outcome)) => {
            if let Some(sum) = outcome.report.broken_sum() {
                let (left, right) = (sum.left, sum.right);
                return Err(Error::Check(format!("{}: {left} is not {right}", sum.what)));
            }
            Ok(Summary { report: outcome.report, digest: outcome.digest, continued, seconds: outcome.seconds })
        }
        (Some(error), _) => {
            // What was done before the error is kept where that is possible.
            let _ = pool::leave(&pool);
            Err(error)
        }
        (None, None) => {
            pool::leave(&pool)?;
            if stopped { Err(Error::Interrupted) } else { Err(Error::Internal("the workers left early".to_owned())) }
        }
    }
}

/// The settings of the normaliser as one text: they decide what is a duplicate.
fn normaliser(plan: &Plan) -> Result<String> {
    serde_json::to_string(&plan.normalise).map_err(|error| Error::Internal(format!("plan: {error}")))
}

/// Asks the observer until the workers are done. Returns whether it said stop.
fn watch(pool: &Pool, observer: &dyn Observer, started: Instant, total: Option<u64>, earlier: &Progress) -> bool {
    let mut stopped = false;
    let mut next = Instant::now() + OBSERVE;
    loop {
        let mut queue = pool.lock();
        loop {
            let left = next.saturating_duration_since(Instant::now());
            if queue.finished || queue.error.is_some() || left.is_zero() {
                break;
            }
            queue = pool.wait(queue, left);
        }
        let over = queue.finished || queue.error.is_some();
        queue.timings.sample_memory();
        let mut progress = queue.progress;
        drop(queue);
        progress.seconds = started.elapsed().as_secs_f64();
        progress.bytes_total = total.filter(|&total| progress.bytes <= total);
        progress.rate = progress.records.saturating_sub(earlier.records) as f64 / progress.seconds.max(1e-9);
        if observer.progress(&progress) == Control::Stop && !over && !stopped {
            stopped = true;
            pool.stop();
        }
        if over || stopped {
            return stopped;
        }
        next = Instant::now() + OBSERVE;
    }
}

/// A folder for the work files of a run that has no folder; gone when the run is over.
struct Temporary(std::path::PathBuf);

impl Temporary {
    fn new() -> Result<Self> {
        static NUMBER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("corpuskit-{}-{number}", std::process::id()));
        // Fails where something is there already, a link of somebody else included.
        std::fs::create_dir(&path).map_err(|error| Error::io(&path, error))?;
        Ok(Self(path))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The summary of a run that was killed when nothing but its work files was left to do.
fn finished_before(folder: &Folder) -> Result<Summary> {
    let read = |name: &str| {
        let path = folder.out.join(name);
        std::fs::read(&path).map_err(|error| Error::io(&path, error))
    };
    let damaged = |name: &str| Error::output(folder.out.join(name).display().to_string(), "is damaged");
    let report = serde_json::from_slice(&read("report.json")?).map_err(|_| damaged("report.json"))?;
    let timings: Timings = serde_json::from_slice(&read("timings.json")?).map_err(|_| damaged("timings.json"))?;
    let manifest = crate::stage::write::manifest::Manifest::load(&folder.out)?;
    folder.remove_work()?;
    Ok(Summary { report, digest: Some(manifest.digest), continued: true, seconds: timings.seconds })
}
