//! What a text may need, found in one pass, so that clean text costs a read and nothing else.
//!
//! ASCII is judged in vectors (`avx2` where the processor has it, else a loop without branches that
//! the compiler turns into vector code); only texts with other characters are looked at again, and
//! only for the kinds of trouble that this can show. A flag means "look", never "change".

#[cfg(target_arch = "x86_64")]
mod avx2;

use super::mojibake;
use super::nfc;
use crate::text::normal::first_non_ascii;

/// What to look for in a text: a set of the constants below.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(pub u16);

impl Flags {
    /// Characters beyond ASCII.
    pub const NON_ASCII: Flags = Flags(1);
    /// C0 controls but tab, line feed and carriage return; delete; C1 controls.
    pub const CONTROL: Flags = Flags(2);
    /// A line end that is not a line feed.
    pub const LINE_END: Flags = Flags(4);
    /// White space at the end of a line.
    pub const TRAILING: Flags = Flags(8);
    /// `&`
    pub const AMPERSAND: Flags = Flags(16);
    /// `<`
    pub const ANGLE: Flags = Flags(32);
    /// U+200B or U+FEFF.
    pub const ZERO_WIDTH: Flags = Flags(64);
    /// A character that NFC may change or reorder.
    pub const NFC: Flags = Flags(128);
    /// Two neighbours that may be bytes of one misread character.
    pub const MOJIBAKE: Flags = Flags(256);

    /// Both sets.
    pub const fn with(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }

    /// What both sets hold.
    pub const fn only(self, mask: Flags) -> Flags {
        Flags(self.0 & mask.0)
    }

    /// Whether any of `other` is in the set.
    pub const fn has(self, other: Flags) -> bool {
        self.0 & other.0 != 0
    }

    fn add(&mut self, other: Flags, when: bool) {
        if when {
            self.0 |= other.0;
        }
    }
}

/// What `text` may need, of what is in `mask`.
pub fn scan(text: &str, mask: Flags) -> Flags {
    let bytes = text.as_bytes();
    let mut found = scan_characters(bytes);
    // HTML is off by default.
    if mask.has(Flags::AMPERSAND.with(Flags::ANGLE)) {
        found.add(Flags::AMPERSAND, memchr::memchr(b'&', bytes).is_some());
        found.add(Flags::ANGLE, memchr::memchr(b'<', bytes).is_some());
    }
    found.only(mask)
}

#[inline(always)]
fn scan_characters(bytes: &[u8]) -> Flags {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        let (mut found, mut first) = unsafe { avx2::scan_ascii(bytes) };
        if found.has(Flags::NON_ASCII) {
            while bytes.get(first).is_some_and(|byte| byte & 0xC0 == 0x80) {
                first -= 1;
            }
            // SAFETY: the processor has AVX2.
            found = found.with(unsafe { avx2::scan_others(bytes, first) });
        }
        return found;
    }
    scan_plainly(bytes)
}

/// The part of the answer that characters beyond ASCII give.
pub(super) fn scan_beyond_ascii(text: &str) -> Flags {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { avx2::scan_others(text.as_bytes(), 0) };
    }
    scan_others(text.as_bytes())
}

/// The plain twin, for any processor.
pub(super) fn scan_plainly(bytes: &[u8]) -> Flags {
    let mut found = scan_ascii(bytes);
    if found.has(Flags::NON_ASCII) {
        found = found.with(scan_others(bytes));
    }
    found
}

/// The part of the answer that single bytes give.
fn scan_ascii(bytes: &[u8]) -> Flags {
    let Some(&first) = bytes.first() else { return Flags::default() };
    let mut seen = Seen::default();
    seen.byte(first);
    // Blocks keep the accumulators in registers as bytes; 64 is a whole number of vectors on every machine.
    let (before, after) = (&bytes[..bytes.len() - 1], &bytes[1..]);
    let mut before_blocks = before.chunks_exact(64);
    let mut after_blocks = after.chunks_exact(64);
    for (previous, current) in before_blocks.by_ref().zip(after_blocks.by_ref()) {
        let mut block = Seen::default();
        for (&previous, &current) in previous.iter().zip(current) {
            block.byte(current);
            block.pair(previous, current);
        }
        seen.merge(block);
    }
    for (&previous, &current) in before_blocks.remainder().iter().zip(after_blocks.remainder()) {
        seen.byte(current);
        seen.pair(previous, current);
    }
    let mut found = Flags::default();
    found.add(Flags::NON_ASCII, seen.any & 0x80 != 0);
    found.add(Flags::CONTROL, seen.control != 0);
    found.add(Flags::LINE_END, seen.carriage_return != 0);
    found.add(Flags::TRAILING, seen.trailing != 0 || bytes.last().is_some_and(|&last| is_blank(last)));
    found
}

/// Accumulators, one byte each so that vectors of bytes suffice.
#[derive(Clone, Copy, Default)]
struct Seen {
    any: u8,
    control: u8,
    carriage_return: u8,
    trailing: u8,
}

impl Seen {
    #[inline(always)]
    fn byte(&mut self, byte: u8) {
        self.any |= byte;
        self.carriage_return |= u8::from(byte == b'\r');
        self.control |=
            u8::from(byte < 0x20) & u8::from(byte != b'\t') & u8::from(byte != b'\n') & u8::from(byte != b'\r');
        self.control |= u8::from(byte == 0x7F);
    }

    #[inline(always)]
    fn pair(&mut self, previous: u8, current: u8) {
        // A carriage return is a line end too: `a \r\n`.
        self.trailing |= (u8::from(previous == b' ') | u8::from(previous == b'\t'))
            & (u8::from(current == b'\n') | u8::from(current == b'\r'));
    }

    fn merge(&mut self, other: Seen) {
        self.any |= other.any;
        self.control |= other.control;
        self.carriage_return |= other.carriage_return;
        self.trailing |= other.trailing;
    }
}

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// The part of the answer that takes a look at every character beyond ASCII.
fn scan_others(bytes: &[u8]) -> Flags {
    let mut found = Flags::default();
    let mut at = 0;
    while let Some(skip) = first_non_ascii(&bytes[at..]) {
        at += skip;
        look(bytes, at, &mut found);
        at += length(bytes[at]);
    }
    found
}

/// How many bytes the character beyond ASCII with this first byte has.
fn length(lead: u8) -> usize {
    if lead >= 0xF0 { 4 } else { 2 + usize::from(lead >= 0xE0) }
}

/// A look at the character beyond ASCII that begins at `at`, and at the one after it.
#[inline]
fn look(bytes: &[u8], at: usize, found: &mut Flags) {
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
    let (lead, second, third) = (byte(at), byte(at + 1), byte(at + 2));
    match lead {
        0xC2 => {
            found.add(Flags::CONTROL, second < 0xA0);
            found.add(Flags::LINE_END, second == 0x85);
        }
        0xE2 => {
            found.add(Flags::ZERO_WIDTH, second == 0x80 && third == 0x8B);
            found.add(Flags::LINE_END, second == 0x80 && (third == 0xA8 || third == 0xA9));
        }
        0xEF => found.add(Flags::ZERO_WIDTH, second == 0xBB && third == 0xBF),
        _ => {}
    }
    found.add(Flags::NFC, nfc::is_suspect(lead, second, third));
    let next = at + length(lead);
    if byte(next) >= 0x80 {
        let parts = mojibake::parts(lead, second, third);
        let next_parts = mojibake::parts(byte(next), byte(next + 1), byte(next + 2));
        found.add(Flags::MOJIBAKE, parts.may_start(next_parts));
    }
}
