//! `columns/part-00000.parquet`: what is known about each record of `data/part-00000`, row by row.
//!
//! The reference Parquet writer without Arrow. Row groups are cut by the rows alone and no time, name
//! or version of a library goes in, so equal rows give equal bytes.

use super::disk::Disk;
use super::rows::Row;
use crate::digest::{Digest, Tree};
use crate::{Error, Result};
use bytes::Bytes;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::ColumnPath;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The columns; `changes` is the trace: kind of change and how often.
pub const SCHEMA: &str = "message record {
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
}";

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
}

impl ColumnsWork {
    /// Does it.
    pub fn run(&self) -> Result<ColumnsFile> {
        let log = self.disk.open(&self.log)?;
        let file = self.disk.open(&self.target)?;
        self.disk.truncate(&file, &self.target, 0)?;
        let out = Output { disk: &self.disk, file: &file, path: &self.target, digest: Tree::new(), failed: None };
        let mut writer = ColumnsWriter::new(out).map_err(|error| self.explain(&error))?;
        let mut at = 0;
        let mut size = GROUP_BYTES;
        while at < self.length {
            let mut part = vec![0; size.min((self.length - at) as usize)];
            log.read_exact_at(&mut part, at).map_err(|error| Error::io(&self.log, error))?;
            let whole = whole_rows(&part);
            if whole == 0 {
                // One row longer than a group (a very long id, say): look at more of the log.
                if part.len() < size {
                    return Err(Error::output(self.log.display().to_string(), "the row log is damaged")
                        .with_hint("start again with `--force`"));
                }
                size *= 2;
                continue;
            }
            part.truncate(whole);
            at += whole as u64;
            size = GROUP_BYTES;
            if let Err(error) = writer.group(&Bytes::from(part)) {
                return Err(writer.failure().unwrap_or_else(|| self.explain(&error)));
            }
        }
        let (out, rows) = writer.finish().map_err(|error| self.explain(&error))?;
        if let Some(error) = out.failed {
            return Err(error);
        }
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

/// How many bytes at the front of the log are whole rows.
fn whole_rows(log: &[u8]) -> usize {
    let mut at = 0;
    while let Some(head) = log.get(at..at + 4) {
        let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
        if log.len() - at - 4 < length {
            break;
        }
        at += 4 + length;
    }
    at
}

/// Where the file goes: written, hashed, and the first failure kept with its own message.
struct Output<'a> {
    disk: &'a Disk,
    file: &'a File,
    path: &'a Path,
    digest: Tree,
    failed: Option<Error>,
}

impl Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Err(error) = self.disk.write_at(self.file, self.path, bytes, self.digest.bytes()) {
            let message = error.to_string();
            self.failed.get_or_insert(error);
            return Err(io::Error::other(message));
        }
        self.digest.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct ColumnsWriter<'a> {
    writer: SerializedFileWriter<Output<'a>>,
    rows: u64,
}

impl<'a> ColumnsWriter<'a> {
    fn new(out: Output<'a>) -> Result<Self, ParquetError> {
        let schema = Arc::new(parse_message_type(SCHEMA)?);
        let origin = ColumnPath::from("origin");
        let properties = WriterProperties::builder()
            .set_writer_version(WriterVersion::PARQUET_1_0)
            .set_created_by("corpuskit".to_owned())
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
            .set_statistics_enabled(EnabledStatistics::None)
            .set_offset_index_disabled(true)
            // Origins are all different and share their beginnings.
            .set_column_dictionary_enabled(origin.clone(), false)
            .set_column_encoding(origin, Encoding::DELTA_BYTE_ARRAY)
            .set_max_row_group_row_count(None)
            .build();
        Ok(Self { writer: SerializedFileWriter::new(out, schema, Arc::new(properties))?, rows: 0 })
    }

    fn failure(&mut self) -> Option<Error> {
        self.writer.inner_mut().failed.take()
    }

