//! Scripts of letters.

/// A script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Script {
    /// Latin.
    Latin,
    /// Cyrillic.
    Cyrillic,
    /// Greek.
    Greek,
    /// Han without kana.
    Han,
    /// Japanese: kana, with Han or without.
    Japanese,
    /// Hangul, with Han or without.
    Korean,
    /// Arabic.
    Arabic,
    /// Hebrew.
    Hebrew,
    /// Devanagari.
    Devanagari,
    /// Bengali.
    Bengali,
    /// Tamil.
    Tamil,
    /// Telugu.
    Telugu,
    /// Thai.
    Thai,
    /// Georgian.
    Georgian,
    /// Armenian.
    Armenian,
    /// Khmer.
    Khmer,
    /// Burmese.
    Burmese,
}

impl Script {
    /// Every script, in the order of their numbers.
    pub const ALL: [Self; 17] = [
        Self::Latin,
        Self::Cyrillic,
        Self::Greek,
        Self::Han,
        Self::Japanese,
        Self::Korean,
        Self::Arabic,
        Self::Hebrew,
        Self::Devanagari,
        Self::Bengali,
        Self::Tamil,
        Self::Telugu,
        Self::Thai,
        Self::Georgian,
        Self::Armenian,
        Self::Khmer,
        Self::Burmese,
    ];

    /// The code of ISO 15924; `Jpan` and `Kore` stand for their mixtures with Han.
    pub fn code(self) -> &'static str {
        match self {
            Self::Latin => "Latn",
            Self::Cyrillic => "Cyrl",
            Self::Greek => "Grek",
            Self::Han => "Hani",
            Self::Japanese => "Jpan",
            Self::Korean => "Kore",
            Self::Arabic => "Arab",
            Self::Hebrew => "Hebr",
            Self::Devanagari => "Deva",
            Self::Bengali => "Beng",
            Self::Tamil => "Taml",
            Self::Telugu => "Telu",
            Self::Thai => "Thai",
            Self::Georgian => "Geor",
            Self::Armenian => "Armn",
            Self::Khmer => "Khmr",
            Self::Burmese => "Mymr",
        }
    }

    /// The script of a letter beyond ASCII; kana and Hangul stand for the mixture that they belong to.
    pub fn of(letter: char) -> Option<Self> {
        Some(match u32::from(letter) {
            0x00C0..=0x024F | 0x1E00..=0x1EFF if letter.is_alphabetic() => Self::Latin,
            0x0370..=0x03FF | 0x1F00..=0x1FFF => Self::Greek,
            0x0400..=0x052F => Self::Cyrillic,
            0x0531..=0x058F => Self::Armenian,
            0x0590..=0x05FF => Self::Hebrew,
            0x0600..=0x06FF | 0x0750..=0x077F | 0xFB50..=0xFDFF | 0xFE70..=0xFEFC => Self::Arabic,
            0x0900..=0x097F => Self::Devanagari,
            0x0980..=0x09FF => Self::Bengali,
            0x0B80..=0x0BFF => Self::Tamil,
            0x0C00..=0x0C7F => Self::Telugu,
            0x0E00..=0x0E7F => Self::Thai,
            0x1000..=0x109F => Self::Burmese,
            0x10A0..=0x10FF | 0x1C90..=0x1CBF => Self::Georgian,
            0x1780..=0x17FF => Self::Khmer,
            0x1100..=0x11FF | 0x3130..=0x318F | 0xAC00..=0xD7FF => Self::Korean,
            0x3041..=0x3096
            | 0x309D..=0x309F
            | 0x30A1..=0x30FA
            | 0x30FC..=0x30FF
            | 0x31F0..=0x31FF
            | 0xFF66..=0xFF9F => Self::Japanese,
            0x3005 | 0x3007 | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x3FFFF => Self::Han,
            _ => return None,
        })
    }

    /// What a letter of it weighs against a Latin one: where it stands for a syllable or a word, more.
    pub fn weight(self) -> u32 {
        match self {
            Self::Han | Self::Japanese | Self::Korean => 3,
            _ => 1,
        }
    }
}
