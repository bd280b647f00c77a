//! The targets, and what must hold for what each of them accepts.

use super::Target;
use bumpalo::Bump;
use corpuskit_core::convert::{Target as Conversion, convert_line};
use corpuskit_core::json::{self, Limits};
use corpuskit_core::plan::Plan;
use corpuskit_core::record::{Changes, Origin, Place};
use corpuskit_core::rules::{Compiled, Pack};
use corpuskit_core::stage::normalise::{Normalise, NormaliseSettings};
use corpuskit_core::stage::parse::{ParseSettings, Parsed, Parser};
use corpuskit_core::stage::read::{Body, Inputs, OwnedUnit, ReadSettings, Reader, Unit};
use corpuskit_core::stage::write::form::{Form, write_record};
use serde_json::Value;
use std::sync::Arc;

pub const ALL: &[Target] = &[
    Target { name: "json", tokens: JSON, run: json },
    Target { name: "records", tokens: RECORDS, run: records },
    Target { name: "text", tokens: TEXTS, run: text },
    Target { name: "files", tokens: FILES, run: files },
    Target { name: "plan", tokens: PLANS, run: plan },
    Target { name: "pack", tokens: PACKS, run: pack },
];

const JSON: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b":",
    b",",
    b"\\u0000",
    b"\\ud800",
    b"\\udc00",
    b"\\uD83D\\uDE00",
    b"1e999",
    b"-0",
    b"0.1",
    b"18446744073709551616",
    b"NaN",
    b"Infinity",
    b"true",
    b"null",
    b"\xff",
    b"\xc3",
    b"\xef\xbb\xbf",
    b"\n",
    b" ",
    b"{\"a\":",
    b"[[",
    b"\"a\":1,",
    b"\x00",
];
const RECORDS: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b",",
    b":",
    b"null",
    b"\"role\":\"user\"",
    b"\"content\":",
    b"\"messages\":[",
    b"\"from\":\"human\"",
    b"\"value\":\"x\"",
    b"\"instruction\":\"x\",",
    b"\"output\":3,",
    b"\"history\":[[\"a\",null]],",
    b"\"_schema\":{\"family\":\"alpaca\"},",
    b"\"_origin\":\"x\",",
    b"\"tools\":[{}],",
    b"\"tool_calls\":[{\"function\":{}}],",
    b"<|im_start|>",
    b"<|im_end|>",
    b"[INST]",
    b"[/INST]",
    b"<tool_call>",
    b"</tool_call>",
    b"Human:",
    b"Assistant:",
    b"\\n\\n",
    b"\\ud800",
    b"\xff",
    b"NaN",
    b"\"weight\":0,",
    b"\"rejected\":\"x\",",
    b"\"chosen\":[],",
    b"\"choices\":[1,2],",
];
const TEXTS: &[&[u8]] = &[
    "Ã©".as_bytes(),
    "â€™".as_bytes(),
    "Ã".as_bytes(),
    "ÔøΩ".as_bytes(),
    "‚Äô".as_bytes(),
    "\u{feff}".as_bytes(),
    "\u{200b}".as_bytes(),
    "e\u{301}".as_bytes(),
    "\r\n".as_bytes(),
    b"\r",
    b" \n",
    b"\t \n",
    b"```\n",
    b"~~~",
    b"&amp;",
    b"&#x0;",
    b"<b>",
    b"</b>",
    "\u{1f600}".as_bytes(),
    "\u{0}".as_bytes(),
    "가".as_bytes(),
    "\u{1100}\u{1161}".as_bytes(),
];
const FILES: &[&[u8]] = &[
    b"\n",
    b"\r\n",
    b"\"",
    b"\"\"",
    b",",
    b"\t",
    b"[",
    b"]",
    b"{",
    b"}",
    b"{\"data\":[",
    b"\xef\xbb\xbf",
    b"\x1f\x8b\x08\x00",
    b"\x28\xb5\x2f\xfd",
    b"\x50\x2a\x4d\x18",
    b"PAR1",
    b"id,text,label\n",
    b"\xff\xfe",
    b"\x00",
    b"\n\n\n",
    b"null",
];
const PLANS: &[&[u8]] = &[
    b"version: 1\n",
    b"read:\n",
    b"  ",
    b"- ",
    b": ",
    b"&a ",
    b"*a",
    b"<<: *a",
    b"!!str ",
    b"{",
    b"}",
    b"[",
    b"]",
    b"|\n",
    b"1e999",
    b"-1",
    b"0.99999",
    b"null",
    b"\t",
    b"near: false\n",
    b"threshold: 2\n",
    b"? ",
    b"'",
    b"\"",
];
const PACKS: &[&[u8]] = &[
    b"[[rule]]\n",
    b"name = \"x\"\n",
    b"regex = '(a+)+b'\n",
    b"regex = '(a{1,999}){1,999}'\n",
    b"words = [\"a b c\"]\n",
    b"weight = -1e308\n",
    b"unless = [\"x\"]\n",
    b"\"",
    b"'''",
    b"[",
    b"]",
    b"=",
    b"\n",
    b"label = \"\"\n",
    b"nan",
    b"(?i)",
    b"\\p{L}*",
];

