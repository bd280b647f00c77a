//! The records of a finished run folder.

use super::columns::Columns;
use super::{CHUNK, node};
use crate::arrow::{Builder, Layout, ParquetFile, Seen};
use crate::stage::write::manifest::{MANIFEST, Manifest};
use crate::stage::write::parquet::{each_of, look};
use crate::stage::write::shards::each_line;
use crate::{Error, Result};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, FieldRef, Schema, SchemaRef};
use bumpalo::Bump;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes of lines that are handed out at once.
const LINES: usize = 1 << 20;

/// A finished run folder, ready to be read as columns.
pub struct Finished {
    data: Vec<PathBuf>,
    columns: Vec<PathBuf>,
    /// The columns that lines become; `None` where `data/` is Parquet.
    layout: Option<Layout>,
    schema: SchemaRef,
    /// Columns of `columns/` that are added.
    added: Vec<String>,
    /// Only those of `columns/`.
    alone: bool,
}

impl Finished {
    /// The records, and beside them columns of `columns/` by name, each called `_NAME`. A record's own member of that
    /// name stands for the column.
    ///
    /// # Errors
    /// A folder that is not a finished run or misses a file; a column that is not there; [`Error::Interrupted`].
    pub fn records(folder: &Path, added: &[String], threads: usize, stop: &(dyn Fn() -> bool + Sync)) -> Result<Self> {
        let (data, columns) = files(folder)?;
        let is_parquet = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "parquet");
        let (layout, schema) = match data.first() {
            Some(path) if is_parquet(path) => (None, Arc::clone(open(path)?.schema())),
            _ => {
                let mut all = Seen::default();
                each_of(&data, threads, stop, |path| look(path, stop))?.into_iter().for_each(|seen| all.merge(seen));
                let layout = all.layout();
                let schema = Arc::clone(Builder::new(&layout).schema());
                (Some(layout), schema)
            }
        };
        let mut fields: Vec<FieldRef> = schema.fields().iter().cloned().collect();
        let mut wanted = Vec::new();
        for (name, field) in choose(&columns, added)? {
            let shown = if name.starts_with('_') { name.clone() } else { format!("_{name}") };
            if fields.iter().all(|other| *other.name() != shown) {
                fields.push(Arc::new(Field::clone(&field).with_name(shown).with_nullable(true)));
                wanted.push(name);
            }
        }
        Ok(Self { data, columns, layout, schema: Arc::new(Schema::new(fields)), added: wanted, alone: false })
    }

    /// Columns of `columns/` alone; all of them if none are named.
    ///
    /// # Errors
    /// As [`Finished::records`].
    pub fn columns(folder: &Path, names: &[String]) -> Result<Self> {
        let (data, columns) = files(folder)?;
        let mut names = names.to_vec();
        if let (true, Some(first)) = (names.is_empty(), columns.first()) {
            names.extend(Columns::schema(first)?.fields().iter().map(|field| field.name().clone()));
        }
        let chosen = choose(&columns, &names)?;
        let (added, fields): (Vec<String>, Vec<FieldRef>) = chosen.into_iter().unzip();
        Ok(Self { data, columns, layout: None, schema: Arc::new(Schema::new(fields)), added, alone: true })
    }

    /// The types of the columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Hands out all rows in order, until `emit` returns `false`.
    ///
    /// # Errors
    /// A file that cannot be read or was changed.
    pub fn each(&self, mut emit: impl FnMut(RecordBatch) -> bool) -> Result<()> {
        let mut columns = Columns::new(&self.columns, &self.added);
        if self.alone {
            while let Some(rows) = columns.take(usize::MAX)? {
                if !emit(self.join(rows.columns().to_vec())?) {
                    break;
                }
            }
            return Ok(());
        }
        let mut emit = |rows: &RecordBatch| self.beside(rows, &mut columns, &mut emit);
        for path in &self.data {
            let go_on = match &self.layout {
                Some(layout) => from_lines(path, layout, &mut emit)?,
                None => rows(path, &mut emit)?,
            };
            if !go_on {
                break;
            }
        }
        Ok(())
    }

    /// Puts the added columns beside rows of data.
    fn beside(
        &self,
        data: &RecordBatch,
        columns: &mut Columns,
        emit: &mut impl FnMut(RecordBatch) -> bool,
    ) -> Result<bool> {
        let mut at = 0;
        while at < data.num_rows() {
            let left = data.num_rows() - at;
            let (length, beside) = match self.added.is_empty() {
                true => (left, Vec::new()),
                false => {
                    let rows = columns.take(left)?;
                    let rows = rows.ok_or_else(|| Error::Check("columns/ has fewer rows than data/".to_owned()))?;
                    (rows.num_rows(), rows.columns().to_vec())
                }
            };
            let mut arrays = data.slice(at, length).columns().to_vec();
            arrays.extend(beside);
            if !emit(self.join(arrays)?) {
                return Ok(false);
            }
            at += length;
        }
        Ok(true)
    }

    fn join(&self, arrays: Vec<ArrayRef>) -> Result<RecordBatch> {
        let wrong = |error| Error::Check(format!("the columns of this folder are not alike: {error}"));
        RecordBatch::try_new(Arc::clone(&self.schema), arrays).map_err(wrong)
    }
}

