//! The form in which tokens are compared: NFC, full lower case, no variation selectors.

use super::chars::{self, DIGIT, KIND, REMOVED, UNASSIGNED, UNSTABLE};
use unicode_normalization::UnicodeNormalization as _;

/// What was met on the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// A variation selector was removed.
    pub removed: bool,
    /// A character beyond ASCII is a decimal digit.
    pub wide_digit: bool,
}

/// Appends the comparable form of `text` to `out`: what Python's
/// `unicodedata.normalize("NFC", text).lower()` gives, less variation selectors.
pub fn comparable(text: &str, out: &mut Vec<u8>) -> Seen {
    if text.is_ascii() {
        lower_ascii(text.as_bytes(), out);
        return Seen::default();
    }
    let mut sigma = false;
    let mut unstable = false;
    let mut plain = true;
    let mut at = 0;
    while let Some(next) = next_wide(text, at) {
        let Some(character) = text[next..].chars().next() else { break };
        let class = chars::class(character);
        unstable |= class & UNSTABLE != 0;
        sigma |= character == 'Σ';
        plain &= class & (UNSTABLE | DIGIT) == 0 && class & KIND != REMOVED && chars::is_caseless(character);
        at = next + character.len_utf8();
    }
    if plain {
        // Nothing but ASCII changes: most texts beyond ASCII have a curly mark or two, or are Chinese.
        lower_ascii(text.as_bytes(), out);
        return Seen::default();
    }
    if unstable || sigma {
        let composed: String = if unstable { text.nfc().collect() } else { text.to_owned() };
        if composed.contains('Σ') {
            // The standard library decides about the final sigma by context, as Python does. What Unicode 14
            // does not know is hidden from it behind a character without case.
            let known: String =
                composed.chars().map(|c| if chars::class(c) & UNASSIGNED == 0 { c } else { '\u{378}' }).collect();
            return lower(&known.to_lowercase(), out);
        }
        return lower(&composed, out);
    }
    lower(text, out)
}

/// Where the next character stands that is neither ASCII nor an ideograph.
#[inline]
fn next_wide(text: &str, mut at: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    loop {
        at += first_non_ascii(bytes.get(at..)?)?;
        if !chars::is_ideograph_lead(bytes[at]) {
            return Some(at);
        }
        while bytes.get(at).is_some_and(|&lead| chars::is_ideograph_lead(lead)) {
            at += 3;
        }
    }
}

/// Where the first byte above 7F stands.
pub(crate) fn first_non_ascii(bytes: &[u8]) -> Option<usize> {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let mut at = 0;
    while let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let word = u64::from_le_bytes(*word) & HIGH;
        if word != 0 {
            return Some(at + (word.trailing_zeros() / 8) as usize);
        }
        at += 8;
    }
    bytes[at..].iter().position(|&byte| byte >= 0x80).map(|position| at + position)
}

/// ASCII, and what has no case.
fn lower_ascii(bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(bytes);
    out[start..].make_ascii_lowercase();
}

fn lower(text: &str, out: &mut Vec<u8>) -> Seen {
    let mut seen = Seen::default();
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let next = next_wide(text, at).unwrap_or(bytes.len());
        lower_ascii(&bytes[at..next], out);
        at = next;
        let Some(character) = text[at..].chars().next() else { break };
        at += character.len_utf8();
        let class = chars::class(character);
        if class & KIND == REMOVED {
            seen.removed = true;
            continue;
        }
        seen.wide_digit |= class & DIGIT != 0;
        let mut buffer = [0; 4];
        if class & UNASSIGNED != 0 {
            out.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
            continue;
        }
        for small in character.to_lowercase() {
            out.extend_from_slice(small.encode_utf8(&mut buffer).as_bytes());
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn form(text: &str) -> String {
        let mut out = Vec::new();
        comparable(text, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn as_python_does() {
        assert_eq!(form("Straße ÉCOLE e\u{301}"), "straße école é");
        assert_eq!(form("İstanbul"), "i\u{307}stanbul");
        assert_eq!(form("ΣΊΣΥΦΟΣ ΟΔΟΣ. Σ"), "σίσυφος οδος. σ");
        assert_eq!(form("❤\u{fe0f} ok\u{e0101}"), "❤ ok");
        assert_eq!(form("\u{2126}"), "ω", "the ohm sign composes to omega first");
        assert_eq!(form("\u{1e9e}"), "ß");
        assert_eq!(form("\u{a7dc}"), "\u{a7dc}", "not assigned in Unicode 14");
        assert_eq!(form("Α\u{a7dc}Σ"), "α\u{378}σ", "an unassigned character has no case, so no final sigma");
        assert_eq!(form("\u{1112}\u{1161}\u{11ab}"), "한");
    }

    #[test]
    fn what_was_seen() {
        let mut out = Vec::new();
        assert_eq!(comparable("plain 1", &mut out), Seen::default());
        assert!(comparable("☺\u{fe0f}", &mut out).removed);
        assert!(comparable("٣", &mut out).wide_digit);
    }
}
