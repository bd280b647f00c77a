//! Looking at one file: its beginning, samples of its middle and end, or all of it.

use super::tally::Tally;
use super::watch::Watch;
use crate::record::{Origin, Place};
use crate::stage::parse::Parser;
use crate::stage::read::{Body, InputFile, InputKind, Inputs, Note, ReadSettings, Reader, Unit};
use crate::{Error, Result};
use bumpalo::Bump;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;
use std::time::Instant;

/// Bytes looked at in the middle and at the end of a file of lines.
const WINDOW: u64 = 1 << 20;

/// Batches looked at of a file whose middle cannot be reached; more of a compressed one whose
/// bytes on disk have all been buffered before they were used.
const BATCHES: u64 = 32;
const MOST_BATCHES: u64 = 256;

/// What is needed to look at files.
pub(super) struct Look<'r> {
    pub(super) inputs: &'r Inputs,
    pub(super) read: &'r ReadSettings,
    pub(super) parser: &'r Parser,
    pub(super) watch: &'r Watch,
    pub(super) deadline: Instant,
}

/// What was seen of a file.
#[derive(Debug, Default)]
pub(super) struct View {
    pub(super) container: String,
    pub(super) compression: String,
    /// Bytes on disk that the counts are of.
    pub(super) seen: u64,
    /// Whether these are all.
    pub(super) whole: bool,
    pub(super) tally: Tally,
    pub(super) notes: Vec<Note>,
}

impl View {
    /// Takes the counts of a view of the whole file; samples stay, others join them.
    pub(super) fn replace_counts(&mut self, mut whole: View) {
        for (schema, found) in &mut whole.tally.schemas {
            if let Some(first) = self.tally.schemas.get_mut(schema) {
                found.samples = std::mem::take(&mut first.samples);
            }
        }
        *self = whole;
    }
}

impl Look<'_> {
    /// The first look: all of a small file, samples of a large one.
    pub(super) fn first(&self, file: usize) -> Result<View> {
        let Some(input) = self.inputs.files.get(file) else { return Ok(View::default()) };
        let enough = |progress: &Progress, view: &View| match input.kind {
            InputKind::Stdin => false,
            _ if view.container == "lines" && compression(input) == "none" => true,
            _ => progress.batches >= BATCHES && (progress.slope().is_some() || progress.batches >= MOST_BATCHES),
        };
        let mut view = self.read(input, &enough)?;
        if !view.whole && view.container == "lines" && view.compression == "none" {
            for start in windows(view.seen, input.bytes().unwrap_or(0)) {
                // A file that shrank in between keeps what was seen of it.
                if let Ok(bytes) = window(input, start) {
                    self.lines(input, start, &bytes, &mut view)?;
                }
            }
        }
        Ok(view)
    }

    /// Counts all of a file; `None` if time ran out.
    pub(super) fn whole(&self, file: usize) -> Result<Option<View>> {
        let Some(input) = self.inputs.files.get(file) else { return Ok(None) };
        let view = self.read(input, &|_, _| false)?;
        Ok(view.whole.then_some(view))
    }

    /// Reads until it is enough, or until the deadline.
    fn read(&self, input: &InputFile, enough: &dyn Fn(&Progress, &View) -> bool) -> Result<View> {
        let alone = Inputs { arguments: Vec::new(), files: vec![input.clone()], notes: Vec::new() };
        let mut reader = Reader::new(Arc::new(alone), self.read)?;
        self.watch.add(reader.stop_flag());
        let mut view = View::default();
        let mut arena = Bump::new();
        let mut progress = Progress::default();
        while Instant::now() < self.deadline {
            let batch = match reader.next_batch() {
                Ok(Some(batch)) => batch,
                Ok(None) => break,
                Err(Error::Interrupted) => break,
                // It vanished or changed while we looked: part of the answer, not the end of it.
                Err(problem) => {
                    view.notes.push(Note {
                        path: input.path.clone(),
                        byte: None,
                        code: "read.unreadable".into(),
                        detail: problem.to_string(),
                    });
                    break;
                }
            };
            for unit in batch.units(&arena) {
                view.tally.add(&unit, self.parser, &arena, None)?;
            }
            view.notes.extend(batch.notes.iter().cloned());
            if let Some(position) = &batch.end.position {
                view.container = position.container.name().to_owned();
                progress.add(position.digest.bytes(), position.byte);
                view.seen = progress.used();
            }
            if let Some(account) = batch.ended.first() {
                view.container.clone_from(&account.container);
                view.compression.clone_from(&account.compression);
                view.seen = account.bytes;
                view.whole = true;
            }
            drop(batch);
            arena.reset();
            if view.whole || enough(&progress, &view) {
                break;
            }
        }
        if view.compression.is_empty() {
            view.compression = compression(input).to_owned();
        }
        Ok(view)
    }

    /// Counts the whole lines of a stretch of a file. Their numbers are unknown, so places are
    /// given in bytes.
    fn lines(&self, input: &InputFile, start: u64, bytes: &[u8], view: &mut View) -> Result<()> {
        let arena = Bump::new();
        let first = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1);
        let last = memchr::memrchr(b'\n', bytes).map_or(first, |at| at + 1).max(first);
        let mut at = first;
        while at < last {
            let end = memchr::memchr(b'\n', &bytes[at..last]).map_or(last, |found| at + found + 1);
            let line = bytes[at..end].trim_ascii_end();
            let byte = start + at as u64;
            let unit = Unit {
                origin: Origin { path: &input.path, place: Place::Whole },
                byte,
                body: if line.is_empty() { Body::Empty } else { Body::Json(line) },
            };
            view.tally.add(&unit, self.parser, &arena, Some(&format!("{}@{byte}", input.path)))?;
            at = end;
        }
        view.seen += (last - first) as u64;
        Ok(())
    }
}

