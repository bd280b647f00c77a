//! Places in the buffers of a batch.

use super::processed::Candidate;

/// Kept records that stand one after another in the batch's buffers.
#[derive(Clone, Copy, Default)]
pub(super) struct Run {
    pub rows: u64,
    pub line_start: usize,
    pub line_end: usize,
    pub row_start: usize,
    pub row_end: usize,
}

/// Where the last item ended.
#[derive(Clone, Copy, Default)]
pub(super) struct Ends {
    pub line: usize,
    pub row: usize,
    pub canonical: usize,
    pub entry: usize,
    pub dropped: usize,
    pub rejected: usize,
}

impl Run {
    /// Nothing yet, from behind this record.
    pub fn after(candidate: &Candidate) -> Self {
        let (line, row) = (candidate.line, candidate.row);
        Self { rows: 0, line_start: line, line_end: line, row_start: row, row_end: row }
    }
}