fn values_equal(one: &[u8], other: &[u8]) -> Option<bool> {
    // serde_json stops at 128 levels: what it cannot read it cannot judge.
    let one: Value = serde_json::from_slice(one).ok()?;
    Some(one == serde_json::from_slice::<Value>(other).ok()?)
}

/// What is accepted reads the same after it was written, and serde_json agrees.
fn json(input: &[u8]) {
    let limits = Limits { depth: 256 };
    match json::check(input, limits) {
        Ok(anew) => {
            assert_eq!(json::check(&anew, limits).as_deref(), Ok(&*anew));
            assert_ne!(values_equal(input, &anew), Some(false));
        }
        Err(defect) => {
            assert!(defect.byte <= input.len());
            let _ = defect.describe(input);
        }
    }
}

fn unit(bytes: &[u8]) -> Unit<'_> {
    Unit { origin: Origin { path: "fuzz.jsonl", place: Place::Line(1) }, byte: 0, body: Body::Json(bytes) }
}

/// A record is written in every form; its canonical line is a record again and comes back as it was; and
/// where nothing had to be mended it converts back to an equal value.
fn records(input: &[u8]) {
    if input.contains(&b'\n') {
        return;
    }
    let settings = ParseSettings::default();
    let parser = Parser::new(&settings).unwrap();
    let arena = Bump::new();
    let Parsed::Record(record) = parser.parse(&unit(input), &arena).unwrap() else { return };
    let mut canonical = Vec::new();
    write_record(&mut canonical, &record, Form::Messages).unwrap();
    for form in [Form::Openai, Form::Alpaca, Form::Sharegpt, Form::PromptCompletion] {
        let mut out = Vec::new();
        if write_record(&mut out, &record, form).is_ok() {
            serde_json::from_slice::<Value>(&out).map_or_else(|error| assert!(error.is_syntax()), drop);
        }
    }
    let Parsed::Record(again) = parser.parse(&unit(&canonical), &arena).unwrap() else {
        panic!("its own line is no record: {}", String::from_utf8_lossy(&canonical));
    };
    let mut twice = Vec::new();
    write_record(&mut twice, &again, Form::Messages).unwrap();
    let back = convert_line(&twice, &settings, Conversion::Own).expect("the line that it was");
    assert_ne!(values_equal(&back, &canonical), Some(false), "{}", String::from_utf8_lossy(&back));
    if record.changes == Changes::default() {
        let own = convert_line(&canonical, &settings, Conversion::Own).expect("its own schema");
        assert_ne!(values_equal(input, &own), Some(false), "{}", String::from_utf8_lossy(&own));
    }
}

/// Normalising twice is normalising once.
fn text(input: &[u8]) {
    let input = String::from_utf8_lossy(input);
    let arena = Bump::new();
    let stage = Normalise::new(&NormaliseSettings::default()).unwrap();
    let once = stage.text(&input, &mut Changes::default(), &arena).unwrap_or(&input).to_owned();
    let twice = stage.text(&once, &mut Changes::default(), &arena).unwrap_or(&once).to_owned();
    assert_eq!(once, twice);
}

/// A file is read to its end, whatever it holds; a reader that begins at any batch's end gives the same rest.
fn files(input: &[u8]) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), input).unwrap();
    let settings = ReadSettings { max_unit_bytes: 4096, ..ReadSettings::default() };
    let inputs = Arc::new(Inputs::discover(&[file.path().display().to_string()], &settings).unwrap());
    let mut reader = Reader::new(Arc::clone(&inputs), &settings).unwrap();
    let parser = Parser::new(&ParseSettings::default()).unwrap();
    let mut arena = Bump::new();
    let mut plain = 0;
    while let Some(batch) = reader.next_batch().unwrap() {
        plain += batch.bytes;
        let mut rest = Vec::new();
        for unit in batch.units(&arena) {
            let _ = parser.parse(&unit, &arena).unwrap();
            rest.push(OwnedUnit::from(&unit));
        }
        assert!(rest.windows(2).all(|pair| pair[0].byte <= pair[1].byte));
        arena.reset();
        assert!(plain < 1 << 30, "a bomb");
    }
}

fn plan(input: &[u8]) {
    if let Ok(plan) = Plan::from_yaml(&String::from_utf8_lossy(input), "plan.yaml") {
        let again = Plan::from_yaml(&plan.to_yaml(), "plan.yaml").expect("what it writes");
        assert_eq!(plan.digest(), again.digest());
    }
}

fn pack(input: &[u8]) {
    if let Ok(pack) = Pack::from_toml(&String::from_utf8_lossy(input), "pack.toml") {
        let _ = Compiled::new(&[(pack, String::from("pack.toml"))]);
    }
}
