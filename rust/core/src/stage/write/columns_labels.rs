//! The label columns of `columns/`: one a label column of the run, its score, and the places.

use super::columns::{Group, append, too_few};
use super::columns_chunk::Levels;
use super::rows::RowBytes;
use super::{columns_numbers, columns_runs};
use crate::record::labels::{LabelColumn, Vocabulary};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, FloatType};
use parquet::errors::ParquetError;
use parquet::schema::types::ColumnDescPtr;
use std::fmt::Write as _;

/// Columns that every run has, where a declared value may stand instead of a label.
const FIXED: [&str; 3] = ["category", "persona", "traits"];

/// Places of a row that room is made for at once.
const PLACES: usize = 6;

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
    /// The rules of the places, by number; turn, start and end of each.
    rules: Lists<u32>,
    parts: [Vec<i32>; 3],
}

/// Values and how many each row has.
#[derive(Clone, Debug)]
struct Lists<T> {
    values: Vec<T>,
    counts: Vec<u32>,
}

impl<'v> LabelColumns<'v> {
    /// Empty columns, with room for so many rows.
    pub fn new(rows: usize, vocabulary: &'v Vocabulary) -> Self {
        let tags = |column: &LabelColumn| Lists::new(if column.one { rows } else { 0 }, rows);
        let places = if vocabulary.rules.is_empty() { 0 } else { PLACES * rows };
        Self {
            vocabulary,
            tags: vocabulary.columns.iter().map(tags).collect(),
            scores: vocabulary
                .columns
                .iter()
                .map(|column| Vec::with_capacity(if column.scored { rows } else { 0 }))
                .collect(),
            rules: Lists::new(places, rows),
            parts: [(); 3].map(|()| Vec::with_capacity(places)),
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
        let before = self.rules.values.len();
        for [rule, numbers @ ..] in row.places() {
            if rule as usize >= self.vocabulary.rules.len() {
                return None;
            }
            self.rules.values.push(rule);
            for (part, number) in self.parts.iter_mut().zip(numbers) {
                part.push(i32::try_from(number).unwrap_or(i32::MAX));
            }
        }
        self.rules.counts.push((self.rules.values.len() - before) as u32);
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
            let (list, names) = (&self.rules, &self.vocabulary.rules);
            let levels = Levels::list(&list.counts);
            let rules = list.values.iter().map(|&rule| rule as usize);
            if names.len() <= MOST {
                write_texts(group, leaves.next(), &levels, names, rules)?;
            } else {
                leaves.next();
                let (definition, repetition) = list.levels();
                let rules: Vec<ByteArray> = rules.map(|rule| ByteArray::from(names[rule].as_str())).collect();
                write::<ByteArrayType>(group, &rules, &definition, Some(&repetition))?;
            }
            for (part, is_small) in self.parts.iter().zip([true, false, false]) {
                let leaf = leaves.next().ok_or_else(too_few)?;
                append(group, columns_numbers::chunk(leaf, &levels, part, is_small)?)?;
            }
        }
        Ok(())
    }
}

impl<T> Lists<T> {
    fn new(values: usize, rows: usize) -> Self {
        Self { values: Vec::with_capacity(values), counts: Vec::with_capacity(rows) }
    }

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
    numbers: impl Iterator<Item = usize> + Clone,
) -> Result<(), ParquetError> {
    const NEW: u32 = u32::MAX;
    let mut dictionary: Vec<&[u8]> = Vec::new();
    let mut places = vec![NEW; names.len()];
    for number in numbers.clone() {
        if places[number] == NEW {
            places[number] = dictionary.len() as u32;
            dictionary.push(names[number].as_bytes());
        }
    }
    let leaf = leaf.ok_or_else(too_few)?;
    let places = numbers.map(|number| (places[number] as u16, 1));
    append(group, columns_runs::of_places(leaf, levels, &dictionary, places, true)?)
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
