//! Arrow IPC, as a file or as a stream. A file is a stream between a magic number and a footer, and is read
//! as one, so that it may be compressed, come from standard input or be cut off.

use super::batch::HeldPlace;
use super::columnar::Waiting;
use super::settings::ReadSettings;
use super::stream::{Draft, Outcome, Stream};
use crate::Result;
use crate::arrow::{Decoded, Messages, Nulls, Rows};
use arrow_buffer::Buffer;
use serde::{Deserialize, Serialize};

/// What an Arrow file begins with, padding included.
pub(super) const MAGIC: &[u8] = b"ARROW1\0\0";

/// Where reading stands in a stream of messages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IpcPlace {
    /// A footer follows the stream.
    file: bool,
    /// Rows of the message at this place that were handed out.
    row: usize,
}

impl IpcPlace {
    /// The beginning of a file's stream.
    pub(super) fn file() -> Self {
        Self { file: true, row: 0 }
    }
}

/// An open stream.
pub(super) struct IpcReader {
    place: IpcPlace,
    nulls: Nulls,
    messages: Messages,
    waiting: Option<(Waiting, Buffer)>,
}

/// A message as it lies in the file.
struct Message {
    bytes: Buffer,
    /// Where its body begins.
    body: usize,
    rows: bool,
}

/// What comes next in a stream.
enum Next {
    Message(Message),
    /// The mark of the stream's end, or the end of the file.
    End {
        marked: bool,
    },
    Broken(String),
}

impl IpcReader {
    pub fn new(settings: &ReadSettings, place: IpcPlace) -> Self {
        Self { place, nulls: settings.nulls(), messages: Messages::default(), waiting: None }
    }

    /// Reads what stands before byte `end`, but for the rows: types and dictionaries.
    pub fn catch_up(&mut self, stream: &mut Stream, end: u64) -> Result<()> {
        if self.place.file {
            let mut head = std::mem::take(&mut stream.carry);
            stream.ensure(&mut head, MAGIC.len())?;
            stream.carry = head;
            let length = MAGIC.len().min(stream.carry.len());
            stream.skip(length);
        }
        while stream.byte < end {
            match next(stream)? {
                Next::Message(message) => {
                    if !message.rows {
                        // It was decoded before; if it cannot be now, the rows will say so.
                        let _ =
                            self.messages.decode(&message.bytes[8..message.body], &message.bytes.slice(message.body));
                    }
                    done(stream, &message.bytes);
                }
                Next::End { marked: true } => self.messages = Messages::default(),
                _ => break,
            }
        }
        Ok(())
    }

    /// Where reading stands.
    pub fn place(&self) -> IpcPlace {
        self.place.clone()
    }

    pub fn advance(&mut self, stream: &mut Stream, number: &mut u64, draft: &mut Draft) -> Result<Outcome> {
        loop {
            if draft.filled() >= draft.target {
                return Ok(Outcome::Full);
            }
            if let Some((waiting, bytes)) = &mut self.waiting {
                waiting.hand_out(stream, number, draft);
                self.place.row = waiting.at;
                if waiting.at < waiting.rows.length() {
                    continue;
                }
                done(stream, bytes);
                self.waiting = None;
                self.place.row = 0;
            }
            let problem = match next(stream)? {
                Next::Message(message) => match self.take(message, stream) {
                    Ok(()) => continue,
                    Err(problem) => problem,
                },
                Next::End { marked: true } if self.place.file => {
                    rest(stream);
                    return Ok(Outcome::Ended);
                }
                Next::End { marked: true } => {
                    // Streams may follow each other.
                    self.messages = Messages::default();
                    continue;
                }
                Next::End { marked: false } if !self.place.file && stream.corrupt().is_none() => {
                    return Ok(Outcome::Ended);
                }
                Next::End { marked: false } => "the file ends before its end mark".to_owned(),
                Next::Broken(problem) => problem,
            };
            let (reason, problem) = match stream.corrupt() {
                Some(corrupt) => ("read.corrupt", corrupt.to_owned()),
                None => ("read.broken", problem),
            };
            let detail = format!("rows from {number} on cannot be read: {problem}");
            let byte = stream.byte;
            rest(stream);
            draft.reject(stream.file, HeldPlace::Index(*number), byte, reason, detail, &[], 0);
            return Ok(Outcome::Ended);
        }
    }

