//! The exact hashes of kept records, where workers can look before they go to the trouble of labels and
//! signature: a record with one of these hashes is a duplicate whatever those are.
//!
//! It may forget, which only costs the usual work, but never says yes to another hash: it holds all 128 bits.
//! What is in it came before what is being worked on, because the tail goes through the batches in order.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Hashes in a cache line.
const WIDTH: usize = 4;
/// Lines of the first table, as a power of two: 16 KiB.
const FIRST: u32 = 8;
/// Lines that are looked through for a hash; one that finds no room in them is forgotten.
const REACH: usize = 8;

/// A cache line. A slot is written once: first its second word, then its first. Whoever sees the first word sees
/// the second as well, so no reader takes the halves of two hashes for one.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Line([[AtomicU64; 2]; WIDTH]);

/// A table of slots, empty ones with 0 as their first word.
#[derive(Debug)]
struct Table {
    lines: Box<[Line]>,
    /// How far the second word of a hash is shifted for the number of its first line.
    shift: u32,
}

/// The hashes, as workers share them.
#[derive(Debug)]
pub struct KeptHashes {
    current: Mutex<Arc<Table>>,
}

/// The hashes as they were, and as they become until their table is replaced by a larger one.
#[derive(Clone, Debug)]
pub struct View(Arc<Table>);

/// The one who adds hashes.
#[derive(Debug)]
pub struct Writer {
    shared: Arc<KeptHashes>,
    table: Arc<Table>,
    count: usize,
}

impl Table {
    /// An empty table; `None` where there is no memory for it.
    fn new(power: u32) -> Option<Arc<Self>> {
        let mut lines = Vec::new();
        lines.try_reserve_exact(1 << power).ok()?;
        lines.resize_with(1 << power, Line::default);
        Some(Arc::new(Self { lines: lines.into_boxed_slice(), shift: u64::BITS - power }))
    }

    /// The lines in which a hash can be.
    #[inline]
    fn reach(&self, hash: [u64; 2]) -> impl Iterator<Item = &Line> {
        let first = (hash[1] >> self.shift) as usize;
        (first..first + REACH).map(|line| &self.lines[line & (self.lines.len() - 1)])
    }

    #[inline]
    fn has(&self, hash: [u64; 2]) -> bool {
        for [first, second] in self.reach(hash).flat_map(|line| &line.0) {
            match first.load(Ordering::Acquire) {
                0 => return false,
                found if found == hash[0] && second.load(Ordering::Relaxed) == hash[1] => return true,
                _ => {}
            }
        }
        false
    }

    /// Adds a hash that is not there. Only one thread at a time does.
    fn add(&self, hash: [u64; 2]) {
        let free = self.reach(hash).flat_map(|line| &line.0).find(|slot| slot[0].load(Ordering::Relaxed) == 0);
        if let Some([first, second]) = free {
            second.store(hash[1], Ordering::Relaxed);
            first.store(hash[0], Ordering::Release);
        }
    }

    fn room(&self) -> usize {
        self.lines.len() * WIDTH
    }
}

