//! By which two bytes literals are looked for: eight groups of pairs that let few others through.

use super::blocks::Nibbles;

/// Places of a literal that are weighed, at most: one of the first is rare enough.
const PLACES: usize = 32;

/// So many literals are moved until nothing gets better; of more, each is placed once.
const MOVED: usize = 1_000;

/// Times that all are moved, at most.
const ROUNDS: usize = 8;

/// Pairs of bytes by their nibbles: low and high of the first, low and high of the second, a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Group([u16; 4]);

impl Group {
    /// The group with a pair more; of one byte, with all pairs that begin so.
    fn with(self, (first, next): Pair) -> Self {
        let [low, high, next_low, next_high] = self.0;
        let next = next.map_or([u16::MAX; 2], |next| [1 << (next & 15), 1 << (next >> 4)]);
        Self([low | 1 << (first & 15), high | 1 << (first >> 4), next_low | next[0], next_high | next[1]])
    }

    /// How many pairs of a text it lets through, in millionths.
    fn lets_through(self) -> u32 {
        let [low, high, next_low, next_high] = self.0;
        bytes(low, high) * bytes(next_low, next_high)
    }
}

/// How frequent the bytes with these nibbles are, in thousandths.
fn bytes(low: u16, high: u16) -> u32 {
    let of = |high: u32| bits(low).map(move |low| FREQUENCY[(high << 4 | low) as usize]);
    bits(high).flat_map(of).sum()
}

/// The numbers of the bits that are set.
fn bits(mut set: u16) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let bit = (set != 0).then(|| set.trailing_zeros())?;
        set &= set - 1;
        Some(bit)
    })
}

/// Two bytes in a row; of a literal of one byte, that one and any.
type Pair = (u8, Option<u8>);

/// The pair of a literal at a place; the literal is not empty.
fn pair_at(literal: &[u8], at: usize) -> Pair {
    (literal[at], literal.get(at + 1).copied())
}

/// The places where literals may have their pair.
fn places(literal: &[u8]) -> std::ops::Range<usize> {
    0..literal.len().saturating_sub(1).clamp(1, PLACES)
}

/// A search for pairs, while it is made.
#[derive(Default)]
struct Choice<'l> {
    literals: Vec<&'l [u8]>,
    /// Where in each literal its pair is, and its group.
    chosen: Vec<(usize, usize)>,
    groups: [Group; 8],
}

impl Choice<'_> {
    /// Puts a literal where it lets the fewest more through.
    fn place(&mut self, literal: usize) {
        let text = self.literals[literal];
        let passed = self.groups.map(Group::lets_through);
        let all = places(text).flat_map(|at| (0..passed.len()).map(move |group| (at, group)));
        let growth =
            |&(at, group): &(usize, usize)| self.groups[group].with(pair_at(text, at)).lets_through() - passed[group];
        let (at, group) = all.min_by_key(growth).unwrap_or_default();
        self.groups[group] = self.groups[group].with(pair_at(text, at));
        self.chosen[literal] = (at, group);
    }

    /// The group without a literal.
    fn without(&self, group: usize, literal: usize) -> Group {
        let others = self.chosen.iter().enumerate().filter(|(other, its)| its.1 == group && *other != literal);
        others.fold(Group::default(), |group, (other, its)| group.with(pair_at(self.literals[other], its.0)))
    }

    fn lets_through(&self) -> u32 {
        self.groups.iter().map(|group| group.lets_through()).sum()
    }
}

/// Where each literal has the pair that it is looked for by, and what to look for.
pub(super) fn choose<'l>(literals: impl Iterator<Item = &'l [u8]>) -> (Vec<usize>, Nibbles) {
    let literals: Vec<&[u8]> = literals.collect();
    let mut texts = literals.clone();
    let rarity = |text: &[u8]| places(text).map(|at| Group::default().with(pair_at(text, at)).lets_through()).min();
    // Those that have the least choice first, of them those that cost most.
    texts.sort_unstable_by_key(|text| (text.len(), std::cmp::Reverse(rarity(text)), *text));
    texts.dedup();
    let mut choice = Choice { chosen: vec![(0, 0); texts.len()], literals: texts, ..Choice::default() };
    (0..choice.literals.len()).for_each(|literal| choice.place(literal));
    if choice.literals.len() <= MOVED {
        for _ in 0..ROUNDS {
            let before = choice.lets_through();
            for literal in 0..choice.literals.len() {
                let group = choice.chosen[literal].1;
                choice.groups[group] = choice.without(group, literal);
                choice.place(literal);
            }
            if choice.lets_through() >= before {
                break;
            }
        }
    }
    let mut nibbles = Nibbles::default();
    for (number, group) in choice.groups.iter().enumerate() {
        for (table, &members) in nibbles.tables.iter_mut().zip(&group.0) {
            bits(members).for_each(|nibble| table[nibble as usize] |= 1 << number);
        }
    }
    let at = choice.literals.iter().copied().zip(choice.chosen.iter().map(|chosen| chosen.0));
    let at: std::collections::HashMap<&[u8], usize> = at.collect();
    (literals.iter().map(|text| at[text]).collect(), nibbles)
}

/// How frequent bytes are: a search is made from many of them.
const FREQUENCY: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = frequency(byte as u8);
        byte += 1;
    }
    table
};

/// How frequent a byte is in texts, in thousandths, by rough count.
const fn frequency(byte: u8) -> u32 {
    const LETTERS: [u8; 26] =
        [65, 12, 22, 33, 102, 18, 16, 49, 56, 1, 6, 33, 20, 57, 62, 15, 1, 50, 52, 73, 23, 8, 17, 1, 14, 1];
    match byte {
        b' ' => 160,
        b'a'..=b'z' => LETTERS[(byte - b'a') as usize] as u32,
        b'\n' | b'.' | b',' => 12,
        0x80.. => 8,
        b'0'..=b'9' | b'A'..=b'Z' | b'-' | b'\'' | b'"' => 4,
        _ => 1,
    }
}
