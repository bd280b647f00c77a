//! Tier 1: words and phrases, looked up by hash on the word stream.
//!
//! `feel lonely` matches those two words in a row; `lonel*` any word that begins so; a `*` may only end a
//! word. All phrases of all packs share one table keyed by their first word, or their first two, so
//! the cost does not grow with the number of rules; a filter that stays in the nearest caches says of nearly
//! every word that no phrase begins with it.

use super::begins::{self, Begin, Filters};
use super::stems::{self, SHORTEST, Stem, head};
use super::table::{Filter, Table};
use super::words::{View, Words};
use crate::text::bits::Level;

/// One word of a phrase.
#[derive(Clone, Debug)]
enum Piece {
    /// The whole word.
    Word(u64),
    /// Any word that begins so (lower case).
    Stem(Box<str>),
}

/// A phrase of the tables.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    owner: u32,
    /// Which of `rests` must follow what the table knows, from 1; 0 where nothing must.
    rest: u32,
}

/// A phrase that begins with a stem.
#[derive(Clone, Copy, Debug, Default)]
struct StemEntry {
    entry: Entry,
    /// Which of `stems` it begins with.
    number: u32,
    stem: Stem,
}

/// A phrase on its way into a table.
#[derive(Debug)]
struct Phrase {
    /// The hash of its beginning.
    hash: u64,
    scopes: u8,
    owner: u32,
    pieces: Vec<Piece>,
}

/// Phrases on their way into a table, by kind of beginning: one word, two words, a stem.
#[derive(Debug, Default)]
pub struct Builder([Vec<Phrase>; 3]);

/// A table of phrases.
#[derive(Debug)]
pub struct Phrases {
    /// First word -> the phrases of that word alone, or with a stem after it.
    first: Table<Entry>,
    /// First two words -> the longer phrases.
    pairs: Table<Entry>,
    /// The first four bytes of a stem, or three where it has no more -> the phrases that begin with it.
    starts: Table<StemEntry>,
    /// The stems of `starts`.
    stems: Box<[Box<str>]>,
    /// Whether any of them has three bytes only.
    has_short: bool,
    /// What follows the words that the tables know.
    rests: Box<[Box<[Piece]>]>,
    /// What phrases begin with, by the scopes that turns lie in; at the end, all. Nothing where there is no phrase.
    filters: Box<[Option<Filters>]>,
    /// By scopes: which of `filters` is theirs; empty where there is one only.
    of_scopes: Box<[u8]>,
    /// Words of the longest phrase.
    longest: usize,
}

/// The key of the first four bytes of a stem.
fn four(head: u32) -> u64 {
    u64::from(head) << 32 | u64::from(begins::stem(head))
}

