#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use super::super::testing::{parse_with, refused, restored, written};
use super::super::{ParseSettings, Parsed, Parser};
use bumpalo::Bump;
use proptest::prelude::*;
use serde_json::{Value, json};

fn settings(schemas: Value) -> ParseSettings {
    serde_json::from_value(json!({ "schemas": schemas })).unwrap()
}

fn tickets() -> ParseSettings {
    settings(json!([
        {"name": "thread", "list": {"path": "thread.posts", "role": "by.kind", "text": "body",
            "roles": {"Customer": "user", "agent": "assistant"}}},
        {"name": "ticket", "turns": [
            {"role": "system", "path": "rules", "optional": true},
            {"role": "user", "path": "ticket.0.body"},
            {"role": "assistant", "path": "re\\.ply"},
        ], "rejected": "worse"},
    ]))
}

/// The canonical line under these settings, checked to come back as it was.
fn canonical(settings: &ParseSettings, line: &str) -> Value {
    let arena = Bump::new();
    let Parsed::Record(record) = parse_with(settings, line.as_bytes(), &arena) else { panic!("{line} is no record") };
    let canonical = written(&record);
    let back: Value = serde_json::from_str(&restored(&canonical)).unwrap();
    assert_eq!(back, serde_json::from_str::<Value>(line).unwrap(), "{canonical}");
    serde_json::from_str(&canonical).unwrap()
}

#[test]
fn fields_become_turns_and_everything_else_travels() {
    let line = r#"{"id": 18446744073709551616, "ticket": [{"body": "Help", "at": 7}, "x"], "re.ply": "Done", "worse": "No", "rules": null}"#;
    let record = canonical(&tickets(), line);
    assert_eq!(record["messages"][0], json!({"role": "user", "content": "Help"}));
    assert_eq!(record["messages"][1], json!({"role": "assistant", "content": "Done"}));
    assert_eq!(record["rejected"][0]["content"], "No");
    assert_eq!(record["id"].to_string(), "18446744073709551616");
    assert_eq!(record["_schema"]["family"], "mapped");
    assert_eq!(record["_schema"]["dialect"], "ticket");
}

#[test]
fn a_list_of_turns_has_its_own_names_of_roles() {
    let line = r#"{"thread": {"n": 2, "posts": [{"by": {"kind": "customer"}, "body": "a", "t": 1}, {"by": {"kind": "AGENT"}, "body": "b"}]}}"#;
    let record = canonical(&tickets(), line);
    let turns: Vec<_> =
        record["messages"].as_array().unwrap().iter().map(|turn| (&turn["role"], &turn["content"])).collect();
    assert_eq!(turns, [(&json!("user"), &json!("a")), (&json!("assistant"), &json!("b"))]);
}

#[test]
fn an_own_schema_goes_before_the_shipped_ones() {
    let own = settings(json!([{"name": "swapped", "turns": [
        {"role": "user", "path": "completion"}, {"role": "assistant", "path": "prompt"}]}]));
    let record = canonical(&own, r#"{"prompt": "p", "completion": "c"}"#);
    assert_eq!(record["messages"][0]["content"], "c");
}

#[test]
fn a_condition_chooses_between_schemas() {
    let ending = |name: &str, said: &str, from: &str| {
        json!({"name": name, "where": {"meta.right": said, "kind": "*"}, "turns": [
            {"role": "user", "path": "begin"}, {"role": "assistant", "path": from}]})
    };
    let own = settings(json!([ending("first", "1", "a"), ending("second", "2", "b")]));
    for (right, answer) in [("1", "x"), ("2", "y"), ("\"2\"", "y")] {
        let line = format!(r#"{{"kind": 0, "meta": {{"right": {right}}}, "begin": "s", "a": "x", "b": "y"}}"#);
        assert_eq!(canonical(&own, &line)["messages"][1]["content"], answer);
    }
    let (_, _, detail) = refused(&own, br#"{"kind": 0, "meta": {"right": 3}, "begin": "s", "a": "x", "b": "y"}"#);
    assert!(detail.ends_with("needs `meta.right` to be \"2\""), "{detail}");
    let (_, _, detail) = refused(&own, br#"{"kind": null, "meta": {"right": 1}, "begin": "s", "a": "x", "b": "y"}"#);
    assert!(detail.contains("needs `kind`"), "{detail}");
}

#[test]
fn a_record_that_fits_none_is_told_what_the_nearest_lacks() {
    let (reason, _, detail) = refused(&tickets(), br#"{"ticket": [{"body": "Help"}], "reply": "Done"}"#);
    assert_eq!(reason, "parse.no_schema");
    assert!(detail.ends_with("; schema `ticket` of the plan needs `re.ply`"), "{detail}");
    let (reason, _, detail) = refused(&tickets(), br#"{"thread": {"posts": [{"by": {"kind": "owl"}, "body": "a"}]}}"#);
    assert_eq!(reason, "parse.role");
    assert!(detail.contains("owl"), "{detail}");
}

#[test]
fn a_schema_that_cannot_be_meant_is_refused_with_its_place() {
    let turn = |from: &str| json!({"role": "user", "path": from});
    for (schema, expected) in [
        (json!({"name": "a b", "turns": [turn("x")]}), "parse.schemas[0].name"),
        (json!({"name": "a"}), "has no turns"),
        (json!({"name": "a", "turns": [turn("x"), turn("x.y")]}), "overlaps `x` of `parse.schemas[0].turns[0].path`"),
        (json!({"name": "a", "turns": [turn("x..y")]}), "is no field"),
        (json!({"name": "a", "turns": [{"role": "user", "path": "x", "optional": true}]}), "all optional"),
    ] {
        let message = Parser::new(&settings(json!([schema]))).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
    let twice = json!({"name": "a", "turns": [turn("x")]});
    let message = Parser::new(&settings(json!([twice, twice]))).unwrap_err().to_string();
    assert!(message.contains("parse.schemas[1].name"), "{message}");
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[ -~\\n]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::vec((prop_oneof!["[a-c]", Just(String::from("body"))], inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn any_record_of_an_own_schema_comes_back(
        members in proptest::collection::vec(
            (proptest::sample::select(vec!["rules", "ticket", "re.ply", "worse", "id", "messages"]), value()), 0..7),
        body in value(),
    ) {
        let mut record: serde_json::Map<String, Value> =
            members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        record.insert("ticket".into(), json!([{"body": body, "more": 1}]));
        let line = Value::Object(record).to_string();
        let arena = Bump::new();
        let settings = tickets();
        if let Parsed::Record(record) = parse_with(&settings, line.as_bytes(), &arena)
            && record.schema.family == "mapped"
        {
            canonical(&settings, &line);
        }
    }
}
