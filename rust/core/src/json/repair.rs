//! Mending text that is almost JSON, as byte edits, so that a place in the mended text can be
//! named in the source. The strict parser judges the result; nothing here decides what is JSON.
//!
//! This is the slow path: it runs on a text that the parser refused, never on a good one.

use super::parse::parse_keeping_duplicates;
use super::{Defect, DefectKind, Kind, Limits, Node};
use bumpalo::Bump;
use std::borrow::Cow;
use std::collections::HashMap;

/// One replaced range.
#[derive(Clone, Debug)]
struct Edit {
    at: usize,
    removed: usize,
    put: Cow<'static, str>,
    kind: DefectKind,
}

/// One mended place of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mended {
    /// What was wrong.
    pub kind: DefectKind,
    /// Where, as a byte offset in the source.
    pub byte: usize,
    /// How many bytes of the source were replaced.
    pub removed: usize,
    /// What was put there.
    pub put: String,
}

/// A mended text and the way back to its source.
#[derive(Debug, Default)]
pub struct Repair {
    /// Each round's edits in its own coordinates, in order.
    rounds: Vec<Vec<Edit>>,
}

impl Repair {
    /// The place in the source of a place in the mended text.
    pub fn source_place(&self, byte: usize) -> usize {
        place_before(&self.rounds, byte)
    }

    /// Every place that was mended, in the order of the mending.
    pub fn mends(&self) -> impl Iterator<Item = Mended> + '_ {
        self.rounds.iter().enumerate().flat_map(move |(round, edits)| {
            edits.iter().map(move |edit| {
                let byte = place_before(&self.rounds[..round], edit.at);
                let end = place_before(&self.rounds[..round], edit.at + edit.removed);
                let removed = end.saturating_sub(byte);
                Mended { kind: edit.kind, byte, removed, put: edit.put.clone().into_owned() }
            })
        })
    }

    /// How often each kind was mended, in no kind twice.
    pub fn mended(&self) -> Vec<(DefectKind, u32)> {
        let mut counts: Vec<(DefectKind, u32)> = Vec::new();
        for edit in self.rounds.iter().flatten() {
            match counts.iter_mut().find(|(kind, _)| *kind == edit.kind) {
                Some((_, count)) => *count = count.saturating_add(1),
                None => counts.push((edit.kind, 1)),
            }
        }
        counts
    }

    /// Reads bytes that are not UTF-8: what is valid stays, each other byte is Windows-1252, as
    /// browsers read it. A file of that encoding has hardly any valid sequence by chance.
    pub fn decode<'a>(&mut self, bytes: &[u8], arena: &'a Bump) -> &'a str {
        let mut edits = Vec::new();
        let mut out = bumpalo::collections::String::with_capacity_in(bytes.len() + 64, arena);
        let mut at = 0;
        for chunk in bytes.utf8_chunks() {
            out.push_str(chunk.valid());
            at += chunk.valid().len();
            for byte in chunk.invalid() {
                let (text, _) = encoding_rs::WINDOWS_1252.decode_without_bom_handling(std::slice::from_ref(byte));
                out.push_str(&text);
                edits.push(Edit { at, removed: 1, put: Cow::Owned(text.into_owned()), kind: DefectKind::Encoding });
                at += 1;
            }
        }
        self.rounds.push(edits);
        out.into_bump_str()
    }

    /// Mends what is wrong between and inside tokens, of the kinds that `wanted` says yes to.
    /// `None`: there was nothing to mend.
    pub fn tokens<'a>(&mut self, text: &str, arena: &'a Bump, wanted: impl Fn(DefectKind) -> bool) -> Option<&'a str> {
        let edits = token_edits(text, wanted);
        self.apply(text, edits, arena)
    }

    /// Removes all but the last of equal keys of each object. `Err`: the text has another defect.
    pub fn duplicates<'a>(
        &mut self,
        text: &'a str,
        arena: &'a Bump,
        limits: Limits,
    ) -> Result<Option<&'a str>, Defect> {
        let node = parse_keeping_duplicates(text, arena, limits)?;
        let mut edits = Vec::new();
        duplicate_edits(&node, text, &mut edits);
        edits.sort_by_key(|edit| edit.at);
        // What stands inside a removed member goes with it.
        let mut end = 0;
        edits.retain(|edit| {
            let keep = edit.at >= end;
            end = end.max(edit.at + edit.removed);
            keep
        });
        Ok(self.apply(text, edits, arena))
    }

    fn apply<'a>(&mut self, text: &str, edits: Vec<Edit>, arena: &'a Bump) -> Option<&'a str> {
        if edits.is_empty() {
            return None;
        }
        let mut out = bumpalo::collections::String::with_capacity_in(text.len() + edits.len() * 6, arena);
        let mut copied = 0;
        for edit in &edits {
            out.push_str(&text[copied..edit.at]);
            out.push_str(&edit.put);
            copied = edit.at + edit.removed;
        }
        out.push_str(&text[copied..]);
        self.rounds.push(edits);
        Some(out.into_bump_str())
    }
}

