//! The label columns of `columns/`: one a label column of the run, its score, and the places.

use super::columns::{Group, too_few};
use super::columns_runs::{self, Levels};
use super::rows::RowBytes;
use crate::record::labels::{LabelColumn, Vocabulary};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, FloatType, Int32Type};
use parquet::errors::ParquetError;
use parquet::schema::types::ColumnDescPtr;
use std::fmt::Write as _;

/// Columns that every run has, where a declared value may stand instead of a label.
const FIXED: [&str; 3] = ["category", "persona", "traits"];

/// Most texts that are numbered with two bytes.
const MOST: usize = 1 << 16;

/// Whether the column stands among those that every run has.
pub(super) fn is_fixed(column: &LabelColumn) -> bool {
    FIXED.contains(&column.name.as_str())
}

/// The part of the schema that the labels of a run need.
pub(super) fn schema(vocabulary: &Vocabulary) -> String {
    let mut schema = String::new();
    for column in &vocabulary.columns {
        let name = &column.name;
        // Writing to memory cannot fail.
        if !is_fixed(column) {
            let _ = match column.one {
                true => writeln!(schema, "  optional binary {name} (STRING);"),
                false => writeln!(
                    schema,
                    "  required group {name} (LIST) {{ repeated group list {{ required binary element (STRING); }} }}"
                ),
            };
        }
        if column.one && column.scored {
            let _ = writeln!(schema, "  optional float {name}_score;");
        }
    }
    if !vocabulary.rules.is_empty() {
        schema.push_str(
            "  required group spans (LIST) { repeated group list { required group element { required binary rule (STRING); required int32 turn; required int32 start; required int32 end; } } }\n",
        );
    }
    schema
}

/// The names of number columns of the labels, which need no dictionary.
pub(super) fn number_columns(vocabulary: &Vocabulary) -> Vec<String> {
    let scores = vocabulary.columns.iter().filter(|column| column.one && column.scored);
    scores.map(|column| format!("{}_score", column.name)).collect()
}

/// The label columns of a row group, in memory.
#[derive(Debug)]
pub(super) struct LabelColumns<'v> {
    vocabulary: &'v Vocabulary,
    /// By column: the tags of each row; of a column `one`, at most one.
    tags: Vec<Lists<u16>>,
    scores: Vec<Vec<f32>>,
    places: Lists<[u32; 4]>,
}

/// Values and how many each row has.
#[derive(Clone, Debug)]
struct Lists<T> {
    values: Vec<T>,
    counts: Vec<u32>,
}

impl<T> Default for Lists<T> {
    fn default() -> Self {
        Self { values: Vec::new(), counts: Vec::new() }
    }
}

impl<'v> LabelColumns<'v> {
    pub fn new(vocabulary: &'v Vocabulary) -> Self {
        Self {
            vocabulary,
            tags: vec![Lists::default(); vocabulary.columns.len()],
            scores: vec![Vec::new(); vocabulary.columns.len()],
            places: Lists::default(),
        }
    }

    /// Adds a row's labels; `None` where the log is damaged.
    pub fn push(&mut self, row: &RowBytes<'_>) -> Option<()> {
        self.tags.iter_mut().for_each(|column| column.counts.push(0));
        for label in row.labels() {
            let column = usize::from(label.column);
            if usize::from(label.tag) >= self.vocabulary.columns.get(column)?.tags.len() {
                return None;
            }
            let list = &mut self.tags[column];
            list.values.push(label.tag);
            *list.counts.last_mut()? += 1;
            self.scores[column].push(label.score);
        }
        let before = self.places.values.len();
        for place in row.places() {
            if place[0] as usize >= self.vocabulary.rules.len() {
                return None;
            }
            self.places.values.push(place);
        }
        self.places.counts.push((self.places.values.len() - before) as u32);
        Some(())
    }

