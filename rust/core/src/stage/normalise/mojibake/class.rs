//! What kind of character a character is, as far as this matters for whether it looks right
//! beside another.

use super::codec::{ENTRIES, character, entry};
use std::sync::LazyLock;

/// The kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// White space, or the end of the text.
    Space,
    Digit,
    /// ASCII letters.
    Lower,
    Upper,
    /// ASCII punctuation.
    Punctuation,
    /// Latin letters with accents and their like, as living languages use them.
    AccentedLower,
    AccentedUpper,
    /// Latin letters of phonetics and old spellings.
    RareLatin,
    /// Combining marks.
    Mark,
    /// A letter of another script in use; the number tells the scripts apart.
    Script(u8),
    /// A letter of a script that few texts use, by block.
    RareScript(u16),
    /// Han, kana, Hangul, and the punctuation written among them.
    EastAsian,
    /// `“ ‘ « ‹`
    QuoteLeft,
    /// `” ’ » ›`
    QuoteRight,
    /// `„ ‚`
    QuoteLow,
    /// `¿ ¡`
    Inverted,
    /// Dashes, ellipsis, middle dot, bullet.
    Dash,
    NoBreakSpace,
    /// `€ £ ¥ ¢`
    Currency,
    /// `ª º ° ¹ ² ³`
    Raised,
    Fraction,
    /// Accents that stand alone: `¨ ´ ¸ ˆ ˜`.
    LoneAccent,
    /// `© ® ™ § ¶ † ‡ ‰ ¦ ¤ ƒ` …
    Sign,
    Math,
    /// Arrows, boxes, shapes, dingbats, emoji.
    Picture,
    /// Joiners, variation selectors, soft hyphen, byte order mark.
    Invisible,
    /// U+FFFD.
    Replacement,
    /// C1 controls and Apple's logo: what is misread twice decodes to them on the way.
    Private,
    /// Nothing that stands in texts: unassigned, or not a character.
    Never,
}

/// The classes of the characters that bytes are misread as, and of their neighbours in Unicode.
static CLASSES: LazyLock<Vec<Class>> =
    LazyLock::new(|| (0..ENTRIES).map(|entry| character(entry).map_or(Class::Never, Class::of_other)).collect());

impl Class {
    /// The class of a character.
    pub(super) fn of(c: char) -> Self {
        if c.is_ascii() {
            return Self::of_ascii(c);
        }
        match entry(c as u32).and_then(|entry| CLASSES.get(entry)) {
            Some(class) => *class,
            None => Self::of_other(c),
        }
    }

    fn of_ascii(c: char) -> Self {
        match c {
            'a'..='z' => Self::Lower,
            'A'..='Z' => Self::Upper,
            '0'..='9' => Self::Digit,
            '\t' | '\n' | '\r' | ' ' => Self::Space,
            _ => Self::Punctuation,
        }
    }

