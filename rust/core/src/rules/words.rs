//! The words of a text with their places, as rules see them.
//!
//! A word is a maximal run of letters, marks, digits and `_`, lower-cased; each Han, kana, Hangul or
//! Thai-like character is a word of its own. "I'm" is two words, in rules as in texts, so a
//! phrase in a rule needs no thought about apostrophes. One word hashes to 64 bits; a phrase is the
//! sequence of its words' hashes.

/// A word: its hash and where it stands in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// Hash of the lower-cased word.
    pub hash: u64,
    /// Its first three lower-cased bytes, 0 where it has fewer: the key of `stem*` patterns.
    pub head: u32,
    /// First byte.
    pub start: u32,
    /// Byte after the last.
    pub end: u32,
}

const SEED: u64 = 0x9E37_79B9_7F4A_7C15;
const MULTIPLIER: u64 = 0xD6E8_FEB8_6659_FD93;

/// The hash of a lower-cased word, eight bytes a step.
#[inline]
pub fn hash_bytes(bytes: &[u8]) -> u64 {
    let mut hash = SEED ^ bytes.len() as u64;
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        let mut eight = [0u8; 8];
        eight.copy_from_slice(chunk);
        hash = step(hash, u64::from_le_bytes(eight));
    }
    let mut last = [0u8; 8];
    last[..chunks.remainder().len()].copy_from_slice(chunks.remainder());
    step(hash, u64::from_le_bytes(last))
}

#[inline]
fn step(hash: u64, value: u64) -> u64 {
    let mixed = (hash ^ value).wrapping_mul(MULTIPLIER);
    mixed ^ mixed >> 32
}

/// The key of `stem*` patterns: three bytes, or 0.
#[inline]
pub fn head(lower: &[u8]) -> u32 {
    match lower {
        [a, b, c, ..] => u32::from(*a) | u32::from(*b) << 8 | u32::from(*c) << 16,
        _ => 0,
    }
}

/// Appends the hashes of the words of a text.
pub fn hashes(text: &str, out: &mut Vec<u64>) {
    let mut words = Vec::new();
    scan(text, &mut words);
    out.extend(words.iter().map(|word| word.hash));
}

/// Lower-cases ASCII, keeps digits and `_`, 0 for what separates, 0xFF for what needs the slow path.
const CLASS: [u8; 256] = {
    let mut table = [0u8; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b'a'..=b'z' | b'0'..=b'9' | b'_' => byte as u8,
            b'A'..=b'Z' => byte as u8 + 32,
            0x80..=0xFF => 0xFF,
            _ => 0,
        };
        byte += 1;
    }
    table
};

/// Bytes of a word that are hashed; a longer one wraps around (it is no word of a language).
const HASHED: usize = 64;

/// Appends the words of `text` to `out`. Texts past 4 GiB are cut there; no unit is that long.
pub fn scan(text: &str, out: &mut Vec<Word>) {
    let bytes = &text.as_bytes()[..text.len().min(u32::MAX as usize)];
    let mut lower = [0u8; HASHED];
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let mut class = CLASS[usize::from(byte)];
        if class == 0 {
            at += 1;
            continue;
        }
        let start = at;
        let mut length = 0;
        while class != 0 && class != 0xFF {
            lower[length % HASHED] = class;
            length += 1;
            at += 1;
            class = bytes.get(at).map_or(0, |&byte| CLASS[usize::from(byte)]);
        }
        if class == 0xFF {
            at = beyond_ascii(text, start, at, &mut lower, &mut length);
            if at == start {
                at += text[at..].chars().next().map_or(1, char::len_utf8);
                continue;
            }
        }
        let word = &lower[..length.min(HASHED)];
        out.push(Word { hash: hash_bytes(word), head: head(word), start: start as u32, end: at as u32 });
    }
}

/// Goes on with a word at a byte beyond ASCII; returns the word's end.
fn beyond_ascii(text: &str, start: usize, mut at: usize, lower: &mut [u8; HASHED], length: &mut usize) -> usize {
    let mut buffer = [0u8; 4];
    for letter in text[at..].chars() {
        if stands_alone(letter) {
            if at == start {
                at += letter.len_utf8();
                letter.encode_utf8(&mut buffer).bytes().for_each(|byte| add(lower, length, byte));
            }
            break;
        }
        if letter.is_ascii() {
            match CLASS[letter as usize] {
                0 => break,
                class => add(lower, length, class),
            }
        } else if is_word(letter) {
            for small in letter.to_lowercase() {
                small.encode_utf8(&mut buffer).bytes().for_each(|byte| add(lower, length, byte));
            }
        } else {
            break;
        }
        at += letter.len_utf8();
    }
    at
}

fn add(lower: &mut [u8; HASHED], length: &mut usize, byte: u8) {
    lower[*length % HASHED] = byte;
    *length += 1;
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric()
        || matches!(u32::from(letter), 0x0300..=0x036F | 0x0591..=0x05C7 | 0x064B..=0x065F | 0x0900..=0x0DFF | 0x0E31..=0x0E4E | 0x3099..=0x309A)
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

    fn spans(text: &str) -> Vec<&str> {
        let mut words = Vec::new();
        scan(text, &mut words);
        words.iter().map(|word| &text[word.start as usize..word.end as usize]).collect()
    }

    #[test]
    fn words_are_runs_and_asian_letters_stand_alone() {
        assert_eq!(spans("I'm fine, naïve café_1!"), ["I", "m", "fine", "naïve", "café_1"]);
        assert_eq!(spans("我很OK。 ok"), ["我", "很", "OK", "ok"]);
        assert_eq!(spans("— … 🚀"), Vec::<&str>::new());
    }

    #[test]
    fn case_does_not_matter() {
        let mut a = Vec::new();
        let mut b = Vec::new();
        scan("ÜBER Straße", &mut a);
        scan("über straße", &mut b);
        assert_eq!(a.iter().map(|w| w.hash).collect::<Vec<_>>(), b.iter().map(|w| w.hash).collect::<Vec<_>>());
        assert_eq!(a[0].hash, hash_bytes("über".as_bytes()));
    }
}
