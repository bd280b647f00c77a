//! The row that `columns/` gets for a kept record, on its way there: workers write it, the row log
//! of the current shard keeps it, and it becomes Parquet when the shard ends.

use crate::record::labels::Label;
use crate::record::{Change, Changes, Labels};

/// What `columns/` says about a kept record.
#[derive(Clone, Debug, Default)]
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
    /// The declared `_category`, else the label.
    pub category: Option<&'a str>,
    /// The declared `_persona`, else the label.
    pub persona: Option<&'a str>,
    /// The declared `_traits`, else the labels.
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
    /// What was observed.
    pub labels: Labels<'a>,
    /// The same, read back from a file: column and tag of the columns that not every run has.
    pub observed: Vec<(&'a str, &'a str)>,
}

/// A row as it lies in the log: fields as bytes that nothing looked at yet.
///
/// In the log: the length of the rest (u32); the origin; a byte with a bit for each optional field
/// that follows; characters, characters of all turns, turns; source, family, dialect; the optional
/// texts; traits, changes, labels and places, each with their number. Texts stand behind their length (u32).
pub(super) struct RowBytes<'a> {
    pub origin: &'a [u8],
    /// Source, family, dialect.
    pub named: [&'a [u8]; 3],
    /// How these three are spelled in the log: equal bytes, equal texts.
    pub named_raw: &'a [u8],
    /// Id, parent, licence, category, persona.
    pub optional: [Option<&'a [u8]>; OPTIONAL],
    pub characters: u64,
    pub characters_total: u64,
    pub turns: u32,
    traits: Listed<'a>,
    changes: Listed<'a>,
    labels: Listed<'a>,
    places: Listed<'a>,
}

/// Items of a list, one after another.
#[derive(Clone, Copy, Default)]
struct Listed<'a> {
    number: u32,
    bytes: &'a [u8],
}

pub(super) const OPTIONAL: usize = 5;
const TRAITS: u8 = 1 << OPTIONAL;
const CHANGES: u8 = 2 << OPTIONAL;
const LABELS: u8 = 4 << OPTIONAL;

/// Bytes of a label and of a place.
const LABEL: usize = 8;
const PLACE: usize = 16;

impl<'a> Row<'a> {
    /// Appends the row.
    pub fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        let optional = [self.id, self.parent, self.licence, self.category, self.persona];
        let has_changes = !self.changes.is_empty();
        let has_labels = !self.labels.given.is_empty();
        let mut present = if self.traits.is_empty() { 0 } else { TRAITS }
            | if has_changes { CHANGES } else { 0 }
            | if has_labels { LABELS } else { 0 };
        for (bit, text) in optional.iter().enumerate() {
            present |= u8::from(text.is_some()) << bit;
        }
        out.extend_from_slice(&[0; 4]);
        write_text(out, self.origin);
        let mut numbers = [0; 21];
        numbers[0] = present;
        numbers[1..9].copy_from_slice(&self.characters.to_le_bytes());
        numbers[9..17].copy_from_slice(&self.characters_total.to_le_bytes());
        numbers[17..].copy_from_slice(&self.turns.to_le_bytes());
        out.extend_from_slice(&numbers);
        for text in [self.source, self.family, self.dialect] {
            write_text(out, text);
        }
        if present != 0 {
            optional.into_iter().flatten().for_each(|text| write_text(out, text));
            if !self.traits.is_empty() {
                out.extend_from_slice(&(self.traits.len() as u32).to_le_bytes());
                self.traits.iter().for_each(|text| write_text(out, text));
            }
            if has_changes {
                out.extend_from_slice(&(self.changes.iter().count() as u32).to_le_bytes());
                for (kind, times) in self.changes.iter() {
                    out.push(kind as u8);
                    out.extend_from_slice(&times.to_le_bytes());
                }
            }
            if has_labels {
                self.write_labels(out);
            }
        }
        let length = (out.len() - start - 4) as u32;
        out[start..start + 4].copy_from_slice(&length.to_le_bytes());
    }

    fn write_labels(&self, out: &mut Vec<u8>) {
        let Labels { given, places } = self.labels;
        out.extend_from_slice(&(given.len() as u32).to_le_bytes());
        for label in given {
            out.extend_from_slice(&label.column.to_le_bytes());
            out.extend_from_slice(&label.tag.to_le_bytes());
            out.extend_from_slice(&label.score.to_le_bytes());
        }
        out.extend_from_slice(&(places.len() as u32).to_le_bytes());
        for place in places {
            for number in [place.rule, place.turn, place.start, place.end] {
                out.extend_from_slice(&number.to_le_bytes());
            }
        }
    }

    /// The origin of the row at the front of `bytes`, without looking at the rest of it.
    pub fn origin_of(bytes: &'a [u8]) -> Option<&'a str> {
        let mut body = bytes.get(4..)?;
        std::str::from_utf8(take_text(&mut body)?).ok()
    }
}

