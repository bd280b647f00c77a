//! The distinct ones of a few hundred hashes.

/// Up to so many hashes their numbers fit in the small places, and one look at each is enough.
const FEW: usize = 4_096;
/// Hashes that share a place with another one and are looked at one by one.
const ODD: usize = 64;

/// Reused buffers.
#[derive(Debug, Default)]
pub struct Distinct {
    /// Which hash was the last to take a place. Never cleared: what is read was written for the same hashes.
    last: Vec<u16>,
    /// Hashes whose place was taken by a later one.
    passed: Vec<u16>,
    /// As `last` for many hashes: number of the hash from 1, or 0.
    first: Vec<u32>,
}

impl Distinct {
    /// Leaves one of each value in `hashes[start..]`, in an order that only depends on the values and
    /// their order; how many. The low bits must be spread well.
    pub fn keep(&mut self, hashes: &mut Vec<u64>, start: usize) -> usize {
        let few = hashes.len() - start <= FEW;
        if !(few && self.few(hashes, start)) {
            self.many(hashes, start);
        }
        hashes.len() - start
    }

    /// Every hash takes its place, then looks whether it still has it: without a guess, as nearly all
    /// have. `false` if too many share places, which chance does not bring about.
    fn few(&mut self, hashes: &mut Vec<u64>, start: usize) -> bool {
        let here = &hashes[start..];
        // Sixteen places a hash: one in thirty shares its place with another.
        let size = (here.len() * 16).next_power_of_two();
        if self.last.len() < size {
            self.last.resize(size, 0);
            self.passed.resize(size / 16, 0);
        }
        let (last, passed) = (&mut self.last[..size], &mut self.passed[..size / 16]);
        for (number, &hash) in here.iter().enumerate() {
            last[hash as usize & (size - 1)] = number as u16;
        }
        let mut count = 0;
        for (number, &hash) in here.iter().enumerate() {
            passed[count] = number as u16;
            count += usize::from(last[hash as usize & (size - 1)] != number as u16);
        }
        // The doubles among them, as their numbers.
        let mut doubles = 0;
        let (mut odd, mut odds) = ([0; ODD], 0);
        for at in 0..count {
            let number = passed[at];
            let hash = here[usize::from(number)];
            let double = here[usize::from(last[hash as usize & (size - 1)])] == hash || odd[..odds].contains(&hash);
            if double {
                passed[doubles] = number;
                doubles += 1;
            } else if odds < ODD {
                odd[odds] = hash;
                odds += 1;
            } else {
                return false;
            }
        }
        remove(hashes, start, &passed[..doubles]);
        true
    }

    fn many(&mut self, hashes: &mut Vec<u64>, start: usize) {
        let here = &mut hashes[start..];
        let mask = (here.len() * 4).next_power_of_two() - 1;
        self.first.clear();
        self.first.resize(mask + 1, 0);
        let mut kept = 0;
        for at in 0..here.len() {
            let hash = here[at];
            let mut place = hash as usize & mask;
            loop {
                match self.first[place] {
                    0 => {
                        here[kept] = hash;
                        kept += 1;
                        self.first[place] = kept as u32;
                        break;
                    }
                    number if here[number as usize - 1] == hash => break,
                    _ => place = (place + 1) & mask,
                }
            }
        }
        hashes.truncate(start + kept);
    }
}

/// Takes out the hashes of these numbers, which ascend.
fn remove(hashes: &mut Vec<u64>, start: usize, numbers: &[u16]) {
    let Some(&first) = numbers.first() else { return };
    let mut end = start + usize::from(first);
    for (at, &number) in numbers.iter().enumerate() {
        let next = numbers.get(at + 1).map_or(hashes.len(), |&next| start + usize::from(next));
        let rest = start + usize::from(number) + 1..next;
        let length = rest.len();
        hashes.copy_within(rest, end);
        end += length;
    }
    hashes.truncate(end);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::hash::mix;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn check(distinct: &mut Distinct, values: &[u64]) {
        let mut hashes = vec![7, 7];
        hashes.extend(values);
        let count = distinct.keep(&mut hashes, 2);
        assert_eq!(hashes.len(), count + 2);
        assert_eq!(hashes[..2], [7, 7]);
        let kept: BTreeSet<u64> = hashes[2..].iter().copied().collect();
        assert_eq!((kept.len(), kept), (count, values.iter().copied().collect()));
    }

    proptest! {
        /// What was left in the places by earlier texts says nothing about later ones.
        #[test]
        fn one_of_each(texts in proptest::collection::vec(proptest::collection::vec(0u64..200, 0..300), 1..6)) {
            let mut distinct = Distinct::default();
            for text in texts {
                check(&mut distinct, &text.into_iter().map(mix).collect::<Vec<_>>());
            }
        }

        /// Hashes that were made to share their places.
        #[test]
        fn crowded_places(values in proptest::collection::vec((0u64..200, 0u64..3), 0..400)) {
            let values: Vec<u64> = values.into_iter().map(|(high, low)| high << 40 | low).collect();
            check(&mut Distinct::default(), &values);
        }
    }

    #[test]
    fn many_and_few() {
        let mut distinct = Distinct::default();
        for count in [0, 1, FEW - 1, FEW, FEW + 1, 3 * FEW] {
            check(&mut distinct, &(0..count as u64).map(|value| mix(value / 3)).collect::<Vec<_>>());
            check(&mut distinct, &vec![5; count]);
        }
    }
}
