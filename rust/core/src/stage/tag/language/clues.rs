//! The languages that words and letters speak for, found by one look that nothing has to wait for.

use super::number;
use super::words::{FUNCTION_WORDS, RARE_LETTERS};
use crate::text::hash::fold;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Evidence of one sure word.
pub(super) const SURE: i16 = 12;

/// Languages that words and letters speak for; those behind have a script of their own.
pub(super) const SPOKEN_FOR: usize = 32;

/// Evidence by language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(align(64))]
pub(super) struct Evidence(pub [i16; SPOKEN_FOR]);

impl Evidence {
    pub const NONE: Self = Self([0; SPOKEN_FOR]);

    #[inline(always)]
    pub fn add(&mut self, other: &Self) {
        // All are read before one is written, so that vectors do it.
        let (sums, more) = (self.0, other.0);
        self.0 = std::array::from_fn(|at| sums[at] + more[at]);
    }

    /// The most that a language has.
    #[inline]
    pub fn most(&self) -> i16 {
        self.0.iter().fold(0, |most, &evidence| most.max(evidence))
    }

    /// The language with the most, and how far ahead it is.
    pub fn best(&self) -> Option<(u8, i16)> {
        let most = self.most();
        let best = self.0.iter().position(|&evidence| evidence == most).filter(|_| most > 0)?;
        let mut others = *self;
        others.0[best] = 0;
        Some((best as u8, most - others.most()))
    }
}

/// Function words, each at a place of its own: a bucket of the hash says where in it.
#[derive(Debug)]
pub(super) struct Words {
    buckets: [u16; BUCKETS],
    keys: [u128; PLACES],
    /// By place: which of the evidence; the first is none.
    told: [u16; PLACES],
    evidence: Vec<Evidence>,
}

const BUCKETS: usize = 1 << 9;
const PLACES: usize = 1 << 11;

impl Words {
    /// What a word says, by its key.
    #[inline(always)]
    pub fn of(&self, key: u128) -> &Evidence {
        let hash = hash(key);
        let place = place(hash, self.buckets[bucket(hash)]);
        // No branch: every other word is none of these, and nobody can guess which.
        let told = self.told[place] & u16::from(self.keys[place] == key).wrapping_neg();
        self.evidence.get(usize::from(told)).unwrap_or(&Evidence::NONE)
    }

    fn new(said: &BTreeMap<u128, Vec<u8>>) -> Self {
        let mut words =
            Self { buckets: [0; BUCKETS], keys: [0; PLACES], told: [0; PLACES], evidence: vec![Evidence::NONE] };
        let mut buckets = vec![Vec::new(); BUCKETS];
        said.keys().for_each(|&key| buckets[bucket(hash(key))].push(key));
        // The fullest first, while there is room.
        let mut order: Vec<usize> = (0..BUCKETS).collect();
        order.sort_by_key(|&at| (usize::MAX - buckets[at].len(), at));
        for at in order {
            let keys = &buckets[at];
            let places_of = |way: u16| keys.iter().map(move |&key| place(hash(key), way));
            let is_free = |way: &u16| {
                let places: Vec<usize> = places_of(*way).collect();
                let is_single = |(at, place): (usize, &usize)| !places[..at].contains(place);
                places.iter().enumerate().all(is_single) && places.iter().all(|&place| words.told[place] == 0)
            };
            // The words are ours, and a test looks each up.
            let way = (0..=u16::MAX).find(is_free).unwrap_or_default();
            words.buckets[at] = way;
            for (&key, place) in keys.iter().zip(places_of(way)) {
                let evidence = evidence_of(&said[&key]);
                let known = words.evidence.iter().position(|known| *known == evidence);
                let told = known.unwrap_or_else(|| {
                    words.evidence.push(evidence);
                    words.evidence.len() - 1
                });
                (words.keys[place], words.told[place]) = (key, told as u16);
            }
        }
        words
    }
}

#[inline]
fn hash(key: u128) -> u64 {
    fold(key as u64 ^ 0x9E37_79B9_7F4A_7C15, (key >> 64) as u64 ^ 0xD6E8_FEB8_6659_FD93)
}

#[inline]
fn bucket(hash: u64) -> usize {
    hash as usize % BUCKETS
}

#[inline]
fn place(hash: u64, way: u16) -> usize {
    ((hash ^ u64::from(way) << 32).wrapping_mul(0xA076_1D64_78BD_642F) >> 53) as usize % PLACES
}

/// Each of some languages has its share of one sure word.
fn evidence_of(languages: &[u8]) -> Evidence {
    let mut evidence = Evidence::NONE;
    let share = SURE / i16::try_from(languages.len().max(1)).unwrap_or(SURE);
    for &language in languages {
        if let Some(of_language) = evidence.0.get_mut(usize::from(language)) {
            *of_language = share;
        }
    }
    evidence
}

