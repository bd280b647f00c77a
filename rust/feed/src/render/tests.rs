#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use bumpalo::Bump;
use corpuskit_core::json::{Limits, parse};

/// A conversation and, in place of each family's control tokens, `^` and `$`.
fn rendered(name: &str, record: &str, marks: Marks) -> Result<Rendered, Stop> {
    let arena = Bump::new();
    let node = parse(record, &arena, Limits::default()).unwrap();
    let conversation = Conversation::read(&node).unwrap();
    let specials = Specials { bos: "^".to_owned(), eos: "$".to_owned() };
    let trained: Vec<Trained> = conversation
        .turns
        .iter()
        .map(|turn| Trained { turn: turn.is_assistant() && turn.wanted, reasoning: true, calls: true })
        .collect();
    let mut out = Rendered::default();
    family(name, &specials).unwrap().render(&conversation, &trained, marks, &mut out)?;
    Ok(out)
}

fn learnt(rendered: &Rendered) -> Vec<&str> {
    rendered.trained().into_iter().map(|run| &rendered.text[run.start as usize..run.end as usize]).collect()
}

const TALK: &str = r#"{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b","weight":0},{"role":"user","content":"c"},{"role":"assistant","content":"d"}]}"#;

#[test]
fn every_family_trains_the_answer_and_its_end_and_leaves_no_hole() {
    for (name, make) in FAMILIES {
        let specials = Specials { bos: "^".to_owned(), eos: "$".to_owned() };
        let end = make(&specials).end().to_owned();
        for marks in Marks::ALL {
            let rendered = rendered(name, TALK, marks).unwrap();
            let mut at = 0;
            for segment in &rendered.segments {
                assert_eq!(segment.start, at, "{name}");
                at = segment.end;
            }
            assert_eq!(at as usize, rendered.text.len());
            let learnt = learnt(&rendered).concat();
            assert!(
                learnt.contains('d') && !learnt.contains(['a', 'b', 'c']) && learnt.contains(end.trim()),
                "{name} {learnt:?}"
            );
        }
    }
}

#[test]
fn marks_decide_about_line_breaks() {
    for (marks, expected) in
        [(Marks { lead: false, trail: false }, "d<|im_end|>"), (Marks { lead: true, trail: true }, "\nd<|im_end|>\n")]
    {
        assert_eq!(learnt(&rendered("chatml", TALK, marks).unwrap()), [expected]);
    }
}

#[test]
fn what_a_template_would_leave_out_is_refused() {
    let tool = r#"{"messages":[{"role":"user","content":"a"},{"role":"tool","content":"t"},{"role":"assistant","content":"b"}]}"#;
    assert!(matches!(rendered("phi3", tool, Marks::default()), Err(Stop::Refused(_))));
    assert!(rendered("qwen3", tool, Marks::default()).is_ok());
    let thought =
        r#"{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"lost<think>x</think>y"}]}"#;
    assert!(matches!(rendered("qwen3", thought, Marks::default()), Err(Stop::Refused(_))));
    let twice = r#"{"messages":[{"role":"user","content":"a"},{"role":"user","content":"b"}]}"#;
    assert!(matches!(rendered("gemma", twice, Marks::default()), Err(Stop::Unsupported(_))));
}
