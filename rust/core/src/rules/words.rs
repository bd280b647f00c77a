//! The words of a text with their places, as rules see them.
//!
//! A word is a maximal run of letters, marks, digits and `_`, lower-cased; each Han, kana, Hangul or
//! Thai-like character is a word of its own. "I'm" is two words, in rules as in texts, so a
//! phrase in a rule needs no thought about apostrophes. One word hashes to 64 bits; a phrase is the
//! sequence of its words' hashes.

use super::blocks::{self, Nibbles};

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

const SEED: u64 = 0x9E37_79B9_7F4A_7C15;
const SECOND: u64 = 0xD6E8_FEB8_6659_FD93;

/// Sets the bit that parts upper from lower case; digits have it, `_` becomes another unused byte.
const LOWER: u64 = 0x2020_2020_2020_2020;

/// Bytes of a word that are hashed; of a longer one (it is no word of a language) its length besides.
const HASHED: usize = 64;

/// By length: the bytes of a word among 16.
const MASKS: [[u64; 2]; 17] = {
    let mut masks = [[0; 2]; 17];
    let mut length = 0;
    while length <= 16 {
        let all = if length == 16 { u128::MAX } else { (1 << (8 * length)) - 1 };
        masks[length] = [all as u64, (all >> 64) as u64];
        length += 1;
    }
    masks
};

/// Both halves of the product: every bit of either factor moves every bit.
#[inline(always)]
fn mix(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other);
    product as u64 ^ (product >> 64) as u64
}

#[inline(always)]
fn step(hash: u64, [low, high]: [u64; 2]) -> u64 {
    mix(hash ^ low, SECOND ^ high)
}

#[inline(always)]
fn halves(both: u128) -> [u64; 2] {
    [both as u64, (both >> 64) as u64]
}

/// Up to 16 bytes as two numbers, zeros behind them.
#[inline]
fn padded(bytes: &[u8]) -> [u64; 2] {
    // Byte by byte: to copy and to load would wait for the copy.
    halves(bytes.iter().take(16).rev().fold(0, |both, &byte| both << 8 | u128::from(byte)))
}

/// The hash of a word of `length` bytes whose first, at most [`HASHED`], are given in lower case.
fn hash_of(lower: &[u8], length: usize) -> u64 {
    let hash = lower.chunks(16).fold(SEED, |hash, part| step(hash, padded(part)));
    if length > HASHED { step(hash, [length as u64, 0]) } else { hash }
}

/// The key of `stem*` patterns.
pub fn head(lower: &[u8]) -> u32 {
    padded(lower)[0] as u32
}

/// Lower case as words are hashed: a word of ASCII bytes, or a byte of a longer one.
#[inline]
pub fn lower(byte: u8) -> u8 {
    if byte.is_ascii() { byte | LOWER as u8 } else { byte }
}

/// The buffers of one text.
#[derive(Debug, Default)]
pub struct Edges(Vec<u32>);

/// Appends the hashes of the words of a text.
pub fn hashes(text: &str, out: &mut Vec<u64>) {
    let mut words = Vec::new();
    scan(text, &mut words);
    out.extend(words.iter().map(|word| word.hash));
}

/// Appends the words of `text` to `out`. Texts past 4 GiB are cut there; no unit is that long.
pub fn scan(text: &str, out: &mut Vec<Word>) {
    scan_with(text, None, &mut Edges::default(), &mut Vec::new(), out);
}

/// The same, and appends to `pairs` where two bytes stand that `nibbles` know.
pub(super) fn scan_with(
    text: &str,
    nibbles: Option<&Nibbles>,
    edges: &mut Edges,
    pairs: &mut Vec<u32>,
    out: &mut Vec<Word>,
) {
    let mut length = text.len().min(u32::MAX as usize - 64);
    while !text.is_char_boundary(length) {
        length -= 1;
    }
    let text = &text[..length];
    edges.0.clear();
    let is_ascii = blocks::read(text.as_bytes(), nibbles, &mut edges.0, pairs);
    let runs = edges.0.as_chunks().0.iter();
    if is_ascii {
        out.extend(runs.map(|&[start, end]| ascii(text.as_bytes(), start, end)));
    } else {
        for &[start, end] in runs {
            if text.as_bytes()[start as usize..end as usize].is_ascii() {
                out.push(ascii(text.as_bytes(), start, end));
            } else {
                beyond_ascii(&text[..end as usize], start as usize, out);
            }
        }
    }
}

/// The word of a run of ASCII.
#[inline(always)]
fn ascii(text: &[u8], start: u32, end: u32) -> Word {
    let (from, to) = (start as usize, end as usize);
    let length = to - from;
    let rest = &text[from..];
    let sixteen = match rest.first_chunk() {
        Some(sixteen) => Some(u128::from_le_bytes(*sixteen)),
        // Near the end: the last 16 bytes without those before the word.
        None => text.last_chunk().map(|sixteen| u128::from_le_bytes(*sixteen) >> (8 * (16 - rest.len()))),
    };
    if let Some(masks) = MASKS.get(length)
        && let Some(sixteen) = sixteen
    {
        let [low, high] = halves(sixteen);
        let both = [(low | LOWER) & masks[0], (high | LOWER) & masks[1]];
        return Word { hash: step(SEED, both), head: both[0] as u32, start, end };
    }
    let (hash, head) = long(&text[from..to]);
    Word { hash, head, start, end }
}

