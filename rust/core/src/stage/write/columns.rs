//! `columns/part-00000.parquet`: what is known about each record of `data/part-00000`, row by row.
//!
//! The reference Parquet writer without Arrow. Row groups are cut by the rows alone and no time, name
//! or version of a library goes in, so equal rows give equal bytes.

use super::columns_chunk::{self, Chunk, Levels};
use super::columns_group::Columns;
use super::columns_labels;
use super::columns_numbers;
use super::disk::Disk;
use super::output::Output;
use crate::digest::Digest;
use crate::record::labels::Vocabulary;
use crate::{Error, Result};
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::Int32Type;
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::ColumnPath;
use serde::{Deserialize, Serialize};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

/// The columns of every run; `changes` is the trace: kind of change and how often. The label columns of
/// the run stand behind them.
const SCHEMA: &str = "message record {
  required binary origin (STRING);
  optional binary id (STRING);
  optional binary parent (STRING);
  required binary source (STRING);
  optional binary licence (STRING);
  optional binary category (STRING);
  optional binary persona (STRING);
  required binary family (STRING);
  required binary dialect (STRING);
  required int64 characters;
  required int64 characters_total;
  required int32 turns;
  required group traits (LIST) { repeated group list { required binary element (STRING); } }
  required group changes (MAP) { repeated group key_value { required binary key (STRING); required int32 value; } }
";

/// How many those are, each part of a nested one by itself.
const COLUMNS: usize = 15;

/// Most bytes of the row log that become one row group.
const GROUP_BYTES: usize = 8 << 20;

/// A complete file of `columns/`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ColumnsFile {
    /// The number of the shard that it belongs to.
    pub number: u32,
    /// Rows.
    pub rows: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// BLAKE3 of the file.
    pub digest: Digest,
}

/// Making one file of `columns/` from the row log of a shard; any worker may do it.
#[derive(Debug)]
pub struct ColumnsWork {
    /// The shard.
    pub number: u32,
    /// The row log.
    pub log: PathBuf,
    /// How much of it counts.
    pub length: u64,
    /// The file to write.
    pub target: PathBuf,
    /// The file operations.
    pub disk: Disk,
    /// The labels that the run can give.
    pub vocabulary: Arc<Vocabulary>,
}

impl ColumnsWork {
    /// Does it.
    pub fn run(&self) -> Result<ColumnsFile> {
        let log = self.disk.open(&self.log)?;
        let file = self.disk.open(&self.target)?;
        self.disk.truncate(&file, &self.target, 0)?;
        let out = Output::new(&self.disk, &file, &self.target);
        let mut writer = ColumnsWriter::new(out, &self.vocabulary).map_err(|error| self.explain(&error))?;
        let mut at = 0;
        let mut size = GROUP_BYTES;
        let mut part = Vec::new();
        while at < self.length {
            part.resize(size.min((self.length - at) as usize), 0);
            log.read_exact_at(&mut part, at).map_err(|error| Error::io(&self.log, error))?;
            let (whole, rows) = whole_rows(&part);
            if whole == 0 {
                // One row longer than a group (a very long id, say): look at more of the log.
                if part.len() < size {
                    return Err(Error::output(self.log.display().to_string(), "the row log is damaged")
                        .with_hint("start again with `--force`"));
                }
                size *= 2;
                continue;
            }
            at += whole as u64;
            size = GROUP_BYTES;
            if let Err(error) = writer.group(&part[..whole], rows) {
                return Err(writer.failure().unwrap_or_else(|| self.explain(&error)));
            }
        }
        let (mut out, rows) = writer.finish().map_err(|error| self.explain(&error))?;
        let settled = out.settle().map_err(|error| Error::io(&self.target, error));
        if let Some(error) = out.failed {
            return Err(error);
        }
        settled?;
        let (bytes, digest) = (out.digest.bytes(), out.digest.finish());
        self.disk.sync(&file, &self.target)?;
        Ok(ColumnsFile { number: self.number, rows, bytes, digest })
    }

