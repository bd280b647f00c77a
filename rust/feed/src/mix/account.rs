//! `selection.json`: what a selection was made from, what was asked and what was achieved.

use super::columns::Rows;
use super::select::{Chosen, PhaseAccount};
use corpuskit_core::digest::Digest;
use corpuskit_core::plan::selection::Unit;
use corpuskit_core::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// The account's name in the folder of a selection.
pub const ACCOUNT: &str = "selection.json";

/// The account of a selection.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// The version of corpuskit.
    pub corpuskit: String,
    /// The run folder, as it was named.
    pub run: String,
    /// `digest` of the run's manifest when the selection was made.
    pub manifest: String,
    /// Digest of the paths and digests of its `data/`; a selection of other data is refused.
    pub data: Digest,
    /// The sections `mix` and `curriculum`.
    pub plan: serde_json::Value,
    /// What amounts are counted in.
    pub unit: Unit,
    /// Amounts are a quarter of the assistant's characters, because there were no tokens.
    pub estimated: bool,
    /// Digest of the key of the token store that was counted.
    pub tokens: Option<Digest>,
    /// Kept records of the run, and their amount.
    pub records: u64,
    /// Their amount.
    pub amount: u64,
    /// Families of more than one record.
    pub families: u64,
    /// Training records that are in no phase.
    pub unselected: u64,
    /// The validation split.
    pub validation: SplitAccount,
    /// The phases.
    pub phases: Vec<PhaseSummary>,
    /// Rows of `selection.parquet`.
    pub rows: u64,
    /// BLAKE3 of `selection.parquet`.
    pub selection: Digest,
    /// What could not be reached.
    pub notes: Vec<String>,
    /// BLAKE3 of this file with an empty text here.
    pub digest: String,
}

/// The validation split, in records and units.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SplitAccount {
    /// Share that was asked for.
    pub asked_share: f64,
    /// Units asked, by largest remainder.
    pub asked: u64,
    /// Units in it.
    pub achieved: u64,
    /// Records.
    pub records: u64,
}

/// A phase, in records and units.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PhaseSummary {
    /// Its name.
    pub name: String,
    /// Its learning rate.
    pub lr: f64,
    /// Records, replayed ones included.
    pub records: u64,
    /// Units.
    pub amount: u64,
    /// Asked against achieved.
    pub account: PhaseAccount,
    /// By category (empty: records without): records and units.
    pub categories: BTreeMap<String, (u64, u64)>,
}

/// The phases of a selection, counted.
pub(super) fn phases(rows: &Rows, amount: &[u64], chosen: &Chosen) -> Vec<PhaseSummary> {
    let summary = |phase: &super::select::Phase| {
        let mut counts = vec![(0, 0); rows.categories.len() + 1];
        for &row in &phase.rows {
            let at = usize::from(rows.category[row as usize]).min(rows.categories.len());
            counts[at].0 += 1;
            counts[at].1 += amount[row as usize];
        }
        let names = rows.categories.iter().cloned().chain([String::new()]);
        PhaseSummary {
            name: phase.name.clone(),
            lr: phase.lr,
            records: phase.rows.len() as u64,
            amount: counts.iter().map(|(_, amount)| amount).sum(),
            account: phase.account.clone(),
            categories: names.zip(counts).filter(|(_, (records, _))| *records > 0).collect(),
        }
    };
    chosen.phases.iter().map(summary).collect()
}

/// What could not be reached, in words.
pub(super) fn notes(chosen: &Chosen, max_epochs: u32) -> Vec<String> {
    let mut notes = Vec::new();
    for phase in &chosen.phases {
        let account = &phase.account;
        if phase.rows.is_empty() {
            notes.push(format!("phase `{}` is empty: no record has one of its categories", phase.name));
        }
        if account.replay_achieved < account.replay_asked {
            notes.push(format!(
                "phase `{}`: {} of {} units of replay: earlier phases have no more that may be taken again",
                phase.name, account.replay_achieved, account.replay_asked
            ));
        }
        if account.capped_records > 0 {
            notes.push(format!(
                "phase `{}`: {} records left out, they were taken {max_epochs} times before (`mix.max_epochs_per_record`)",
                phase.name, account.capped_records
            ));
        }
    }
    if chosen.validation_achieved < chosen.validation_asked {
        notes.push(format!(
            "validation: {} of {} units: no family fits into the rest",
            chosen.validation_achieved, chosen.validation_asked
        ));
    }
    if chosen.unselected > 0 {
        notes
            .push(format!("{} training records are in no phase (`curriculum.unlisted` is not set)", chosen.unselected));
    }
    notes
}

impl Account {
    /// The bytes of the file, with its digest in it.
    ///
    /// # Errors
    /// None that an input could cause.
    pub fn seal(&mut self) -> Result<Vec<u8>> {
        let text = |account: &Self| {
            let mut text =
                serde_json::to_vec_pretty(account).map_err(|error| Error::Internal(format!("selection: {error}")))?;
            text.push(b'\n');
            Ok(text)
        };
        self.digest = String::new();
        self.digest = Digest::of(&text(self)?).to_string();
        text(self)
    }

    /// Reads the account of a selection and checks its digest.
    ///
    /// # Errors
    /// Where it is missing, is none or was changed.
    pub fn load(folder: &Path) -> Result<Self> {
        let path = folder.join(ACCOUNT);
        let bytes = std::fs::read(&path).map_err(|error| Error::io(&path, error))?;
        let name = path.display().to_string();
        let mut account: Self = serde_json::from_slice(&bytes)
            .map_err(|error| Error::input(&name, format!("is not a selection of this version: {error}")))?;
        let claimed = account.digest.clone();
        if account.seal()? != bytes || account.digest != claimed {
            return Err(Error::Check(format!("{name}: was changed, its digest does not agree")));
        }
        Ok(account)
    }
}
