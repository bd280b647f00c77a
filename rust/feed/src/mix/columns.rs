//! What a selection needs of `columns/`: family, category and amount of every kept record.

use super::family::Families;
use corpuskit_core::stage::write::manifest::Manifest;
use corpuskit_core::{Error, Result};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use std::fs::File;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// No category.
pub const NO_CATEGORY: u16 = u16::MAX;

/// Rows that are decoded at once.
const STEP: usize = 8192;

/// The kept records of a run folder, in input order; a row's number is its index.
#[derive(Debug, Default)]
pub struct Rows {
    /// The first row of each shard, and the number of all.
    pub starts: Vec<usize>,
    /// Key of each row's family: equal for a record, what it was made from and what was made of it.
    pub family: Vec<u64>,
    /// Index into `categories`, or [`NO_CATEGORY`].
    pub category: Vec<u16>,
    /// Names of the categories, sorted.
    pub categories: Vec<String>,
    /// Characters of assistant text.
    pub characters: Vec<u64>,
    /// Records that name a parent.
    pub children: usize,
}

impl Rows {
    /// How many.
    pub fn len(&self) -> usize {
        self.family.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.family.is_empty()
    }

    /// Shard and line of a row.
    pub fn place(&self, row: usize) -> (u32, u32) {
        let shard = self.starts.partition_point(|&start| start <= row) - 1;
        (shard as u32, (row - self.starts[shard]) as u32)
    }
}

/// One file of `columns/`.
#[derive(Default)]
struct Part {
    family: Vec<u64>,
    category: Vec<u16>,
    names: Vec<String>,
    characters: Vec<u64>,
    parents: Vec<(u64, u64)>,
}

/// The names of the data shards of a run, without their endings, with their rows.
///
/// # Errors
/// Where columns are missing.
pub fn shards(manifest: &Manifest, folder: &Path) -> Result<Vec<(String, u64)>> {
    let mut shards = Vec::new();
    for file in manifest.files.iter().filter(|file| file.path.starts_with("data/")) {
        let name = file.path.trim_start_matches("data/").split('.').next().unwrap_or_default().to_owned();
        let columns = format!("columns/{name}.parquet");
        if !manifest.files.iter().any(|file| file.path == columns) {
            return Err(Error::input(folder.join(columns).display().to_string(), "is missing from the manifest"));
        }
        shards.push((name, file.rows.unwrap_or(0)));
    }
    shards.sort();
    Ok(shards)
}

/// Reads the columns of all shards, on `threads` threads.
///
/// # Errors
/// Where a file cannot be read or has not the rows that the manifest says.
pub fn read(folder: &Path, shards: &[(String, u64)], seed: u64, threads: usize) -> Result<Rows> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, Result<Part>)>> = Mutex::default();
    let work = || loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let Some((name, rows)) = shards.get(number) else { return };
        let part = read_part(&folder.join("columns").join(format!("{name}.parquet")), *rows, seed);
        if let Ok(mut done) = done.lock() {
            done.push((number, part));
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.clamp(1, shards.len().max(1)) {
            scope.spawn(work);
        }
        work();
    });
    let mut parts = done.into_inner().map_err(|_| Error::Internal("a thread that read columns was lost".to_owned()))?;
    parts.sort_by_key(|(number, _)| *number);
    join(parts.into_iter().map(|(_, part)| part).collect::<Result<_>>()?)
}

/// Joins the parts: one list of categories, one set of families.
fn join(parts: Vec<Part>) -> Result<Rows> {
    let mut rows = Rows { starts: vec![0], ..Rows::default() };
    for part in &parts {
        rows.categories.extend(part.names.iter().cloned());
    }
    rows.categories.sort_unstable();
    rows.categories.dedup();
    if rows.categories.len() >= usize::from(NO_CATEGORY) {
        return Err(Error::plan(
            "mix",
            format!("the corpus has {} categories, expected fewer than 65,535", rows.categories.len()),
        ));
    }
    let mut parents = Vec::new();
    for part in parts {
        let number = |name: &String| rows.categories.binary_search(name).map_or(NO_CATEGORY, |at| at as u16);
        let numbers: Vec<u16> = part.names.iter().map(number).collect();
        rows.category
            .extend(part.category.iter().map(|&at| numbers.get(usize::from(at)).copied().unwrap_or(NO_CATEGORY)));
        rows.family.extend(part.family);
        rows.characters.extend(part.characters);
        parents.extend(part.parents);
        rows.starts.push(rows.family.len());
    }
    rows.children = parents.len();
    Families::new(parents).resolve(&mut rows.family);
    Ok(rows)
}

