//! Which of several duplicates is kept: the order in which records are judged (rule 10).
//!
//! The order is one number a record, its rank: a record is judged after all of smaller rank, and
//! those of one rank in input order.

use super::settings::DedupSettings;
use crate::error::{Error, Result};
use crate::json::{Kind, Node};
use crate::record::Record;
use chrono::{DateTime, NaiveDate, NaiveDateTime};
use globset::{Glob, GlobMatcher};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which of several duplicates is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Keep {
    /// The first in input order.
    #[default]
    First,
    /// The one with the largest number in the field that `best_by` names.
    Best,
    /// The one whose assistant turns have the most characters.
    Longest,
    /// The one with the latest date, or largest number, in the field that `newest_by` names.
    Newest,
    /// The one whose source stands first in `sources`.
    SourcePriority,
}

/// Ranks records.
#[derive(Clone, Debug)]
pub struct Ranks {
    by: By,
}

#[derive(Clone, Debug)]
enum By {
    Nothing,
    Length,
    Number(Vec<String>),
    Date(Vec<String>),
    Source(Vec<GlobMatcher>),
}

/// The rank of a record that does not have what ranks are made of.
const LAST: u64 = u64::MAX;

impl Ranks {
    /// The ranks of these settings.
    ///
    /// # Errors
    ///
    /// A setting that the order needs is missing or of no use.
    pub fn new(settings: &DedupSettings) -> Result<Self> {
        let by = match settings.keep {
            Keep::First => By::Nothing,
            Keep::Longest => By::Length,
            Keep::Best => By::Number(path("dedup.best_by", settings.best_by.as_deref(), "best", "score.quality")?),
            Keep::Newest => By::Date(path("dedup.newest_by", settings.newest_by.as_deref(), "newest", "created_at")?),
            Keep::SourcePriority => {
                if settings.sources.is_empty() {
                    return Err(Error::plan("dedup.sources", "is empty, but `keep: source-priority` needs sources")
                        .with_hint(
                            "name sources or patterns, the best first: `sources: [reviewed.jsonl, \"forum-*\"]`",
                        ));
                }
                let matchers = settings.sources.iter().map(|pattern| match Glob::new(pattern) {
                    Ok(glob) => Ok(glob.compile_matcher()),
                    Err(error) => Err(Error::plan("dedup.sources", format!("`{pattern}` is no pattern: {error}"))),
                });
                By::Source(matchers.collect::<Result<_>>()?)
            }
        };
        Ok(Self { by })
    }

    /// The rank of a record; smaller ones are judged first.
    pub fn of(&self, record: &Record<'_>) -> u64 {
        match &self.by {
            By::Nothing => 0,
            By::Length => LAST - 1 - record.taught(),
            By::Number(path) => find(record, path).and_then(|node| number(&node)).map_or(LAST, largest_first),
            By::Date(path) => find(record, path).and_then(|node| moment(&node)).map_or(LAST, largest_first),
            By::Source(patterns) => {
                let source = record.source();
                patterns.iter().position(|pattern| pattern.is_match(source)).map_or(LAST, |place| place as u64)
            }
        }
    }
}

/// The steps of a field's path.
fn path(setting: &str, value: Option<&str>, keep: &str, example: &str) -> Result<Vec<String>> {
    let steps: Vec<String> = value.unwrap_or_default().split('.').map(str::to_owned).collect();
    if steps.iter().all(|step| !step.is_empty()) {
        return Ok(steps);
    }
    let problem = match value {
        None => format!("is missing, but `keep: {keep}` needs a field of the record"),
        Some(value) => format!("`{value}` is no path of a field, expected names joined by dots"),
    };
    let name = setting.rsplit('.').next().unwrap_or(setting);
    Err(Error::plan(setting, problem).with_hint(format!("for example `{name}: {example}`")))
}

/// The value of a carried field, by its path.
fn find<'a>(record: &Record<'a>, path: &[String]) -> Option<Node<'a>> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(record.field(first)?, |node, step| node.get(step))
}

/// A number, or a string that spells one.
fn number(node: &Node<'_>) -> Option<f64> {
    let text = match node.kind {
        Kind::Number => node.raw,
        Kind::String(text) => text.trim(),
        _ => return None,
    };
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

/// Seconds since 1970 of a date (ISO 8601, without a zone taken as UTC), or a number as it stands.
fn moment(node: &Node<'_>) -> Option<f64> {
    if let Some(number) = number(node) {
        return Some(number);
    }
    let text = node.as_str()?.trim();
    let at = |utc: DateTime<chrono::Utc>| utc.timestamp_micros() as f64 / 1e6;
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Some(at(moment.to_utc()));
    }
    let forms = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"];
    let moment = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let day = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
    moment.or_else(day).map(|moment| at(moment.and_utc()))
}

/// The rank of a value, the largest first. All finite values rank before `LAST`.
fn largest_first(value: f64) -> u64 {
    // Adding zero makes -0 the same as 0. The bits of floats order as integers, but for the sign.
    let bits = (value + 0.0).to_bits();
    let ascending = if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
    !ascending
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use bumpalo::Bump;
    use proptest::prelude::*;

    fn value(json: &str) -> Option<f64> {
        let arena = Bump::new();
        let node = crate::json::parse(arena.alloc_str(json), &arena, crate::json::Limits::default()).unwrap();
        moment(&node)
    }

    #[test]
    fn moments() {
        for (earlier, later) in [
            ("\"2024-02-28\"", "\"2024-02-29T00:00:01\""),
            ("\"2024-02-29 10:00\"", "\"2024-02-29T10:00:00.5\""),
            ("\"2024-02-29T10:00:00Z\"", "\"2024-02-29T10:00:00-01:00\""),
            ("\"1969-12-31\"", "0"),
            ("1700000000", "\"1700000001.5\""),
        ] {
            assert!(value(earlier).unwrap() < value(later).unwrap(), "{earlier} {later}");
        }
        assert_eq!(value("\"2024-01-01\""), Some(1_704_067_200.0));
        for none in ["\"yesterday\"", "null", "true", "\"2024-13-01\"", "\"NaN\"", "\"\"", "[1]"] {
            assert_eq!(value(none), None, "{none}");
        }
    }

    #[test]
    fn what_an_order_needs_is_checked() {
        let settings = |keep| DedupSettings { keep, ..DedupSettings::default() };
        for (settings, part) in [
            (settings(Keep::Best), "dedup.best_by"),
            (settings(Keep::Newest), "dedup.newest_by"),
            (settings(Keep::SourcePriority), "dedup.sources"),
            (DedupSettings { best_by: Some("a..b".to_owned()), ..settings(Keep::Best) }, "no path of a field"),
            (DedupSettings { sources: vec!["[".to_owned()], ..settings(Keep::SourcePriority) }, "is no pattern"),
        ] {
            let error = settings.check().unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        assert!(settings(Keep::Longest).check().is_ok());
        assert!(DedupSettings { best_by: Some("a.b".to_owned()), ..settings(Keep::Best) }.check().is_ok());
    }

    proptest! {
        #[test]
        fn larger_values_have_smaller_ranks(a in any::<f64>(), b in any::<f64>()) {
            prop_assume!(a.is_finite() && b.is_finite());
            prop_assert_eq!(a > b, largest_first(a) < largest_first(b));
            prop_assert!(largest_first(a) < LAST);
        }
    }
}
