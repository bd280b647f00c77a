//! A rising list of small numbers in a file: one bit a number, in hexadecimal, the lowest first.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

/// More than any window is wide.
const MOST: usize = 1 << 17;

pub(super) fn serialize<S: Serializer>(numbers: &[u32], serializer: S) -> Result<S::Ok, S::Error> {
    let mut digits = vec![0_u8; numbers.last().map_or(0, |last| *last as usize / 4 + 1)];
    for &number in numbers {
        digits[number as usize / 4] |= 1 << (number % 4);
    }
    let text: String = digits.iter().filter_map(|digit| char::from_digit(u32::from(*digit), 16)).collect();
    serializer.serialize_str(&text)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u32>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.len() > MOST / 4 {
        return Err(D::Error::custom("more distances than a window has"));
    }
    let mut numbers = Vec::new();
    for (at, digit) in text.chars().enumerate() {
        let digit = digit.to_digit(16).ok_or_else(|| D::Error::custom("expected hexadecimal digits"))?;
        numbers.extend((0..4).filter(|bit| digit >> bit & 1 == 1).map(|bit| at as u32 * 4 + bit));
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use crate::pack::PackCursor;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_comes_back(taken in proptest::collection::btree_set(1_u32..65_536, 0..600)) {
            let cursor = PackCursor { oldest: 7, taken: taken.into_iter().collect(), last: 0 };
            let text = serde_json::to_string(&cursor)?;
            prop_assert!(text.len() < 16_500);
            prop_assert_eq!(serde_json::from_str::<PackCursor>(&text)?, cursor);
        }
    }
}