/// How far a reader got. A decompressor reads ahead on the disk, so that only the growth between
/// two places tells how many bytes there a plain byte takes.
#[derive(Debug, Default)]
struct Progress {
    batches: u64,
    first: (u64, u64),
    last: (u64, u64),
}

impl Progress {
    fn add(&mut self, disk: u64, plain: u64) {
        self.last = (disk, plain);
        if self.batches == 0 {
            self.first = self.last;
        }
        self.batches += 1;
    }

    /// Growth on disk and of plain bytes since the first batch.
    fn slope(&self) -> Option<(u64, u64)> {
        let (disk, plain) = (self.last.0 - self.first.0, self.last.1.saturating_sub(self.first.1));
        (disk > 0 && plain > 0).then_some((disk, plain))
    }

    /// Bytes on disk that the plain bytes so far took.
    fn used(&self) -> u64 {
        let (disk, plain) = self.last;
        match self.slope() {
            Some((more_disk, more_plain)) => {
                let used = u128::from(plain) * u128::from(more_disk) / u128::from(more_plain);
                u64::try_from(used).unwrap_or(disk).min(disk)
            }
            None => disk,
        }
    }
}

/// Where the middle's and the end's windows start; none overlaps what was seen or another.
fn windows(seen: u64, bytes: u64) -> impl Iterator<Item = u64> {
    let mut free = seen;
    [bytes / 2, bytes.saturating_sub(WINDOW)].into_iter().filter(move |&start| {
        let fits = start >= free && start + WINDOW <= bytes;
        if fits {
            free = start + WINDOW;
        }
        fits
    })
}

fn window(input: &InputFile, start: u64) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(input.real())?;
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::with_capacity(WINDOW as usize);
    file.take(WINDOW).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The compression of a file that was not read to its end, by its first bytes.
fn compression(input: &InputFile) -> &'static str {
    let mut magic = [0; 4];
    let read = |magic: &mut [u8; 4]| File::open(input.real())?.read_exact(magic);
    match (input.kind == InputKind::Stdin, read(&mut magic)) {
        (false, Ok(())) if magic.starts_with(b"\x1F\x8B") => "gzip",
        (false, Ok(())) if magic == *b"\x28\xB5\x2F\xFD" => "zstd",
        _ => "none",
    }
}
