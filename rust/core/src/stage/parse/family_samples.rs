//! Records of every templated family, put together at random.

#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

type Members = Vec<(&'static str, String)>;

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// Texts with whatever could confuse joining, cutting and templates.
fn text() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "",
        " ",
        "\n",
        "\n\n",
        "a",
        "word and word",
        "é",
        "😀",
        "\"",
        "\\",
        "\t",
        "\r\n",
        "Human:",
        "\n\nHuman: ",
        "\n\nAssistant: ",
        "<|im_start|>user",
        "<|im_end|>",
        "</s>",
        "$turn",
        "A. ",
        "B) x",
        "Answer: ",
        "\u{feff}",
        "0",
        "[INST]",
    ]);
    prop::collection::vec(pieces, 0..5).prop_map(|pieces| pieces.concat())
}

fn words() -> impl Strategy<Value = String> {
    text().prop_map(|text| format!("w{text}w"))
}

fn string() -> impl Strategy<Value = String> {
    text().prop_map(|text| quoted(&text))
}

/// JSON of any shape, numbers spelled in every way.
fn value() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        prop::sample::select(vec![
            "null",
            "true",
            "false",
            "0",
            "-0",
            "1.0",
            "1e2",
            "1E-7",
            "18446744073709551616",
            "\"\\u0041\\/\""
        ])
        .prop_map(str::to_owned),
        string(),
    ];
    scalar.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|items| format!("[{}]", items.join(" , "))),
            prop::collection::hash_map(
                prop::sample::select(vec!["$turn", "$$", "a", "role", "content", "is"]),
                inner,
                0..3
            )
            .prop_map(|members| {
                let members: Vec<String> = members.iter().map(|(key, value)| format!("\"{key}\": {value}")).collect();
                format!("{{{}}}", members.join(", "))
            }),
        ]
    })
}

/// An answer as question sets have them.
fn answer() -> impl Strategy<Value = String> {
    let scalar = prop::sample::select(vec!["null", "true", "false", "42", "1.0", "-0"]).prop_map(str::to_owned);
    prop_oneof![
        4 => string(),
        1 => scalar.clone(),
        1 => prop::collection::vec(prop_oneof![string(), scalar], 0..3).prop_map(|items| format!("[{}]", items.join(", "))),
    ]
}

fn list(item: impl Strategy<Value = String>, from: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(item, from..4).prop_map(|items| format!("[{}]", items.join(", ")))
}

