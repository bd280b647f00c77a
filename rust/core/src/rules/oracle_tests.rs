//! The engine says what the oracle says.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::oracle;
use super::*;
use crate::record::Role;
use crate::record::labels::{Label, Place};
use proptest::prelude::*;

const ROLES: [Role; 6] = [Role::System, Role::User, Role::Assistant, Role::Tool, Role::Text, Role::Developer];

fn engine(packs: &Compiled, turns: &[Turn<'_>], facts: Facts, scratch: &mut Scratch) -> Vec<(Label, Vec<Place>)> {
    packs.label(turns, facts, scratch).map(|found| (found.label, found.places.to_vec())).collect()
}

/// Words, some of which are stems of others.
const VOCABULARY: [&str; 16] = [
    "i", "feel", "the", "sad", "sadly", "code", "co", "codes", "是", "很好", "naïve", "ÜBER", "def", "don't", "x_1",
    "İt",
];
const LITERALS: [&str; 8] = ["`", "```", "==", " = ", "def ", "sad", "是", "e c"];
const EXPRESSIONS: [&str; 4] = ["s.d", "\\bcode\\b", "[a-z]+ly", "=="];
const MEASURES: [&str; 5] = [
    "\"user.words\" = { min = 3 }",
    "\"assistant.turns\" = { max = 1 }",
    "\"words\" = { max = 30 }",
    "\"code_fences\" = { max = 0 }",
    "\"tool_calls\" = { min = 1 }",
];
const SCOPES: [&str; 8] = ["all", "system", "user", "first_user", "last_user", "assistant", "last_assistant", "tool"];

fn phrases() -> impl Strategy<Value = Vec<String>> {
    let word = (proptest::sample::select(&VOCABULARY[..]), 0..6u8).prop_map(|(word, star)| match star {
        0 if word.len() > 2 && word.is_ascii() => format!("{}*", &word[..3]),
        _ => word.to_owned(),
    });
    let phrase = proptest::collection::vec(word, 1..4).prop_map(|words| words.join(" "));
    proptest::collection::vec(phrase, 0..6)
}

fn some<T: Clone + std::fmt::Debug + 'static>(from: &'static [T], most: usize) -> impl Strategy<Value = Vec<T>> {
    proptest::collection::vec(proptest::sample::select(from), 0..=most)
}

fn rule() -> impl Strategy<Value = String> {
    let lists = (phrases(), some(&LITERALS, 2), some(&EXPRESSIONS, 1), phrases(), phrases(), phrases());
    let rest = (proptest::sample::select(&SCOPES[..]), any::<[bool; 4]>(), some(&MEASURES, 1), 1..12u8, 1..5u8, 0..3u8);
    (lists, rest).prop_map(
        |(
            (any, literal, regex, needs, with, unless),
            (scope, [start, turn, has_with, has_unless], measure, most, weight, tag),
        )| {
            let mut rule = format!(
                "[[rule]]\ntag='t{tag}'\nin='{scope}'\nstart={start}\nmost={most}\nweight={}.0\n",
                f32::from(weight) / 2.0
            );
            rule = rule.replace(".5.0", ".5").replace(".0.0", ".0");
            let needs = if regex.is_empty() { Vec::new() } else { needs };
            let lists: [(&str, Vec<String>); 6] = [
                ("any", any),
                ("literal", literal.iter().map(|text| (*text).to_owned()).collect()),
                ("regex", regex.iter().map(|text| (*text).to_owned()).collect()),
                ("needs", needs),
                ("with", if has_with { with } else { Vec::new() }),
                ("unless", if has_unless { unless } else { Vec::new() }),
            ];
            for (name, list) in lists {
                rule += &format!("{name}={list:?}\n");
            }
            let bound = measure
                .first()
                .copied()
                .or(Some("\"turns\" = { min = 1 }").filter(|_| rule.contains("any=[]\nliteral=[]\nregex=[]")));
            rule + &format!(
                "same='{}'\nmeasure={{ {} }}\n",
                if turn { "turn" } else { "sentence" },
                bound.unwrap_or_default()
            )
        },
    )
}

fn packs() -> impl Strategy<Value = Vec<(Pack, String)>> {
    let pack = (proptest::collection::vec(rule(), 1..8), any::<bool>(), 0..3u8);
    proptest::collection::vec(pack, 1..3).prop_map(|packs| {
        let toml = |(number, (rules, one, threshold)): (usize, (Vec<String>, bool, u8))| {
            let mode = if one { "one" } else { "many" };
            let text = format!(
                "name='p{number}'\ncolumn='c{number}'\nmode='{mode}'\nthreshold={threshold}.0\n{}",
                rules.concat()
            );
            (Pack::from_toml(&text, "own").unwrap_or_else(|error| panic!("{error}\n{text}")), "own".to_owned())
        };
        packs.into_iter().enumerate().map(toml).collect()
    })
}

fn text() -> impl Strategy<Value = String> {
    let word =
        prop_oneof![3 => proptest::sample::select(&VOCABULARY[..]), 1 => proptest::sample::select(&LITERALS[..])];
    let gap = proptest::sample::select(&[" ", " ", " ", ". ", "\n", "", "’", "？"][..]);
    proptest::collection::vec((word, gap), 0..30)
        .prop_map(|words| words.into_iter().flat_map(|(word, gap)| [word, gap]).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]
    #[test]
    fn random_packs_label_random_records_as_the_oracle_does(
        packs in packs(), records in proptest::collection::vec((proptest::collection::vec((0..6usize, text()), 0..5), 0..2usize), 1..4),
    ) {
        let compiled = Compiled::new(&packs).unwrap();
        let mut scratch = Scratch::default();
        for (turns, calls) in &records {
            let turns: Vec<Turn<'_>> = turns.iter().map(|(role, text)| Turn { role: ROLES[*role], text }).collect();
            let facts = Facts { tool_calls: *calls, tool_definitions: 0 };
            prop_assert_eq!(engine(&compiled, &turns, facts, &mut scratch), oracle::label(&packs, &turns, facts));
        }
    }
}

#[test]
fn the_shipped_packs_label_real_records_as_the_oracle_does() {
    let packs = super::packs(&["builtin".to_owned()]).unwrap();
    let compiled = Compiled::new(&packs).unwrap();
    let mut scratch = Scratch::default();
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/tag/cues.jsonl");
    let texts: Vec<String> = std::fs::read_to_string(path)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["text"].as_str().unwrap().to_owned())
        .collect();
    for three in texts.chunks(3) {
        let roles = [Role::User, Role::Assistant, Role::User];
        let turns: Vec<Turn<'_>> = roles.into_iter().zip(three).map(|(role, text)| Turn { role, text }).collect();
        let facts = Facts::default();
        assert_eq!(engine(&compiled, &turns, facts, &mut scratch), oracle::label(&packs, &turns, facts), "{three:?}");
    }
}
