//! Hands out batches in input order.

use super::batch::{Batch, FileAccount, HeldPlace, Piece};
use super::columnar::{Columnar, lost};
use super::cursor::{Cursor, Position};
use super::decompress::Compression;
use super::discover::{InputFile, InputKind, Inputs};
use super::ipc::IpcReader;
use super::parquet::ParquetReader;
use super::settings::ReadSettings;
use super::sniff::{Container, HEAD, sniff};
use super::source::{Source, changed};
use super::stream::{Draft, Outcome, Stream};
use super::structure::{Structure, StructureKind};
use super::{BATCH_BYTES, lines, table, whole};
use crate::record::Rejection;
use crate::{Error, Result};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

/// Files that one batch spans at most.
const FILES_A_BATCH: usize = 4096;

/// Reads inputs in order, batch by batch. Batches are a function of the inputs' bytes alone.
pub struct Reader {
    inputs: Arc<Inputs>,
    settings: ReadSettings,
    cursor: Cursor,
    open: Option<Open>,
    pool: Arc<Mutex<Vec<Vec<u8>>>>,
    stop: Arc<AtomicBool>,
    /// `BATCH_BYTES`; tests cut finer.
    target: usize,
}

/// A file that is being read.
struct Open {
    stream: Stream,
    container: Container,
    /// Line number or index of the next unit.
    number: u64,
    /// The reader of a file of columns.
    columnar: Option<Columnar>,
}

/// What opening an input led to.
enum Opened {
    Ready(Box<Open>),
    /// It cannot be read: reason and explanation.
    Refused(&'static str, String),
}

impl Reader {
    /// A reader that begins at the first input.
    ///
    /// # Errors
    /// A setting out of bounds.
    pub fn new(inputs: Arc<Inputs>, settings: &ReadSettings) -> Result<Self> {
        settings.check()?;
        Ok(Self {
            inputs,
            settings: settings.clone(),
            cursor: Cursor::default(),
            open: None,
            pool: Arc::default(),
            stop: Arc::default(),
            target: BATCH_BYTES,
        })
    }

    /// A reader that goes on after a batch. What was read of the file in between is checked against the
    /// cursor's digest; `Inputs::unchanged` checks the rest.
    ///
    /// # Errors
    /// A file that changed (named), standard input (cannot be read twice), a cursor of other inputs.
    pub fn resume(inputs: Arc<Inputs>, settings: &ReadSettings, cursor: &Cursor) -> Result<Self> {
        let mut reader = Self::new(inputs, settings)?;
        reader.cursor = cursor.clone();
        let Some(position) = &cursor.position else { return Ok(reader) };
        let Some(input) = reader.inputs.files.get(cursor.file) else {
            return Err(Error::input("inputs", "are not those that the run began with"));
        };
        if input.kind == InputKind::Stdin {
            let what = if input.is_stream() { "a stream" } else { "standard input" };
            return Err(Error::input(&input.path, format!("{what} cannot be continued"))
                .with_hint("run again with `--force` to begin anew"));
        }
        match reader.reopen(input, position)? {
            Opened::Ready(open) => reader.open = Some(*open),
            Opened::Refused(_, why) => return Err(changed(&input.path, &why)),
        }
        Ok(reader)
    }

