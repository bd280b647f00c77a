//! The two byte-to-character tables through which UTF-8 is misread.
//!
//! `Western` is cp1252 as browsers read it, with latin-1's control characters for the five bytes
//! that cp1252 leaves undefined; since 80-9F are also taken from latin-1's controls, it covers
//! latin-1 too. `MacRoman` is Apple's table with the euro sign.

/// A single-byte encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codec {
    /// cp1252 and latin-1.
    Western,
    /// MacRoman.
    MacRoman,
}

/// Characters of bytes 80-9F in cp1252, by character.
const CP1252: [(u16, u8); 27] = [
    (0x0152, 0x8C),
    (0x0153, 0x9C),
    (0x0160, 0x8A),
    (0x0161, 0x9A),
    (0x0178, 0x9F),
    (0x017D, 0x8E),
    (0x017E, 0x9E),
    (0x0192, 0x83),
    (0x02C6, 0x88),
    (0x02DC, 0x98),
    (0x2013, 0x96),
    (0x2014, 0x97),
    (0x2018, 0x91),
    (0x2019, 0x92),
    (0x201A, 0x82),
    (0x201C, 0x93),
    (0x201D, 0x94),
    (0x201E, 0x84),
    (0x2020, 0x86),
    (0x2021, 0x87),
    (0x2022, 0x95),
    (0x2026, 0x85),
    (0x2030, 0x89),
    (0x2039, 0x8B),
    (0x203A, 0x9B),
    (0x20AC, 0x80),
    (0x2122, 0x99),
];

/// Characters of bytes 80-FF in MacRoman, by character.
const MAC_ROMAN: [(u16, u8); 128] = [
    (0x00A0, 0xCA),
    (0x00A1, 0xC1),
    (0x00A2, 0xA2),
    (0x00A3, 0xA3),
    (0x00A5, 0xB4),
    (0x00A7, 0xA4),
    (0x00A8, 0xAC),
    (0x00A9, 0xA9),
    (0x00AA, 0xBB),
    (0x00AB, 0xC7),
    (0x00AC, 0xC2),
    (0x00AE, 0xA8),
    (0x00AF, 0xF8),
    (0x00B0, 0xA1),
    (0x00B1, 0xB1),
    (0x00B4, 0xAB),
    (0x00B5, 0xB5),
    (0x00B6, 0xA6),
    (0x00B7, 0xE1),
    (0x00B8, 0xFC),
    (0x00BA, 0xBC),
    (0x00BB, 0xC8),
    (0x00BF, 0xC0),
    (0x00C0, 0xCB),
    (0x00C1, 0xE7),
    (0x00C2, 0xE5),
    (0x00C3, 0xCC),
    (0x00C4, 0x80),
    (0x00C5, 0x81),
    (0x00C6, 0xAE),
    (0x00C7, 0x82),
    (0x00C8, 0xE9),
    (0x00C9, 0x83),
    (0x00CA, 0xE6),
    (0x00CB, 0xE8),
    (0x00CC, 0xED),
    (0x00CD, 0xEA),
    (0x00CE, 0xEB),
    (0x00CF, 0xEC),
    (0x00D1, 0x84),
    (0x00D2, 0xF1),
    (0x00D3, 0xEE),
    (0x00D4, 0xEF),
    (0x00D5, 0xCD),
    (0x00D6, 0x85),
    (0x00D8, 0xAF),
    (0x00D9, 0xF4),
    (0x00DA, 0xF2),
    (0x00DB, 0xF3),
    (0x00DC, 0x86),
    (0x00DF, 0xA7),
    (0x00E0, 0x88),
    (0x00E1, 0x87),
    (0x00E2, 0x89),
    (0x00E3, 0x8B),
    (0x00E4, 0x8A),
    (0x00E5, 0x8C),
    (0x00E6, 0xBE),
    (0x00E7, 0x8D),
    (0x00E8, 0x8F),
    (0x00E9, 0x8E),
    (0x00EA, 0x90),
    (0x00EB, 0x91),
    (0x00EC, 0x93),
    (0x00ED, 0x92),
    (0x00EE, 0x94),
    (0x00EF, 0x95),
    (0x00F1, 0x96),
    (0x00F2, 0x98),
    (0x00F3, 0x97),
    (0x00F4, 0x99),
    (0x00F5, 0x9B),
    (0x00F6, 0x9A),
    (0x00F7, 0xD6),
    (0x00F8, 0xBF),
    (0x00F9, 0x9D),
    (0x00FA, 0x9C),
    (0x00FB, 0x9E),
    (0x00FC, 0x9F),
    (0x00FF, 0xD8),
    (0x0131, 0xF5),
    (0x0152, 0xCE),
    (0x0153, 0xCF),
    (0x0178, 0xD9),
    (0x0192, 0xC4),
    (0x02C6, 0xF6),
    (0x02C7, 0xFF),
    (0x02D8, 0xF9),
    (0x02D9, 0xFA),
    (0x02DA, 0xFB),
    (0x02DB, 0xFE),
    (0x02DC, 0xF7),
    (0x02DD, 0xFD),
    (0x03A9, 0xBD),
    (0x03C0, 0xB9),
    (0x2013, 0xD0),
    (0x2014, 0xD1),
    (0x2018, 0xD4),
    (0x2019, 0xD5),
    (0x201A, 0xE2),
    (0x201C, 0xD2),
    (0x201D, 0xD3),
    (0x201E, 0xE3),
    (0x2020, 0xA0),
    (0x2021, 0xE0),
    (0x2022, 0xA5),
    (0x2026, 0xC9),
    (0x2030, 0xE4),
    (0x2039, 0xDC),
    (0x203A, 0xDD),
    (0x2044, 0xDA),
    (0x20AC, 0xDB),
    (0x2122, 0xAA),
    (0x2202, 0xB6),
    (0x2206, 0xC6),
    (0x220F, 0xB8),
    (0x2211, 0xB7),
    (0x221A, 0xC3),
    (0x221E, 0xB0),
    (0x222B, 0xBA),
    (0x2248, 0xC5),
    (0x2260, 0xAD),
    (0x2264, 0xB2),
    (0x2265, 0xB3),
    (0x25CA, 0xD7),
    (0xF8FF, 0xF0),
    (0xFB01, 0xDE),
    (0xFB02, 0xDF),
];

