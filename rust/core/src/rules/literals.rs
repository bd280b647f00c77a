//! Literal texts, found in one pass over the bytes however many there are.
//!
//! Of each literal two bytes in a row are looked for (`groups` says which), 64 places at a time
//! (`blocks`); where they stand the literal is compared.

use super::blocks::{self, Nibbles};
use super::groups;
use crate::text::bits::Level;

/// The literal texts of all rules, on their way into the search.
#[derive(Debug, Default)]
pub(super) struct Builder(Vec<Literal>);

#[derive(Clone, Debug)]
struct Literal {
    text: Box<[u8]>,
    owner: u32,
    /// Whether it counts only at the start of a turn.
    start: bool,
}

impl Builder {
    /// Adds a literal for `owner`; it is not empty.
    pub fn add(&mut self, text: &str, owner: u32, start: bool) {
        self.0.push(Literal { text: text.as_bytes().into(), owner, start });
    }

    /// The search.
    pub fn build(self) -> Literals {
        if self.0.is_empty() {
            return Literals::default();
        }
        let (places, nibbles) = groups::choose(self.0.iter().map(|literal| &*literal.text));
        let here = self.0.iter().zip(0..).zip(places).map(|((literal, index), at)| Here::new(&literal.text, at, index));
        let sieve = Sieve::new(self.0.iter().map(|literal| &*literal.text).zip(here));
        Literals { literals: self.0.into_boxed_slice(), search: Some(Search { nibbles, sieve }) }
    }
}

/// What finds literals.
#[derive(Debug)]
struct Search {
    nibbles: Nibbles,
    sieve: Sieve,
}

/// Four bytes: the two of a pair, the one before and the one behind.
type Around = [u8; 4];

/// Places of a sieve.
const PLACES: usize = 1 << 11;

/// Whether a literal may stand around a pair of bytes, said without a branch: where the pairs are cannot be
/// guessed, and most of them belong to no literal.
#[derive(Debug)]
struct Sieve {
    /// By place: the bits that all its literals have in common there.
    masks: Box<[(u32, u32); PLACES]>,
    /// By place: where its literals begin; at the end, where the last ones end.
    begins: Box<[u32]>,
    literals: Box<[Here]>,
}

impl Sieve {
    fn new<'l>(literals: impl Iterator<Item = (&'l [u8], Here)>) -> Self {
        // A value with bits outside of its mask lets nothing through.
        let mut masks = Box::new([(0, 1); PLACES]);
        let mut all: Vec<(usize, Here)> = Vec::new();
        for (text, here) in literals {
            let at = here.offset as usize;
            let around: [Option<u8>; 4] =
                [at.checked_sub(1), Some(at), Some(at + 1), Some(at + 2)].map(|at| text.get(at?).copied());
            let mask = u32::from_le_bytes(around.map(|byte| byte.map_or(0, |_| u8::MAX)));
            let value = u32::from_le_bytes(around.map(Option::unwrap_or_default));
            for next in around[2].map_or(0..=7, |next| next..=next) {
                let place = Self::place(text[at], next);
                let (its_mask, its_value) = &mut masks[place];
                let is_first = (*its_mask, *its_value) == (0, 1);
                *its_mask = if is_first { mask } else { mask & *its_mask & !(value ^ *its_value) };
                *its_value = value & *its_mask;
                all.push((place, here));
            }
        }
        all.sort_by_key(|(place, _)| *place);
        let begin = |place: usize| all.partition_point(|(other, _)| *other < place) as u32;
        Self {
            masks,
            begins: (0..=PLACES).map(begin).collect(),
            literals: all.into_iter().map(|(_, here)| here).collect(),
        }
    }

    /// The place of a pair: those that begin with the same byte stand together.
    #[inline(always)]
    fn place(first: u8, next: u8) -> usize {
        usize::from(first) << 3 | usize::from(next & 7)
    }

    #[inline(always)]
    fn lets_through(&self, around: Around) -> bool {
        let (mask, value) = self.masks[Self::place(around[1], around[2])];
        u32::from_le_bytes(around) & mask == value
    }

    /// Puts those that a literal may stand around in front; how many.
    #[inline]
    fn sift(&self, text: &[u8], pairs: &mut [u32]) -> usize {
        let mut count = 0;
        for at in 0..pairs.len() {
            let pair = pairs[at];
            // At the edges of a text a closer look decides.
            let around = text.get((pair as usize).wrapping_sub(1)..).and_then(<[u8]>::first_chunk);
            pairs[count] = pair;
            count += usize::from(around.is_none_or(|around| self.lets_through(*around)));
        }
        count
    }

    /// The literals that may stand around a pair.
    #[inline]
    fn around(&self, [first, next]: [u8; 2]) -> &[Here] {
        let place = Self::place(first, next);
        &self.literals[self.begins[place] as usize..self.begins[place + 1] as usize]
    }
}

