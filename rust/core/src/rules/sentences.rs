//! Where sentences end: what stands beside a hit stands in its sentence.

/// The bytes that a mark which ends a sentence begins with.
const MAY_BEGIN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = matches!(byte as u8, b'.' | b'!' | b'?' | b'\n' | 0xE3 | 0xEF);
        byte += 1;
    }
    table
};

/// Whether a mark that ends a sentence begins at `at`.
#[inline]
fn is_mark(text: &[u8], at: usize) -> bool {
    MAY_BEGIN[usize::from(text[at])] && is_mark_indeed(text, at)
}

fn is_mark_indeed(text: &[u8], at: usize) -> bool {
    match text[at] {
        b'.' | b'!' | b'?' | b'\n' => true,
        0xE3 => text[at..].starts_with("。".as_bytes()),
        0xEF => text[at..].starts_with("！".as_bytes()) || text[at..].starts_with("？".as_bytes()),
        _ => false,
    }
}

/// What shares a hit's sentence: places that end at `from` or behind, and begin before `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sentence {
    pub from: u32,
    pub to: u32,
    /// Whether one ends inside the hit itself, which so has two of them.
    is_parted: bool,
}

impl Sentence {
    /// A turn as a whole.
    pub const ALL: Self = Self { from: 0, to: u32::MAX, is_parted: false };

    /// The sentence that a hit stands in, or the sentences.
    pub fn of(text: &str, (start, end): (u32, u32)) -> Self {
        let text = text.as_bytes();
        let next =
            |from: u32| (from as usize..text.len()).find(|&at| is_mark(text, at)).map_or(u32::MAX, |at| at as u32);
        let before = (0..start as usize).rev().find(|&at| is_mark(text, at));
        let first = next(start);
        let is_parted = first < end;
        Self { from: before.map_or(0, |at| at as u32 + 1), to: if is_parted { next(end) } else { first }, is_parted }
    }

    /// Whether another hit has the same.
    pub fn holds(&self, (start, end): (u32, u32)) -> bool {
        !self.is_parted && self.from <= start && end <= self.to
    }

    /// Whether a place stands in it.
    pub fn has(&self, start: u32, end: u32) -> bool {
        end >= self.from && start < self.to
    }
}

#[cfg(test)]
mod tests {
    use super::Sentence;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_mark_between_parts_two_places(text in "([a-c ]{1,3}|[.!\\n。？]){0,9}", cuts: [prop::sample::Index; 4]) {
            let text = format!("a{text}");
            let places: Vec<usize> = (0..=text.len()).filter(|&at| text.is_char_boundary(at)).collect();
            let two = |one: &prop::sample::Index, other: &prop::sample::Index| {
                let (one, other) = (*one.get(&places), *other.get(&places));
                (one.min(other), one.max(other))
            };
            let (hit, place) = (two(&cuts[0], &cuts[1]), two(&cuts[2], &cuts[3]));
            // Places are words and what begins with one: no mark begins them, and they are not empty.
            let is_place = |(start, end): (usize, usize)| {
                start < end && !text[start..].starts_with(['.', '!', '?', '\n', '。', '？'])
            };
            prop_assume!(is_place(hit) && is_place(place));
            let (first, second) = if place.0 <= hit.0 { (place, hit) } else { (hit, place) };
            let between = text.get(first.1..second.0).unwrap_or_default();
            let small = |(start, end): (usize, usize)| (start as u32, end as u32);
            let sentence = Sentence::of(&text, small(hit));
            prop_assert_eq!(sentence.has(place.0 as u32, place.1 as u32), !between.contains(['.', '!', '?', '\n', '。', '！', '？']));
            if sentence.holds(small(place)) {
                prop_assert_eq!(Sentence::of(&text, small(place)), sentence);
            }
        }
    }
}