/// How many table entries: U+0000-03FF, then U+2000-22FF, then the three others.
pub(super) const ENTRIES: usize = 0x400 + 0x300 + 4;

/// The table entry of a character, if it can have one. `class` has a table by the same entries.
pub(super) const fn entry(character: u32) -> Option<usize> {
    match character {
        0x80..=0x3FF => Some(character as usize),
        0x2000..=0x22FF => Some(character as usize - 0x2000 + 0x400),
        0x25CA => Some(0x700),
        0xF8FF => Some(0x701),
        0xFB01 => Some(0x702),
        0xFB02 => Some(0x703),
        _ => None,
    }
}

const fn build(pairs: &[(u16, u8)], mut table: [u8; ENTRIES]) -> [u8; ENTRIES] {
    let mut at = 0;
    while at < pairs.len() {
        if let Some(entry) = entry(pairs[at].0 as u32) {
            table[entry] = pairs[at].1;
        }
        at += 1;
    }
    table
}

const fn latin1() -> [u8; ENTRIES] {
    let mut table = [0; ENTRIES];
    let mut byte = 0x80;
    while byte <= 0xFF {
        table[byte] = byte as u8;
        byte += 1;
    }
    table
}

static WESTERN: [u8; ENTRIES] = build(&CP1252, latin1());
static MAC: [u8; ENTRIES] = build(&MAC_ROMAN, [0; ENTRIES]);

/// The character of a table entry.
pub(super) fn character(entry: usize) -> Option<char> {
    let code = match entry {
        0..0x400 => entry,
        0x400..0x700 => entry - 0x400 + 0x2000,
        _ => *[0x25CA, 0xF8FF, 0xFB01, 0xFB02].get(entry - 0x700)?,
    };
    char::from_u32(u32::try_from(code).ok()?)
}

impl Codec {
    /// The byte from 80 that is read as this character.
    pub(super) fn byte(self, character: char) -> Option<u8> {
        let entry = entry(character as u32)?;
        let byte = match self {
            Self::Western => WESTERN[entry],
            Self::MacRoman => MAC[entry],
        };
        (byte != 0).then_some(byte)
    }
}

/// What a character may be in misread UTF-8, through either codec: the first byte of a character
/// or a later one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts(u8);

const WESTERN_FIRST: u8 = 1;
const WESTERN_LATER: u8 = 2;
const MAC_FIRST: u8 = 4;
const MAC_LATER: u8 = 8;

impl Parts {
    /// Whether `self` and the character after it may be the first two bytes of a misread one.
    #[inline]
    pub(crate) fn may_start(self, next: Parts) -> bool {
        self.0 & (next.0 >> 1) & (WESTERN_FIRST | MAC_FIRST) != 0
    }
}

static PARTS: [u8; ENTRIES] = {
    let (western, mac) = (build(&CP1252, latin1()), build(&MAC_ROMAN, [0; ENTRIES]));
    let mut table = [0; ENTRIES];
    let mut at = 0;
    while at < ENTRIES {
        table[at] = part(western[at], WESTERN_FIRST, WESTERN_LATER) | part(mac[at], MAC_FIRST, MAC_LATER);
        at += 1;
    }
    table
};

const fn part(byte: u8, first: u8, later: u8) -> u8 {
    match byte {
        0x80..=0xBF => later,
        0xC2..=0xF4 => first,
        _ => 0,
    }
}

/// What the character with these first UTF-8 bytes may be.
#[inline]
pub(crate) fn parts(lead: u8, second: u8, third: u8) -> Parts {
    let second = u32::from(second & 0x3F);
    let character = match lead {
        0xC2..=0xDF => u32::from(lead & 0x1F) << 6 | second,
        0xE2 | 0xEF => u32::from(lead & 0x0F) << 12 | second << 6 | u32::from(third & 0x3F),
        _ => return Parts::default(),
    };
    Parts(entry(character).map_or(0, |entry| PARTS[entry]))
}
