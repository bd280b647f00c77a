//! A column chunk put together from its parts: levels, at most one dictionary, one page of values.

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::page::{CompressedPage, Page, PageWriteSpec, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;
use std::cell::RefCell;

/// How hard Zstandard tries.
pub(super) const LEVEL: i32 = 1;

/// Values that are packed together where they do not repeat.
const GROUP: usize = 8;

/// A chunk and what the file's footer says about it.
pub(super) type Chunk = (Bytes, ColumnCloseResult);

/// The levels of a column, as they stand at the front of its page.
pub(super) struct Levels {
    rows: usize,
    /// Values, and rows without any.
    entries: usize,
    bytes: Vec<u8>,
}

impl Levels {
    /// Those of a column that has a value in each of so many rows: none.
    pub fn required(rows: usize) -> Self {
        Self { rows, entries: rows, bytes: Vec::new() }
    }

    /// Those of an optional column: whether it has a value, and in how many rows.
    pub fn optional(runs: impl Iterator<Item = (bool, usize)> + Clone) -> Self {
        let rows = runs.clone().map(|run| run.1).sum();
        let mut bytes = Vec::new();
        push(&mut bytes, runs.map(|(is_there, count)| (u16::from(is_there), count)));
        Self { rows, entries: rows, bytes }
    }

    /// Those of a required list of required values: how many each row has.
    pub fn list(counts: &[u32]) -> Self {
        let mut bytes = Vec::new();
        push(&mut bytes, counts.iter().flat_map(|&count| [(0, 1), (1, (count as usize).saturating_sub(1))]));
        push(&mut bytes, counts.iter().map(|&count| (u16::from(count > 0), count.max(1) as usize)));
        let entries = counts.iter().map(|&count| count.max(1) as usize).sum();
        Self { rows: counts.len(), entries, bytes }
    }
}

/// Appends levels, which are 0 or 1, behind their length.
fn push(out: &mut Vec<u8>, runs: impl Iterator<Item = (u16, usize)>) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    hybrid(out, 1, runs);
    let length = (out.len() - start - 4) as u32;
    out[start..start + 4].copy_from_slice(&length.to_le_bytes());
}

/// The values of a chunk.
pub(super) struct Values {
    /// How they are written.
    pub encoding: Encoding,
    /// How many texts the dictionary has, and its page.
    pub dictionary: Option<(usize, Vec<u8>)>,
    /// What stands behind the levels.
    pub bytes: Vec<u8>,
}

/// The chunk of these levels and values; `compressed` where that is worth its time.
pub(super) fn assemble(
    column: &ColumnDescPtr,
    levels: &Levels,
    values: Values,
    compressed: bool,
) -> Result<Chunk, ParquetError> {
    let too_many = |_| ParquetError::General("more values than a page can have".to_owned());
    let entries = u32::try_from(levels.entries).map_err(too_many)?;
    let encoding = values.encoding;
    let mut out = TrackedWrite::new(Vec::new());
    let mut writer = SerializedPageWriter::new(&mut out);
    let mut sizes = [0; 2];
    let mut count = |page: PageWriteSpec| {
        sizes[0] += page.compressed_size as i64;
        sizes[1] += page.uncompressed_size as i64;
        page.offset as i64
    };
    let mut dictionary = None;
    if let Some((texts, bytes)) = values.dictionary {
        let num_values = u32::try_from(texts).map_err(too_many)?;
        let page = |buf| Page::DictionaryPage { buf, num_values, encoding, is_sorted: false };
        dictionary = Some(count(write(&mut writer, bytes, compressed, page)?));
    }
    let page = |buf| Page::DataPage {
        buf,
        num_values: entries,
        encoding,
        def_level_encoding: Encoding::RLE,
        rep_level_encoding: Encoding::RLE,
        statistics: None,
    };
    let bytes = if levels.bytes.is_empty() { values.bytes } else { [&levels.bytes[..], &values.bytes].concat() };
    let data = count(write(&mut writer, bytes, compressed, page)?);
    let compression =
        if compressed { Compression::ZSTD(ZstdLevel::try_new(LEVEL)?) } else { Compression::UNCOMPRESSED };
    let metadata = ColumnChunkMetaData::builder(column.clone())
        .set_compression(compression)
        .set_encodings(vec![encoding, Encoding::RLE])
        .set_total_compressed_size(sizes[0])
        .set_total_uncompressed_size(sizes[1])
        .set_num_values(i64::from(entries))
        .set_dictionary_page_offset(dictionary)
        .set_data_page_offset(data)
        .build()?;
    let bytes = Bytes::from(out.into_inner()?);
    let close = ColumnCloseResult {
        bytes_written: bytes.len() as u64,
        rows_written: levels.rows as u64,
        metadata,
        bloom_filter: None,
        column_index: None,
        offset_index: None,
    };
    Ok((bytes, close))
}

