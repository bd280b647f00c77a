//! Tier 2: regular expressions, which take time linear in the text.

use crate::{Error, Result};
use regex::{Regex, RegexBuilder, bytes};

/// A compiled expression stays below this many bytes; a bigger one is refused when the pack is loaded.
const BYTES: usize = 256 << 10;

/// An expression. Most texts are ASCII, where an automaton over bytes says the same and is much smaller.
#[derive(Debug)]
pub(super) struct Expression {
    any: Regex,
    /// For texts of ASCII; not where the expression itself is beyond.
    ascii: Option<bytes::Regex>,
}

impl Expression {
    /// Compiles a pattern; `at` names its rule in messages.
    ///
    /// # Errors
    /// A pattern that is none, or too big.
    pub fn new(pattern: &str, at: &str) -> Result<Self> {
        let build = |pattern: &str| {
            RegexBuilder::new(pattern)
                .case_insensitive(true)
                .multi_line(true)
                .size_limit(BYTES)
                .dfa_size_limit(BYTES)
                .nest_limit(64)
                .build()
        };
        // What the user wrote is judged before it is changed: messages show no other pattern.
        let any = build(pattern).map_err(|error| {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            Error::plan(at, format!("the expression `{pattern}` cannot be used: {last}"))
        })?;
        if !pattern.is_ascii() {
            return Ok(Self { any, ascii: None });
        }
        let any = ascii_edges(pattern).and_then(|pattern| build(&pattern).ok()).unwrap_or(any);
        let ascii = bytes::RegexBuilder::new(pattern)
            .case_insensitive(true)
            .multi_line(true)
            .unicode(false)
            .size_limit(BYTES)
            .dfa_size_limit(BYTES)
            .nest_limit(64)
            .build();
        // Letters beyond ASCII would be bytes there, and their cases unknown.
        let ascii = ascii.ok().filter(|_| !pattern.contains("(?"));
        Ok(Self { any, ascii })
    }

    /// The places of its matches, at most so many.
    pub fn find(&self, text: &str, is_ascii: bool, most: usize, mut hit: impl FnMut(u32, u32)) {
        match &self.ascii {
            Some(ascii) if is_ascii => {
                ascii
                    .find_iter(text.as_bytes())
                    .take(most)
                    .for_each(|found| hit(found.start() as u32, found.end() as u32));
            }
            _ => self.any.find_iter(text).take(most).for_each(|found| hit(found.start() as u32, found.end() as u32)),
        }
    }
}

/// The pattern with `\b` and `\B` between ASCII characters, as RE2 has them: what an automaton cannot tell of
/// other letters it would have to leave to a machine that is a hundred times as slow. Nothing where it has neither.
fn ascii_edges(pattern: &str) -> Option<String> {
    let mut changed = String::new();
    let mut letters = pattern.chars().peekable();
    while let Some(letter) = letters.next() {
        match (letter, letters.peek()) {
            ('\\', Some(&edge @ ('b' | 'B'))) => {
                letters.next();
                if letters.peek() == Some(&'{') {
                    // `\b{start}` and its like say themselves what they mean.
                    changed.extend([letter, edge]);
                } else {
                    changed.extend(["(?-u:\\", if edge == 'b' { "b" } else { "B" }, ")"]);
                }
            }
            ('\\', Some(&next)) => {
                letters.next();
                changed.extend([letter, next]);
            }
            _ => changed.push(letter),
        }
    }
    (changed.len() > pattern.len()).then_some(changed)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    const PATTERNS: [&str; 10] = [
        "\\b[a-z_]{3,}\\([\\x27\"][^()\\n]{1,80}[\\x27\"]\\)",
        "^[A-Z ]{2,}:$",
        "\\w+\\s*.\\d",
        "\\bk.s\\b",
        "[^a-k]{2}",
        "\\D\\W",
        "\\bs?\\\\b?",
        "\\p{L}+",
        "(?-i)ab",
        "\\x{e9}|a$",
    ];

    proptest! {
        #[test]
        fn ascii_says_what_unicode_says(text in "[a-cksAKS_(\"'): .\\n0-9]{0,40}", more in "[a-cé\u{212A}ſ ]{0,9}") {
            for pattern in PATTERNS {
                let expression = Expression::new(pattern, "own").unwrap();
                for text in [text.clone(), text.clone() + &more] {
                    let mut found = Vec::new();
                    expression.find(&text, text.is_ascii(), 5, |start, end| found.push((start as usize, end as usize)));
                    let expected: Vec<_> = expression.any.find_iter(&text).take(5).map(|found| (found.start(), found.end())).collect();
                    prop_assert_eq!(found, expected, "{} in {:?}", pattern, text);
                }
            }
        }
    }
}
