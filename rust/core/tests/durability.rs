//! What a power failure may find: at every checkpoint the medium has what the checkpoint names. And what
//! happens to inputs that were touched in between.

#![expect(clippy::unwrap_used, reason = "tests")]

mod support;

use corpuskit_core::Error;
use corpuskit_core::run::{Control, Options, Progress, process};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use support::{Folder, assert_same, corpus, plan, run, tree};

/// What is not on the medium yet.
#[derive(Default)]
struct Medium {
    /// Files with bytes, folders with names, that only the operating system has.
    volatile: BTreeSet<PathBuf>,
    checkpoints: usize,
    published: usize,
    problems: Vec<String>,
}

impl Medium {
    /// Told before each operation on a file of the run folder.
    fn see(&mut self, out: &Path, operation: &str, path: &Path) {
        let name = path.strip_prefix(out).unwrap_or(path).display().to_string();
        let volatile = |medium: &Self, what: &dyn Fn(&str) -> bool| {
            let names = medium.volatile.iter().map(|path| path.strip_prefix(out).unwrap_or(path).display().to_string());
            names.filter(|name| what(name)).collect::<Vec<_>>()
        };
        match operation {
            "write" | "truncate" => drop(self.volatile.insert(path.to_owned())),
            "sync" => {
                self.volatile.remove(path);
                // A row log is not needed any more once there is Parquet of it.
                if let Some(number) = name.strip_prefix(".run/columns-").and_then(|rest| rest.strip_suffix(".parquet"))
                {
                    self.volatile.remove(&out.join(format!(".run/rows-{number}")));
                }
            }
            "rename" if name == ".run/checkpoint" => {
                self.checkpoints += 1;
                // Parquet in the making is in no checkpoint before it is synced.
                let missing = volatile(self, &|name| {
                    name.starts_with(".run/") && !name.contains("columns-") && !name.contains("quick")
                });
                if !missing.is_empty() {
                    self.problems.push(format!("checkpoint {} before {missing:?}", self.checkpoints));
                }
                self.volatile.insert(out.join(".run"));
            }
            // Holds until the system goes down, and gives nothing a name.
            "rename" if name == ".run/checkpoint.quick" => {}
            "rename" => {
                let work = |name: &str| {
                    let (folder, part) = name.split_once("/part-")?;
                    Some(format!(".run/{folder}-{part}"))
                };
                let from = work(&name).unwrap_or_else(|| format!(".run/{name}.new"));
                let missing = volatile(self, &|name| name == from || name == ".run");
                if !missing.is_empty() {
                    self.problems.push(format!("{name} before {missing:?}"));
                }
                self.published += 1;
                self.volatile.insert(path.parent().unwrap().to_owned());
                if name == "manifest.json" {
                    let names = |name: &str| ["data", "columns", "dropped", "duplicates", "rejected"].contains(&name);
                    let missing = volatile(self, &names);
                    if !missing.is_empty() {
                        self.problems.push(format!("manifest before {missing:?}"));
                    }
                }
            }
            // A row log goes when its columns have their name.
            "remove" if name.starts_with(".run/rows-") => {
                let missing = volatile(self, &|name| name == "columns" || name == ".run");
                if !missing.is_empty() {
                    self.problems.push(format!("{name} removed before {missing:?}"));
                }
            }
            _ => {}
        }
    }
}

