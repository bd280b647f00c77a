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
    /// First byte.
    pub start: u32,
    /// Byte after the last.
    pub end: u32,
}

/// The longest prefix, in bytes, that a `stem*` pattern may have.
pub const MAX_STEM: usize = 12;

const SEED: u64 = 0x9E37_79B9_7F4A_7C15;
const MULTIPLIER: u64 = 0xD6E8_FEB8_6659_FD93;

/// Adds one byte of a word to its hash.
#[inline]
pub fn fold(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(MULTIPLIER).rotate_left(23)
}

/// The hash of an empty word, where folding starts.
pub const EMPTY: u64 = SEED;

/// The hash of a lower-cased word.
#[cfg(test)]
pub fn hash_word(word: &str) -> u64 {
    word.bytes().fold(EMPTY, fold)
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

/// Appends the words of `text` to `out`. Texts past 4 GiB are cut there; no unit is that long.
pub fn scan(text: &str, out: &mut Vec<Word>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() && at < u32::MAX as usize {
        let class = CLASS[usize::from(bytes[at])];
        if class == 0 {
            at += 1;
            continue;
        }
        let start = at;
        let mut hash = EMPTY;
        let mut open = false;
        while at < bytes.len() {
            let class = CLASS[usize::from(bytes[at])];
            if class == 0 {
                break;
            }
            if class != 0xFF {
                hash = fold(hash, class);
                open = true;
                at += 1;
                continue;
            }
            let Some(letter) = text[at..].chars().next() else { break };
            if !is_word(letter) {
                break;
            }
            if stands_alone(letter) {
                if open {
                    break;
                }
                at += letter.len_utf8();
                hash = fold_char(hash, letter);
                open = true;
                break;
            }
            hash = fold_char(hash, letter);
            open = true;
            at += letter.len_utf8();
        }
        if open {
            out.push(Word { hash, start: start as u32, end: at as u32 });
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
}

/// Adds a letter, lower-cased, to a word's hash.
pub fn fold_char(mut hash: u64, letter: char) -> u64 {
    let mut buffer = [0u8; 4];
    for lower in letter.to_lowercase() {
        hash = lower.encode_utf8(&mut buffer).bytes().fold(hash, fold);
    }
    hash
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
        assert_eq!(a[0].hash, hash_word("über"));
    }
}
