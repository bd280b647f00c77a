//! Tables: which delimiter, whether there is a header, and where a batch of rows ends.

use super::batch::{HeldPlace, Piece};
use super::dialogues::{id_column, last_dialogue};
use super::lines::{reject_tail, skip_line};
use super::rows::{MAX_QUOTED, Table, last_row_end, split_row};
use super::settings::{Header, ReadSettings};
use super::stream::{Draft, Outcome, Stream};
use crate::Result;
use std::sync::Arc;

/// Adds rows: up to the last row end that fits, and at least one row.
pub(super) fn advance(stream: &mut Stream, number: &mut u64, draft: &mut Draft, table: &Arc<Table>) -> Result<Outcome> {
    let room = draft.room();
    let start = stream.begin(draft);
    let all = !stream.ensure(&mut draft.buffer, start + room + 1)?;
    let mut fits = room;
    let cut = loop {
        stream.ensure(&mut draft.buffer, start + fits + MAX_QUOTED + 1)?;
        let rows = &draft.buffer[start..];
        if rows.len() <= fits && stream.corrupt().is_none() {
            break rows.len();
        }
        if let Some(end) = last_row_end(rows, fits.min(rows.len()), table.delimiter) {
            match table.dialogue.filter(|_| fits <= draft.max) {
                None => break end,
                // The last dialogue may go on; one that is longer than a unit may be is cut.
                Some(id) => {
                    if let Some(begin) = last_dialogue(&rows[..end], table, id) {
                        break begin;
                    }
                }
            }
        }
        if rows.len() <= fits {
            break 0;
        }
        if start > 0 {
            stream.commit(draft, start, start);
            return Ok(Outcome::Full);
        }
        if fits > draft.max {
            return skip_line(stream, number, draft);
        }
        fits *= 2;
    };
    let byte = stream.byte;
    stream.commit(draft, start, start + cut);
    if cut > 0 {
        let end = start + cut;
        draft.pieces.push(Piece::Rows { file: stream.file, start, end, byte, line: *number, table: Arc::clone(table) });
        *number += memchr::memchr_iter(b'\n', &draft.buffer[start..end]).count() as u64;
    }
    if !(all || stream.drained && stream.carry.is_empty()) {
        return Ok(Outcome::Full);
    }
    if !stream.carry.is_empty() && stream.corrupt().is_none() {
        return Ok(Outcome::Full);
    }
    reject_tail(stream, HeldPlace::Line(*number), draft);
    Ok(Outcome::Ended)
}

/// Rows that are looked at to tell how a table is read.
const LOOK: usize = 50;

/// The table that a file's first bytes begin, and the bytes that its header takes. `None`: no table.
/// `certain`: the name says that it is one.
pub(super) fn recognise(
    head: &[u8],
    all: bool,
    certain: Option<u8>,
    settings: &ReadSettings,
) -> Option<(Table, usize)> {
    let candidates: &[u8] = match certain {
        Some(b'\t') => b"\t",
        Some(_) => b",;\t|",
        None => b"\t,",
    };
    // The first row decides, where it has several fields and most rows are as regular; of equals the first candidate.
    let looks = candidates.iter().map(|&delimiter| (regularity(head, all, delimiter), delimiter));
    let ((regular, fields, rows, _), delimiter) = looks
        .rev()
        .max_by_key(|((regular, _, _, first), _)| if *regular >= 0.5 && *first >= 2 { *first } else { 0 })?;
    if certain.is_none() && !(regular == 1.0 && rows >= 3 && fields >= if delimiter == b'\t' { 2 } else { 3 }) {
        return None;
    }
    let delimiter = if fields >= 2 { delimiter } else { certain.unwrap_or(delimiter) };
    let rows = rows_of(head, all, delimiter);
    let first = rows.first()?;
    let has_header = match settings.header {
        Header::Present => true,
        Header::Absent => false,
        Header::Auto => looks_like_header(&first.0, &rows[1..]),
    };
    if certain.is_none() && !has_header {
        return None;
    }
    if has_header {
        let mut table = Table::named(delimiter, &first.0);
        table.dialogue = id_column(&table.columns).filter(|_| settings.join_dialogues);
        return Some((table, first.1));
    }
    Some((Table { delimiter, columns: Vec::new(), dialogue: None }, 0))
}

