//! What wins over what, and what is refused.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::stage::parse::{ParseSettings, Parsed, Parser};
use crate::stage::read::{Body, Unit};

const PATH: &str = "data/books/a.jsonl";

/// The labels of a record, as `column=tag`.
fn labels(settings: &TagSettings, line: &str) -> Vec<String> {
    let arena = Bump::new();
    let tagger = Tagger::new(settings).unwrap();
    let origin = crate::record::Origin { path: PATH, place: crate::record::Place::Line(1) };
    let unit = Unit { origin, byte: 0, body: Body::Json(line.as_bytes()) };
    let Parsed::Record(mut record) = Parser::new(&ParseSettings::default()).unwrap().parse(&unit, &arena).unwrap()
    else {
        panic!("not a record: {line}")
    };
    assert_eq!(tagger.apply(&mut record, &arena), Verdict::Keep);
    let vocabulary = tagger.vocabulary();
    let name =
        |label: &Label| format!("{}={}", vocabulary.columns[usize::from(label.column)].name, vocabulary.tag(label));
    record.labels.given.iter().map(name).collect()
}

fn line(answer: &str, more: &str) -> String {
    format!(
        r#"{{"messages":[{{"role":"user","content":"Write a poem about the moon."}},{{"role":"assistant","content":{answer:?}}}]{more}}}"#
    )
}

#[test]
fn declared_labels_win() {
    let sources = vec![SourceLabels {
        pattern: "data/*/*.jsonl".to_owned(),
        category: Some("factual".to_owned()),
        traits: vec!["dry".to_owned()],
        ..SourceLabels::default()
    }];
    let rules = TagSettings { language: false, ..TagSettings::default() };
    let poem = "The moon is bright, a verse, a dream; moonlight whispered.";
    assert!(labels(&rules, &line(poem, "")).contains(&"category=creative".to_owned()));
    let both = TagSettings { sources, ..rules };
    let said = labels(&both, &line(poem, ""));
    assert!(said.contains(&"category=factual".to_owned()) && said.contains(&"traits=dry".to_owned()), "{said:?}");
    let own = labels(&both, &line(poem, r#","_category":"own","_traits":null"#));
    assert!(!own.iter().any(|label| label.starts_with("category=")), "{own:?}");
    assert!(own.contains(&"traits=dry".to_owned()), "null declares nothing: {own:?}");
}

#[test]
fn off_means_no_label() {
    let off = TagSettings { packs: Vec::new(), language: false, ..TagSettings::default() };
    assert!(off.is_off());
    assert!(labels(&off, &line("Sure! Here is one.", "")).is_empty());
}

#[test]
fn columns_that_are_taken_and_sources_without_label_are_refused() {
    let message = |settings: &TagSettings| Tagger::new(settings).unwrap_err().to_string();
    let source = |pattern: &str| vec![SourceLabels { pattern: pattern.to_owned(), ..SourceLabels::default() }];
    let with = |sources| TagSettings { sources, ..TagSettings::default() };
    assert!(message(&with(source("a/*"))).contains("declares no label"));
    assert!(message(&with(source("a/["))).starts_with("tag.sources[0].match"));
    let folder = tempfile::tempdir().unwrap();
    let pack = |column: &str, mode: &str| {
        let path = folder.path().join(format!("{column}-{mode}.toml"));
        let text = format!("name='own'\ncolumn='{column}'\nmode='{mode}'\n[[rule]]\ntag='a'\nany=['x']\n");
        std::fs::write(&path, text).unwrap();
        TagSettings { packs: vec![path.display().to_string()], ..TagSettings::default() }
    };
    assert!(message(&pack("origin", "many")).contains("the column `origin` is taken"));
    assert!(message(&pack("domain_score", "one")).contains("is taken"));
    assert!(message(&pack("category", "many")).contains("wants `mode = \"one\"`"));
    let mut twice = pack("domain", "many");
    twice.packs.push("builtin".to_owned());
    twice.packs.push(twice.packs[0].clone());
    assert!(message(&twice).contains("loaded already"));
}
