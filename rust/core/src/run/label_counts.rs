//! Counting labels: every label of the vocabulary has a number, and labels that records declare for
//! themselves have the numbers behind.

use super::processed::Names;
use crate::record::Record;
use crate::record::labels::Vocabulary;
use crate::report::Report;
use std::sync::Arc;

/// The numbers of labels.
#[derive(Debug)]
pub(super) struct Numbers {
    vocabulary: Arc<Vocabulary>,
    /// By column: the number of its first tag.
    offsets: Vec<u32>,
    /// Labels of the vocabulary.
    known: u32,
}

impl Numbers {
    pub fn new(vocabulary: Arc<Vocabulary>) -> Self {
        let mut known = 0;
        let offsets = vocabulary.columns.iter().map(|column| {
            let offset = known;
            known += column.tags.len() as u32;
            offset
        });
        Self { offsets: offsets.collect(), known, vocabulary }
    }

    /// Appends the numbers of a record's labels, given and declared.
    pub fn of(&self, record: &Record<'_>, declared: &mut Names, out: &mut Vec<u32>) {
        let given = record.labels.given;
        out.extend(given.iter().map(|label| self.offsets[usize::from(label.column)] + u32::from(label.tag)));
        for member in record.fields.iter().filter(|member| member.key.starts_with('_')) {
            let column = match member.key {
                "_category" => "category",
                "_persona" => "persona",
                "_traits" => "traits",
                _ => continue,
            };
            let known = self.vocabulary.column(column);
            if given.iter().any(|label| Some(usize::from(label.column)) == known) || member.value.is_null() {
                // Ours, written into the record; or nothing.
                continue;
            }
            let mut add = |text: &str| out.push(self.known + declared.number(&format!("{column}\t{text}")));
            match member.value.as_array() {
                Some(items) if column == "traits" => {
                    items.iter().for_each(|item| add(item.as_str().unwrap_or(item.raw)));
                }
                _ => add(member.value.as_str().unwrap_or(member.value.raw)),
            }
        }
    }
}

/// The counts of a batch.
#[derive(Debug)]
pub(super) struct Tally {
    numbers: Numbers,
    counts: Vec<u64>,
}

impl Tally {
    pub fn new(vocabulary: Arc<Vocabulary>) -> Self {
        Self { numbers: Numbers::new(vocabulary), counts: Vec::new() }
    }

    /// Counts the labels of a kept record.
    pub fn add(&mut self, labels: &[u32]) {
        for &label in labels {
            let at = label as usize;
            if self.counts.len() <= at {
                self.counts.resize(at + 1, 0);
            }
            self.counts[at] += 1;
        }
    }

    /// Adds the counts to the report and begins again; `declared` names the labels of the batch.
    pub fn report(&mut self, declared: &[String], report: &mut Report) {
        for (at, count) in self.counts.drain(..).enumerate().filter(|(_, count)| *count > 0) {
            let at = at as u32;
            if at < self.numbers.known {
                let column = self.numbers.offsets.partition_point(|&offset| offset <= at) - 1;
                let column = &self.numbers.vocabulary.columns[column];
                let tag = at - self.numbers.offsets[self.numbers.vocabulary.column(&column.name).unwrap_or_default()];
                report.add_label(&column.name, column.tags.get(tag as usize).map_or("", String::as_str), count);
            } else if let Some((column, tag)) =
                declared.get((at - self.numbers.known) as usize).and_then(|name| name.split_once('\t'))
            {
                report.add_label(column, tag, count);
            }
        }
    }
}