/// A word of at most 16 bytes as a number; a longer one is no function word.
#[inline]
pub(super) fn key(word: &str) -> Option<u128> {
    if word.len() > 16 {
        return None;
    }
    let mut bytes = [0; 16];
    let mut at = 0;
    for letter in word.chars().flat_map(char::to_lowercase) {
        let end = at + letter.len_utf8();
        letter.encode_utf8(bytes.get_mut(at..end)?);
        at = end;
    }
    Some(u128::from_le_bytes(bytes))
}

/// The same of a word of ASCII letters that is these bytes and `length` long; 0, which is no word's, where that is too long.
#[inline]
pub(super) fn ascii_key(bytes: u128, length: usize) -> u128 {
    const LOWER: u128 = u128::from_le_bytes([0x20; 16]);
    const KEPT: [u128; 17] = {
        let mut kept = [0; 17];
        let mut length = 1;
        while length <= 16 {
            kept[length] = u128::MAX >> (128 - 8 * length);
            length += 1;
        }
        kept
    };
    (bytes | LOWER) & KEPT[if length > 16 { 0 } else { length }]
}

/// Function words and the languages that have them.
pub(super) static WORDS: LazyLock<Words> = LazyLock::new(|| Words::new(&words()));

fn words() -> BTreeMap<u128, Vec<u8>> {
    let mut said: BTreeMap<u128, Vec<u8>> = BTreeMap::new();
    for (code, list) in FUNCTION_WORDS {
        for key in list.split(' ').filter(|word| !word.is_empty()).filter_map(key) {
            add(said.entry(key).or_default(), code);
        }
    }
    said
}

/// What rare letters say, all of which stand in the alphabets before U+2000.
struct Letters {
    /// By letter: which of the evidence; the first is none.
    told: [u8; LETTERS_END],
    evidence: Vec<Evidence>,
}

const LETTERS_END: usize = 0x2000;

static LETTERS: LazyLock<Letters> = LazyLock::new(|| {
    let mut said: BTreeMap<char, Vec<u8>> = BTreeMap::new();
    for (codes, list) in RARE_LETTERS {
        for letter in list.chars() {
            codes.split(' ').for_each(|code| add(said.entry(letter).or_default(), code));
        }
    }
    let mut letters = Letters { told: [0; LETTERS_END], evidence: vec![Evidence::NONE] };
    for (letter, languages) in said {
        if let Some(told) = letters.told.get_mut(letter as usize) {
            *told = letters.evidence.len() as u8;
            letters.evidence.push(evidence_of(&languages));
        }
    }
    letters
});

fn add(languages: &mut Vec<u8>, code: &str) {
    if let Some(language) = number(code)
        && !languages.contains(&language)
    {
        languages.push(language);
    }
}

/// What a letter says, if it is a rare one.
#[inline]
pub(super) fn letter(letter: char) -> Option<&'static Evidence> {
    let letters = &*LETTERS;
    let told = *letters.told.get(letter as usize)?;
    if told == 0 { None } else { letters.evidence.get(usize::from(told)) }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn every_clue_is_found() {
        let said = words();
        assert!(said.len() > 1000 && said.values().all(|languages| languages.len() <= SURE as usize));
        for (&key, languages) in &said {
            assert_eq!(*WORDS.of(key), evidence_of(languages));
            assert!(WORDS.of(key).most() > 0);
            // Another word is none, wherever it falls.
            assert_eq!(*WORDS.of(!key), Evidence::NONE);
        }
        for (codes, list) in RARE_LETTERS {
            for rare in list.chars() {
                let number = usize::from(number(codes.split(' ').next().unwrap()).unwrap());
                assert!(letter(rare).unwrap().0[number] > 0, "{rare}");
            }
        }
        assert!(letter('q').is_none() && letter('\u{1f600}').is_none());
    }

    #[test]
    fn a_word_is_one_key() {
        let said = |word: &str, code: &str| {
            key(word).is_some_and(|key| WORDS.of(key).0[usize::from(number(code).unwrap())] > 0)
        };
        for word in ["a", "The", "abcdefghijklmnop", "abcdefghijklmnopq"] {
            let bytes = format!("{word} and so on and on");
            let bytes = u128::from_le_bytes(*bytes.as_bytes().first_chunk().unwrap());
            assert_eq!(ascii_key(bytes, word.len()), key(word).unwrap_or(0));
        }
        assert!(said("The", "en") && said("die", "de") && said("die", "nl") && !said("the", "de"));
        assert!(said("Über", "de") && said("ЧТО", "ru"));
        assert_eq!(*WORDS.of(0), Evidence::NONE);
    }

    #[test]
    fn the_best_and_how_far_ahead() {
        let of = |numbers: &[i16]| {
            let mut evidence = Evidence::NONE;
            evidence.0[..numbers.len()].copy_from_slice(numbers);
            evidence.best()
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[0, 7]), Some((1, 7)));
        assert_eq!(of(&[3, 7, 5]), Some((1, 2)));
        assert_eq!(of(&[7, 3, 7]), Some((0, 0)));
    }
}
