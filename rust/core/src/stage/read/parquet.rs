//! Parquet: row groups, a step of rows at a time. The file is read where its metadata says; the digest is
//! made when the rows are done.

use super::batch::HeldPlace;
use super::columnar::Waiting;
use super::settings::ReadSettings;
use super::stream::{Draft, Outcome, Stream};
use crate::arrow::{GroupReader, Nulls, ParquetFile, Rows};
use serde::{Deserialize, Serialize};
use std::fs::File;

/// Where reading stands in a Parquet file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParquetPlace {
    /// The row group.
    group: usize,
    /// The next row in it.
    row: u64,
}

/// An open Parquet file.
pub(super) struct ParquetReader {
    place: ParquetPlace,
    nulls: Nulls,
    opened: Result<ParquetFile, String>,
    group: Option<GroupReader>,
    waiting: Option<Waiting>,
    /// The index of the row group's first row.
    first: u64,
}

impl ParquetReader {
    /// Goes on at a place. What is wrong with the file becomes a rejected unit when rows are asked for.
    pub fn new(file: File, settings: &ReadSettings, place: ParquetPlace) -> Self {
        let opened = ParquetFile::open(file);
        let first = match &opened {
            Ok(file) => {
                (0..place.group.min(file.groups())).fold(0_u64, |sum, group| sum.saturating_add(file.rows(group)))
            }
            Err(_) => 0,
        };
        Self { place, nulls: settings.nulls(), opened, group: None, waiting: None, first }
    }

    /// Where reading stands.
    pub fn place(&self) -> ParquetPlace {
        self.place.clone()
    }

    pub fn advance(&mut self, stream: &mut Stream, number: &mut u64, draft: &mut Draft) -> Outcome {
        // What was read to tell the container counts; the rest of the file follows when the digest is made.
        let carried = stream.carry.len();
        stream.skip(carried);
        let groups = match &self.opened {
            Ok(file) => file.groups(),
            Err(problem) => {
                let detail = format!("this Parquet file cannot be read: {problem}");
                draft.reject(stream.file, HeldPlace::Whole, 0, "read.broken", detail, &[], 0);
                return Outcome::Ended;
            }
        };
        loop {
            if draft.filled() >= draft.target {
                return Outcome::Full;
            }
            if let Some(waiting) = &mut self.waiting {
                let before = waiting.at;
                waiting.hand_out(stream, number, draft);
                self.place.row += (waiting.at - before) as u64;
                if waiting.at < waiting.rows.length() {
                    continue;
                }
                self.waiting = None;
            }
            if self.place.group >= groups {
                return Outcome::Ended;
            }
            let problem = match self.next_rows() {
                Ok(true) => continue,
                Ok(false) => None,
                Err(problem) => Some(problem),
            };
            self.end_group(problem, stream, number, draft);
        }
    }

    /// Decodes the next step of the row group. False at its end.
    fn next_rows(&mut self) -> Result<bool, String> {
        let Ok(file) = &self.opened else { return Ok(false) };
        // A step always begins at the same rows, wherever reading began.
        let step = file.step(self.place.group);
        let from = self.place.row - self.place.row % step;
        let group = match &mut self.group {
            Some(group) => group,
            None => self.group.insert(file.read(self.place.group, from)?),
        };
        let Some(batch) = group.next_rows()? else { return Ok(false) };
        let rows = Rows::new(&batch, file.layout.as_ref(), self.nulls)?;
        self.waiting = Some(Waiting::new(rows, (self.place.row - from) as usize));
        Ok(true)
    }

    /// Goes to the next row group; rows of this one that could not be read are one rejected unit.
    fn end_group(&mut self, problem: Option<String>, stream: &Stream, number: &mut u64, draft: &mut Draft) {
        let claimed = self.opened.as_ref().map_or(0, |file| file.rows(self.place.group));
        let end = self.first.saturating_add(claimed);
        let missing = *number < end;
        if problem.is_some() || missing {
            let problem = problem.unwrap_or_else(|| "the row group ends before them".to_owned());
            let last = end.saturating_sub(1).max(*number);
            let detail = format!("rows {number} to {last} cannot be read: {problem}");
            draft.reject(stream.file, HeldPlace::Index(*number), 0, "read.broken", detail, &[], 0);
        }
        self.first = end;
        *number = (*number).max(end);
        self.place = ParquetPlace { group: self.place.group + 1, row: 0 };
        self.group = None;
    }
}
