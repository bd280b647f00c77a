//! Lines: JSONL, whatever the file is called.

use super::batch::{HeldPlace, Piece};
use super::stream::{Draft, Outcome, Stream, too_long};
use super::unit::Unit;
use super::{HEAD_BYTES, unit::Body};
use crate::Result;
use crate::record::{Origin, Place, Rejection};

/// Adds lines: up to the last line end that fits, and at least one line.
pub(super) fn advance(stream: &mut Stream, number: &mut u64, draft: &mut Draft) -> Result<Outcome> {
    let room = draft.room();
    let start = stream.begin(draft);
    let all = !stream.ensure(&mut draft.buffer, start + room + 1)?;
    let mut cut = if all && stream.corrupt().is_none() {
        draft.buffer.len()
    } else {
        let fits = (start + room).min(draft.buffer.len());
        start + memchr::memrchr(b'\n', &draft.buffer[start..fits]).map_or(0, |at| at + 1)
    };
    if cut == start && !all {
        if start > 0 {
            stream.commit(draft, start, start);
            return Ok(Outcome::Full);
        }
        cut = match first_line(stream, draft)? {
            Some(cut) => cut,
            None => return skip_line(stream, number, draft),
        };
    }
    take(stream, number, draft, start, cut);
    if !all {
        return Ok(Outcome::Full);
    }
    reject_tail(stream, HeldPlace::Line(*number), draft);
    Ok(Outcome::Ended)
}

/// What is left of a corrupt file after its last whole unit is one rejected unit.
pub(super) fn reject_tail(stream: &mut Stream, place: HeldPlace, draft: &mut Draft) {
    let Some(problem) = stream.corrupt().map(str::to_owned) else { return };
    let tail = std::mem::take(&mut stream.carry);
    draft.reject(stream.file, place, stream.byte, "read.corrupt", problem, &tail, tail.len() as u64);
    stream.source.account(&tail);
    stream.byte += tail.len() as u64;
}

fn take(stream: &mut Stream, number: &mut u64, draft: &mut Draft, start: usize, cut: usize) {
    let byte = stream.byte;
    stream.commit(draft, start, cut);
    if cut > start {
        let ends: Vec<usize> = memchr::memchr_iter(b'\n', &draft.buffer[start..cut]).collect();
        let line = *number;
        *number += ends.len() as u64;
        draft.pieces.push(Piece::Lines { file: stream.file, start, end: cut, byte, line, ends });
    }
}

/// The end of the first line, which is longer than a batch; `None` if it is above the limit.
fn first_line(stream: &mut Stream, draft: &mut Draft) -> Result<Option<usize>> {
    let mut searched = 0;
    loop {
        if let Some(end) = memchr::memchr(b'\n', &draft.buffer[searched..]) {
            let end = searched + end;
            return Ok((end <= draft.max).then_some(end + 1));
        }
        searched = draft.buffer.len();
        if searched > draft.max {
            return Ok(None);
        }
        if !stream.ensure(&mut draft.buffer, searched + (1 << 20))? && draft.buffer.len() == searched {
            return Ok(Some(searched));
        }
    }
}

/// Sets the first line aside without ever holding it whole.
pub(super) fn skip_line(stream: &mut Stream, number: &mut u64, draft: &mut Draft) -> Result<Outcome> {
    let byte = stream.byte;
    let head = draft.buffer[..draft.buffer.len().min(HEAD_BYTES)].to_vec();
    let mut length = 0;
    let ended = loop {
        let end = memchr::memchr(b'\n', &draft.buffer);
        let cut = end.map_or(draft.buffer.len(), |end| end + 1);
        length += end.unwrap_or(cut) as u64;
        stream.commit(draft, 0, cut);
        draft.buffer = Vec::new();
        if end.is_some() {
            break false;
        }
        draft.buffer.append(&mut stream.carry);
        if !stream.ensure(&mut draft.buffer, 1 << 20)? && draft.buffer.is_empty() {
            break true;
        }
    };
    let detail = too_long("line", length, draft.max);
    draft.reject(stream.file, HeldPlace::Line(*number), byte, "read.too_long", detail, &head, length);
    *number += 1;
    if ended {
        reject_tail(stream, HeldPlace::Line(*number), draft);
        return Ok(Outcome::Ended);
    }
    Ok(Outcome::Full)
}

/// Splits lines.
pub(super) struct Lines<'a> {
    pub path: &'a str,
    pub bytes: &'a [u8],
    /// Where the line ends stand.
    pub ends: std::slice::Iter<'a, usize>,
    /// Where the next line begins.
    pub at: usize,
    /// The place of the first line in its file.
    pub byte: u64,
    pub line: u64,
    pub max: usize,
}

impl<'a> Iterator for Lines<'a> {
    type Item = Unit<'a>;

    #[inline]
    fn next(&mut self) -> Option<Unit<'a>> {
        let start = self.at;
        if start >= self.bytes.len() {
            return None;
        }
        // The last line may have none.
        let end = self.ends.next().copied().unwrap_or(self.bytes.len());
        let origin = Origin { path: self.path, place: Place::Line(self.line) };
        let body = json_body("line", self.bytes.get(start..end)?, self.max);
        self.at = end + 1;
        self.line += 1;
        Some(Unit { origin, byte: self.byte + start as u64, body })
    }
}

/// The body of a unit that should be JSON.
pub(super) fn json_body<'a>(what: &str, bytes: &'a [u8], max: usize) -> Body<'a> {
    if bytes.len() > max {
        return rejected_long(what, bytes, max);
    }
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    if bytes.iter().all(u8::is_ascii_whitespace) { Body::Empty } else { Body::Json(bytes) }
}

/// A unit above the limit that is at hand.
pub(super) fn rejected_long<'a>(what: &str, bytes: &'a [u8], max: usize) -> Body<'a> {
    let length = bytes.len() as u64;
    Body::Rejected {
        rejection: Rejection { reason: "read.too_long", byte: 0, detail: too_long(what, length, max) },
        head: &bytes[..bytes.len().min(HEAD_BYTES)],
        length,
        digest: None,
    }
}