fn write(
    writer: &mut impl PageWriter,
    bytes: Vec<u8>,
    compressed: bool,
    page: impl FnOnce(Bytes) -> Page,
) -> Result<PageWriteSpec, ParquetError> {
    let length = bytes.len();
    let bytes = if compressed { compress(&bytes)? } else { bytes };
    writer.write_page(CompressedPage::new(page(bytes.into()), length))
}

/// Compresses with this thread's context: a new one for every page would cost as much as the page.
fn compress(bytes: &[u8]) -> Result<Vec<u8>, ParquetError> {
    thread_local! {
        static CONTEXT: RefCell<Option<zstd::bulk::Compressor<'static>>> = const { RefCell::new(None) };
    }
    CONTEXT.with_borrow_mut(|context| {
        let context = match context {
            Some(context) => context,
            None => context.insert(zstd::bulk::Compressor::new(LEVEL)?),
        };
        Ok(context.compress(bytes)?)
    })
}

/// Parquet's hybrid of runs and packed bits, of values of at most `width` bits (at most 16).
pub(super) fn hybrid(out: &mut Vec<u8>, width: usize, runs: impl Iterator<Item = (u16, usize)>) {
    // What does not repeat enough; whole groups whenever a run is written.
    let mut packed: Vec<u16> = Vec::new();
    let mut waiting: (u16, usize) = (0, 0);
    let mut add = |out: &mut Vec<u8>, (value, mut count): (u16, usize)| {
        if count < GROUP {
            packed.extend(std::iter::repeat_n(value, count));
            return;
        }
        let missing = packed.len().next_multiple_of(GROUP) - packed.len();
        packed.extend(std::iter::repeat_n(value, missing));
        count -= missing;
        if count >= GROUP {
            pack(out, width, &mut packed);
            varint(out, (count << 1) as u64);
            out.extend_from_slice(&value.to_le_bytes()[..width.div_ceil(8)]);
        } else {
            packed.extend(std::iter::repeat_n(value, count));
        }
    };
    for (value, count) in runs.filter(|run| run.1 > 0) {
        if waiting.0 == value {
            waiting.1 += count;
        } else {
            add(out, std::mem::replace(&mut waiting, (value, count)));
        }
    }
    add(out, waiting);
    pack(out, width, &mut packed);
}

/// Writes values as whole groups of packed bits, the last one filled up, and forgets them.
fn pack(out: &mut Vec<u8>, width: usize, values: &mut Vec<u16>) {
    if values.is_empty() {
        return;
    }
    values.resize(values.len().next_multiple_of(GROUP), 0);
    varint(out, (values.len() / GROUP) as u64 * 2 + 1);
    for group in values.chunks_exact(GROUP) {
        let bits = group.iter().rev().fold(0_u128, |bits, &value| bits << width | u128::from(value));
        out.extend_from_slice(&bits.to_le_bytes()[..width]);
    }
    values.clear();
}

/// Appends a number, seven bits a byte.
pub(super) fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// What the reference reader sees of a chunk.
#[cfg(test)]
pub(super) mod reference {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::Chunk;
    use bytes::Bytes;
    use parquet::column::reader::get_typed_column_reader;
    use parquet::data_type::DataType;
    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;
    use parquet::schema::types::{ColumnDescPtr, SchemaDescriptor};
    use std::sync::Arc;

    /// The only column of a schema of one field.
    pub fn column(field: &str) -> ColumnDescPtr {
        SchemaDescriptor::new(Arc::new(parse_message_type(&format!("message m {{ {field} }}")).unwrap())).column(0)
    }

    /// Values, definition and repetition levels of a file whose only column is this chunk of so many rows.
    pub fn read<T: DataType>(field: &str, rows: usize, (bytes, close): Chunk) -> (Vec<T::T>, [Vec<i16>; 2]) {
        let schema = Arc::new(parse_message_type(&format!("message m {{ {field} }}")).unwrap());
        let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::default()).unwrap();
        let mut group = writer.next_row_group().unwrap();
        group.append_column(&bytes, close).unwrap();
        group.close().unwrap();
        let file = SerializedFileReader::new(Bytes::from(writer.into_inner().unwrap())).unwrap();
        let column = file.get_row_group(0).unwrap().get_column_reader(0).unwrap();
        let (mut values, [mut definition, mut repetition]) = (Vec::new(), [Vec::new(), Vec::new()]);
        let is_nested = [self::column(field).max_def_level(), self::column(field).max_rep_level()].map(|most| most > 0);
        let (records, ..) = get_typed_column_reader::<T>(column)
            .read_records(
                rows + 1,
                is_nested[0].then_some(&mut definition),
                is_nested[1].then_some(&mut repetition),
                &mut values,
            )
            .unwrap();
        assert_eq!(records, rows);
        (values, [definition, repetition])
    }
}
