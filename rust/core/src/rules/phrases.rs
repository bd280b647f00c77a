//! Tier 1: words and phrases, looked up by hash on the word stream.
//!
//! `feel lonely` matches those two words in a row; `lonel*` any word that begins so; a `*` may only end a
//! word. All phrases of all packs share one table keyed by their first word, or their first two, so
//! the cost does not grow with the number of rules; a filter that stays in the nearest caches says of nearly
//! every word that no phrase begins with it.

use super::table::{Filter, Table};
use super::words::{self, Word};

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

/// Where the phrases of one kind begin.
#[derive(Debug)]
struct Beginnings {
    filter: Filter,
    table: Table<Entry>,
}

impl Beginnings {
    fn new(entries: &[(u64, u8, Entry)], heads: impl Fn(&Entry, u64) -> Vec<u64>) -> Self {
        let mut filter = Filter::new(entries.len());
        for (hash, scopes, entry) in entries {
            heads(entry, *hash).into_iter().for_each(|hash| filter.set(hash, *scopes));
        }
        Self { filter, table: Table::new(entries.iter().map(|(hash, _, entry)| (*hash, *entry)).collect()) }
    }
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
    first: Beginnings,
    /// First two words -> the longer phrases.
    pairs: Beginnings,
    /// The first three bytes of a stem -> the phrases that begin with it.
    stems: Beginnings,
    /// Words of the longest phrase.
    longest: usize,
}

/// A word that a phrase may begin with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Begin {
    at: u32,
    /// A bit for each kind of beginning.
    kinds: u32,
}

/// The hashes of words are even in all their bits: nothing has to be mixed again.
fn pair_hash(first: u64, second: u64) -> u64 {
    first.rotate_left(29) ^ second
}

fn stem_hash(head: u32) -> u64 {
    u64::from(head.wrapping_mul(0x9E37_79B1) >> 12)
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
            [Piece::Word(first), Piece::Word(second), ..] => (1, pair_hash(*first, *second)),
            [Piece::Word(hash), ..] => (0, *hash),
            [Piece::Stem(stem), ..] => (2, three(head(stem))),
        };
        let from = self.pieces.len() as u32;
        self.pieces.extend(pieces);
        self.entries[kind].push((hash, scopes, Entry { owner, from, to: self.pieces.len() as u32 }));
        Ok(())
    }

    /// The table.
    pub fn build(self) -> Phrases {
        let [first, pairs, stems] = &self.entries;
        // A stem of three bytes goes on with any fourth.
        let heads = |entry: &Entry, _| match &self.pieces[entry.from as usize] {
            Piece::Stem(stem) if stem.len() > STEM => vec![stem_hash(head(stem))],
            Piece::Stem(stem) => (0..256).map(|fourth| stem_hash(head(stem) | fourth << 24)).collect(),
            Piece::Word(_) => Vec::new(),
        };
        Phrases {
            first: Beginnings::new(first, |_, hash| vec![hash]),
            pairs: Beginnings::new(pairs, |_, hash| vec![hash]),
            stems: Beginnings::new(stems, heads),
            longest: self
                .entries
                .iter()
                .flatten()
                .map(|(_, _, entry)| (entry.to - entry.from) as usize)
                .max()
                .unwrap_or(0),
            pieces: self.pieces.into_boxed_slice(),
        }
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
    /// `begins` is a buffer.
    #[inline]
    pub fn find(
        &self,
        text: &str,
        words: &[Word],
        scopes: u8,
        begins: &mut Vec<Begin>,
        mut hit: impl FnMut(u32, u32, u32),
    ) {
        let count = self.beginnings(words, scopes, begins);
        for begin in &begins[..count] {
            self.look(text, words, *begin, &mut hit);
        }
    }

    /// The same, until `hit` says that it knows enough.
    #[inline]
    pub fn find_until(&self, text: &str, words: &[Word], mut hit: impl FnMut(u32, u32, u32) -> bool) {
        let mut knows = false;
        for at in 0..words.len() {
            let begin = self.begin(words, at, u8::MAX);
            if begin.kinds != 0 {
                self.look(text, words, begin, &mut |owner, start, end| knows |= hit(owner, start, end));
                if knows {
                    return;
                }
            }
        }
    }

    /// The same for phrases that begin with word `at`.
    #[inline]
    pub fn find_at(&self, text: &str, words: &[Word], at: usize, scopes: u8, hit: &mut impl FnMut(u32, u32, u32)) {
        self.look(text, words, self.begin(words, at, scopes), hit);
    }

    /// The words that a phrase may begin with, put in front of the buffer, and how many; without a branch, since
    /// where they are cannot be guessed.
    #[inline]
    fn beginnings(&self, words: &[Word], scopes: u8, out: &mut Vec<Begin>) -> usize {
        if out.len() < words.len() {
            out.resize(words.len(), Begin::default());
        }
        let mut count = 0;
        for at in 0..words.len() {
            let begin = self.begin(words, at, scopes);
            out[count] = begin;
            count += usize::from(begin.kinds != 0);
        }
        count
    }

    /// What may begin with a word.
    #[inline(always)]
    fn begin(&self, words: &[Word], at: usize, scopes: u8) -> Begin {
        let word = &words[at];
        let next = words.get(at + 1).map_or(0, |next| next.hash);
        let may = |filter: &Filter, hash: u64, kind: u32| u32::from(filter.scopes(hash) & scopes != 0) << kind;
        let kinds = may(&self.first.filter, word.hash, 0)
            | may(&self.pairs.filter, pair_hash(word.hash, next), 1)
            | may(&self.stems.filter, stem_hash(word.head), 2);
        Begin { at: at as u32, kinds }
    }

    #[inline]
    fn look(&self, text: &str, words: &[Word], begin: Begin, hit: &mut impl FnMut(u32, u32, u32)) {
        let here = &words[begin.at as usize..];
        let Some(word) = here.first() else { return };
        if begin.kinds & 1 != 0 {
            for entry in self.first.table.get(word.hash) {
                self.check(entry, 1, text, here, hit);
            }
        }
        if begin.kinds & 2 != 0
            && let Some(next) = here.get(1)
        {
            for entry in self.pairs.table.get(pair_hash(word.hash, next.hash)) {
                self.check(entry, 2, text, here, hit);
            }
        }
        if begin.kinds & 4 != 0 {
            for entry in self.stems.table.get(three(word.head)) {
                self.check(entry, 0, text, here, hit);
            }
        }
    }

    /// Whether the phrase stands here; the first words, `known`, do, by the hash that the table has.
    #[inline]
    fn check(&self, entry: &Entry, known: usize, text: &str, here: &[Word], hit: &mut impl FnMut(u32, u32, u32)) {
        let length = (entry.to - entry.from) as usize;
        let Some(here) = here.get(..length) else { return };
        let rest = || &self.pieces[entry.from as usize + known..entry.to as usize];
        if length == known || rest().iter().zip(&here[known..]).all(|(piece, word)| piece.matches(text, word)) {
            hit(entry.owner, here[0].start, here[length - 1].end);
        }
    }
}

impl Piece {
    #[inline]
    fn matches(&self, text: &str, word: &Word) -> bool {
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
        let mut table = Builder::default();
        for (owner, phrase) in phrases.iter().enumerate() {
            table.add(phrase, owner as u32, 1).unwrap();
        }
        let mut words = Vec::new();
        words::scan(text, &mut words);
        let mut hits = Vec::new();
        table.build().find(text, &words, 1, &mut Vec::new(), |owner, start, end| {
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
