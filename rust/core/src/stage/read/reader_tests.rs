//! Units against simple models, at every cut, and continued from every cursor.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::super::{OwnedBody, OwnedUnit};
use super::*;
use bumpalo::Bump;
use proptest::prelude::*;
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

/// A folder that is removed at the end.
pub(crate) struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!("corpuskit-read-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn file(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// All units, batch by batch, with the accounts and notes.
pub(crate) struct All {
    pub units: Vec<OwnedUnit>,
    pub accounts: Vec<FileAccount>,
    pub notes: Vec<super::super::Note>,
    pub cursors: Vec<(usize, Cursor)>,
}

pub(crate) fn drain(mut reader: Reader) -> Result<All> {
    let mut all = All { units: Vec::new(), accounts: Vec::new(), notes: Vec::new(), cursors: Vec::new() };
    while let Some(batch) = reader.next_batch()? {
        let arena = Bump::new();
        all.units.extend(batch.units(&arena).map(|unit| OwnedUnit::from(&unit)));
        all.accounts.extend(batch.ended.iter().cloned());
        all.notes.extend(batch.notes.iter().cloned());
        all.cursors.push((all.units.len(), batch.end.clone()));
    }
    Ok(all)
}

pub(crate) fn settings(max: u64) -> ReadSettings {
    ReadSettings { max_unit_bytes: max, ..ReadSettings::default() }
}

/// Reads with batches of `target` bytes, and again from each cursor: the rest must be the same.
pub(crate) fn read(arguments: &[String], settings: &ReadSettings, target: usize) -> All {
    let inputs = Arc::new(Inputs::discover(arguments, settings).unwrap());
    let mut reader = Reader::new(Arc::clone(&inputs), settings).unwrap();
    reader.target = target;
    let all = drain(reader).unwrap();
    for (units, cursor) in &all.cursors {
        let saved = serde_json::to_string(cursor).unwrap();
        let mut cursor: Cursor = serde_json::from_str(&saved).unwrap();
        for trusted in [true, false] {
            if let (Some(position), false) = (&mut cursor.position, trusted) {
                position.identity = None;
            }
            let mut reader = Reader::resume(Arc::clone(&inputs), settings, &cursor).unwrap();
            reader.target = target;
            let rest = drain(reader).unwrap();
            assert_eq!(rest.units, all.units[*units..], "continued after unit {units}");
            let last = all.accounts.len() - rest.accounts.len();
            assert_eq!(rest.accounts, all.accounts[last..], "accounts after unit {units}");
        }
    }
    all
}

/// One file, read at several batch sizes that must agree.
pub(crate) fn read_one(name: &str, bytes: &[u8], max: u64, targets: &[usize]) -> All {
    let folder = Folder::new();
    let path = folder.file(name, bytes);
    let mut first: Option<All> = None;
    for &target in targets {
        let mut all = read(std::slice::from_ref(&path), &settings(max), target);
        for unit in &mut all.units {
            unit.path = "F".to_owned();
        }
        for account in &all.accounts {
            assert_eq!(account.bytes, bytes.len() as u64);
            assert_eq!(account.digest.unwrap(), crate::digest::Digest::of(bytes));
        }
        match &first {
            Some(first) => assert_eq!(first.units, all.units, "batches of {target} bytes"),
            None => first = Some(all),
        }
    }
    first.unwrap()
}

const TARGETS: [usize; 5] = [BATCH_BYTES, 1, 7, 64, 500];

/// Lines by the naive way.
fn naive_lines(text: &[u8], max: usize) -> Vec<(String, u64, OwnedBody)> {
    let mut units = Vec::new();
    let (bom, text) = text.strip_prefix(b"\xEF\xBB\xBF").map_or((0, text), |rest| (3, rest));
    let mut byte = bom;
    let lines: Vec<&[u8]> = text.split(|&byte| byte == b'\n').collect();
    for (index, line) in lines.iter().enumerate() {
        if index + 1 == lines.len() && line.is_empty() {
            break;
        }
        let content = line.strip_suffix(b"\r").unwrap_or(line);
        let body = if line.len() > max {
            OwnedBody::Rejected {
                rejection: Rejection {
                    reason: "read.too_long",
                    byte: 0,
                    detail: format!("a line of {} bytes, expected at most {max} (`read.max_unit_bytes`)", line.len()),
                },
                head: line[..4096.min(line.len())].to_vec(),
                length: line.len() as u64,
                digest: None,
            }
        } else if content.iter().all(u8::is_ascii_whitespace) {
            OwnedBody::Empty
        } else {
            OwnedBody::Json(content.to_vec())
        };
        units.push((format!("F:{}", index + 1), byte, body));
        byte += line.len() as u64 + 1;
    }
    units
}

fn flat(all: All) -> Vec<(String, u64, OwnedBody)> {
    all.units.into_iter().map(|unit| (unit.origin().to_string(), unit.byte, unit.body)).collect()
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(b"".to_vec()),
        Just(b"  \t".to_vec()),
        "\\{\"a\": \"[a-z\u{e9}]{0,40}\"\\}".prop_map(String::into_bytes),
        "\\{\"[a-z\\[{},\"]{0,20}".prop_map(String::into_bytes),
        prop::collection::vec(32u8..255, 0..40),
        (4000usize..9000).prop_map(|length| vec![b'x'; length]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn lines_are_those_of_a_naive_split(lines in prop::collection::vec((line(), any::<bool>()), 1..12), last: bool, bom: bool) {
        let mut text = if bom { b"\xEF\xBB\xBF".to_vec() } else { Vec::new() };
        text.extend_from_slice(b"{\"first\": 1}\n{\"second\": 1}\n");
        for _ in 0..lines.len() { text.extend_from_slice(b"{}\n"); }
        for (line, carriage) in &lines {
            text.extend_from_slice(line);
            if *carriage { text.push(b'\r'); }
            text.push(b'\n');
        }
        if last { text.extend_from_slice(b"{\"last\": 1}"); }
        let expected = naive_lines(&text, 4096);
        prop_assert_eq!(flat(read_one("a.jsonl", &text, 4096, &TARGETS)), expected);
    }

    #[test]
    fn elements_are_those_that_serde_json_reads(
        values in prop::collection::vec(("[a-z\\[{\\\\\"},\u{4e2d}]{0,30}", 0i64..99, any::<bool>()), 0..20),
        pretty: bool, holder in 0..3, packed in 0..3, tail in "[ \n]{0,3}",
    ) {
        let records: Vec<serde_json::Value> = values
            .iter()
            .map(|(text, number, nested)| match nested {
                true => serde_json::json!({"question": text, "n": [number, {"x": text}]}),
                false => serde_json::json!({"question": text, "n": number}),
            })
            .collect();
        let whole = match holder {
            0 => serde_json::Value::from(records.clone()),
            1 if records.is_empty() => return Ok(()),
            1 => serde_json::json!({"version": "1", "data": records, "after": 2}),
            _ if records.len() < 2 => return Ok(()),
            _ => records.iter().enumerate().map(|(at, record)| (format!("id {at}"), record.clone())).collect::<serde_json::Map<_, _>>().into(),
        };
        let text = if pretty { serde_json::to_string_pretty(&whole) } else { serde_json::to_string(&whole) }.unwrap() + &tail;
        let bytes = pack(text.as_bytes(), packed);
        let all = read_one("a.json", &bytes, 1 << 20, &TARGETS);
        prop_assert_eq!(all.notes.len(), if holder == 1 { 2 } else { 0 });
        for (index, unit) in all.units.iter().enumerate() {
            let place = if holder == 2 { format!("F#id {index}") } else { format!("F#{index}") };
            prop_assert_eq!(unit.origin().to_string(), place);
            let OwnedBody::Json(json) = &unit.body else { panic!("{:?}", unit.body) };
            prop_assert_eq!(&serde_json::from_slice::<serde_json::Value>(json).unwrap(), &records[index]);
            prop_assert!(text.as_bytes()[unit.byte as usize..].starts_with(json));
        }
        prop_assert_eq!(all.units.len(), records.len());
    }
}

/// Plain, gzip of two members, zstd of two frames.
pub(crate) fn pack(bytes: &[u8], how: i32) -> Vec<u8> {
    let halves = bytes.split_at(bytes.len() / 2);
    match how {
        0 => bytes.to_vec(),
        1 => [halves.0, halves.1]
            .iter()
            .flat_map(|half| {
                let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                packer.write_all(half).unwrap();
                packer.finish().unwrap()
            })
            .collect(),
        _ => [halves.0, halves.1].iter().flat_map(|half| zstd::encode_all(*half, 1).unwrap()).collect(),
    }
}