    fn of_other(c: char) -> Self {
        let code = c as u32;
        match code {
            0x85 => Self::Space,
            0x80..=0x9F => Self::Private,
            0xA0 | 0x202F => Self::NoBreakSpace,
            0xA1 | 0xBF => Self::Inverted,
            0xA2 | 0xA3 | 0xA5 | 0x20A0..=0x20C0 => Self::Currency,
            0xA8 | 0xAF | 0xB4 | 0xB8 | 0x2C6..=0x2C7 | 0x2D8..=0x2DD => Self::LoneAccent,
            0xAA | 0xB0 | 0xB2 | 0xB3 | 0xB9 | 0xBA | 0x2070..=0x209C => Self::Raised,
            0xBC..=0xBE | 0x2150..=0x2189 => Self::Fraction,
            0xAC | 0xB1 | 0xD7 | 0xF7 | 0x2044 | 0x2200..=0x22FF | 0x2A00..=0x2AFF | 0x27C0..=0x27EF | 0x25CA => {
                Self::Math
            }
            0xAB | 0x2018 | 0x201C | 0x2039 => Self::QuoteLeft,
            0xBB | 0x2019 | 0x201D | 0x203A => Self::QuoteRight,
            0x201A | 0x201E => Self::QuoteLow,
            0xB7 | 0x2010..=0x2015 | 0x2022 | 0x2024..=0x2027 => Self::Dash,
            0xAD | 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x2069 | 0xFE00..=0xFE0F | 0xFEFF => Self::Invisible,
            0xA4 | 0xA6 | 0xA7 | 0xA9 | 0xAE | 0xB6 | 0x192 | 0x2020 | 0x2021 | 0x2030..=0x2038 | 0x203B..=0x205E => {
                Self::Sign
            }
            0x2100..=0x214F => Self::Sign,
            // µ stands in Latin texts like a letter.
            0xB5 => Self::AccentedLower,
            0x2000..=0x200A | 0x205F => Self::Space,
            0xC0..=0x17F | 0x1A0 | 0x1A1 | 0x1AF | 0x1B0 | 0x218..=0x21B | 0x1E00..=0x1EFF => {
                if c.is_uppercase() {
                    Self::AccentedUpper
                } else {
                    Self::AccentedLower
                }
            }
            0x180..=0x2FF | 0x1D00..=0x1DBF | 0x2C60..=0x2C7F | 0xA720..=0xA7FF | 0xAB30..=0xAB6F | 0xFB00..=0xFB06 => {
                Self::RareLatin
            }
            0x300..=0x36F | 0x20D0..=0x20F0 | 0x1DC0..=0x1DFF | 0xFE20..=0xFE2F => Self::Mark,
            0xFFFD => Self::Replacement,
            0x2190..=0x21FF | 0x2300..=0x25FF | 0x2600..=0x27BF | 0x27F0..=0x29FF | 0x2B00..=0x2BFF => Self::Picture,
            0x1F000..=0x1FAFF => Self::Picture,
            _ => Self::of_script(code),
        }
    }

    fn of_script(code: u32) -> Self {
        match code {
            0x370..=0x379 | 0x380..=0x383 | 0x530 | 0x5C8..=0x5CF | 0x5F5..=0x5FF | 0x70E => Self::Never,
            0x386..=0x3CE | 0x3D0..=0x3D6 | 0x1F00..=0x1FFF => Self::Script(1),
            0x400..=0x45F | 0x490..=0x493 | 0x49A..=0x4BB | 0x4D8..=0x4E9 => Self::Script(2),
            0x531..=0x58F => Self::Script(3),
            0x591..=0x5F4 => Self::Script(4),
            0x600..=0x6FF | 0x750..=0x77F | 0xFB50..=0xFDFF | 0xFE70..=0xFEFC => Self::Script(5),
            0x900..=0x97F => Self::Script(6),
            0x980..=0x9FF => Self::Script(7),
            0xA00..=0xA7F => Self::Script(8),
            0xA80..=0xAFF => Self::Script(9),
            0xB80..=0xBFF => Self::Script(10),
            0xC00..=0xC7F => Self::Script(11),
            0xC80..=0xCFF => Self::Script(12),
            0xD00..=0xD7F => Self::Script(13),
            0xD80..=0xDFF => Self::Script(14),
            0xE00..=0xE7F => Self::Script(15),
            0xE80..=0xEFF => Self::Script(16),
            0xF00..=0xFFF => Self::Script(17),
            0x1000..=0x109F => Self::Script(18),
            0x10A0..=0x10FF | 0x1C90..=0x1CBF => Self::Script(19),
            0x1200..=0x139F => Self::Script(20),
            0x1780..=0x17FF => Self::Script(21),
            0x1100..=0x11FF | 0x2E80..=0x2FDF | 0x3000..=0x9FFF | 0xA960..=0xA97F | 0xAC00..=0xD7FF => Self::EastAsian,
            0xF900..=0xFAFF | 0xFE30..=0xFE4F | 0xFF01..=0xFFEE | 0x20000..=0x323AF => Self::EastAsian,
            // Apple's logo, a byte of emoji in MacRoman; no other private character stands in texts.
            0xF8FF => Self::Private,
            0x1D400..=0x1D7FF => Self::Math,
            0x370..=0x1FFFF if is_assigned_block(code) => Self::RareScript((code >> 7) as u16),
            _ => Self::Never,
        }
    }

