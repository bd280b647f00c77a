//! Finds where a JSON value ends without parsing it, 64 bytes at a time.
//!
//! Quotes, escapes and brackets become bit masks (as in Langdale and Lemire, "Parsing gigabytes of
//! JSON per second", 2019); a block in which the nesting cannot come back to the outside is passed
//! over by counting. The value itself is judged later, by the parser, on another core.

use super::masks::{Classify, Masks};

/// The search for the end of one value. It is fed the value's bytes in pieces of any size.
#[derive(Clone, Debug)]
pub(super) struct Scan {
    kind: Kind,
    depth: u64,
    in_string: bool,
    escaped: bool,
    /// A raw line end stood inside a string: not JSON, so perhaps a quote is missing.
    pub line_in_string: bool,
    classify: Classify,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Nested,
    String,
    Scalar,
}

impl Scan {
    /// A search that begins at the value's first byte, which decides what ends it.
    pub fn new(first: u8) -> Self {
        let kind = match first {
            b'{' | b'[' => Kind::Nested,
            b'"' => Kind::String,
            _ => Kind::Scalar,
        };
        Self { kind, depth: 0, in_string: false, escaped: false, line_in_string: false, classify: Classify::new() }
    }

    /// Looks at the next bytes of the value. `Some(n)`: the value ends before byte `n` of them.
    pub fn feed(&mut self, bytes: &[u8]) -> Option<usize> {
        match self.kind {
            Kind::Scalar => bytes.iter().position(|byte| {
                matches!(byte, b',' | b']' | b'}' | b'[' | b'{' | b'"' | b' ' | b'\t' | b'\r' | b'\n')
            }),
            Kind::String => self.bytewise(bytes),
            Kind::Nested => {
                let (blocks, rest) = bytes.as_chunks::<64>();
                for (index, block) in blocks.iter().enumerate() {
                    let masks = self.classify.block(block);
                    if let Some(end) = self.block(masks) {
                        return Some(index * 64 + end);
                    }
                }
                self.bytewise(rest).map(|end| blocks.len() * 64 + end)
            }
        }
    }

    /// Whether all that was fed is a whole value, at the end of the input: true of numbers and words.
    pub fn may_end(&self) -> bool {
        self.kind == Kind::Scalar
    }

    #[inline]
    fn block(&mut self, masks: Masks) -> Option<usize> {
        let escaped = self.escapes(masks.backslash);
        let quotes = masks.quote & !escaped;
        let inside = prefix_xor(quotes) ^ (self.in_string as u64).wrapping_neg();
        self.in_string = inside >> 63 == 1;
        self.line_in_string |= masks.line & inside != 0;
        let open = masks.open & !inside;
        let close = masks.close & !inside;
        let closes = u64::from(close.count_ones());
        if closes < self.depth {
            self.depth = self.depth + u64::from(open.count_ones()) - closes;
            return None;
        }
        let mut brackets = open | close;
        while brackets != 0 {
            let bit = brackets.trailing_zeros();
            brackets &= brackets - 1;
            if open >> bit & 1 == 1 {
                self.depth += 1;
            } else {
                self.depth = self.depth.saturating_sub(1);
                if self.depth == 0 {
                    return Some(bit as usize + 1);
                }
            }
        }
        None
    }

    /// The bytes that a backslash escapes.
    #[inline]
    fn escapes(&mut self, backslash: u64) -> u64 {
        if backslash == 0 {
            let escaped = u64::from(self.escaped);
            self.escaped = false;
            return escaped;
        }
        // simdjson's method: runs of backslashes that begin on odd bits carry through an addition.
        const ODD: u64 = 0xAAAA_AAAA_AAAA_AAAA;
        let potential = backslash & !u64::from(self.escaped);
        let maybe_escaped = potential << 1;
        let codes = ((maybe_escaped | ODD).wrapping_sub(potential)) ^ ODD;
        let escaped = codes ^ (backslash | u64::from(self.escaped));
        self.escaped = (codes & backslash) >> 63 == 1;
        escaped
    }

    fn bytewise(&mut self, bytes: &[u8]) -> Option<usize> {
        for (at, &byte) in bytes.iter().enumerate() {
            if std::mem::take(&mut self.escaped) {
                continue;
            }
            match byte {
                b'"' => {
                    self.in_string = !self.in_string;
                    if self.kind == Kind::String && !self.in_string {
                        return Some(at + 1);
                    }
                }
                b'\\' => self.escaped = true,
                b'\n' => self.line_in_string |= self.in_string,
                b'{' | b'[' if !self.in_string => self.depth += 1,
                b'}' | b']' if !self.in_string => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 && self.kind == Kind::Nested {
                        return Some(at + 1);
                    }
                }
                _ => {}
            }
        }
        None
    }
}

/// Bit `n` becomes the exclusive or of bits `0..=n`.
#[inline]
fn prefix_xor(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

/// The end of the value that begins at `at`, if it is within `bytes`.
pub(super) fn value_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut scan = Scan::new(*bytes.get(at)?);
    scan.feed(&bytes[at..]).map(|end| at + end)
}

/// Whether `text` is one value and nothing else (its inside is not checked).
pub(super) fn is_one_value(text: &[u8]) -> bool {
    let Some(&first) = text.first() else { return false };
    let mut scan = Scan::new(first);
    match scan.feed(text) {
        Some(end) => end == text.len(),
        None => scan.may_end(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    /// The end by serde_json's own reader.
    fn oracle(text: &str) -> Option<usize> {
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<serde_json::Value>();
        values.next()?.ok()?;
        Some(values.byte_offset())
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<i64>().prop_map(Into::into),
            "[a-z\\\\\"{}\\[\\],:\n\u{e9}\u{4e2d}]{0,80}".prop_map(Into::into),
        ];
        leaf.prop_recursive(5, 60, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::Array),
                prop::collection::vec(("[a-c\\\\\"{]{0,9}", inner), 0..6)
                    .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]
        #[test]
        fn the_end_is_serde_jsons_whatever_the_pieces(value in json(), pretty: bool, rest in "[ ,\\]}\"\\\\{]{0,90}", size in 1usize..200) {
            prop_assume!(value.is_object() || value.is_array() || value.is_string());
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            let all = format!("{text}{rest}");
            prop_assert_eq!(value_end(all.as_bytes(), 0), oracle(&text));
            prop_assert!(is_one_value(text.as_bytes()));
            let mut scan = Scan::new(all.as_bytes()[0]);
            let mut fed = 0;
            let mut found = None;
            for piece in all.as_bytes().chunks(size) {
                if let Some(end) = scan.feed(piece) {
                    found = Some(fed + end);
                    break;
                }
                fed += piece.len();
            }
            prop_assert_eq!(found, Some(text.len()));
        }
    }
}
