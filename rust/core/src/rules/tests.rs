//! The engine on small packs.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::record::Role;

fn compile(toml: &str) -> crate::Result<Compiled> {
    Compiled::new(&[(Pack::from_toml(toml, "own.toml")?, "own.toml".to_owned())])
}

fn tags(pack: &Compiled, turns: &[(Role, &str)]) -> Vec<(String, f32)> {
    let turns: Vec<Turn<'_>> = turns.iter().map(|&(role, text)| Turn { role, text }).collect();
    let mut scratch = Scratch::default();
    let labels = pack.label(&turns, Facts::default(), &mut scratch).map(|found| found.label);
    labels
        .map(|label| (pack.columns[usize::from(label.column)].tags[usize::from(label.tag)].clone(), label.score))
        .collect()
}

const CUE: &str = r#"
name = "cue"
column = "cue"
[[rule]]
tag = "emotional"
in = "last_user"
any = ["lonel*", "overwhelmed"]
with = ["i", "my", "me"]
unless = ["story about"]
[[rule]]
tag = "code"
in = "user"
regex = ['\b\w+error\b', 'stack\s+trace']
needs = ["typeerror", "valueerror", "stack"]
weight = 2.0
[[rule]]
tag = "brief"
measure = { "user.words" = { min = 1, max = 4 } }
"#;

#[test]
fn phrases_gate_on_the_sentence_and_the_scope() {
    let pack = compile(CUE).unwrap();
    assert_eq!(tags(&pack, &[(Role::User, "Tonight I am feeling so LONELY")]), [("emotional".to_owned(), 1.0)]);
    assert!(tags(&pack, &[(Role::User, "Write a story about a lonely star, I beg you")]).is_empty());
    assert!(tags(&pack, &[(Role::User, "The lonely star shone. I need a rhyme please")]).is_empty());
    let earlier = [
        (Role::User, "I am lonely, so lonely you see"),
        (Role::Assistant, "Oh."),
        (Role::User, "what is two and two, please"),
    ];
    assert!(tags(&pack, &earlier).is_empty());
}

#[test]
fn expressions_run_where_their_words_stand() {
    let pack = compile(CUE).unwrap();
    assert_eq!(tags(&pack, &[(Role::User, "why do I get a TypeError in line five")]), [("code".to_owned(), 2.0)]);
    assert!(tags(&pack, &[(Role::User, "a NameError came, what does it mean")]).is_empty());
    assert_eq!(pack.slow_rules(0).count(), 0);
}

#[test]
fn measures_alone_make_a_rule() {
    let pack = compile(CUE).unwrap();
    assert_eq!(tags(&pack, &[(Role::User, "two and two?")]), [("brief".to_owned(), 1.0)]);
}

#[test]
fn mode_one_takes_the_best_and_the_first_at_equal_score() {
    let pack = compile(
        "name='k'\ncolumn='category'\nmode='one'\ntags=['b','a']\n[[rule]]\ntag='a'\nany=['x','y']\nmost=2\n[[rule]]\ntag='b'\nany=['x','z']\nmost=2\n",
    )
    .unwrap();
    assert_eq!(tags(&pack, &[(Role::User, "x y")]), [("a".to_owned(), 2.0)]);
    assert_eq!(tags(&pack, &[(Role::User, "x")]), [("b".to_owned(), 1.0)]);
}

#[test]
fn wrong_packs_are_refused_with_their_place() {
    let message = |toml: &str| compile(toml).unwrap_err().to_string();
    assert!(
        message("name='k'\ncolumn='c'\n[[rule]]\ntag='a'\nwords=['x']\n")
            .starts_with("own.toml:5: unknown field `words`")
    );
    assert_eq!(
        message("name='k'\ncolumn='c'\n[[rule]]\ntag='a'\n"),
        "own.toml: a#1: a rule needs `any`, `literal`, `regex` or `measure`"
    );
    assert!(
        message("name='k'\ncolumn='c'\n[[rule]]\ntag='a'\nregex=['(']\n").contains("the expression `(` cannot be used")
    );
    assert!(message("name='k'\ncolumn='c'\n[[rule]]\ntag='a'\nregex=['(a{1000}){1000}']\n").contains("cannot be used"));
    assert!(
        message("name='k'\ncolumn='c'\n[[rule]]\ntag='a'\nmeasure={ 'wrds' = {min=1} }\n")
            .contains("unknown measure `wrds`")
    );
}

#[test]
fn the_shipped_packs_pass_their_own_examples() {
    assert_eq!(packs(&["builtin".to_owned()]).unwrap().len(), shipped().count());
    let all = overview(&load(&["builtin".to_owned()]).unwrap());
    assert_eq!(all.iter().map(|pack| &*pack.pack).collect::<Vec<_>>(), shipped().collect::<Vec<_>>());
    assert!(all.iter().all(|pack| pack.rules > 0 && pack.slow.is_empty()), "{all:?}");
    assert_eq!(all[0].tags.len(), 10);
}

#[test]
fn the_shipped_categories_are_those_of_the_taxonomy() {
    let mut tags = load(&["category".to_owned()]).unwrap().columns[0].tags.clone();
    let mut taxonomy = crate::plan::selection::CATEGORIES.to_vec();
    tags.sort();
    taxonomy.sort_unstable();
    assert_eq!(tags, taxonomy);
}

#[test]
fn a_label_is_explained_by_its_places() {
    let packs = load(&["cue".to_owned()]).unwrap();
    let said = explain(&packs, Role::User, "Lately I am so lonely.");
    assert_eq!((said.len(), &*said[0].tag, said[0].score), (1, "emotional", 1.0));
    assert_eq!((said[0].places[0].start, &*said[0].places[0].text), (15, "lonely"));
}

#[test]
fn the_labelled_cues_are_found() {
    let packs = load(&["cue".to_owned()]).unwrap();
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/tag/cues.jsonl");
    let mut counts = std::collections::BTreeMap::<String, [f64; 3]>::new();
    let mut prompts = 0;
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let found: Vec<String> =
            explain(&packs, Role::User, row["text"].as_str().unwrap()).into_iter().map(|e| e.tag).collect();
        let meant: Vec<String> =
            row["cues"].as_array().unwrap().iter().map(|cue| cue.as_str().unwrap().to_owned()).collect();
        prompts += 1;
        for cue in found.iter().chain(&meant).collect::<std::collections::BTreeSet<_>>() {
            let at = match (found.contains(cue), meant.contains(cue)) {
                (true, true) => 0,
                (true, false) => 1,
                _ => 2,
            };
            counts.entry(cue.clone()).or_default()[at] += 1.0;
        }
    }
    assert!(prompts >= 300);
    for (cue, [right, wrong, missed]) in counts {
        let f1 = 2.0 * right / (2.0 * right + wrong + missed);
        assert!(f1 >= 0.9, "{cue}: F1 {f1:.3}");
    }
}