/// Hash and head of a long word, and of one of a short text. No `Word`: the other words would take the same way
/// through memory.
#[cold]
#[inline(never)]
fn long(word: &[u8]) -> (u64, u32) {
    let mut small = [0; HASHED];
    let hashed = word.len().min(HASHED);
    small.iter_mut().zip(word).for_each(|(small, byte)| *small = lower(*byte));
    (hash_of(&small[..hashed], word.len()), head(&small[..hashed]))
}

/// A word that is being read, in lower case.
struct Letters {
    lower: [u8; HASHED],
    length: usize,
}

impl Letters {
    #[inline]
    fn add(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if let Some(place) = self.lower.get_mut(self.length) {
                *place = lower(byte);
            }
            self.length += 1;
        }
    }

    /// Appends the word, if there is one, and begins the next.
    fn end(&mut self, start: usize, end: usize, out: &mut Vec<Word>) {
        if self.length > 0 {
            let lower = &self.lower[..self.length.min(HASHED)];
            let hash = hash_of(lower, self.length);
            out.push(Word { hash, head: head(lower), start: start as u32, end: end as u32 });
            self.length = 0;
        }
    }
}

/// Appends the words of a run that is not all ASCII; it ends with the text.
fn beyond_ascii(text: &str, mut start: usize, out: &mut Vec<Word>) {
    let bytes = text.as_bytes();
    let mut word = Letters { lower: [0; HASHED], length: 0 };
    let mut buffer = [0; 4];
    let mut at = start;
    while let Some(&byte) = bytes.get(at) {
        if byte.is_ascii() {
            word.add(&[byte]);
            at += 1;
            continue;
        }
        if matches!(byte, 0xE5..=0xE9) {
            // U+5000 to U+9FFF: the common Han characters.
            word.end(start, at, out);
            let own = u32::from_le_bytes([byte, bytes[at + 1], bytes[at + 2], 0]);
            let hash = step(SEED, [u64::from(own), 0]);
            out.push(Word { hash, head: own, start: at as u32, end: at as u32 + 3 });
            at += 3;
            start = at;
            continue;
        }
        if is_common_mark(byte, bytes[at + 1], &bytes[at + 2..]) {
            word.end(start, at, out);
            at += 3;
            start = at;
            continue;
        }
        let Some(letter) = text[at..].chars().next() else { break };
        let size = letter.len_utf8();
        if stands_alone(letter) {
            word.end(start, at, out);
            let own = &bytes[at..at + size];
            let hash = step(SEED, padded(own));
            out.push(Word { hash, head: head(own), start: at as u32, end: (at + size) as u32 });
            start = at + size;
        } else if is_word(letter) {
            for small in letter.to_lowercase() {
                word.add(small.encode_utf8(&mut buffer).as_bytes());
            }
        } else {
            word.end(start, at, out);
            start = at + size;
        }
        at += size;
    }
    word.end(start, at, out);
}

/// Whether a character beyond ASCII is one of the marks that are in many texts: U+2000 to U+203F, among them the
/// curly ones, and the full-width ones.
fn is_common_mark(first: u8, second: u8, rest: &[u8]) -> bool {
    match (first, second) {
        (0xE2, 0x80) => true,
        (0xE3, 0x80) => matches!(rest, [0x80..=0x82, ..]),
        (0xEF, 0xBC) => matches!(rest, [0x81 | 0x88 | 0x89 | 0x8C | 0x9A | 0x9B | 0x9F, ..]),
        _ => false,
    }
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric()
        || (matches!(u32::from(letter), 0x0300..=0x036F | 0x0591..=0x05C7 | 0x064B..=0x065F | 0x0900..=0x0DFF | 0x0E31..=0x0E4E | 0x3099..=0x309A))
}

/// Scripts written without spaces: each character is a word.
pub fn stands_alone(letter: char) -> bool {
    matches!(u32::from(letter),
        0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1100..=0x11FF | 0x1780..=0x17FF | 0x2E80..=0x2FDF | 0x3005 | 0x3007
        | 0x3040..=0x30FF | 0x3130..=0x318F | 0x31F0..=0x31FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xAC00..=0xD7FF
        | 0xF900..=0xFAFF | 0xFF66..=0xFFDC | 0x20000..=0x3FFFF)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Vec<Word> {
        let mut words = Vec::new();
        scan(text, &mut words);
        words
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
    fn case_does_not_matter() {
        let hashes = |text: &str| read(text).iter().map(|word| word.hash).collect::<Vec<_>>();
        assert_eq!(hashes("ÜBER Straße TO_DO"), hashes("über straße to_do"));
        assert_ne!(hashes("über"), hashes("uber"));
    }

    proptest! {
        #[test]
        fn words_are_what_looking_at_each_character_finds(text in "([a-cX-Z_0-9 .]|[éÉßİ漢字ーไ’。，（“々！Ａ…\u{301}]){0,90}[a-zA-Z]{0,70}") {
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
