//! Dialogue tables: one turn a row, the rows of a dialogue one after another with the same id. Such rows
//! are joined to one unit, an object with the id and the rows as `turns`.

use super::rows::{Table, split_row};

/// Columns that name the dialogue that a row belongs to, letters and digits in lower case.
const IDS: [&str; 9] = [
    "conversationid",
    "convid",
    "dialogueid",
    "dialogid",
    "transcriptid",
    "chatid",
    "sessionid",
    "threadid",
    "conversationno",
];
/// Columns that hold what was said.
const TEXTS: [&str; 7] = ["text", "utterance", "content", "message", "value", "utterance_text", "sentence"];
/// Columns that say who spoke, or in which order: without one of them a row may be a record of its own.
const TURNS: [&str; 18] = [
    "speaker",
    "speakerid",
    "speakeridx",
    "role",
    "from",
    "sender",
    "author",
    "interlocutor",
    "participant",
    "turn",
    "turnid",
    "turnidx",
    "turnindex",
    "turnnumber",
    "utteranceid",
    "utteranceidx",
    "utteranceindex",
    "messageid",
];

fn plain(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The column of the dialogue's id, if the columns are those of a dialogue table.
pub(super) fn id_column(columns: &[String]) -> Option<usize> {
    let has = |names: &[&str]| columns.iter().any(|column| names.contains(&plain(column).as_str()));
    let has_text = columns.iter().any(|column| TEXTS.contains(&column.as_str()));
    let id = columns.iter().position(|column| IDS.contains(&plain(column).as_str()))?;
    (has_text && has(&TURNS)).then_some(id)
}

/// Splits the first row off: its length and the bytes of its id. An empty id belongs to nothing.
pub(super) fn split_turn<'a>(bytes: &'a [u8], table: &Table, id: usize) -> (usize, std::borrow::Cow<'a, [u8]>) {
    let mut found = std::borrow::Cow::Borrowed(&b""[..]);
    let mut column = 0;
    let length = split_row(bytes, table.delimiter, |field| {
        if column == id {
            found = field.content();
        }
        column += 1;
    });
    (length, found)
}

/// Where the last dialogue of these whole rows begins: what is before holds whole dialogues. `None` if
/// all belongs to one.
pub(super) fn last_dialogue(rows: &[u8], table: &Table, id: usize) -> Option<usize> {
    let (mut at, mut begin) = (0, 0);
    let mut current = std::borrow::Cow::Borrowed(&b""[..]);
    while at < rows.len() {
        let (length, next) = split_turn(&rows[at..], table, id);
        if next.is_empty() || next != current {
            begin = at;
            current = next;
        }
        at += length;
    }
    (begin > 0).then_some(begin)
}
