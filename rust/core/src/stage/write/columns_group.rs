//! The columns of one row group, gathered in one pass over the rows.
//!
//! Most columns say the same in many rows (one source, no licence, no traits), so they are kept as
//! runs of equal values: a row costs a comparison there, not a value of its own.

use super::columns::{Group, append, too_few};
use super::columns_labels::LabelColumns;
use super::rows::{OPTIONAL, RowBytes};
use super::{columns_chunk, columns_runs, columns_texts};
use crate::record::labels::Vocabulary;
use bytes::Bytes;
use parquet::column::writer::ColumnWriterImpl;
use parquet::data_type::{ByteArray, ByteArrayType, DataType};
use parquet::errors::ParquetError;
use parquet::schema::types::ColumnDescPtr;
use std::iter::repeat_n;

/// How many values or levels go to the Parquet writer at once.
const STEP: usize = 1024;

const NO_LEVELS: [i16; STEP] = [0; STEP];

/// The columns of a row group, in memory.
pub(super) struct Columns<'a> {
    pub origins: Texts<'a>,
    /// Id, parent, licence, category, persona.
    pub optional: [Runs<'a>; OPTIONAL],
    pub source: Runs<'a>,
    pub family: Runs<'a>,
    pub dialect: Runs<'a>,
    pub characters: Vec<i64>,
    pub characters_total: Vec<i64>,
    pub turns: Vec<i32>,
    pub traits: Texts<'a>,
    pub trait_levels: Levels,
    pub kinds: Texts<'a>,
    pub times: Vec<i32>,
    pub change_levels: Levels,
    pub labels: LabelColumns<'a>,
}

impl<'a> Columns<'a> {
    fn new(rows: usize, vocabulary: &'a Vocabulary) -> Self {
        Self {
            origins: Texts(Vec::with_capacity(rows)),
            optional: Default::default(),
            source: Runs::default(),
            family: Runs::default(),
            dialect: Runs::default(),
            characters: Vec::with_capacity(rows),
            characters_total: Vec::with_capacity(rows),
            turns: Vec::with_capacity(rows),
            traits: Texts::default(),
            trait_levels: Levels::default(),
            kinds: Texts::default(),
            times: Vec::new(),
            change_levels: Levels::default(),
            labels: LabelColumns::new(rows, vocabulary),
        }
    }

    /// The columns of so many whole rows of the log; `None` where the log is damaged.
    pub fn of(log: &'a [u8], rows: usize, vocabulary: &'a Vocabulary) -> Option<Self> {
        let mut columns = Self::new(rows, vocabulary);
        let mut rest = log;
        let mut before: Option<RowBytes<'a>> = None;
        while !rest.is_empty() {
            let row = RowBytes::take(&mut rest, before.as_ref())?;
            columns.origins.push(row.origin)?;
            for (runs, value) in columns.optional.iter_mut().zip(row.optional) {
                runs.push(value)?;
            }
            let named = [&mut columns.source, &mut columns.family, &mut columns.dialect];
            let is_same = before.as_ref().is_some_and(|before| std::ptr::eq(before.named_raw, row.named_raw));
            for (runs, value) in named.into_iter().zip(row.named) {
                if !(is_same && runs.again()) {
                    runs.push(Some(value))?;
                }
            }
            columns.characters.push(i64::try_from(row.characters).unwrap_or(i64::MAX));
            columns.characters_total.push(i64::try_from(row.characters_total).unwrap_or(i64::MAX));
            columns.turns.push(i32::try_from(row.turns).unwrap_or(i32::MAX));
            let traits = columns.traits.0.len();
            for text in row.traits() {
                columns.traits.push(text)?;
            }
            columns.trait_levels.push(columns.traits.0.len() - traits);
            let changes = columns.times.len();
            for (kind, times) in row.changes() {
                columns.kinds.0.push(kind.name().as_bytes());
                columns.times.push(i32::try_from(times).unwrap_or(i32::MAX));
            }
            columns.change_levels.push(columns.times.len() - changes);
            columns.labels.push(&row)?;
            before = Some(row);
        }
        Some(columns)
    }
}

