//! The account of a run: what came in and what became of it, by stage, reason, source and family.
//!
//! Everything here follows from the input and the plan; what depends on clock or machine is in
//! `run::Timings`. The same values are the counters of a run under way, so they are in checkpoints.

use crate::record::{Change, Changes};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most sources that are counted one by one; those that come later are counted together as
/// [`OTHER_SOURCES`], so that a corpus in which each record declares its own source stays in memory.
pub const MAX_SOURCES: usize = 1000;

/// Most tags of a label column that are counted one by one: records may declare any.
pub const MAX_TAGS: usize = 1000;

/// The row for tags beyond [`MAX_TAGS`].
pub const OTHER_TAGS: &str = "(other tags)";

/// The row for sources beyond [`MAX_SOURCES`].
pub const OTHER_SOURCES: &str = "(other sources)";

/// The account of a run.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Units: lines, table rows, array elements, whole-file records.
    pub units: Units,
    /// Records.
    pub records: Fates,
    /// Rejected units by reason.
    pub rejected: BTreeMap<String, u64>,
    /// Dropped records by reason.
    pub dropped: BTreeMap<String, u64>,
    /// Duplicates by kind.
    pub duplicates: Kinds,
    /// The changes made to kept records.
    pub changes: BTreeMap<String, Changed>,
    /// Kept records by label column and tag.
    #[serde(default)]
    pub labels: BTreeMap<String, BTreeMap<String, u64>>,
    /// Records by the schema that they came in: `family.dialect`.
    pub families: BTreeMap<String, Fates>,
    /// Records by source.
    pub sources: BTreeMap<String, Fates>,
    /// Characters of assistant text of kept records.
    pub characters: Histogram,
    /// Turns of kept records.
    pub turns: Histogram,
    /// The conservation sums.
    pub sums: Vec<Sum>,
}

/// Units by what became of them.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Units {
    /// All that were read.
    pub read: u64,
    /// Set aside in `rejected/`.
    pub rejected: u64,
    /// White space only.
    pub empty: u64,
    /// Part of a record.
    pub in_records: u64,
}

/// Records by what became of them.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Fates {
    /// All of them.
    pub records: u64,
    /// In `data/`.
    pub kept: u64,
    /// In `dropped/`.
    pub dropped: u64,
    /// In `duplicates/`.
    pub duplicates: u64,
}

impl Fates {
    /// Adds another's counts.
    pub fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.kept += other.kept;
        self.dropped += other.dropped;
        self.duplicates += other.duplicates;
    }
}

/// Duplicates by kind.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Kinds {
    /// Equal turns and tools.
    pub exact: u64,
    /// Similar.
    pub near: u64,
}

/// How often a kind of change was made.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Changed {
    /// Kept records that it was made to.
    pub records: u64,
    /// Times in all.
    pub times: u64,
}

/// A distribution in powers of two.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Histogram {
    /// Values.
    pub count: u64,
    /// Their sum.
    pub sum: u64,
    /// The smallest.
    pub min: u64,
    /// The largest.
    pub max: u64,
    /// Values by size: the first bucket holds 0, bucket `i` holds 2^(i-1) to 2^i - 1.
    pub buckets: Vec<u64>,
}

impl Histogram {
    /// Adds a value.
    pub fn add(&mut self, value: u64) {
        self.min = if self.count == 0 { value } else { self.min.min(value) };
        self.max = self.max.max(value);
        self.count += 1;
        self.sum = self.sum.saturating_add(value);
        let bucket = (u64::BITS - value.leading_zeros()) as usize;
        if self.buckets.len() <= bucket {
            self.buckets.resize(bucket + 1, 0);
        }
        self.buckets[bucket] += 1;
    }
}

/// A sum that has to add up.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Sum {
    /// What is compared.
    pub what: String,
    /// The left side.
    pub left: u64,
    /// The right side.
    pub right: u64,
    /// Whether they are equal.
    pub holds: bool,
}

