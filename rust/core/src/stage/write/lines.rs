//! The lines of `dropped/`, `duplicates/` and `rejected/`: everything that is not kept, with why.

use crate::json::write_string;
use crate::record::{Changes, Rejection};
use base64::Engine as _;
use std::io::Write as _;

/// `{"origin", "reason", "evidence", "changes", "record"}`; the record is one line of JSON.
pub fn dropped(out: &mut Vec<u8>, origin: &str, reason: &str, evidence: &str, changes: &Changes, record: &[u8]) {
    out.extend_from_slice(b"{\"origin\":");
    write_string(out, origin);
    out.extend_from_slice(b",\"reason\":");
    write_string(out, reason);
    out.extend_from_slice(b",\"evidence\":");
    out.extend_from_slice(if evidence.is_empty() { b"null" } else { evidence.as_bytes() });
    end_with(out, changes, record);
}

/// The trace (`{"normalise.nfc": 2}`, as `columns/` has it for kept records), the record, the line's end.
fn end_with(out: &mut Vec<u8>, changes: &Changes, record: &[u8]) {
    out.extend_from_slice(b",\"changes\":{");
    for (index, (kind, times)) in changes.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        // Writing to memory cannot fail.
        let _ = write!(out, "{comma}\"{}\":{times}", kind.name());
    }
    out.extend_from_slice(b"},\"record\":");
    out.extend_from_slice(record);
    out.extend_from_slice(b"}\n");
}

/// Whom a duplicate doubles: origin of the kept record, exact or near, and the similarity of each
/// judged side as [shingles in both, shingles in either].
#[derive(Clone, Copy, Debug)]
pub struct Doubles<'a> {
    /// Origin of the kept record.
    pub of: &'a str,
    /// Whether the two are equal.
    pub exact: bool,
    /// The user's side.
    pub prompt: Option<[u64; 2]>,
    /// The assistant's side.
    pub response: Option<[u64; 2]>,
}

/// `{"origin", "of", "kind", "prompt", "response", "changes", "record"}`.
pub fn duplicate(out: &mut Vec<u8>, origin: &str, doubles: &Doubles<'_>, changes: &Changes, record: &[u8]) {
    out.extend_from_slice(b"{\"origin\":");
    write_string(out, origin);
    out.extend_from_slice(b",\"of\":");
    write_string(out, doubles.of);
    out.extend_from_slice(if doubles.exact { b",\"kind\":\"exact\"" } else { b",\"kind\":\"near\"" });
    for (name, side) in [("prompt", doubles.prompt), ("response", doubles.response)] {
        // Writing to memory cannot fail.
        let _ = match side {
            Some([both, either]) => write!(out, ",\"{name}\":[{both},{either}]"),
            None => write!(out, ",\"{name}\":null"),
        };
    }
    end_with(out, changes, record);
}

/// A unit that did not become a record.
#[derive(Clone, Copy, Debug)]
pub struct Rejected<'a> {
    /// Where it stands.
    pub origin: &'a str,
    /// Byte of the (decompressed) file where the unit begins.
    pub unit_byte: u64,
    /// Why.
    pub rejection: &'a Rejection,
    /// The unit, or the beginning of one that was too long.
    pub raw: &'a [u8],
    /// The unit's length where `raw` is not all of it.
    pub length: Option<u64>,
    /// The unit's digest where it is known (unsupported files).
    pub digest: Option<&'a str>,
}

/// `{"origin", "byte", "reason", "detail", "raw" | "raw_base64"}`, and `length`, `digest` where the unit is not whole.
/// `byte` is the place of the defect in the (decompressed) file.
pub fn rejected(out: &mut Vec<u8>, line: &Rejected<'_>) {
    out.extend_from_slice(b"{\"origin\":");
    write_string(out, line.origin);
    let _ = write!(out, ",\"byte\":{}", line.unit_byte + line.rejection.byte);
    out.extend_from_slice(b",\"reason\":");
    write_string(out, line.rejection.reason);
    out.extend_from_slice(b",\"detail\":");
    write_string(out, &line.rejection.detail);
    if let Some(length) = line.length {
        let _ = write!(out, ",\"length\":{length}");
    }
    if let Some(digest) = line.digest {
        out.extend_from_slice(b",\"digest\":");
        write_string(out, digest);
    }
    match simdutf8::basic::from_utf8(line.raw) {
        Ok(text) => {
            out.extend_from_slice(b",\"raw\":");
            write_string(out, text);
        }
        Err(_) => {
            out.extend_from_slice(b",\"raw_base64\":\"");
            out.extend_from_slice(base64::engine::general_purpose::STANDARD.encode(line.raw).as_bytes());
            out.push(b'"');
        }
    }
    out.extend_from_slice(b"}\n");
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::record::Change;
    use serde_json::{Value, json};

    #[test]
    fn lines_are_json_of_the_documented_form() {
        let mut out = Vec::new();
        let mut changes = Changes::default();
        changes.add(Change::Encoding, 1);
        changes.add(Change::Nfc, 2);
        dropped(&mut out, "a\"b:1", "filter.length.short", "{\"characters\":3}", &changes, b"{\"x\":1.0}");
        let doubles = Doubles { of: "a:1", exact: false, prompt: Some([4, 5]), response: None };
        duplicate(&mut out, "a:2", &doubles, &Changes::default(), b"{}");
        let rejection = Rejection { reason: "parse.syntax", byte: 2, detail: "expected `}`".to_owned() };
        let whole = Rejected {
            origin: "a:3",
            unit_byte: 40,
            rejection: &rejection,
            raw: b"{\"\xff",
            length: None,
            digest: None,
        };
        rejected(&mut out, &whole);
        rejected(&mut out, &Rejected { raw: "{\"é".as_bytes(), length: Some(9), digest: Some("00"), ..whole });
        let lines: Vec<Value> = out
            .split(|&byte| byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect();
        assert_eq!(
            lines,
            [
                json!({"origin": "a\"b:1", "reason": "filter.length.short", "evidence": {"characters": 3}, "changes": {"parse.encoding": 1, "normalise.nfc": 2}, "record": {"x": 1.0}}),
                json!({"origin": "a:2", "of": "a:1", "kind": "near", "prompt": [4, 5], "response": null, "changes": {}, "record": {}}),
                json!({"origin": "a:3", "byte": 42, "reason": "parse.syntax", "detail": "expected `}`", "raw_base64": "eyL/"}),
                json!({"origin": "a:3", "byte": 42, "reason": "parse.syntax", "detail": "expected `}`", "length": 9, "digest": "00", "raw": "{\"é"}),
            ]
        );
    }
}
