//! A column chunk of runs of equal values, encoded run by run: the Parquet writer would look every row's
//! value up, and most columns say one thing a hundred thousand times.

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::page::{CompressedPage, Page, PageWriteSpec, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

/// Most different values that are searched one by one.
const MOST: usize = 256;

/// How hard Zstandard tries.
pub(super) const LEVEL: i32 = 1;

/// Values that are packed together where they do not repeat.
const GROUP: usize = 8;

/// The chunk of a column of texts, which are optional where its descriptor says so: a dictionary and one page of
/// places in it. `None` where it has too many different values for that.
pub(super) fn chunk(
    column: &ColumnDescPtr,
    runs: &[(Option<&[u8]>, usize)],
) -> Result<Option<(Bytes, ColumnCloseResult)>, ParquetError> {
    let Some((dictionary, places)) = look_up(runs) else { return Ok(None) };
    let rows: usize = runs.iter().map(|run| run.1).sum();
    let levels = match column.max_def_level() {
        0 => Levels { rows, entries: rows, bytes: Vec::new() },
        _ => Levels::optional(runs.iter().map(|run| (run.0.is_some(), run.1))),
    };
    of_places(column, &levels, &dictionary, places.into_iter(), false).map(Some)
}

/// The levels of a column, as they stand at the front of its page.
pub(super) struct Levels {
    rows: usize,
    /// Values, and rows without any.
    entries: usize,
    bytes: Vec<u8>,
}

impl Levels {
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

/// The chunk of texts that are places in a dictionary, in runs; `compressed` where there are many that do not repeat.
pub(super) fn of_places(
    column: &ColumnDescPtr,
    levels: &Levels,
    dictionary: &[&[u8]],
    places: impl Iterator<Item = (u16, usize)>,
    compressed: bool,
) -> Result<(Bytes, ColumnCloseResult), ParquetError> {
    let (Ok(entries), Ok(texts)) = (u32::try_from(levels.entries), u32::try_from(dictionary.len())) else {
        return Err(ParquetError::General("more values than a page can have".to_owned()));
    };
    let mut page = levels.bytes.clone();
    let width = dictionary.len().saturating_sub(1).checked_ilog2().map_or(0, |bits| bits as usize + 1);
    page.push(width as u8);
    hybrid(&mut page, width, places);

    let mut plain = Vec::new();
    for text in dictionary {
        plain.extend_from_slice(&(text.len() as u32).to_le_bytes());
        plain.extend_from_slice(text);
    }
    // What the first version of the format calls it.
    let encoding = Encoding::PLAIN_DICTIONARY;
    let mut out = TrackedWrite::new(Vec::new());
    let mut writer = SerializedPageWriter::new(&mut out);
    let first = write(&mut writer, plain, compressed, |buf| Page::DictionaryPage {
        buf,
        num_values: texts,
        encoding,
        is_sorted: false,
    })?;
    let second = write(&mut writer, page, compressed, |buf| Page::DataPage {
        buf,
        num_values: entries,
        encoding,
        def_level_encoding: Encoding::RLE,
        rep_level_encoding: Encoding::RLE,
        statistics: None,
    })?;
    let compression =
        if compressed { Compression::ZSTD(ZstdLevel::try_new(LEVEL)?) } else { Compression::UNCOMPRESSED };
    let metadata = ColumnChunkMetaData::builder(column.clone())
        .set_compression(compression)
        .set_encodings(vec![encoding, Encoding::RLE])
        .set_total_compressed_size((first.compressed_size + second.compressed_size) as i64)
        .set_total_uncompressed_size((first.uncompressed_size + second.uncompressed_size) as i64)
        .set_num_values(i64::from(entries))
        .set_dictionary_page_offset(Some(first.offset as i64))
        .set_data_page_offset(second.offset as i64)
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
    let bytes = if compressed { zstd::bulk::compress(&bytes, LEVEL)? } else { bytes };
    writer.write_page(CompressedPage::new(page(bytes.into()), length))
}

/// The different values in the order in which they come, and the runs as places among them; rows without a
/// value are left out.
fn look_up<'a>(runs: &[(Option<&'a [u8]>, usize)]) -> Option<(Vec<&'a [u8]>, Vec<(u16, usize)>)> {
    let mut dictionary: Vec<&[u8]> = Vec::new();
    let mut places: Vec<(u16, usize)> = Vec::with_capacity(runs.len());
    for &(value, count) in runs {
        let Some(text) = value else { continue };
        let place = match dictionary.iter().position(|&known| known == text) {
            Some(place) => place,
            None if dictionary.len() < MOST => {
                dictionary.push(text);
                dictionary.len() - 1
            }
            None => return None,
        };
        places.push((place as u16, count));
    }
    Some((dictionary, places))
}

