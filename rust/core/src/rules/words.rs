//! The words of a text with their places, as rules see them.
//!
//! A word is a maximal run of letters, marks, digits and `_`, lower-cased; each Han, kana, Hangul or
//! Thai-like character is a word of its own. "I'm" is two words, in rules as in texts, so a
//! phrase in a rule needs no thought about apostrophes. One word hashes to 64 bits; a phrase is the
//! sequence of its words' hashes.

use crate::text::bits::{Bits, Level};
use crate::text::cuts::{self, Cutter, Kind};
use crate::text::hash;
use crate::text::hashes::{self, Hasher, Out};
use std::ops::Range;
use std::sync::LazyLock;

/// A word: its hash and where it stands in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// Hash of the lower-cased word.
    pub hash: u64,
    /// Its first four lower-cased bytes, 0 behind its end: the key of `stem*` patterns.
    pub head: u32,
    /// First byte.
    pub start: u32,
    /// Byte after the last.
    pub end: u32,
}

/// The words of texts, one text after another, each part of them by itself: so vectors read and write them.
#[derive(Debug, Default)]
pub struct Words {
    hashes: Vec<u64>,
    heads: Vec<u32>,
    starts: Vec<u32>,
    ends: Vec<u32>,
}

/// Some words in a row.
#[derive(Clone, Copy, Debug)]
pub struct View<'w> {
    /// See [`Word`].
    pub hashes: &'w [u64],
    /// See [`Word`].
    pub heads: &'w [u32],
    /// See [`Word`].
    pub starts: &'w [u32],
    /// See [`Word`].
    pub ends: &'w [u32],
}

impl Words {
    /// Forgets all words.
    pub fn clear(&mut self) {
        self.hashes.clear();
        self.heads.clear();
        self.starts.clear();
        self.ends.clear();
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Some of them.
    #[inline]
    pub fn view(&self, range: Range<usize>) -> View<'_> {
        View {
            hashes: &self.hashes[range.clone()],
            heads: &self.heads[range.clone()],
            starts: &self.starts[range.clone()],
            ends: &self.ends[range],
        }
    }

    /// All of them.
    pub fn all(&self) -> View<'_> {
        self.view(0..self.len())
    }

    /// Appends the words of a text. Texts past 4 GiB are cut there; no unit is that long.
    pub fn read(&mut self, text: &str) {
        self.read_with(Level::here(), text);
    }

    pub(super) fn read_with(&mut self, level: Level, text: &str) {
        let mut length = text.len().min(u32::MAX as usize - 64);
        while !text.is_char_boundary(length) {
            length -= 1;
        }
        let text = &text.as_bytes()[..length];
        let before = self.len();
        let Self { hashes, heads, starts, ends } = self;
        cuts::read(level, text, &mut Rules, starts, ends);
        hashes::read(level, text, &starts[before..], &ends[before..], &Rules, Out { hashes, heads });
    }
}

impl<'w> View<'w> {
    /// How many.
    #[inline]
    pub fn len(self) -> usize {
        self.hashes.len()
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.hashes.is_empty()
    }

    /// One of them.
    #[inline]
    pub fn word(self, at: usize) -> Word {
        Word { hash: self.hashes[at], head: self.heads[at], start: self.starts[at], end: self.ends[at] }
    }

    /// Some of them.
    #[inline]
    pub fn view(self, range: Range<usize>) -> Self {
        Self {
            hashes: &self.hashes[range.clone()],
            heads: &self.heads[range.clone()],
            starts: &self.starts[range.clone()],
            ends: &self.ends[range],
        }
    }
}

/// Bytes of a word that are hashed; of a longer one (it is no word of a language) its length besides.
const HASHED: usize = 64;

/// How rules cut and hash.
struct Rules;

impl Cutter for Rules {
    const SYMBOLS: bool = false;

    #[inline]
    fn kind(letter: char) -> Kind {
        match letter as usize {
            point @ ..ALPHABETS => KINDS[point],
            point @ WIDE_FORMS..=0xFFFF => KINDS[point - WIDE_FORMS + ALPHABETS],
            _ => kind(letter),
        }
    }

    #[inline(always)]
    fn block(&mut self, _: &Bits) {}
}

impl Hasher for Rules {
    const LOWER: bool = true;
    const PADDED: bool = false;

    #[cold]
    fn one(&self, text: &[u8], start: usize, end: usize) -> (u64, u32) {
        let mut lower = [0; HASHED + hash::PADDING];
        let mut length = 0;
        let mut add = |bytes: &[u8]| {
            for &byte in bytes {
                if length < HASHED {
                    lower[length] = byte;
                }
                length += 1;
            }
        };
        for letter in std::str::from_utf8(&text[start..end]).unwrap_or_default().chars() {
            if letter.is_ascii() {
                add(&[self::lower(letter as u8)]);
            } else {
                letter.to_lowercase().for_each(|small| add(small.encode_utf8(&mut [0; 4]).as_bytes()));
            }
        }
        let hash = hash::token(&lower, 0, length.min(HASHED));
        let hash = if length > HASHED { hash::mix(hash ^ length as u64) } else { hash };
        (hash, head(&lower[..length.min(HASHED)]))
    }
}

