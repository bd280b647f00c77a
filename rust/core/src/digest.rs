//! BLAKE3 (what `b3sum` prints) whose state is a small serde value, so that a digest over a file
//! of any size goes on after a crash without reading the file again.
//!
//! The official hasher cannot be saved. BLAKE3 is a Merkle tree, though: everything before the last
//! chunk is a handful of chaining values, one for each bit of the number of finished chunks. `Tree`
//! keeps those (by `blake3::hazmat`) and the bytes that are not hashed yet.

use blake3::hazmat::{ChainingValue, HasherExt, Mode, max_subtree_len, merge_subtrees_non_root, merge_subtrees_root};
use blake3::{CHUNK_LEN, Hasher};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Most bytes that wait before they are hashed: the widest SIMD hashes as many chunks at once. What
/// waits is copied whenever a tree is, so it is no more than that.
const BLOCK: usize = 16 * 1024;

/// A stretch of a longer input, hashed as far as that is possible without what stands before it;
/// any thread may do it. [`Tree::append`] puts stretches together.
#[derive(Debug)]
pub struct Part {
    at: u64,
    /// Up to the first block that is whole.
    head: Vec<u8>,
    subtrees: Vec<(ChainingValue, usize)>,
    /// What is behind the last whole block; not empty where there are subtrees.
    tail: Vec<u8>,
}

impl Part {
    /// The stretch `bytes`, which starts at byte `at`.
    pub fn new(bytes: &[u8], at: u64) -> Self {
        let before = (at.wrapping_neg() % BLOCK as u64) as usize;
        let (head, mut rest) = bytes.split_at(before.min(bytes.len()));
        let mut place = at + head.len() as u64;
        let mut subtrees = Vec::new();
        while rest.len() > BLOCK {
            let length = subtree_length(place, rest.len() - 1);
            let (now, later) = rest.split_at(length);
            subtrees.push((leaf(now, place), length));
            place += length as u64;
            rest = later;
        }
        Self { at, head: head.to_vec(), subtrees, tail: rest.to_vec() }
    }
}

/// The length of the largest subtree that may start at `at` and has at most `limit` bytes (at least
/// one chunk).
fn subtree_length(at: u64, limit: usize) -> usize {
    let chunks = (limit / CHUNK_LEN).max(1);
    let length = CHUNK_LEN << chunks.ilog2();
    max_subtree_len(at).map_or(length, |most| length.min(usize::try_from(most).unwrap_or(length)))
}

/// A BLAKE3 digest; prints and serialises as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of bytes at hand.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        blake3::Hash::from_hex(text)
            .map(|hash| Self(*hash.as_bytes()))
            .map_err(|_| format!("`{}` is not a BLAKE3 digest, expected 64 hexadecimal digits", text.escape_debug()))
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A BLAKE3 digest in the making. Serialises to at most about 6 KB, at any byte.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(into = "State", try_from = "State")]
pub struct Tree {
    /// Bytes that are in `finished`; a multiple of the chunk length.
    hashed: u64,
    /// Chaining values of complete subtrees, largest first: one for each set bit of `hashed / CHUNK_LEN`.
    finished: Vec<ChainingValue>,
    /// What follows. Never empty once anything came: the last chunk decides where the root is.
    waiting: Vec<u8>,
}

impl Tree {
    /// The digest of nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many bytes it has seen.
    pub fn bytes(&self) -> u64 {
        self.hashed + self.waiting.len() as u64
    }