/// Parquet's hybrid of runs and packed bits, of values of at most `width` bits (at most 16).
fn hybrid(out: &mut Vec<u8>, width: usize, runs: impl Iterator<Item = (u16, usize)>) {
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
            varint(out, count << 1);
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
    varint(out, (values.len() / GROUP) << 1 | 1);
    for group in values.chunks_exact(GROUP) {
        let bits = group.iter().rev().fold(0_u128, |bits, &value| bits << width | u128::from(value));
        out.extend_from_slice(&bits.to_le_bytes()[..width]);
    }
    values.clear();
}

fn varint(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use parquet::column::reader::ColumnReader;
    use parquet::data_type::ByteArray;
    use parquet::file::properties::WriterProperties;
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;
    use proptest::prelude::*;
    use std::sync::Arc;

    /// The rows of a file whose only column has these runs, as the reference reader sees them.
    fn read_back(runs: &[(Option<&[u8]>, usize)], kind: &str) -> Option<Vec<Option<Vec<u8>>>> {
        let schema = parse_message_type(&format!("message m {{ {kind} binary text (STRING); }}")).unwrap();
        let properties = Arc::new(WriterProperties::builder().set_offset_index_disabled(true).build());
        let mut writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema), properties).unwrap();
        let column = writer.schema_descr().column(0);
        let (bytes, close) = chunk(&column, runs).unwrap()?;
        let mut group = writer.next_row_group().unwrap();
        group.append_column(&bytes, close).unwrap();
        group.close().unwrap();
        let file = SerializedFileReader::new(Bytes::from(writer.into_inner().unwrap())).unwrap();
        let rows: usize = runs.iter().map(|run| run.1).sum();
        let mut column = file.get_row_group(0).unwrap().get_column_reader(0).unwrap();
        let ColumnReader::ByteArrayColumnReader(reader) = &mut column else { panic!("not texts") };
        let (mut values, mut levels): (Vec<ByteArray>, Vec<i16>) = (Vec::new(), Vec::new());
        let is_optional = kind == "optional";
        let (records, ..) =
            reader.read_records(rows + 1, is_optional.then_some(&mut levels), None, &mut values).unwrap();
        assert_eq!(records, rows);
        let mut values = values.into_iter().map(|value| Some(value.data().to_vec()));
        let found = match is_optional {
            true => levels.iter().map(|&level| (level > 0).then(|| values.next().unwrap()).flatten()).collect(),
            false => values.by_ref().collect(),
        };
        assert!(values.next().is_none());
        Some(found)
    }

    fn rows(runs: &[(Option<&[u8]>, usize)]) -> Vec<Option<Vec<u8>>> {
        runs.iter().flat_map(|(value, count)| std::iter::repeat_n(value.map(<[u8]>::to_vec), *count)).collect()
    }

    #[test]
    fn runs_come_back_as_rows() {
        for runs in [
            &[(Some(&b"one"[..]), 100_000)][..],
            &[(None, 9)],
            &[(Some(b""), 1)],
            &[(Some(b"a"), 7), (None, 1), (Some(b"a"), 3), (Some(b"b"), 20), (None, 200), (Some(b"c"), 1)],
        ] {
            assert_eq!(read_back(runs, "optional").unwrap(), rows(runs));
            let present: Vec<_> = runs.iter().copied().filter(|run| run.0.is_some()).collect();
            if !present.is_empty() {
                assert_eq!(read_back(&present, "required").unwrap(), rows(&present));
            }
        }
    }

    #[test]
    fn too_many_values_are_left_to_the_writer() {
        let names: Vec<String> = (0..=MOST).map(|number| number.to_string()).collect();
        let runs: Vec<_> = names.iter().map(|name| (Some(name.as_bytes()), 2)).collect();
        assert!(read_back(&runs, "required").is_none());
        assert_eq!(read_back(&runs[1..], "required").unwrap(), rows(&runs[1..]));
    }

    /// The rows of a list column of places among `names`, as the reference reader sees them.
    fn list_back(names: &[String], rows: &[Vec<u16>]) -> Vec<Vec<String>> {
        let list = "required group l (LIST) { repeated group list { required binary element (STRING); } }";
        let schema = parse_message_type(&format!("message m {{ {list} }}")).unwrap();
        let mut writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::default()).unwrap();
        let counts: Vec<u32> = rows.iter().map(|row| row.len() as u32).collect();
        let dictionary: Vec<&[u8]> = names.iter().map(|name| name.as_bytes()).collect();
        let places = rows.iter().flatten().map(|&place| (place, 1));
        let column = writer.schema_descr().column(0);
        let (bytes, close) = of_places(&column, &Levels::list(&counts), &dictionary, places, true).unwrap();
        let mut group = writer.next_row_group().unwrap();
        group.append_column(&bytes, close).unwrap();
        group.close().unwrap();
        let file = SerializedFileReader::new(Bytes::from(writer.into_inner().unwrap())).unwrap();
        let mut column = file.get_row_group(0).unwrap().get_column_reader(0).unwrap();
        let ColumnReader::ByteArrayColumnReader(reader) = &mut column else { panic!("not texts") };
        let mut values: Vec<ByteArray> = Vec::new();
        let (mut definition, mut repetition) = (Vec::new(), Vec::new());
        let (records, ..) =
            reader.read_records(rows.len() + 1, Some(&mut definition), Some(&mut repetition), &mut values).unwrap();
        assert_eq!(records, rows.len());
        let mut values = values.iter().map(|value| value.as_utf8().unwrap().to_owned());
        let mut found: Vec<Vec<String>> = Vec::new();
        for (definition, repetition) in definition.into_iter().zip(repetition) {
            if repetition == 0 {
                found.push(Vec::new());
            }
            found.last_mut().unwrap().extend((definition > 0).then(|| values.next().unwrap()));
        }
        assert!(values.next().is_none());
        found
    }

    proptest! {
        #[test]
        fn any_lists_come_back(
            rows in proptest::collection::vec(
                prop_oneof![Just(vec![]), proptest::collection::vec(any::<u16>(), 0..20), Just(vec![1; 30])],
                1..50,
            ),
            width in prop_oneof![9 => 0_u32..=9, 1 => 10_u32..=16],
        ) {
            let names: Vec<String> = (0..1_u32 << width).map(|number| number.to_string()).collect();
            let rows: Vec<Vec<u16>> =
                rows.iter().map(|row| row.iter().map(|place| place & (names.len() - 1) as u16).collect()).collect();
            let wanted: Vec<Vec<String>> =
                rows.iter().map(|row| row.iter().map(|&place| names[usize::from(place)].clone()).collect()).collect();
            prop_assert_eq!(list_back(&names, &rows), wanted);
        }

        #[test]
        fn any_runs_come_back(
            runs in proptest::collection::vec((proptest::option::of("[a-c]{0,2}"), 1_usize..30), 1..60),
        ) {
            let runs: Vec<_> = runs.iter().map(|(text, count)| (text.as_deref().map(str::as_bytes), *count)).collect();
            prop_assert_eq!(read_back(&runs, "optional").unwrap(), rows(&runs));
        }
    }
}
