//! Random access: the unit that an origin names.

use super::batch::{Batch, Piece};
use super::discover::Inputs;
use super::reader::Reader;
use super::settings::ReadSettings;
use super::unit::{OwnedUnit, Unit};
use crate::Result;
use crate::record::Place;
use bumpalo::Bump;
use std::sync::Arc;

/// The unit that stands at `origin` now, `None` where no input has it. Reads its file up to there, with the
/// settings of the run that wrote the origin; what is before is passed over without being split into units.
///
/// # Errors
/// A file that cannot be read.
pub fn unit_at(inputs: &Inputs, settings: &ReadSettings, origin: &str) -> Result<Option<OwnedUnit>> {
    // A path may itself have `:` or `#` in it: every file whose path begins the origin is tried, longest first.
    let mut candidates: Vec<_> = inputs
        .files
        .iter()
        .filter(|file| {
            let rest = origin.strip_prefix(file.path.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '#']))
        })
        .collect();
    candidates.sort_by_key(|file| std::cmp::Reverse(file.path.len()));
    for file in candidates {
        let wanted = Wanted::new(&origin[file.path.len()..]);
        let only = Inputs { arguments: Vec::new(), files: vec![file.clone()], notes: Vec::new() };
        let mut reader = Reader::new(Arc::new(only), settings)?;
        let mut arena = Bump::new();
        while let Some(batch) = reader.next_batch()? {
            arena.reset();
            let found = batch.find(&wanted, &arena);
            if let Some(unit) = found {
                return Ok(Some(OwnedUnit::from(&unit)));
            }
        }
    }
    Ok(None)
}

/// The place that an origin names, behind the path.
struct Wanted<'o> {
    line: Option<u64>,
    index: Option<u64>,
    key: Option<&'o str>,
    whole: bool,
}

impl<'o> Wanted<'o> {
    fn new(place: &'o str) -> Self {
        let key = place.strip_prefix('#');
        Self {
            line: place.strip_prefix(':').and_then(|line| line.parse().ok()),
            index: key.and_then(|key| key.parse().ok()),
            key,
            whole: place.is_empty(),
        }
    }

    fn is(&self, place: Place<'_>) -> bool {
        match place {
            Place::Line(at) => Some(at) == self.line,
            Place::Index(at) => Some(at) == self.index,
            Place::Key(at) => Some(at) == self.key,
            Place::Whole => self.whole,
        }
    }
}

impl Batch {
    fn find<'a>(&'a self, wanted: &Wanted<'_>, arena: &'a Bump) -> Option<Unit<'a>> {
        let may_hold = |piece: &&Piece| match piece {
            Piece::Lines { start, end, line, .. } | Piece::Rows { start, end, line, .. } => {
                let ends = memchr::memchr_iter(b'\n', &self.buffer[*start..*end]).count() as u64;
                wanted.line.is_some_and(|wanted| (*line..=*line + ends).contains(&wanted))
            }
            Piece::Elements { first, spans, .. } => {
                wanted.index.is_some_and(|wanted| (*first..*first + spans.len() as u64).contains(&wanted))
            }
            Piece::Columns { first, start, end, .. } => {
                wanted.index.is_some_and(|wanted| (*first..*first + (end - start) as u64).contains(&wanted))
            }
            Piece::Member { .. } | Piece::Whole { .. } | Piece::Rejected { .. } => true,
        };
        let mut units = self.pieces.iter().filter(may_hold).flat_map(|piece| self.piece(piece, arena));
        units.find(|unit| wanted.is(unit.origin.place))
    }
}
