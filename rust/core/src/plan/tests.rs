//! What a plan says, and what is said when it is wrong.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::{Plan, Profile, Source, selection};
use crate::error::Error;

/// The message and, after a blank line, the hint.
fn refused(source: &Source) -> String {
    let error = source.load().unwrap_err();
    assert!(matches!(error, Error::Plan { .. }), "{error:?}");
    let hint = error.hint().map(|hint| format!("\n\n{hint}")).unwrap_or_default();
    format!("{error}{hint}")
}

fn file(yaml: &str) -> Source {
    Source::default().text(yaml, "plan.yaml")
}

#[test]
fn a_wrong_file_is_answered_with_place_line_expectation_and_hint() {
    let cases = [
        (
            "version: 1\nparse:\n  encodign: repair\n",
            "plan.yaml:3:3: unknown key `encodign` in `parse`, expected `syntax`, `no_schema`, `depth`, `max_depth`, `encoding`, \
             `lone_surrogate`, `non_finite`, `duplicate_key`, `control`, `trailing_comma`, `consecutive`, `roles` or `schemas`\n  |\n\
             3 |   encodign: repair\n  |   ^^^^^^^^\n\ndid you mean `encoding`?",
        ),
        (
            "parse:\n  max_depth: many # a remark\n",
            "plan.yaml:2:14: wrong value of `parse.max_depth`, expected a whole number of at least 1 and at most 1024\n  |\n\
             2 |   max_depth: many # a remark\n  |              ^^^^",
        ),
        (
            "parse: {encoding: repare}\n",
            "plan.yaml:1:19: unknown value `repare` of `parse.encoding`, expected `strict`, `repair` or `reject`\n  |\n\
             1 | parse: {encoding: repare}\n  |                   ^^^^^^\n\ndid you mean `repair`?",
        ),
        (
            "parse: 3",
            "plan.yaml:1:8: wrong value of `parse`, expected a mapping of settings\n  |\n1 | parse: 3\n  |        ^",
        ),
        (
            "score: {}\n",
            concat!(
                "plan.yaml:1:1: section `score` is unknown to this version of corpuskit (",
                env!("CARGO_PKG_VERSION"),
                ")\n  |\n1 | score: {}\n  | ^^^^^\n\nremove `score:` and what is below it"
            ),
        ),
        ("parse: [1\n", "plan.yaml:1:8: unclosed bracket '['\n  |\n1 | parse: [1\n  |        ^^"),
        ("version: 2\n", "plan.yaml:1:1: `version` must be 1, got 2\n  |\n1 | version: 2\n  | ^^^^^^^"),
        (
            "version: 1\nversion: 1\n",
            "plan.yaml:2:1: `version` stands twice in one mapping\n  |\n2 | version: 1\n  | ^^^^^^^",
        ),
    ];
    for (yaml, message) in cases {
        assert_eq!(refused(&file(yaml)), message, "{yaml}");
    }
}

#[test]
fn a_file_that_is_no_mapping_is_told_what_a_plan_is() {
    for yaml in ["- a\n", "just text", "3"] {
        assert!(
            refused(&file(yaml)).starts_with("plan.yaml: not a plan: expected a mapping with `version`, "),
            "{yaml}"
        );
    }
}

#[test]
fn a_wrong_setting_of_the_command_line_is_named() {
    let set = |setting| refused(&Source::default().set(setting));
    assert_eq!(set("parse.max_depth"), "--set parse.max_depth: expected `section.key=value`");
    assert!(set("parse=3").starts_with("--set parse=3: `parse` is a section or unknown, expected `section.key=value`"));
    assert!(set("parse..a=3").starts_with("--set parse..a=3: `` is not the name of a setting"));
    assert!(set("parse.encoding=repare").contains("unknown value `repare` of `parse.encoding`"));
    assert!(set("parse.max_dept=3").ends_with("did you mean `max_depth`?"));
}

#[test]
fn a_file_without_settings_is_the_default_plan() {
    for yaml in ["", "# nothing\n", "---\n", "parse:\n", "parse: {}\n", "\u{feff}version: 1\n"] {
        let plan = Plan::from_yaml(yaml, "plan.yaml").unwrap();
        assert_eq!(plan.digest(), Plan::of(Profile::Emergent).digest(), "{yaml:?}");
        assert!(plan.deviations().is_empty());
    }
}

