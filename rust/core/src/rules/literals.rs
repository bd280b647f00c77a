//! Literal texts, found in one pass over the bytes however many there are.

use aho_corasick::packed;
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

/// Most literals that the vector search takes; more go to an automaton.
const PACKED: usize = 100;

/// The literal texts of all rules.
#[derive(Debug, Default)]
pub(super) struct Literals {
    texts: Vec<Box<[u8]>>,
    /// What each stands for, and whether it counts only at the start of a turn.
    owners: Vec<(u32, bool)>,
    search: Option<Search>,
}

#[derive(Debug)]
enum Search {
    /// Finds a place where one begins; which ones do is looked up by their first byte.
    Packed(packed::Searcher, Box<[Vec<u32>; 256]>),
    Automaton(AhoCorasick),
}

impl Literals {
    /// Adds a literal for `owner`.
    pub fn add(&mut self, text: &str, owner: u32, start: bool) {
        self.texts.push(text.as_bytes().into());
        self.owners.push((owner, start));
    }

    /// Makes the search; nothing is found before.
    ///
    /// # Errors
    /// Where the automaton would become too big.
    pub fn build(&mut self) -> Result<(), String> {
        if self.texts.is_empty() {
            return Ok(());
        }
        if self.texts.len() <= PACKED {
            let mut builder = packed::Config::new().match_kind(packed::MatchKind::LeftmostFirst).builder();
            self.texts.iter().for_each(|text| {
                builder.add(text);
            });
            if let Some(searcher) = builder.build() {
                let mut firsts: Box<[Vec<u32>; 256]> = Box::new(std::array::from_fn(|_| Vec::new()));
                for (index, text) in self.texts.iter().enumerate() {
                    firsts[usize::from(text[0])].push(index as u32);
                }
                self.search = Some(Search::Packed(searcher, firsts));
                return Ok(());
            }
        }
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(&self.texts)
            .map_err(|error| format!("the literals cannot be used: {error}"))?;
        self.search = Some(Search::Automaton(automaton));
        Ok(())
    }

    /// Calls `hit(owner, start, end)` for every literal in the text, overlapping ones too.
    #[inline]
    pub fn find(&self, text: &str, mut hit: impl FnMut(u32, u32, u32)) {
        let Some(search) = &self.search else { return };
        let bytes = &text.as_bytes()[..text.len().min(u32::MAX as usize)];
        let first = if self.owners.iter().any(|owner| owner.1) {
            bytes.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(0)
        } else {
            0
        };
        let mut found = |index: usize, start: usize| {
            let (owner, only_first) = self.owners[index];
            if !only_first || start <= first {
                hit(owner, start as u32, (start + self.texts[index].len()) as u32);
            }
        };
        match search {
            Search::Packed(searcher, firsts) => {
                let mut from = 0;
                while let Some(place) = searcher.find_in(bytes, aho_corasick::Span::from(from..bytes.len())) {
                    let start = place.start();
                    for &index in &firsts[usize::from(bytes[start])] {
                        if bytes[start..].starts_with(&self.texts[index as usize]) {
                            found(index as usize, start);
                        }
                    }
                    from = start + 1;
                }
            }
            Search::Automaton(automaton) => {
                for place in automaton.find_overlapping_iter(bytes) {
                    found(place.pattern().as_usize(), place.start());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    /// Every place of every literal, by looking everywhere.
    fn everywhere(texts: &[String], text: &str) -> Vec<(u32, u32, u32)> {
        let mut found = Vec::new();
        for (owner, literal) in texts.iter().enumerate() {
            for at in 0..text.len() {
                if text.as_bytes()[at..].starts_with(literal.as_bytes()) {
                    found.push((owner as u32, at as u32, (at + literal.len()) as u32));
                }
            }
        }
        found.sort_unstable();
        found
    }

    proptest! {
        #[test]
        fn both_searches_find_what_looking_everywhere_finds(
            texts in proptest::collection::vec("[ab(é]{1,3}", 1..140), text in "[ab(é ]{0,120}"
        ) {
            let mut literals = Literals::default();
            texts.iter().enumerate().for_each(|(owner, literal)| literals.add(literal, owner as u32, false));
            literals.build().unwrap();
            let mut found = Vec::new();
            literals.find(&text, |owner, start, end| found.push((owner, start, end)));
            found.sort_unstable();
            prop_assert_eq!(found, everywhere(&texts, &text));
        }
    }

    #[test]
    fn one_that_counts_only_at_the_start_is_found_there_only() {
        let mut literals = Literals::default();
        literals.add("# ", 7, true);
        literals.build().unwrap();
        let mut found = Vec::new();
        literals.find("\n# head # tail", |owner, start, end| found.push((owner, start, end)));
        assert_eq!(found, [(7, 1, 3)]);
    }
}
