//! Which records are labelled and signed.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::plan::Plan;
use crate::record::{Origin, Place};
use crate::stage::dedup::{Entry, Index};
use crate::stage::parse::Known;
use crate::stage::read::{Body, Unit};

const POEM: &str = "I feel so lonely, please write me a poem about the river";
const ANSWER: &str = "The river runs, the river sings, and nobody is lonely who listens to it for long";

/// What becomes of a record and of a copy of it with another id, after the first one was kept: of each its output
/// line, the number of its labels, and whether it went for a copy.
fn both(yaml: &str) -> [(String, usize, bool); 2] {
    let plan = Plan::from_yaml(yaml, "plan").unwrap();
    let stages = Stages::new(&plan).unwrap();
    let log = std::env::temp_dir().join(format!("corpuskit-one-{}-{}", std::process::id(), yaml.len()));
    let mut index = Index::create(&plan.dedup, "", &log).unwrap();
    let hashes = index.kept_hashes();
    let mut scratch = Scratch::default();
    let both = [1, 2].map(|id| {
        let line = format!(
            r#"{{"messages":[{{"role":"user","content":"{POEM}"}},{{"role":"assistant","content":"{ANSWER}"}}],"id":{id}}}"#
        );
        let arena = Bump::new();
        let origin = Origin { path: "in/a.jsonl", place: Place::Line(id) };
        let unit = Unit { origin, byte: 0, body: Body::Json(line.as_bytes()) };
        let mut out = Processed::default();
        scratch.kept = hashes.as_deref().map(crate::stage::dedup::KeptHashes::view);
        let origin = format!("in/a.jsonl:{id}");
        assert!(stages.unit(&unit, &Known::default(), &arena, &mut scratch, &origin, &mut out).unwrap());
        assert_eq!(Row::origin_of(&out.rows).unwrap(), origin);
        let lengths = (0..=512).step_by(8);
        // Bytes of a signature: the only length with which the entry can be read.
        let is_copy = lengths.filter_map(|length| Entry::read(&out.entries, length).ok()).any(|entry| entry.is_copy());
        if plan.dedup.keep == crate::stage::dedup::Keep::First {
            let duplicate = index.judge(&out.entries).unwrap().duplicate();
            assert_eq!(duplicate.is_some(), id == 2);
            assert!(duplicate.is_none_or(|duplicate| duplicate.exact && duplicate.of == "in/a.jsonl:1"));
        }
        (String::from_utf8(out.lines).unwrap(), out.labels.len(), is_copy)
    });
    let _ = std::fs::remove_file(&log);
    both
}

#[test]
fn a_copy_is_neither_labelled_nor_signed() {
    for yaml in ["", "dedup: {near: false}", "filter: {length: {min_chars: 10}}", "write: {form: sharegpt}"] {
        let [first, copy] = both(yaml);
        assert!(first.1 > 0 && !first.2, "{yaml}: {first:?}");
        assert_eq!((copy.1, copy.2), (0, true), "{yaml}");
        assert_eq!(again(&first.0), copy.0, "{yaml}");
    }
}

/// The line of the second record, made from that of the first.
fn again(line: &str) -> String {
    line.replace("\"id\":1", "\"id\":2").replace("a.jsonl:1", "a.jsonl:2")
}

#[test]
fn a_copy_is_labelled_where_somebody_looks_at_the_labels() {
    for yaml in ["write: {labels: inline}", "filter: {refusal: true}", "filter: {language: {keep: [en]}}"] {
        let [first, copy] = both(yaml);
        assert!(first.1 > 0 && !first.2, "{yaml}: {first:?}");
        assert_eq!((copy.1, copy.2), (0, true), "{yaml}");
        assert_eq!(again(&first.0), copy.0, "{yaml}");
        assert_eq!(copy.0.contains("_labels"), yaml.contains("inline"));
    }
}

#[test]
fn filters_that_look_at_labels_are_known() {
    let looks = |filter: &str| {
        let plan = Plan::from_yaml(&format!("filter: {{{filter}}}"), "plan").unwrap();
        Stages::new(&plan).unwrap().filter.looks_at_labels()
    };
    for filter in [
        "refusal: true",
        "language: {keep: [en]}",
        "language: {unknown: false}",
        "tags: [{column: category, drop: [coding]}]",
        "scores: [{column: category, min: 0.5}]",
    ] {
        assert!(looks(filter), "{filter}");
    }
    for filter in [
        "empty: true, refusal: false",
        "length: {min_chars: 3, max_turns: 9}",
        "repetition: {max_line_share: 0.3}",
        "measures: [{measure: user.questions, max: 1}]",
    ] {
        assert!(!looks(filter), "{filter}");
    }
}

#[test]
fn where_a_later_record_may_be_kept_none_goes_for_a_copy() {
    let [first, copy] = both("dedup: {keep: longest}");
    assert!(first.1 > 0 && copy.1 == first.1 && !first.2 && !copy.2);
}