impl KeptHashes {
    /// What is known now; to be asked for anew from time to time.
    pub fn view(&self) -> View {
        View(Arc::clone(&self.current.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl View {
    /// Asks the processor for the memory that `has` will look at.
    #[inline]
    pub fn prefetch(&self, hash: [u64; 2]) {
        #[cfg(target_arch = "x86_64")]
        if let Some(line) = self.0.reach(hash).next() {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            // SAFETY: a hint about a line of the table.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(line).cast()) };
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = hash;
    }

    /// Whether a record with this hash was kept. `false` may be wrong.
    #[inline]
    pub fn has(&self, hash: [u64; 2]) -> bool {
        // 0 stands for an empty slot, so such a hash is never added.
        hash[0] != 0 && self.0.has(hash)
    }
}

impl Writer {
    /// No hashes; `None` where there is no memory for them.
    pub fn new() -> Option<Self> {
        let table = Table::new(FIRST)?;
        let shared = Arc::new(KeptHashes { current: Mutex::new(Arc::clone(&table)) });
        Some(Self { shared, table, count: 0 })
    }

    /// What workers are given.
    pub fn shared(&self) -> Arc<KeptHashes> {
        Arc::clone(&self.shared)
    }

    /// Bytes of memory.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.table.lines)
    }

    /// Adds the hash of a record that is kept, and that no other kept record has.
    pub fn add(&mut self, hash: [u64; 2]) {
        if hash[0] == 0 {
            return;
        }
        if self.count >= self.table.room() / 4 * 3 {
            self.grow();
        }
        self.table.add(hash);
        self.count += 1;
    }

    /// Takes a table of twice the size. Whoever still looks at the old one misses what is added from now on.
    fn grow(&mut self) {
        // Without memory for it the old one serves on, and forgets more.
        let Some(larger) = Table::new(u64::BITS - self.table.shift + 1) else { return };
        for [first, second] in self.table.lines.iter().flat_map(|line| &line.0) {
            let hash = [first, second].map(|word| word.load(Ordering::Relaxed));
            if hash[0] != 0 {
                larger.add(hash);
            }
        }
        *self.shared.current.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&larger);
        self.table = larger;
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::text::hash::wide;
    use proptest::prelude::*;
    use std::collections::HashSet;

    fn hash(number: u64) -> [u64; 2] {
        wide(&number.to_le_bytes())
    }

    #[test]
    fn little_is_forgotten_and_nothing_made_up() {
        let mut writer = Writer::new().unwrap();
        let old = writer.shared().view();
        let many = 100_000;
        (0..many).for_each(|number| writer.add(hash(number)));
        let view = writer.shared().view();
        let known = (0..many).filter(|&number| view.has(hash(number))).count();
        assert!(known as u64 > many * 99 / 100, "{known}");
        assert!((many..2 * many).all(|number| !view.has(hash(number))));
        // Halves of two hashes are no hash.
        assert!((1..many).all(|number| !view.has([hash(number)[0], hash(number - 1)[1]])));
        assert!(writer.bytes() as u64 <= 48 * many, "{}", writer.bytes());
        // A table that was replaced stands as it was.
        assert!(old.has(hash(0)) && !old.has(hash(many - 1)));
    }

    #[test]
    fn a_crowded_line_forgets() {
        let mut writer = Writer::new().unwrap();
        // All belong into the last line: they go on in the first ones, until those are full as well.
        let crowd = |number: u64| [number, u64::MAX - number];
        (0..100).for_each(|number| writer.add(crowd(number)));
        let view = writer.shared().view();
        let known: Vec<u64> = (0..100).filter(|&number| view.has(crowd(number))).collect();
        assert_eq!(known, (1..=(REACH * WIDTH) as u64).collect::<Vec<_>>());
    }

    #[test]
    fn readers_beside_the_writer_see_whole_hashes() {
        let mut writer = Writer::new().unwrap();
        let shared = writer.shared();
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let mut rounds = 0;
                    while !done.load(Ordering::Acquire) || rounds < 2 {
                        rounds += 1;
                        let view = shared.view();
                        for number in 0..20_000 {
                            assert!(!view.has([hash(number)[0], hash(number + 1)[1]]));
                            assert!(!view.has(hash(number + 20_000)));
                            // What was there stays there.
                            assert!(!view.has(hash(number)) || view.has(hash(number)));
                        }
                    }
                });
            }
            (0..20_000).for_each(|number| writer.add(hash(number)));
            done.store(true, Ordering::Release);
        });
        let view = shared.view();
        assert!((0..20_000).filter(|&number| view.has(hash(number))).count() > 19_900);
    }

    proptest! {
        // Few different words, so that lines are shared and halves are equal.
        #[test]
        fn says_yes_only_to_what_was_added(
            added in prop::collection::vec((0u64..4, 0u64..6), 0..60),
            asked in prop::collection::vec((0u64..4, 0u64..6), 0..60),
        ) {
            let spread = |(first, second): (u64, u64)| [first, second << 60 | second];
            let mut writer = Writer::new().unwrap();
            let view = writer.shared().view();
            let mut known = HashSet::new();
            for one in added {
                if known.insert(one) {
                    writer.add(spread(one));
                }
            }
            for one in known.iter().chain(&asked) {
                // Up to 24 of them, six lines far apart: all but those with 0 are held.
                prop_assert_eq!(view.has(spread(*one)), known.contains(one) && one.0 != 0);
            }
        }
    }
}
