//! `data/` as Parquet: made of the finished lines at the end of a run, when it is known which columns
//! all records need, so that every shard has the same ones.
//!
//! Shard by shard and row group by row group; both are cut by the records alone, and no time, name or
//! version of a library goes in, so equal records give equal bytes. What is done when a run is killed is
//! not done again.

use super::disk::Disk;
use super::output::Output;
use super::settings::{Compression, WriteSettings};
use super::shards::each_line;
use super::sink::Shard;
use crate::arrow::{Builder, LAYOUT_KEY, Layout, Nulls, ParquetFile, Rows, Seen};
use crate::digest::{Digest, Tree};
use crate::json::{self, Limits, Node};
use crate::{Error, Result};
use bumpalo::Bump;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression as Codec, GzipLevel, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Bytes of lines that become columns at once.
const CHUNK: usize = 4 << 20;

/// Bytes of lines of a row group.
const GROUP: usize = 32 << 20;

/// Threads that make Parquet at most; each takes some 100 MB.
const THREADS: usize = 4;

/// Lines nest deeper than the records they hold, and those deeper than plans allow were refused.
const DEPTH: usize = 2048;

/// A complete Parquet shard.
#[derive(Clone, Debug)]
pub struct ParquetShard {
    /// Within the run folder.
    pub path: String,
    /// Bytes of the file.
    pub bytes: u64,
    /// BLAKE3 of the file.
    pub digest: Digest,
    /// Rows.
    pub rows: u64,
}

/// The shards of a run that are to become Parquet.
pub struct Transcoder<'a> {
    /// The file operations.
    pub disk: &'a Disk,
    /// The run folder.
    pub out: &'a Path,
    /// The shards of lines, in `.run/`.
    pub shards: &'a [Shard],
    /// How they are compressed, and are to be.
    pub settings: &'a WriteSettings,
    /// How many may be worked on at once.
    pub threads: usize,
    /// Whether to leave.
    pub stop: &'a (dyn Fn() -> bool + Sync),
}

impl Transcoder<'_> {
    /// Makes the Parquet shards.
    ///
    /// # Errors
    /// What the system refuses; [`Error::Interrupted`] where `stop` said so.
    pub fn run(&self) -> Result<Vec<ParquetShard>> {
        if self.shards.is_empty() {
            return Ok(Vec::new());
        }
        let layout = self.layout()?;
        self.disk.create_folder(&self.out.join("data"))?;
        self.each(|shard| self.shard(shard, &layout))
    }

    fn lines(&self, shard: &Shard) -> PathBuf {
        self.out.join(".run").join(format!("part-{:05}{}", shard.number, self.settings.compression.extension()))
    }

    /// The columns of all records; kept in `.run/`, so that a run that goes on need not look again.
    fn layout(&self) -> Result<Layout> {
        let path = self.out.join(".run/layout.json");
        if let Ok(bytes) = std::fs::read(&path)
            && let Ok(layout) = serde_json::from_slice(&bytes)
        {
            return Ok(layout);
        }
        let seen = self.each(|shard| look(&self.lines(shard), self.stop))?;
        let mut all = Seen::default();
        seen.into_iter().for_each(|seen| all.merge(seen));
        let layout = all.layout();
        let text = serde_json::to_vec(&layout).map_err(|error| Error::Internal(format!("layout: {error}")))?;
        self.disk.replace(&path, &self.out.join(".run/layout.json.new"), &text)?;
        Ok(layout)
    }

    /// Does something with every shard, several at once; the results are in the order of the shards.
    fn each<T: Send>(&self, work: impl Fn(&Shard) -> Result<T> + Sync) -> Result<Vec<T>> {
        each_of(self.shards, self.threads, self.stop, work)
    }

    fn shard(&self, shard: &Shard, layout: &Layout) -> Result<ParquetShard> {
        let path = format!("data/part-{:05}.parquet", shard.number);
        let target = self.out.join(&path);
        let (bytes, digest) = if target.exists() {
            // It has its name since it was complete.
            digest(&target)?
        } else {
            let temporary = self.out.join(".run").join(format!("data-{:05}.parquet", shard.number));
            let rows = self.write(shard, layout, &temporary)?;
            if rows.0 != shard.rows {
                let expected = shard.rows;
                return Err(Error::Internal(format!("{path}: {} rows of {expected} lines", rows.0)));
            }
            self.disk.rename(&temporary, &target)?;
            (rows.1, rows.2)
        };
        Ok(ParquetShard { path, bytes, digest, rows: shard.rows })
    }

    /// Writes one shard: rows, bytes, digest.
    fn write(&self, shard: &Shard, layout: &Layout, target: &Path) -> Result<(u64, u64, Digest)> {
        let file = self.disk.open(target)?;
        self.disk.truncate(&file, target, 0)?;
        let mut out = Output::new(self.disk, &file, target);
        let outcome = self.fill(shard, layout, &mut out);
        let settled = out.settle().map_err(|error| Error::io(target, error));
        if let Some(error) = out.failed.take() {
            return Err(error);
        }
        let rows = outcome?;
        settled?;
        let (bytes, digest) = (out.digest.bytes(), out.digest.finish());
        self.disk.sync(&file, target)?;
        Ok((rows, bytes, digest))
    }

    fn fill(&self, shard: &Shard, layout: &Layout, out: &mut Output<'_>) -> Result<u64> {
        let explain = |error: ParquetError| Error::Internal(format!("Parquet: {error}"));
        let mut builder = Builder::new(layout);
        let options = ArrowWriterOptions::new()
            .with_properties(self.properties(layout).map_err(explain)?)
            .with_skip_arrow_metadata(true);
        let mut writer = ArrowWriter::try_new_with_options(out, builder.schema().clone(), options).map_err(explain)?;
        let (mut rows, mut group) = (0, 0);
        let mut flush = |builder: &mut Builder, last: bool| -> Result<()> {
            group += builder.bytes();
            rows += builder.rows() as u64;
            let batch = builder.finish().map_err(|error| Error::Internal(format!("Parquet: {error}")))?;
            writer.write(&batch).map_err(explain)?;
            if group >= GROUP || last {
                group = 0;
                writer.flush().map_err(explain)?;
            }
            Ok(())
        };
        each_node(&self.lines(shard), |node| {
            builder.push(node);
            if builder.bytes() >= CHUNK {
                if (self.stop)() {
                    return Err(Error::Interrupted);
                }
                flush(&mut builder, false)?;
            }
            Ok(())
        })?;
        flush(&mut builder, true)?;
        writer.close().map_err(explain)?;
        Ok(rows)
    }

    fn properties(&self, layout: &Layout) -> std::result::Result<WriterProperties, ParquetError> {
        let level = self.settings.level.map(i32::from);
        let codec = match self.settings.compression {
            Compression::Zst => Codec::ZSTD(ZstdLevel::try_new(level.unwrap_or(3))?),
            Compression::Gz => Codec::GZIP(GzipLevel::try_new(level.unwrap_or(6).unsigned_abs())?),
            Compression::None => Codec::UNCOMPRESSED,
        };
        let layout = serde_json::to_string(layout).map_err(|error| ParquetError::General(error.to_string()))?;
        Ok(WriterProperties::builder()
            .set_created_by("corpuskit".to_owned())
            .set_compression(codec)
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_max_row_group_row_count(None)
            .set_key_value_metadata(Some(vec![KeyValue::new(LAYOUT_KEY.to_owned(), layout)]))
            .build())
    }
}