    /// Setting this to true makes reads that are under way, and all later ones, fail with
    /// `Error::Interrupted`: also those that wait for standard input or skip through endless lines.
    pub fn stop_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stop)
    }

    /// The next batch, or `None` at the end of the last input.
    ///
    /// # Errors
    /// What stops a run: a file that vanished or changed, or that the system cannot read.
    pub fn next_batch(&mut self) -> Result<Option<Batch>> {
        let buffer = self.pool.lock().ok().and_then(|mut pool| pool.pop()).unwrap_or_default();
        let mut draft = Draft::new(buffer, self.settings.max_unit_bytes as usize, self.target);
        if draft.buffer.capacity() < self.target {
            draft.buffer.reserve_exact(self.target + (64 << 10));
        }
        let mut ended = Vec::new();
        while draft.filled() < self.target
            && draft.pieces.len() < FILES_A_BATCH
            && ended.len() < FILES_A_BATCH
            && self.cursor.file < self.inputs.files.len()
        {
            let mut open = match self.open.take() {
                Some(open) => open,
                None => match self.begin()? {
                    Opened::Ready(open) => *open,
                    Opened::Refused(reason, detail) => {
                        ended.push(self.refuse(reason, detail, &mut draft));
                        continue;
                    }
                },
            };
            let outcome = self.advance(&mut open, &mut draft)?;
            if outcome == Outcome::Full {
                self.cursor.position = Some(open.position());
                self.open = Some(open);
                break;
            }
            ended.push(self.account(open)?);
            self.cursor.file += 1;
            self.cursor.position = None;
        }
        if draft.pieces.is_empty() && ended.is_empty() && self.cursor.file >= self.inputs.files.len() {
            return Ok(None);
        }
        let seq = self.cursor.seq;
        self.cursor.seq += 1;
        Ok(Some(Batch {
            seq,
            end: self.cursor.clone(),
            bytes: draft.filled(),
            ended,
            notes: draft.notes,
            inputs: Arc::clone(&self.inputs),
            buffer: draft.buffer,
            pieces: draft.pieces,
            max: draft.max,
            pool: Arc::clone(&self.pool),
        }))
    }

    fn advance(&self, open: &mut Open, draft: &mut Draft) -> Result<Outcome> {
        let Open { stream, container, number, columnar } = open;
        match container {
            Container::Lines => lines::advance(stream, number, draft),
            Container::Structure(structure) => structure.advance(stream, number, draft),
            Container::Table(table) => table::advance(stream, number, draft, table),
            Container::Parquet(_) | Container::Arrow(_) => match columnar {
                Some(columnar) => columnar.advance(stream, number, draft),
                None => Err(lost(&stream.path)),
            },
            Container::Json => whole::advance(stream, false, draft),
            Container::Text => whole::advance(stream, true, draft),
            Container::Empty => {
                lines::reject_tail(stream, HeldPlace::Whole, draft);
                Ok(Outcome::Ended)
            }
            Container::Unsupported(detail) => {
                let regular = self.inputs.files[stream.file].kind != InputKind::Stdin;
                whole::set_aside(stream, detail, regular, draft)
            }
        }
    }

    /// Opens the next input and tells what it holds.
    fn begin(&self) -> Result<Opened> {
        let file = self.cursor.file;
        let input = &self.inputs.files[file];
        let mut stream = match self.source(input)? {
            Ok(source) => Stream { source, file, path: input.path.clone(), byte: 0, carry: Vec::new(), drained: false },
            Err((reason, detail)) => return Ok(Opened::Refused(reason, detail)),
        };
        let mut head = Vec::new();
        let all = !stream.ensure(&mut head, HEAD + 1)?;
        stream.carry = head;
        if stream.carry.starts_with(b"\xEF\xBB\xBF") {
            stream.skip(3);
        }
        let look = stream.carry.len().min(HEAD);
        let (mut container, own) = match stream.carry.first() {
            // Callers hand over records as one array, which may look like a conversation.
            Some(b'[') if input.is_stream() => (Container::Structure(Structure::new(StructureKind::Array)), 0),
            _ => sniff(&stream.carry[..look], all, &input.path, &self.settings),
        };
        let lines = stream.skip(own);
        let indexed = matches!(container, Container::Structure(_) | Container::Parquet(_) | Container::Arrow(_));
        let number = if indexed { 0 } else { 1 + lines };
        let columnar = self.columnar(&mut container, &stream)?;
        Ok(Opened::Ready(Box::new(Open { stream, container, number, columnar })))
    }

    /// The reader of a file of columns, at its beginning. A Parquet file must be one that can be read at any place.
    fn columnar(&self, container: &mut Container, stream: &Stream) -> Result<Option<Columnar>> {
        Ok(match container {
            Container::Parquet(place) => match stream.source.file()? {
                Some(file) if stream.source.compression == Compression::None => {
                    Some(Columnar::Parquet(Box::new(ParquetReader::new(file, &self.settings, place.clone()))))
                }
                found => {
                    let how = if found.is_some() { "inside a compressed file" } else { "from standard input" };
                    *container = Container::Unsupported(format!("Parquet {how}, expected a plain file"));
                    None
                }
            },
            Container::Arrow(place) => Some(Columnar::Ipc(Box::new(IpcReader::new(&self.settings, place.clone())))),
            _ => None,
        })
    }

    /// Opens an input where another reader left it.
    fn reopen(&self, input: &InputFile, position: &Position) -> Result<Opened> {
        let mut source = match self.source(input)? {
            Ok(source) => source,
            Err((reason, detail)) => return Ok(Opened::Refused(reason, detail)),
        };
        let carry = source.go_to(position)?;
        let (file, byte) = (self.cursor.file, position.byte);
        let stream = Stream { source, file, path: input.path.clone(), byte, carry, drained: false };
        let mut container = position.container.clone();
        let mut columnar = self.columnar(&mut container, &stream)?;
        if let Some(Columnar::Ipc(reader)) = &mut columnar {
            let mut before = match self.source(input)? {
                Ok(source) => {
                    Stream { source, file, path: input.path.clone(), byte: 0, carry: Vec::new(), drained: false }
                }
                Err((reason, detail)) => return Ok(Opened::Refused(reason, detail)),
            };
            reader.catch_up(&mut before, byte)?;
        }
        if matches!(container, Container::Parquet(_)) && stream.source.identity() != position.identity {
            return Err(changed(&input.path, "its identity is another"));
        }
        let number = position.number;
        Ok(Opened::Ready(Box::new(Open { stream, container, number, columnar })))
    }

    fn source(&self, input: &InputFile) -> Result<Result<Source, (&'static str, String)>> {
        if let InputKind::Refused { reason, detail } = &input.kind {
            let reason = if reason == "read.unsupported" { "read.unsupported" } else { "read.unreadable" };
            return Ok(Err((reason, detail.clone())));
        }
        Ok(Source::open(input, &self.stop)?.map_err(|why| ("read.unreadable", why)))
    }

    /// Lists an input that cannot be read as one rejected unit.
    fn refuse(&mut self, reason: &'static str, detail: String, draft: &mut Draft) -> FileAccount {
        let file = self.cursor.file;
        draft.pieces.push(Piece::Rejected {
            file,
            place: HeldPlace::Whole,
            byte: 0,
            rejection: Rejection { reason, byte: 0, detail },
            head: Vec::new(),
            length: 0,
            digest: None,
        });
        self.cursor.file += 1;
        let container = reason.trim_start_matches("read.").to_owned();
        FileAccount { file, bytes: 0, plain_bytes: 0, digest: None, compression: "none".into(), container }
    }

    /// Closes a file that was read to its end.
    fn account(&self, open: Open) -> Result<FileAccount> {
        let Open { mut stream, container, columnar, .. } = open;
        let endless =
            matches!(container, Container::Unsupported(_)) && self.inputs.files[stream.file].kind == InputKind::Stdin;
        if !endless {
            stream.source.finish()?;
        }
        Ok(FileAccount {
            file: stream.file,
            bytes: stream.source.tree.bytes(),
            plain_bytes: match columnar {
                Some(Columnar::Parquet(_)) => stream.source.tree.bytes(),
                _ => stream.byte,
            },
            digest: (!endless).then(|| stream.source.tree.finish()),
            compression: stream.source.compression.name().into(),
            container: container.name().into(),
        })
    }
}

impl Open {
    fn position(&self) -> Position {
        Position {
            byte: self.stream.byte,
            number: self.number,
            container: match &self.columnar {
                Some(Columnar::Parquet(reader)) => Container::Parquet(reader.place()),
                Some(Columnar::Ipc(reader)) => Container::Arrow(reader.place()),
                None => self.container.clone(),
            },
            identity: self.stream.source.identity(),
            digest: self.stream.source.tree.clone(),
        }
    }
}

#[cfg(test)]
#[path = "reader_tests.rs"]
pub(super) mod tests;