fn of(members: Vec<(&'static str, BoxedStrategy<String>)>) -> BoxedStrategy<Members> {
    let keys: Vec<&'static str> = members.iter().map(|(key, _)| *key).collect();
    let values: Vec<BoxedStrategy<String>> = members.into_iter().map(|(_, value)| value).collect();
    values.prop_map(move |values| keys.iter().copied().zip(values).collect()).boxed()
}

/// A record's own members, others around them, in any order.
fn line(own: BoxedStrategy<Members>) -> BoxedStrategy<String> {
    let keys =
        vec!["id", "zz", "_source", "_category", "_origin", "_schema", "tools", "weight", "$turn", "template", "ключ"];
    let others = prop::collection::hash_map(prop::sample::select(keys), value(), 0..4);
    (own, others, any::<bool>(), any::<prop::sample::Index>())
        .prop_map(|(own, others, shuffle, at)| {
            let mut members: Vec<(String, String)> =
                own.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
            for (key, value) in others {
                if members.iter().all(|(own, _)| own != key) {
                    members.push((key.to_owned(), value));
                }
            }
            if shuffle {
                let middle = at.index(members.len());
                members.rotate_left(middle);
            }
            let members: Vec<String> = members.iter().map(|(key, value)| format!("{}: {value}", quoted(key))).collect();
            format!("{{{}}}", members.join(", "))
        })
        .boxed()
}

fn object(members: Vec<(&'static str, BoxedStrategy<String>)>) -> BoxedStrategy<String> {
    of(members)
        .prop_map(|members| {
            let members: Vec<String> = members.iter().map(|(key, value)| format!("\"{key}\": {value}")).collect();
            format!("{{{}}}", members.join(", "))
        })
        .boxed()
}

fn one(text: &'static str) -> BoxedStrategy<String> {
    Just(text.to_owned()).boxed()
}

fn message() -> BoxedStrategy<String> {
    let role = prop::sample::select(vec!["\"user\"", "\"assistant\"", "\"human\"", "\"system\""])
        .prop_map(str::to_owned)
        .boxed();
    prop_oneof![
        object(vec![("role", role.clone()), ("content", string().boxed()), ("weight", value().boxed())]),
        object(vec![("from", role), ("value", string().boxed())]),
    ]
    .boxed()
}

fn transcript() -> BoxedStrategy<String> {
    prop::collection::vec((words(), words()), 1..3)
        .prop_map(|rounds| {
            let text: String =
                rounds.iter().map(|(user, bot)| format!("\n\nHuman: {user}\n\nAssistant: {bot}")).collect();
            quoted(&text)
        })
        .boxed()
}

/// Every family and dialect with records of it.
pub(super) fn samples() -> Vec<(&'static str, BoxedStrategy<String>)> {
    let s = || string().boxed();
    let a = || answer().boxed();
    let pairs = || list(list(string(), 2).prop_filter("pairs", |pair| pair.matches("\", \"").count() == 1), 0).boxed();
    let history = move || prop_oneof![pairs(), list(message(), 1).boxed()].boxed();
    let turn = |speaker: &'static str, said: &'static str, names: Vec<&'static str>| {
        let name = prop::sample::select(names).prop_map(quoted).boxed();
        object(vec![(speaker, name), ("x", value().boxed()), (said, string().boxed())])
    };
    let texts = |from| list(words().prop_map(|text| quoted(&text)), from).boxed();
    let reply = object(vec![("text", s()), ("role", one("\"assistant\"")), ("rank", one("1")), ("replies", one("[]"))]);
    let replies = list(reply, 0).boxed();
    let markup = |open: &'static str, middle: &'static str, close: &'static str| {
        (words(), words()).prop_map(move |(user, bot)| quoted(&format!("{open}{user}{middle}{bot}{close}"))).boxed()
    };
    let called = (words(), value(), words()).prop_map(|(before, arguments, after)| {
        quoted(&format!("{before}\n<tool_call>\n{{\"name\": \"f\", \"arguments\": {arguments}}}\n</tool_call>{after}"))
    });
    let calling = object(vec![("from", one("\"gpt\"")), ("value", called.boxed())]);
    let answering = object(vec![
        ("from", one("\"tool\"")),
        ("value", words().prop_map(|text| quoted(&format!("<tool_response>\n{text}\n</tool_response>"))).boxed()),
    ]);
    let hermes = (calling, answering)
        .prop_map(|(call, answer)| format!("[{{\"from\": \"human\", \"value\": \"hi\"}}, {call}, {answer}]"))
        .boxed();
    vec![
        ("hermes", of(vec![("conversations", hermes)])),
        ("alpaca", of(vec![("instruction", s()), ("input", a()), ("output", value().boxed())])),
        ("alpaca", of(vec![("instruction", s()), ("response", a())])),
        (
            "alpaca",
            of(vec![("instruction", s()), ("input", s()), ("output", s()), ("system", s()), ("history", history())]),
        ),
        ("dolly", of(vec![("instruction", s()), ("context", s()), ("response", s()), ("category", s())])),
        (
            "self_instruct",
            of(vec![
                ("instruction", s()),
                ("instances", list(object(vec![("input", a()), ("output", s())]), 1).boxed()),
            ]),
        ),
        ("prompt_completion", of(vec![("prompt", s()), ("completion", a()), ("label", a())])),
        ("prompt_completion", of(vec![("prompt", s()), ("response", s()), ("system", s()), ("history", pairs())])),
        ("question_answer", of(vec![("question", s()), ("answer", a())])),
        (
            "question_answer",
            of(vec![("questionTitle", a()), ("questionText", s()), ("answerText", s())])
                .prop_filter("title", |members| members[0].1.starts_with('"'))
                .boxed(),
        ),
        ("query_response", of(vec![("query", s()), ("response", s()), ("history", history())])),
        ("openorca", of(vec![("id", s()), ("system_prompt", s()), ("question", s()), ("response", s())])),
        (
            "preference",
            of(vec![("prompt", s()), ("chosen", words().prop_map(|text| quoted(&text)).boxed()), ("rejected", s())]),
        ),
        ("preference", of(vec![("instruction", s()), ("input", s()), ("chosen", message()), ("rejected", message())])),
        ("preference", of(vec![("chosen", list(message(), 1).boxed()), ("rejected", list(message(), 1).boxed())])),
        (
            "preference",
            of(vec![("conversations", list(message(), 1).boxed()), ("chosen", message()), ("rejected", message())]),
        ),
        ("hh", of(vec![("chosen", transcript()), ("rejected", transcript())])),
        ("pairwise", of(vec![("input", s()), ("output_1", s()), ("output_2", s()), ("label", a())])),
        (
            "pairwise",
            of(vec![
                ("instruction", s()),
                ("input", s()),
                ("response1", s()),
                ("response2", s()),
                ("annotator1", one("1")),
                ("annotator2", a()),
            ]),
        ),
        (
            "dialogue",
            of(vec![("utterances", list(turn("speaker", "text", vec!["user", "assistant", "SYSTEM"]), 1).boxed())]),
        ),
        ("dialogue", of(vec![("chat_logs", list(turn("id", "text", vec!["x", "y", "z"]), 1).boxed())])),
        ("dialogue", of(vec![("dialog", texts(2))])),
        (
            "rounds",
            of(vec![(
                "conversation",
                list(object(vec![("system", s()), ("input", s()), ("output", s()), ("k", value().boxed())]), 1).boxed(),
            )]),
        ),
        ("rounds", of(vec![("log", object(vec![("user utterance", s()), ("system response", s())]))])),
        ("responses", of(vec![("context", texts(1)), ("positive_responses", texts(1)), ("id", value().boxed())])),
        (
            "responses",
            of(vec![
                ("personality", texts(1)),
                ("utterances", list(object(vec![("candidates", texts(1)), ("history", texts(1))]), 1).boxed()),
            ]),
        ),
        ("multiple_choice", of(vec![("question", s()), ("options", texts(2)), ("rationale", s()), ("correct", a())])),
        (
            "multiple_choice",
            of(vec![("question", s()), ("choice0", a()), ("choice1", a()), ("choice2", s()), ("answer", one("\"2\""))]),
        ),
        (
            "multiple_choice",
            of(vec![
                ("question", s()),
                ("choices", one(r#"{"text": ["x", "y"], "label": ["1", "2"]}"#)),
                ("answerKey", a()),
            ]),
        ),
        (
            "bfcl",
            of(vec![
                (
                    "question",
                    list(list(message().prop_filter("role", |message| message.contains("role")), 1), 1).boxed(),
                ),
                ("function", value().boxed()),
            ]),
        ),
        (
            "toolbench",
            of(vec![
                ("query", s()),
                ("available_tools", one(r#"[{"name": "f"}]"#)),
                ("answer", object(vec![("final_answer", s()), ("x", value().boxed())])),
            ]),
        ),
        (
            "toolbench",
            of(vec![
                ("win", a()),
                (
                    "answer_generation",
                    object(vec![("query", s()), ("final_answer", s()), ("function", value().boxed())]),
                ),
            ]),
        ),
        (
            "oasst",
            of(vec![("message_id", s()), ("text", s()), ("role", one("\"prompter\"")), ("replies", replies.clone())]),
        ),
        (
            "oasst",
            of(vec![
                ("message_tree_id", s()),
                ("prompt", object(vec![("text", s()), ("role", one("\"prompter\"")), ("replies", replies)])),
            ]),
        ),
        ("arena", of(vec![("question_id", a()), ("turns", texts(1))])),
        (
            "arena",
            of(vec![
                ("question_id", a()),
                ("choices", list(object(vec![("index", one("0")), ("turns", texts(1))]), 1).boxed()),
            ]),
        ),
        ("scenario", of(vec![("scenario", s()), ("label", a())])),
        (
            "glaive",
            of(vec![
                ("system", words().prop_map(|text| quoted(&format!("SYSTEM: {text}"))).boxed()),
                ("chat", markup("USER: ", "\n\n\nASSISTANT: ", " <|endoftext|>\n")),
            ]),
        ),
        (
            "markup",
            of(vec![("text", markup("<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n", "<|im_end|>\n"))]),
        ),
        ("markup", of(vec![("text", markup("<s>[INST] <<SYS>>\nsys\n<</SYS>>\n\n", " [/INST] ", " </s>"))])),
        ("markup", of(vec![("text", markup("Below is a task.\n\n### Instruction:\n", "\n\n### Response:\n", ""))])),
        ("markup", of(vec![("text", markup("Human: ", "\n\nAssistant: ", ""))])),
    ]
    .into_iter()
    .map(|(family, own)| (family, line(own)))
    .collect()
}
