//! What the tests of the families share: units from text, round trips, real data.

#![expect(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "tests")]

use super::{ParseSettings, Parsed, Parser, family};
use crate::json::{self, Limits};
use crate::record::{Origin, Place, Record};
use crate::stage::read::{Body, Unit};
use crate::stage::write::form::{Form, write_record};
use bumpalo::Bump;
use std::path::PathBuf;

/// A line of a file as a unit.
pub(crate) fn unit(bytes: &[u8]) -> Unit<'_> {
    Unit { origin: Origin { path: "some/file.jsonl", place: Place::Line(7) }, byte: 0, body: Body::Json(bytes) }
}

/// Parses a line under these settings.
pub(crate) fn parse_with<'a>(settings: &ParseSettings, bytes: &'a [u8], arena: &'a Bump) -> Parsed<'a> {
    Parser::new(settings).unwrap().parse(&unit(bytes), arena).unwrap()
}

/// Parses a line that is a record.
pub(crate) fn record<'a>(line: &'a str, arena: &'a Bump) -> Record<'a> {
    match parse_with(&ParseSettings::default(), line.as_bytes(), arena) {
        Parsed::Record(record) => record,
        other => panic!("{line}: {other:?}"),
    }
}

/// The reason and the place of a line that is refused.
pub(crate) fn refused(settings: &ParseSettings, bytes: &[u8]) -> (&'static str, u64, String) {
    match parse_with(settings, bytes, &Bump::new()) {
        Parsed::Rejected(rejection) => (rejection.reason, rejection.byte, rejection.detail),
        other => panic!("{}: {other:?}", String::from_utf8_lossy(bytes)),
    }
}

/// The canonical line of a record.
pub(crate) fn written(record: &Record<'_>) -> String {
    let mut out = Vec::new();
    write_record(&mut out, record, Form::Messages).unwrap();
    String::from_utf8(out).unwrap()
}

/// The canonical line of a line.
pub(crate) fn canonical(line: &str) -> String {
    written(&record(line, &Bump::new()))
}

/// A canonical line in its own schema again.
pub(crate) fn restored(line: &str) -> String {
    let arena = Bump::new();
    let node = json::parse(line, &arena, Limits { depth: 1100 }).unwrap_or_else(|defect| panic!("{defect:?}: {line}"));
    let name = node.get("_schema").unwrap().get("family").unwrap().as_str().unwrap();
    let mut out = Vec::new();
    family(name).unwrap().restore(&node, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Source → canonical → source: equal as JSON values, with numbers compared by their spelling. The
/// writer's two ways (copying what is untouched, spelling everything anew) must agree as well.
pub(crate) fn assert_round_trip(line: &str) {
    let arena = Bump::new();
    let mut record = record(line, &arena);
    let first = written(&record);
    assert!(!first.contains(['\n', '\r']), "{first}");
    let expected: serde_json::Value = serde_json::from_str(line).unwrap();
    let back: serde_json::Value = serde_json::from_str(&restored(&first)).unwrap();
    assert_eq!(back, expected, "\ncanonical: {first}");
    record.messages_raw = None;
    for message in record.messages.iter_mut().chain(record.rejected.iter_mut().flatten()) {
        message.raw = None;
    }
    let anew = written(&record);
    let [a, b]: [serde_json::Value; 2] = [&first, &anew].map(|text| serde_json::from_str(text).unwrap());
    assert_eq!(a, b, "\ncopied: {first}\nanew: {anew}");
}

/// A file or folder of the real corpora (`CORPUSKIT_DATA`, else `data/` in the repository).
/// `None`, and a line that says so, where they are not there.
#[expect(clippy::print_stderr, reason = "a skipped check says why")]
pub(crate) fn real_data(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("CORPUSKIT_DATA")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../data")), PathBuf::from);
    let found = root.join("raw").join(path);
    if found.exists() {
        return Some(found);
    }
    eprintln!("skipped: {} is not there (set CORPUSKIT_DATA)", found.display());
    None
}

/// Every record of a real file, as text: lines, or the elements of an array.
pub(crate) fn real_records(path: &str) -> Vec<String> {
    let Some(found) = real_data(path) else { return Vec::new() };
    let text = String::from_utf8_lossy(&std::fs::read(found).unwrap()).into_owned();
    let text = text.trim_start_matches('\u{feff}');
    let arena = Bump::new();
    match json::parse(text, &arena, Limits::default()).ok().and_then(|node| node.as_array()) {
        Some(items) => items.iter().map(|item| item.raw.to_owned()).collect(),
        None => text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect(),
    }
}