/// Texts, which are checked to be UTF-8.
#[derive(Default)]
pub(super) struct Texts<'a>(pub Vec<&'a [u8]>);

impl<'a> Texts<'a> {
    /// Adds a text; `None` where the log is damaged.
    fn push(&mut self, text: &'a [u8]) -> Option<()> {
        self.0.push(checked(text)?);
        Some(())
    }

    /// Writes them as the next column of the group, with these levels.
    pub fn write(&self, group: &mut Group<'_, '_>, levels: &Levels) -> Result<(), ParquetError> {
        let mut column = group.next_column()?.ok_or_else(too_few)?;
        // SAFETY: `column` is closed or dropped before this function returns.
        levels.write_to(column.typed::<ByteArrayType>(), &unsafe { lend(&self.0) })?;
        column.close()
    }

    /// Writes one for each row as the next column of the group, which is `column`.
    pub fn write_rows(&self, group: &mut Group<'_, '_>, column: &ColumnDescPtr) -> Result<(), ParquetError> {
        let levels = columns_chunk::Levels::required(self.0.len());
        append(group, columns_texts::chunk(column, &levels, self.0.iter().copied())?)
    }
}

/// The text, if it is UTF-8.
fn checked(text: &[u8]) -> Option<&[u8]> {
    (text.is_ascii() || std::str::from_utf8(text).is_ok()).then_some(text)
}

/// Texts as the Parquet writer takes them, without a count of who holds each.
///
/// # Safety
/// Nothing that comes of them may outlive the texts.
unsafe fn lend(texts: &[&[u8]]) -> Vec<ByteArray> {
    // SAFETY: by contract.
    let lend = |text: &&[u8]| unsafe { std::mem::transmute::<&[u8], &'static [u8]>(text) };
    texts.iter().map(|text| Bytes::from_static(lend(text)).into()).collect()
}

/// A column of texts as runs of equal values.
#[derive(Default)]
pub(super) struct Runs<'a>(Vec<(Option<&'a [u8]>, usize)>);

impl<'a> Runs<'a> {
    /// Adds the last row's value once more, if there is one.
    fn again(&mut self) -> bool {
        self.0.last_mut().map(|(_, count)| *count += 1).is_some()
    }

    /// Adds a row's value; `None` where the log is damaged.
    #[inline]
    fn push(&mut self, value: Option<&'a [u8]>) -> Option<()> {
        if let Some((last, count)) = self.0.last_mut()
            && *last == value
        {
            *count += 1;
            return Some(());
        }
        let value = match value {
            Some(text) => Some(checked(text)?),
            None => None,
        };
        self.0.push((value, 1));
        Some(())
    }

    /// Writes it as the next column of the group, which is `column`.
    pub fn write(&self, group: &mut Group<'_, '_>, column: &ColumnDescPtr) -> Result<(), ParquetError> {
        if let Some(chunk) = columns_runs::chunk(column, &self.0)? {
            return append(group, chunk);
        }
        // The values differ too much.
        let levels = columns_runs::levels(column, &self.0);
        let texts =
            self.0.iter().flat_map(|&(value, count)| value.into_iter().flat_map(move |text| repeat_n(text, count)));
        append(group, columns_texts::chunk(column, &levels, texts)?)
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
        self.write_to(column.typed::<T>(), values)?;
        column.close()
    }

    fn write_to<T: DataType>(&self, writer: &mut ColumnWriterImpl<'_, T>, values: &[T::T]) -> Result<(), ParquetError> {
        writer.write_batch(values, Some(&self.definition), Some(&self.repetition))?;
        let mut left = self.empty;
        while left > 0 {
            let levels = Some(&NO_LEVELS[..left.min(STEP)]);
            writer.write_batch(&[], levels, levels)?;
            left -= left.min(STEP);
        }
        Ok(())
    }
}
