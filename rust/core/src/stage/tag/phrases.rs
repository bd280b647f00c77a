//! Tier 1: words and phrases, looked up by hash on the word stream.
//!
//! `feel lonely` matches those two words in a row; `lonel*` any word that begins so; a `*` may only end a
//! word. All phrases of all packs share one table keyed by their first word, so the cost does
//! not grow with the number of rules.

use super::words::{self, MAX_STEM, Word};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// One word of a phrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    hash: u64,
    /// Bytes of a `stem*`; 0 for a whole word.
    stem: u8,
}

/// The keys are hashes already.
#[derive(Debug, Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, &byte| words::fold(hash, byte));
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value.rotate_left(32);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

type Table = HashMap<u64, Vec<u32>, BuildHasherDefault<Identity>>;

/// The shared table of phrases.
#[derive(Debug, Default)]
pub struct Phrases {
    /// First word -> the phrases that begin with it.
    first: Table,
    /// First stem -> likewise.
    stems: Table,
    /// The stem lengths in use.
    stem_lengths: Vec<u8>,
    /// Every phrase: the words after the first, and what it stands for.
    phrases: Vec<(Vec<Piece>, u32)>,
}

impl Phrases {
    /// Adds a phrase for `owner`.
    ///
    /// # Errors
    /// Where it has no word, or a `*` that does not end a word, or a stem over 12 bytes.
    pub fn add(&mut self, phrase: &str, owner: u32) -> Result<(), String> {
        let pieces = pieces(phrase)?;
        let (head, rest) = pieces.split_first().ok_or_else(|| format!("`{phrase}` has no word"))?;
        let id = self.phrases.len() as u32;
        self.phrases.push((rest.to_vec(), owner));
        if head.stem == 0 {
            self.first.entry(head.hash).or_default().push(id);
        } else {
            if !self.stem_lengths.contains(&head.stem) {
                self.stem_lengths.push(head.stem);
                self.stem_lengths.sort_unstable();
            }
            self.stems.entry(head.hash).or_default().push(id);
        }
        Ok(())
    }

    /// Calls `hit(owner, start, end)` for every phrase in the text, in order of its place.
    pub fn find(&self, text: &str, words: &[Word], mut hit: impl FnMut(u32, u32, u32)) {
        for (at, word) in words.iter().enumerate() {
            if let Some(ids) = self.first.get(&word.hash) {
                self.try_all(ids, text, words, at, &mut hit);
            }
            if self.stem_lengths.is_empty() {
                continue;
            }
            let mut hash = words::EMPTY;
            let mut taken = 0;
            let lengths = &self.stem_lengths;
            let mut next = 0;
            stem_hashes(&text[word.start as usize..word.end as usize], |byte| {
                hash = words::fold(hash, byte);
                taken += 1;
                if lengths.get(next) == Some(&taken) {
                    next += 1;
                    if let Some(ids) = self.stems.get(&hash) {
                        self.try_all(ids, text, words, at, &mut hit);
                    }
                }
                next < lengths.len()
            });
        }
    }

    fn try_all(&self, ids: &[u32], text: &str, words: &[Word], at: usize, hit: &mut impl FnMut(u32, u32, u32)) {
        for &id in ids {
            let (rest, owner) = &self.phrases[id as usize];
            let Some(following) = words.get(at + 1..at + 1 + rest.len()) else { continue };
            if rest.iter().zip(following).all(|(piece, word)| piece.matches(text, word)) {
                hit(*owner, words[at].start, words[at + rest.len()].end);
            }
        }
    }
}

impl Piece {
    fn matches(&self, text: &str, word: &Word) -> bool {
        if self.stem == 0 {
            return self.hash == word.hash;
        }
        let mut hash = words::EMPTY;
        let mut taken = 0;
        stem_hashes(&text[word.start as usize..word.end as usize], |byte| {
            hash = words::fold(hash, byte);
            taken += 1;
            taken < self.stem
        });
        taken == self.stem && hash == self.hash
    }
}

/// Feeds the lower-cased bytes of a word until `more` says no, at most `MAX_STEM`.
fn stem_hashes(word: &str, mut more: impl FnMut(u8) -> bool) {
    let mut fed = 0;
    let mut buffer = [0u8; 4];
    for letter in word.chars() {
        for lower in letter.to_lowercase() {
            for &byte in lower.encode_utf8(&mut buffer).as_bytes() {
                fed += 1;
                if !more(byte) || fed == MAX_STEM {
                    return;
                }
            }
        }
    }
}

fn pieces(phrase: &str) -> Result<Vec<Piece>, String> {
    let lower = phrase.to_lowercase();
    let mut found = Vec::new();
    words::scan(&lower, &mut found);
    let stars = lower.matches('*').count();
    let mut used = 0;
    let pieces = found
        .iter()
        .map(|word| {
            let after = &lower.as_bytes()[word.end as usize..];
            let starred = after.first() == Some(&b'*') && after.get(1).is_none_or(u8::is_ascii_whitespace);
            used += usize::from(starred);
            let length = (word.end - word.start) as usize;
            if starred && length > MAX_STEM {
                return Err(format!("`{phrase}`: a stem before `*` has at most {MAX_STEM} bytes"));
            }
            Ok(Piece { hash: word.hash, stem: if starred { length as u8 } else { 0 } })
        })
        .collect::<Result<Vec<_>, _>>()?;
    if used == stars { Ok(pieces) } else { Err(format!("`{phrase}`: `*` may only end a word")) }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn find(phrases: &[&str], text: &str) -> Vec<(u32, String)> {
        let mut table = Phrases::default();
        for (owner, phrase) in phrases.iter().enumerate() {
            table.add(phrase, owner as u32).unwrap();
        }
        let mut words = Vec::new();
        words::scan(text, &mut words);
        let mut hits = Vec::new();
        table.find(text, &words, |owner, start, end| hits.push((owner, text[start as usize..end as usize].to_owned())));
        hits
    }

    #[test]
    fn phrases_are_words_in_a_row() {
        assert_eq!(find(&["i'm feeling", "lonel*", "so lon*ely"].split_at(2).0, "I’m Feeling lonely; i feel"), [
            (0, "I’m Feeling".to_owned()),
            (1, "lonely".to_owned())
        ]);
        assert_eq!(find(&["can not sleep*"], "I can not SLEEPwalk"), [(0, "can not SLEEPwalk".to_owned())]);
        assert_eq!(find(&["不开心"], "我今天不开心。"), [(0, "不开心".to_owned())]);
        assert!(find(&["lone"], "lonely").is_empty());
    }

    #[test]
    fn a_star_inside_a_word_and_an_empty_phrase_are_refused() {
        let mut table = Phrases::default();
        assert_eq!(table.add("lon*ely", 0).unwrap_err(), "`lon*ely`: `*` may only end a word");
        assert_eq!(table.add("?!", 0).unwrap_err(), "`?!` has no word");
    }
}