    /// A small number, equal for equal classes; all rare scripts share one.
    pub(super) fn index(self) -> usize {
        match self {
            Self::Space => 0,
            Self::Digit => 1,
            Self::Lower => 2,
            Self::Upper => 3,
            Self::Punctuation => 4,
            Self::AccentedLower => 5,
            Self::AccentedUpper => 6,
            Self::RareLatin => 7,
            Self::Mark => 8,
            Self::EastAsian => 9,
            Self::QuoteLeft => 10,
            Self::QuoteRight => 11,
            Self::QuoteLow => 12,
            Self::Inverted => 13,
            Self::Dash => 14,
            Self::NoBreakSpace => 15,
            Self::Currency => 16,
            Self::Raised => 17,
            Self::Fraction => 18,
            Self::LoneAccent => 19,
            Self::Sign => 20,
            Self::Math => 21,
            Self::Picture => 22,
            Self::Invisible => 23,
            Self::Replacement => 24,
            Self::Private => 25,
            Self::Never => 26,
            Self::RareScript(_) => 27,
            Self::Script(script) => 28 + usize::from(script),
        }
    }

    /// One class of each index, in order.
    pub(super) fn representatives() -> impl Iterator<Item = Class> {
        use Class::*;
        let single = [
            Space,
            Digit,
            Lower,
            Upper,
            Punctuation,
            AccentedLower,
            AccentedUpper,
            RareLatin,
            Mark,
            EastAsian,
            QuoteLeft,
            QuoteRight,
            QuoteLow,
            Inverted,
            Dash,
            NoBreakSpace,
            Currency,
            Raised,
            Fraction,
            LoneAccent,
            Sign,
            Math,
            Picture,
            Invisible,
            Replacement,
            Private,
            Never,
            RareScript(0),
        ];
        single.into_iter().chain((0..36).map(Script))
    }

    /// A Latin letter, with or without accent.
    pub(super) fn is_latin(self) -> bool {
        matches!(self, Self::Lower | Self::Upper | Self::AccentedLower | Self::AccentedUpper | Self::RareLatin)
    }

    /// A sign that hardly stands beside another by chance.
    pub(super) fn is_sign(self) -> bool {
        matches!(
            self,
            Self::Raised
                | Self::Fraction
                | Self::LoneAccent
                | Self::Sign
                | Self::Math
                | Self::Currency
                | Self::Inverted
        )
    }

    /// An accented Latin letter.
    pub(super) fn is_accented(self) -> bool {
        matches!(self, Self::AccentedLower | Self::AccentedUpper)
    }

    /// A letter of a script that is neither Latin nor Greek (Greek letters stand alone in science).
    pub(super) fn is_foreign_letter(self) -> bool {
        match self {
            Self::Script(script) => script != 1,
            Self::RareScript(_) | Self::EastAsian | Self::RareLatin => true,
            _ => false,
        }
    }
}

/// Blocks of scripts beyond those named above that hold characters (Unicode 16), coarsely.
fn is_assigned_block(code: u32) -> bool {
    matches!(code,
        0x37A..=0x385 | 0x3CF..=0x3FF | 0x460..=0x52F | 0x700..=0x74F | 0x780..=0x7B1 | 0x7C0..=0x85E | 0x860..=0x86A | 0x870..=0x8FF | 0xB00..=0xB7F
        | 0x13A0..=0x177F | 0x1800..=0x1CFF | 0x2800..=0x28FF | 0x2C00..=0x2E5D | 0xA000..=0xABFF
        | 0x10000..=0x10FFF | 0x11000..=0x16FFF | 0x1B000..=0x1B2FF | 0x1E000..=0x1EFFF)
}
