//! Literal texts, found in one pass over the bytes however many there are.
//!
//! Of each literal its two bytes that are rarest in texts are looked for, together with the edges of the words
//! (`blocks`); where they stand the literal is compared.

use super::blocks::Nibbles;

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
    /// Its first eight bytes, zeros behind a shorter one, and which bits of them count.
    head: u64,
    mask: u64,
}

impl Literal {
    /// Whether it stands at `start`.
    #[inline]
    fn stands(&self, text: &[u8], start: usize) -> bool {
        match text.get(start..).and_then(<[u8]>::first_chunk) {
            Some(eight) => {
                u64::from_le_bytes(*eight) & self.mask == self.head
                    && (self.text.len() <= 8 || text[start..].starts_with(&self.text))
            }
            None => text[start..].starts_with(&self.text),
        }
    }
}

impl Builder {
    /// Adds a literal for `owner`; it is not empty.
    pub fn add(&mut self, text: &str, owner: u32, start: bool) {
        let text: Box<[u8]> = text.as_bytes().into();
        let rarity = |at: &usize| match text.get(at + 1) {
            Some(&next) if FREQUENT.contains(&[text[*at], next]) => 10 * frequency(text[*at]) * frequency(next),
            Some(&next) => frequency(text[*at]) * frequency(next),
            None => 1_000 * frequency(text[*at]),
        };
        let offset = (0..text.len().saturating_sub(1)).min_by_key(rarity).unwrap_or(0);
        let head = text.iter().take(8).rev().fold(0, |head, &byte| head << 8 | u64::from(byte));
        let mask = if text.len() < 8 { (1 << (8 * text.len())) - 1 } else { u64::MAX };
        self.0.push(Literal { text, owner, start, offset, head, mask });
    }

    /// The search.
    pub fn build(self) -> Literals {
        if self.0.is_empty() {
            return Literals::default();
        }
        let mut pairs = Vec::new();
        let mut groups: [Group; 8] = Default::default();
        for (index, literal) in self.0.iter().enumerate() {
            let first = literal.text[literal.offset];
            let next = literal.text.get(literal.offset + 1).copied();
            // The group that lets the fewest more through.
            let grown = groups.each_ref().map(|group| group.with(first, next));
            let growth = |at: &usize| grown[*at].lets_through() - groups[*at].lets_through();
            let at = (0..groups.len()).min_by_key(growth).unwrap_or(0);
            groups[at] = grown[at].clone();
            for next in next.map_or(0..=u8::MAX, |next| next..=next) {
                let pair = pair(first, next);
                pairs.push((pair, index as u32));
            }
        }
        let mut nibbles = Nibbles::default();
        for (number, group) in groups.iter().enumerate() {
            for (table, &members) in nibbles.tables.iter_mut().zip(&group.0) {
                for (nibble, groups) in table.iter_mut().enumerate() {
                    *groups |= u8::from(members >> nibble & 1 == 1) << number;
                }
            }
        }
        Literals { literals: self.0.into_boxed_slice(), search: Some(Search { nibbles, pairs: Pairs::new(pairs) }) }
    }
}

/// Pairs of bytes by their nibbles: low and high of the first, low and high of the second, a bit each.
#[derive(Clone, Debug, Default)]
struct Group([u16; 4]);

impl Group {
    /// The group with a pair more; of one byte, with all pairs that begin so.
    fn with(&self, first: u8, next: Option<u8>) -> Self {
        let [low, high, next_low, next_high] = self.0;
        let next = next.map_or([u16::MAX; 2], |next| [1 << (next & 15), 1 << (next >> 4)]);
        Self([low | 1 << (first & 15), high | 1 << (first >> 4), next_low | next[0], next_high | next[1]])
    }

    /// How many pairs of a text it lets through, in millionths.
    fn lets_through(&self) -> u32 {
        let of = |low: u16, high: u16| -> u32 {
            (0..=u8::MAX)
                .filter(|byte| low >> (byte & 15) & high >> (byte >> 4) & 1 == 1)
                .map(|byte| FREQUENCY[usize::from(byte)])
                .sum()
        };
        of(self.0[0], self.0[1]) * of(self.0[2], self.0[3])
    }
}

