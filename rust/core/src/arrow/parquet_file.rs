//! A Parquet file, row group by row group.

use super::layout::{LAYOUT_KEY, Layout};
use super::pages::Pages;
use super::thrift::schema_depth;
use super::{MAX_DEPTH, guarded};
use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, FieldRef, Fields, Schema};
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// Most bytes of a file's metadata.
const MOST_METADATA: u64 = 64 << 20;

/// About how many bytes of rows are read at once.
const STEP_BYTES: u64 = 512 << 10;

/// Most rows that are read at once.
const STEP_ROWS: u64 = 4096;

/// An open file whose metadata made sense.
pub struct ParquetFile {
    pages: Pages,
    metadata: ArrowReaderMetadata,
    /// How the file was written, if we did that.
    pub layout: Option<Layout>,
}

/// The rows of one row group, a few thousand at a time.
pub struct GroupReader {
    pages: Pages,
    reader: ParquetRecordBatchReader,
}

impl ParquetFile {
    /// Reads the metadata. Texts come as views.
    ///
    /// # Errors
    /// What about it makes no sense.
    pub fn open(file: File) -> Result<Self, String> {
        Self::open_as(file, true)
    }

    /// The same for a file of ours: every text is a copy of its own, which all tools can read.
    ///
    /// # Errors
    /// What about it makes no sense.
    pub fn open_own(file: File) -> Result<Self, String> {
        Self::open_as(file, false)
    }

    fn open_as(file: File, as_views: bool) -> Result<Self, String> {
        let length = file.metadata().map_err(|error| error.to_string())?.len();
        let metadata = read_metadata(&file, length)?;
        let pages = Pages::new(Arc::new(file), length).with(&metadata)?;
        let layout = metadata
            .file_metadata()
            .key_value_metadata()
            .and_then(|pairs| pairs.iter().find(|pair| pair.key == LAYOUT_KEY))
            .and_then(|pair| serde_json::from_str(pair.value.as_deref()?).ok());
        let metadata = Arc::new(metadata);
        let metadata = guarded(|| {
            // What an Arrow writer noted beside the schema is left alone: the types are those of the file.
            let plain = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
            let found = ArrowReaderMetadata::try_new(Arc::clone(&metadata), plain.clone())?;
            if !as_views {
                return Ok(found);
            }
            let schema = Schema::new(found.schema().fields().iter().map(views).collect::<Fields>());
            ArrowReaderMetadata::try_new(Arc::clone(&metadata), plain.with_schema(Arc::new(schema)))
        })?;
        Ok(Self { pages, metadata, layout })
    }

    /// How many row groups it has.
    pub fn groups(&self) -> usize {
        self.metadata.metadata().num_row_groups()
    }

    /// Rows of a row group, as it claims.
    pub fn rows(&self, group: usize) -> u64 {
        self.metadata.metadata().row_group(group).num_rows().max(0) as u64
    }

    /// How many rows of a row group are read at once.
    pub fn step(&self, group: usize) -> u64 {
        let bytes = self.metadata.metadata().row_group(group).total_byte_size().max(1) as u64;
        (STEP_BYTES.saturating_mul(self.rows(group)) / bytes).clamp(16, STEP_ROWS)
    }

    /// The types of its columns.
    pub fn schema(&self) -> &Arc<Schema> {
        self.metadata.schema()
    }

    /// The rows of a row group, from one on: the start of a step.
    ///
    /// # Errors
    /// What about its columns makes no sense.
    pub fn read(&self, group: usize, from: u64) -> Result<GroupReader, String> {
        self.pages.forget();
        let builder = || ParquetRecordBatchReaderBuilder::new_with_metadata(self.pages.clone(), self.metadata.clone());
        let step = usize::try_from(self.step(group)).unwrap_or(1);
        let reader = guarded(|| {
            let mut builder = builder().with_row_groups(vec![group]).with_batch_size(step);
            if from > 0 {
                builder = builder.with_offset(usize::try_from(from).unwrap_or(usize::MAX));
            }
            builder.build()
        })?;
        Ok(GroupReader { pages: self.pages.clone(), reader })
    }
}

impl GroupReader {
    /// The next rows, a step of them where so many are left.
    ///
    /// # Errors
    /// What about them makes no sense; nothing after them can be read.
    pub fn next_rows(&mut self) -> Result<Option<RecordBatch>, String> {
        self.pages.step();
        guarded(|| self.reader.next().transpose())
    }
}

fn read_metadata(file: &File, length: u64) -> Result<ParquetMetaData, String> {
    let mut end = [0; 8];
    let at = length.checked_sub(8).filter(|_| length >= 12).ok_or("it is shorter than a Parquet file can be")?;
    file.read_exact_at(&mut end, at).map_err(|error| error.to_string())?;
    if &end[4..] != b"PAR1" {
        return Err("its end is not that of a Parquet file, so it is cut off or damaged".to_owned());
    }
    let size = u64::from(u32::from_le_bytes([end[0], end[1], end[2], end[3]]));
    let start = at.checked_sub(size).filter(|&start| start >= 4);
    let start = start.ok_or_else(|| format!("its metadata claims {size} bytes, more than the file has"))?;
    if size > MOST_METADATA {
        return Err(format!("its metadata has {size} bytes, expected at most {MOST_METADATA}"));
    }
    let mut bytes = vec![0; size as usize];
    file.read_exact_at(&mut bytes, start).map_err(|error| error.to_string())?;
    match schema_depth(&bytes) {
        None => return Err("its metadata makes no sense".to_owned()),
        Some(depth) if depth > MAX_DEPTH => {
            return Err(format!("its types nest {depth} deep, expected at most {MAX_DEPTH}"));
        }
        Some(_) => {}
    }
    let metadata = guarded(|| ParquetMetaDataReader::decode_metadata(&bytes))?;
    if metadata.row_groups().iter().any(|group| group.num_rows() < 0) {
        return Err("a row group claims less than no rows".to_owned());
    }
    Ok(metadata)
}

/// The same field with texts and bytes as views: a value that a dictionary holds once is not copied for
/// each row that has it.
fn views(field: &FieldRef) -> FieldRef {
    let inner = |field: &FieldRef| views(field);
    let data_type = match field.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        DataType::Binary | DataType::LargeBinary => DataType::BinaryView,
        DataType::List(item) => DataType::List(inner(item)),
        DataType::LargeList(item) => DataType::LargeList(inner(item)),
        DataType::FixedSizeList(item, size) => DataType::FixedSizeList(inner(item), *size),
        DataType::Map(entries, sorted) => DataType::Map(inner(entries), *sorted),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(inner).collect()),
        _ => return Arc::clone(field),
    };
    Arc::new(Field::clone(field).with_data_type(data_type))
}
