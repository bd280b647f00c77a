//! Tier 2: regular expressions, which take time linear in the text.

use crate::{Error, Result};
use regex::{Regex, RegexBuilder, bytes};
use std::sync::OnceLock;

/// A compiled expression stays below this many bytes; a bigger one is refused when the pack is loaded.
const BYTES: usize = 256 << 10;

/// An expression. Most texts are ASCII, where an automaton over bytes says the same and is much smaller.
#[derive(Debug)]
pub(super) struct Expression {
    any: Regex,
    /// What an expression of ASCII characters runs as.
    ascii: Option<Ascii>,
}

/// An expression of ASCII characters. Compiled when it is wanted first: not every run has texts of both kinds.
#[derive(Debug)]
struct Ascii {
    pattern: Box<str>,
    /// Its edges of words are those of ASCII; nothing where it has none.
    edges: OnceLock<Option<Regex>>,
    /// For texts of ASCII; nothing where the pattern has flags, which may be about other texts.
    bytes: OnceLock<Option<bytes::Regex>>,
}

fn build(pattern: &str) -> std::result::Result<Regex, regex::Error> {
    RegexBuilder::new(pattern)
        .case_insensitive(true)
        .multi_line(true)
        .size_limit(BYTES)
        .dfa_size_limit(BYTES)
        .nest_limit(64)
        .build()
}

impl Ascii {
    fn edges(&self) -> Option<&Regex> {
        self.edges.get_or_init(|| ascii_edges(&self.pattern).and_then(|pattern| build(&pattern).ok())).as_ref()
    }

    fn bytes(&self) -> Option<&bytes::Regex> {
        let build = || {
            // Letters beyond ASCII would be bytes there, and their cases unknown.
            let bytes = bytes::RegexBuilder::new(&self.pattern)
                .case_insensitive(true)
                .multi_line(true)
                .unicode(false)
                .size_limit(BYTES)
                .dfa_size_limit(BYTES)
                .nest_limit(64)
                .build();
            bytes.ok().filter(|_| !self.pattern.contains("(?"))
        };
        self.bytes.get_or_init(build).as_ref()
    }
}

impl Expression {
    /// Compiles a pattern; `at` names its rule in messages.
    ///
    /// # Errors
    /// A pattern that is none, or too big.
    pub fn new(pattern: &str, at: &str) -> Result<Self> {
        // What the user wrote is judged, not what it runs as: messages show no other pattern.
        let any = build(pattern).map_err(|error| {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            Error::plan(at, format!("the expression `{pattern}` cannot be used: {last}"))
        })?;
        let ascii = pattern.is_ascii().then(|| Ascii {
            pattern: pattern.into(),
            edges: OnceLock::new(),
            bytes: OnceLock::new(),
        });
        Ok(Self { any, ascii })
    }

    /// The places of its matches, at most so many.
    pub fn find(&self, text: &str, is_ascii: bool, most: usize, mut hit: impl FnMut(u32, u32)) {
        if let Some(bytes) = self.ascii.as_ref().filter(|_| is_ascii).and_then(Ascii::bytes) {
            let found = bytes.find_iter(text.as_bytes()).take(most);
            return found.for_each(|found| hit(found.start() as u32, found.end() as u32));
        }
        self.beyond_ascii().find_iter(text).take(most).for_each(|found| hit(found.start() as u32, found.end() as u32));
    }

    fn beyond_ascii(&self) -> &Regex {
        self.ascii.as_ref().and_then(Ascii::edges).unwrap_or(&self.any)
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

    fn find(expression: &Expression, text: &str) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        expression.find(text, text.is_ascii(), 5, |start, end| found.push((start as usize, end as usize)));
        found
    }

    fn unicode(pattern: &str, text: &str) -> Vec<(usize, usize)> {
        build(pattern).unwrap().find_iter(text).take(5).map(|found| (found.start(), found.end())).collect()
    }

    #[test]
    fn edges_of_words_are_those_of_ascii_where_the_expression_is() {
        for (pattern, text, expected) in [
            ("\\bapi\\b", "’api’ caféapi apis", vec![(3, 6), (15, 18)]),
            ("\\Bapi", "caféapi xapi", vec![(10, 13)]),
            ("\\b{start}api", "caféapi api", vec![(9, 12)]),
            ("\\\\bapi", "é\\bapi", vec![(2, 7)]),
            ("\\bété\\b", "un été, étés", vec![(3, 8)]),
        ] {
            assert_eq!(find(&Expression::new(pattern, "own").unwrap(), text), expected, "{pattern} in {text}");
        }
    }

    proptest! {
        #[test]
        fn ascii_says_what_unicode_says(text in "[a-cksAKS_(\"'): .\\n0-9]{0,40}", wide in "( [é漢’] |[a-ck(. ]){0,9}") {
            for pattern in PATTERNS {
                let expression = Expression::new(pattern, "own").unwrap();
                // No letter beyond ASCII stands beside one of ASCII: there the edges of words are the same.
                for text in [text.clone(), format!("{text} {wide}")] {
                    prop_assert_eq!(find(&expression, &text), unicode(pattern, &text), "{} in {:?}", pattern, text);
                }
            }
        }
    }
}
