//! Hits and scores of a record: of many rules and tags few have some.

use super::scan::PLACES;
use crate::record::labels::Place;

/// A set of numbers, a bit each.
#[derive(Debug, Default)]
pub(super) struct Set(Vec<u64>);

impl Set {
    /// Empties it; numbers below `count` may come.
    pub fn reset(&mut self, count: usize) {
        self.0.clear();
        self.0.resize(count.div_ceil(64), 0);
    }

    /// Puts a number in.
    #[inline]
    pub fn insert(&mut self, number: usize) {
        self.0[number >> 6] |= 1 << (number & 63);
    }

    /// The numbers, in order.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        (0..).zip(&self.0).flat_map(|(at, &bits)| {
            let mut left = bits;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros())?;
                left &= left - 1;
                Some(at * 64 + bit as usize)
            })
        })
    }
}

/// Hits that count.
#[derive(Debug, Default)]
pub(super) struct Hits {
    /// By rule.
    counts: Vec<u32>,
    /// Rules that have some, or had.
    rules: Set,
    /// The first few of each rule.
    places: Vec<Place>,
}

impl Hits {
    /// Forgets them; there are so many rules.
    pub fn reset(&mut self, rules: usize) {
        self.counts.clear();
        self.counts.resize(rules, 0);
        self.rules.reset(rules);
        self.places.clear();
    }

    /// Counts a hit.
    #[inline]
    pub fn add(&mut self, place: Place) {
        let rule = place.rule as usize;
        let count = &mut self.counts[rule];
        if *count < PLACES as u32 {
            self.places.push(place);
        }
        *count = count.saturating_add(1);
        self.rules.insert(rule);
    }

    /// Gives a rule one hit that stands nowhere.
    pub fn set(&mut self, rule: usize) {
        self.counts[rule] = 1;
        self.rules.insert(rule);
    }

    /// How many a rule has.
    pub fn count(&self, rule: usize) -> u32 {
        self.counts[rule]
    }

    /// Takes a rule's hits away for which `keep` does not hold.
    pub fn retain(&mut self, mut keep: impl FnMut(usize, u32) -> bool) {
        for rule in self.rules.iter() {
            if !keep(rule, self.counts[rule]) {
                self.counts[rule] = 0;
            }
        }
    }

    /// Where they stand.
    pub fn places(&self) -> &[Place] {
        &self.places
    }
}

/// Scores of tags.
#[derive(Debug, Default)]
pub(super) struct Scores {
    scores: Vec<f32>,
    tags: Set,
}

impl Scores {
    /// Forgets them; there are so many tags.
    pub fn reset(&mut self, tags: usize) {
        self.scores.clear();
        self.scores.resize(tags, 0.0);
        self.tags.reset(tags);
    }

    /// Adds to the score of a tag.
    pub fn add(&mut self, tag: usize, gain: f32) {
        self.scores[tag] += gain;
        self.tags.insert(tag);
    }

    /// The tags that a rule said anything about, in order, with their scores.
    pub fn iter(&self) -> impl Iterator<Item = (usize, f32)> {
        self.tags.iter().map(|tag| (tag, self.scores[tag]))
    }
}

#[cfg(test)]
mod tests {
    use super::Set;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_set_has_what_was_put_in_once_and_in_order(numbers in proptest::collection::vec(0usize..300, 0..40)) {
            let mut set = Set::default();
            for _ in 0..2 {
                set.reset(300);
                numbers.iter().for_each(|&number| set.insert(number));
                let expected: std::collections::BTreeSet<usize> = numbers.iter().copied().collect();
                prop_assert_eq!(set.iter().collect::<Vec<_>>(), expected.into_iter().collect::<Vec<_>>());
            }
        }
    }
}
