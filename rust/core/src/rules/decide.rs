//! From counted hits to labels.

use super::compile::Compiled;
use super::measure::Facts;
use super::pack::Mode;
use super::scan::{PLACES, Scopes, Scratch, Turn};
use crate::record::labels::Label;

impl Compiled {
    /// Fills `scratch.labels`: sums what the rules add, then chooses by column.
    pub(super) fn decide(&self, turns: &[Turn<'_>], facts: Facts, scopes: &Scopes, scratch: &mut Scratch) {
        scratch.measured.clear();
        scratch.measured.resize(self.measures.len(), f64::NAN);
        scratch.scores.clear();
        scratch.scores.resize(self.tags, f32::NAN);
        for (rule, ready) in self.rules.iter().enumerate() {
            let count = scratch.counts[rule];
            if count == 0 {
                continue;
            }
            let holds = ready.measure.iter().all(|&(number, bounds)| {
                let known = &mut scratch.measured[number];
                if known.is_nan() {
                    let measure = self.measures[number];
                    let bit = 1 << measure.scope as u8;
                    let texts = turns
                        .iter()
                        .enumerate()
                        .filter(|(index, turn)| scopes.at(*index, turn.role) & bit != 0)
                        .map(|(index, turn)| (turn.text, scratch.word_counts[index] as usize));
                    *known = measure.value(texts, facts);
                }
                bounds.hold(*known)
            });
            if holds {
                let score = &mut scratch.scores[self.offsets[ready.pack] + ready.tag];
                let before = if score.is_nan() { 0.0 } else { *score };
                *score = before + ready.weight * count.min(ready.most) as f32;
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
            let is_its = |rule: u32| {
                let ready = &self.rules[rule as usize];
                ready.pack == usize::from(label.column)
                    && ready.tag == usize::from(label.tag)
                    && scratch.counts[rule as usize] > 0
            };
            scratch.kept.extend(scratch.places.iter().filter(|place| is_its(place.rule)).take(PLACES));
            let to = scratch.kept.len();
            (scratch.labels[at].1, scratch.labels[at].2) = (from, to);
        }
    }
}
