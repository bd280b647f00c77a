//! Round trips of made-up records, 2,000 a family: any fields, in any order, of any type.

use super::testing::assert_round_trip;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn text() -> impl Strategy<Value = Value> {
    prop_oneof!["[ -~\\n\\té日😀]{0,40}", any::<String>(), Just(String::new()), Just(" \n".into())]
        .prop_map(Value::from)
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text(),
        Just(serde_json::from_str("18446744073709551616").unwrap_or_default()),
        Just(serde_json::from_str("-0").unwrap_or_default()),
        Just(serde_json::from_str("1e2").unwrap_or_default()),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec(("[a-c_\"]{0,2}", inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// An object of these members and some of the optional ones, in any order.
fn object(members: Vec<(String, Value)>) -> impl Strategy<Value = Value> {
    Just(members).prop_shuffle().prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>()))
}

/// Some members with these names, or any.
fn extras(names: &'static [&'static str]) -> impl Strategy<Value = Vec<(String, Value)>> {
    let name = prop_oneof![proptest::sample::select(names).prop_map(str::to_owned), "[a-z]{1,6}"];
    proptest::collection::vec((name, value()), 0..4)
}

fn role() -> impl Strategy<Value = Value> {
    const NAMES: &[&str] = &[
        "user",
        "assistant",
        "system",
        "tool",
        "developer",
        "human",
        "gpt",
        "Bot",
        "client",
        "counselor",
        "function",
        "observation",
        "function_call",
    ];
    proptest::sample::select(NAMES).prop_map(Value::from)
}

fn content() -> impl Strategy<Value = Value> {
    let part = prop_oneof![
        text().prop_map(|text| json!({"type": "text", "text": text})),
        text().prop_map(|text| json!({"type": "text", "value": text})),
        text(),
        Just(json!({"type": "image_url", "image_url": {"url": "x"}})),
    ];
    prop_oneof![4 => text(), 1 => Just(Value::Null), 1 => proptest::collection::vec(part, 0..3).prop_map(Value::from), 1 => value()]
}

fn openai_turn() -> impl Strategy<Value = Value> {
    const NAMES: &[&str] = &["name", "weight", "tool_call_id", "function_call", "reasoning_content", "tool_calls"];
    (role(), content(), extras(NAMES)).prop_flat_map(|(role, content, mut members)| {
        members.push(("role".into(), role));
        members.push(("content".into(), content));
        object(members)
    })
}

fn sharegpt_turn() -> impl Strategy<Value = Value> {
    const NAMES: &[&str] = &["weight", "role", "content", "tool_calls", "reasoning_content"];
    let said = prop_oneof![
        6 => content(),
        1 => text().prop_map(|text| Value::from(json!({"name": "f", "arguments": {"a": text}}).to_string())),
        1 => Just(Value::from("[{\"name\": \"f\"}, {\"name\":\"g\"}]")),
        1 => Just(Value::from(" {\"name\": \"f\",\n \"arguments\": {} }")),
    ];
    (role(), said, extras(NAMES)).prop_flat_map(|(role, said, mut members)| {
        members.push(("from".into(), role));
        members.push(("value".into(), said));
        object(members)
    })
}

fn conversation(keys: &'static [&'static str], turn: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    const NAMES: &[&str] = &[
        "tools",
        "system",
        "id",
        "label",
        "functions",
        "_origin",
        "_source",
        "_category",
        "_schema",
        "_parent",
        "rejected",
        "_own",
    ];
    (proptest::sample::select(keys), proptest::collection::vec(turn, 1..5), extras(NAMES)).prop_flat_map(
        |(key, turns, mut members)| {
            members.push((key.to_owned(), Value::from(turns)));
            object(members)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn openai(record in conversation(&["messages", "conversations", "dialog"], openai_turn())) {
        assert_round_trip(&record.to_string());
    }

    #[test]
    fn sharegpt(record in conversation(&["conversations", "conversation", "messages"], sharegpt_turn())) {
        assert_round_trip(&record.to_string());
    }

    #[test]
    fn bare_arrays(turns in prop_oneof![proptest::collection::vec(openai_turn(), 1..4), proptest::collection::vec(sharegpt_turn(), 1..4)]) {
        assert_round_trip(&Value::from(turns).to_string());
    }

    #[test]
    fn plain_text(record in (text(), extras(&["_origin", "messages", "meta", "tools"])).prop_flat_map(|(text, mut members)| {
        members.push(("text".into(), text));
        object(members)
    })) {
        assert_round_trip(&record.to_string());
    }
}
