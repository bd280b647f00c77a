//! Broken containers: every intact element is still a unit, and nothing vanishes.

use super::super::reader::tests::{All, read_one};
use super::super::{HEAD_BYTES, OwnedBody};
use proptest::prelude::*;

const TARGETS: [usize; 4] = [1 << 21, 1, 30, 200];

/// The units as short texts: the JSON, or the reason.
fn shown(all: &All) -> Vec<String> {
    all.units
        .iter()
        .map(|unit| {
            let place = unit.origin().to_string();
            match &unit.body {
                OwnedBody::Json(json) => format!("{place} {}", String::from_utf8_lossy(json)),
                OwnedBody::Rejected { rejection, head, length, .. } => {
                    let head = String::from_utf8_lossy(&head[..head.len().min(30)]).into_owned();
                    format!("{place}@{} {} {length} {head:?}", unit.byte, rejection.reason)
                }
                other => format!("{place} {other:?}"),
            }
        })
        .collect()
}

fn notes(all: &All) -> Vec<(String, u64)> {
    all.notes.iter().map(|note| (note.code.clone(), note.byte.unwrap_or(u64::MAX))).collect()
}

fn check(text: &str, expected: &[&str], expected_notes: &[(&str, u64)]) {
    let all = read_one("a.json", text.as_bytes(), 1 << 20, &TARGETS);
    assert_eq!(shown(&all), expected, "{text}");
    let expected_notes: Vec<(String, u64)> =
        expected_notes.iter().map(|(code, byte)| ((*code).to_owned(), *byte)).collect();
    assert_eq!(notes(&all), expected_notes, "{text}");
}

#[test]
fn commas_too_many_or_too_few_are_noted_and_lose_nothing() {
    check("[\n{\"a\": 1},\n{\"a\": 2},\n]\n", &["F#0 {\"a\": 1}", "F#1 {\"a\": 2}"], &[("read.trailing_comma", 22)]);
    check(
        "[{\"a\":1} {\"a\":2},,{\"a\":3}]",
        &["F#0 {\"a\":1}", "F#1 {\"a\":2}", "F#2 {\"a\":3}"],
        &[("read.missing_comma", 9), ("read.extra_comma", 17)],
    );
}

#[test]
fn a_file_cut_off_keeps_its_whole_elements() {
    check(
        "[\n  {\"a\": 1},\n  {\"a\": 2},\n  {\"a\": \"thr",
        &["F#0 {\"a\": 1}", "F#1 {\"a\": 2}", "F#2@28 read.broken 10 \"{\\\"a\\\": \\\"thr\""],
        &[],
    );
    check("[\n  {\"a\": 1},\n  {\"a\": 2}", &["F#0 {\"a\": 1}", "F#1 {\"a\": 2}", "F#2@24 read.broken 0 \"\""], &[]);
    check(
        "{\"data\": [{\"a\": 1}, {\"a\": 2}]",
        &["F#0 {\"a\": 1}", "F#1 {\"a\": 2}", "F#2@29 read.broken 0 \"\""],
        &[],
    );
}

#[test]
fn a_quote_or_bracket_that_is_missing_costs_one_element() {
    check(
        "[\n  {\"a\": \"one},\n  {\"a\": \"two\"},\n  {\"a\": \"three\"}\n]",
        &["F#0@4 read.broken 11 \"{\\\"a\\\": \\\"one}\"", "F#1 {\"a\": \"two\"}", "F#2 {\"a\": \"three\"}"],
        &[],
    );
    check(
        "[\n  {\"a\": {\"b\": 1},\n  {\"a\": 2},\n  {\"a\": 3}\n]",
        &["F#0@4 read.broken 14 \"{\\\"a\\\": {\\\"b\\\": 1}\"", "F#1 {\"a\": 2}", "F#2 {\"a\": 3}"],
        &[],
    );
    check("[{\"a\": 1}}, {\"a\": 2}]", &["F#0 {\"a\": 1}", "F#1@9 read.broken 1 \"}\"", "F#2 {\"a\": 2}"], &[]);
    check(
        "{\n  \"id1\": {\"a\": 1},\n  \"id2\": {\"a\": \"2},\n  \"id3\": {\"a\": 3}\n}",
        &["F#id1 {\"a\": 1}", "F#id2@30 read.broken 9 \"{\\\"a\\\": \\\"2}\"", "F#id3 {\"a\": 3}"],
        &[],
    );
}