/// Does something with every item, several at once; the results are in the order of the items.
///
/// # Errors
/// The first that the work has; [`Error::Interrupted`] where `stop` said so.
pub fn each_of<S: Sync, T: Send>(
    items: &[S],
    threads: usize,
    stop: &(dyn Fn() -> bool + Sync),
    work: impl Fn(&S) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let next = AtomicUsize::new(0);
    let done: Vec<Mutex<Option<Result<T>>>> = items.iter().map(|_| Mutex::new(None)).collect();
    let one = || loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let (Some(item), Some(place)) = (items.get(number), done.get(number)) else { break };
        let outcome = if stop() { Err(Error::Interrupted) } else { work(item) };
        if outcome.is_err() {
            next.store(items.len(), Ordering::Relaxed);
        }
        *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.min(THREADS).min(items.len()) {
            scope.spawn(one);
        }
        one();
    });
    let outcomes: Vec<Option<Result<T>>> =
        done.into_iter().map(|place| place.into_inner().unwrap_or_else(PoisonError::into_inner)).collect();
    let mut results = Vec::with_capacity(outcomes.len());
    let mut missing = false;
    for outcome in outcomes {
        match outcome {
            Some(outcome) => results.push(outcome?),
            None => missing = true,
        }
    }
    if missing { Err(Error::Interrupted) } else { Ok(results) }
}

/// What the records of a shard have.
///
/// # Errors
/// A file that cannot be read; [`Error::Interrupted`] where `stop` said so.
pub fn look(path: &Path, stop: &(dyn Fn() -> bool + Sync)) -> Result<Seen> {
    let mut seen = Seen::default();
    let mut count = 0_u32;
    each_node(path, |node| {
        count = count.wrapping_add(1);
        if count.is_multiple_of(4096) && stop() {
            return Err(Error::Interrupted);
        }
        seen.record(node);
        Ok(())
    })?;
    Ok(seen)
}

/// Calls `each` with every record of a shard, in order.
///
/// # Errors
/// A file that cannot be read or has a line that is no JSON; what `each` returns.
pub fn each_node(path: &Path, mut each: impl FnMut(&Node<'_>) -> Result<()>) -> Result<()> {
    let mut arena = Bump::new();
    each_line(path, |line| {
        arena.reset();
        let node =
            std::str::from_utf8(line).ok().and_then(|line| json::parse(line, &arena, Limits { depth: DEPTH }).ok());
        let node = node.ok_or_else(|| Error::Check(format!("{}: a line is not JSON", path.display())))?;
        each(&node)?;
        Ok(true)
    })
}

/// Calls `each` with the records of a Parquet shard as lines of JSON; it returns `false` to stop.
pub(super) fn each_parquet_line(path: &Path, mut each: impl FnMut(&[u8]) -> Result<bool>) -> Result<()> {
    let wrong = |problem: String| Error::Check(format!("{}: {problem}", path.display()));
    let file = ParquetFile::open(File::open(path).map_err(|error| Error::io(path, error))?).map_err(wrong)?;
    let mut line = Vec::new();
    for group in 0..file.groups() {
        let mut reader = file.read(group, 0).map_err(wrong)?;
        while let Some(batch) = reader.next_rows().map_err(wrong)? {
            let rows = Rows::new(&batch, file.layout.as_ref(), Nulls::Outer).map_err(wrong)?;
            for row in 0..rows.length() {
                line.clear();
                rows.write(row, &mut line, usize::MAX);
                if !each(&line)? {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

fn digest(path: &Path) -> Result<(u64, Digest)> {
    let io = |error| Error::io(path, error);
    let mut file = File::open(path).map_err(io)?;
    let mut tree = Tree::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer).map_err(io)? {
            0 => return Ok((tree.bytes(), tree.finish())),
            read => tree.update(&buffer[..read]),
        }
    }
}
