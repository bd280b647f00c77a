//! Reading a run folder again: lines of its shards, rows of its columns.

use super::parquet::each_parquet_line;
use super::rows::Row;
use crate::record::{Change, Changes};
use crate::{Error, Result};
use parquet::file::reader::SerializedFileReader;
use parquet::record::reader::RowIter;
use parquet::record::{Field, Row as ParquetRow};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Calls `each` with every line (without its end) of a shard (of a Parquet one, every row as a line), in order; it returns `false` to stop.
///
/// # Errors
///
/// Where the file cannot be read or is not what its name says; what `each` returns.
pub fn each_line(path: &Path, mut each: impl FnMut(&[u8]) -> Result<bool>) -> Result<()> {
    if path.extension().is_some_and(|extension| extension == "parquet") {
        return each_parquet_line(path, each);
    }
    let mut lines = Lines::open(path)?;
    while let Some(line) = lines.next()? {
        if !each(line)? {
            break;
        }
    }
    Ok(())
}

/// The lines of a shard, one after another.
pub(crate) struct Lines {
    path: PathBuf,
    source: BufReader<Box<dyn Read>>,
    line: Vec<u8>,
}

impl Lines {
    /// Opens the shard.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn open(path: &Path) -> Result<Self> {
        let io = |error| Error::io(path, error);
        let file = File::open(path).map_err(io)?;
        let name = path.to_string_lossy();
        let source: Box<dyn Read> = if name.ends_with(".zst") {
            Box::new(zstd::stream::read::Decoder::new(file).map_err(io)?)
        } else if name.ends_with(".gz") {
            Box::new(flate2::read::MultiGzDecoder::new(BufReader::new(file)))
        } else {
            Box::new(file)
        };
        Ok(Self { path: path.to_owned(), source: BufReader::with_capacity(1 << 20, source), line: Vec::new() })
    }

    /// The next line without its end; `None` after the last.
    ///
    /// # Errors
    /// Where the file cannot be read on.
    pub fn next(&mut self) -> Result<Option<&[u8]>> {
        self.line.clear();
        let read = self.source.read_until(b'\n', &mut self.line).map_err(|error| Error::io(&self.path, error))?;
        Ok((read > 0).then(|| self.line.strip_suffix(b"\n").unwrap_or(&self.line)))
    }
}

/// Calls `each` with every row of a file of `columns/`, in order; it returns `false` to stop.
///
/// # Errors
///
/// Where the file cannot be read or has other columns; what `each` returns.
pub fn each_row(path: &Path, mut each: impl FnMut(&Row<'_>) -> Result<bool>) -> Result<()> {
    let mut rows = Rows::open(path)?;
    while let Some(row) = rows.next()? {
        if !each(&row.read()?)? {
            return Ok(());
        }
    }
    Ok(())
}

/// The rows of a file of `columns/`, one after another.
pub(crate) struct Rows {
    path: PathBuf,
    rows: RowIter<'static>,
}

/// A row that was not looked at yet.
pub(crate) struct WholeRow<'r> {
    path: &'r Path,
    row: ParquetRow,
}

impl Rows {
    /// Opens the file.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| Error::io(path, error))?;
        let reader = SerializedFileReader::new(file).map_err(|error| wrong(path, &error.to_string()))?;
        Ok(Self { path: path.to_owned(), rows: reader.into_iter() })
    }

    /// The next row; `None` after the last.
    ///
    /// # Errors
    /// Where the file cannot be read on.
    pub fn next(&mut self) -> Result<Option<WholeRow<'_>>> {
        let path = &*self.path;
        let row = self.rows.next().transpose().map_err(|error| wrong(path, &error.to_string()))?;
        Ok(row.map(|row| WholeRow { path, row }))
    }
}

impl WholeRow<'_> {
    /// What it says.
    ///
    /// # Errors
    /// Where its columns are not those of this version.
    pub fn read(&self) -> Result<Row<'_>> {
        read_row(&self.row).ok_or_else(|| wrong(self.path, "its columns are not those of this version"))
    }
}

fn wrong(path: &Path, what: &str) -> Error {
    Error::Check(format!("{}: {what}", path.display()))
}

fn read_row(row: &ParquetRow) -> Option<Row<'_>> {
    let mut out = Row::default();
    for (name, field) in row.get_column_iter() {
        let text = match field {
            Field::Str(text) => Some(text.as_str()),
            _ => None,
        };
        match (name.as_str(), field) {
            ("origin", _) => out.origin = text?,
            ("id", _) => out.id = text,
            ("parent", _) => out.parent = text,
            ("source", _) => out.source = text?,
            ("licence", _) => out.licence = text,
            ("category", _) => out.category = text,
            ("persona", _) => out.persona = text,
            ("family", _) => out.family = text?,
            ("dialect", _) => out.dialect = text?,
            ("characters", Field::Long(value)) => out.characters = u64::try_from(*value).ok()?,
            ("characters_total", Field::Long(value)) => out.characters_total = u64::try_from(*value).ok()?,
            ("turns", Field::Int(value)) => out.turns = u32::try_from(*value).ok()?,
            ("traits", Field::ListInternal(list)) => {
                for item in list.elements() {
                    let Field::Str(text) = item else { return None };
                    out.traits.push(text);
                }
            }
            ("changes", Field::MapInternal(map)) => out.changes = read_changes(map)?,
            (_, Field::Null | Field::Float(_)) | ("spans", _) => {}
            (column, Field::Str(tag)) => out.observed.push((column, tag)),
            (column, Field::ListInternal(list)) => {
                for item in list.elements() {
                    let Field::Str(tag) = item else { return None };
                    out.observed.push((column, tag));
                }
            }
            _ => return None,
        }
    }
    Some(out)
}

fn read_changes(map: &parquet::record::Map) -> Option<Changes> {
    let mut changes = Changes::default();
    for (kind, times) in map.entries() {
        let (Field::Str(kind), Field::Int(times)) = (kind, times) else { return None };
        let kind = Change::ALL.into_iter().find(|known| known.name() == kind)?;
        changes.add(kind, u32::try_from(*times).ok()?);
    }
    Some(changes)
}
