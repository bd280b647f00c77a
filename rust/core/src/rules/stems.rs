//! Stems (`lonel*`): whether a word begins with one, sixteen bytes at a time where both are ASCII.

use super::words::{self, Word};

/// The fewest bytes of a stem.
pub(super) const SHORTEST: usize = 3;

/// Bytes of a word that are compared together.
const LOADED: usize = 16;

/// A stem by its first bytes, lower-cased as words are hashed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stem {
    /// All its bytes.
    length: u32,
    bytes: u128,
    /// Those of `bytes` that count.
    mask: u128,
}

impl Stem {
    pub fn new(stem: &str) -> Self {
        let bytes = stem.bytes().take(LOADED).rev().fold(0, |bytes, byte| bytes << 8 | u128::from(words::lower(byte)));
        let mask = u128::MAX.checked_shr(8 * LOADED.saturating_sub(stem.len()) as u32).unwrap_or(0);
        Self { length: stem.len() as u32, bytes, mask }
    }

    /// Whether a word begins with the stem; nothing where that takes a closer look.
    #[inline(always)]
    pub fn begins(&self, text: &str, word: Word) -> Option<bool> {
        const HIGH: u128 = u128::from_le_bytes([0x80; LOADED]);
        const LOWER: u128 = u128::from_le_bytes([0x20; LOADED]);
        let loaded = u128::from_le_bytes(*text.as_bytes().get(word.start as usize..)?.first_chunk()?);
        let is_plain = self.length as usize <= LOADED && loaded & self.mask & HIGH == 0;
        is_plain.then(|| word.end - word.start >= self.length && (loaded | LOWER) & self.mask == self.bytes)
    }
}

/// The first four bytes of a stem, as words have theirs.
pub(super) fn head(stem: &str) -> u32 {
    words::head(&stem.bytes().take(4).map(words::lower).collect::<Vec<u8>>())
}

/// Whether a word begins with a stem, in lower case.
#[inline(never)]
pub(super) fn begins_with(stem: &str, text: &str, word: Word) -> bool {
    let word = &text[word.start as usize..word.end as usize];
    if word.is_ascii() {
        return word.as_bytes().get(..stem.len()).is_some_and(|head| head.eq_ignore_ascii_case(stem.as_bytes()));
    }
    let mut letters = word.chars().flat_map(char::to_lowercase);
    stem.chars().all(|letter| letters.next() == Some(letter))
}

#[cfg(test)]
mod tests {
    use super::super::words::Words;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_said_at_once_is_what_a_closer_look_says(
            text in "[abAB_0é\u{212A}İ@ ]{0,60}[ .@]{0,16}", stem in "[ab_0ék]{3,20}", size in 3usize..20,
        ) {
            let mut words = Words::default();
            words.read(&text);
            for at in 0..words.len() {
                let word = words.all().word(at);
                // The beginning of the word itself, too: else hardly any stem would fit.
                let own = text[word.start as usize..word.end as usize].to_lowercase().chars().take(size).collect::<String>();
                for stem in [&stem, &own].into_iter().filter(|stem| stem.len() >= SHORTEST) {
                    let closer = begins_with(stem, &text, word);
                    prop_assert_eq!(Stem::new(stem).begins(&text, word).unwrap_or(closer), closer, "{} in {}", stem, text);
                }
            }
        }
    }
}
