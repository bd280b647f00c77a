//! Round trips of every templated family: whatever else a record holds, it comes back as it was.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::family_samples::samples;
use super::testing::{assert_round_trip, canonical, real_records, record, restored};
use crate::record::Role;
use bumpalo::Bump;
use proptest::prelude::*;
use serde_json::json;

#[test]
fn every_family_brings_records_back_as_they_were() {
    let mut failures = Vec::new();
    for (family, lines) in samples() {
        // A runner counts over all its runs, so each family gets its own.
        let config = ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() };
        let result = proptest::test_runner::TestRunner::new(config).run(&lines, |line| {
            let found = record(&line, &Bump::new()).schema.family;
            prop_assert_eq!(found, family);
            assert_round_trip(&line);
            Ok(())
        });
        failures.extend(result.err().map(|error| format!("{family}: {error}")));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The text of a turn as `role: text`.
fn turns(line: &str) -> Vec<String> {
    let record: serde_json::Value = serde_json::from_str(&canonical(line)).unwrap();
    let side = |key: &str, mark: &str| -> Vec<String> {
        let turns = record[key].as_array().cloned().unwrap_or_default();
        turns
            .iter()
            .map(|turn| format!("{mark}{}: {}", turn["role"].as_str().unwrap(), turn["content"].as_str().unwrap()))
            .collect()
    };
    [side("messages", ""), side("rejected", "not ")].concat()
}

#[test]
fn each_mapping_is_what_its_file_says() {
    let cases: &[(&str, &[&str])] = &[
        (r#"{"instruction":"Add","input":"1 2","output":3}"#, &["user: Add\n\n1 2", "assistant: 3"]),
        (
            r#"{"instruction":"Hi","input":"","output":"Ho","history":[["a","b"]],"system":"S"}"#,
            &["system: S", "user: a", "assistant: b", "user: Hi", "assistant: Ho"],
        ),
        (r#"{"question":"Who?","answer":["A","B"]}"#, &["user: Who?", "assistant: A | B"]),
        (r#"{"question":"2?","choices":["1","2"],"answer":1}"#, &["user: 2?\nA. 1\nB. 2", "assistant: B"]),
        (
            r#"{"question":"2?","options":["A)1","B)2"],"rationale":"so","correct":"B"}"#,
            &["user: 2?\nA)1\nB)2", "assistant: so\nAnswer: B"],
        ),
        (
            r#"{"input":"Do","output_1":"x","output_2":"y","label":2}"#,
            &["user: Do", "assistant: y", "not assistant: x"],
        ),
        (
            r#"{"chosen":"\n\nHuman: a\n\nAssistant: b\n\nHuman: c\n\nAssistant: d","rejected":"\n\nHuman: a\n\nAssistant: b\n\nHuman: c\n\nAssistant: e"}"#,
            &["user: a", "assistant: b", "user: c", "assistant: d", "not assistant: e"],
        ),
        (
            r#"{"chosen":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}],"rejected":[{"role":"user","content":"a"},{"role":"assistant","content":"c"}]}"#,
            &["user: a", "assistant: b", "not assistant: c"],
        ),
        (
            r#"{"turns":[{"speaker":"USER","utterance":"a"},{"speaker":"SYSTEM","utterance":"b"}]}"#,
            &["user: a", "assistant: b"],
        ),
        (
            r#"{"chat_logs":[{"id":"agent_2","text":"a"},{"id":"agent_1","text":"b"},{"id":"agent_2","text":"c"}]}"#,
            &["user: a", "assistant: b", "user: c"],
        ),
        (
            r#"{"context":["x","y","z"],"positive_responses":["p","q"]}"#,
            &["user: x", "assistant: y", "user: z", "assistant: p"],
        ),
        (
            r#"{"message_tree_id":"t","prompt":{"text":"q","role":"prompter","replies":[{"text":"2nd","role":"assistant","rank":1},{"text":"1st","role":"assistant","rank":0}]}}"#,
            &["user: q", "assistant: 1st"],
        ),
        (
            r#"{"text":"<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nhi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nho<|eot_id|>"}"#,
            &["user: hi", "assistant: ho"],
        ),
        (r#"{"text":"A chat. USER: hi ASSISTANT: ho</s>"}"#, &["system: A chat.", "user: hi", "assistant: ho"]),
    ];
    for (line, expected) in cases {
        assert_eq!(&turns(line), expected, "{line}");
        assert_round_trip(line);
    }
}

/// Calls inside the text become calls; text that only looks like one stays.
#[test]
fn hermes_calls_become_tool_calls() {
    let line = r#"{"conversations":[{"from":"human","value":"add"},{"from":"gpt","value":"Now.\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1.0}}\n</tool_call>"},{"from":"tool","value":"<tool_response>\n2\n</tool_response>"},{"from":"gpt","value":"<tool_call>broken</tool_call>"}]}"#;
    assert_round_trip(line);
    let record: serde_json::Value = serde_json::from_str(&canonical(line)).unwrap();
    let messages = &record["messages"];
    assert_eq!(messages[1]["content"], "Now.");
    assert_eq!(
        messages[1]["tool_calls"][0]["function"],
        serde_json::from_str::<serde_json::Value>(r#"{"name":"f","arguments":{"a":1.0}}"#).unwrap()
    );
    assert_eq!((&messages[2]["role"], &messages[2]["content"]), (&json!("tool"), &json!("2")));
    assert_eq!(messages[3]["content"], "<tool_call>broken</tool_call>");
}

#[test]
fn tables_and_lexicons_are_no_conversations() {
    let lines = [
        json!({"value": "a", "category_name": "b"}),
        json!({"arg_id": "1", "argument": "We should", "topic": "t", "stance": "1"}),
        json!({"scenario_id": "1", "context": "You find a purse", "action1": "keep", "action2": "return"}),
        json!({"description": "names", "names": ["a", "b"]}),
        json!({"id": "1", "ground_truth": [{"f": {}}]}),
        json!({"name": "x", "turns": 3, "content": ["a", "b"]}),
        json!({"label": "spam", "score": 0.5}),
        json!({"question": "only a question"}),
        json!({"input": "only an input"}),
        json!({"choices": [], "answer": "A"}),
        json!({"log": [], "conversation": {}, "dialog": "x"}),
    ];
    for line in lines {
        let arena = Bump::new();
        let line = line.to_string();
        let parsed = super::testing::parse_with(&super::ParseSettings::default(), line.as_bytes(), &arena);
        assert!(
            matches!(&parsed, super::Parsed::Rejected(rejection) if rejection.reason == "parse.no_schema"),
            "{line}: {parsed:?}"
        );
    }
}

/// The normaliser removes turns of white space only; the way back knows what stood there.
#[test]
fn removed_blank_turns_come_back() {
    let line = r#"{"conversation":[{"input":"a","output":"  "},{"input":"b","output":"c"}]}"#;
    let mut record: serde_json::Value = serde_json::from_str(&canonical(line)).unwrap();
    record["messages"].as_array_mut().unwrap().remove(1);
    let back: serde_json::Value = serde_json::from_str(&restored(&record.to_string())).unwrap();
    assert_eq!(back, serde_json::from_str::<serde_json::Value>(line).unwrap());
}

/// Changed turns arrive in the source's shape.
#[test]
fn changed_turns_are_put_where_the_old_ones_stood() {
    let line = r#"{"instruction":"a\n\nb","input":"c","output":"d"}"#;
    let changed =
        canonical(line).replace(r#"a\n\nb\n\nc"#, r#"A\n\nB\n\nC"#).replace(r#""content":"d""#, r#""content":"D""#);
    assert_eq!(restored(&changed), r#"{"instruction":"A\n\nB","input":"C","output":"D"}"#);
    let text = r#"{"text":"Human: a\n\nAssistant: b"}"#;
    assert_eq!(
        restored(&canonical(text).replace(r#""content":"b""#, r#""content":"B""#)),
        r#"{"text":"Human: a\n\nAssistant: B"}"#
    );
}

#[test]
fn round_trips_of_real_files_of_the_families() {
    let files = [
        "teknium1__GPTeacher/Toolformer/toolformer-dedupe-only-dataset.json",
        "openai__grade-school-math/grade_school_math/data/test.jsonl",
        "hiyouga__LLaMA-Factory/data/dpo_en_demo.json",
        "kushalchawla__CaSiNo/data/split/casino_test.json",
        "princeton-nlp__LLMBar/Dataset/Natural/dataset.json",
        "google-deepmind__AQuA/dev.json",
        "SmartFlowAI__EmoLLM/datasets/aiwei.json",
        "LAION-AI__Open-Assistant/model/model_eval/manual/data/en_100_tree.jsonl",
        "ShishirPatil__gorilla/berkeley-function-call-leaderboard/bfcl_eval/data/BFCL_v4_simple_python.json",
    ];
    for file in files {
        let records = real_records(file);
        records.iter().take(300).for_each(|line| assert_round_trip(line));
        let arena = Bump::new();
        assert!(
            records
                .iter()
                .take(20)
                .all(|line| record(line, &arena).messages.iter().all(|turn| turn.role != Role::Text)),
            "{file}"
        );
    }
}
