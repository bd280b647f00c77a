//! The fast backend: words cut by hand-written code, a word met before costs one look into a table.

use super::definition::{Definition, Kind, Prepend, SPACE_SIGN};
use super::reference::Reference;
use super::split::{Classes, Cut};
use super::{Scratch, Tokeniser, Tokens};
use corpuskit_core::Result;
use std::collections::HashMap;
use unicode_normalization::is_nfc;

/// Byte-pair tokenizers of the two usual kinds: over bytes (GPT-2, Llama 3, Qwen) and over characters
/// with bytes to fall back on (Llama 2, Mistral, Phi-3, Gemma).
#[derive(Debug)]
pub struct Fast {
    definition: Definition,
    classes: &'static Classes,
    /// Takes over what the fast way does not cover: texts that are not composed, or that hold `▁` themselves.
    reference: Option<Reference>,
}

impl Fast {
    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    /// With what it has that is not known here.
    pub fn new(json: &str, reference: &Reference) -> std::result::Result<Self, String> {
        let value = serde_json::from_str(json).map_err(|error| error.to_string())?;
        let mut definition = Definition::read(&value)?;
        definition.lengths.resize(reference.vocabulary() as usize, 0);
        Ok(Self { definition, classes: Classes::get()?, reference: None })
    }

    /// With a reference for the texts that the fast way does not cover.
    pub(super) fn backed_by(self, reference: Reference) -> Self {
        Self { reference: Some(reference), ..self }
    }

    /// Whether the fast way covers a text.
    pub(super) fn covers(&self, text: &str) -> bool {
        match &self.definition.kind {
            Kind::Bytes { nfc, .. } => !nfc || text.is_ascii() || is_nfc(text),
            Kind::Characters { .. } => text.is_ascii() || !text.contains(SPACE_SIGN),
        }
    }

    /// A piece without control tokens.
    fn piece(&self, piece: &str, first: bool, scratch: &mut Scratch, out: &mut Tokens) {
        match &self.definition.kind {
            Kind::Bytes { cut, bytes, .. } => self.words(piece, *cut, bytes, scratch, out),
            Kind::Characters { prepend, each_space, characters, bytes } => {
                let space = match prepend {
                    Prepend::Never => false,
                    Prepend::Always => true,
                    Prepend::Unless => !piece.starts_with(' '),
                    Prepend::First => first && !piece.starts_with(' '),
                };
                self.spaced(piece, space, *each_space, (characters, bytes), scratch, out);
            }
        }
    }

    /// Byte-level words.
    fn words(&self, piece: &str, cut: Cut, bytes: &[u32; 256], scratch: &mut Scratch, out: &mut Tokens) {
        let Scratch { words, merge, .. } = scratch;
        let mut at = 0;
        while at < piece.len() {
            let end = self.classes.word(cut, piece, at);
            let word = &piece.as_bytes()[at..end];
            at = end;
            let place = match words.get(word) {
                Ok(ids) => {
                    self.push(ids, 0, out);
                    continue;
                }
                Err(place) => place,
            };
            merge.symbols.clear();
            match self.definition.whole.as_ref().and_then(|whole| whole.get(word)) {
                Some(&id) => merge.symbols.push(id),
                None => {
                    merge.symbols.extend(word.iter().map(|&byte| bytes[usize::from(byte)]));
                    merge.run(&self.definition.merges);
                }
            }
            words.put(place, word, &merge.symbols);
            self.push(&merge.symbols, 0, out);
        }
    }

    /// Words that begin with spaces; `space`: one is put in front.
    fn spaced(
        &self,
        piece: &str,
        space: bool,
        each_space: bool,
        (characters, bytes): (&HashMap<char, u32>, &[u32; 256]),
        scratch: &mut Scratch,
        out: &mut Tokens,
    ) {
        let Scratch { words, merge, word: buffer } = scratch;
        let all = piece.as_bytes();
        let mut at = 0;
        let mut before = space;
        while at < all.len() {
            let spaces = all[at..].iter().take_while(|byte| **byte == b' ').count();
            let start = match (each_space, before) {
                // The space in front is a word of its own if another follows.
                (true, true) if spaces > 0 => at,
                (true, _) => at + spaces.min(1),
                (false, _) => at + spaces,
            };
            let end = if each_space && before && spaces > 0 {
                at
            } else {
                memchr::memchr(b' ', &all[start..]).map_or(all.len(), |length| start + length)
            };
            let word: &[u8] = if before {
                buffer.clear();
                buffer.push(b' ');
                buffer.extend_from_slice(&all[at..end]);
                buffer
            } else {
                &all[at..end]
            };
            let added = u32::from(before);
            let text = &piece[at..end];
            (at, before) = (end, false);
            let place = match words.get(word) {
                Ok(ids) => {
                    self.push(ids, added, out);
                    continue;
                }
                Err(place) => place,
            };
            merge.symbols.clear();
            let sign = characters.get(&SPACE_SIGN).copied().unwrap_or_default();
            merge.symbols.extend((0..added).map(|_| sign));
            for c in text.chars() {
                match characters.get(&if c == ' ' { SPACE_SIGN } else { c }) {
                    Some(&id) => merge.symbols.push(id),
                    None => {
                        let mut utf8 = [0; 4];
                        let utf8 = c.encode_utf8(&mut utf8).bytes();
                        merge.symbols.extend(utf8.map(|byte| bytes[usize::from(byte)]));
                    }
                }
            }
            merge.run(&self.definition.merges);
            words.put(place, word, &merge.symbols);
            self.push(&merge.symbols, added, out);
        }
    }

    /// Appends a word's tokens; `added` bytes of it are not in the text.
    #[inline]
    fn push(&self, ids: &[u32], mut added: u32, out: &mut Tokens) {
        let mut end = out.ends.last().copied().unwrap_or(0);
        out.ids.extend_from_slice(ids);
        for &id in ids {
            let length = self.definition.lengths[id as usize];
            let hidden = added.min(length);
            added -= hidden;
            end += length - hidden;
            out.ends.push(end);
        }
    }

    fn all(&self, text: &str, scratch: &mut Scratch, out: &mut Tokens) {
        let mut start = 0;
        let part = |id: Option<u32>, part: &str, first: bool, scratch: &mut Scratch, out: &mut Tokens| {
            if let Some(id) = id {
                let end = out.ends.last().copied().unwrap_or(0) + part.len() as u32;
                out.ids.push(id);
                out.ends.push(end);
                return;
            }
            let Some(second) = &self.definition.second else { return self.piece(part, first, scratch, out) };
            let _ = second.parts(part, |id, part| {
                match id {
                    Some(id) => {
                        out.ids.push(id);
                        out.ends.push(out.ends.last().copied().unwrap_or(0) + part.len() as u32);
                    }
                    None => self.piece(part, first, scratch, out),
                }
                Ok::<(), std::convert::Infallible>(())
            });
        };
        let Some(first) = &self.definition.first else { return part(None, text, true, scratch, out) };
        let _ = first.parts(text, |id, found| {
            part(id, found, start == 0, scratch, out);
            start += found.len();
            Ok::<(), std::convert::Infallible>(())
        });
    }
}

impl Tokeniser for Fast {
    fn name(&self) -> String {
        "the fast backend".to_owned()
    }

    fn encode(&self, text: &str, scratch: &mut Scratch, out: &mut Tokens) -> Result<()> {
        match &self.reference {
            Some(reference) if !self.covers(text) => reference.encode(text, scratch, out),
            _ => {
                self.all(text, scratch, out);
                Ok(())
            }
        }
    }
}