    /// Writes them as the columns `leaves`, in the order of [`schema`].
    pub fn write(&self, group: &mut Group<'_, '_>, leaves: &[ColumnDescPtr]) -> Result<(), ParquetError> {
        let mut leaves = leaves.iter();
        for (at, column) in self.vocabulary.columns.iter().enumerate() {
            let list = &self.tags[at];
            if !is_fixed(column) {
                let levels = if column.one { list.optional() } else { Levels::list(&list.counts) };
                let tags = list.values.iter().map(|&tag| usize::from(tag));
                write_texts(group, leaves.next(), &levels, &column.tags, tags)?;
            }
            if column.one && column.scored {
                leaves.next();
                let scores = &self.scores[at];
                // A label that was declared has no score.
                let mut each = scores.iter();
                let levels: Vec<i16> = list
                    .counts
                    .iter()
                    .map(|&count| i16::from((0..count).filter_map(|_| each.next()).any(|score| !score.is_nan())))
                    .collect();
                let scores: Vec<f32> = scores.iter().copied().filter(|score| !score.is_nan()).collect();
                write::<FloatType>(group, &scores, &levels, None)?;
            }
        }
        if !self.vocabulary.rules.is_empty() {
            let (list, places) = (&self.places, &self.places.values);
            let (definition, repetition) = list.levels();
            let (names, rules) = (&self.vocabulary.rules, places.iter().map(|place| place[0] as usize));
            if names.len() <= MOST {
                write_texts(group, leaves.next(), &Levels::list(&list.counts), names, rules)?;
            } else {
                let rules: Vec<ByteArray> = rules.map(|rule| ByteArray::from(names[rule].as_str())).collect();
                write::<ByteArrayType>(group, &rules, &definition, Some(&repetition))?;
            }
            for part in 1..4 {
                let numbers: Vec<i32> =
                    places.iter().map(|place| i32::try_from(place[part]).unwrap_or(i32::MAX)).collect();
                write::<Int32Type>(group, &numbers, &definition, Some(&repetition))?;
            }
        }
        Ok(())
    }
}

impl<T> Lists<T> {
    /// The levels of an optional column.
    fn optional(&self) -> Levels {
        Levels::optional(self.counts.iter().map(|&count| (count > 0, 1)))
    }

    /// Definition and repetition levels of a list.
    fn levels(&self) -> (Vec<i16>, Vec<i16>) {
        let entries = self.values.len() + self.counts.len();
        let (mut definition, mut repetition) = (Vec::with_capacity(entries), Vec::with_capacity(entries));
        for &count in &self.counts {
            let more = (count as usize).saturating_sub(1);
            definition.push(i16::from(count > 0));
            repetition.push(0);
            definition.resize(definition.len() + more, 1);
            repetition.resize(repetition.len() + more, 1);
        }
        (definition, repetition)
    }
}

/// Writes texts that are numbers of `names`, of which there are at most [`MOST`], as the next column of the group: the names that come, and one page of
/// places among them.
fn write_texts(
    group: &mut Group<'_, '_>,
    leaf: Option<&ColumnDescPtr>,
    levels: &Levels,
    names: &[String],
    numbers: impl Iterator<Item = usize>,
) -> Result<(), ParquetError> {
    const NEW: u32 = u32::MAX;
    let mut dictionary: Vec<&[u8]> = Vec::new();
    let mut places = vec![NEW; names.len()];
    let mut runs = Vec::with_capacity(numbers.size_hint().0);
    for number in numbers {
        let place = &mut places[number];
        if *place == NEW {
            *place = dictionary.len() as u32;
            dictionary.push(names[number].as_bytes());
        }
        runs.push((*place as u16, 1));
    }
    let leaf = leaf.ok_or_else(too_few)?;
    let (bytes, close) = columns_runs::of_places(leaf, levels, &dictionary, runs.into_iter(), true)?;
    group.append_column(&bytes, close)
}

/// Writes the next column of the group.
fn write<T: DataType>(
    group: &mut Group<'_, '_>,
    values: &[T::T],
    definition: &[i16],
    repetition: Option<&[i16]>,
) -> Result<(), ParquetError> {
    let mut column = group.next_column()?.ok_or_else(too_few)?;
    column.typed::<T>().write_batch(values, Some(definition), repetition)?;
    column.close()
}
