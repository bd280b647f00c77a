//! Tier 1: words and phrases, looked up by hash on the word stream.
//!
//! `feel lonely` matches those two words in a row; `lonel*` any word that begins so; a `*` may only end a
//! word. All phrases of all packs share one table keyed by their first word, or their first two, so
//! the cost does not grow with the number of rules; a filter that stays in the nearest caches says of nearly
//! every word that no phrase begins with it.

use super::begins::{self, Begin, Filters};
use super::table::{Filter, Table};
use super::words::{self, View, Word, Words};
use crate::text::bits::Level;

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

/// A phrase of the tables.
#[derive(Clone, Copy, Debug)]
struct Entry {
    owner: u32,
    /// Its pieces.
    from: u32,
    to: u32,
}

/// Phrases on their way into a table.
#[derive(Debug, Default)]
pub struct Builder {
    pieces: Vec<Piece>,
    /// By kind (one word, two words, a stem): the hash of the beginning, the scopes, the phrase.
    entries: [Vec<(u64, u8, Entry)>; 3],
}

/// A table of phrases.
#[derive(Debug)]
pub struct Phrases {
    pieces: Box<[Piece]>,
    /// First word -> the phrases of that word alone, or with a stem after it.
    first: Table<Entry>,
    /// First two words -> the longer phrases.
    pairs: Table<Entry>,
    /// The first three bytes of a stem -> the phrases that begin with it.
    stems: Table<Entry>,
    /// What phrases begin with, by the scopes that turns lie in; at the end, all.
    filters: Vec<(u8, Filters)>,
    /// Words of the longest phrase.
    longest: usize,
}

/// The key of a stem's first three bytes.
fn three(head: u32) -> u64 {
    u64::from((head & 0xFF_FFFF).wrapping_mul(0x9E37_79B1).rotate_left(16))
}

/// The beginning of a stem as words have it.
fn head(stem: &str) -> u32 {
    words::head(&stem.bytes().take(4).map(words::lower).collect::<Vec<u8>>())
}

impl Builder {
    /// Adds a phrase for `owner`, for turns in one of `scopes` (a bit each).
    ///
    /// # Errors
    /// Where it has no word, or a `*` that does not end a word, or a stem under three bytes.
    pub fn add(&mut self, phrase: &str, owner: u32, scopes: u8) -> Result<(), String> {
        let pieces = pieces(phrase)?;
        let (kind, hash) = match pieces.as_slice() {
            [] => return Err(format!("`{phrase}` has no word")),
            [Piece::Word(first), Piece::Word(second), ..] => (1, begins::pair(*first, *second)),
            [Piece::Word(hash), ..] => (0, *hash),
            [Piece::Stem(stem), ..] => (2, three(head(stem))),
        };
        let from = self.pieces.len() as u32;
        self.pieces.extend(pieces);
        self.entries[kind].push((hash, scopes, Entry { owner, from, to: self.pieces.len() as u32 }));
        Ok(())
    }

    /// The table. `scopes` are those that turns may lie in together; phrases of other scopes cost such a turn nothing.
    pub fn build(self, scopes: &[u8]) -> Phrases {
        let filters = scopes.iter().chain(&[u8::MAX]).map(|&scopes| (scopes, self.filters(scopes))).collect();
        let longest = self.entries.iter().flatten().map(|(_, _, entry)| (entry.to - entry.from) as usize).max();
        let table = |entries: Vec<(u64, u8, Entry)>| {
            Table::new(entries.into_iter().map(|(hash, _, entry)| (hash, entry)).collect())
        };
        let [first, pairs, stems] = self.entries.map(table);
        Phrases { pieces: self.pieces.into_boxed_slice(), first, pairs, stems, filters, longest: longest.unwrap_or(0) }
    }

    /// The filters of phrases of one of these scopes.
    fn filters(&self, scopes: u8) -> Filters {
        let mut hashes = [const { Vec::new() }; 3];
        for (hashes, entries) in hashes.iter_mut().zip(&self.entries) {
            for (hash, _, entry) in entries.iter().filter(|(_, its, _)| its & scopes != 0) {
                match &self.pieces[entry.from as usize] {
                    Piece::Word(_) => hashes.push(*hash as u32),
                    Piece::Stem(stem) if stem.len() > STEM => hashes.push(begins::stem(head(stem))),
                    // A stem of three bytes goes on with any fourth.
                    Piece::Stem(stem) => {
                        hashes.extend((0..256).map(|fourth| begins::stem(head(stem) | fourth << 24)));
                    }
                }
            }
        }
        hashes.map(|hashes| Filter::new(&hashes))
    }
}

impl Phrases {
    /// Whether it has no phrase.
    pub fn is_empty(&self) -> bool {
        self.longest == 0
    }

