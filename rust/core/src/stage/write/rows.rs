//! The row that `columns/` gets for a kept record, on its way there: workers write it, the row log
//! of the current shard keeps it, and it becomes Parquet when the shard ends.

use crate::record::{Change, Changes};

/// What `columns/` says about a kept record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row<'a> {
    /// Where it came from.
    pub origin: &'a str,
    /// Its own `id`; a number as it is spelled.
    pub id: Option<&'a str>,
    /// Origin of the record that it was made from.
    pub parent: Option<&'a str>,
    /// The declared `_source`, else the name of the input file.
    pub source: &'a str,
    /// The licence that the record itself names.
    pub licence: Option<&'a str>,
    /// The declared `_category`.
    pub category: Option<&'a str>,
    /// The declared `_persona`.
    pub persona: Option<&'a str>,
    /// The declared `_traits`.
    pub traits: Vec<&'a str>,
    /// Characters of assistant text (of the text itself where the record is one).
    pub characters: u64,
    /// Characters of all turns.
    pub characters_total: u64,
    /// Turns.
    pub turns: u32,
    /// The family of schemas that it came in.
    pub family: &'a str,
    /// The dialect within the family.
    pub dialect: &'a str,
    /// The trace.
    pub changes: Changes,
}

const NONE: u32 = u32::MAX;

impl<'a> Row<'a> {
    /// Appends the row.
    pub fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        for text in [Some(self.origin), self.id, self.parent, Some(self.source), self.licence] {
            write_text(out, text);
        }
        for text in [self.category, self.persona, Some(self.family), Some(self.dialect)] {
            write_text(out, text);
        }
        out.extend_from_slice(&self.characters.to_le_bytes());
        out.extend_from_slice(&self.characters_total.to_le_bytes());
        out.extend_from_slice(&self.turns.to_le_bytes());
        out.extend_from_slice(&(self.traits.len() as u32).to_le_bytes());
        for text in &self.traits {
            write_text(out, Some(text));
        }
        let kinds = out.len();
        out.push(0);
        for (kind, times) in self.changes.iter() {
            out[kinds] += 1;
            out.push(kind as u8);
            out.extend_from_slice(&times.to_le_bytes());
        }
        let length = (out.len() - start - 4) as u32;
        out[start..start + 4].copy_from_slice(&length.to_le_bytes());
    }

    /// Takes a row from the front of `bytes`; `None` if there is not a whole one.
    pub fn take(bytes: &mut &'a [u8]) -> Option<Self> {
        let mut rest = *bytes;
        let length = take_u32(&mut rest)? as usize;
        let (mut body, rest) = rest.split_at_checked(length)?;
        let mut row = Self {
            origin: take_text(&mut body)??,
            id: take_text(&mut body)?,
            parent: take_text(&mut body)?,
            source: take_text(&mut body)??,
            licence: take_text(&mut body)?,
            category: take_text(&mut body)?,
            persona: take_text(&mut body)?,
            family: take_text(&mut body)??,
            dialect: take_text(&mut body)??,
            characters: take_u64(&mut body)?,
            characters_total: take_u64(&mut body)?,
            turns: take_u32(&mut body)?,
            ..Self::default()
        };
        for _ in 0..take_u32(&mut body)? {
            row.traits.push(take_text(&mut body)??);
        }
        let (kinds, mut body) = body.split_first()?;
        for _ in 0..*kinds {
            let (kind, after) = body.split_first()?;
            body = after;
            row.changes.add(*Change::ALL.get(usize::from(*kind))?, take_u32(&mut body)?);
        }
        *bytes = rest;
        Some(row)
    }

    /// The origin of the row at the front of `bytes`, without looking at the rest of it.
    pub fn origin_of(bytes: &'a [u8]) -> Option<&'a str> {
        let mut body = bytes.get(4..)?;
        take_text(&mut body)?
    }
}

fn write_text(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        None => out.extend_from_slice(&NONE.to_le_bytes()),
        Some(text) => {
            out.extend_from_slice(&(text.len() as u32).to_le_bytes());
            out.extend_from_slice(text.as_bytes());
        }
    }
}

fn take_u32(bytes: &mut &[u8]) -> Option<u32> {
    let (value, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u32::from_le_bytes(*value))
}

fn take_u64(bytes: &mut &[u8]) -> Option<u64> {
    let (value, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u64::from_le_bytes(*value))
}

/// Outer `None`: damaged; inner: no text.
fn take_text<'a>(bytes: &mut &'a [u8]) -> Option<Option<&'a str>> {
    match take_u32(bytes)? {
        NONE => Some(None),
        length => {
            let (text, rest) = bytes.split_at_checked(length as usize)?;
            *bytes = rest;
            std::str::from_utf8(text).ok().map(Some)
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn rows_come_back_as_they_were() {
        let mut changes = Changes::default();
        changes.add(Change::Nfc, 3);
        changes.add(Change::Merge, 1);
        let full = Row {
            origin: "in/a.jsonl:7",
            id: Some(""),
            parent: Some("in/a.jsonl:1"),
            source: "ü",
            licence: Some("mit"),
            category: Some("technical"),
            persona: None,
            traits: vec!["warm", "curious"],
            characters: 1,
            characters_total: u64::MAX,
            turns: 9,
            family: "openai",
            dialect: "messages",
            changes,
        };
        let rows = [full, Row { origin: "-:1", ..Row::default() }];
        let mut log = Vec::new();
        rows.iter().for_each(|row| row.write(&mut log));
        assert_eq!(Row::origin_of(&log).unwrap(), "in/a.jsonl:7");
        let mut rest = &log[..];
        for row in &rows {
            assert_eq!(Row::take(&mut rest).unwrap(), *row);
        }
        assert!(rest.is_empty());
        for cut in 0..log.len() - 1 {
            let mut part = &log[..cut];
            while Row::take(&mut part).is_some() {}
        }
    }
}
