//! What is selected: the split, the records of each phase, replay, and the order.

use super::columns::{NO_CATEGORY, Rows};
use super::quota::{fill, largest_remainder};
use crate::counter::Counter;
use corpuskit_core::plan::selection::{CurriculumSettings, Include, MixSettings, OnInfeasible, PhaseSettings};
use corpuskit_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// Streams of random numbers: order of a phase is 2·phase, choice of its replay 2·phase + 1.
fn order_of(phase: usize) -> u64 {
    2 * phase as u64
}

/// A phase as it was selected.
#[derive(Clone, Debug, Default)]
pub struct Phase {
    /// Its name.
    pub name: String,
    /// Its learning rate.
    pub lr: f64,
    /// Rows in the order in which they are seen.
    pub rows: Vec<u32>,
    /// How it came about.
    pub account: PhaseAccount,
}

/// Asked against achieved, in units.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct PhaseAccount {
    /// Records of its own categories.
    pub own_records: u64,
    /// Their amount.
    pub own: u64,
    /// Records left out because they were taken `max_epochs_per_record` times.
    pub capped_records: u64,
    /// What was asked of replay.
    pub replay_asked: u64,
    /// What was replayed.
    pub replay_achieved: u64,
    /// Records replayed.
    pub replay_records: u64,
}

/// A selection: rows of the run folder by split and phase.
#[derive(Clone, Debug, Default)]
pub struct Chosen {
    /// Phases of the training split.
    pub phases: Vec<Phase>,
    /// Rows of the validation split, in order.
    pub validation: Vec<u32>,
    /// Units asked of the validation split.
    pub validation_asked: u64,
    /// Units in it.
    pub validation_achieved: u64,
    /// Families that a split could have parted: those of several records.
    pub families: u64,
    /// Training records in no phase.
    pub unselected: u64,
}

/// Selects. `amount` is what each row counts.
///
/// # Errors
/// A plan whose phases cannot be made from these records.
pub fn select(rows: &Rows, amount: &[u64], mix: &MixSettings, curriculum: &CurriculumSettings) -> Result<Chosen> {
    let mut chosen = Chosen::default();
    let is_validation = split(rows, amount, mix, &mut chosen);
    let all = [PhaseSettings { name: "all".to_owned(), ..PhaseSettings::default() }];
    let phases = if curriculum.phases.is_empty() { &all[..] } else { &curriculum.phases[..] };
    let wanted = Wanted::new(rows, phases, curriculum)?;
    let mut times = vec![0_u32; rows.len()];
    let mut planned = vec![0_u32; rows.len()];
    let training: Vec<u32> = (0..rows.len() as u32).filter(|&row| !is_validation[row as usize]).collect();
    for &row in &training {
        let count = (0..phases.len()).filter(|&phase| wanted.is_in(phase, rows.category[row as usize])).count();
        planned[row as usize] = (count as u32).min(mix.max_epochs_per_record);
    }
    for (number, settings) in phases.iter().enumerate() {
        let mut phase = Phase { name: settings.name.clone(), lr: settings.lr, ..Phase::default() };
        let mut own = Vec::new();
        for &row in &training {
            if !wanted.is_in(number, rows.category[row as usize]) {
                continue;
            }
            if times[row as usize] >= mix.max_epochs_per_record {
                phase.account.capped_records += 1;
            } else {
                own.push(row);
            }
        }
        phase.account.own_records = own.len() as u64;
        phase.account.own = own.iter().map(|&row| amount[row as usize]).sum();
        if settings.include != Include::All && number > 0 && curriculum.replay > 0.0 {
            let pool = |row: u32| {
                let at = row as usize;
                let is_earlier = times[at] > 0 && !wanted.is_in(number, rows.category[at]);
                is_earlier && planned[at] < mix.max_epochs_per_record
            };
            let pool: Vec<u32> = training.iter().copied().filter(|&row| pool(row)).collect();
            let replayed = replay(rows, amount, mix, (number, curriculum.replay), &pool, &mut phase.account);
            if phase.account.replay_achieved < phase.account.replay_asked && mix.on_infeasible == OnInfeasible::Error {
                return Err(short_of_replay(&phase));
            }
            replayed.iter().for_each(|&row| planned[row as usize] += 1);
            own.extend(replayed);
        }
        own.iter().for_each(|&row| times[row as usize] += 1);
        phase.rows = shuffled(own, Counter::new(mix.seed, order_of(number)));
        chosen.phases.push(phase);
    }
    chosen.unselected = training.iter().filter(|&&row| times[row as usize] == 0).count() as u64;
    Ok(chosen)
}

fn short_of_replay(phase: &Phase) -> Error {
    let account = &phase.account;
    let problem = format!(
        "phase `{}` asks for {} units of replay, and only {} are to be had under `mix.max_epochs_per_record`",
        phase.name, account.replay_asked, account.replay_achieved
    );
    Error::plan("curriculum.replay", problem).with_hint("lower it, or set `mix.on_infeasible: report`")
}

