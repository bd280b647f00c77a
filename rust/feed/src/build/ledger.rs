//! The ledger: tokens seen, kept and lost, why, by category and source.

use super::{Outcome, count};
use serde::Serialize;
use std::collections::BTreeMap;

/// Sums over some rows. `seen + repeated = kept + lost`, for tokens and for trained ones (which are never repeated).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Rows.
    pub rows: u64,
    /// Rows that have documents.
    pub kept_rows: u64,
    /// Documents.
    pub documents: u64,
    /// Tokens of the conversations as they are.
    pub seen: u64,
    /// Trained ones of them.
    pub seen_supervised: u64,
    /// Tokens of the documents.
    pub kept: u64,
    /// Trained ones of them.
    pub kept_supervised: u64,
    /// Tokens that stand in several documents: the system turn of windows.
    pub repeated: u64,
    /// Tokens that are in no document.
    pub lost: u64,
    /// Trained ones of them.
    pub lost_supervised: u64,
    /// Rows without documents, by reason.
    pub refused: BTreeMap<String, u64>,
    /// Rows whose own text holds a tag.
    pub tagged: u64,
    /// Turns whose reasoning the template leaves out.
    pub reasoning_left_out: u64,
}

/// What of a row counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sums<'r> {
    pub documents: u64,
    pub seen: u64,
    pub seen_supervised: u64,
    pub kept: u64,
    pub kept_supervised: u64,
    pub reason: Option<&'r str>,
}

impl Account {
    pub(crate) fn row(&mut self, row: Sums<'_>) {
        self.rows += 1;
        self.kept_rows += u64::from(row.documents > 0);
        self.documents += row.documents;
        self.seen += row.seen;
        self.seen_supervised += row.seen_supervised;
        self.kept += row.kept;
        self.kept_supervised += row.kept_supervised;
        self.repeated += row.kept.saturating_sub(row.seen);
        self.lost += row.seen.saturating_sub(row.kept);
        self.lost_supervised += row.seen_supervised.saturating_sub(row.kept_supervised);
        if let Some(reason) = row.reason {
            *self.refused.entry(reason.to_owned()).or_default() += 1;
        }
    }

    fn add(&mut self, outcome: &Outcome) {
        let row = &outcome.row;
        self.row(Sums {
            documents: row.documents.len() as u64,
            seen: u64::from(row.seen),
            seen_supervised: u64::from(row.seen_supervised),
            kept: row.documents.iter().map(|document| document.ids.len() as u64).sum(),
            kept_supervised: row.documents.iter().map(|document| u64::from(count(&document.supervised))).sum(),
            reason: row.reason.as_deref(),
        });
        self.tagged += u64::from(outcome.tagged);
        self.reasoning_left_out += u64::from(outcome.left_out);
    }
}

/// Accounts of a whole build.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Ledger {
    /// Everything.
    pub total: Account,
    /// By `_category` as the record itself says it (empty: none); `count` has those of `columns/`.
    pub categories: BTreeMap<String, Account>,
    /// By `_source`.
    pub sources: BTreeMap<String, Account>,
    /// Rows that Python rendered.
    pub slow: u64,
    /// Documents in which an end token is trained.
    pub ended: u64,
    /// The first rows of each reason: reason, origin, what was found.
    pub examples: Vec<(String, String, String)>,
}

/// Rows of a reason that are named.
const NAMED: usize = 5;

impl Ledger {
    /// Adds a row.
    pub fn add(&mut self, outcome: &Outcome) {
        self.total.add(outcome);
        for (accounts, name) in [(&mut self.categories, &outcome.category), (&mut self.sources, &outcome.source)] {
            match accounts.get_mut(name) {
                Some(account) => account.add(outcome),
                None => accounts.entry(name.clone()).or_default().add(outcome),
            }
        }
        self.slow += u64::from(outcome.slow);
        self.ended += u64::from(outcome.ended);
        if let Some(reason) = &outcome.row.reason
            && self.examples.iter().filter(|(known, ..)| known == reason).count() < NAMED
        {
            self.examples.push((reason.clone(), outcome.origin.clone(), outcome.detail.clone()));
        }
    }
}
