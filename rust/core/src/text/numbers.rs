//! The numbers of a text, in order: the matches of `[+\-*/%^=<>]?\d+([.,]\d+)*`. Texts whose numbers
//! differ are never near duplicates, however alike their words are.

use super::chars::{self, DIGIT};
use super::hash;

/// The value of a text without numbers.
pub const NONE: u64 = 0x5d8b_31a9_2c47_e06f;

/// The next number sequence value, after one more number.
#[inline]
fn chain(sequence: u64, number: u64) -> u64 {
    hash::mix(sequence.wrapping_mul(0x9fb2_1c65_1e98_df25) ^ number)
}

fn is_operator(byte: u8) -> bool {
    matches!(byte, b'+' | b'-' | b'*' | b'/' | b'%' | b'^' | b'=' | b'<' | b'>')
}

/// The sequence of a text whose digits are all ASCII. `digits` has a bit for every byte of `text`
/// that is an ASCII digit; `text` ends with padding that is none.
pub fn from_mask(text: &[u8], digits: &[u64]) -> u64 {
    let mut sequence = NONE;
    let mut done = 0;
    for (block, &mask) in digits.iter().enumerate() {
        let mut left = mask;
        while left != 0 {
            let start = block * 64 + left.trailing_zeros() as usize;
            if start >= done {
                let digit = |at: usize| text.get(at).is_some_and(u8::is_ascii_digit);
                // The digits of this block by their bits: how many a number has cannot be guessed.
                let mut end = start + (mask >> (start % 64)).trailing_ones() as usize;
                loop {
                    while digit(end) {
                        end += 1;
                    }
                    if !(matches!(text.get(end), Some(b'.' | b',')) && digit(end + 1)) {
                        break;
                    }
                    end += 1;
                }
                let from = if start > 0 && is_operator(text[start - 1]) { start - 1 } else { start };
                sequence = chain(sequence, hash::token(text, from, end - from));
                done = end;
            }
            left &= left - 1;
            // The rest of this run lies behind `done`.
            let skip = done.saturating_sub(block * 64);
            left = if skip >= 64 { 0 } else { left & (u64::MAX << skip) };
        }
    }
    sequence
}

/// The sequence of any text, by the definition.
pub fn of_text(text: &str) -> u64 {
    let is_digit = |c: char| c.is_ascii_digit() || !c.is_ascii() && chars::class(c) & DIGIT != 0;
    let mut sequence = NONE;
    let mut before = None;
    let mut rest = text.char_indices().peekable();
    while let Some((at, character)) = rest.next() {
        if !is_digit(character) {
            before = Some((at, character));
            continue;
        }
        let from = match before {
            Some((at, operator)) if operator.is_ascii() && is_operator(operator as u8) => at,
            _ => at,
        };
        let mut end = at + character.len_utf8();
        loop {
            while let Some((at, next)) = rest.next_if(|&(_, c)| is_digit(c)) {
                end = at + next.len_utf8();
            }
            let joined = text[end..].starts_with(['.', ',']) && text[end + 1..].starts_with(is_digit);
            if !joined {
                break;
            }
            rest.next();
        }
        before = None;
        let mut padded = text.as_bytes()[from..end].to_vec();
        let length = padded.len();
        padded.extend([0; hash::PADDING]);
        sequence = chain(sequence, hash::token(&padded, 0, length));
    }
    sequence
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn masked(text: &str) -> u64 {
        let mut bytes = text.as_bytes().to_vec();
        let blocks = bytes.len() / 64 + 1;
        bytes.resize(blocks * 64 + hash::PADDING, 0);
        let digits: Vec<u64> = (0..blocks)
            .map(|block| (0..64).filter(|&bit| bytes[block * 64 + bit].is_ascii_digit()).map(|bit| 1u64 << bit).sum())
            .collect();
        from_mask(&bytes, &digits)
    }

    fn sequence(numbers: &[&str]) -> u64 {
        numbers.iter().fold(NONE, |state, number| {
            let mut padded = number.as_bytes().to_vec();
            padded.extend([0; hash::PADDING]);
            chain(state, hash::token(&padded, 0, number.len()))
        })
    }

    #[test]
    fn examples() {
        for (text, numbers) in [
            ("", &[][..]),
            ("none", &[]),
            ("3-5=x", &["3", "-5"]),
            ("1,000.50 and 1..2, 7.", &["1,000.50", "1", "2", "7"]),
            ("a1b-2", &["1", "-2"]),
            ("5=5", &["5", "=5"]),
            ("--4 ++", &["-4"]),
            ("1.2.3,4", &["1.2.3,4"]),
            ("−4", &["4"]),
            ("٣.٤ ½", &["٣.٤"]),
        ] {
            assert_eq!(of_text(text), sequence(numbers), "{text}");
        }
        assert_ne!(of_text("1 23"), of_text("12 3"));
    }

    proptest! {
        #[test]
        fn both_ways_agree(text in "[0-9 .,a+=\\-]{0,200}") {
            prop_assert_eq!(masked(&text), of_text(&text));
        }
    }
}
