//! The parser against a corpus written from the RFC, against serde_json, and against itself.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use bumpalo::Bump;
use proptest::prelude::*;
use serde_json::Value;

struct Case {
    name: String,
    document: Vec<u8>,
    outcome: String,
}

fn corpus() -> Vec<Case> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/json/rfc8259.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    let field = |case: &Value, key: &str| case.get(key).and_then(Value::as_str).map(str::to_owned);
    let cases: Vec<Case> = text
        .lines()
        .map(|line| {
            let case: Value = serde_json::from_str(line).unwrap();
            let document = match field(&case, "hex") {
                Some(hex) => {
                    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
                }
                None => field(&case, "text").unwrap().into_bytes(),
            };
            Case { name: field(&case, "name").unwrap(), document, outcome: field(&case, "outcome").unwrap() }
        })
        .collect();
    assert!(cases.len() >= 300, "{}", cases.len());
    cases
}

/// What comes out of the checker, and what serde_json reads, said the same way.
fn agree(text: &str) -> Result<(), TestCaseError> {
    let ours = check(text.as_bytes(), Limits { depth: 127 });
    let theirs = serde_json::from_str::<Value>(text);
    match (ours, theirs) {
        (Ok(anew), Ok(value)) => {
            prop_assert_eq!(serde_json::from_slice::<Value>(&anew).unwrap(), value, "{}", text);
        }
        (Err(_), Err(_)) => {}
        // serde_json keeps the last of equal keys, and is our oracle for nothing else there.
        (Err(defect), Ok(_)) => prop_assert_eq!(defect.kind, DefectKind::DuplicateKey, "{}", text),
        (Ok(_), Err(error)) => prop_assert!(false, "serde_json refuses {}: {}", text, error),
    }
    Ok(())
}

#[test]
fn every_document_of_the_corpus_has_its_outcome() {
    let mut wrong = Vec::new();
    for case in corpus() {
        let shown = String::from_utf8_lossy(&case.document).chars().take(60).collect::<String>();
        let found = match check(&case.document, Limits::default()) {
            Ok(_) => "ok",
            Err(defect) => {
                assert!(defect.byte <= case.document.len());
                assert!(!defect.describe(&case.document).is_empty());
                defect.kind.code()
            }
        };
        if found != case.outcome {
            wrong.push(format!("{}: {shown:?} is {found}, expected {}", case.name, case.outcome));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn serde_json_agrees_on_the_corpus() {
    for case in corpus() {
        if let Ok(text) = std::str::from_utf8(&case.document)
            && !case.name.starts_with("depth")
        {
            agree(text).unwrap();
        }
    }
}

/// Of a document that is cut or changed at each place, nothing panics and serde_json agrees.
#[test]
fn every_cut_and_every_changed_byte_of_a_record() {
    let text = r#" {"a\n": [1.5e-3, -0, true, null, "x\u00e9\ud83d\ude00 \"y\""], "b": {"c": ""}, "é": [[]]} "#;
    for end in (0..=text.len()).filter(|end| text.is_char_boundary(*end)) {
        agree(&text[..end]).unwrap();
    }
    for (at, _) in text.char_indices() {
        for put in [",", "\"", "\\", "{", "}", "[", "]", ":", "0", "-", ".", "e", "u", "\n", "\u{1}", "é", ""] {
            let end = at + text[at..].chars().next().map_or(0, char::len_utf8);
            agree(&format!("{}{put}{}", &text[..at], &text[end..])).unwrap();
        }
    }
}

#[test]
fn spellings_are_kept() {
    let arena = Bump::new();
    let text = " {\"a\\u0062\" : [ 1.0 , -0,1e2 ,\"\\/\" ] } ";
    let node = parse(text, &arena, Limits::default()).unwrap();
    assert_eq!(node.raw, text.trim());
    let [member] = node.as_object().unwrap() else { unreachable!() };
    assert_eq!((member.key, member.raw_key, member.value.raw), ("ab", "\"a\\u0062\"", "[ 1.0 , -0,1e2 ,\"\\/\" ]"));
    let raws: Vec<_> = member.value.as_array().unwrap().iter().map(|item| item.raw).collect();
    assert_eq!(raws, ["1.0", "-0", "1e2", "\"\\/\""]);
    assert_eq!(member.value.as_array().unwrap()[3].as_str(), Some("/"));
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[ -~\\n\\t\"\\\\é日😀]{0,80}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            proptest::collection::btree_map("[a-zé\"\\\\\\n]{0,6}", inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_serde_writes_we_read(value in any_value(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let arena = Bump::new();
        let node = parse(&text, &arena, Limits::default()).unwrap();
        prop_assert_eq!(node.raw, &text);
        let mut anew = Vec::new();
        write_anew(&mut anew, &node);
        prop_assert_eq!(serde_json::from_slice::<Value>(&anew).unwrap(), value.clone());
        let mut line = Vec::new();
        write_compact(&mut line, &node);
        prop_assert!(!line.contains(&b'\n'));
        prop_assert_eq!(serde_json::from_slice::<Value>(&line).unwrap(), value);
    }

    #[test]
    fn mutated_documents_are_judged_alike(value in any_value(), edits in proptest::collection::vec((any::<proptest::sample::Index>(), "[\\x00-\\x7f]{0,2}"), 1..4)) {
        let mut text = serde_json::to_string(&value).unwrap();
        for (place, put) in edits {
            let at = (0..=place.index(text.len() + 1)).rev().find(|at| text.is_char_boundary(*at)).unwrap();
            let end = text[at..].chars().next().map_or(at, |character| at + character.len_utf8());
            text.replace_range(at..end, &put);
        }
        agree(&text)?;
    }

    #[test]
    fn strings_come_back(text in any::<String>()) {
        let mut written = Vec::new();
        write_string(&mut written, &text);
        prop_assert_eq!(&serde_json::to_vec(&text).unwrap(), &written);
        let written = String::from_utf8(written).unwrap();
        let arena = Bump::new();
        prop_assert_eq!(parse(&written, &arena, Limits::default()).unwrap().as_str(), Some(text.as_str()));
        prop_assert_eq!(unescape(&written[1..written.len() - 1], &arena).unwrap(), text.as_str());
        prop_assert_eq!(Node::string(&text, &arena).raw, written.as_str());
    }

    #[test]
    fn escapes_are_decoded_like_serde_does(parts in proptest::collection::vec(prop_oneof!["[ -!#-\\[\\]-~é😀]{0,40}", Just("\\n".to_owned()), Just("\\\"".to_owned()), "\\\\u[0-9a-fA-F]{4}"], 0..12)) {
        let text = format!("\"{}\"", parts.concat());
        agree(&text)?;
    }

    #[test]
    fn bytes_of_any_kind_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Err(defect) = check(&bytes, Limits { depth: 5 }) {
            prop_assert!(defect.byte <= bytes.len());
            defect.describe(&bytes);
        }
        let arena = Bump::new();
        let mut repair = Repair::default();
        let text = repair.decode(&bytes, &arena);
        let mended = repair.tokens(text, &arena, |_| true).unwrap_or(text);
        prop_assert!(repair.source_place(mended.len()) <= bytes.len());
    }
}