/// The key of the first three.
fn three(head: u32) -> u64 {
    four(head & 0xFF_FFFF)
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
            [Piece::Stem(stem), ..] => (2, four(head(stem))),
        };
        self.0[kind].push(Phrase { hash, scopes, owner, pieces });
        Ok(())
    }

    /// The table. `scopes` are those that turns may lie in together; phrases of other scopes cost such a turn nothing.
    pub fn build(self, scopes: &[u8]) -> Phrases {
        let filters = scopes.iter().chain(&[u8::MAX]).map(|&scopes| self.filters(scopes)).collect();
        let mut of_scopes = vec![scopes.len() as u8; if scopes.is_empty() { 0 } else { 256 }].into_boxed_slice();
        scopes.iter().zip(0..).for_each(|(&scopes, number)| of_scopes[usize::from(scopes)] = number);
        let longest = self.0.iter().flatten().map(|phrase| phrase.pieces.len()).max().unwrap_or(0);
        let [first, pairs, starts] = self.0;
        let mut rests: Vec<Box<[Piece]>> = Vec::new();
        let mut entry = |owner: u32, rest: &[Piece]| {
            if !rest.is_empty() {
                rests.push(rest.into());
            }
            Entry { owner, rest: if rest.is_empty() { 0 } else { rests.len() as u32 } }
        };
        let mut table = |phrases: &[Phrase], known: usize| {
            let entries = phrases.iter().map(|phrase| (phrase.hash, entry(phrase.owner, &phrase.pieces[known..])));
            Table::new(&entries.collect::<Vec<_>>())
        };
        let (first, pairs) = (table(&first, 1), table(&pairs, 2));
        let mut stems: Vec<Box<str>> = Vec::new();
        let starts = starts.iter().filter_map(|phrase| {
            let (Piece::Stem(stem), rest) = phrase.pieces.split_first()? else { return None };
            stems.push(stem.clone());
            let number = stems.len() as u32 - 1;
            Some((phrase.hash, StemEntry { entry: entry(phrase.owner, rest), number, stem: Stem::new(stem) }))
        });
        let starts = Table::new(&starts.collect::<Vec<_>>());
        Phrases {
            first,
            pairs,
            starts,
            has_short: stems.iter().any(|stem| stem.len() == SHORTEST),
            stems: stems.into_boxed_slice(),
            rests: rests.into_boxed_slice(),
            filters,
            of_scopes,
            longest,
        }
    }

    /// The filters of phrases of one of these scopes.
    fn filters(&self, scopes: u8) -> Option<Filters> {
        let is_its = |phrase: &Phrase| phrase.scopes & scopes != 0;
        self.0.iter().flatten().any(is_its).then(|| {
            self.0.each_ref().map(|phrases| {
                let mut hashes = Vec::new();
                for phrase in phrases.iter().filter(|phrase| is_its(phrase)) {
                    match phrase.pieces.first() {
                        Some(Piece::Stem(stem)) if stem.len() > SHORTEST => hashes.push(begins::stem(head(stem))),
                        // A stem of three bytes goes on with any fourth.
                        Some(Piece::Stem(stem)) => {
                            hashes.extend((0..256).map(|fourth| begins::stem(head(stem) | fourth << 24)));
                        }
                        _ => hashes.push(phrase.hash as u32),
                    }
                }
                Filter::new(&hashes)
            })
        })
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
        let Some(filters) = self.filters(scopes) else { return };
        found.clear();
        begins::find(Level::here(), filters, words, found);
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
        let Some(filters) = self.all() else { return };
        found.clear();
        begins::find(Level::here(), filters, words, found);
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
        if let Some(filters) = self.filters(scopes) {
            self.look(text, words, begins::at(filters, words, at), hit);
        }
    }

    /// The filters for a turn.
    #[inline]
    fn filters(&self, scopes: u8) -> Option<&Filters> {
        match self.of_scopes.get(usize::from(scopes)) {
            Some(&own) => self.filters[usize::from(own)].as_ref(),
            None => self.all(),
        }
    }

    /// The filters of all phrases.
    #[inline]
    fn all(&self) -> Option<&Filters> {
        self.filters.last()?.as_ref()
    }

    #[inline]
    fn look(&self, text: &str, words: View<'_>, begin: Begin, hit: &mut impl FnMut(u32, u32, u32)) {
        let at = begin.at as usize;
        let here = words.view(at..words.len());
        if here.is_empty() {
            return;
        }
        if begin.kinds & 1 != 0 {
            self.first.each(here.hashes[0], |entry| self.follow(*entry, 1, text, here, hit));
        }
        if begin.kinds & 2 != 0
            && let Some(&next) = here.hashes.get(1)
        {
            self.pairs.each(begins::pair(here.hashes[0], next), |entry| self.follow(*entry, 2, text, here, hit));
        }
        if begin.kinds & 4 != 0 {
            let (head, word) = (here.heads[0], here.word(0));
            let mut look = |begun: &StemEntry| {
                let closer = || stems::begins_with(&self.stems[begun.number as usize], text, word);
                if begun.stem.begins(text, word).unwrap_or_else(closer) {
                    self.follow(begun.entry, 1, text, here, hit);
                }
            };
            self.starts.each(four(head), &mut look);
            // A word of three bytes has the same key twice.
            if self.has_short && head >> 24 != 0 {
                self.starts.each(three(head), &mut look);
            }
        }
    }

    /// Tells of a phrase whose first words, as many as are `known`, stand here, if the others follow.
    #[inline(always)]
    fn follow(&self, entry: Entry, known: usize, text: &str, here: View<'_>, hit: &mut impl FnMut(u32, u32, u32)) {
        let length = match (entry.rest as usize).checked_sub(1) {
            None => known,
            Some(rest) => match rest_length(&self.rests[rest], text, here, known) {
                Some(length) => known + length,
                None => return,
            },
        };
        hit(entry.owner, here.starts[0], here.ends[length - 1]);
    }
}

/// How many words the rest of a phrase has, if they stand here behind the `known` ones.
#[inline(never)]
fn rest_length(rest: &[Piece], text: &str, here: View<'_>, known: usize) -> Option<usize> {
    let stands = rest.len() <= here.len() - known
        && rest.iter().zip(known..).all(|(piece, at)| match piece {
            Piece::Word(hash) => *hash == here.hashes[at],
            Piece::Stem(stem) => stems::begins_with(stem, text, here.word(at)),
        });
    stands.then_some(rest.len())
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
            if stem.len() < SHORTEST {
                return Err(format!("`{phrase}`: a stem before `*` has at least {SHORTEST} bytes"));
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
