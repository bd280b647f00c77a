//! Where words and single characters stand: a bit map of the text is made 64 bytes at a time, and places are
//! read off the bits. Rules and duplicates cut by this; what a character beyond ASCII is, they say themselves.

use super::bits::{self, BLOCK, Bits, Level};

/// What a character beyond ASCII is to who cuts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Between words.
    Apart,
    /// Part of a word.
    Word,
    /// By itself.
    Single,
}

/// A way to cut.
pub trait Cutter {
    /// Whether ASCII symbols stand by themselves; else they stand between words.
    const SYMBOLS: bool;

    /// What a character is that is neither ASCII nor an ideograph (`chars::is_ideograph_lead`); those are single.
    fn kind(character: char) -> Kind;

    /// Sees what every block is.
    fn block(&mut self, bits: &Bits);
}

/// Appends, of a text in UTF-8, the first byte of each word and single character to `starts`, and the byte behind it to `ends`.
/// The processor has what the level says.
pub fn read<C: Cutter>(level: Level, text: &[u8], cutter: &mut C, starts: &mut Vec<u32>, ends: &mut Vec<u32>) {
    match level {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the processor has these.
        Level::Avx512 => unsafe { read_avx512(text, cutter, starts, ends) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the processor has these.
        Level::Avx2 => unsafe { read_avx2(text, cutter, starts, ends) },
        Level::Plain => read_by(text, cutter, starts, ends, bits::plain, bits::places),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512bw,avx512vbmi2,bmi1,popcnt")]
fn read_avx512<C: Cutter>(text: &[u8], cutter: &mut C, starts: &mut Vec<u32>, ends: &mut Vec<u32>) {
    read_by(
        text,
        cutter,
        starts,
        ends,
        |block| bits::avx512::bits(block),
        |bits, base, out| bits::avx512::places(bits, base, out),
    );
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,popcnt")]
fn read_avx2<C: Cutter>(text: &[u8], cutter: &mut C, starts: &mut Vec<u32>, ends: &mut Vec<u32>) {
    read_by(text, cutter, starts, ends, |block| bits::avx2::bits(block), bits::places);
}

#[inline(always)]
fn read_by<C: Cutter>(
    text: &[u8],
    cutter: &mut C,
    starts: &mut Vec<u32>,
    ends: &mut Vec<u32>,
    bits_of: impl Fn(&[u8; BLOCK]) -> Bits,
    places: impl Fn(u64, u32, &mut Vec<u32>),
) {
    // What reaches over from the block before: parts of words, ends of tokens, whether its last byte was a word's.
    let (mut late_words, mut late_ends, mut before) = (0, 0, 0);
    let mut read = |block: &[u8; BLOCK], base: usize| {
        let bits = bits_of(block);
        cutter.block(&bits);
        let symbols = if C::SYMBOLS { bits.singles } else { 0 };
        let mut first = symbols | bits.ideographs;
        let mut words = u128::from(bits.words | late_words);
        let mut behind = u128::from(symbols) << 1 | u128::from(bits.ideographs) << 3 | u128::from(late_ends);
        // Ideographs need no look at each.
        let mut wide = bits.wide & !bits.ideographs;
        while wide != 0 {
            let at = wide.trailing_zeros();
            wide &= wide - 1;
            let Some((character, size)) = decode(&text[base + at as usize..]) else { continue };
            match C::kind(character) {
                Kind::Word => words |= ((1 << size) - 1) << at,
                Kind::Single => {
                    first |= 1 << at;
                    behind |= 1 << (at + size);
                }
                Kind::Apart => {}
            }
        }
        late_words = (words >> BLOCK) as u64;
        late_ends = (behind >> BLOCK) as u64;
        // A word starts where its bit is set and the one before is not, and ends the other way.
        let words = words as u64;
        let shifted = words << 1 | before;
        before = words >> 63;
        places(first | words & !shifted, base as u32, starts);
        places(behind as u64 | !words & shifted, base as u32, ends);
    };
    let (blocks, rest) = text.as_chunks();
    for (number, block) in blocks.iter().enumerate() {
        read(block, number * BLOCK);
    }
    // Always one more, with zeros behind the text: it ends the last token.
    let mut last = [0; BLOCK];
    last[..rest.len()].copy_from_slice(rest);
    read(&last, blocks.len() * BLOCK);
}

/// The length of a UTF-8 sequence by its first byte.
fn sequence_length(first: u8) -> u32 {
    match first {
        0..0xc0 => 1,
        0xc0..0xe0 => 2,
        0xe0..0xf0 => 3,
        _ => 4,
    }
}

/// The character at the start of valid UTF-8, if this is the start of one.
fn decode(bytes: &[u8]) -> Option<(char, u32)> {
    let first = *bytes.first()?;
    if first & 0xc0 == 0x80 {
        return None;
    }
    let size = sequence_length(first);
    let mut point = u32::from(first) & (0x7f >> size);
    for &byte in bytes.get(1..size as usize)? {
        point = point << 6 | u32::from(byte & 0x3f);
    }
    char::from_u32(point).map(|character| (character, size))
}
