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

/// A bit for the low bits of every hash that was put in.
#[derive(Debug)]
struct Filter(Box<[u64]>);

impl Filter {
    /// A filter of 2^`log` bits, at least 64.
    fn new(log: u32) -> Self {
        Self(vec![0; 1 << (log - 6)].into_boxed_slice())
    }

    fn set(&mut self, hash: u64) {
        let at = (hash as usize >> 6) & (self.0.len() - 1);
        self.0[at] |= 1 << (hash & 63);
    }

    #[inline]
    fn has(&self, hash: u64) -> bool {
        self.0[(hash as usize >> 6) & (self.0.len() - 1)] >> (hash & 63) & 1 == 1
    }
}

/// A table of phrases.
#[derive(Debug)]
pub struct Phrases {
    /// First words: most words of a text end here.
    filter: Filter,
    /// First word -> the phrases of that word alone, or with a stem after it.
    first: Table,
    /// First two words -> the longer phrases.
    pairs: Table,
    pair_filter: Filter,
    /// The first three bytes of a stem -> the phrases that begin with it.
    stems: Table,
    stem_filter: Filter,
    /// Every phrase: its words, and what it stands for.
    phrases: Vec<(Vec<Piece>, u32)>,
}

fn pair_hash(first: u64, second: u64) -> u64 {
    let mixed = (first.rotate_left(29) ^ second).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed ^ mixed >> 32
}

fn stem_hash(head: u32) -> u64 {
    u64::from(head.wrapping_mul(0x9E37_79B1) >> 16)
}

impl Phrases {
    /// A table for the phrases of all packs.
    pub fn large() -> Self {
        Self::with_filters([16, 16, 12])
    }

    /// A table for the phrases of one rule.
    pub fn small() -> Self {
        Self::with_filters([10, 10, 8])
    }

    fn with_filters([words, pairs, stems]: [u32; 3]) -> Self {
        Self {
            filter: Filter::new(words),
            first: Table::default(),
            pairs: Table::default(),
            pair_filter: Filter::new(pairs),
            stems: Table::default(),
            stem_filter: Filter::new(stems),
            phrases: Vec::new(),
        }
    }

    /// Whether it has no phrase.
    pub fn is_empty(&self) -> bool {
        self.phrases.is_empty()
    }

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
                self.pair_filter.set(hash);
                self.pairs.entry(hash).or_default().push(id);
            }
            [Piece::Word(hash), ..] => {
                self.filter.set(*hash);
                self.first.entry(*hash).or_default().push(id);
            }
            [Piece::Stem(stem), ..] => {
                let head = words::head(stem.as_bytes());
                self.stem_filter.set(stem_hash(head));
                self.stems.entry(u64::from(head)).or_default().push(id);
            }
        }
        self.phrases.push((pieces, owner));
        Ok(())
    }

    /// Calls `hit(owner, start, end)` for every phrase in the text, in order of its place.
    #[inline]
    pub fn find(&self, text: &str, words: &[Word], mut hit: impl FnMut(u32, u32, u32)) {
        for at in 0..words.len() {
            self.find_at(text, words, at, &mut hit);
        }
    }

    /// The same for phrases that begin with word `at`.
    #[inline]
    pub fn find_at(&self, text: &str, words: &[Word], at: usize, hit: &mut impl FnMut(u32, u32, u32)) {
        let word = &words[at];
        if self.filter.has(word.hash)
            && let Some(ids) = self.first.get(&word.hash)
        {
            self.try_all(ids, text, words, at, hit);
        }
        if let Some(next) = words.get(at + 1) {
            let hash = pair_hash(word.hash, next.hash);
            if self.pair_filter.has(hash)
                && let Some(ids) = self.pairs.get(&hash)
            {
                self.try_all(ids, text, words, at, hit);
            }
        }
        if self.stem_filter.has(stem_hash(word.head))
            && let Some(ids) = self.stems.get(&u64::from(word.head))
        {
            self.try_all(ids, text, words, at, hit);
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
        let mut table = Phrases::large();
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
        let mut table = Phrases::large();
        assert_eq!(table.add("lon*ely", 0).unwrap_err(), "`lon*ely`: `*` may only end a word");
        assert_eq!(table.add("?!", 0).unwrap_err(), "`?!` has no word");
    }
}
