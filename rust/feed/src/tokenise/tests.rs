#![expect(clippy::unwrap_used, reason = "tests")]

use super::split::{Classes, Cut, EXPRESSIONS, reference_words};
use super::*;
use proptest::prelude::*;

fn words(cut: Cut, text: &str) -> Vec<String> {
    let classes = Classes::get().unwrap();
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let end = classes.word(cut, text, at);
        assert!(end > at);
        found.push(text[at..end].to_owned());
        at = end;
    }
    found
}

#[test]
fn words_end_where_the_expressions_say_on_the_torture_set() {
    for expression in EXPRESSIONS {
        let cut = Cut::of(expression).unwrap();
        for text in TORTURE {
            assert_eq!(words(cut, text), reference_words(expression, text), "{cut:?} {text:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn words_end_where_the_expressions_say(
        text in "([a-zA-Z]{1,4}|[0-9]{1,5}|'[a-zA-Zſ]{0,3}| {1,3}|[\r\n\t\u{a0}\u{3000}]{1,3}|[!-/]{1,3}|\\PC{1,2}|.){0,12}"
    ) {
        for expression in EXPRESSIONS {
            prop_assert_eq!(words(Cut::of(expression).unwrap(), &text), reference_words(expression, &text));
        }
    }
}

/// A vocabulary over bytes or characters with merges that overlap in every way.
fn tokenizer(kind: &str) -> String {
    let letters: Vec<String> = if kind == "bytes" {
        let printable = |byte: u32| matches!(byte, 0x21..=0x7E | 0xA1..=0xAC | 0xAE..=0xFF);
        let others = (0..256).filter(|byte| !printable(*byte)).enumerate().map(|(at, _)| 0x100 + at as u32);
        (0..256).filter(|byte| printable(*byte)).chain(others).map(|c| char::from_u32(c).unwrap().to_string()).collect()
    } else {
        let bytes = (0..256).map(|byte| format!("<{byte:#04X}>"));
        bytes.chain("▁abcdefgh.,\n".chars().map(String::from)).collect()
    };
    let space = if kind == "bytes" { "Ġ" } else { "▁" };
    let mut vocab: serde_json::Map<String, serde_json::Value> =
        letters.iter().enumerate().map(|(id, letter)| (letter.clone(), id.into())).collect();
    let mut merges = Vec::new();
    for (left, right) in [
        ("a", "b"),
        ("b", "c"),
        ("ab", "c"),
        ("a", "a"),
        ("aa", "a"),
        ("aa", "aa"),
        (space, "a"),
        (space, "ab"),
        (space, space),
        ("c", "d"),
        ("bc", "d"),
        ("ab", "cd"),
        ("d", "e"),
        ("e", "d"),
        ("ed", "ed"),
    ] {
        let next = vocab.len();
        vocab.entry(format!("{left}{right}")).or_insert(next.into());
        merges.push(format!("{left} {right}"));
    }
    let (before, normal) = match kind {
        "bytes" => (
            serde_json::json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}),
            serde_json::Value::Null,
        ),
        "legacy" => (
            serde_json::Value::Null,
            serde_json::json!({"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}),
        ),
        scheme => {
            let (scheme, split) = scheme.split_once('+').unwrap();
            (
                serde_json::json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": split == "split"}),
                serde_json::Value::Null,
            )
        }
    };
    let token = |id: usize, content: &str, left: bool, right: bool| {
        serde_json::json!({"id": id, "content": content,
        "single_word": false, "lstrip": left, "rstrip": right, "normalized": false, "special": true})
    };
    let next = vocab.len();
    serde_json::json!({
        "version": "1.0", "truncation": null, "padding": null, "normalizer": normal, "pre_tokenizer": before,
        "added_tokens": [token(next, "<|x|>", false, false), token(next + 1, "<|y|>", false, true), token(next + 2, "<|z|>", true, false),
                         token(next + 3, "<|x|><|x|>", false, false)],
        "post_processor": null, "decoder": null,
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null, "end_of_word_suffix": null,
                  "fuse_unk": false, "byte_fallback": kind != "bytes", "ignore_merges": false, "vocab": vocab, "merges": merges}
    })
    .to_string()
}

const KINDS: [&str; 7] =
    ["bytes", "legacy", "first+whole", "always+whole", "never+whole", "first+split", "always+split"];

#[test]
fn the_fast_backend_is_chosen_for_every_usual_kind() {
    for kind in KINDS {
        let chosen = choose(&tokenizer(kind), &[]).unwrap();
        assert!(chosen.fast, "{kind}: {}", chosen.note);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_fast_backend_gives_the_references_tokens(
        texts in prop::collection::vec("([a-e]{1,5}|a{1,70}|(ed){1,60}| {1,3}|\n|\\.|▁|ü|🎭|<\\|[xyz]\\|>|<\\||\u{a0}){0,20}", 1..4)
    ) {
        for kind in KINDS {
            let json = tokenizer(kind);
            let chosen = choose(&json, &[]).unwrap();
            let reference = Reference::new(&json).unwrap();
            let mut scratch = Scratch::default();
            for text in texts.iter().chain(&texts) {
                let mut found = Tokens::default();
                chosen.tokeniser.encode(text, &mut scratch, &mut found).unwrap();
                prop_assert_eq!(&found.ids, &reference.ids(text).unwrap(), "{} {:?}", kind, text);
                prop_assert_eq!(found.ids.len(), found.ends.len());
                prop_assert!(found.ends.is_sorted(), "{} {:?} {:?}", kind, text, found.ends);
                prop_assert!(found.ends.last().is_none_or(|&end| end as usize == text.len()));
            }
        }
    }
}

#[test]
fn a_backend_that_differs_is_not_used() {
    // Two merges of one pair: the reference and the fast backend must still agree, or the reference is used.
    let json = tokenizer("bytes").replace("\"ignore_merges\":false", "\"ignore_merges\":true");
    let chosen = choose(&json, &["abcdabcd aab".to_owned()]).unwrap();
    let reference = Reference::new(&json).unwrap();
    let mut found = Tokens::default();
    chosen.tokeniser.encode("abc aaaa", &mut Scratch::default(), &mut found).unwrap();
    assert_eq!(found.ids, reference.ids("abc aaaa").unwrap());
    // What the fast backend does not know is named.
    let other = tokenizer("bytes").replace("\"dropout\":null", "\"dropout\":0.1");
    let chosen = choose(&other, &[]).unwrap();
    assert!(!chosen.fast && chosen.note.contains("dropout"), "{}", chosen.note);
    assert!(choose("{}", &[]).is_err());
}
