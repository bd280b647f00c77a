//! The columns of one row group, gathered in one pass over the rows.
//!
//! Most columns say the same in many rows (one source, no licence, no traits), so they are kept as
//! runs of equal values: a row costs a comparison there, not a value of its own.

use super::columns::{Group, too_few};
use super::rows::{OPTIONAL, RowBytes};
use bytes::Bytes;
use parquet::data_type::{ByteArray, ByteArrayType, DataType};
use parquet::errors::ParquetError;

/// How many values or levels go to the Parquet writer at once.
const STEP: usize = 1024;

const NO_LEVELS: [i16; STEP] = [0; STEP];

/// The columns of a row group, in memory.
#[derive(Default)]
pub(super) struct Columns {
    pub origins: Vec<ByteArray>,
    /// Id, parent, licence, category, persona.
    pub optional: [Runs; OPTIONAL],
    pub source: Runs,
    pub family: Runs,
    pub dialect: Runs,
    pub characters: Vec<i64>,
    pub characters_total: Vec<i64>,
    pub turns: Vec<i32>,
    pub traits: Vec<ByteArray>,
    pub trait_levels: Levels,
    pub kinds: Vec<ByteArray>,
    pub times: Vec<i32>,
    pub change_levels: Levels,
}

impl Columns {
    /// The columns of whole rows of the log; `None` where the log is damaged.
    pub fn of(log: &Bytes) -> Option<Self> {
        let mut columns = Self::default();
        let mut rest: &[u8] = log;
        while !rest.is_empty() {
            let row = RowBytes::take(&mut rest)?;
            columns.origins.push(slice(log, row.origin)?);
            for (runs, value) in columns.optional.iter_mut().zip(row.optional) {
                runs.push(log, value)?;
            }
            columns.source.push(log, Some(row.source))?;
            columns.family.push(log, Some(row.family))?;
            columns.dialect.push(log, Some(row.dialect))?;
            columns.characters.push(i64::try_from(row.characters).unwrap_or(i64::MAX));
            columns.characters_total.push(i64::try_from(row.characters_total).unwrap_or(i64::MAX));
            columns.turns.push(i32::try_from(row.turns).unwrap_or(i32::MAX));
            let before = columns.traits.len();
            for text in row.traits() {
                columns.traits.push(slice(log, text)?);
            }
            columns.trait_levels.push(columns.traits.len() - before);
            let before = columns.times.len();
            for (kind, times) in row.changes() {
                columns.kinds.push(Bytes::from_static(kind.name().as_bytes()).into());
                columns.times.push(i32::try_from(times).unwrap_or(i32::MAX));
            }
            columns.change_levels.push(columns.times.len() - before);
        }
        Some(columns)
    }
}

/// The text as a slice of the log, without a copy; `None` where it is not UTF-8.
fn slice(log: &Bytes, text: &[u8]) -> Option<ByteArray> {
    if !text.is_ascii() {
        std::str::from_utf8(text).ok()?;
    }
    Some(if text.is_empty() { Bytes::new().into() } else { log.slice_ref(text).into() })
}

/// A column of texts as runs of equal values.
#[derive(Default)]
pub(super) struct Runs(Vec<(Option<ByteArray>, usize)>);

impl Runs {
    /// Adds a row's value; `None` where the log is damaged.
    fn push(&mut self, log: &Bytes, value: Option<&[u8]>) -> Option<()> {
        if let Some((last, count)) = self.0.last_mut()
            && last.as_ref().map(ByteArray::data) == value
        {
            *count += 1;
            return Some(());
        }
        let value = match value {
            Some(text) => Some(slice(log, text)?),
            None => None,
        };
        self.0.push((value, 1));
        Some(())
    }

    /// Writes it as the next column of the group.
    pub fn write(&self, group: &mut Group<'_, '_>, is_optional: bool) -> Result<(), ParquetError> {
        let mut column = group.next_column()?.ok_or_else(too_few)?;
        let writer = column.typed::<ByteArrayType>();
        let (mut values, mut levels) = (Vec::with_capacity(2 * STEP), Vec::with_capacity(2 * STEP));
        for (value, count) in &self.0 {
            let level = i16::from(value.is_some());
            let mut left = *count;
            if left >= STEP {
                writer.write_batch(&values, is_optional.then_some(&levels), None)?;
                values.clear();
                levels.clear();
                // The same values again and again.
                values.extend(value.iter().flat_map(|value| std::iter::repeat_n(value, STEP)).cloned());
                levels.resize(STEP, level);
                while left >= STEP {
                    writer.write_batch(&values, is_optional.then_some(&levels), None)?;
                    left -= STEP;
                }
                values.clear();
                levels.clear();
            }
            values.extend(value.iter().flat_map(|value| std::iter::repeat_n(value, left)).cloned());
            levels.resize(levels.len() + left, level);
            if levels.len() >= STEP {
                writer.write_batch(&values, is_optional.then_some(&levels), None)?;
                values.clear();
                levels.clear();
            }
        }
        writer.write_batch(&values, is_optional.then_some(&levels), None)?;
        column.close()
    }
}

/// Definition and repetition levels of a required list.
#[derive(Default)]
pub(super) struct Levels {
    definition: Vec<i16>,
    repetition: Vec<i16>,
    /// Rows without items that are not in the levels yet.
    empty: usize,
}

impl Levels {
    /// Adds a row with so many items.
    fn push(&mut self, items: usize) {
        if items == 0 {
            self.empty += 1;
            return;
        }
        for (levels, level) in [(&mut self.definition, 1), (&mut self.repetition, 0)] {
            levels.resize(levels.len() + self.empty, 0);
            levels.push(level);
            levels.resize(levels.len() + items - 1, 1);
        }
        self.empty = 0;
    }

    /// Writes the next column of the group: these levels with the items' values.
    pub fn write<T: DataType>(&self, group: &mut Group<'_, '_>, values: &[T::T]) -> Result<(), ParquetError> {
        let mut column = group.next_column()?.ok_or_else(too_few)?;
        let writer = column.typed::<T>();
        writer.write_batch(values, Some(&self.definition), Some(&self.repetition))?;
        let mut left = self.empty;
        while left > 0 {
            let levels = Some(&NO_LEVELS[..left.min(STEP)]);
            writer.write_batch(&[], levels, levels)?;
            left -= left.min(STEP);
        }
        column.close()
    }
}
