//! True Jaccard similarity, compared in integers: rules 6 and 7.

use super::design::Design;
use super::entry::Entry;
use super::settings::Mode;
use crate::text::shingles::IdentitySet;

/// Whether intersection / union reaches a threshold in ten-thousandths.
pub fn reaches(overlap: [u64; 2], threshold: u32) -> bool {
    overlap[0] * 10_000 >= u64::from(threshold) * overlap[1]
}

/// Shingles in both and in either record on each side; `None` where both sides are empty. Records that
/// are `exact` duplicates of each other have the same sides, so the same sets. A copy's are those of the kept one.
pub fn overlaps(entry: &Entry<'_>, kept: &Entry<'_>, exact: bool) -> [Option<[u64; 2]>; 2] {
    if exact && (entry.is_copy() || entry.sizes() == kept.sizes() && entry.signature() == kept.signature()) {
        return kept.sizes().map(|size| (size > 0).then_some([size as u64; 2]));
    }
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

    fn prepare(&mut self, entry: &Entry<'_>) {
        if !self.ready {
            let [prompt, response] = entry.sizes();
            self.set.clear(prompt + response);
            for shingle in (0..2).flat_map(|side| entry.shingles(side)) {
                self.set.insert(shingle);
            }
            self.ready = true;
        }
    }

    /// Whether a side reaches its threshold, or is empty in both; stops where it cannot any more.
    fn similar(&mut self, side: usize, entry: &Entry<'_>, kept: &Entry<'_>, threshold: u32) -> bool {
        let sizes = [entry.sizes()[side] as u64, kept.sizes()[side] as u64];
        // both ≥ t·(n + m - both), so both ≥ t/(1 + t)·(n + m).
        let needed = (u64::from(threshold) * (sizes[0] + sizes[1])).div_ceil(10_000 + u64::from(threshold));
        let Some(mut spare) = sizes[1].min(sizes[0]).checked_sub(needed).map(|_| sizes[1] - needed) else {
            return false;
        };
        self.prepare(entry);
        for shingle in kept.shingles(side) {
            if !self.set.contains(shingle) {
                match spare.checked_sub(1) {
                    Some(left) => spare = left,
                    None => return false,
                }
            }
        }
        true
    }

    fn overlap(&mut self, side: usize, entry: &Entry<'_>, kept: &Entry<'_>) -> Option<[u64; 2]> {
        let sizes = [entry.sizes()[side], kept.sizes()[side]];
        if sizes == [0, 0] {
            return None;
        }
        self.prepare(entry);
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
        if design.near.mode == Mode::Conversation {
            let overlaps = [0, 1].map(|side| self.overlap(side, entry, kept).unwrap_or_default());
            return reaches([overlaps[0][0] + overlaps[1][0], overlaps[0][1] + overlaps[1][1]], thresholds[0]);
        }
        // The smaller side first: most pairs of one template fail on it, at a fraction of the cost.
        let [prompt, response] = kept.sizes();
        let order = if prompt <= response { [0, 1] } else { [1, 0] };
        order.into_iter().all(|side| self.similar(side, entry, kept, thresholds[side]))
    }
}
