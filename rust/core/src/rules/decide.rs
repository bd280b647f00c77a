//! From counted hits to labels.

use super::compile::Compiled;
use super::pack::Mode;
use super::scan::{PLACES, Scratch, Turn};
use crate::record::labels::Label;

impl Compiled {
    /// Fills `scratch.labels`: sums what the rules add, then chooses by column.
    pub(super) fn decide(&self, turns: &[Turn<'_>], scratch: &mut Scratch) {
        let Scratch { numbers, hits, scores, labels, kept, .. } = scratch;
        scores.reset(self.tags.len());
        // The places of a rule whose measures do not hold explain nothing.
        hits.retain(|rule, count| {
            let holds = self.holds(rule, turns, numbers);
            if holds {
                let gain = self.gains[rule];
                scores.add(gain.tag as usize, gain.weight * count.min(gain.most) as f32);
            }
            holds
        });
        labels.clear();
        kept.clear();
        let (mut last, mut first) = (None, 0);
        for (tag, score) in scores.iter() {
            let (pack, tag) = self.tags[tag];
            if last != Some(pack) {
                (last, first) = (Some(pack), labels.len());
            }
            let column = &self.columns[usize::from(pack)];
            if score.is_nan() || score < column.threshold {
                continue;
            }
            let label = Label { column: pack, tag, score };
            match labels.get_mut(first) {
                Some((best, ..)) if column.mode == Mode::One => {
                    if score > best.score {
                        *best = label;
                    }
                }
                _ => labels.push((label, 0, 0)),
            }
        }
        for (label, from, to) in labels {
            *from = kept.len();
            let tag = (self.offsets[usize::from(label.column)] + usize::from(label.tag)) as u32;
            let is_its = |rule: u32| self.gains[rule as usize].tag == tag && hits.count(rule as usize) > 0;
            kept.extend(hits.places().iter().filter(|place| is_its(place.rule)).take(PLACES));
            *to = kept.len();
        }
    }
}