    /// Adds bytes.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.waiting.is_empty() && bytes.len() > BLOCK {
                let used = self.absorb(bytes);
                bytes = &bytes[used..];
                continue;
            }
            let past = (self.bytes() % BLOCK as u64) as usize;
            if past == 0 && !self.waiting.is_empty() {
                self.absorb_waiting(true);
                continue;
            }
            // Only what is needed to stand at a whole block is copied; blocks after that are not.
            let (now, later) = bytes.split_at((BLOCK - past).min(bytes.len()));
            self.waiting.extend_from_slice(now);
            bytes = later;
        }
    }

    /// Adds a stretch that some other thread may have hashed.
    ///
    /// # Errors
    ///
    /// Where it does not start where this tree stands.
    pub fn append(&mut self, part: &Part) -> Result<(), String> {
        if self.bytes() != part.at {
            return Err(format!("what starts at byte {} cannot follow {} bytes", part.at, self.bytes()));
        }
        self.update(&part.head);
        if !part.subtrees.is_empty() {
            self.absorb_waiting(true);
            part.subtrees.iter().for_each(|&(value, length)| self.join(value, length));
        }
        self.update(&part.tail);
        Ok(())
    }

    /// The digest of everything so far. More may be added after.
    pub fn finish(&self) -> Digest {
        let mut last = self.clone();
        last.absorb_waiting(false);
        let Some(first) = last.finished.first().copied() else {
            return Digest::of(&last.waiting);
        };
        let mut right = leaf(&last.waiting, last.hashed);
        for left in last.finished[1..].iter().rev() {
            right = merge_subtrees_non_root(left, &right, Mode::Hash);
        }
        Digest(*merge_subtrees_root(&first, &right, Mode::Hash).as_bytes())
    }

    /// Hashes what waits: all of it where more bytes follow, else all but the last chunk.
    fn absorb_waiting(&mut self, more_follows: bool) {
        let waiting = std::mem::take(&mut self.waiting);
        let mut rest: &[u8] = &waiting;
        while rest.len() > CHUNK_LEN || (more_follows && rest.len() == CHUNK_LEN) {
            let used = self.absorb_up_to(rest, if more_follows { rest.len() } else { rest.len() - 1 });
            rest = &rest[used..];
        }
        let kept = waiting.len() - rest.len();
        self.waiting = waiting;
        self.waiting.drain(..kept);
    }

    /// Hashes one subtree from the front of `bytes`, of which at least one byte stays.
    fn absorb(&mut self, bytes: &[u8]) -> usize {
        self.absorb_up_to(bytes, bytes.len() - 1)
    }

    /// Hashes the largest subtree that may start here and has at most `limit` bytes (at least one chunk).
    fn absorb_up_to(&mut self, bytes: &[u8], limit: usize) -> usize {
        let length = subtree_length(self.hashed, limit);
        self.join(leaf(&bytes[..length], self.hashed), length);
        length
    }

    /// Puts the next complete subtree on the stack.
    fn join(&mut self, mut value: ChainingValue, length: usize) {
        self.hashed += length as u64;
        // Equal neighbours become their parent, as in a binary counter.
        let mut size = length as u64;
        while self.hashed & size == 0 {
            let Some(left) = self.finished.pop() else { break };
            value = merge_subtrees_non_root(&left, &value, Mode::Hash);
            size *= 2;
        }
        self.finished.push(value);
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tree({} bytes)", self.bytes())
    }
}

impl PartialEq for Tree {
    fn eq(&self, other: &Self) -> bool {
        // However the bytes came, what is left after all complete chunks are absorbed is the same.
        let parts = |tree: &Self| {
            let mut tree = tree.clone();
            tree.absorb_waiting(true);
            (tree.hashed, tree.finished, tree.waiting)
        };
        self.bytes() == other.bytes() && parts(self) == parts(other)
    }
}

impl Eq for Tree {}

/// The chaining value of a subtree that starts at byte `at` and is not the whole.
fn leaf(bytes: &[u8], at: u64) -> ChainingValue {
    let mut hasher = Hasher::new();
    hasher.set_input_offset(at).update(bytes);
    hasher.finalize_non_root()
}

/// How a `Tree` is saved.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    bytes: u64,
    subtrees: Vec<Digest>,
    last: String,
}

impl From<Tree> for State {
    fn from(mut tree: Tree) -> Self {
        tree.absorb_waiting(false);
        Self {
            bytes: tree.bytes(),
            subtrees: tree.finished.iter().copied().map(Digest).collect(),
            last: tree.waiting.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }
}

impl TryFrom<State> for Tree {
    type Error = String;

