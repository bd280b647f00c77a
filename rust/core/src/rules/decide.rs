//! From counted hits to labels.

use super::compile::Compiled;
use super::pack::Mode;
use super::scan::{PLACES, Scratch, Seen};
use crate::record::labels::Label;

impl Compiled {
    /// Fills `scratch.labels`: sums what the rules add, then chooses by column.
    pub(super) fn decide(&self, record: &Seen<'_, '_>, scratch: &mut Scratch) {
        scratch.scores.clear();
        scratch.scores.resize(self.tags, f32::NAN);
        // Few rules of the many have hits.
        scratch.hit.clear();
        scratch.hit.extend((0u32..).zip(&scratch.counts).filter(|(_, count)| **count > 0).map(|(rule, _)| rule));
        for at in 0..scratch.hit.len() {
            let rule = scratch.hit[at] as usize;
            let (gain, count) = (self.gains[rule], scratch.counts[rule]);
            if !gain.measures || self.holds(&self.rules[rule], record, &scratch.word_counts, &mut scratch.measured) {
                let score = &mut scratch.scores[gain.tag as usize];
                let before = if score.is_nan() { 0.0 } else { *score };
                *score = before + gain.weight * count.min(gain.most) as f32;
            } else {
                // Its places explain nothing.
                scratch.counts[rule] = 0;
            }
        }
        scratch.labels.clear();
        scratch.kept.clear();
        for (pack, column) in self.columns.iter().enumerate() {
            let offset = self.offsets[pack];
            let first = scratch.labels.len();
            for tag in 0..column.tags.len() {
                let score = scratch.scores[offset + tag];
                // NaN: no rule said anything.
                if score.is_nan() || score < column.threshold {
                    continue;
                }
                let label = Label { column: pack as u16, tag: tag as u16, score };
                match scratch.labels.get_mut(first) {
                    Some(best) if column.mode == Mode::One => {
                        if score > best.0.score {
                            best.0 = label;
                        }
                    }
                    _ => scratch.labels.push((label, 0, 0)),
                }
            }
        }
        for at in 0..scratch.labels.len() {
            let label = scratch.labels[at].0;
            let from = scratch.kept.len();
            let tag = (self.offsets[usize::from(label.column)] + usize::from(label.tag)) as u32;
            let is_its = |rule: u32| self.gains[rule as usize].tag == tag && scratch.counts[rule as usize] > 0;
            scratch.kept.extend(scratch.places.iter().filter(|place| is_its(place.rule)).take(PLACES));
            let to = scratch.kept.len();
            (scratch.labels[at].1, scratch.labels[at].2) = (from, to);
        }
    }
}
