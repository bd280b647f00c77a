//! Labels that a caller gives beside those of the packs: those of a Python function over Arrow batches.
//!
//! They come as a file with a line for every kept record, because the function has seen all records before the
//! first row is written. They lead to columns only: what is not a rule cannot be run again by `why`.

use crate::record::Record;
use crate::record::labels::{Label, LabelColumn, Labels};
use crate::stage::tag::Tagger;
use crate::stage::write::manifest::LabelledBy;
use crate::stage::write::shards::Lines;
use crate::{Error, Result};
use bumpalo::Bump;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// Labels of the caller's own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnLabels {
    /// Who gave them, for the manifest.
    pub by: String,
    /// The digest of the manifest whose records were labelled.
    pub manifest: String,
    /// The columns that they fill.
    pub columns: Vec<OwnColumn>,
    /// A file with a line of JSON for every kept record: pairs of numbers, column and tag.
    pub path: PathBuf,
}

/// A column of the caller's own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnColumn {
    /// Its name.
    pub name: String,
    /// Whether a record has one tag at most.
    pub one: bool,
    /// Its tags.
    pub tags: Vec<String>,
}

/// The labels, read record by record.
pub(super) struct Given {
    lines: Lines,
    /// The number of its first column in the vocabulary.
    first: u16,
    tags: Vec<usize>,
    pub by: LabelledBy,
}

impl Given {
    /// Adds the columns to those of the tagger.
    ///
    /// # Errors
    /// A column that is taken or cannot be, a file that is not there.
    pub fn open(own: &OwnLabels, tagger: &mut Tagger) -> Result<Self> {
        let columns = own.columns.iter().map(|column| LabelColumn {
            name: column.name.clone(),
            one: column.one,
            scored: false,
            tags: column.tags.clone(),
        });
        let first = tagger.add_columns(&own.by, columns.collect())?;
        Ok(Self {
            lines: Lines::open(&own.path)?,
            first,
            tags: own.columns.iter().map(|column| column.tags.len()).collect(),
            by: LabelledBy {
                function: own.by.clone(),
                columns: own.columns.iter().map(|column| column.name.clone()).collect(),
            },
        })
    }

    /// Adds the labels of the next record; a column that the record declares for itself stays as it is.
    ///
    /// # Errors
    /// A file that does not hold these labels.
    pub fn add<'a>(&mut self, tagger: &Tagger, record: &mut Record<'a>, arena: &'a Bump) -> Result<()> {
        let wrong = || Error::input("labels", "do not have one line for every record");
        let line = self.lines.next()?.ok_or_else(wrong)?;
        let pairs: Vec<(u16, u16)> = serde_json::from_slice(line).map_err(|_| wrong())?;
        if pairs.is_empty() {
            return Ok(());
        }
        let settled = tagger.declared_by(record);
        let mut all = bumpalo::collections::Vec::from_iter_in(record.labels.given.iter().copied(), arena);
        for (column, tag) in pairs {
            if self.tags.get(usize::from(column)).is_none_or(|&tags| usize::from(tag) >= tags) {
                return Err(wrong());
            }
            let column = self.first + column;
            if !settled.contains(&Some(column)) {
                all.push(Label { column, tag, score: f32::NAN });
            }
        }
        all.sort_by_key(|label| (label.column, label.tag));
        all.dedup_by_key(|label| (label.column, label.tag));
        record.labels = Labels { given: all.into_bump_slice(), places: record.labels.places };
        Ok(())
    }

    /// Checks that no label is left over.
    pub fn finish(&mut self) -> Result<()> {
        match self.lines.next()? {
            Some(_) => Err(Error::input("labels", "have more lines than there are records")),
            None => Ok(()),
        }
    }
}

/// Refuses labels that were made of another run.
pub(super) fn check(own: &OwnLabels, digest: &str, folder: &Path) -> Result<()> {
    if own.manifest == digest {
        return Ok(());
    }
    let name = folder.display().to_string();
    Err(Error::output(name, "was changed while the function labelled it").with_hint("run the same command again"))
}
