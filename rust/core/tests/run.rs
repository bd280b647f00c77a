//! Whole runs: the same bytes for any number of threads, after a stop anywhere and after a crash at
//! any file operation.

#![expect(clippy::unwrap_used, reason = "tests")]

mod support;

use corpuskit_core::Error;
use corpuskit_core::run::{Control, Options, Progress, process};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use support::{Folder, assert_same, corpus, go_on, plan, run, tree};

const PLANS: [&str; 4] = [
    "write: {compression: none, shard_bytes: 900000}",
    "write: {compression: zst, shard_bytes: 3000000}",
    "{dedup: {near: true}, write: {compression: gz, level: 1}}",
    "{dedup: {exact: false, near: false}, write: {compression: none, form: sharegpt}}",
];

fn options(threads: usize) -> Options {
    Options { threads, checkpoint_every: Duration::ZERO, ..Options::default() }
}

#[test]
fn threads_do_not_matter() {
    let folder = Folder::new();
    let input = folder.path("in.jsonl");
    corpus(&input, 30_000);
    for yaml in PLANS {
        let plan = plan(yaml);
        let mut first = None;
        for threads in [1, 2, 3, 8] {
            let out = folder.path(&format!("out{threads}"));
            let options = Options { force: true, ..options(threads) };
            let summary = run(&plan, &input, &out, &options).unwrap();
            assert!(summary.report.broken_sum().is_none());
            assert!(summary.report.records.kept > 20_000);
            assert!(!summary.report.rejected.is_empty() && !summary.report.dropped.is_empty());
            assert!(!out.join(".run").exists());
            let files = tree(&out);
            match &first {
                None => first = Some(files),
                Some(first) => assert_same(first, &files, &format!("{yaml}, {threads} threads")),
            }
        }
    }
}

/// The worker that finds the error and one that finds nothing left to do are there at the same time.
#[test]
fn a_run_with_an_error_in_its_last_batch_never_ends_well() {
    let folder = Folder::new();
    let input = folder.path("in.jsonl");
    std::fs::write(&input, "{\"messages\": [{\"role\": \"assistant\", \"content\": \"a\"}]}\n{\"messages\"\n").unwrap();
    let plan = plan("{parse: {syntax: strict}, tag: {packs: [], language: false}}");
    let out = folder.path("out");
    for round in 0..300 {
        let options = Options { force: true, ..options(2 + round % 3) };
        assert!(matches!(run(&plan, &input, &out, &options), Err(Error::Strict { .. })));
        assert!(!out.join("manifest.json").exists(), "round {round}");
    }
}

#[test]
fn a_run_that_is_stopped_again_and_again_ends_the_same() {
    let folder = Folder::new();
    let input = folder.path("in.jsonl");
    corpus(&input, 40_000);
    for yaml in PLANS {
        let plan = plan(yaml);
        let (whole, parts) = (folder.path("whole"), folder.path("parts"));
        run(&plan, &input, &whole, &Options { force: true, ..options(2) }).unwrap();
        let mut stops = 0;
        let mut force = true;
        loop {
            let begin = AtomicU64::new(u64::MAX);
            let stop = |progress: &Progress| {
                let begin = begin.fetch_min(progress.units, Ordering::Relaxed).min(progress.units);
                if progress.units > begin { Control::Stop } else { Control::Continue }
            };
            let inputs = [input.display().to_string()];
            let options = Options { force, ..options(2) };
            match process(&plan, &inputs, &parts, &options, &stop) {
                Ok(_) => break,
                Err(Error::Interrupted) => stops += 1,
                Err(error) => panic!("{error}"),
            }
            assert!(!parts.join("manifest.json").exists());
            force = false;
            assert!(stops < 100);
        }
        assert_same(&tree(&whole), &tree(&parts), &format!("{yaml}, {stops} stops"));
    }
}

/// A crash is a file operation that fails and all after it: nothing that happens later is written.
#[test]
fn a_crash_at_any_file_operation_is_survived() {
    let folder = Folder::new();
    let input = folder.path("in.jsonl");
    corpus(&input, 7_000);
    for yaml in ["write: {compression: none, shard_bytes: 1500000}", "write: {compression: zst, shard_bytes: 2000000}"]
    {
        let plan = plan(yaml);
        let (whole, parts) = (folder.path("whole"), folder.path("parts"));
        let operations = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&operations);
        let fault = Arc::new(move |_: &'static str, _: &std::path::Path| {
            count.fetch_add(1, Ordering::Relaxed);
            Ok(())
        });
        run(&plan, &input, &whole, &Options { force: true, fault: Some(fault), ..options(2) }).unwrap();
        let expected = tree(&whole);
        let operations = operations.load(Ordering::Relaxed);
        assert!(operations > 60, "{operations}");
        let mut at = 0;
        while at < operations + 3 {
            let left = Arc::new(AtomicU64::new(at));
            let fault = Arc::new(move |operation: &'static str, _: &std::path::Path| {
                let crashed =
                    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_err();
                if crashed { Err(io::Error::other(format!("crash at {operation}"))) } else { Ok(()) }
            });
            let crash = run(&plan, &input, &parts, &Options { fault: Some(fault), ..options(2) });
            if crash.is_err() {
                let summary = run(&plan, &input, &parts, &options(1)).unwrap_or_else(|error| panic!("{at}: {error}"));
                assert!(summary.report.broken_sum().is_none());
            }
            assert_same(&expected, &tree(&parts), &format!("{yaml}, crash at operation {at}"));
            std::fs::remove_dir_all(&parts).unwrap();
            at += 1 + at / 10;
        }
    }
}