    fn try_from(state: State) -> Result<Self, String> {
        let damaged = || "a saved digest is damaged".to_owned();
        let digits = state.last.as_bytes();
        if !digits.len().is_multiple_of(2) || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(damaged());
        }
        let value = |digit: u8| (digit as char).to_digit(16).unwrap_or(0) as u8;
        let waiting: Vec<u8> = digits.chunks_exact(2).map(|pair| value(pair[0]) << 4 | value(pair[1])).collect();
        let hashed = state.bytes.checked_sub(waiting.len() as u64).ok_or_else(damaged)?;
        let chunks = hashed / CHUNK_LEN as u64;
        let whole = hashed % CHUNK_LEN as u64 == 0 && chunks.count_ones() as usize == state.subtrees.len();
        if !whole || waiting.len() > CHUNK_LEN {
            return Err(damaged());
        }
        Ok(Self { hashed, finished: state.subtrees.into_iter().map(|digest| digest.0).collect(), waiting })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use proptest::prelude::*;

    fn sample(length: usize) -> Vec<u8> {
        (0..length).map(|index| (index.wrapping_mul(2_654_435_761) >> 7) as u8).collect()
    }

    fn reference(bytes: &[u8]) -> Digest {
        Digest(*blake3::hash(bytes).as_bytes())
    }

    #[test]
    fn agrees_with_blake3_around_every_boundary() {
        let mut lengths = vec![0, 1, 2];
        for power in 6..22 {
            lengths.extend([(1 << power) - 1, 1 << power, (1 << power) + 1, (1 << power) + 1024, 3 << power]);
        }
        let bytes = sample(7 << 20);
        for length in lengths {
            let mut tree = Tree::new();
            tree.update(&bytes[..length]);
            assert_eq!(tree.finish(), reference(&bytes[..length]), "{length} bytes at once");
            assert_eq!(tree.bytes(), length as u64);
        }
    }

    #[test]
    fn parts_of_other_threads_join() {
        let bytes = sample(5 << 20);
        for lengths in [[1, 2, 3], [BLOCK, 2 * BLOCK, 1], [BLOCK + 1, BLOCK - 1, 4 << 20], [700_000, 0, 1_300_000]] {
            let mut tree = Tree::new();
            let mut at = 0;
            for (index, length) in lengths.into_iter().cycle().take(9).enumerate() {
                let piece = &bytes[at..(at + length).min(bytes.len())];
                if index == 4 {
                    tree.update(piece);
                } else {
                    tree.append(&Part::new(piece, at as u64)).unwrap();
                }
                at += piece.len();
                assert_eq!(tree.finish(), reference(&bytes[..at]), "{lengths:?}, {index}");
            }
            assert!(tree.append(&Part::new(&bytes, 7 << 20)).is_err());
        }
    }

    #[test]
    fn a_damaged_state_is_refused() {
        let mut tree = Tree::new();
        tree.update(&sample(5000));
        let saved = serde_json::to_value(&tree).unwrap();
        for (key, value) in [("bytes", 4999.into()), ("last", "0".into()), ("subtrees", serde_json::json!([]))] {
            let mut broken = saved.clone();
            broken[key] = value;
            assert!(serde_json::from_value::<Tree>(broken).is_err(), "{key}");
        }
    }

    proptest! {
        #[test]
        fn any_cuts_and_any_saving_give_the_same_digest(
            pieces in prop::collection::vec((0usize..300_000, any::<bool>()), 0..12),
        ) {
            let bytes = sample(pieces.iter().map(|(length, _)| length).sum());
            let mut tree = Tree::new();
            let mut at = 0;
            for (length, save) in pieces {
                tree.update(&bytes[at..at + length]);
                at += length;
                prop_assert_eq!(tree.finish(), reference(&bytes[..at]));
                if save {
                    let saved = serde_json::to_string(&tree).unwrap();
                    prop_assert!(saved.len() < 8192);
                    tree = serde_json::from_str(&saved).unwrap();
                }
            }
            prop_assert_eq!(tree.finish(), reference(&bytes));
        }
    }
}
