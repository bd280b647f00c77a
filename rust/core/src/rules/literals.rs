//! Literal texts, found in one pass over the bytes however many there are.
//!
//! Of each literal its two bytes that are rarest in texts are looked for, together with the edges of the words
//! (`blocks`); where they stand the literal is compared.

use super::blocks::Nibbles;
use super::table::Table;

/// The literal texts of all rules, on their way into the search.
#[derive(Debug, Default)]
pub(super) struct Builder(Vec<Literal>);

#[derive(Clone, Debug)]
struct Literal {
    text: Box<[u8]>,
    owner: u32,
    /// Whether it counts only at the start of a turn.
    start: bool,
    /// Where in it the two bytes stand.
    offset: usize,
}

impl Builder {
    /// Adds a literal for `owner`; it is not empty.
    pub fn add(&mut self, text: &str, owner: u32, start: bool) {
        let text: Box<[u8]> = text.as_bytes().into();
        let rarity = |at: &usize| frequency(text[*at]) * text.get(at + 1).map_or(1_000, |&next| frequency(next));
        let offset = (0..text.len().saturating_sub(1)).min_by_key(rarity).unwrap_or(0);
        self.0.push(Literal { text, owner, start, offset });
    }

    /// The search.
    pub fn build(self) -> Literals {
        if self.0.is_empty() {
            return Literals::default();
        }
        let mut nibbles = Nibbles::default();
        let mut firsts = Vec::<u8>::new();
        let mut pairs = Vec::new();
        for (index, literal) in self.0.iter().enumerate() {
            let first = literal.text[literal.offset];
            let group = firsts.iter().position(|known| *known == first).unwrap_or_else(|| {
                firsts.push(first);
                firsts.len() - 1
            });
            // Those of one byte, which go on with any, do not share a group with others.
            let bit = if literal.text.len() == 1 { 1 << 7 } else { 1 << (group % 7) };
            let nexts = match literal.text.get(literal.offset + 1) {
                Some(&next) => next..=next,
                None => 0..=u8::MAX,
            };
            for next in nexts {
                for (table, nibble) in nibbles.tables.iter_mut().zip([first & 15, first >> 4, next & 15, next >> 4]) {
                    table[usize::from(nibble)] |= bit;
                }
                pairs.push((key(first, next), index as u32));
            }
        }
        Literals { literals: self.0.into_boxed_slice(), search: Some((nibbles, Table::new(pairs))) }
    }
}

/// The literal texts of all rules.
#[derive(Debug, Default)]
pub(super) struct Literals {
    literals: Box<[Literal]>,
    /// What finds the two bytes, and the literals that have them.
    search: Option<(Nibbles, Table<u32>)>,
}

/// How frequent a byte is in texts, in thousandths, by rough count.
fn frequency(byte: u8) -> u32 {
    const LETTERS: [u8; 26] =
        [65, 12, 22, 33, 102, 18, 16, 49, 56, 1, 6, 33, 20, 57, 62, 15, 1, 50, 52, 73, 23, 8, 17, 1, 14, 1];
    match byte {
        b' ' => 160,
        b'a'..=b'z' => u32::from(LETTERS[usize::from(byte - b'a')]),
        b'\n' | b'.' | b',' => 12,
        0x80.. => 8,
        b'0'..=b'9' | b'A'..=b'Z' | b'-' | b'\'' | b'"' => 4,
        _ => 1,
    }
}

fn key(first: u8, second: u8) -> u64 {
    u64::from(u32::from(first) << 8 | u32::from(second)).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(24)
}

impl Literals {
    /// What [`super::blocks::read`] has to look for; nothing where there are no literals.
    pub fn nibbles(&self) -> Option<&Nibbles> {
        self.search.as_ref().map(|(nibbles, _)| nibbles)
    }

    /// Calls `hit(owner, start, end)` for every literal in the text, overlapping ones too, by place. `pairs` is
    /// where the two bytes of one may stand; `found` is a buffer.
    #[inline]
    pub fn find(&self, text: &str, pairs: &[u32], found: &mut Vec<(u32, u32)>, mut hit: impl FnMut(u32, u32, u32)) {
        let Some((_, table)) = self.search.as_ref().filter(|_| !pairs.is_empty()) else { return };
        let bytes = text.as_bytes();
        found.clear();
        for &at in pairs {
            let Some(&first) = bytes.get(at as usize) else { continue };
            // Behind the text there may be anything: one byte may be all that a literal has.
            let next = bytes.get(at as usize + 1).copied().unwrap_or(0);
            for &index in table.get(key(first, next)) {
                let literal = &self.literals[index as usize];
                if let Some(start) = (at as usize).checked_sub(literal.offset)
                    && bytes[start..].starts_with(&literal.text)
                {
                    found.push((start as u32, index));
                }
            }
        }
        if !found.is_sorted() {
            found.sort_unstable();
        }
        let mut first = None;
        for &(start, index) in found.iter() {
            let literal = &self.literals[index as usize];
            if literal.start {
                let first = *first
                    .get_or_insert_with(|| bytes.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(0));
                if start as usize > first {
                    continue;
                }
            }
            hit(literal.owner, start, start + literal.text.len() as u32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::blocks;
    use super::*;
    use proptest::prelude::*;

    fn find(literals: Builder, text: &str) -> Vec<(u32, u32, u32)> {
        let literals = literals.build();
        let (mut pairs, mut found) = (Vec::new(), Vec::new());
        blocks::read(text.as_bytes(), literals.nibbles(), &mut Vec::new(), &mut pairs);
        literals.find(text, &pairs, &mut Vec::new(), |owner, start, end| found.push((owner, start, end)));
        found
    }

    /// Every place of every literal, by looking everywhere.
    fn everywhere(texts: &[String], text: &str) -> Vec<(u32, u32, u32)> {
        let mut found = Vec::new();
        for at in 0..text.len() {
            for (owner, literal) in texts.iter().enumerate() {
                if text.as_bytes()[at..].starts_with(literal.as_bytes()) {
                    found.push((owner as u32, at as u32, (at + literal.len()) as u32));
                }
            }
        }
        found
    }

    proptest! {
        #[test]
        fn what_is_found_is_what_looking_everywhere_finds(
            texts in proptest::collection::vec("[abcdefxyz(é<\\[= ]{1,4}", 1..140), text in "[abcdefxyz(é<\\[= ]{0,200}"
        ) {
            let mut literals = Builder::default();
            texts.iter().enumerate().for_each(|(owner, literal)| literals.add(literal, owner as u32, false));
            prop_assert_eq!(find(literals, &text), everywhere(&texts, &text));
        }
    }

    #[test]
    fn one_that_counts_only_at_the_start_is_found_there_only() {
        let mut literals = Builder::default();
        literals.add("# ", 7, true);
        assert_eq!(find(literals, "\n# head # tail"), [(7, 1, 3)]);
    }
}
