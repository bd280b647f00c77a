//! True Jaccard similarity, compared in integers: rules 6 and 7.

use super::design::Design;
use super::entry::Entry;
use super::settings::Mode;
use crate::text::shingles::IdentitySet;

/// Whether intersection / union reaches a threshold in ten-thousandths.
pub fn reaches(overlap: [u64; 2], threshold: u32) -> bool {
    overlap[0] * 10_000 >= u64::from(threshold) * overlap[1]
}

/// Shingles in both and in either record on each side; `None` where both sides are empty.
pub fn overlaps(entry: &Entry<'_>, kept: &Entry<'_>) -> [Option<[u64; 2]>; 2] {
    let mut query = Query::default();
    query.begin();
    [0, 1].map(|side| query.overlap(side, entry, kept))
}

/// Whether sets of these sizes can be similar enough. `kept` is saturated at 65,535.
pub fn sizes_may_match(design: &Design, entry: [usize; 2], kept: [u16; 2]) -> bool {
    let may = |a: u64, b: u64, threshold: u32| reaches([a.min(b), a.max(b)], threshold);
    if kept.contains(&u16::MAX) {
        return true;
    }
    let [a, b] = [entry.map(|size| size as u64), kept.map(u64::from)];
    let [prompt, response] = [design.near.threshold.prompt, design.near.threshold.response];
    match design.near.mode {
        Mode::Conversation => may(a[0] + a[1], b[0] + b[1], prompt),
        _ => may(a[0], b[0], prompt) && may(a[1], b[1], response),
    }
}

/// The shingles of the record that is judged, made ready for look-up when the first candidate needs them.
#[derive(Debug, Default)]
pub struct Query {
    set: IdentitySet,
    ready: bool,
}

impl Query {
    /// Forgets the last record.
    pub fn begin(&mut self) {
        self.ready = false;
    }

    fn overlap(&mut self, side: usize, entry: &Entry<'_>, kept: &Entry<'_>) -> Option<[u64; 2]> {
        let sizes = [entry.sizes()[side], kept.sizes()[side]];
        if sizes == [0, 0] {
            return None;
        }
        if !self.ready {
            let [prompt, response] = entry.sizes();
            self.set.clear(prompt + response);
            for shingle in (0..2).flat_map(|side| entry.shingles(side)) {
                self.set.insert(shingle);
            }
            self.ready = true;
        }
        // The two sides' shingles differ in identity, so one set serves both.
        let both = kept.shingles(side).filter(|&shingle| self.set.contains(shingle)).count();
        Some([both as u64, (sizes[0] + sizes[1] - both) as u64])
    }

    /// Whether the records match. The record that is judged has shingles.
    pub fn matches(&mut self, design: &Design, entry: &Entry<'_>, kept: &Entry<'_>) -> bool {
        if entry.numbers() != kept.numbers() {
            return false;
        }
        let thresholds = [design.near.threshold.prompt, design.near.threshold.response];
        let mut sum = [0; 2];
        for side in 0..2 {
            let Some(overlap) = self.overlap(side, entry, kept) else { continue };
            if design.near.mode != Mode::Conversation && !reaches(overlap, thresholds[side]) {
                return false;
            }
            sum = [sum[0] + overlap[0], sum[1] + overlap[1]];
        }
        design.near.mode != Mode::Conversation || reaches(sum, thresholds[0])
    }
}
