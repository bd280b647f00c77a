//! The rows of `columns/`, a stretch at a time.

use crate::arrow::{GroupReader, ParquetFile};
use crate::{Error, Result};
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use std::fs::File;
use std::path::PathBuf;

/// A place in the files of `columns/`, of which some columns are read.
pub(super) struct Columns {
    paths: Vec<PathBuf>,
    wanted: Vec<String>,
    next_path: usize,
    file: Option<ParquetFile>,
    next_group: usize,
    group: Option<GroupReader>,
    /// Rows that nobody took yet.
    waiting: Option<RecordBatch>,
}

impl Columns {
    /// At the first row. `wanted`: names of columns, each of which is there.
    pub fn new(paths: &[PathBuf], wanted: &[String]) -> Self {
        Self {
            paths: paths.to_vec(),
            wanted: wanted.to_vec(),
            next_path: 0,
            file: None,
            next_group: 0,
            group: None,
            waiting: None,
        }
    }

    /// The types of all columns of a file.
    pub fn schema(path: &PathBuf) -> Result<SchemaRef> {
        Ok(open(path)?.schema().clone())
    }

    /// The next rows, at most so many; `None` after the last.
    pub fn take(&mut self, most: usize) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(rows) = self.waiting.take() {
                if rows.num_rows() > most {
                    self.waiting = Some(rows.slice(most, rows.num_rows() - most));
                    return Ok(Some(rows.slice(0, most)));
                }
                return Ok(Some(rows));
            }
            if let Some(group) = &mut self.group {
                match group.next_rows().map_err(|problem| self.wrong(&problem))? {
                    Some(rows) => self.waiting = Some(self.project(&rows)?).filter(|rows| rows.num_rows() > 0),
                    None => self.group = None,
                }
                continue;
            }
            match &self.file {
                Some(file) if self.next_group < file.groups() => {
                    self.group = Some(file.read(self.next_group, 0).map_err(|problem| self.wrong(&problem))?);
                    self.next_group += 1;
                }
                _ => {
                    let Some(path) = self.paths.get(self.next_path) else { return Ok(None) };
                    self.file = Some(open(path)?);
                    self.next_path += 1;
                    self.next_group = 0;
                }
            }
        }
    }

    fn project(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        let schema = rows.schema();
        let places: Option<Vec<usize>> = self.wanted.iter().map(|name| schema.index_of(name).ok()).collect();
        let places = places.ok_or_else(|| self.wrong("its columns are not those of the file before"))?;
        rows.project(&places).map_err(|error| self.wrong(&error.to_string()))
    }

    fn wrong(&self, problem: &str) -> Error {
        let path = self.next_path.checked_sub(1).and_then(|at| self.paths.get(at));
        Error::Check(format!("{}: {problem}", path.map(|path| path.display().to_string()).unwrap_or_default()))
    }
}

fn open(path: &PathBuf) -> Result<ParquetFile> {
    let file = File::open(path).map_err(|error| Error::io(path, error))?;
    ParquetFile::open_own(file).map_err(|problem| Error::Check(format!("{}: {problem}", path.display())))
}