/// The place before these rounds of edits of a place after them.
fn place_before(rounds: &[Vec<Edit>], byte: usize) -> usize {
    rounds.iter().rev().fold(byte, |byte, edits| {
        let mut shift = 0isize;
        for edit in edits {
            let start = edit.at as isize + shift;
            if (byte as isize) < start {
                break;
            }
            if (byte as isize) < start + edit.put.len() as isize {
                return edit.at;
            }
            shift += edit.put.len() as isize - edit.removed as isize;
        }
        (byte as isize - shift).max(0) as usize
    })
}

fn token_edits(text: &str, wanted: impl Fn(DefectKind) -> bool) -> Vec<Edit> {
    let bytes = text.as_bytes();
    let mut edits = Vec::new();
    let mut edit = |at, removed, put: &'static str, kind| {
        if wanted(kind) {
            edits.push(Edit { at, removed, put: Cow::Borrowed(put), kind });
        }
    };
    let mut at = 0;
    // Last byte that was not white space: tells a place for a value from one after it.
    let mut before = b'[';
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at = string_edits(bytes, at + 1, &mut edit);
                before = b'"';
                continue;
            }
            b' ' | b'\t' | b'\n' | b'\r' => {
                at += 1;
                continue;
            }
            b',' if !matches!(before, b'[' | b'{' | b',' | b':') => {
                let next = bytes[at + 1..].iter().find(|byte| !byte.is_ascii_whitespace());
                if matches!(next, None | Some(b']' | b'}')) {
                    edit(at, 1, "", DefectKind::TrailingComma);
                    at += 1;
                    continue;
                }
            }
            b'N' | b'I' | b'-' if matches!(before, b'[' | b',' | b':') => {
                let word =
                    [&b"NaN"[..], b"Infinity", b"-Infinity"].into_iter().find(|word| bytes[at..].starts_with(word));
                if let Some(word) = word {
                    edit(at, word.len(), "null", DefectKind::NonFinite);
                    at += word.len();
                    before = b'0';
                    continue;
                }
            }
            _ => {}
        }
        before = byte;
        at += 1;
    }
    edits
}

/// Goes through a string from behind its first quote; where it goes on after it.
fn string_edits(bytes: &[u8], mut at: usize, edit: &mut impl FnMut(usize, usize, &'static str, DefectKind)) -> usize {
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' if bytes.get(at + 1) == Some(&b'u') => {
                let unit = |at: usize| {
                    let digits = std::str::from_utf8(bytes.get(at + 2..at + 6)?).ok()?;
                    (bytes[at] == b'\\' && bytes[at + 1] == b'u')
                        .then(|| u16::from_str_radix(digits, 16).ok())
                        .flatten()
                };
                match unit(at) {
                    Some(0xD800..=0xDBFF) if unit(at + 6).is_some_and(|low| (0xDC00..=0xDFFF).contains(&low)) => {
                        at += 12
                    }
                    Some(0xD800..=0xDFFF) => {
                        edit(at, 6, "\\ufffd", DefectKind::LoneSurrogate);
                        at += 6;
                    }
                    Some(_) => at += 6,
                    None => at += 2,
                }
            }
            b'\\' => {
                at += 2;
            }
            0..0x20 => {
                edit(at, 1, ESCAPED[usize::from(byte)], DefectKind::Control);
                at += 1;
            }
            _ => at += 1,
        }
    }
    bytes.len()
}

const ESCAPED: [&str; 32] = [
    "\\u0000", "\\u0001", "\\u0002", "\\u0003", "\\u0004", "\\u0005", "\\u0006", "\\u0007", "\\b", "\\t", "\\n",
    "\\u000b", "\\f", "\\r", "\\u000e", "\\u000f", "\\u0010", "\\u0011", "\\u0012", "\\u0013", "\\u0014", "\\u0015",
    "\\u0016", "\\u0017", "\\u0018", "\\u0019", "\\u001a", "\\u001b", "\\u001c", "\\u001d", "\\u001e", "\\u001f",
];

/// The removals that leave the last of equal keys. The depth of `node` is bounded by the parser.
fn duplicate_edits(node: &Node<'_>, text: &str, edits: &mut Vec<Edit>) {
    let offset = |part: &str| part.as_ptr() as usize - text.as_ptr() as usize;
    match node.kind {
        Kind::Array(items) => items.iter().for_each(|item| duplicate_edits(item, text, edits)),
        Kind::Object(members) => {
            let last: HashMap<&str, usize> =
                members.iter().enumerate().map(|(index, member)| (member.key, index)).collect();
            for (index, member) in members.iter().enumerate() {
                if last.get(member.key) == Some(&index) {
                    duplicate_edits(&member.value, text, edits);
                } else if let Some(next) = members.get(index + 1) {
                    let at = offset(member.raw_key);
                    let removed = offset(next.raw_key) - at;
                    edits.push(Edit { at, removed, put: Cow::Borrowed(""), kind: DefectKind::DuplicateKey });
                }
            }
        }
        _ => {}
    }
}
