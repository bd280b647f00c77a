//! What each step of deduplication costs, on one thread: `dedup_profile THRESHOLD INPUT…`.

#![expect(clippy::print_stdout, reason = "a tool for the terminal")]

use bumpalo::Bump;
use corpuskit_core::Result;
use corpuskit_core::stage::PerRecord as _;
use corpuskit_core::stage::dedup::{
    DedupSettings, Entry, Index, Judgement, Near, NearSettings, Scratch, Signer, Threshold,
};
use corpuskit_core::stage::normalise::{Normalise, NormaliseSettings};
use corpuskit_core::stage::parse::{ParseSettings, Parsed, Parser};
use corpuskit_core::stage::read::{Inputs, ReadSettings, Reader};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

fn timed<T>(total: &mut Duration, work: impl FnOnce() -> T) -> T {
    let start = clock();
    let result = work();
    *total += clock().saturating_sub(start);
    result
}

/// Time that this thread has run, so that a busy machine does not count; elsewhere the wall clock.
fn clock() -> Duration {
    let run = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let run = run.and_then(|line| line.split(' ').next().and_then(|nanoseconds| nanoseconds.parse().ok()));
    run.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let threshold: f64 = arguments.next().and_then(|value| value.parse().ok()).unwrap_or(0.8);
    let inputs: Vec<String> = arguments.collect();
    let near = NearSettings { threshold: Threshold::same((threshold * 1e4).round() as u32), ..NearSettings::default() };
    let settings = DedupSettings { near: Near(Some(near)), ..DedupSettings::default() };
    let read = ReadSettings::default();
    let mut reader = Reader::new(Arc::new(Inputs::discover(&inputs, &read)?), &read)?;
    let parser = Parser::new(&ParseSettings::default())?;
    let normalise = Normalise::new(&NormaliseSettings::default())?;
    let signer = Signer::new(&settings)?;
    let log = std::env::temp_dir().join(format!("corpuskit-dedup-profile-{}", std::process::id()));
    let mut index = Index::create(&settings, "", &log)?;
    let (mut scratch, mut entries) = (Scratch::default(), Vec::new());
    let [mut parsing, mut signing, mut judging] = [Duration::ZERO; 3];
    let (mut records, mut exact, mut near) = (0u64, 0u64, 0u64);
    let mut arena = Bump::new();
    while let Some(batch) = reader.next_batch()? {
        arena.reset();
        let parsed: Vec<_> = timed(&mut parsing, || -> Result<_> {
            let mut parsed = Vec::new();
            for unit in batch.units(&arena) {
                if let Parsed::Record(mut record) = parser.parse(&unit, &arena)? {
                    normalise.apply(&mut record, &arena);
                    parsed.push(record);
                }
            }
            Ok(parsed)
        })?;
        entries.clear();
        timed(&mut signing, || {
            for record in &parsed {
                signer.sign(record, &record.origin.to_string(), &mut scratch, &mut entries);
            }
        });
        records += parsed.len() as u64;
        timed(&mut judging, || -> Result<()> {
            let mut rest = entries.as_slice();
            while let Some((entry, after)) = Entry::split(rest) {
                match index.judge_before(entry, after)? {
                    Judgement::Kept => {}
                    Judgement::Duplicate(duplicate) if duplicate.exact => exact += 1,
                    Judgement::Duplicate(_) => near += 1,
                }
                rest = after;
            }
            Ok(())
        })?;
    }
    let each = |total: Duration| total.as_nanos() as f64 / records.max(1) as f64;
    println!(
        "records {records}, kept {}, exact {exact}, near {near}, behind the prefix filter {}",
        index.kept(),
        index.hot()
    );
    println!(
        "ns a record: parse and normalise {:.0}, sign {:.0}, judge {:.0}",
        each(parsing),
        each(signing),
        each(judging)
    );
    println!("tables and rows: {:.0} bytes a kept record", index.bytes() as f64 / index.kept().max(1) as f64);
    let (length, kept) = index.mark()?;
    drop(index);
    let mut replaying = Duration::ZERO;
    timed(&mut replaying, || Index::resume(&settings, "", &log, length, kept))?;
    println!(
        "log {:.0} bytes a kept record, resumed in {:.0} ns each",
        length as f64 / kept.max(1) as f64,
        replaying.as_nanos() as f64 / kept.max(1) as f64
    );
    let _ = std::fs::remove_file(&log);
    Ok(())
}