#[test]
fn what_a_checkpoint_names_is_on_the_medium_before_it() {
    let folder = Folder::new();
    let input = folder.path("in.jsonl");
    corpus(&input, 20_000);
    for yaml in ["write: {compression: none, shard_bytes: 900000}", "write: {compression: zst, shard_bytes: 3000000}"] {
        for threads in [1, 3] {
            let out = folder.path("out");
            let medium = Arc::new(Mutex::new(Medium::default()));
            let (seen, place) = (Arc::clone(&medium), out.clone());
            let fault = Arc::new(move |operation: &'static str, path: &Path| {
                seen.lock().unwrap().see(&place, operation, path);
                Ok(())
            });
            let options = Options {
                threads,
                force: true,
                checkpoint_every: Duration::ZERO,
                fault: Some(fault),
                ..Options::default()
            };
            run(&plan(yaml), &input, &out, &options).unwrap();
            let medium = medium.lock().unwrap();
            assert!(medium.checkpoints > 1 && medium.published > 6, "{} {}", medium.checkpoints, medium.published);
            assert!(medium.problems.is_empty(), "{yaml}, {threads} threads: {:?}", medium.problems);
        }
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

/// The folder as it is right after some durable checkpoint is all that is left: the run goes on from it. The
/// quick checkpoints after it are of another start of the system.
#[test]
fn a_power_failure_costs_what_came_after_the_last_durable_checkpoint() {
    let folder = Folder::new();
    let input = folder.path("in.jsonl");
    corpus(&input, 30_000);
    for yaml in ["write: {compression: none, shard_bytes: 900000}", "write: {compression: zst, shard_bytes: 3000000}"] {
        let plan = plan(yaml);
        let (whole, out, left) = (folder.path("whole"), folder.path("out"), folder.path("left"));
        let options =
            || Options { threads: 2, force: true, checkpoint_every: Duration::from_millis(2), ..Options::default() };
        run(&plan, &input, &whole, &options()).unwrap();
        let (place, snapshot) = (out.clone(), left.clone());
        let last = Mutex::new(false);
        // Taken before the operation that follows the one which made the checkpoint durable.
        let fault = Arc::new(move |operation: &'static str, path: &Path| {
            let mut renamed = last.lock().unwrap();
            if operation == "rename" && path.ends_with(".run/checkpoint") {
                *renamed = true;
            } else if *renamed
                && !(operation == "sync" && path.file_name() == Some(".run".as_ref()))
                && !snapshot.exists()
            {
                copy(&place, &snapshot);
            }
            Ok(())
        });
        run(&plan, &input, &out, &Options { fault: Some(fault), ..options() }).unwrap();
        assert!(left.join(".run/checkpoint").exists());
        let _ = std::fs::remove_file(left.join(".run/checkpoint.quick"));
        let summary = run(&plan, &input, &left, &Options { force: false, ..options() }).unwrap();
        assert!(summary.continued);
        assert_same(&tree(&whole), &tree(&left), yaml);
        std::fs::remove_dir_all(&left).unwrap();
    }
}

/// Stops a run of two files somewhere in the second.
fn stopped(inputs: &[String], out: &Path) {
    let stop = |progress: &Progress| if progress.units > 21_000 { Control::Stop } else { Control::Continue };
    let options = Options { threads: 1, checkpoint_every: Duration::ZERO, ..Options::default() };
    let _ = std::fs::remove_dir_all(out);
    let outcome = process(&plan("version: 1"), inputs, out, &options, &stop);
    assert!(matches!(outcome, Err(Error::Interrupted)), "{outcome:?}");
}

#[test]
fn touched_inputs_go_on_and_changed_ones_are_refused_by_name() {
    let folder = Folder::new();
    let (one, two) = (folder.path("1.jsonl"), folder.path("2.jsonl"));
    corpus(&one, 20_000);
    corpus(&two, 30_000);
    let inputs = [one.display().to_string(), two.display().to_string()];
    let (whole, out) = (folder.path("whole"), folder.path("out"));
    let go_on = |_: &Progress| Control::Continue;
    process(&plan("version: 1"), &inputs, &whole, &Options::default(), &go_on).unwrap();

    stopped(&inputs, &out);
    for path in [&one, &two] {
        // A copy with the same bytes: another inode, other times.
        let bytes = std::fs::read(path).unwrap();
        std::fs::remove_file(path).unwrap();
        std::fs::write(path, bytes).unwrap();
        std::fs::File::open(path).unwrap().set_modified(SystemTime::now() - Duration::from_secs(99)).unwrap();
    }
    let summary = process(&plan("version: 1"), &inputs, &out, &Options::default(), &go_on).unwrap();
    assert!(summary.continued);
    assert_same(&tree(&whole), &tree(&out), "after the inputs were touched");

    for (path, at) in [(&one, 10), (&two, 10)] {
        stopped(&inputs, &out);
        let sound = std::fs::read(path).unwrap();
        let mut changed = sound.clone();
        changed[at] ^= 1;
        std::fs::write(path, &changed).unwrap();
        let error = process(&plan("version: 1"), &inputs, &out, &Options::default(), &go_on).unwrap_err();
        assert!(
            error.to_string().starts_with(&format!("{}: changed since the run began: ", path.display())),
            "{error}"
        );
        assert!(error.hint().is_some());
        // Put back as it was, the run goes on.
        std::fs::write(path, &sound).unwrap();
        process(&plan("version: 1"), &inputs, &out, &Options::default(), &go_on).unwrap();
        assert_same(&tree(&whole), &tree(&out), "after an input was put back");
    }
}
