//! `selection.parquet`: one row for each time that a record is seen.

use super::columns::{Rows, texts};
use super::select::Chosen;
use corpuskit_core::digest::Digest;
use corpuskit_core::{Error, Result};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::reader::ColumnReader;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::ColumnPath;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// The table's name in the folder of a selection.
pub const TABLE: &str = "selection.parquet";

/// Its columns. `phase` is null in the validation split; `position` counts from 0 in each split, in the order of training.
pub const SCHEMA: &str = "message selection {
  optional binary phase (STRING);
  required int64 position;
  required binary split (STRING);
  required int32 shard;
  required int32 row;
}";

/// Rows of a row group.
const GROUP: usize = 1 << 20;

/// The places of one phase (or of the validation split), in order: shard and line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stretch {
    /// The phase; none for the validation split.
    pub phase: Option<String>,
    /// Shard and row of each record.
    pub places: Vec<(u32, u32)>,
}

/// Writes the table; returns its rows and digest.
pub(super) fn write(path: &Path, rows: &Rows, chosen: &Chosen) -> Result<(u64, Digest)> {
    let wrong = |error: ParquetError| Error::io(path, std::io::Error::other(error.to_string()));
    let file = File::create(path).map_err(|error| Error::io(path, error))?;
    let mut writer = (|| {
        let schema = Arc::new(parse_message_type(SCHEMA)?);
        let mut properties = WriterProperties::builder()
            .set_writer_version(WriterVersion::PARQUET_1_0)
            .set_created_by("corpuskit".to_owned())
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
            .set_statistics_enabled(EnabledStatistics::None)
            .set_offset_index_disabled(true)
            .set_max_row_group_row_count(None);
        for name in ["position", "shard", "row"] {
            properties = properties.set_column_dictionary_enabled(ColumnPath::from(name), false);
        }
        properties = properties.set_column_encoding(ColumnPath::from("position"), Encoding::DELTA_BINARY_PACKED);
        SerializedFileWriter::new(file, schema, Arc::new(properties.build()))
    })()
    .map_err(wrong)?;
    let mut position = 0;
    for phase in &chosen.phases {
        for part in phase.rows.chunks(GROUP) {
            group(&mut writer, Some(&phase.name), position, rows, part).map_err(wrong)?;
            position += part.len() as i64;
        }
    }
    let mut total = position as u64;
    position = 0;
    for part in chosen.validation.chunks(GROUP) {
        group(&mut writer, None, position, rows, part).map_err(wrong)?;
        position += part.len() as i64;
    }
    total += position as u64;
    let file = writer.into_inner().map_err(wrong)?;
    file.sync_all().map_err(|error| Error::io(path, error))?;
    let mut hasher = blake3::Hasher::new();
    let file = File::open(path).map_err(|error| Error::io(path, error))?;
    hasher.update_reader(file).map_err(|error| Error::io(path, error))?;
    Ok((total, Digest(*hasher.finalize().as_bytes())))
}

fn group(
    writer: &mut SerializedFileWriter<File>,
    phase: Option<&str>,
    position: i64,
    rows: &Rows,
    part: &[u32],
) -> Result<(), ParquetError> {
    let mut group = writer.next_row_group()?;
    let (shards, lines): (Vec<i32>, Vec<i32>) =
        part.iter().map(|&row| rows.place(row as usize)).map(|(shard, line)| (shard as i32, line as i32)).unzip();
    let value = ByteArray::from(phase.unwrap_or_default().as_bytes().to_vec());
    let values = if phase.is_some() { vec![value; part.len()] } else { Vec::new() };
    let levels = vec![i16::from(phase.is_some()); part.len()];
    column::<ByteArrayType>(&mut group, &values, Some(&levels))?;
    let positions: Vec<i64> = (position..position + part.len() as i64).collect();
    column::<Int64Type>(&mut group, &positions, None)?;
    let split = if phase.is_some() { "train" } else { "validation" };
    column::<ByteArrayType>(&mut group, &vec![ByteArray::from(split); part.len()], None)?;
    column::<Int32Type>(&mut group, &shards, None)?;
    column::<Int32Type>(&mut group, &lines, None)?;
    group.close()?;
    Ok(())
}

fn column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, File>,
    values: &[T::T],
    levels: Option<&[i16]>,
) -> Result<(), ParquetError> {
    let too_few = || ParquetError::General("the schema has fewer columns".to_owned());
    let mut column = group.next_column()?.ok_or_else(too_few)?;
    column.typed::<T>().write_batch(values, levels, None)?;
    column.close()
}

/// Reads a table: the phases in order, then the validation split.
///
/// # Errors
/// Where it cannot be read or has other columns.
pub fn read(path: &Path) -> Result<Vec<Stretch>> {
    let wrong = |what: String| Error::Check(format!("{}: {what}", path.display()));
    let file = File::open(path).map_err(|error| Error::io(path, error))?;
    let reader = SerializedFileReader::new(file).map_err(|error| wrong(error.to_string()))?;
    let mut stretches: Vec<Stretch> = Vec::new();
    for number in 0..reader.num_row_groups() {
        let group = reader.get_row_group(number).map_err(|error| wrong(error.to_string()))?;
        let mut phases: Vec<Option<String>> = Vec::new();
        let mut add = |phase: Option<&[u8]>| {
            let phase = phase.map(|name| String::from_utf8_lossy(name).into_owned());
            phases.push(phase);
        };
        texts(&*group, "phase", &mut add).map_err(wrong)?;
        let (shards, lines) = (integers(&*group, 3).map_err(wrong)?, integers(&*group, 4).map_err(wrong)?);
        if phases.len() != shards.len() || shards.len() != lines.len() {
            return Err(wrong("its columns differ in length".to_owned()));
        }
        for (phase, (shard, line)) in phases.into_iter().zip(shards.into_iter().zip(lines)) {
            if stretches.last().is_none_or(|last| last.phase != phase) {
                stretches.push(Stretch { phase, places: Vec::new() });
            }
            if let Some(last) = stretches.last_mut() {
                last.places.push((shard, line));
            }
        }
    }
    Ok(stretches)
}

fn integers(group: &dyn RowGroupReader, at: usize) -> Result<Vec<u32>, String> {
    let ColumnReader::Int32ColumnReader(mut reader) = group.get_column_reader(at).map_err(|e| e.to_string())? else {
        return Err("its columns are not those of a selection".to_owned());
    };
    let rows = group.metadata().num_rows() as usize;
    let mut values = Vec::with_capacity(rows);
    while values.len() < rows {
        let (records, _, _) = reader.read_records(rows, None, None, &mut values).map_err(|e| e.to_string())?;
        if records == 0 {
            break;
        }
    }
    values.into_iter().map(|value| u32::try_from(value).map_err(|_| "has a negative place".to_owned())).collect()
}