/// What finds literals.
#[derive(Debug)]
struct Search {
    nibbles: Nibbles,
    pairs: Pairs,
}

/// The literals of each pair of bytes that has some.
#[derive(Debug)]
struct Pairs {
    /// For each 64 pairs: a bit for each that has literals, and how many with some stand before these 64.
    blocks: Box<[(u64, u32)]>,
    /// Where the literals of the pairs that have some begin; at the end, where the last ones end.
    begins: Box<[u32]>,
    literals: Box<[u32]>,
}

impl Pairs {
    fn new(mut pairs: Vec<(usize, u32)>) -> Self {
        pairs.sort_unstable();
        let mut blocks = vec![(0, 0); 1 << 10].into_boxed_slice();
        let mut begins = vec![0];
        for same in pairs.chunk_by(|one, other| one.0 == other.0) {
            blocks[same[0].0 >> 6].0 |= 1 << (same[0].0 & 63);
            begins.push(begins[begins.len() - 1] + same.len() as u32);
        }
        let mut before = 0;
        for (bits, rank) in &mut blocks {
            *rank = before;
            before += u64::count_ones(*bits);
        }
        let literals = pairs.into_iter().map(|(_, literal)| literal).collect();
        Self { blocks, begins: begins.into_boxed_slice(), literals }
    }

    /// The literals of a pair.
    #[inline]
    fn get(&self, pair: usize) -> &[u32] {
        let (bits, rank) = self.blocks[pair >> 6];
        let bit = 1 << (pair & 63);
        if bits & bit == 0 {
            return &[];
        }
        let at = (rank + (bits & (bit - 1)).count_ones()) as usize;
        &self.literals[self.begins[at] as usize..self.begins[at + 1] as usize]
    }
}

/// The literal texts of all rules.
#[derive(Debug, Default)]
pub(super) struct Literals {
    literals: Box<[Literal]>,
    search: Option<Search>,
}

/// Letters that stand together more often than by themselves.
const FREQUENT: [[u8; 2]; 36] = [
    *b"th", *b"he", *b"in", *b"er", *b"an", *b"re", *b"nd", *b"on", *b"en", *b"at", *b"ou", *b"ed", *b"ha", *b"to",
    *b"or", *b"it", *b"is", *b"es", *b"ng", *b"st", *b"ur", *b"ss", *b"ti", *b"io", *b"le", *b"ve", *b"co", *b"me",
    *b"de", *b"li", *b"ri", *b"ro", *b"as", *b"se", *b"al", *b"ar",
];

/// The same as a table: a search is built from many of them.
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

#[inline]
fn pair(first: u8, second: u8) -> usize {
    usize::from(first) << 8 | usize::from(second)
}

impl Literals {
    /// What [`super::blocks::read`] has to look for; nothing where there are no literals.
    pub fn nibbles(&self) -> Option<&Nibbles> {
        self.search.as_ref().map(|search| &search.nibbles)
    }

    /// Calls `hit(owner, start, end)` for every literal in the text, overlapping ones too, by place. `pairs` is
    /// where the two bytes of one may stand; `found` is a buffer.
    #[inline]
    pub fn find(&self, text: &str, pairs: &[u32], found: &mut Vec<(u32, u32)>, mut hit: impl FnMut(u32, u32, u32)) {
        let Some(search) = self.search.as_ref().filter(|_| !pairs.is_empty()) else { return };
        let bytes = text.as_bytes();
        found.clear();
        for &at in pairs {
            let Some(&first) = bytes.get(at as usize) else { continue };
            // Behind the text there may be anything: one byte may be all that a literal has.
            let next = bytes.get(at as usize + 1).copied().unwrap_or(0);
            for &index in search.pairs.get(pair(first, next)) {
                let literal = &self.literals[index as usize];
                if let Some(start) = (at as usize).checked_sub(literal.offset)
                    && literal.stands(bytes, start)
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
