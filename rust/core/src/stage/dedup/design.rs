//! The numbers behind candidates: how many bands of how many rows, and where the prefilter cuts.

use super::settings::{DedupSettings, Mode, NearSettings};

/// The most that a pair exactly at the threshold may be missed: its chance to share no band.
pub const MISS: f64 = 2e-4;
/// The most that the prefilter adds to it.
const PREFILTER_MISS: f64 = 1e-6;
/// See `Design::crowd`.
const CROWD: usize = 32;
/// Rows that MinHash computes: a whole number of vector registers.
pub const ROWS: usize = 128;

/// Everything that follows from the settings of near deduplication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Design {
    /// The settings.
    pub near: NearSettings,
    /// Bands.
    pub bands: usize,
    /// Rows in a band.
    pub rows: usize,
    /// Fewest equal signature bytes of a pair that is looked at closely.
    pub least_equal: usize,
    /// Records that share a band before the prefix filter takes them over.
    pub crowd: usize,
}

impl Design {
    /// The design of these settings; `None` if near deduplication is off.
    pub fn new(settings: &DedupSettings) -> Option<Self> {
        let near = settings.near.0.clone()?;
        // Candidates are found over both sides together, whose similarity is at least the smaller threshold.
        let threshold = match near.mode {
            Mode::Sides => near.threshold.prompt.min(near.threshold.response),
            Mode::Prompt | Mode::Conversation => near.threshold.prompt,
            Mode::Response => near.threshold.response,
        };
        let (bands, rows) = bands_of(threshold);
        let least_equal = cut(bands * rows, f64::from(threshold) / 1e4);
        Some(Self { near, bands, rows, least_equal, crowd: CROWD })
    }

    /// Bytes of a stored signature.
    pub fn signature(&self) -> usize {
        self.bands * self.rows
    }
}

/// Bands and rows for a threshold in ten-thousandths: the most selective design whose miss stays
/// below `MISS` (the three usual thresholds as the rule's text has them).
fn bands_of(threshold: u32) -> (usize, usize) {
    match threshold {
        7_000 => return (32, 4),
        8_000 => return (25, 5),
        9_000 => return (20, 6),
        10_000 => return (1, 8),
        _ => {}
    }
    let similarity = f64::from(threshold) / 1e4;
    let mut best = (ROWS, 1);
    for rows in 1..=8 {
        let bands = (1..=ROWS / rows).find(|&bands| missed(similarity, bands, rows) <= MISS);
        best = bands.map_or(best, |bands| (bands, rows));
    }
    best
}

/// The chance that a pair of this similarity shares no band.
fn missed(similarity: f64, bands: usize, rows: usize) -> f64 {
    (0..bands).fold(1.0, |miss, _| miss * (1.0 - (0..rows).fold(1.0, |all, _| all * similarity)))
}

/// The largest number of equal rows that a pair of this similarity reaches but for `PREFILTER_MISS`.
fn cut(rows: usize, similarity: f64) -> usize {
    // Binomial probabilities by recurrence, built up row by row: nothing over- or underflows that matters.
    let mut chance = vec![0.0f64; rows + 1];
    chance[0] = 1.0;
    for row in 1..=rows {
        for equal in (0..=row).rev() {
            let from_less = if equal > 0 { chance[equal - 1] * similarity } else { 0.0 };
            chance[equal] = chance[equal] * (1.0 - similarity) + from_less;
        }
    }
    let mut below = 0.0;
    for (equal, chance) in chance.iter().enumerate() {
        below += chance;
        if below > PREFILTER_MISS {
            return equal;
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_miss_is_as_designed_at_every_threshold() {
        for threshold in (1_000..=10_000).step_by(50) {
            let (bands, rows) = bands_of(threshold);
            assert!(bands * rows <= ROWS);
            let miss = missed(f64::from(threshold) / 1e4, bands, rows);
            assert!(miss <= MISS, "{threshold}: {bands} × {rows} misses {miss}");
        }
        assert_eq!((bands_of(7_000), bands_of(8_000), bands_of(9_000)), ((32, 4), (25, 5), (20, 6)));
        assert_eq!(bands_of(8_500), (18, 6));
    }

    #[test]
    fn the_cut_is_below_the_threshold() {
        assert_eq!(cut(125, 1.0), 125);
        let at_08 = cut(125, 0.8);
        assert!((70..85).contains(&at_08), "{at_08}");
        assert!(cut(24, 0.3) < 3);
    }
}
