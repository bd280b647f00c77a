//! Tier 1: words and phrases, looked up by hash on the word stream.
//!
//! `feel lonely` matches those two words in a row; `lonel*` any word that begins so; a `*` may only end a
//! word. All phrases of all packs share one table keyed by their first word, so the cost does
//! not grow with the number of rules.

use super::words::{self, Word};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// The fewest bytes of a stem.
const STEM: usize = 3;

/// One word of a phrase.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    /// The whole word.
    Word(u64),
    /// Any word that begins so (lower case).
    Stem(Box<str>),
}

/// The keys are hashes already.
#[derive(Debug, Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = words::hash_bytes(bytes);
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

type Table = HashMap<u64, Vec<u32>, BuildHasherDefault<Identity>>;

/// The shared table of phrases.
#[derive(Debug)]
pub struct Phrases {
    /// A bit for the low 16 bits of every first word's hash: most words of a text end here.
    filter: Box<[u64; 1024]>,
    /// First word -> the phrases of that word alone, or with a stem after it.
    first: Table,
    /// First two words -> the longer phrases.
    pairs: Table,
    /// A bit for the low 16 bits of every pair's hash.
    pair_filter: Box<[u64; 1024]>,
    /// The first three bytes of a stem -> the phrases that begin with it.
    stems: Table,
    /// A bit for a hash of these bytes.
    stem_filter: Box<[u64; 64]>,
    /// Every phrase: its words, and what it stands for.
    phrases: Vec<(Vec<Piece>, u32)>,
}

impl Default for Phrases {
    fn default() -> Self {
        Self {
            filter: Box::new([0; 1024]),
            first: Table::default(),
            pairs: Table::default(),
            pair_filter: Box::new([0; 1024]),
            stems: Table::default(),
            stem_filter: Box::new([0; 64]),
            phrases: Vec::new(),
        }
    }
}

fn pair_hash(first: u64, second: u64) -> u64 {
    let mixed = (first.rotate_left(29) ^ second).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed ^ mixed >> 32
}

fn set(filter: &mut [u64; 1024], hash: u64) {
    let low = (hash & 0xFFFF) as usize;
    filter[low / 64] |= 1 << (low % 64);
}

fn has(filter: &[u64; 1024], hash: u64) -> bool {
    let low = (hash & 0xFFFF) as usize;
    filter[low / 64] >> (low % 64) & 1 == 1
}

fn stem_bit(head: u32) -> usize {
    (head.wrapping_mul(0x9E37_79B1) >> 20) as usize
}

impl Phrases {
    /// Adds a phrase for `owner`.
    ///
    /// # Errors
    /// Where it has no word, or a `*` that does not end a word, or a stem under three bytes.
    pub fn add(&mut self, phrase: &str, owner: u32) -> Result<(), String> {
        let pieces = pieces(phrase)?;
        let id = self.phrases.len() as u32;
        match pieces.as_slice() {
            [] => return Err(format!("`{phrase}` has no word")),
            [Piece::Word(first), Piece::Word(second), ..] => {
                let hash = pair_hash(*first, *second);
                set(&mut self.pair_filter, hash);
                self.pairs.entry(hash).or_default().push(id);
            }
            [Piece::Word(hash), ..] => {
                set(&mut self.filter, *hash);
                self.first.entry(*hash).or_default().push(id);
            }
            [Piece::Stem(stem), ..] => {
                let head = words::head(stem.as_bytes());
                let bit = stem_bit(head);
                self.stem_filter[bit / 64] |= 1 << (bit % 64);
                self.stems.entry(u64::from(head)).or_default().push(id);
            }
        }
        self.phrases.push((pieces, owner));
        Ok(())
    }

    /// Calls `hit(owner, start, end)` for every phrase in the text, in order of its place.
    pub fn find(&self, text: &str, words: &[Word], mut hit: impl FnMut(u32, u32, u32)) {
        for (at, word) in words.iter().enumerate() {
            if has(&self.filter, word.hash)
                && let Some(ids) = self.first.get(&word.hash)
            {
                self.try_all(ids, text, words, at, &mut hit);
            }
            if let Some(next) = words.get(at + 1) {
                let hash = pair_hash(word.hash, next.hash);
                if has(&self.pair_filter, hash)
                    && let Some(ids) = self.pairs.get(&hash)
                {
                    self.try_all(ids, text, words, at, &mut hit);
                }
            }
            let bit = stem_bit(word.head);
            if self.stem_filter[bit / 64] >> (bit % 64) & 1 == 1
                && let Some(ids) = self.stems.get(&u64::from(word.head))
            {
                self.try_all(ids, text, words, at, &mut hit);
            }
        }
    }

    fn try_all(&self, ids: &[u32], text: &str, words: &[Word], at: usize, hit: &mut impl FnMut(u32, u32, u32)) {
        for &id in ids {
            let (pieces, owner) = &self.phrases[id as usize];
            let Some(here) = words.get(at..at + pieces.len()) else { continue };
            if pieces.iter().zip(here).all(|(piece, word)| piece.matches(text, word)) {
                hit(*owner, words[at].start, here[here.len() - 1].end);
            }
        }
    }
}

impl Piece {
    fn matches(&self, text: &str, word: &Word) -> bool {
        match self {
            Self::Word(hash) => *hash == word.hash,
            Self::Stem(stem) => {
                let mut letters = text[word.start as usize..word.end as usize].chars().flat_map(char::to_lowercase);
                words::head(stem.as_bytes()) == word.head && stem.chars().all(|letter| letters.next() == Some(letter))
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
            if after.first() != Some(&b'*') || !after.get(1).is_none_or(u8::is_ascii_whitespace) {
                return Ok(Piece::Word(word.hash));
            }
            used += 1;
            let stem = &lower[word.start as usize..word.end as usize];
            if stem.len() < STEM {
                return Err(format!("`{phrase}`: a stem before `*` has at least {STEM} bytes"));
            }
            Ok(Piece::Stem(stem.into()))
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
        assert_eq!(
            find(&["i'm feeling", "lonel*"], "I’m Feeling lonely; i feel"),
            [(0, "I’m Feeling".to_owned()), (1, "lonely".to_owned())]
        );
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