/// The first rows, decoded, and where each ends. Rows of blank lines are left out.
fn rows_of(head: &[u8], all: bool, delimiter: u8) -> Vec<(Vec<String>, usize)> {
    let mut rows = Vec::new();
    let mut at = 0;
    while at < head.len() && rows.len() < LOOK {
        let mut cells = Vec::new();
        let rest = &head[at..];
        let length =
            split_row(rest, delimiter, |field| cells.push(String::from_utf8_lossy(&field.content()).into_owned()));
        at += length;
        if at == head.len() && !all && !rest[..length].ends_with(b"\n") {
            break;
        }
        if !rest[..length].trim_ascii().is_empty() {
            rows.push((cells, at));
        }
    }
    rows
}

/// The share of rows that have the most usual number of fields (0 where that is 1), that number, the
/// rows, and the fields of the first.
fn regularity(head: &[u8], all: bool, delimiter: u8) -> (f64, usize, usize, usize) {
    let rows = rows_of(head, all, delimiter);
    let counts: Vec<usize> = rows.iter().map(|row| row.0.len()).collect();
    let Some((fields, times)) = counts
        .iter()
        .map(|&fields| (fields, counts.iter().filter(|&&other| other == fields).count()))
        .max_by_key(|&(fields, times)| (times, fields))
    else {
        return (0.0, 0, 0, 0);
    };
    (if fields < 2 { 0.0 } else { times as f64 / rows.len() as f64 }, fields, rows.len(), counts[0])
}

/// Names of columns that are common enough to prove a header.
const USUAL: [&str; 26] = [
    "id",
    "text",
    "question",
    "answer",
    "prompt",
    "completion",
    "response",
    "instruction",
    "input",
    "output",
    "label",
    "category",
    "topic",
    "dialogue",
    "utterance",
    "context",
    "source",
    "target",
    "query",
    "role",
    "content",
    "title",
    "chosen",
    "rejected",
    "system",
    "speaker",
];

/// A first row is a header if every cell could be a name (distinct, short, one line, no number, no sentence)
/// and no cell is found again below it; one usual name decides where the second part is in doubt.
fn looks_like_header(first: &[String], rows: &[(Vec<String>, usize)]) -> bool {
    let cells: Vec<&str> = first.iter().map(|cell| cell.trim()).collect();
    let named = cells.iter().filter(|cell| !cell.is_empty()).count();
    let could_be = |cell: &str| {
        cell.chars().count() <= 64
            && !cell.contains('\n')
            && cell.parse::<f64>().is_err()
            && !cell.ends_with(['.', '!', '?', ':', '。', '！', '？', '：'])
            && !cell.contains(['/', '\\'])
            && cell.split_whitespace().count() <= 8
    };
    let distinct = cells.iter().enumerate().all(|(at, cell)| cell.is_empty() || !cells[..at].contains(cell));
    if named * 2 <= cells.len() || !cells.iter().all(|cell| could_be(cell)) {
        return false;
    }
    if cells.iter().any(|cell| USUAL.contains(&cell.to_lowercase().as_str())) {
        return true;
    }
    if !distinct {
        return false;
    }
    let again = rows
        .iter()
        .any(|(row, _)| row.iter().zip(&cells).any(|(value, name)| !name.is_empty() && value.trim() == *name));
    // Single letters and short answers are values of a header-less table (A, B, C, D, answer).
    !again && cells.iter().any(|cell| cell.chars().count() > 1 && cell.chars().any(char::is_alphabetic))
}