/// The key of `stem*` patterns.
pub fn head(lower: &[u8]) -> u32 {
    lower.iter().take(4).rev().fold(0, |head, &byte| head << 8 | u32::from(byte))
}

/// Lower case as words are hashed: `_` becomes another byte that no word has.
#[inline]
pub fn lower(byte: u8) -> u8 {
    if byte.is_ascii() { byte | 0x20 } else { byte }
}

/// Appends the hashes of the words of a text.
pub fn hashes(text: &str, out: &mut Vec<u64>) {
    let mut words = Words::default();
    words.read(text);
    out.append(&mut words.hashes);
}

/// Up to here: letters of most alphabets, marks, kana.
const ALPHABETS: usize = 0x3400;
/// From here to U+FFFF: the full-width forms.
const WIDE_FORMS: usize = 0xFF00;

/// What the frequent characters are: to ask the standard library takes longer.
static KINDS: LazyLock<Box<[Kind]>> = LazyLock::new(|| {
    let points = (0..ALPHABETS).chain(WIDE_FORMS..=0xFFFF);
    points.map(|point| char::from_u32(point as u32).map_or(Kind::Apart, kind)).collect()
});

/// What a character is.
fn kind(letter: char) -> Kind {
    if stands_alone(letter) {
        Kind::Single
    } else if is_word(letter) {
        Kind::Word
    } else {
        Kind::Apart
    }
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric()
        || (matches!(u32::from(letter), 0x0300..=0x036F | 0x0591..=0x05C7 | 0x064B..=0x065F | 0x0900..=0x0DFF | 0x0E31..=0x0E4E | 0x3099..=0x309A))
}

/// Scripts written without spaces, and the symbols among their characters: each character is a word.
pub fn stands_alone(letter: char) -> bool {
    matches!(u32::from(letter),
        0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1100..=0x11FF | 0x1780..=0x17FF | 0x2E80..=0x2FDF | 0x3005 | 0x3007
        | 0x3040..=0x30FF | 0x3130..=0x318F | 0x31F0..=0x31FF | 0x3400..=0x9FFF | 0xAC00..=0xD7FF
        | 0xF900..=0xFAFF | 0xFF66..=0xFFDC | 0x20000..=0x3FFFF)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read_with(level: Level, text: &str) -> Vec<Word> {
        let mut words = Words::default();
        words.read_with(level, text);
        (0..words.len()).map(|at| words.all().word(at)).collect()
    }

    fn read(text: &str) -> Vec<Word> {
        read_with(Level::here(), text)
    }

    fn spans(text: &str) -> Vec<&str> {
        read(text).iter().map(|word| &text[word.start as usize..word.end as usize]).collect()
    }

    #[test]
    fn words_are_runs_and_asian_letters_stand_alone() {
        assert_eq!(spans("I'm fine, naïve café_1!"), ["I", "m", "fine", "naïve", "café_1"]);
        assert_eq!(spans("我很OK。 ok"), ["我", "很", "OK", "ok"]);
        assert_eq!(spans("— … 🚀"), Vec::<&str>::new());
    }

    #[test]
    fn what_is_known_of_frequent_characters_is_what_they_are() {
        for letter in '\u{80}'..=char::MAX {
            assert_eq!(Rules::kind(letter), kind(letter), "{letter:?}");
        }
    }

    #[test]
    fn case_does_not_matter() {
        let hashes = |text: &str| read(text).iter().map(|word| word.hash).collect::<Vec<_>>();
        assert_eq!(hashes("ÜBER Straße TO_DO"), hashes("über straße to_do"));
        assert_ne!(hashes("über"), hashes("uber"));
    }

    proptest! {
        #[test]
        fn words_are_what_looking_at_each_character_finds(text in "([a-cX-Z_0-9 .]|[éÉßİ漢字ー가ꙀῼΣไ’。，（“々！Ａ…\u{301}]){0,90}[a-zA-Z]{0,70}") {
            let mut expected: Vec<(usize, String)> = Vec::new();
            let mut open = false;
            for (at, letter) in text.char_indices() {
                let alone = stands_alone(letter);
                if alone || is_word(letter) || letter == '_' {
                    if alone || !open {
                        expected.push((at, String::new()));
                    }
                    expected.last_mut().into_iter().for_each(|word| word.1.extend(letter.to_lowercase()));
                    open = !alone;
                } else {
                    open = false;
                }
            }
            let words = read(&text);
            for level in Level::all() {
                prop_assert_eq!(&read_with(level, &text), &words, "{:?}", level);
            }
            prop_assert_eq!(words.len(), expected.len());
            for (word, (start, lower)) in words.iter().zip(expected) {
                prop_assert_eq!(word.start as usize, start);
                // The lower-cased word by itself has the same hash and the same head.
                let own = read(&lower);
                prop_assert_eq!((own.len(), own[0].hash, own[0].head), (1, word.hash, word.head), "{}", lower);
            }
        }
    }
}
