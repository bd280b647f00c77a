//! Random access: the unit that an origin names.

use super::discover::Inputs;
use super::reader::Reader;
use super::settings::ReadSettings;
use super::unit::OwnedUnit;
use crate::Result;
use crate::record::Place;
use bumpalo::Bump;
use std::sync::Arc;

/// The unit that stands at `origin` now, `None` where no input has it. Reads its file up to there, with the
/// settings of the run that wrote the origin.
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
        let place = &origin[file.path.len()..];
        let line = place.strip_prefix(':').and_then(|line| line.parse::<u64>().ok());
        let key = place.strip_prefix('#');
        let index = key.and_then(|key| key.parse::<u64>().ok());
        let only = Inputs { arguments: Vec::new(), files: vec![file.clone()], notes: Vec::new() };
        let mut reader = Reader::new(Arc::new(only), settings)?;
        let mut arena = Bump::new();
        while let Some(batch) = reader.next_batch()? {
            arena.reset();
            let found = batch.units(&arena).find(|unit| match unit.origin.place {
                Place::Line(at) => Some(at) == line,
                Place::Index(at) => Some(at) == index,
                Place::Key(at) => Some(at) == key,
                Place::Whole => place.is_empty(),
            });
            if let Some(unit) = found {
                return Ok(Some(OwnedUnit::from(&unit)));
            }
        }
    }
    Ok(None)
}
