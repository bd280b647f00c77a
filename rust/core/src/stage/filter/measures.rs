//! Bounds of numbers that are measured on a record.

use crate::record::{Record, Verdict};
use crate::rules::{Measure, facts_of, turns_of};
use crate::{Error, Result};
use bumpalo::Bump;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Bounds of a measure. They are inclusive.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct MeasureCondition {
    /// What is measured, as rules name it: `assistant.words`, `user.questions`, `digit_share` …
    pub measure: String,
    /// At least.
    pub min: Option<f64>,
    /// At most.
    pub max: Option<f64>,
}

/// The condition, checked and ready.
#[derive(Clone, Debug)]
pub(super) struct Bounded {
    name: String,
    measure: Measure,
    min: f64,
    max: f64,
}

impl Bounded {
    pub(super) fn new(condition: &MeasureCondition, at: &str) -> Result<Self> {
        let measure = Measure::parse(&condition.measure, &format!("{at}.measure"))?;
        let (min, max) = bounds(condition.min, condition.max, at)?;
        Ok(Self { name: condition.measure.clone(), measure, min, max })
    }

    pub(super) fn judge<'a>(&self, record: &Record<'a>, arena: &'a Bump) -> Option<Verdict> {
        let value = self.measure.of(&turns_of(record, arena), facts_of(record));
        let (reason, bound, limit) = if value < self.min {
            ("filter.measures.low", "min", self.min)
        } else if value > self.max {
            ("filter.measures.high", "max", self.max)
        } else {
            return None;
        };
        let name = super::quote(&self.name);
        Some(Verdict::Drop {
            reason,
            evidence: format!("{{\"measure\":{name},\"value\":{value},\"{bound}\":{limit}}}"),
        })
    }
}

/// Both bounds as numbers; at least one has to be there.
pub(super) fn bounds(min: Option<f64>, max: Option<f64>, at: &str) -> Result<(f64, f64)> {
    if min.is_none() && max.is_none() {
        return Err(Error::plan(at, "has no bound, expected `min` or `max`"));
    }
    let (low, high) = (min.unwrap_or(f64::NEG_INFINITY), max.unwrap_or(f64::INFINITY));
    if low.is_nan() || high.is_nan() || low > high {
        return Err(Error::plan(format!("{at}.min"), format!("must be at most `max` ({high}), got {low}")));
    }
    Ok((low, high))
}
