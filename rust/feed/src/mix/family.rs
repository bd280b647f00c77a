//! Families: a record, what it was made from and what was made of it.

use std::collections::HashMap;

/// Who was made from whom, by the hashes of origins.
#[derive(Debug, Default)]
pub(super) struct Families {
    parent: HashMap<u64, u64>,
}

impl Families {
    /// From pairs of child and parent; of a child with two, the first counts.
    pub fn new(pairs: Vec<(u64, u64)>) -> Self {
        let mut parent = HashMap::with_capacity(pairs.len());
        for (child, of) in pairs {
            parent.entry(child).or_insert(of);
        }
        Self { parent }
    }

    /// Puts the root of its chain in the place of every origin.
    pub fn resolve(mut self, origins: &mut [u64]) {
        if self.parent.is_empty() {
            return;
        }
        for origin in origins {
            *origin = self.root(*origin);
        }
    }

    /// The origin at the end of a chain of parents; the least of a ring. The chain is shortened for the next one.
    fn root(&mut self, origin: u64) -> u64 {
        let mut chain = vec![origin];
        let mut places = HashMap::new();
        let mut root = origin;
        while let Some(&parent) = self.parent.get(&root) {
            if parent == root {
                break;
            }
            places.insert(root, chain.len() - 1);
            if let Some(&at) = places.get(&parent) {
                root = chain[at..].iter().copied().min().unwrap_or(parent);
                break;
            }
            chain.push(parent);
            root = parent;
        }
        for seen in chain {
            self.parent.insert(seen, root);
        }
        root
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_trees_and_rings_have_one_root() {
        let pairs = vec![(2, 1), (3, 2), (4, 2), (5, 9), (11, 12), (12, 10), (10, 11), (7, 7)];
        let mut origins = vec![1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 9];
        Families::new(pairs).resolve(&mut origins);
        assert_eq!(origins, [1, 1, 1, 1, 9, 6, 7, 10, 10, 10, 9]);
    }

    #[test]
    fn a_long_chain_takes_no_time() {
        let length = 200_000;
        let mut origins: Vec<u64> = (0..length).rev().collect();
        Families::new((1..length).map(|n| (n, n - 1)).collect()).resolve(&mut origins);
        assert!(origins.iter().all(|&root| root == 0));
    }
}