impl<'a> RowBytes<'a> {
    /// Takes a row from the front of `bytes`; `None` if there is not a whole one. `before` is the
    /// row before it, if any: most rows name the same source and schema.
    #[inline]
    pub fn take(bytes: &mut &'a [u8], before: Option<&Self>) -> Option<Self> {
        let mut rest = *bytes;
        let length = take_u32(&mut rest)? as usize;
        let (mut body, rest) = rest.split_at_checked(length)?;
        let origin = take_text(&mut body)?;
        let (&present, after) = body.split_first()?;
        body = after;
        let (characters, characters_total, turns) = (take_u64(&mut body)?, take_u64(&mut body)?, take_u32(&mut body)?);
        let (named, named_raw) = match before {
            Some(before) if body.starts_with(before.named_raw) => {
                body = &body[before.named_raw.len()..];
                (before.named, before.named_raw)
            }
            _ => {
                let all = body;
                let named = [take_text(&mut body)?, take_text(&mut body)?, take_text(&mut body)?];
                (named, &all[..all.len() - body.len()])
            }
        };
        let mut optional = [None; OPTIONAL];
        let [mut traits, mut changes, mut labels, mut places] = [Listed::default(); 4];
        if present != 0 {
            for (bit, text) in optional.iter_mut().enumerate() {
                if present & (1 << bit) != 0 {
                    *text = Some(take_text(&mut body)?);
                }
            }
            if present & TRAITS != 0 {
                traits.number = take_u32(&mut body)?;
                let all = body;
                for _ in 0..traits.number {
                    take_text(&mut body)?;
                }
                traits.bytes = &all[..all.len() - body.len()];
            }
            if present & CHANGES != 0 {
                changes.number = take_u32(&mut body)?;
                changes.bytes = take_items(&mut body, changes.number, 5)?;
            }
            if present & LABELS != 0 {
                labels.number = take_u32(&mut body)?;
                labels.bytes = take_items(&mut body, labels.number, LABEL)?;
                places.number = take_u32(&mut body)?;
                places.bytes = take_items(&mut body, places.number, PLACE)?;
            }
        }
        *bytes = rest;
        Some(Self {
            origin,
            named,
            named_raw,
            optional,
            characters,
            characters_total,
            turns,
            traits,
            changes,
            labels,
            places,
        })
    }

    /// The traits.
    pub fn traits(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let mut rest = self.traits.bytes;
        (0..self.traits.number).map_while(move |_| take_text(&mut rest))
    }

    /// The trace; a kind that is unknown ends it.
    pub fn changes(&self) -> impl Iterator<Item = (Change, u32)> + use<'a> {
        let mut rest = self.changes.bytes;
        (0..self.changes.number).map_while(move |_| {
            let (&kind, after) = rest.split_first()?;
            rest = after;
            Some((*Change::ALL.get(usize::from(kind))?, take_u32(&mut rest)?))
        })
    }

    /// The labels.
    pub fn labels(&self) -> impl Iterator<Item = Label> + use<'a> {
        self.labels.bytes.chunks_exact(LABEL).map(|item| Label {
            column: u16::from_le_bytes([item[0], item[1]]),
            tag: u16::from_le_bytes([item[2], item[3]]),
            score: f32::from_le_bytes([item[4], item[5], item[6], item[7]]),
        })
    }

    /// The places: rule, turn, start, end.
    pub fn places(&self) -> impl Iterator<Item = [u32; 4]> + use<'a> {
        let number = |item: &[u8], at: usize| u32::from_le_bytes([item[at], item[at + 1], item[at + 2], item[at + 3]]);
        self.places.bytes.chunks_exact(PLACE).map(move |item| [0, 4, 8, 12].map(|at| number(item, at)))
    }
}

fn take_items<'a>(bytes: &mut &'a [u8], number: u32, size: usize) -> Option<&'a [u8]> {
    let (items, rest) = bytes.split_at_checked((number as usize).checked_mul(size)?)?;
    *bytes = rest;
    Some(items)
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&(text.len() as u32).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
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

fn take_text<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take_u32(bytes)? as usize;
    let (text, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(text)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::record::labels::Place;

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
            labels: Labels {
                given: &[Label { column: 3, tag: 9, score: 1.5 }, Label { column: 4, tag: 0, score: 0.0 }],
                places: &[Place { rule: 70_000, turn: 1, start: 2, end: u32::MAX }],
            },
            observed: Vec::new(),
        };
        let other = Row { origin: "-:1", ..Row::default() };
        let rows = [full.clone(), full, other.clone(), Row { origin: "-:2", ..other.clone() }, other];
        let mut log = Vec::new();
        rows.iter().for_each(|row| row.write(&mut log));
        assert_eq!(Row::origin_of(&log).unwrap(), "in/a.jsonl:7");
        let mut rest = &log[..];
        let mut before = None;
        for row in &rows {
            let bytes = RowBytes::take(&mut rest, before.as_ref()).unwrap();
            let text = |bytes: &'static [u8]| std::str::from_utf8(bytes).unwrap();
            let text = |bytes: &[u8]| text(bytes.to_vec().leak());
            let mut changes = Changes::default();
            bytes.changes().for_each(|(kind, times)| changes.add(kind, times));
            let [id, parent, licence, category, persona] = bytes.optional.map(|field| field.map(text));
            let back = Row {
                origin: text(bytes.origin),
                id,
                parent,
                source: text(bytes.named[0]),
                licence,
                category,
                persona,
                traits: bytes.traits().map(text).collect(),
                characters: bytes.characters,
                characters_total: bytes.characters_total,
                turns: bytes.turns,
                family: text(bytes.named[1]),
                dialect: text(bytes.named[2]),
                changes,
                ..Row::default()
            };
            let without = Row { labels: Labels::default(), ..row.clone() };
            assert_eq!(format!("{back:?}"), format!("{without:?}"));
            assert!(bytes.labels().eq(row.labels.given.iter().copied()));
            let places = row.labels.places.iter().map(|place| [place.rule, place.turn, place.start, place.end]);
            assert!(bytes.places().eq(places));
            before = Some(bytes);
        }
        assert!(rest.is_empty());
        for cut in 0..log.len() - 1 {
            let mut part = &log[..cut];
            while RowBytes::take(&mut part, None).is_some() {}
        }
    }
}
