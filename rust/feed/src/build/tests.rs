#![expect(clippy::unwrap_used, clippy::single_range_in_vec_init, reason = "tests")]

use super::*;
use crate::render::{Specials, family};
use crate::tokenise::{Reference, Tokeniser};
use corpuskit_core::plan::tokenising::{Overflow, Untrainable};
use proptest::prelude::*;

/// One token a byte; control tokens are cut out by nobody, which is fine here.
struct Bytes;

impl Tokeniser for Bytes {
    fn name(&self) -> String {
        "bytes".to_owned()
    }

    fn encode(&self, text: &str, _: &mut Scratch, out: &mut Tokens) -> Result<()> {
        out.ids.extend(text.bytes().map(u32::from));
        out.ends.extend(1..=text.len() as u32);
        Ok(())
    }
}

fn feed(length: u32, overflow: Overflow) -> Feed {
    let specials = Specials { bos: "^".to_owned(), eos: "$".to_owned() };
    Feed {
        family: family("chatml", &specials),
        marks: Marks::default(),
        tools: true,
        fallback: None,
        chosen: Chosen { tokeniser: Box::new(Bytes), vocabulary: 256, fast: true, note: String::new() },
        eos: specials.eos,
        ends: vec![u32::from(b'>')],
        settings: TokeniseSettings { overflow, untrainable: Untrainable::Drop, ..TokeniseSettings::default() },
        leak_guard: LeakGuard::Error,
        length,
    }
}

fn text(document: &NewDocument) -> String {
    String::from_utf8(document.ids.iter().map(|&id| id as u8).collect()).unwrap()
}

fn learnt(document: &NewDocument) -> String {
    let text = text(document);
    document.supervised.iter().map(|run| &text[run.start as usize..run.end as usize]).collect()
}

fn record(answers: &[usize], system: bool) -> String {
    let mut turns = Vec::new();
    if system {
        turns.push(serde_json::json!({"role": "system", "content": "SYS"}));
    }
    for (at, length) in answers.iter().enumerate() {
        turns.push(serde_json::json!({"role": "user", "content": format!("q{at}")}));
        turns.push(serde_json::json!({"role": "assistant", "content": format!("<{at}:{}>", "x".repeat(*length))}));
    }
    serde_json::json!({"messages": turns, "_origin": "in.jsonl:1", "_source": "in"}).to_string()
}

proptest! {
    #[test]
    fn windows_train_each_turn_once_and_tails_keep_the_end(
        answers in prop::collection::vec(0_usize..120, 1..12), system in any::<bool>(), length in 60_u32..400
    ) {
        let line = record(&answers, system);
        let whole = feed(u32::MAX, Overflow::Error).row(line.as_bytes(), &mut Workspace::default()).unwrap();
        for policy in [Overflow::Drop, Overflow::TailTurns, Overflow::Window] {
            let found = feed(length, policy).row(line.as_bytes(), &mut Workspace::default()).unwrap();
            prop_assert_eq!((found.row.seen, found.row.seen_supervised), (whole.row.seen, whole.row.seen_supervised));
            let kept: u32 = found.row.documents.iter().map(|document| count(&document.supervised)).sum();
            prop_assert!(kept <= found.row.seen_supervised);
            prop_assert_eq!(found.row.documents.is_empty(), found.row.reason.is_some());
            for document in &found.row.documents {
                prop_assert!(document.ids.len() <= length as usize);
                prop_assert!(!system || text(document).starts_with("<|im_start|>system\nSYS<|im_end|>"));
            }
            let all: String = found.row.documents.iter().map(learnt).collect();
            // What fits beside nothing but the head and its question must be there, once.
            for (at, answer) in answers.iter().enumerate() {
                let said = format!("<{at}:{}>", "x".repeat(*answer));
                let alone = record(&[*answer], system).replace("<0:", &format!("<{at}:"));
                let alone = feed(u32::MAX, Overflow::Error).row(alone.as_bytes(), &mut Workspace::default()).unwrap();
                let fits = alone.row.seen < length;
                if policy == Overflow::Window && fits {
                    prop_assert_eq!(all.matches(&said).count(), 1, "{} {}", at, all);
                }
                if policy == Overflow::TailTurns && at + 1 == answers.len() && fits {
                    prop_assert!(all.contains(&said));
                }
                prop_assert!(all.matches(&said).count() <= 1);
            }
        }
    }
}

