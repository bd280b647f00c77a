//! Labelling a finished run anew: equal to a run with these labels from the start, whole after a crash
//! at any file operation.

#![expect(clippy::unwrap_used, reason = "tests")]

mod support;

use corpuskit_core::audit::audit;
use corpuskit_core::run::{Options, OwnColumn, OwnLabels, retag, retag_with};
use corpuskit_core::stage::write::disk::{Disk, Fault};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use support::{Folder, assert_same, plan, run, tree};

const CUES: &str = "tag: {packs: [cue], language: false}\n";
const ALL: &str = "tag: {packs: [builtin], sources: [{match: 'b*', category: mine}]}\n";
const WRITES: [&str; 5] = [
    "write: {compression: none, shard_bytes: 40000}\n",
    "write: {labels: inline}\n",
    "write: {labels: inline, compression: gz}\n",
    "write: {format: parquet}\n",
    SHARDS,
];
/// Where a shard ends depends on its bytes, labels in the records included: here a run with other labels has other shards.
const SHARDS: &str = "write: {labels: inline, shard_bytes: 65536}\n";

/// Records with every kind of label: earned, declared, of a source, of none.
fn corpus(path: &Path, lines: usize) {
    let texts = [
        "I feel so lonely since my dog died",
        "Write a story about a lonely star",
        "Debug this code: ```x = 1```",
        "Wie spät ist es denn jetzt bei euch?",
        "2",
    ];
    let fields = ["", r#","_category":"own""#, r#","_traits":["warm",3],"_labels":{"x":1}"#, r#","_source":"b7""#];
    let mut out = String::new();
    for line in 0..lines {
        let text = texts[line % texts.len()];
        let field = fields[line / 7 % fields.len()];
        out.push_str(&format!(
            "{{\"messages\":[{{\"role\":\"user\",\"content\":\"{text} {line}\"}},{{\"role\":\"assistant\",\"content\":\"That is number {line}, I think.\"}}],\"n\":1.0{field}}}\n"
        ));
    }
    std::fs::write(path, out).unwrap();
}

/// The files, the manifest by what the two ways to get there have in common.
fn files(out: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = tree(out);
    let manifest = files.remove("manifest.json").unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    for key in ["files", "packs"] {
        files.insert(format!("manifest.json: {key}"), manifest[key].to_string().into_bytes());
    }
    files
}

/// Makes a folder of files.
fn plant(out: &Path, files: &BTreeMap<String, Vec<u8>>) {
    for (name, bytes) in files {
        let path = out.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

fn always() -> impl Fn() -> bool + Sync {
    || false
}

#[test]
fn labels_are_those_of_a_run_that_had_them_from_the_start() {
    let folder = Folder::new();
    let input = folder.path("a.jsonl");
    corpus(&input, 800);
    let near = "dedup: {exact: true, near: false}\n";
    for write in WRITES {
        let out = folder.path("out");
        let forced = Options { force: true, ..Options::default() };
        let runs = [CUES, ALL].map(|labels| {
            run(&plan(&format!("{labels}{near}{write}")), &input, &out, &forced).unwrap();
            files(&out)
        });
        let first = tree(&out);
        // The same labels: not a byte changes.
        retag(&out, &plan(ALL).tag, None, &always()).unwrap();
        assert_same(&first, &tree(&out), &format!("{write}, the same labels"));
        // Others, and back.
        let done = retag(&out, &plan(CUES).tag, None, &always()).unwrap();
        if write != SHARDS {
            assert_same(&runs[0], &files(&out), &format!("{write}, other labels"));
        }
        assert_eq!(done.records, 800);
        assert!(audit(&out).unwrap().holds(), "{:?}", audit(&out).unwrap().problems);
        retag(&out, &plan(ALL).tag, None, &always()).unwrap();
        assert_same(&first, &tree(&out), &format!("{write}, back again"));
        assert!(!out.join(".tag").exists());
    }
}

#[test]
fn a_crash_at_any_file_operation_leaves_one_labelling_or_the_other() {
    let folder = Folder::new();
    let input = folder.path("a.jsonl");
    corpus(&input, 300);
    let out = folder.path("out");
    let forced = Options { force: true, ..Options::default() };
    run(&plan(&format!("{ALL}{SHARDS}")), &input, &out, &forced).unwrap();
    let old = tree(&out);
    retag(&out, &plan(CUES).tag, None, &always()).unwrap();
    let new = tree(&out);
    let mut moved = 0;
    for crash in 0.. {
        std::fs::remove_dir_all(&out).unwrap();
        plant(&out, &old);
        let left = AtomicU64::new(crash);
        // From the crash on, nothing works any more: not even tidying up.
        let fault: Arc<Fault> = Arc::new(move |_, _| match left.load(Ordering::Relaxed) {
            0 => Err(io::Error::other("crash")),
            more => {
                left.store(more - 1, Ordering::Relaxed);
                Ok(())
            }
        });
        if retag_with(&out, &plan(CUES).tag, None, Disk::with_fault(Some(fault)), &always()).is_ok() {
            assert_same(&new, &tree(&out), "no crash");
            break;
        }
        let torn = out.join(".tag/moves.json").exists();
        let audited = audit(&out).unwrap();
        assert_eq!(audited.holds(), !torn, "operation {crash}: {:?}", audited.problems);
        if torn {
            moved += 1;
            assert!(audited.problems[0].contains("corpuskit tag"), "{:?}", audited.problems);
        } else {
            let mut files = tree(&out);
            files.retain(|name, _| !name.starts_with(".tag"));
            let whole = files == old || files == new;
            assert!(whole, "operation {crash}");
        }
        retag(&out, &plan(CUES).tag, None, &always()).unwrap();
        assert_same(&new, &tree(&out), &format!("after a crash at operation {crash}"));
    }
    assert!(moved > 3, "{moved} crashes between the moves");
}

#[test]
fn folders_that_cannot_be_labelled_are_refused_and_left_alone() {
    let folder = Folder::new();
    let input = folder.path("a.jsonl");
    corpus(&input, 800);
    let out = folder.path("out");
    let error = retag(&out, &plan(CUES).tag, None, &always()).unwrap_err().to_string();
    assert!(error.contains("no manifest"), "{error}");
    run(&plan("write: {form: sharegpt}"), &input, &out, &Options::default()).unwrap();
    let before = tree(&out);
    let error = retag(&out, &plan(CUES).tag, None, &always()).unwrap_err().to_string();
    assert!(error.contains("another form"), "{error}");
    assert_same(&before, &tree(&out).into_iter().filter(|(name, _)| !name.starts_with(".tag")).collect(), "refused");

    let forced = Options { force: true, ..Options::default() };
    run(&plan("write: {format: parquet, labels: inline}"), &input, &out, &forced).unwrap();
    let error = retag(&out, &plan(CUES).tag, None, &always()).unwrap_err().to_string();
    assert!(error.contains("within Parquet records"), "{error}");

    run(&plan(CUES), &input, &out, &forced).unwrap();
    let before = tree(&out);
    let stopped = retag(&out, &plan(ALL).tag, None, &|| true).unwrap_err();
    assert!(matches!(stopped, corpuskit_core::Error::Interrupted));
    assert_same(&before, &tree(&out), "interrupted");
    let path = out.join("columns/part-00000.parquet");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let error = retag(&out, &plan(ALL).tag, None, &always()).unwrap_err().to_string();
    assert!(error.contains("columns/part-00000.parquet was changed"), "{error}");
}

/// A file of labels, a line for every record.
fn own(folder: &Folder, out: &Path, name: &str, lines: usize) -> OwnLabels {
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(out.join("manifest.json")).unwrap()).unwrap();
    let path = folder.path("labels.jsonl");
    let labels = ["[]", "[[0,1]]", "[[0,0]]"];
    std::fs::write(&path, (0..lines).map(|line| format!("{}\n", labels[line % 3])).collect::<String>()).unwrap();
    OwnLabels {
        by: "labels:parity".to_owned(),
        manifest: manifest["digest"].as_str().unwrap().to_owned(),
        columns: vec![OwnColumn { name: name.to_owned(), one: true, tags: vec!["even".into(), "odd".into()] }],
        path,
    }
}

#[test]
fn labels_of_the_callers_own_become_columns() {
    let folder = Folder::new();
    let input = folder.path("a.jsonl");
    corpus(&input, 800);
    let out = folder.path("out");
    run(&plan(&format!("{CUES}{SHARDS}")), &input, &out, &Options::default()).unwrap();
    let before = tree(&out);
    let done = retag(&out, &plan(CUES).tag, Some(&own(&folder, &out, "parity", 800)), &always()).unwrap();
    assert_eq!(done.labels["parity"], BTreeMap::from([("even".to_owned(), 266), ("odd".to_owned(), 267)]));
    assert!(audit(&out).unwrap().holds(), "{:?}", audit(&out).unwrap().problems);
    let after = tree(&out);
    let changed = before.keys().filter(|name| before[*name] != after[*name]).all(|name| !name.starts_with("data/"));
    assert!(changed, "labels of a function stay out of the records");
    // A record's own declaration wins.
    let done = retag(&out, &plan(CUES).tag, Some(&own(&folder, &out, "category", 800)), &always()).unwrap();
    assert_eq!(done.labels["category"].len(), 3, "{:?}", done.labels);
    // Without them, it is the run that it was.
    retag(&out, &plan(CUES).tag, None, &always()).unwrap();
    assert_same(&before, &tree(&out), "back again");

    for (name, lines, message) in
        [("cue", 800, "filled already"), ("parity", 799, "one line for every record"), ("parity", 801, "more lines")]
    {
        let error = retag(&out, &plan(CUES).tag, Some(&own(&folder, &out, name, lines)), &always()).unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
        assert_same(&before, &tree(&out), message);
    }
    let other = OwnLabels { manifest: "0".repeat(64), ..own(&folder, &out, "parity", 800) };
    let error = retag(&out, &plan(CUES).tag, Some(&other), &always()).unwrap_err().to_string();
    assert!(error.contains("was changed while"), "{error}");
    assert_same(&before, &tree(&out), "another run");
}
