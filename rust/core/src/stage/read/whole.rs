//! A file that is one unit: one JSON value, one text, or a file that we do not read.

use super::HEAD_BYTES;
use super::batch::{HeldPlace, Piece};
use super::stream::{Draft, Outcome, Stream, too_long};
use crate::Result;
use crate::record::Rejection;

/// Adds the file as one unit.
pub(super) fn advance(stream: &mut Stream, text: bool, draft: &mut Draft) -> Result<Outcome> {
    let room = draft.room();
    let start = stream.begin(draft);
    let fits = !stream.ensure(&mut draft.buffer, start + room + 1)?;
    if !fits && start > 0 {
        stream.commit(draft, start, start);
        return Ok(Outcome::Full);
    }
    let longer = !fits && stream.ensure(&mut draft.buffer, draft.max + 1)?;
    let corrupt = stream.corrupt().map(str::to_owned);
    if !longer && corrupt.is_none() && draft.buffer.len() - start <= draft.max {
        let (byte, end) = (stream.byte, draft.buffer.len());
        stream.commit(draft, start, end);
        draft.pieces.push(Piece::Whole { file: stream.file, start, end, byte, text });
        return Ok(Outcome::Ended);
    }
    // Too long or cut off: its head is kept, the rest is only counted.
    let byte = stream.byte;
    let head = draft.buffer[start..].iter().copied().take(HEAD_BYTES).collect::<Vec<u8>>();
    loop {
        let end = draft.buffer.len();
        stream.commit(draft, start, end);
        draft.buffer.truncate(start);
        draft.buffer.shrink_to(1 << 20);
        if !stream.ensure(&mut draft.buffer, start + (1 << 20))? && draft.buffer.len() == start {
            break;
        }
    }
    let length = stream.byte - byte;
    let (reason, detail) = match corrupt.or_else(|| stream.corrupt().map(str::to_owned)) {
        Some(problem) => ("read.corrupt", problem),
        None => ("read.too_long", too_long("file that is one record", length, draft.max)),
    };
    draft.reject(stream.file, HeldPlace::Whole, byte, reason, detail, &head, length);
    Ok(Outcome::Ended)
}

/// Adds a file that we do not read: by its path and the digest of all its bytes.
pub(super) fn set_aside(stream: &mut Stream, detail: &str, regular: bool, draft: &mut Draft) -> Result<Outcome> {
    let start = stream.begin(draft);
    let head = draft.buffer[start..].iter().copied().take(HEAD_BYTES).collect::<Vec<u8>>();
    let end = draft.buffer.len();
    stream.commit(draft, start, end);
    draft.buffer.truncate(start);
    let digest = if regular {
        stream.source.finish()?;
        Some(stream.source.tree.finish().to_string())
    } else {
        // Standard input may never end.
        None
    };
    draft.pieces.push(Piece::Rejected {
        file: stream.file,
        place: HeldPlace::Whole,
        byte: 0,
        rejection: Rejection { reason: "read.unsupported", byte: 0, detail: detail.to_owned() },
        head,
        length: stream.source.tree.bytes(),
        digest,
    });
    Ok(Outcome::Ended)
}
