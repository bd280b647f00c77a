//! What the fuzzer begins with.

use std::path::{Path, PathBuf};

fn data() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data"))
}

/// The seeds of a target: files of the sample data or lines of them, then every input that once failed.
pub fn of(target: &str) -> Vec<Vec<u8>> {
    let mut found = match target {
        "json" => rfc8259(),
        "records" | "text" => lines(),
        "files" => files(),
        "plan" => plans(),
        "pack" => packs(),
        _ => panic!("no seeds for `{target}`"),
    };
    if let Ok(entries) = std::fs::read_dir(super::guard::kept()) {
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        let prefix = format!("{target}-");
        let mine = paths.iter().filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(&prefix));
        found.extend(mine.map(|path| std::fs::read(path).unwrap()));
    }
    assert!(!found.is_empty(), "`{target}` has no seeds");
    found
}

fn rfc8259() -> Vec<Vec<u8>> {
    let text = std::fs::read_to_string(data().join("json/rfc8259.jsonl")).unwrap();
    let document = |line: &str| {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        match case["hex"].as_str() {
            Some(hex) => {
                (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect()
            }
            None => case["text"].as_str().unwrap().as_bytes().to_vec(),
        }
    };
    text.lines().map(document).collect()
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            walk(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// The beginning of every sample file, as it lies on disk.
fn files() -> Vec<Vec<u8>> {
    let mut paths = Vec::new();
    walk(&data().join("sample"), &mut paths);
    paths
        .iter()
        .map(|path| {
            let mut bytes = std::fs::read(path).unwrap();
            bytes.truncate(24 << 10);
            bytes
        })
        .collect()
}

/// A few lines of every sample file that is plain, and samples of markup.
fn lines() -> Vec<Vec<u8>> {
    let mut found: Vec<Vec<u8>> = [
        "{\"text\":\"<|im_start|>user\\nHi<|im_end|>\\n<|im_start|>assistant\\nHo<|im_end|>\"}",
        "{\"text\":\"<s>[INST] <<SYS>>\\nBe\\n<</SYS>>\\n\\nHi [/INST] Ho </s>\"}",
        "{\"text\":\"<|begin_of_text|><|start_header_id|>user<|end_header_id|>\\n\\nHi<|eot_id|>\"}",
        "{\"text\":\"### Instruction:\\nDo\\n\\n### Response:\\nDone\"}",
        "{\"text\":\"Human: Hi\\n\\nAssistant: Ho\\n\\nHuman: And?\"}",
        "{\"system\":\"S\",\"chat\":\"USER: a\\n\\n\\nASSISTANT: b <|endoftext|>\\n\\n\\nFUNCTION RESPONSE: {}\"}",
        "{\"conversations\":[{\"from\":\"gpt\",\"value\":\"x <tool_call>\\n{\\\"name\\\": \\\"f\\\", \\\"arguments\\\": {}}\\n</tool_call>\"}]}",
        "{\"chosen\":\"\\n\\nHuman: a\\n\\nAssistant: b\",\"rejected\":\"\\n\\nHuman: a\\n\\nAssistant: c\"}",
        "{\"question\":\"2?\",\"choices\":[\"1\",\"2\"],\"answer\":1}",
        "{\"turns\":[{\"speaker\":\"USER\",\"utterance\":\"a\"},{\"speaker\":\"SYSTEM\",\"utterance\":\"b\"}]}",
        "{\"message_tree_id\":\"t\",\"prompt\":{\"text\":\"a\",\"role\":\"prompter\",\"replies\":[{\"text\":\"b\",\"role\":\"assistant\",\"rank\":0,\"replies\":[]}]}}",
    ]
    .into_iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    let mut paths = Vec::new();
    walk(&data().join("sample"), &mut paths);
    for path in paths.iter().filter(|path| path.extension().is_some_and(|name| name == "jsonl")) {
        let bytes = std::fs::read(path).unwrap();
        found.extend(bytes.split(|byte| *byte == b'\n').take(12).map(<[u8]>::to_vec));
    }
    found
}

fn plans() -> Vec<Vec<u8>> {
    use corpuskit_core::plan::{Plan, Profile};
    let mut found = vec![b"version: 1\n".to_vec(), b"dedup: {near: {threshold: 0.8}}\n".to_vec()];
    found.push(Plan::template(Profile::Emergent).into_bytes());
    found.push(b"parse:\n  schemas:\n    - name: t\n      turns:\n        - {role: user, path: a.b}\n".to_vec());
    found
}

fn packs() -> Vec<Vec<u8>> {
    let mut paths = Vec::new();
    walk(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/packs")), &mut paths);
    paths
        .iter()
        .map(|path| {
            let text = std::fs::read_to_string(path).unwrap();
            // A few rules of each are enough to start from, and quick to compile.
            let rules = text.match_indices("\n[[").nth(4).map_or(text.len(), |(at, _)| at + 1);
            text.as_bytes()[..rules].to_vec()
        })
        .collect()
}