    /// One row group from whole rows of the log.
    fn group(&mut self, log: &Bytes) -> Result<(), ParquetError> {
        let mut rows = Vec::new();
        let mut rest: &[u8] = log;
        while !rest.is_empty() {
            rows.push(Row::take(&mut rest).ok_or_else(|| ParquetError::General("the row log is damaged".to_owned()))?);
        }
        self.rows += rows.len() as u64;
        let mut group = self.writer.next_row_group()?;
        required(&mut group, log, &rows, |row| row.origin)?;
        optional(&mut group, log, &rows, |row| row.id)?;
        optional(&mut group, log, &rows, |row| row.parent)?;
        required(&mut group, log, &rows, |row| row.source)?;
        optional(&mut group, log, &rows, |row| row.licence)?;
        optional(&mut group, log, &rows, |row| row.category)?;
        optional(&mut group, log, &rows, |row| row.persona)?;
        required(&mut group, log, &rows, |row| row.family)?;
        required(&mut group, log, &rows, |row| row.dialect)?;
        integers(&mut group, &rows, |row| row.characters)?;
        integers(&mut group, &rows, |row| row.characters_total)?;
        let turns: Vec<i32> = rows.iter().map(|row| i32::try_from(row.turns).unwrap_or(i32::MAX)).collect();
        column::<Int32Type>(&mut group, &turns, None, None)?;
        let traits = Levels::of(rows.iter().map(|row| row.traits.len()));
        let values: Vec<ByteArray> = rows.iter().flat_map(|row| &row.traits).map(|text| slice(log, text)).collect();
        column::<ByteArrayType>(&mut group, &values, Some(&traits.definition), Some(&traits.repetition))?;
        let changes = Levels::of(rows.iter().map(|row| row.changes.iter().count()));
        let changed = || rows.iter().flat_map(|row| row.changes.iter());
        let kinds: Vec<ByteArray> =
            changed().map(|(kind, _)| Bytes::from_static(kind.name().as_bytes()).into()).collect();
        column::<ByteArrayType>(&mut group, &kinds, Some(&changes.definition), Some(&changes.repetition))?;
        let times: Vec<i32> = changed().map(|(_, times)| i32::try_from(times).unwrap_or(i32::MAX)).collect();
        column::<Int32Type>(&mut group, &times, Some(&changes.definition), Some(&changes.repetition))?;
        group.close()?;
        Ok(())
    }

    fn finish(self) -> Result<(Output<'a>, u64), ParquetError> {
        // `into_inner` writes the footer; `finish` before it would make it fail.
        Ok((self.writer.into_inner()?, self.rows))
    }
}

/// Definition and repetition levels of a required list.
struct Levels {
    definition: Vec<i16>,
    repetition: Vec<i16>,
}

impl Levels {
    fn of(lengths: impl Iterator<Item = usize>) -> Self {
        let (mut definition, mut repetition) = (Vec::new(), Vec::new());
        for length in lengths {
            definition.push(i16::from(length > 0));
            repetition.push(0);
            for _ in 1..length {
                definition.push(1);
                repetition.push(1);
            }
        }
        Self { definition, repetition }
    }
}

type Group<'a, 'b> = SerializedRowGroupWriter<'a, Output<'b>>;

/// The text as a slice of the log, without a copy.
fn slice(log: &Bytes, text: &str) -> ByteArray {
    if text.is_empty() { Bytes::new().into() } else { log.slice_ref(text.as_bytes()).into() }
}

fn required(
    group: &mut Group<'_, '_>,
    log: &Bytes,
    rows: &[Row<'_>],
    value: impl for<'r> Fn(&Row<'r>) -> &'r str,
) -> Result<(), ParquetError> {
    let values: Vec<ByteArray> = rows.iter().map(|row| slice(log, value(row))).collect();
    column::<ByteArrayType>(group, &values, None, None)
}

fn optional(
    group: &mut Group<'_, '_>,
    log: &Bytes,
    rows: &[Row<'_>],
    value: impl for<'r> Fn(&Row<'r>) -> Option<&'r str>,
) -> Result<(), ParquetError> {
    let values: Vec<ByteArray> = rows.iter().filter_map(&value).map(|text| slice(log, text)).collect();
    let levels: Vec<i16> = rows.iter().map(|row| i16::from(value(row).is_some())).collect();
    column::<ByteArrayType>(group, &values, Some(&levels), None)
}

fn integers(group: &mut Group<'_, '_>, rows: &[Row<'_>], value: impl Fn(&Row<'_>) -> u64) -> Result<(), ParquetError> {
    let values: Vec<i64> = rows.iter().map(|row| i64::try_from(value(row)).unwrap_or(i64::MAX)).collect();
    column::<Int64Type>(group, &values, None, None)
}

fn column<T: parquet::data_type::DataType>(
    group: &mut Group<'_, '_>,
    values: &[T::T],
    definition: Option<&[i16]>,
    repetition: Option<&[i16]>,
) -> Result<(), ParquetError> {
    let missing = || ParquetError::General("the schema has fewer columns".to_owned());
    let mut column = group.next_column()?.ok_or_else(missing)?;
    column.typed::<T>().write_batch(values, definition, repetition)?;
    column.close()
}
