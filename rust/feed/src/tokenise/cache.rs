//! Words that were merged before: a table of fixed size, one cache line a word, the newest word wins its place.

/// Longest word that is kept, in bytes.
const KEY: usize = 22;
/// Most tokens of a word that is kept.
const IDS: usize = 10;
/// Places, a power of two: 4 MiB a thread.
const PLACES: usize = 1 << 16;

#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Place {
    ids: [u32; IDS],
    key: [u8; KEY],
    length: u8,
    count: u8,
}

/// The cache of one thread and one tokenizer; its memory does not grow.
#[derive(Debug, Default)]
pub struct WordCache {
    places: Vec<Place>,
}

impl WordCache {
    /// The tokens of a word, if it is there; and its place.
    #[inline]
    pub(super) fn get(&self, word: &[u8]) -> Result<&[u32], Option<usize>> {
        if word.len() > KEY || self.places.is_empty() {
            return Err(None);
        }
        let at = place(word);
        let found = &self.places[at];
        if usize::from(found.length) == word.len() && found.key[..word.len()] == *word {
            Ok(&found.ids[..usize::from(found.count)])
        } else {
            Err(Some(at))
        }
    }

    /// Keeps the tokens of a word at the place that `get` named.
    pub(super) fn put(&mut self, at: Option<usize>, word: &[u8], ids: &[u32]) {
        if self.places.is_empty() {
            let empty = Place { ids: [0; IDS], key: [0; KEY], length: u8::MAX, count: 0 };
            self.places = vec![empty; PLACES];
        }
        let Some(at) = at else { return };
        if ids.len() <= IDS {
            let kept = &mut self.places[at];
            kept.ids[..ids.len()].copy_from_slice(ids);
            kept.key[..word.len()].copy_from_slice(word);
            kept.length = word.len() as u8;
            kept.count = ids.len() as u8;
        }
    }
}

/// Where a word of at most [`KEY`] bytes belongs.
#[inline]
fn place(word: &[u8]) -> usize {
    let eight = |at: usize| u64::from_le_bytes([0, 1, 2, 3, 4, 5, 6, 7].map(|i| word[at + i]));
    let n = word.len();
    let (a, b) = match n {
        0..4 => {
            // First, middle and last byte: all of them.
            let byte = |at: usize| u64::from(word.get(at).copied().unwrap_or(0));
            (byte(0) | byte(n / 2) << 8 | byte(n.saturating_sub(1)) << 16, 0)
        }
        4..8 => {
            let four = |at: usize| u64::from(u32::from_le_bytes([0, 1, 2, 3].map(|i| word[at + i])));
            (four(0) | four(n - 4) << 32, 0)
        }
        8..=16 => (eight(0), eight(n - 8)),
        _ => (eight(0) ^ eight(8).rotate_left(23), eight(n - 8)),
    };
    let mixed = (a ^ n as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ b.wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
    let mixed = (mixed ^ mixed >> 29).wrapping_mul(0x1656_67B1_9E37_79F9);
    (mixed >> 48) as usize & (PLACES - 1)
}
