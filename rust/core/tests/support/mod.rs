//! What the tests of whole runs share.

#![allow(dead_code, reason = "each test file uses its own part")]

use corpuskit_core::Result;
use corpuskit_core::plan::Plan;
use corpuskit_core::run::{Control, Options, Progress, Summary, process};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder of its own that is gone with the test.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("corpuskit-test-{}-{number}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn plan(yaml: &str) -> Plan {
    Plan::from_yaml(yaml, "plan.yaml").unwrap()
}

pub fn go_on(_: &Progress) -> Control {
    Control::Continue
}

pub fn run(plan: &Plan, input: &Path, out: &Path, options: &Options) -> Result<Summary> {
    process(plan, &[input.display().to_string()], out, options, &go_on)
}

/// Every file below a folder but `timings.json`, by its path.
pub fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fn visit(root: &Path, folder: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                visit(root, &path, found);
            } else if path.file_name().unwrap() != "timings.json" {
                let name = path.strip_prefix(root).unwrap().display().to_string();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    visit(folder, folder, &mut found);
    found
}

/// Fails with the names of the files that differ.
pub fn assert_same(one: &BTreeMap<String, Vec<u8>>, other: &BTreeMap<String, Vec<u8>>, what: &str) {
    let differing: Vec<&String> =
        one.keys().chain(other.keys()).filter(|name| one.get(*name) != other.get(*name)).collect();
    assert!(differing.is_empty(), "{what}: {differing:?}");
}

/// A file of JSONL with everything in it: records of several sizes, doubles, changes, blank lines,
/// lines that are broken or of no schema, records that the filter drops.
pub fn corpus(path: &Path, lines: usize) {
    let mut text = Vec::new();
    let mut seed = 12345u64;
    let mut next = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize
    };
    for line in 0..lines {
        let words = |count: usize, next: &mut dyn FnMut() -> usize| {
            let list =
                ["river", "stone", "caf\u{65}\u{301}", "42", "über", "tab\\there", "end. ", "\u{200b}zero", "long"];
            (0..count).map(|_| format!("{}{}", list[next() % list.len()], next() % 1000)).collect::<Vec<_>>().join(" ")
        };
        match next() % 40 {
            0 => text.extend_from_slice(b"\n"),
            1 => text.extend_from_slice(b"{\"messages\": [\n"),
            2 => text.extend_from_slice(b"{\"nothing\": \"known\", \"n\": 1e2}\n"),
            3 => text.extend_from_slice(b"\xff\xfe{\n"),
            4 => text.extend_from_slice(b"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assistant\",\"content\":\"\"}]}\n"),
            5 | 6 => text.extend_from_slice(
                format!(
                    "{{\"messages\":[{{\"role\":\"user\",\"content\":\"what is the double number {}\"}},{{\"role\":\"assistant\",\"content\":\"it is this one and always the same\"}}],\"id\":{line}}}\n",
                    next() % 20
                )
                .as_bytes(),
            ),
            kind => {
                let many = if next() % 500 == 0 { 5000 } else { 5 + next() % 60 };
                let (ask, answer) = (words(4, &mut next), words(many, &mut next));
                let source = if kind == 7 { format!(",\"_source\":\"s{}\"", next() % 5) } else { String::new() };
                text.extend_from_slice(
                    format!("{{\"messages\":[{{\"role\":\"user\",\"content\":\"{ask}\"}},{{\"role\":\"assistant\",\"content\":\"{answer}\"}}],\"id\":\"r{line}\",\"n\":1.0{source}}}\n").as_bytes(),
                );
            }
        }
    }
    std::fs::write(path, text).unwrap();
}