    /// Decodes a message. Its bytes count as read once its rows are handed out.
    fn take(&mut self, message: Message, stream: &mut Stream) -> Result<(), String> {
        let Message { bytes, body, .. } = message;
        match self.messages.decode(&bytes[8..body], &bytes.slice(body)) {
            Ok(Decoded::Context) => {
                done(stream, &bytes);
                Ok(())
            }
            Ok(Decoded::Rows(batch)) => {
                let rows = match Rows::new(&batch, None, self.nulls) {
                    Ok(rows) => rows,
                    Err(problem) => {
                        done(stream, &bytes);
                        return Err(problem);
                    }
                };
                self.waiting = Some((Waiting::new(rows, self.place.row), bytes));
                Ok(())
            }
            Err(problem) => {
                done(stream, &bytes);
                Err(problem)
            }
        }
    }
}

/// The bytes of a message are done with.
fn done(stream: &mut Stream, bytes: &Buffer) {
    stream.source.account(bytes);
    stream.byte += bytes.len() as u64;
}

/// Everything that was read ahead is done with; the rest of the file follows when the digest is made.
fn rest(stream: &mut Stream) {
    let carried = stream.carry.len();
    stream.skip(carried);
}

/// Takes the next message from the stream.
fn next(stream: &mut Stream) -> Result<Next> {
    let mut bytes = std::mem::take(&mut stream.carry);
    let found = measure(stream, &mut bytes);
    let (length, body, rows) = match found {
        Ok(Ok(found)) => found,
        Ok(Err(other)) => {
            stream.carry = bytes;
            if matches!(other, Next::End { marked: true }) {
                stream.skip(8);
            }
            return Ok(other);
        }
        Err(error) => return Err(error),
    };
    stream.carry = bytes.split_off(length);
    Ok(Next::Message(Message { bytes: Buffer::from_vec(bytes), body, rows }))
}

/// Reads until the next message is whole: its length, where its body begins, whether it holds rows.
fn measure(stream: &mut Stream, bytes: &mut Vec<u8>) -> Result<std::result::Result<(usize, usize, bool), Next>> {
    const CUT: &str = "the file ends in the middle of a message";
    let broken = |problem: &str| Ok(Err(Next::Broken(problem.to_owned())));
    if !stream.ensure(bytes, 8)? {
        return match bytes.is_empty() {
            true => Ok(Err(Next::End { marked: false })),
            false => broken(CUT),
        };
    }
    let Some(prefix) = bytes.first_chunk::<8>() else { return broken(CUT) };
    let body = match Messages::metadata_length(*prefix) {
        Ok(0) => return Ok(Err(Next::End { marked: true })),
        Ok(length) => 8 + length as usize,
        Err(problem) => return broken(&problem),
    };
    if !stream.ensure(bytes, body)? {
        return broken(CUT);
    }
    let (length, rows) = match Messages::body(&bytes[8..body]) {
        Ok(found) => found,
        Err(problem) => return broken(&problem),
    };
    let length = body + length as usize;
    if !stream.ensure(bytes, length)? {
        return broken(CUT);
    }
    Ok(Ok((length, body, rows)))
}

/// Whether a file begins as a stream of messages does.
pub(super) fn is_stream(head: &[u8]) -> bool {
    let Some(prefix) = head.first_chunk::<8>() else { return false };
    match Messages::metadata_length(*prefix) {
        Ok(length) if length > 0 => {
            let end = head.len().min(8 + length as usize);
            Messages::is_schema(&head[8..end])
        }
        _ => false,
    }
}
