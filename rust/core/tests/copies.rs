//! Records that equal a kept one are not labelled and not signed where that cannot be seen: the same bytes as
//! when all are, for any number of threads, plan, limit, stop and crash.

#![expect(clippy::unwrap_used, reason = "tests")]

mod support;

use corpuskit_core::Error;
use corpuskit_core::run::{Control, Options, Progress, process};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use support::{Folder, assert_same, go_on, plan, run, tree};

/// Plans that differ in what a copy's labels and signature could be seen in.
const PLANS: [&str; 9] = [
    "",
    "{dedup: {near: false}}",
    "{dedup: {near: {mode: conversation, threshold: 0.6}}, tag: {spans: true}}",
    "{tag: {packs: [], language: false}, write: {form: sharegpt}}",
    "{write: {labels: inline}}",
    "{filter: {refusal: true, language: {keep: [en, de]}, length: {min_chars: 30}}}",
    "{filter: {tags: [{column: category, drop: [own1, coding]}], scores: [{column: category, min: 0.1}]}}",
    "{filter: {length: {min_chars: 30}, repetition: {max_word_share: 0.5}}}",
    "{dedup: {keep: longest}}",
];

fn options(threads: usize) -> Options {
    Options { threads, checkpoint_every: Duration::ZERO, ..Options::default() }
}

/// Lines of which most are copies: next to each other, a few lines on, far on; of records that are kept, that are
/// dropped, that are nearly a kept one; under other ids, sources and declared labels; with the same turns spelled
/// in other ways.
fn corpus(path: &Path, lines: u64) {
    let mut seed = 977u64;
    let mut next = move |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    const WORDS: [&str; 12] =
        ["river", "stone", "lonely", "function", "please", "write", "a", "poem", "about", "über", "Haus", "42"];
    let said = |number: u64, words: u64| {
        let mut seed = number;
        let mut text = String::new();
        for _ in 0..words {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(number | 1);
            let _ = write!(text, "{} w{} ", WORDS[(seed >> 40) as usize % WORDS.len()], (seed >> 33) % 5000);
        }
        text.trim_end().to_owned()
    };
    let mut text = String::new();
    let mut fresh = 0u64;
    for line in 0..lines {
        // A new record, one of the last few, or any of those before.
        let number = match next(10) {
            0..=3 => {
                fresh += 1;
                fresh
            }
            4..=6 => fresh.saturating_sub(next(4)),
            _ => next(fresh + 1),
        };
        let ask = said(number, 8);
        let mut answer = said(number * 31, 20 + number % 40);
        match number % 9 {
            // Nearly the record before it, which may be a copy of anything.
            0 => answer = format!("{} indeed", said((number - number.min(1)) * 31, 20 + (number - number.min(1)) % 40)),
            1 => answer = answer.chars().take(10).collect(),
            2 => answer = "I'm sorry, but I cannot help with that request.".to_owned(),
            3 => answer = format!("word word word {}", "word ".repeat(40).trim_end()),
            _ => {}
        }
        let ask = if number % 9 == 0 { said(number.saturating_sub(1), 8) } else { ask };
        let fields = match next(5) {
            0 => format!(",\"id\":{line}"),
            1 => format!(",\"_source\":\"s{}\",\"id\":\"x{line}\"", next(3)),
            2 => format!(",\"_category\":\"own{}\",\"_traits\":[\"a\",\"b{}\"]", next(3), next(2)),
            3 => format!(",\"licence\":\"mit\",\"n\":{line}.50"),
            _ => String::new(),
        };
        let _ = match next(3) {
            0 => writeln!(
                text,
                "{{\"messages\":[{{\"role\":\"user\",\"content\":\"{ask}\"}},{{\"role\":\"assistant\",\"content\":\"{answer}\"}}]{fields}}}"
            ),
            1 => writeln!(
                text,
                "{{\"messages\": [{{\"content\": \"\\u200b{ask}\", \"role\": \"user\"}}, {{\"role\": \"assistant\", \"content\": \"{answer} \"}}]{fields}}}"
            ),
            _ => writeln!(
                text,
                "{{\"conversations\":[{{\"from\":\"human\",\"value\":\"{ask}\"}},{{\"from\":\"gpt\",\"value\":\"{answer}\"}}]{fields}}}"
            ),
        };
    }
    std::fs::write(path, text).unwrap();
}

#[test]
fn copies_come_out_as_if_they_were_labelled_and_signed() {
    let folder = Folder::new();
    let input = folder.path("in.jsonl");
    corpus(&input, 7_000);
    for yaml in PLANS {
        let plan = plan(yaml);
        let mut whole = None;
        for (threads, whole_copies) in [(1, true), (1, false), (2, false), (4, false)] {
            let out = folder.path("out");
            let options = Options { force: true, whole_copies, ..options(threads) };
            let report = run(&plan, &input, &out, &options).unwrap().report;
            assert!(report.duplicates.exact > 1500 && report.records.kept > 1000, "{:?}", report.records);
            assert!(yaml.contains("near: false") || report.duplicates.near > 100, "{:?}", report.duplicates);
            assert_eq!(report.records.dropped > 100, yaml.contains("filter"));
            let files = tree(&out);
            match &whole {
                None => whole = Some(files),
                Some(whole) => assert_same(whole, &files, &format!("{yaml}, {threads} threads")),
            }
        }
    }
}

#[test]
fn a_limit_and_stops_change_nothing() {
    let folder = Folder::new();
    let input = folder.path("in.jsonl");
    corpus(&input, 16_000);
    let plan = plan("");
    let (whole, parts) = (folder.path("whole"), folder.path("parts"));
    let limited = |threads| Options { limit: Some(15_013), ..options(threads) };
    run(&plan, &input, &whole, &Options { whole_copies: true, ..limited(1) }).unwrap();
    let mut stops = 0;
    loop {
        let begin = AtomicU64::new(u64::MAX);
        let stop = |progress: &Progress| {
            let begin = begin.fetch_min(progress.units, Ordering::Relaxed).min(progress.units);
            if progress.units > begin { Control::Stop } else { Control::Continue }
        };
        match process(&plan, &[input.display().to_string()], &parts, &limited(1 + stops % 2), &stop) {
            Ok(_) => break,
            Err(Error::Interrupted) => stops += 1,
            Err(error) => panic!("{error}"),
        }
        assert!(stops < 100);
    }
    assert_same(&tree(&whole), &tree(&parts), &format!("{stops} stops"));
    let again = folder.path("again");
    process(&plan, &[input.display().to_string()], &again, &limited(3), &go_on).unwrap();
    assert_same(&tree(&whole), &tree(&again), "a limit");
}
