//! Makes new inputs out of old ones: the same sequence for the same seed.

/// A small generator (SplitMix64): the fuzzer has to be repeatable, not random.
pub struct Random(u64);

/// Larger inputs than this say nothing new and cost time.
const LARGEST: usize = 64 << 10;

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 for 0.
    pub fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { (self.next() % end as u64) as usize }
    }

    /// A place, with the ends likelier than others.
    fn place(&mut self, length: usize) -> usize {
        match self.below(8) {
            0 => 0,
            1 => length,
            _ => self.below(length + 1),
        }
    }

    /// A stretch of at most half of the input.
    fn stretch(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.below(length + 1);
        let most = (length - start).min(1 + length / 2);
        let few = most.min(16);
        let size = if self.below(2) == 0 { self.below(few + 1) } else { self.below(most + 1) };
        start..start + size
    }

    /// An input of the corpus after one to eight changes.
    pub fn mutated(&mut self, corpus: &[Vec<u8>], tokens: &[&[u8]]) -> Vec<u8> {
        let mut input = corpus.get(self.below(corpus.len())).cloned().unwrap_or_default();
        for _ in 0..=self.below(8) {
            self.change(&mut input, corpus, tokens);
        }
        input.truncate(LARGEST);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>, corpus: &[Vec<u8>], tokens: &[&[u8]]) {
        let length = input.len();
        match self.below(11) {
            0 if length > 0 => {
                let at = self.below(length);
                input[at] ^= 1 << self.below(8);
            }
            1 if length > 0 => {
                let at = self.below(length);
                input[at] = self.next() as u8;
            }
            2 => {
                let at = self.place(length);
                input.insert(at, self.next() as u8);
            }
            3 => {
                let range = self.stretch(length);
                input.drain(range);
            }
            4 => {
                let range = self.stretch(length);
                let copy = input[range].to_vec();
                let at = self.place(length);
                input.splice(at..at, copy);
            }
            5 | 6 => {
                let token = tokens.get(self.below(tokens.len())).copied().unwrap_or_default();
                let at = self.place(length);
                input.splice(at..at, token.iter().copied());
            }
            7 => {
                let token = tokens.get(self.below(tokens.len())).copied().unwrap_or_default();
                let range = self.stretch(length);
                input.splice(range, token.iter().copied());
            }
            8 => {
                let other = corpus.get(self.below(corpus.len())).cloned().unwrap_or_default();
                let range = self.stretch(other.len());
                let at = self.place(length);
                input.splice(at..at, other[range].iter().copied());
            }
            9 => {
                let token = tokens.get(self.below(tokens.len())).copied().unwrap_or_default();
                let times = self.below(600);
                let at = self.place(length);
                input.splice(at..at, token.repeat(times));
            }
            _ => input.truncate(self.place(length)),
        }
    }
}