/// Which rows are kept for evaluation: whole families, those with the smallest keys.
fn split(rows: &Rows, amount: &[u64], mix: &MixSettings, chosen: &mut Chosen) -> Vec<bool> {
    let mut is_validation = vec![false; rows.len()];
    let total: u64 = amount.iter().sum();
    let millionths = (mix.split.validation * 1e6).round() as u64;
    let quota = largest_remainder(total, &[1_000_000 - millionths, millionths])[1];
    chosen.validation_asked = quota;
    let mut order: Vec<(u64, u32)> = rows.family.iter().zip(0..).map(|(&key, row)| (key, row)).collect();
    order.sort_unstable();
    let families = || order.chunk_by(|one, other| one.0 == other.0);
    chosen.families = families().filter(|family| family.len() > 1).count() as u64;
    let sized = families().map(|family| (family, family.iter().map(|(_, row)| amount[*row as usize]).sum()));
    chosen.validation_achieved = fill(quota, sized, |family| {
        for (_, row) in family {
            is_validation[*row as usize] = true;
            chosen.validation.push(*row);
        }
    });
    is_validation
}

/// Which categories a phase wants.
struct Wanted {
    /// By phase, a flag a category and one for records without.
    flags: Vec<Vec<bool>>,
}

impl Wanted {
    fn new(rows: &Rows, phases: &[PhaseSettings], curriculum: &CurriculumSettings) -> Result<Self> {
        let needs = phases.iter().find(|phase| phase.include != Include::All);
        if let (Some(phase), true) = (needs, rows.categories.is_empty() && !rows.is_empty()) {
            let problem = format!("phase `{}` includes categories, but no record has one", phase.name);
            return Err(Error::plan("curriculum.phases", problem).with_hint(
                "let the run label its records (section `tag`), declare `_category` in the input, or train in one phase with `--set curriculum.phases=[]`",
            ));
        }
        let named = |category: &String| {
            phases.iter().any(|phase| matches!(&phase.include, Include::Only(list) if list.contains(category)))
        };
        let is_unlisted: Vec<bool> = rows.categories.iter().map(|category| !named(category)).chain([true]).collect();
        let first = curriculum.unlisted.as_ref().and_then(|name| phases.iter().position(|phase| phase.name == *name));
        let flags = phases.iter().enumerate().map(|(number, phase)| match &phase.include {
            // Nobody sees a category here that is to come first in a later phase.
            Include::All => {
                is_unlisted.iter().map(|unlisted| !(*unlisted && first.is_some_and(|first| number < first))).collect()
            }
            Include::Only(list) => {
                let takes = |category: &String| list.contains(category);
                let own = rows.categories.iter().map(takes).chain([false]);
                own.zip(&is_unlisted).map(|(own, unlisted)| own || (*unlisted && first == Some(number))).collect()
            }
        });
        Ok(Self { flags: flags.collect() })
    }

    fn is_in(&self, phase: usize, category: u16) -> bool {
        let flags = &self.flags[phase];
        flags[if category == NO_CATEGORY { flags.len() - 1 } else { usize::from(category) }]
    }
}

/// Chooses what is replayed: from each category in proportion to what the pool has of it, in the order of a counter.
fn replay(
    rows: &Rows,
    amount: &[u64],
    mix: &MixSettings,
    (number, share): (usize, f64),
    pool: &[u32],
    account: &mut PhaseAccount,
) -> Vec<u32> {
    account.replay_asked = (account.own as f64 * share / (1.0 - share)).round() as u64;
    let lists = rows.categories.len() + 1;
    let list = |row: u32| usize::from(rows.category[row as usize]).min(lists - 1);
    let mut pools: Vec<Vec<u32>> = vec![Vec::new(); lists];
    for &row in &shuffled(pool.to_vec(), Counter::new(mix.seed, order_of(number) + 1)) {
        pools[list(row)].push(row);
    }
    let had: Vec<u64> = pools.iter().map(|pool| pool.iter().map(|&row| amount[row as usize]).sum()).collect();
    let quotas = largest_remainder(account.replay_asked.min(had.iter().sum()), &had);
    let mut taken = Vec::new();
    for (pool, quota) in pools.iter().zip(quotas) {
        let sized = pool.iter().map(|&row| (row, amount[row as usize]));
        account.replay_achieved += fill(quota, sized, |row| taken.push(row));
    }
    account.replay_records = taken.len() as u64;
    taken
}

/// Rows in the order of their random numbers.
fn shuffled(rows: Vec<u32>, counter: Counter) -> Vec<u32> {
    let mut keyed: Vec<(u64, u32)> = rows.into_iter().map(|row| (counter.at(u64::from(row)), row)).collect();
    keyed.sort_unstable();
    keyed.into_iter().map(|(_, row)| row).collect()
}
