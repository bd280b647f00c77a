//! What a character is to the tokeniser. Pinned to Unicode 14.0 (Python 3.11's): a character that was
//! assigned later separates tokens, so that a saved index means the same for ever.

use super::ranges::RUNS;
use std::sync::LazyLock;

/// Separates tokens.
pub const SEPARATOR: u8 = 0;
/// Part of a word: categories L, M, N and `_`.
pub const WORD: u8 = 1;
/// A token of its own: symbols, and characters of scripts that are written without spaces.
pub const SINGLE: u8 = 2;
/// Removed before tokens are cut: variation selectors.
pub const REMOVED: u8 = 3;
/// The bits that hold one of the four kinds above.
pub const KIND: u8 = 3;
/// Category Nd.
pub const DIGIT: u8 = 4;
/// Not assigned in Unicode 14.0; never lower-cased.
pub const UNASSIGNED: u8 = 8;
/// May change under NFC, or may combine with the character before it.
pub const UNSTABLE: u8 = 16;

/// First bytes of U+4000 to U+9FFF in UTF-8, three bytes each. All of these are tokens of their own, without case,
/// stable under NFC and no digits (Unicode 14.0: ideographs, and the symbols of the Book of Changes).
pub const IDEOGRAPHS: (u8, u8) = (0xE4, 0xE9);

/// Whether a byte of UTF-8 begins such a character.
pub const fn is_ideograph_lead(byte: u8) -> bool {
    IDEOGRAPHS.0 <= byte && byte <= IDEOGRAPHS.1
}

const BLOCK: usize = 128;

/// Two-stage table: block number -> row, row × 128 + low bits -> class.
struct Classes {
    rows: Vec<u16>,
    cells: Vec<u8>,
}

static CLASSES: LazyLock<Classes> = LazyLock::new(|| {
    let mut all = vec![0u8; 0x11_0000];
    for (index, &(start, class)) in RUNS.iter().enumerate() {
        let end = RUNS.get(index + 1).map_or(all.len(), |next| next.0 as usize);
        all[start as usize..end].fill(class);
    }
    let mut seen = std::collections::HashMap::new();
    let mut cells = Vec::new();
    let rows = all
        .chunks_exact(BLOCK)
        .map(|block| {
            *seen.entry(block.to_vec()).or_insert_with(|| {
                cells.extend_from_slice(block);
                (cells.len() / BLOCK - 1) as u16
            })
        })
        .collect();
    Classes { rows, cells }
});

/// The class byte of a character: its kind and the bits above.
pub fn class(character: char) -> u8 {
    let classes = &*CLASSES;
    let point = character as usize;
    classes.cells[usize::from(classes.rows[point / BLOCK]) * BLOCK + point % BLOCK]
}

/// Whether a character surely is its own lower case: marks, symbols and scripts without case. What this does not
/// know may have a case or not.
pub fn is_caseless(character: char) -> bool {
    matches!(character,
        '\u{a0}'..='\u{bf}' | '\u{df}'..='\u{ff}' | '\u{2000}'..='\u{20ff}' | '\u{2200}'..='\u{23ff}'
        | '\u{2500}'..='\u{2bff}' | '\u{2e80}'..='\u{a63f}' | '\u{ac00}'..='\u{d7ff}' | '\u{f900}'..='\u{ff20}'
        | '\u{1f000}'..='\u{1faff}')
}

/// White space as Python's `str.isspace` sees it: the property White_Space and U+001C to U+001F.
pub fn is_white(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{1c}'..='\u{1f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ideographs_are_all_the_same() {
        for character in '\u{4000}'..='\u{9fff}' {
            assert_eq!(class(character), SINGLE, "{character:?}");
            assert!(character.to_lowercase().eq([character]));
            assert!(is_ideograph_lead(character.to_string().as_bytes()[0]) && character.len_utf8() == 3);
        }
        assert!(!is_ideograph_lead("\u{3fff}".as_bytes()[0]) && !is_ideograph_lead("\u{a000}".as_bytes()[0]));
    }

    #[test]
    fn what_is_caseless_is_its_own_lower_case() {
        let all = ('\0'..=char::MAX).filter(|&character| is_caseless(character));
        for character in all {
            assert!(character.to_lowercase().eq([character]), "{character:?}");
        }
    }

    #[test]
    fn kinds_follow_the_rule() {
        for (character, kind) in [
            ('a', WORD),
            ('_', WORD),
            ('é', WORD),
            ('7', WORD),
            ('\u{301}', WORD),
            ('½', WORD),
            ('+', SINGLE),
            ('#', SINGLE),
            ('\\', SINGLE),
            ('€', SINGLE),
            ('😀', SINGLE),
            ('中', SINGLE),
            ('ก', SINGLE),
            ('๑', SINGLE),
            ('\u{fffd}', SINGLE),
            ('ー', SINGLE),
            ('한', SINGLE),
            ('.', SEPARATOR),
            ('-', SEPARATOR),
            ('\'', SEPARATOR),
            ('・', SEPARATOR),
            ('\u{200b}', SEPARATOR),
            ('\n', SEPARATOR),
            ('\u{fe0f}', REMOVED),
            ('\u{e0100}', REMOVED),
        ] {
            assert_eq!(class(character) & KIND, kind, "{character:?}");
        }
        assert_eq!(class('٣') & (KIND | DIGIT), WORD | DIGIT);
        assert_eq!(class('๑') & DIGIT, DIGIT);
        assert_eq!(class('½') & DIGIT, 0);
        assert_eq!(class('\u{1fae8}') & (KIND | UNASSIGNED), SEPARATOR | UNASSIGNED, "assigned in Unicode 15");
        assert!('\u{10ffff}' as u32 > 0 && class('\u{10ffff}') & KIND == SEPARATOR);
    }
}