#[test]
fn a_full_disk_says_so_and_the_run_goes_on_when_there_is_room() {
    let folder = Folder::new();
    let input = folder.path("in.jsonl");
    corpus(&input, 20_000);
    let plan = plan("write: {compression: none}");
    let out = folder.path("out");
    let written = AtomicU64::new(0);
    let fault = Arc::new(move |operation: &'static str, path: &std::path::Path| {
        let is_data = path.to_string_lossy().contains("data-");
        if operation == "write" && is_data && written.fetch_add(1, Ordering::Relaxed) > 3 {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        Ok(())
    });
    let error = run(&plan, &input, &out, &Options { fault: Some(fault), ..options(2) }).unwrap_err();
    let message = error.to_string();
    assert!(message.contains("data-00000.jsonl: the disk is full"), "{message}");
    assert!(error.hint().unwrap().contains("continues"), "{error:?}");
    let summary = run(&plan, &input, &out, &options(2)).unwrap();
    assert!(summary.continued);
    let whole = folder.path("whole");
    run(&plan, &input, &whole, &options(2)).unwrap();
    assert_same(&tree(&whole), &tree(&out), "after a full disk");
}

#[test]
fn changed_inputs_plans_and_foreign_folders_are_refused() {
    let folder = Folder::new();
    let input = folder.path("in.jsonl");
    corpus(&input, 20_000);
    let out = folder.path("out");
    let default = plan("version: 1");
    let stop = |progress: &Progress| if progress.units > 0 { Control::Stop } else { Control::Continue };
    let inputs = [input.display().to_string()];
    let stopped = process(&default, &inputs, &out, &options(1), &stop);
    assert!(matches!(stopped, Err(Error::Interrupted)));

    let other = plan("write: {compression: none}");
    let error = run(&other, &input, &out, &options(1)).unwrap_err();
    assert!(error.to_string().contains("holds an unfinished run of another plan"), "{error}");
    assert!(error.hint().unwrap().contains("--force"));

    std::fs::OpenOptions::new()
        .append(true)
        .open(&input)
        .and_then(|mut file| io::Write::write_all(&mut file, b"{}\n"))
        .unwrap();
    let error = run(&default, &input, &out, &options(1)).unwrap_err();
    assert!(error.to_string().starts_with(&input.display().to_string()), "{error}");
    assert!(error.to_string().contains("changed since the run began: had "), "{error}");

    run(&default, &input, &out, &Options { force: true, ..options(1) }).unwrap();
    let error = run(&default, &input, &out, &options(1)).unwrap_err();
    assert!(error.to_string().contains("holds a finished run"), "{error}");

    let foreign = folder.path("foreign");
    std::fs::create_dir(&foreign).unwrap();
    std::fs::write(foreign.join("thesis.txt"), "mine").unwrap();
    for force in [false, true] {
        let error = run(&default, &input, &foreign, &Options { force, ..options(1) }).unwrap_err();
        assert!(error.to_string().contains("not of a corpuskit run"), "{error}");
    }
    assert_eq!(tree(&foreign).len(), 1);

    let error = process(&default, &[folder.text("")], &folder.path("sub/out"), &options(1), &go_on).unwrap_err();
    assert!(error.to_string().contains("lies inside the input"), "{error}");
    let error = process(&default, &inputs, &folder.0, &options(1), &go_on).unwrap_err();
    assert!(error.to_string().contains("holds the input"), "{error}");
}

#[test]
fn links_inside_the_output_are_not_followed() {
    let folder = Folder::new();
    let input = folder.path("in.jsonl");
    corpus(&input, 100);
    let (out, elsewhere) = (folder.path("out"), folder.path("elsewhere"));
    std::fs::create_dir_all(out.join(".run")).unwrap();
    std::fs::create_dir(&elsewhere).unwrap();
    let plan = plan("write: {compression: none}");
    for link in ["data", ".run/data-00000.jsonl", "report.json"] {
        let path = out.join(link);
        std::os::unix::fs::symlink(elsewhere.join("target"), &path).unwrap();
        let outcome = run(&plan, &input, &out, &options(1));
        assert!(!elsewhere.join("target").exists(), "{link}: {outcome:?}");
        let _ = std::fs::remove_dir_all(&out);
        std::fs::create_dir_all(out.join(".run")).unwrap();
    }
}

#[test]
fn a_limit_counts_records_for_any_number_of_threads() {
    let folder = Folder::new();
    let input = folder.path("in.jsonl");
    corpus(&input, 20_000);
    let plan = plan("write: {compression: none}");
    for limit in [0, 1, 5_000, 12_345, 1_000_000] {
        let mut first = None;
        // Again and again with many: a batch read while the limit is reached once stopped the run.
        for threads in [1, 3, 8, 8, 8, 8] {
            let out = folder.path("out");
            let options = Options { limit: Some(limit), force: true, ..options(threads) };
            let summary = run(&plan, &input, &out, &options).unwrap();
            let records = summary.report.records.records;
            assert!(records == limit || (limit == 1_000_000 && records < 20_000), "{records} of {limit}");
            match &first {
                None => first = Some(tree(&out)),
                Some(first) => assert_same(first, &tree(&out), "limit"),
            }
        }
    }
}

#[test]
fn a_dry_run_counts_the_same_and_writes_nothing() {
    let folder = Folder::new();
    let input = folder.path("in.jsonl");
    corpus(&input, 5_000);
    let plan = plan("version: 1");
    let (out, dry) = (folder.path("out"), folder.path("dry"));
    let summary = run(&plan, &input, &out, &options(2)).unwrap();
    let dried = run(&plan, &input, &dry, &Options { dry_run: true, ..options(2) }).unwrap();
    assert_eq!(summary.report, dried.report);
    assert!(!dry.exists());
}