fn read_part(path: &Path, rows: u64, seed: u64) -> Result<Part> {
    let wrong = |what: String| Error::Check(format!("{}: {what}", path.display()));
    let file = File::open(path).map_err(|error| Error::io(path, error))?;
    let reader = SerializedFileReader::new(file).map_err(|error| wrong(error.to_string()))?;
    let mut part = Part::default();
    for number in 0..reader.num_row_groups() {
        let group = reader.get_row_group(number).map_err(|error| wrong(error.to_string()))?;
        let mut key = 0;
        texts(&*group, "origin", |origin| {
            key = xxhash_rust::xxh3::xxh3_64_with_seed(origin.unwrap_or_default(), seed);
            part.family.push(key);
        })
        .and_then(|()| {
            let first = part.family.len() - group.metadata().num_rows() as usize;
            let mut at = first;
            texts(&*group, "parent", |parent| {
                if let Some(parent) = parent {
                    part.parents.push((part.family[at], xxhash_rust::xxh3::xxh3_64_with_seed(parent, seed)));
                }
                at += 1;
            })
        })
        .and_then(|()| {
            // Rows with equal categories stand together more often than not.
            let mut last: Option<(Vec<u8>, u16)> = None;
            let (names, category) = (&mut part.names, &mut part.category);
            texts(&*group, "category", |name| {
                let Some(name) = name else { return category.push(NO_CATEGORY) };
                let known = last.as_ref().filter(|(text, _)| text == name).map(|(_, number)| *number);
                let number = known.unwrap_or_else(|| {
                    let text = String::from_utf8_lossy(name);
                    let at = names.iter().position(|known| *known == text).unwrap_or_else(|| {
                        names.push(text.into_owned());
                        names.len() - 1
                    });
                    at.min(usize::from(NO_CATEGORY)) as u16
                });
                last = Some((name.to_vec(), number));
                category.push(number);
            })
        })
        .and_then(|()| numbers(&*group, "characters", |value| part.characters.push(value.max(0) as u64)))
        .map_err(wrong)?;
    }
    let found = [part.family.len(), part.category.len(), part.characters.len()];
    if found.iter().any(|&count| count as u64 != rows) {
        return Err(wrong(format!("has {} rows, expected {rows}", found[0])));
    }
    Ok(part)
}

/// Calls `each` with every value of a column of texts.
pub(crate) fn texts(group: &dyn RowGroupReader, name: &str, mut each: impl FnMut(Option<&[u8]>)) -> Result<(), String> {
    let (reader, is_optional) = column(group, name)?;
    let ColumnReader::ByteArrayColumnReader(reader) = reader else {
        return Err(format!("column `{name}` is no text"));
    };
    values(reader, is_optional, |value| each(value.map(ByteArray::data)))
}

/// Calls `each` with every value of a column of numbers of 64 bits; nothing where there is none.
fn numbers(group: &dyn RowGroupReader, name: &str, mut each: impl FnMut(i64)) -> Result<(), String> {
    let (reader, is_optional) = column(group, name)?;
    let ColumnReader::Int64ColumnReader(reader) = reader else {
        return Err(format!("column `{name}` is no number of 64 bits"));
    };
    values(reader, is_optional, |value| value.into_iter().for_each(|value| each(*value)))
}

/// Calls `each` with every value of a column of numbers of 32 bits.
pub(super) fn optional_integers(
    group: &dyn RowGroupReader,
    name: &str,
    mut each: impl FnMut(Option<i32>),
) -> Result<(), String> {
    let (reader, is_optional) = column(group, name)?;
    let ColumnReader::Int32ColumnReader(reader) = reader else {
        return Err(format!("column `{name}` is no number of 32 bits"));
    };
    values(reader, is_optional, |value| each(value.copied()))
}

/// Calls `each` with every value of a column, whatever its type, `None` where a row has none.
fn values<T: DataType>(
    mut reader: ColumnReaderImpl<T>,
    is_optional: bool,
    mut each: impl FnMut(Option<&T::T>),
) -> Result<(), String> {
    let (mut values, mut levels) = (Vec::with_capacity(STEP), Vec::<i16>::with_capacity(STEP));
    loop {
        values.clear();
        levels.clear();
        let wanted = if is_optional { Some(&mut levels) } else { None };
        let (records, _, _) = reader.read_records(STEP, wanted, None, &mut values).map_err(|e| e.to_string())?;
        if records == 0 {
            return Ok(());
        }
        let mut next = values.iter();
        for row in 0..records {
            let is_there = !is_optional || levels.get(row).is_some_and(|level| *level > 0);
            each(if is_there { next.next() } else { None });
        }
    }
}

/// The reader of a column, and whether rows may have no value in it.
fn column(group: &dyn RowGroupReader, name: &str) -> Result<(ColumnReader, bool), String> {
    let columns = group.metadata().columns();
    let at = columns.iter().position(|column| column.column_path().string() == name);
    let at = at.ok_or_else(|| format!("has no column `{name}`"))?;
    let reader = group.get_column_reader(at).map_err(|error| error.to_string())?;
    Ok((reader, columns[at].column_descr().max_def_level() > 0))
}

/// The origin of a row of a file of `columns/`.
///
/// # Errors
/// Where the file cannot be read or has no such row.
pub fn origin(path: &Path, row: usize) -> Result<String> {
    let wrong = |what: String| Error::Check(format!("{}: {what}", path.display()));
    let file = File::open(path).map_err(|error| Error::io(path, error))?;
    let reader = SerializedFileReader::new(file).map_err(|error| wrong(error.to_string()))?;
    let mut first = 0;
    for number in 0..reader.num_row_groups() {
        let group = reader.get_row_group(number).map_err(|error| wrong(error.to_string()))?;
        let rows = group.metadata().num_rows() as usize;
        if row < first + rows {
            let (mut at, mut found) = (first, None);
            texts(&*group, "origin", |origin| {
                if at == row {
                    found = origin.map(|origin| String::from_utf8_lossy(origin).into_owned());
                }
                at += 1;
            })
            .map_err(wrong)?;
            return found.ok_or_else(|| wrong(format!("row {row} has no origin")));
        }
        first += rows;
    }
    Err(wrong(format!("has no row {row}")))
}