#[test]
fn what_cannot_be_trained_on_has_a_reason() {
    let feed = feed(100, Overflow::Error);
    let mut space = Workspace::default();
    let mut reason = |line: &str| feed.row(line.as_bytes(), &mut space).unwrap().row.reason;
    let of = |content: &str| format!("{{\"messages\":[{{\"role\":\"user\",\"content\":\"a\"}},{content}]}}");
    assert_eq!(reason(&of(r#"{"role":"assistant","content":"b"}"#)), None);
    for (line, expected) in [
        (of(r#"{"role":"user","content":"b"}"#), "tokenise.nothing_trained"),
        (of(r#"{"role":"assistant","content":"b","weight":0}"#), "tokenise.nothing_trained"),
        (of(r#"{"role":"assistant","content":"b","weight":0.5}"#), "tokenise.weight"),
        (of(r#"{"role":"assistant","content":"b","weight":true}"#), "tokenise.weight"),
        (of(r#"{"role":"assistant","content":[{"type":"image_url"}]}"#), "tokenise.parts"),
        (of(r#"{"role":"assistant","content":null}"#), "tokenise.template"),
        (of(r#"{"role":"assistant","content":"b","tool_calls":[{}]}"#), "tokenise.dropped_content"),
        (of(r#"{"role":"assistant","content":"<persona:x>\nb"}"#), "condition.tag_in_text"),
        (of(&format!(r#"{{"role":"assistant","content":"{}"}}"#, "b".repeat(200))), "tokenise.too_long"),
        ("{}".to_owned(), "tokenise.no_messages"),
        ("nonsense".to_owned(), "tokenise.no_messages"),
    ] {
        assert_eq!(reason(&line).as_deref(), Some(expected), "{line}");
    }
}

#[test]
fn a_tag_of_the_records_own_follows_the_setting() {
    let line = r#"{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"<persona:x>\nb"}]}"#;
    for (guard, expected) in [(LeakGuard::Warn, "<persona:x>\nb"), (LeakGuard::Strip, "b")] {
        let feed = Feed { leak_guard: guard, ..feed(200, Overflow::Error) };
        let found = feed.row(line.as_bytes(), &mut Workspace::default()).unwrap();
        assert!(found.tagged);
        assert_eq!(learnt(&found.row.documents[0]), format!("{expected}<|im_end|>"));
    }
}

#[test]
fn the_store_is_the_same_for_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let lines: Vec<String> = (0..6000).map(|at| record(&[at % 97, at % 31], at % 3 == 0)).collect();
    let feed = feed(160, Overflow::Window);
    let key = |name: &str| crate::store::Key {
        version: VERSION,
        records: Vec::new(),
        tokenizer: corpuskit_core::digest::Digest::of(name.as_bytes()),
        template: corpuskit_core::digest::Digest::of(b""),
        settings: serde_json::Value::Null,
    };
    let build_with = |threads: usize| {
        let place = folder.path().join(threads.to_string());
        let source = |each: &mut dyn FnMut(&[u8]) -> Result<bool>| -> Result<()> {
            for line in &lines {
                if !each(line.as_bytes())? {
                    break;
                }
            }
            Ok(())
        };
        let shards: Vec<(String, Box<dyn Lines>)> = vec![("part-00000".to_owned(), Box::new(source))];
        let options = Options { threads, progress: &|_| false };
        build(&feed, &place, key("x"), shards, &[], &options).unwrap()
    };
    let (one, three) = (build_with(1), build_with(3));
    assert_eq!(one.store.meta(), three.store.meta());
    assert_eq!(one.ledger, three.ledger);
    assert_eq!(one.ledger.total.rows, 6000);
    let total = &one.ledger.total;
    assert_eq!(total.seen_supervised, total.kept_supervised + total.lost_supervised);
    assert_eq!(total.seen + total.repeated, total.kept + total.lost);
    assert_eq!(one.store.meta().tokens(), total.kept);
}

#[test]
fn a_run_that_is_stopped_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let feed = feed(160, Overflow::Window);
    let line = record(&[3], true);
    let source = |each: &mut dyn FnMut(&[u8]) -> Result<bool>| -> Result<()> {
        while each(line.as_bytes())? {}
        Ok(())
    };
    let shards: Vec<(String, Box<dyn Lines>)> = vec![("part-00000".to_owned(), Box::new(source))];
    let key = crate::store::Key {
        version: VERSION,
        records: Vec::new(),
        tokenizer: corpuskit_core::digest::Digest::of(b""),
        template: corpuskit_core::digest::Digest::of(b""),
        settings: serde_json::Value::Null,
    };
    let options = Options { threads: 2, progress: &|rows| rows > 20_000 };
    let stopped = build(&feed, &folder.path().join("x"), key, shards, &[], &options);
    assert!(matches!(stopped, Err(corpuskit_core::Error::Interrupted)));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn stretches_of_text_become_stretches_of_tokens() {
    assert_eq!(trained_tokens(&[2, 4, 6, 6, 9], &[], &[1..2, 5..6]), [0..1, 2..4]);
    assert_eq!(trained_tokens(&[3, 3, 3], &[], &[0..3]), [0..3]);
    assert_eq!(trained_tokens(&[3], &[], &[]), []);
    // Byte 2 is in no token: it trains neither neighbour.
    assert_eq!(trained_tokens(&[2, 5], &[(1, 3)], &[2..3]), []);
    assert_eq!(trained_tokens(&[2, 5], &[(1, 3)], &[0..3]), [0..1]);
    assert_eq!(byte_spans("aüb🎭c", &[(3, 4), (1, 2), (2, 3)]), [1..8]);
    let _ = Reference::new("{}").unwrap_err();
}
