//! The scan with AVX2, 32 bytes a step. It says what the plain twins in `scan` say.
//!
//! Clean ASCII costs one addition and one comparison a step. In other texts only those characters
//! are looked at that can be in need of something by their first byte; most of Chinese, Japanese,
//! Korean and Cyrillic cannot.

use super::{Flags, is_blank, look};
use std::arch::x86_64::*;

const STEP: usize = 32;

/// Printable, so that padding shows nothing.
const PADDING: u8 = b'x';

/// The part of the answer that single bytes give, and a place before which all bytes are ASCII.
#[target_feature(enable = "avx2")]
pub(super) fn scan_ascii(bytes: &[u8]) -> (Flags, usize) {
    let mut seen = Seen { found: Flags::default(), first: usize::MAX };
    if bytes.len() < STEP {
        let mut padded = [PADDING; STEP];
        padded[..bytes.len()].copy_from_slice(bytes);
        // SAFETY: 32 bytes are there.
        seen.step(unsafe { _mm256_loadu_si256(padded.as_ptr().cast()) }, 0, false);
    } else {
        let last = bytes.len() - STEP;
        let mut at = 0;
        loop {
            // SAFETY: `at` is at most `last`, so that 32 bytes are there.
            let chunk = unsafe { _mm256_loadu_si256(bytes.as_ptr().add(at).cast()) };
            seen.step(chunk, at, at > 0 && is_blank(bytes[at - 1]));
            if at == last {
                break;
            }
            // The last step may see some bytes again, which adds nothing.
            at = (at + STEP).min(last);
        }
    }
    let mut found = seen.found;
    found.add(Flags::TRAILING, bytes.last().is_some_and(|&last| is_blank(last)));
    (found, seen.first.min(bytes.len()))
}

struct Seen {
    found: Flags,
    /// The first step with a byte above 7F.
    first: usize,
}

impl Seen {
    #[inline]
    #[target_feature(enable = "avx2")]
    fn step(&mut self, chunk: __m256i, at: usize, blank_before: bool) {
        // One more makes delete the least number there is: whatever is not printable is below 21.
        let moved = _mm256_add_epi8(chunk, _mm256_set1_epi8(1));
        let special = mask(_mm256_cmpgt_epi8(_mm256_set1_epi8(0x21), moved));
        if special == 0 {
            return;
        }
        let line_feeds = equal(chunk, b'\n');
        let tabs = equal(chunk, b'\t');
        let mut ends = line_feeds;
        if special & !line_feeds & !tabs != 0 {
            let high = mask(chunk);
            let carriage_returns = equal(chunk, b'\r');
            ends |= carriage_returns;
            self.found.add(Flags::CONTROL, special & !(line_feeds | tabs | high | carriage_returns) != 0);
            self.found.add(Flags::LINE_END, carriage_returns != 0);
            if high != 0 {
                self.found.add(Flags::NON_ASCII, true);
                self.first = self.first.min(at);
            }
        }
        let blanks = tabs | equal(chunk, b' ');
        self.found.add(Flags::TRAILING, ends & (blanks << 1 | u32::from(blank_before)) != 0);
    }
}

/// The part of the answer that characters beyond ASCII give. `at` is the start of a character.
#[target_feature(enable = "avx2")]
pub(super) fn scan_others(bytes: &[u8], mut at: usize) -> Flags {
    let mut found = Flags::default();
    // A step looks at two more bytes than it judges.
    while at + STEP + 2 <= bytes.len() {
        // SAFETY: 34 bytes from `at` are there.
        let leads = unsafe { worth_a_look(bytes.as_ptr().add(at)) };
        look_at(bytes, at, leads, &mut found);
        at += STEP;
    }
    // What is left, at most 33 bytes, is followed by padding.
    let mut padded = [PADDING; 2 * STEP + 2];
    let rest = &bytes[at..];
    padded[..rest.len()].copy_from_slice(rest);
    let mut offset = 0;
    while offset < rest.len() {
        // SAFETY: `offset` is 0 or 32, and 66 bytes are there.
        let leads = unsafe { worth_a_look(padded.as_ptr().add(offset)) };
        look_at(bytes, at + offset, leads, &mut found);
        offset += STEP;
    }
    found
}

#[inline(always)]
fn look_at(bytes: &[u8], at: usize, mut leads: u32, found: &mut Flags) {
    while leads != 0 {
        look(bytes, at + leads.trailing_zeros() as usize, found);
        leads &= leads - 1;
    }
}

/// First bytes of characters to look at, by their low half: one bit for each high half C to F.
/// Those left out are never in need of anything (a test holds this against the plain twin); E3 and
/// EF are judged by their second bytes below.
const LOOK: [u8; 16] = {
    let mut table = [0; 16];
    let mut low = 0;
    while low < 16 {
        let d = !matches!(low, 0x0 | 0x1 | 0x3 | 0x4 | 0x5 | 0xA);
        let e = matches!(low, 0x0 | 0x1 | 0x2 | 0xA);
        let f = low == 0;
        table[low] = 1 | (d as u8) << 1 | (e as u8) << 2 | (f as u8) << 3;
        low += 1;
    }
    table
};

/// Which of 32 bytes begin a character that may need something.
///
/// # Safety
/// 34 bytes must be readable.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn worth_a_look(from: *const u8) -> u32 {
    // SAFETY: the caller's promise.
    let chunk = unsafe { _mm256_loadu_si256(from.cast()) };
    if mask(chunk) == 0 {
        return 0;
    }
    // SAFETY: a table of 16 bytes.
    let low_table = _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(LOOK.as_ptr().cast()) });
    let high_table = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 8));
    let low_half = _mm256_set1_epi8(0x0F);
    let low = _mm256_shuffle_epi8(low_table, _mm256_and_si256(chunk, low_half));
    let high = _mm256_shuffle_epi8(high_table, _mm256_and_si256(_mm256_srli_epi16::<4>(chunk), low_half));
    let none = equals(_mm256_and_si256(low, high), 0);
    let mut leads = !mask(none);
    let kana = equal(chunk, 0xE3);
    let forms = equal(chunk, 0xEF);
    if kana | forms != 0 {
        // SAFETY: the caller's promise.
        let (second, third) =
            unsafe { (_mm256_loadu_si256(from.add(1).cast()), _mm256_loadu_si256(from.add(2).cast())) };
        // Tone marks and voicing marks, from 80 AA and 82 99; a little more is looked at.
        let marks =
            above(third, 0xA9) & equal(second, 0x80) | above(third, 0x98) & !above(third, 0x9A) & equal(second, 0x82);
        // Fullwidth forms are BC to BE.
        leads |= kana & marks | forms & !(above(second, 0xBB) & !above(second, 0xBE));
    }
    leads
}

#[inline]
#[target_feature(enable = "avx2")]
fn mask(vector: __m256i) -> u32 {
    _mm256_movemask_epi8(vector) as u32
}

#[inline]
#[target_feature(enable = "avx2")]
fn equals(chunk: __m256i, byte: u8) -> __m256i {
    _mm256_cmpeq_epi8(chunk, _mm256_set1_epi8(byte as i8))
}

#[inline]
#[target_feature(enable = "avx2")]
fn equal(chunk: __m256i, byte: u8) -> u32 {
    mask(equals(chunk, byte))
}

/// Bytes greater than `byte` among those from 80; whatever is below does not count.
#[inline]
#[target_feature(enable = "avx2")]
fn above(chunk: __m256i, byte: u8) -> u32 {
    mask(_mm256_cmpgt_epi8(chunk, _mm256_set1_epi8(byte as i8))) & mask(chunk)
}
