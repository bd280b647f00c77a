#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

/// Converts these lines; the lines written and the refusals (`LINE reason`).
fn converted(lines: &str, target: Target) -> (Vec<String>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.jsonl");
    std::fs::write(&path, lines).unwrap();
    let mut out = Vec::new();
    let mut refusals = Vec::new();
    let done = convert(
        &[path.to_string_lossy().into_owned()],
        &ReadSettings::default(),
        &ParseSettings::default(),
        target,
        &mut out,
        &mut |refused| {
            let place = refused.origin.rsplit(':').next().unwrap();
            refusals.push(format!("{place} {}", refused.reason));
            Ok(())
        },
    )
    .unwrap();
    assert_eq!(done.units, done.empty + done.written + done.refused.values().sum::<u64>());
    let text = String::from_utf8(out).unwrap();
    let written: Vec<String> = text.lines().map(str::to_owned).collect();
    assert_eq!(written.len() as u64, done.written);
    (written, refusals)
}

fn one_line(line: &str, form: Form) -> Result<String, String> {
    let (mut written, mut refusals) = converted(line, Target::Form(form));
    written.pop().ok_or_else(|| refusals.pop().unwrap())
}

#[test]
fn each_form_of_a_conversation() {
    let chat = r#"{"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "a\u00e9"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}, {"role": "assistant", "content": "d"}], "id": 1.0, "_source": "x"}"#;
    let cases = [
        (
            Form::Openai,
            r#"{"messages":[{"role":"system","content":"s"},{"role":"user","content":"a\u00e9"},{"role":"assistant","content":"b"},{"role":"user","content":"c"},{"role":"assistant","content":"d"}],"id":1.0}"#,
        ),
        (
            Form::Alpaca,
            r#"{"instruction":"c","input":"","output":"d","system":"s","history":[["a\u00e9","b"]],"id":1.0}"#,
        ),
        (
            Form::Sharegpt,
            r#"{"conversations":[{"from":"system","value":"s"},{"from":"human","value":"a\u00e9"},{"from":"gpt","value":"b"},{"from":"human","value":"c"},{"from":"gpt","value":"d"}],"id":1.0}"#,
        ),
    ];
    for (form, expected) in cases {
        assert_eq!(one_line(chat, form).as_deref(), Ok(expected));
    }
    assert_eq!(one_line(chat, Form::PromptCompletion), Err("1 write.form.turns".into()));
    let pair = r#"{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}"#;
    assert_eq!(one_line(pair, Form::PromptCompletion).as_deref(), Ok(r#"{"prompt":"a","completion":"b"}"#));
}

#[test]
fn calls_get_ids_and_string_arguments() {
    let line = r#"{"conversations": [{"from": "human", "value": "a"}, {"from": "function_call", "value": "{\"name\": \"f\", \"arguments\": {\"x\": 1.0}}"}, {"from": "observation", "value": "r"}, {"from": "gpt", "value": "b"}], "tools": "[{\"name\": \"f\"}]"}"#;
    assert_eq!(
        one_line(line, Form::Openai).unwrap(),
        r#"{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{\"x\": 1.0}"}}]},{"role":"tool","content":"r","tool_call_id":"call_1"},{"role":"assistant","content":"b"}],"tools":[{"type":"function","function":{"name": "f"}}]}"#
    );
    let openai = r#"{"messages": [{"role": "assistant", "content": "so", "tool_calls": [{"id": "i", "type": "function", "function": {"name": "f", "arguments": "{\"x\": 1}"}}]}]}"#;
    assert_eq!(
        one_line(openai, Form::Sharegpt).unwrap(),
        r#"{"conversations":[{"from":"gpt","value":"so"},{"from":"function_call","value":"{\"name\":\"f\",\"arguments\":{\"x\": 1}}"}]}"#
    );
}

#[test]
fn what_a_form_cannot_hold_is_refused_with_its_reason() {
    let turn = |more: &str| {
        format!(
            r#"{{"messages": [{{"role": "user", "content": "a"}}, {{"role": "assistant", "content": "b"{more}}}]}}"#
        )
    };
    let cases = [
        (turn(r#", "tool_calls": []"#), Form::Alpaca, "write.form.calls"),
        (turn(r#", "weight": 0"#), Form::Alpaca, "write.form.fields"),
        (turn(r#", "reasoning_content": "r""#), Form::PromptCompletion, "write.form.reasoning"),
        (r#"{"messages": [{"role": "user", "content": "a"}], "id": 1}"#.into(), Form::Alpaca, "write.form.turns"),
        (
            r#"{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], "tools": []}"#
                .into(),
            Form::Alpaca,
            "write.form.tools",
        ),
        (
            r#"{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], "history": 1}"#
                .into(),
            Form::Alpaca,
            "write.form.clash",
        ),
        (
            r#"{"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}"#.into(),
            Form::Sharegpt,
            "write.form.parts",
        ),
        (r#"{"text": "a"}"#.into(), Form::Openai, "write.form.text"),
    ];
    for (line, form, reason) in cases {
        assert_eq!(one_line(&line, form), Err(format!("1 {reason}")), "{line}");
    }
}

#[test]
fn alpaca_keeps_instruction_and_input_apart() {
    for line in [
        r#"{"instruction":"do","input":"x\n\ny","output":"z","id":1e2}"#,
        r#"{"instruction":"do\n\nthis","input":"x","output":"z"}"#,
        r#"{"instruction":"do","input":"","output":"z"}"#,
    ] {
        assert_eq!(one_line(line, Form::Alpaca).unwrap(), line);
        let canonical = one_line(line, Form::Messages).unwrap();
        assert_eq!(one_line(&canonical, Form::Alpaca).unwrap(), line, "through a finished run");
        assert_eq!(converted(&canonical, Target::Own).0, [line]);
    }
    assert_eq!(
        one_line(r#"{"instruction":"a","response":"b"}"#, Form::Alpaca).unwrap(),
        r#"{"instruction":"a","input":"","output":"b"}"#
    );
}

#[test]
fn preference_pairs_in_every_form() {
    let line = r#"{"prompt": "a", "chosen": "b", "rejected": "c", "score": 1.50}"#;
    let cases = [
        (
            Form::Openai,
            r#"{"input":{"messages":[{"role":"user","content":"a"}]},"preferred_output":[{"role":"assistant","content":"b"}],"non_preferred_output":[{"role":"assistant","content":"c"}],"score":1.50}"#,
        ),
        (Form::Alpaca, r#"{"instruction":"a","input":"","chosen":"b","rejected":"c","score":1.50}"#),
        (
            Form::Sharegpt,
            r#"{"conversations":[{"from":"human","value":"a"}],"chosen":{"from":"gpt","value":"b"},"rejected":{"from":"gpt","value":"c"},"score":1.50}"#,
        ),
        (Form::PromptCompletion, r#"{"prompt":"a","chosen":"b","rejected":"c","score":1.50}"#),
    ];
    for (form, expected) in cases {
        assert_eq!(one_line(line, form).as_deref(), Ok(expected));
        // Each form is read again as the same pair.
        let again = one_line(expected, Form::PromptCompletion);
        if form != Form::Openai {
            assert_eq!(again.unwrap().replace(r#""input":"","#, ""), cases[3].1, "{form:?}");
        }
    }
}

#[test]
fn records_of_a_run_return_to_their_own_schema() {
    let lines = [
        r#"{"id":7,"conversations":[{"from":"human","value":"a\u00e9"},{"from":"chatgpt","value":"b"}]}"#,
        r#"{"text":"a","n":1.0}"#,
        r#"{"messages":[{"role":"client","content":"a"}],"_origin":"old:1","_category":"x"}"#,
    ];
    let canonical = converted(&lines.join("\n"), Target::Form(Form::Messages)).0.join("\n");
    let (own, refusals) = converted(&canonical, Target::Own);
    assert!(refusals.is_empty(), "{refusals:?}");
    assert_eq!(own, lines);
}

#[test]
fn bad_units_are_reported_and_the_rest_goes_on() {
    let (written, refusals) = converted("{\"text\": \"a\"}\n\nnonsense\n{\"x\": 1}\n", Target::Form(Form::Messages));
    assert_eq!(written.len(), 1);
    assert_eq!(refusals, ["3 parse.syntax", "4 parse.no_schema"]);
}

#[test]
fn an_unfinished_run_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("data")).unwrap();
    std::fs::write(folder.path().join("report.json"), "{}").unwrap();
    let inputs = [folder.path().to_string_lossy().into_owned()];
    let error = convert(
        &inputs,
        &ReadSettings::default(),
        &ParseSettings::default(),
        Target::Own,
        &mut Vec::new(),
        &mut |_| Ok(()),
    );
    assert!(error.unwrap_err().to_string().contains("an unfinished run"));
}