#[test]
fn what_follows_the_container_is_rejected_with_its_place() {
    check(
        "[\n{\"a\": 1},\n{\"a\": 2}\n]\nthe end",
        &["F#0 {\"a\": 1}", "F#1 {\"a\": 2}", "F#2@23 read.broken 7 \"the end\""],
        &[],
    );
    check("[{\"a\":1}]\n\n[{\"a\":2},\n{\"a\":3}]", &["F#0 {\"a\":1}", "F#1 {\"a\":2}", "F#2 {\"a\":3}"], &[]);
}

#[test]
fn members_beside_the_records_are_reported() {
    let big = "x".repeat(5000);
    let text = format!(
        "{{\"version\": 2, \"big\": \"{big}\", \"data\": [{{\"a\": 1}}], \"meta\": {{\"b\": []}}, \"more\": [{{\"a\": 2}}, 7]}}"
    );
    let all = read_one("a.json", text.as_bytes(), 1 << 20, &TARGETS);
    assert_eq!(
        shown(&all),
        [
            &format!("F#big@22 read.other_member 5002 {:?}", &format!("\"{big}")[..30]),
            "F#1 {\"a\": 1}",
            "F#2 {\"a\": 2}",
            "F#3 7",
        ]
    );
    assert_eq!(
        all.notes.iter().map(|note| note.detail.as_str()).collect::<Vec<_>>(),
        ["\"version\": 2", "\"meta\": {\"b\": []}"]
    );
}

#[test]
fn an_element_above_the_limit_is_rejected_without_its_neighbours() {
    let long = format!("{{\"a\": \"{}\"}}", "x".repeat(9000));
    let text = format!("[{{\"a\": 1}}, {long}, {{\"a\": 2}}]");
    let all = read_one("a.json", text.as_bytes(), 4096, &TARGETS);
    assert_eq!(
        shown(&all),
        [
            "F#0 {\"a\": 1}".to_owned(),
            format!("F#1@11 read.too_long {} {:?}", long.len(), &long[..30]),
            "F#2 {\"a\": 2}".to_owned(),
        ]
    );
    let OwnedBody::Rejected { head, .. } = &all.units[1].body else { panic!("rejected") };
    assert_eq!(head, &long.as_bytes()[..HEAD_BYTES]);
    // One that never ends takes the rest of the file with it.
    let endless = format!("[{{\"a\": 1}}, {{\"a\": \"{}", "y".repeat(20_000));
    let all = read_one("a.json", endless.as_bytes(), 4096, &TARGETS);
    assert_eq!(shown(&all)[1], format!("F#1@11 read.too_long {} {:?}", 20_007, &endless[11..41]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn every_byte_is_in_a_unit_or_is_punctuation(text in "[\\[\\]{}\",: a\n\\\\1]{0,60}", open in 0..3) {
        let open = ["[{\"a\":1},", "{\"data\":[{\"a\":1},", "{\"x\":{\"a\":1},\"y\":{\"b\":2},"][open as usize];
        let text = format!("{open}{text}");
        let all = read_one("a.json", text.as_bytes(), 4096, &TARGETS);
        let mut covered = vec![false; text.len()];
        for unit in &all.units {
            let length = match &unit.body {
                OwnedBody::Json(json) => json.len() as u64,
                OwnedBody::Rejected { length, .. } => *length,
                _ => 0,
            };
            for byte in unit.byte..unit.byte + length {
                prop_assert!(!std::mem::replace(&mut covered[byte as usize], true), "byte {byte} twice");
            }
        }
        if all.accounts[0].container == "lines" || !all.notes.is_empty() {
            return Ok(());
        }
        let structure = matches!(all.accounts[0].container.as_str(), "array" | "map" | "object");
        for (at, covered) in covered.iter().enumerate() {
            let byte = text.as_bytes()[at];
            let between = byte.is_ascii_whitespace() || (byte == b',' && all.accounts[0].container == "values");
            prop_assert!(*covered || b"[]{},: \n\"\\axdyt1".contains(&byte) && (structure || between), "byte {at} of {text:?} is nowhere");
            // Outside of keys nothing but punctuation may be left out.
            prop_assert!(*covered || !structure || all.accounts[0].container != "array" || b"[], \n".contains(&byte), "byte {at} of {text:?} is nowhere");
        }
    }
}