/// A literal that may stand where its two bytes do.
#[derive(Clone, Copy, Debug)]
struct Here {
    /// Its first eight bytes, zeros behind a shorter one, and which bits of them count.
    head: u64,
    mask: u64,
    /// Where in it the two bytes stand.
    offset: u32,
    index: u32,
}

impl Here {
    fn new(text: &[u8], at: usize, index: u32) -> Self {
        let head = text.iter().take(8).rev().fold(0, |head, &byte| head << 8 | u64::from(byte));
        let mask = if text.len() < 8 { (1 << (8 * text.len())) - 1 } else { u64::MAX };
        Self { head, mask, offset: at as u32, index }
    }

    /// Whether what stands at `start` begins so; the end of a text is left to a closer look.
    #[inline]
    fn may_stand(&self, text: &[u8], start: usize) -> bool {
        match text.get(start..).and_then(<[u8]>::first_chunk) {
            Some(eight) => u64::from_le_bytes(*eight) & self.mask == self.head,
            None => true,
        }
    }
}

/// The literal texts of all rules.
#[derive(Debug, Default)]
pub(super) struct Literals {
    literals: Box<[Literal]>,
    search: Option<Search>,
}

impl Literals {
    /// Appends where the two bytes of a literal may stand.
    pub fn may_stand(&self, text: &str, pairs: &mut Vec<u32>) {
        if let Some(search) = &self.search {
            blocks::read(Level::here(), text.as_bytes(), &search.nibbles, pairs);
        }
    }

    /// Calls `hit(owner, start, end)` for every literal in the text, overlapping ones too, by place. `pairs` is
    /// where the two bytes of one may stand, which is known no longer after; `found` is a buffer.
    #[inline]
    pub fn find(&self, text: &str, pairs: &mut [u32], found: &mut Vec<(u32, u32)>, mut hit: impl FnMut(u32, u32, u32)) {
        let Some(search) = self.search.as_ref().filter(|_| !pairs.is_empty()) else { return };
        let bytes = text.as_bytes();
        found.clear();
        let count = search.sieve.sift(bytes, pairs);
        for &at in &pairs[..count] {
            let two = match bytes.get(at as usize..).and_then(<[u8]>::first_chunk) {
                Some(two) => *two,
                // Behind the text there may be anything: one byte may be all that a literal has.
                None => match bytes.get(at as usize) {
                    Some(last) => [*last, 0],
                    None => continue,
                },
            };
            for literal in search.sieve.around(two) {
                let Some(start) = at.checked_sub(literal.offset) else { continue };
                if literal.may_stand(bytes, start as usize) {
                    found.push((start, literal.index));
                }
            }
        }
        if !found.is_sorted() {
            found.sort_unstable();
        }
        let mut first = None;
        for &(start, index) in found.iter() {
            let literal = &self.literals[index as usize];
            // Eight bytes of it stand here, unless the text ends before.
            let here = &bytes[start as usize..];
            if (literal.text.len() > 8 || here.len() < 8) && !here.starts_with(&literal.text) {
                continue;
            }
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
    use super::*;
    use proptest::prelude::*;

    fn find(literals: Builder, text: &str) -> Vec<(u32, u32, u32)> {
        let literals = literals.build();
        let (mut pairs, mut found) = (Vec::new(), Vec::new());
        literals.may_stand(text, &mut pairs);
        literals.find(text, &mut pairs, &mut Vec::new(), |owner, start, end| found.push((owner, start, end)));
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
