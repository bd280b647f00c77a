//! Counting units as they are parsed.

use super::sample::Sample;
use crate::stage::parse::{Parsed, Parser};
use crate::stage::read::Unit;
use crate::{Error, Result};
use bumpalo::Bump;
use std::collections::BTreeMap;

/// Samples kept of a schema in one file.
const SAMPLES: usize = 3;

/// What was counted in a file or a part of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) units: u64,
    pub(super) empty: u64,
    pub(super) records: u64,
    /// By family and dialect.
    pub(super) schemas: BTreeMap<(&'static str, &'static str), Schema>,
    pub(super) rejected: BTreeMap<String, Rejected>,
}

/// Records of one schema.
#[derive(Clone, Debug, Default)]
pub(super) struct Schema {
    pub(super) records: u64,
    pub(super) samples: Vec<Sample>,
}

/// Units rejected for one reason.
#[derive(Clone, Debug)]
pub(super) struct Rejected {
    pub(super) units: u64,
    /// The first: where, and what was expected.
    pub(super) origin: String,
    pub(super) detail: String,
}

impl Tally {
    /// Parses a unit and counts what became of it. `origin` names places that have no line number.
    pub(super) fn add<'a>(
        &mut self,
        unit: &Unit<'a>,
        parser: &Parser,
        arena: &'a Bump,
        origin: Option<&str>,
    ) -> Result<()> {
        self.units += 1;
        let named = || origin.map_or_else(|| unit.origin.to_string(), str::to_owned);
        match parser.parse(unit, arena) {
            Ok(Parsed::Empty) => self.empty += 1,
            Ok(Parsed::Record(record)) => {
                self.records += 1;
                let schema = self.schemas.entry((record.schema.family, record.schema.dialect)).or_default();
                schema.records += 1;
                if schema.samples.len() < SAMPLES {
                    schema.samples.push(Sample::of(&record, named()));
                }
            }
            Ok(Parsed::Rejected(rejection)) => self.reject(rejection.reason, named, rejection.detail),
            // Where a run would stop, `peek` says so and goes on.
            Err(Error::Strict { reason, .. }) => self.reject(&reason, named, "the policy is `strict`".to_owned()),
            Err(other) => return Err(other),
        }
        Ok(())
    }

    fn reject(&mut self, reason: &str, origin: impl Fn() -> String, detail: String) {
        match self.rejected.get_mut(reason) {
            Some(row) => row.units += 1,
            None => {
                self.rejected.insert(reason.to_owned(), Rejected { units: 1, origin: origin(), detail });
            }
        }
    }
}
