//! Unicode normalisation form C (UAX #15).

use bumpalo::Bump;
use bumpalo::collections::String as ArenaString;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// Whether the character with these first UTF-8 bytes may be changed or moved by NFC: not
/// `NFC_Quick_Check=Yes`, or with a combining class. May say yes for characters that are fine; a
/// test goes through all of Unicode to see that it never says no for one that is not.
pub(super) fn is_suspect(lead: u8, second: u8, third: u8) -> bool {
    match lead {
        // Latin-1, Latin extended, Greek, Cyrillic, Armenian letters.
        0xC2..=0xCB | 0xCF | 0xD0 | 0xD1 | 0xD3..=0xD5 | 0xDA => false,
        0xCE => second == 0x87,
        0xD2 => second <= 0x87,
        // Arabic letters without points.
        0xD8 => matches!(second, 0x90..=0x9A),
        0xD9 => second >= 0x8B,
        0xDB => second >= 0x96,
        // Vietnamese and other precomposed Latin.
        0xE1 => !matches!(second, 0xB8..=0xBB),
        // Punctuation and symbols.
        0xE2 => match second {
            0x80 => third <= 0x81,
            0x84 => third >= 0xA6,
            0x83 => third >= 0x90,
            0x8C => matches!(third, 0xA9 | 0xAA),
            0xAB => third == 0x9C,
            0xB3 | 0xB5 | 0xB7 => true,
            _ => false,
        },
        // Kana, CJK punctuation.
        0xE3 => (second == 0x80 && matches!(third, 0xAA..=0xAF)) || (second == 0x82 && matches!(third, 0x99 | 0x9A)),
        // Han and Hangul.
        0xE4..=0xE9 | 0xEB..=0xED => false,
        0xEA => second < 0xB0,
        // Fullwidth forms, private use, variation selectors.
        0xEE => false,
        0xEF => matches!(second, 0xA4..=0xAD) || (second == 0xB8 && third >= 0xA0),
        // Emoji and rare Han.
        0xF0 => !matches!(second, 0x9F..=0xAE),
        0xF1..=0xF4 => false,
        _ => true,
    }
}

/// The text in NFC, if it is not.
pub(super) fn apply<'a>(text: &str, arena: &'a Bump) -> Option<(&'a str, u32)> {
    if is_nfc_quick(text.chars()) == IsNormalized::Yes {
        return None;
    }
    let mut out = ArenaString::with_capacity_in(text.len(), arena);
    out.extend(text.nfc());
    (out != text).then(|| (out.into_bump_str(), 1))
}
