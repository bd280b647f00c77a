//! The stage as a whole: policies, repairs, places, families on real data.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::testing::{
    assert_round_trip, canonical, parse_with, real_records, record, refused, restored, unit, written,
};
use super::{Consecutive, ParseSettings, Parsed, Parser, Policy, Refusal};
use crate::record::{Change, Content, Role};
use bumpalo::Bump;

fn mended(settings: &ParseSettings, bytes: &[u8]) -> (String, Vec<(&'static str, u32)>) {
    let arena = Bump::new();
    match parse_with(settings, bytes, &arena) {
        Parsed::Record(record) => {
            (written(&record), record.changes.iter().map(|(change, times)| (change.name(), times)).collect())
        }
        other => unreachable!("{other:?}"),
    }
}

#[test]
fn plain_messages_go_out_byte_for_byte() {
    let line = r#"{"messages": [{"content":"a\u00e9\/b" , "role" :"user","weight": 1.0}], "id": 1e2, "x": -0, "big": 18446744073709551616}"#;
    let expected = r#"{"messages":[{"content":"a\u00e9\/b" , "role" :"user","weight": 1.0}],"id":1e2,"x":-0,"big":18446744073709551616,"_origin":"some/file.jsonl:7","_source":"file.jsonl","_schema":{"family":"openai","dialect":"messages"}}"#;
    assert_eq!(canonical(line), expected);
}

/// A line, the reason and the place of its defect, its setting, and what repair makes of it.
type Case = (&'static [u8], &'static str, u64, fn(&mut ParseSettings, Policy), Option<(&'static str, u32)>);

/// Each defect under each policy: reason and place, or what became of it.
#[test]
fn each_defect_follows_its_policy() {
    let cases: [Case; 7] = [
        (b"{\"text\": \"caf\xe9 \x93x\x94\"}", "parse.encoding", 13, |s, p| s.encoding = p, Some(("café “x”", 3))),
        (br#"{"text": "a\ud83dz"}"#, "parse.lone_surrogate", 11, |s, p| s.lone_surrogate = p, Some(("a\\ufffdz", 1))),
        (
            br#"{"text": "a", "n": [NaN, -Infinity, Infinity]}"#,
            "parse.non_finite",
            20,
            |s, p| s.non_finite = p,
            Some(("[null, null, null]", 3)),
        ),
        (
            br#"{"text": "a", "n": 1, "n": 2, "m": 3, "n": 4}"#,
            "parse.duplicate_key",
            22,
            |s, p| s.duplicate_key = p,
            Some((r#""m":3,"n":4"#, 2)),
        ),
        (b"{\"text\": \"a\tb\x01\"}", "parse.control", 11, |s, p| s.control = p, Some((r"a\tb\u0001", 2))),
        (br#"{"text": "a", "n": [1, ],}"#, "parse.trailing_comma", 21, |s, p| s.trailing_comma = p, Some(("[1 ]", 2))),
        (br#"{"text": "a"}, "#, "parse.trailing_comma", 13, |s, p| s.trailing_comma = p, Some(("a", 1))),
    ];
    for (line, reason, place, set, repaired) in cases {
        let shown = String::from_utf8_lossy(line);
        let mut settings = ParseSettings::default();
        set(&mut settings, Policy::Reject);
        let (found, byte, detail) = refused(&settings, line);
        assert_eq!((found, byte), (reason, place), "{shown}: {detail}");
        set(&mut settings, Policy::Strict);
        let error = Parser::new(&settings).unwrap().parse(&unit(line), &Bump::new()).unwrap_err();
        assert_eq!(error.to_string(), format!("some/file.jsonl:7: {reason}, and the policy is `strict`"));
        let Some((part, times)) = repaired else { continue };
        set(&mut settings, Policy::Repair);
        let (text, changes) = mended(&settings, line);
        assert!(text.contains(part), "{shown} became {text}");
        assert_eq!(changes, [(reason, times)], "{shown}");
    }
}

#[test]
fn what_cannot_be_mended_is_refused_at_its_place() {
    let cases: [(&[u8], &str, u64); 9] = [
        (b"{\"text\": \"abc", "parse.truncated", 13),
        (b"{\"text\": \"a\"} x", "parse.trailing", 14),
        (b"{\"text\": a}", "parse.syntax", 9),
        (b"hello", "parse.syntax", 0),
        (b"{'text': 'a'}", "parse.syntax", 1),
        (b"{\"text\": 01}", "parse.syntax", 10),
        // The place is that of the source, not of the mended text.
        (b"{\"text\": \"\xe9\xe9\xe9\", \"n\": x}", "parse.syntax", 21),
        (b"{\"text\": \"a\", \"n\": [NaN], \"m\": x}", "parse.syntax", 31),
        (b"[1, 2]", "parse.no_schema", 0),
    ];
    for (line, reason, place) in cases {
        let (found, byte, detail) = refused(&ParseSettings::default(), line);
        assert_eq!((found, byte), (reason, place), "{}: {detail}", String::from_utf8_lossy(line));
        assert!(!detail.is_empty());
    }
}

#[test]
fn one_line_may_have_every_defect() {
    let line = b"{\"text\": \"\xe9 \x07 \\ud800\", \"k\": NaN, \"k\": {\"a\": 1, \"a\": [1,],},}";
    let settings = ParseSettings { duplicate_key: Policy::Repair, ..ParseSettings::default() };
    let (text, changes) = mended(&settings, line);
    assert!(text.contains(r#""text","content":"é \u0007 \ufffd"}],"k":{"a": [1]}"#), "{text}");
    let names: Vec<_> = changes.iter().map(|(name, _)| *name).collect();
    for name in [
        "parse.encoding",
        "parse.lone_surrogate",
        "parse.non_finite",
        "parse.control",
        "parse.duplicate_key",
        "parse.trailing_comma",
    ] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
}

#[test]
fn strict_stops_at_the_defects_that_are_always_refused_too() {
    let settings = ParseSettings { syntax: Refusal::Strict, no_schema: Refusal::Strict, ..ParseSettings::default() };
    for (line, reason) in [("{", "parse.truncated"), ("7", "parse.no_schema"), ("}", "parse.syntax")] {
        let error = Parser::new(&settings).unwrap().parse(&unit(line.as_bytes()), &Bump::new()).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[test]
fn a_million_brackets_are_refused_at_once() {
    for open in ["[", "{\"a\":"] {
        let line = open.repeat(1_000_000);
        let (reason, byte, _) = refused(&ParseSettings::default(), line.as_bytes());
        assert_eq!((reason, byte), ("parse.depth", 256 * open.len() as u64));
    }
    let settings = ParseSettings { max_depth: 1024, ..ParseSettings::default() };
    let deep = format!("{{\"text\": \"a\", \"x\": {}{}}}", "[".repeat(1023), "]".repeat(1023));
    let arena = Bump::new();
    assert!(matches!(parse_with(&settings, deep.as_bytes(), &arena), Parsed::Record(_)));
    assert!(Parser::new(&ParseSettings { max_depth: 1025, ..ParseSettings::default() }).is_err());
}

#[test]
fn a_hundred_thousand_keys_take_no_quadratic_time() {
    let members: Vec<String> = (0..100_000).map(|index| format!("\"key{index}\": {index}")).collect();
    let line = format!("{{{}, \"text\": \"a\"}}", members.join(", "));
    let start = std::time::Instant::now();
    let back = restored(&canonical(&line));
    assert_eq!(back.matches(':').count(), 100_001);
    let twice = format!("{{{}, \"key5\": 0}}", members.join(", "));
    assert_eq!(refused(&ParseSettings::default(), twice.as_bytes()).0, "parse.duplicate_key");
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
}

#[test]
fn unknown_schemas_name_what_was_seen() {
    let (reason, _, detail) = refused(&ParseSettings::default(), br#"{"utterance": 3, "who": null}"#);
    assert_eq!(reason, "parse.no_schema");
    assert!(
        detail.starts_with("an object with `utterance` (a number), `who` (null), expected a known schema"),
        "{detail}"
    );
}

#[test]
fn unknown_roles_are_named_and_can_be_mapped() {
    let line = br#"{"messages": [{"role": "Narrator", "content": "x"}]}"#;
    let (reason, _, detail) = refused(&ParseSettings::default(), line);
    assert_eq!(reason, "parse.role");
    assert!(detail.contains("`Narrator`") && detail.contains("parse.roles"), "{detail}");
    let settings: ParseSettings = serde_json::from_str(r#"{"roles": {"narrator": "system"}}"#).unwrap();
    let arena = Bump::new();
    let Parsed::Record(record) = parse_with(&settings, line, &arena) else { unreachable!() };
    assert_eq!((record.messages[0].role, record.messages[0].role_given), (Role::System, "Narrator"));
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&restored(&written(&record))).unwrap(),
        serde_json::from_slice::<serde_json::Value>(line).unwrap()
    );
}

#[test]
fn consecutive_turns_follow_their_policy() {
    let line = br#"{"messages": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]}"#;
    let arena = Bump::new();
    assert!(matches!(parse_with(&ParseSettings::default(), line, &arena), Parsed::Record(_)));
    let settings = ParseSettings { consecutive: Consecutive::Reject, ..ParseSettings::default() };
    assert_eq!(refused(&settings, line).0, "parse.consecutive");
}

#[test]
fn round_trips_of_shapes_by_hand() {
    for line in [
        r#"{"messages": []}"#,
        r#"[{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]"#,
        r#"{"id": 7, "messages": [{"role": "client", "content": "a"}, {"role": "counselor", "content": "b"}]}"#,
        r#"{"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "x"}}, "b"]}]}"#,
        r#"{"messages": [{"role": "function", "name": "f", "content": {"a": 1.0}}, {"role": "tool", "content": 5}, {"role": "user"}]}"#,
        r#"{"messages": [{"role": "assistant", "content": null, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": {"a": [1e2]}}}], "reasoning_content": "hm", "weight": 0}], "tools": [{"type": "function"}]}"#,
        r#"{"messages": [{"role": "user", "content": "a", "reasoning_content": null, "tool_calls": null, "function_call": {"name": "f"}}], "functions": []}"#,
        r#"{"conversations": [{"role": "user", "content": "a"}], "label": true, "tools": null}"#,
        r#"{"system": "s", "messages": [{"role": "user", "content": "a"}]}"#,
        r#"{"system": "s", "messages": [{"role": "system", "content": "t"}, {"role": "user", "content": "a"}]}"#,
        r#"{"system": "", "tools": "[{\"name\": \"f\"}]", "messages": [{"role": "user", "content": "a"}]}"#,
        r#"{"messages": [{"role": "user", "content": "a"}], "tools": " [1]"}"#,
        r#"{"messages": [{"role": "user", "content": "a"}], "tools": "none"}"#,
        r#"{"messages": [{"role": "user", "content": "a"}], "_origin": "o", "_schema": {"x": 1}, "_parent": "p", "rejected": 5, "_source": "s", "_category": "technical", "_own": 1}"#,
        r#"{"messages": 5, "text": "a", "rejected": null}"#,
        r#"{"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}"#,
        r#"{"id": "x", "conversations": [{"value": "a", "from": "user", "weight": 1.0}, {"value": "b", "from": "chatgpt", "markdown": null}], "lang": "en"}"#,
        r#"{"conversations": [{"from": "human", "value": "a", "role": "r", "content": "c", "tool_calls": 1}, {"from": "gpt", "value": null}, {"from": "gpt"}, {"from": "gpt", "value": 5}]}"#,
        r#"{"conversations": [{"from": "function_call", "value": "{\"name\": \"f\", \"arguments\": {\"a\": 1.0}}"}, {"from": "observation", "value": "{}"}], "tools": "[{\"name\":\"f\"}]", "system": "s"}"#,
        r#"{"conversations": [{"from": "function_call", "value": " {\"name\": \"f\"}"}, {"from": "function_call", "value": "[{\"name\": \"f\"}, {\"name\": \"g\"}]"}, {"from": "function_call", "value": "not json"}, {"from": "function_call", "value": "{\n  \"name\": \"f\"\n}"}]}"#,
        r#"[{"from": "human", "value": "a"}]"#,
        r#"{"messages": [{"from": "human", "content": "a"}]}"#,
        r#"{"dialog": [{"role": "user", "text": "a"}]}"#,
        r#"{"text": "a", "meta": {"x": [1, 2.50, {"y": null}]}}"#,
        r#"{"meta": 1, "text": ""}"#,
    ] {
        assert_round_trip(line);
    }
}

#[test]
fn pretty_printed_elements_become_one_line() {
    let line = "{\n  \"messages\": [\n    {\n      \"role\": \"user\",\n      \"content\": \"a\"\n    }\n  ],\n  \"x\": {\n \"y\": [1,\r\n2]}\n}";
    assert_round_trip(line);
    assert!(
        canonical(line).starts_with(r#"{"messages":[{"role":"user","content":"a"}],"x":{"y": [1, 2]},"#),
        "{}",
        canonical(line)
    );
}

#[test]
fn sharegpt_calls_become_tool_calls() {
    let line = r#"{"conversations": [{"from": "function_call", "value": "{\"name\": \"f\", \"arguments\": {\"a\": 1.0}}"}], "tools": "[]"}"#;
    let expected = r#"{"messages":[{"role":"assistant","content":null,"tool_calls":[{"type":"function","function":{"name": "f", "arguments": {"a": 1.0}}}]}],"tools":[],"_origin":"some/file.jsonl:7","_source":"file.jsonl","_schema":{"family":"sharegpt","dialect":"from_value","tools":"string","roles":["function_call"]}}"#;
    assert_eq!(canonical(line), expected);
    assert_eq!(
        restored(expected),
        r#"{"conversations":[{"from":"function_call","value":"{\"name\": \"f\", \"arguments\": {\"a\": 1.0}}"}],"tools":"[]"}"#
    );
}

#[test]
fn parts_of_llama_factory_hold_text() {
    let arena = Bump::new();
    let line = r#"{"messages": [{"role": "user", "content": [{"type": "text", "value": "a"}, {"type": "image_url", "value": "x.jpg"}]}]}"#;
    let mut record = record(line, &arena);
    let changed = record.messages[0].map_texts(|text| (text == "a").then_some("b"));
    assert!(changed && matches!(&record.messages[0].content, Content::Parts(parts) if parts[1].text.is_none()));
    record.messages_raw = None;
    assert!(written(&record).starts_with(r#"{"messages":[{"role":"user","content":[{"type":"text","value":"b"},{"type": "image_url", "value": "x.jpg"}]}]"#));
}

#[test]
fn changes_of_the_trace_have_names_of_the_reasons() {
    for change in [
        Change::Encoding,
        Change::LoneSurrogate,
        Change::DuplicateKey,
        Change::NonFinite,
        Change::ControlInString,
        Change::TrailingComma,
    ] {
        assert!(crate::json::DefectKind::ALL.iter().any(|kind| kind.reason() == change.name()), "{}", change.name());
    }
}

#[test]
fn round_trips_of_real_files() {
    let mut seen = 0;
    for path in [
        "hiyouga__LLaMA-Factory/data/glaive_toolcall_en_demo.json",
        "hiyouga__LLaMA-Factory/data/glaive_toolcall_zh_demo.json",
        "hiyouga__LLaMA-Factory/data/mllm_demo.json",
        "hiyouga__LLaMA-Factory/data/kto_en_demo.json",
        "hiyouga__LLaMA-Factory/data/v1_sft_demo.jsonl",
        "hiyouga__LLaMA-Factory/data/v1_multimodal_demo.jsonl",
        "hiyouga__LLaMA-Factory/data/reason_tool_use_demo_50.jsonl",
        "hiyouga__LLaMA-Factory/data/c4_demo.jsonl",
        "fairyshine__Seal-Tools/Seal-Tools_Dataset/dataset_for_finetune/dev.json",
        "ProfSynapse__Toolset-Training/Datasets/behavior_datasets/intellectual_humility/pairs_v1.1.jsonl",
        "lm-sys__FastChat/data/dummy_conversation.json",
    ] {
        for line in real_records(path).iter().take(300) {
            assert_round_trip(line);
            seen += 1;
        }
    }
    assert!(seen == 0 || seen > 1000, "{seen}");
}