impl Sum {
    /// Compares two sides.
    pub fn new(what: &str, left: u64, right: u64) -> Self {
        Self { what: what.to_owned(), left, right, holds: left == right }
    }
}

impl Report {
    /// Adds to a source's row.
    pub fn add_source(&mut self, source: &str, fates: &Fates) {
        if let Some(row) = self.sources.get_mut(source) {
            row.add(fates);
        } else {
            let name = if self.sources.len() < MAX_SOURCES { source } else { OTHER_SOURCES };
            self.sources.entry(name.to_owned()).or_default().add(fates);
        }
    }

    /// Adds kept records with this label.
    pub fn add_label(&mut self, column: &str, tag: &str, records: u64) {
        let column = match self.labels.get_mut(column) {
            Some(column) => column,
            None => self.labels.entry(column.to_owned()).or_default(),
        };
        if let Some(count) = column.get_mut(tag) {
            *count += records;
        } else {
            let name = if column.len() < MAX_TAGS { tag } else { OTHER_TAGS };
            *column.entry(name.to_owned()).or_default() += records;
        }
    }

    /// Adds the trace of a kept record.
    pub fn add_changes(&mut self, changes: &Changes) {
        for (kind, times) in changes.iter() {
            let row = match self.changes.get_mut(kind.name()) {
                Some(row) => row,
                None => self.changes.entry(Change::name(kind).to_owned()).or_default(),
            };
            row.records += 1;
            row.times += u64::from(times);
        }
    }

    /// Both conservation sums, and that the files hold as many lines as were counted.
    /// `rows` = lines in `data`, `dropped`, `duplicates`, `rejected`, rows in `columns`.
    pub fn check(&mut self, rows: [u64; 5]) {
        let [data, dropped, duplicates, rejected, columns] = rows;
        let (units, records) = (self.units, self.records);
        self.sums = vec![
            Sum::new(
                "units read = rejected + empty + in records",
                units.read,
                units.rejected + units.empty + units.in_records,
            ),
            Sum::new(
                "records = kept + dropped + duplicates",
                records.records,
                records.kept + records.dropped + records.duplicates,
            ),
            Sum::new("kept = lines of data", records.kept, data),
            Sum::new("kept = rows of columns", records.kept, columns),
            Sum::new("dropped = lines of dropped", records.dropped, dropped),
            Sum::new("duplicates = lines of duplicates", records.duplicates, duplicates),
            Sum::new("rejected = lines of rejected", units.rejected, rejected),
            Sum::new("rejected = rejected by reason", units.rejected, self.rejected.values().sum()),
            Sum::new("dropped = dropped by reason", records.dropped, self.dropped.values().sum()),
            Sum::new("duplicates = exact + near", records.duplicates, self.duplicates.exact + self.duplicates.near),
            Sum::new(
                "records = records by family",
                records.records,
                self.families.values().map(|row| row.records).sum(),
            ),
            Sum::new(
                "records = records by source",
                records.records,
                self.sources.values().map(|row| row.records).sum(),
            ),
        ];
    }

    /// The first sum that does not hold.
    pub fn broken_sum(&self) -> Option<&Sum> {
        self.sums.iter().find(|sum| !sum.holds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_powers_of_two() {
        let mut histogram = Histogram::default();
        for value in [0, 1, 2, 3, 4, 1023, 1024] {
            histogram.add(value);
        }
        assert_eq!(histogram.buckets, [1, 1, 2, 1, 0, 0, 0, 0, 0, 0, 1, 1]);
        assert_eq!((histogram.min, histogram.max, histogram.sum, histogram.count), (0, 1024, 2057, 7));
    }

    #[test]
    fn sources_past_the_limit_share_a_row() {
        let mut report = Report::default();
        let one = Fates { records: 1, kept: 1, ..Fates::default() };
        for index in 0..MAX_SOURCES + 5 {
            report.add_source(&format!("source {index}"), &one);
        }
        report.add_source("source 3", &one);
        assert_eq!(report.sources[OTHER_SOURCES].kept, 5);
        assert_eq!(report.sources["source 3"].kept, 2);
    }
}