/// Hands out the lines of a finished run's records, many at a time and each with its end, until `emit` returns `false`.
///
/// # Errors
/// A folder that is not a finished run, a file that cannot be read.
pub fn lines(folder: &Path, mut emit: impl FnMut(&[u8]) -> bool) -> Result<()> {
    let (data, _) = files(folder)?;
    let mut chunk = Vec::new();
    for path in &data {
        let mut go_on = true;
        each_line(path, |line| {
            chunk.extend_from_slice(line);
            chunk.push(b'\n');
            if chunk.len() >= LINES {
                go_on = emit(&chunk);
                chunk.clear();
            }
            Ok(go_on)
        })?;
        if !go_on {
            return Ok(());
        }
    }
    if !chunk.is_empty() {
        emit(&chunk);
    }
    Ok(())
}

/// The shards of `data/` and `columns/` that the manifest names.
fn files(folder: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let name = folder.display().to_string();
    if !folder.is_dir() {
        return Err(Error::output(name, "is not a folder"));
    }
    if !folder.join(MANIFEST).is_file() {
        return Err(Error::output(name, "has no manifest.json, so it is not a finished run")
            .with_hint("run the same `process` command again to finish it"));
    }
    let manifest = Manifest::load(folder)?;
    let of = |kind: &str| -> Vec<PathBuf> {
        let here = manifest.files.iter().filter(|file| Path::new(&file.path).parent() == Some(Path::new(kind)));
        here.map(|file| folder.join(&file.path)).collect()
    };
    Ok((of("data"), of("columns")))
}

/// The columns of these names, as they stand in the files.
fn choose(columns: &[PathBuf], names: &[String]) -> Result<Vec<(String, FieldRef)>> {
    let schema = match columns.first() {
        Some(first) => Columns::schema(first)?,
        // A run that kept nothing has no columns to take types from.
        None => Arc::new(Schema::new(
            names.iter().map(|name| Field::new(name, DataType::Utf8, true)).collect::<Vec<Field>>(),
        )),
    };
    let mut chosen: Vec<(String, FieldRef)> = Vec::new();
    for name in names {
        let Ok(at) = schema.index_of(name) else {
            let there: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
            let problem = format!("there is no column `{name}`, expected one of {}", there.join(", "));
            return Err(Error::input("columns", problem));
        };
        if chosen.iter().all(|(other, _)| other != name) {
            chosen.push((name.clone(), Arc::clone(&schema.fields()[at])));
        }
    }
    Ok(chosen)
}

/// The batches of a shard of lines.
fn from_lines(path: &Path, layout: &Layout, emit: &mut impl FnMut(&RecordBatch) -> Result<bool>) -> Result<bool> {
    let mut builder = Builder::new(layout);
    let mut arena = Bump::new();
    let mut go_on = true;
    let finish = |builder: &mut Builder| {
        builder.finish().map_err(|error| Error::Internal(format!("{}: {error}", path.display())))
    };
    each_line(path, |line| {
        arena.reset();
        builder.push(&node(line, &arena)?);
        if builder.bytes() >= CHUNK {
            go_on = emit(&finish(&mut builder)?)?;
        }
        Ok(go_on)
    })?;
    if go_on && builder.rows() > 0 {
        go_on = emit(&finish(&mut builder)?)?;
    }
    Ok(go_on)
}

/// The batches of a Parquet shard.
fn rows(path: &PathBuf, emit: &mut impl FnMut(&RecordBatch) -> Result<bool>) -> Result<bool> {
    let wrong = |problem: String| Error::Check(format!("{}: {problem}", path.display()));
    let file = open(path)?;
    for group in 0..file.groups() {
        let mut reader = file.read(group, 0).map_err(wrong)?;
        while let Some(batch) = reader.next_rows().map_err(wrong)? {
            if !emit(&batch)? {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

fn open(path: &PathBuf) -> Result<ParquetFile> {
    let file = File::open(path).map_err(|error| Error::io(path, error))?;
    ParquetFile::open_own(file).map_err(|problem| Error::Check(format!("{}: {problem}", path.display())))
}
