//! `rules bench`: what rule packs cost on real records, beside shingling and MinHash of the same records.

use crate::record::Record;
use crate::rules::{Compiled, Facts, Pack, Scratch, Turn, facts_of, packs, turns_of};
use crate::stage::dedup::{self, DedupSettings, Signer};
use crate::stage::normalise::{Normalise, NormaliseSettings};
use crate::stage::parse::{ParseSettings, Parsed, Parser};
use crate::stage::read::{Inputs, ReadSettings, Reader};
use crate::stage::{PerRecord, tag};
use crate::{Error, Result};
use bumpalo::Bump;
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;
use std::hint::black_box;
use std::sync::Arc;

/// Records looked at, at most.
const RECORDS: usize = 4_000;

/// Bytes of input looked at, at most.
const BYTES: usize = 16 << 20;

/// Records that single rules are tried on, at most.
const FEW: usize = 1_000;

/// The best of so many rounds counts.
const ROUNDS: usize = 5;

/// A rule is slow from this many nanoseconds a record.
const SLOW: f64 = 100.0;

/// What packs cost. Times are nanoseconds of CPU a record, the best of five rounds.
#[derive(Clone, Debug, Serialize)]
pub struct Bench {
    /// Records looked at.
    pub records: usize,
    /// Characters of their turns, on average.
    pub characters: f64,
    /// All packs together.
    pub together: f64,
    /// Language and script.
    pub language: f64,
    /// Shingling and MinHash as dedup does it by default.
    pub signing: f64,
    /// All packs together in units of shingling and MinHash.
    pub ratio: f64,
    /// Finding the words: a cost that all packs share.
    pub words: f64,
    /// The packs.
    pub packs: Vec<PackCost>,
}

/// What a pack costs.
#[derive(Clone, Debug, Serialize)]
pub struct PackCost {
    /// The pack.
    pub pack: String,
    /// The pack alone, without the words.
    pub alone: f64,
    /// Its rules, the dearest first.
    pub rules: Vec<RuleCost>,
}

/// What a rule costs.
#[derive(Clone, Debug, Serialize)]
pub struct RuleCost {
    /// The rule.
    pub rule: String,
    /// The rule alone, without the words.
    pub alone: f64,
    /// Whether it is slow: 100 ns a record or more.
    pub slow: bool,
}

/// Tries packs on the first records of the inputs.
///
/// # Errors
/// Packs or inputs that cannot be used, inputs without a record.
pub fn bench(names: &[String], arguments: &[String]) -> Result<Bench> {
    let packs = packs(names)?;
    let all = Compiled::new(&packs)?;
    let read = ReadSettings::default();
    let inputs = Inputs::discover(arguments, &read)?;
    let mut reader = Reader::new(Arc::new(inputs), &read)?;
    let parser = Parser::new(&ParseSettings::default())?;
    let normalise = Normalise::new(&NormaliseSettings::default())?;
    let mut batches = Vec::new();
    let mut bytes = 0;
    while bytes < BYTES
        && let Some(batch) = reader.next_batch()?
    {
        bytes += batch.bytes;
        batches.push(batch);
    }
    let arena = Bump::new();
    let mut records: Vec<Record<'_>> = Vec::new();
    for unit in batches.iter().flat_map(|batch| batch.units(&arena)).take(RECORDS * 4) {
        if records.len() < RECORDS
            && let Parsed::Record(mut record) = parser.parse(&unit, &arena)?
        {
            normalise.apply(&mut record, &arena);
            records.push(record);
        }
    }
    if records.is_empty() {
        return Err(Error::input(arguments.join(" "), "no record to try the rules on"));
    }
    let turns: Vec<_> = records.iter().map(|record| (turns_of(record, &arena), facts_of(record))).collect();
    let views: Vec<View<'_, '_>> = turns.iter().map(|(turns, facts)| (&turns[..], *facts)).collect();
    let few = &views[..views.len().min(FEW)];
    let words = cost(&empty()?, few);
    let mut costs = Vec::new();
    for (pack, place) in &packs {
        let alone = |rules: Vec<_>| -> Result<f64> {
            let compiled = Compiled::new(&[(Pack { rules, ..pack.clone() }, place.clone())])?;
            Ok((cost(&compiled, few) - words).max(0.0))
        };
        let mut rules = Vec::new();
        for (index, rule) in pack.rules.iter().enumerate() {
            let alone = alone(vec![rule.clone()])?;
            rules.push(RuleCost { rule: rule.label(index), alone, slow: alone >= SLOW });
        }
        rules.sort_by(|one, other| other.alone.total_cmp(&one.alone));
        costs.push(PackCost { pack: pack.name.clone(), alone: alone(pack.rules.clone())?, rules });
    }
    let together = cost(&all, &views);
    let signing = signing(&records)?;
    let language = best(views.len(), || {
        for (turns, _) in &views {
            black_box(tag::language_of(turns));
        }
    });
    let characters: usize = views.iter().flat_map(|(turns, _)| *turns).map(|turn| turn.text.chars().count()).sum();
    Ok(Bench {
        records: records.len(),
        characters: characters as f64 / records.len() as f64,
        together,
        language,
        signing,
        ratio: together / signing,
        words,
        packs: costs,
    })
}

type View<'t, 'a> = (&'t [Turn<'a>], Facts);

/// A pack that finds nothing.
fn empty() -> Result<Compiled> {
    let pack = Pack::from_toml("name = \"none\"\ncolumn = \"none\"\n", "none")?;
    Compiled::new(&[(pack, "none".to_owned())])
}

fn cost(packs: &Compiled, records: &[View<'_, '_>]) -> f64 {
    let mut scratch = Scratch::default();
    best(records.len(), || {
        for (turns, facts) in records {
            black_box(packs.label(turns, *facts, &mut scratch).count());
        }
    })
}

fn signing(records: &[Record<'_>]) -> Result<f64> {
    let signer = Signer::new(&DedupSettings::default())?;
    let mut scratch = dedup::Scratch::default();
    let mut out = Vec::new();
    Ok(best(records.len(), || {
        for record in records {
            out.clear();
            signer.sign(record, "origin", &mut scratch, &mut out);
            black_box(&out);
        }
    }))
}

/// Nanoseconds of this thread's CPU time a record, the best of a few rounds.
fn best(records: usize, mut work: impl FnMut()) -> f64 {
    let now = || {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
    };
    let rounds = (0..ROUNDS).map(|_| {
        let start = now();
        work();
        now() - start
    });
    rounds.fold(f64::INFINITY, f64::min) / records as f64
}