#[test]
fn the_command_line_wins_over_the_file_and_the_file_over_the_profile() {
    let plan = file("profile: persona\nparse:\n  max_depth: 9\n  encoding: reject\n")
        .profile(Profile::Companion)
        .set("parse.max_depth=10")
        .load()
        .unwrap();
    assert_eq!(plan.profile, Profile::Companion);
    assert_eq!(plan.parse.max_depth, 10);
    let deviations = plan.deviations();
    let paths: Vec<&str> = deviations.iter().map(|deviation| deviation.path.as_str()).collect();
    assert_eq!(paths, ["parse.max_depth", "parse.encoding"]);
    assert_eq!((&deviations[0].profile, &deviations[0].value), (&256.into(), &10.into()));
}

#[test]
fn a_profile_is_no_deviation_from_itself() {
    for profile in Profile::ALL {
        let plan = Source::default().profile(profile).load().unwrap();
        assert!(plan.deviations().is_empty(), "{profile}");
        assert_eq!(plan.digest(), Plan::of(profile).digest());
    }
}

#[test]
fn what_show_and_init_write_reads_back_as_the_same_plan() {
    for profile in Profile::ALL {
        let plan = file("parse:\n  roles: {\"a: b\": user, yes: tool}\n").profile(profile).load().unwrap();
        let again = Plan::from_yaml(&plan.to_yaml(), "shown").unwrap();
        assert_eq!(again.to_json(), plan.to_json());
        let template = Plan::from_yaml(&Plan::template(profile), "template").unwrap();
        assert_eq!(template.to_json(), Plan::of(profile).to_json());
    }
}

#[test]
fn the_digest_depends_on_the_effective_plan_alone() {
    let explicit = Plan::from_yaml("parse: {max_depth: 256}\nversion: 1\n", "a").unwrap();
    assert_eq!(explicit.digest(), Plan::default().digest());
    let other = Plan::from_yaml("parse: {max_depth: 255}", "a").unwrap();
    assert_ne!(other.digest(), Plan::default().digest());
}

#[test]
fn what_comes_after_a_run_is_not_in_its_digest() {
    let later = Plan::from_yaml("mix: {seed: 3}\npack: {length: 2048}\ncurriculum: {replay: 0}\n", "a").unwrap();
    assert_eq!(later.digest(), Plan::default().digest());
    assert_eq!(later.deviations().len(), 3);
}

#[test]
fn a_curriculum_is_checked() {
    let cases = [
        ("curriculum: {replay: 1}", "`curriculum.replay` must be between 0 and 0.9, got 1"),
        ("curriculum: {unlisted: last}", "`curriculum.unlisted` there is no phase `last`, expected `foundation`"),
        ("curriculum: {phases: [{name: a b}]}", "the name of phase 1 is `a b`, expected letters"),
        ("curriculum: {phases: [{name: a}, {name: a}]}", "phase 2 is called `a`, which is taken"),
        ("curriculum: {phases: [{name: a, lr: 0}]}", "the rate of phase `a` is 0, expected a number above 0"),
        ("curriculum: {phases: [{name: a, include: []}]}", "phase `a` includes nothing"),
        ("curriculum: {phases: [{name: a, include: some}]}", "expected `all` or a list of categories"),
        ("mix: {split: {validation: 0.6}}", "`mix.split.validation` must be between 0 and 0.5, got 0.6"),
        ("pack: {length: 0}", "`pack.length` must be between 1 and 16777216, got 0"),
    ];
    for (yaml, part) in cases {
        let said = refused(&file(yaml));
        assert!(said.contains(part), "{yaml}: {said}");
    }
    let plan =
        Plan::from_yaml("curriculum: {phases: [{name: a, include: [x, y], lr: 2e-5}], unlisted: null}", "a").unwrap();
    assert_eq!(plan.curriculum.phases[0].include, selection::Include::Only(vec!["x".into(), "y".into()]));
}

#[test]
fn the_sections_are_those_of_the_struct() {
    let json = Plan::default().to_json();
    let keys: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).skip(2).collect();
    assert_eq!(keys, Plan::SECTIONS);
}