    /// Words of the longest phrase.
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// Calls `hit(owner, start, end)` for every phrase of one of `scopes` in the text, in order of its place.
    /// `found` is a buffer.
    #[inline]
    pub fn find(
        &self,
        text: &str,
        words: View<'_>,
        scopes: u8,
        found: &mut Vec<Begin>,
        mut hit: impl FnMut(u32, u32, u32),
    ) {
        found.clear();
        begins::find(Level::here(), self.filters(scopes), words, found);
        for begin in &*found {
            self.look(text, words, *begin, &mut hit);
        }
    }

    /// The same for phrases of any scope, until `hit` says that it knows enough.
    #[inline]
    pub fn find_until(
        &self,
        text: &str,
        words: View<'_>,
        found: &mut Vec<Begin>,
        mut hit: impl FnMut(u32, u32, u32) -> bool,
    ) {
        found.clear();
        begins::find(Level::here(), self.filters(u8::MAX), words, found);
        let mut knows = false;
        for begin in &*found {
            self.look(text, words, *begin, &mut |owner, start, end| knows |= hit(owner, start, end));
            if knows {
                return;
            }
        }
    }

    /// The same for phrases that begin with word `at`.
    #[inline]
    pub fn find_at(&self, text: &str, words: View<'_>, at: usize, scopes: u8, hit: &mut impl FnMut(u32, u32, u32)) {
        self.look(text, words, begins::at(self.filters(scopes), words, at), hit);
    }

    /// The filters for a turn.
    #[inline]
    fn filters(&self, scopes: u8) -> &Filters {
        let own = self.filters.iter().find(|(its, _)| *its == scopes);
        // There is always the last.
        &own.unwrap_or(&self.filters[self.filters.len() - 1]).1
    }

    #[inline]
    fn look(&self, text: &str, words: View<'_>, begin: Begin, hit: &mut impl FnMut(u32, u32, u32)) {
        let at = begin.at as usize;
        let here = words.view(at..words.len());
        if here.is_empty() {
            return;
        }
        if begin.kinds & 1 != 0 {
            for entry in self.first.get(here.hashes[0]) {
                self.check(entry, 1, text, here, hit);
            }
        }
        if begin.kinds & 2 != 0
            && let Some(&next) = here.hashes.get(1)
        {
            for entry in self.pairs.get(begins::pair(here.hashes[0], next)) {
                self.check(entry, 2, text, here, hit);
            }
        }
        if begin.kinds & 4 != 0 {
            for entry in self.stems.get(three(here.heads[0])) {
                self.check(entry, 0, text, here, hit);
            }
        }
    }

    /// Whether the phrase stands here; the first words, `known`, do, by the hash that the table has.
    #[inline]
    fn check(&self, entry: &Entry, known: usize, text: &str, here: View<'_>, hit: &mut impl FnMut(u32, u32, u32)) {
        let length = (entry.to - entry.from) as usize;
        if length > here.len() {
            return;
        }
        let rest = || self.pieces[entry.from as usize + known..entry.to as usize].iter().zip(known..);
        if length == known || rest().all(|(piece, at)| piece.matches(text, here.word(at))) {
            hit(entry.owner, here.starts[0], here.ends[length - 1]);
        }
    }
}

impl Piece {
    #[inline]
    fn matches(&self, text: &str, word: Word) -> bool {
        match self {
            Self::Word(hash) => *hash == word.hash,
            Self::Stem(stem) => {
                let word = &text[word.start as usize..word.end as usize];
                if word.is_ascii() {
                    return word
                        .as_bytes()
                        .get(..stem.len())
                        .is_some_and(|head| head.eq_ignore_ascii_case(stem.as_bytes()));
                }
                let mut letters = word.chars().flat_map(char::to_lowercase);
                stem.chars().all(|letter| letters.next() == Some(letter))
            }
        }
    }
}

fn pieces(phrase: &str) -> Result<Vec<Piece>, String> {
    let lower = phrase.to_lowercase();
    let mut found = Words::default();
    found.read(&lower);
    let found = found.all();
    let stars = lower.matches('*').count();
    let mut used = 0;
    let pieces = (0..found.len())
        .map(|at| {
            let word = found.word(at);
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
        let mut table = Builder::default();
        for (owner, phrase) in phrases.iter().enumerate() {
            table.add(phrase, owner as u32, 1).unwrap();
        }
        let mut words = Words::default();
        words.read(text);
        let mut hits = Vec::new();
        table.build(&[]).find(text, words.all(), 1, &mut Vec::new(), |owner, start, end| {
            hits.push((owner, text[start as usize..end as usize].to_owned()));
        });
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
        assert_eq!(
            find(&["üb*", "abc*"], "ÜBER ab abc abcd"),
            [(0, "ÜBER".to_owned()), (1, "abc".to_owned()), (1, "abcd".to_owned())]
        );
        assert!(find(&["lone"], "lonely").is_empty());
    }

    #[test]
    fn a_star_inside_a_word_and_an_empty_phrase_are_refused() {
        let mut table = Builder::default();
        assert_eq!(table.add("lon*ely", 0, 1).unwrap_err(), "`lon*ely`: `*` may only end a word");
        assert_eq!(table.add("?!", 0, 1).unwrap_err(), "`?!` has no word");
    }
}