    fn explain(&self, error: &ParquetError) -> Error {
        match error {
            ParquetError::External(_) => Error::io(&self.target, io::Error::other(error.to_string())),
            _ => Error::Internal(format!("{}: {error}", self.target.display())),
        }
    }
}

/// How many bytes at the front of the log are whole rows, and how many rows.
fn whole_rows(log: &[u8]) -> (usize, usize) {
    let (mut at, mut rows) = (0, 0);
    while let Some(head) = log.get(at..at + 4) {
        let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
        if log.len() - at - 4 < length {
            break;
        }
        at += 4 + length;
        rows += 1;
    }
    (at, rows)
}

struct ColumnsWriter<'a> {
    vocabulary: &'a Vocabulary,
    writer: SerializedFileWriter<Output<'a>>,
    rows: u64,
}

impl<'a> ColumnsWriter<'a> {
    fn new(out: Output<'a>, vocabulary: &'a Vocabulary) -> Result<Self, ParquetError> {
        let schema = Arc::new(parse_message_type(&format!("{SCHEMA}{}}}", columns_labels::schema(vocabulary)))?);
        let mut properties = WriterProperties::builder()
            .set_writer_version(WriterVersion::PARQUET_1_0)
            .set_created_by("corpuskit".to_owned())
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(columns_chunk::LEVEL)?))
            .set_statistics_enabled(EnabledStatistics::None)
            .set_offset_index_disabled(true)
            .set_max_row_group_row_count(None);
        for name in columns_labels::number_columns(vocabulary) {
            properties = properties.set_column_dictionary_enabled(ColumnPath::from(name), false);
        }
        let properties = properties.build();
        Ok(Self { vocabulary, writer: SerializedFileWriter::new(out, schema, Arc::new(properties))?, rows: 0 })
    }

    fn failure(&mut self) -> Option<Error> {
        self.writer.inner_mut().failed.take()
    }

    /// One row group from so many whole rows of the log.
    fn group(&mut self, log: &[u8], rows: usize) -> Result<(), ParquetError> {
        let columns = Columns::of(log, rows, self.vocabulary)
            .ok_or_else(|| ParquetError::General("the row log is damaged".to_owned()))?;
        self.rows += rows as u64;
        let leaves = self.writer.schema_descr().columns().to_vec();
        let mut group = self.writer.next_row_group()?;
        columns.origins.write_rows(&mut group, &leaves[0])?;
        let [id, parent, licence, category, persona] = &columns.optional;
        let runs = [id, parent, &columns.source, licence, category, persona, &columns.family, &columns.dialect];
        for (runs, leaf) in runs.into_iter().zip(&leaves[1..]) {
            runs.write(&mut group, leaf)?;
        }
        let (levels, mut numbers) = (Levels::required(rows), leaves[1 + runs.len()..].iter());
        for (values, leaf) in [&columns.characters, &columns.characters_total].into_iter().zip(&mut numbers) {
            append(&mut group, columns_numbers::chunk(leaf, &levels, values, false)?)?;
        }
        let leaf = numbers.next().ok_or_else(too_few)?;
        append(&mut group, columns_numbers::chunk(leaf, &levels, &columns.turns, true)?)?;
        columns.traits.write(&mut group, &columns.trait_levels)?;
        columns.kinds.write(&mut group, &columns.change_levels)?;
        columns.change_levels.write::<Int32Type>(&mut group, &columns.times)?;
        columns.labels.write(&mut group, &leaves[COLUMNS..])?;
        group.close()?;
        Ok(())
    }

    fn finish(self) -> Result<(Output<'a>, u64), ParquetError> {
        // `into_inner` writes the footer; `finish` before it would make it fail.
        Ok((self.writer.into_inner()?, self.rows))
    }
}

pub(super) type Group<'a, 'b> = SerializedRowGroupWriter<'a, Output<'b>>;

/// Adds the next column of a group.
pub(super) fn append(group: &mut Group<'_, '_>, (bytes, close): Chunk) -> Result<(), ParquetError> {
    group.append_column(&bytes, close)
}

pub(super) fn too_few() -> ParquetError {
    ParquetError::General("the schema has fewer columns".to_owned())
}
