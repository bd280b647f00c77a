//! The filter's verdicts, word for word.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::json::{Limits, parse};
use crate::record::{Changes, Content, Message, Origin, Part, Place, Role, Schema, Text};
use bumpalo::collections::Vec as ArenaVec;

fn record<'a>(messages: ArenaVec<'a, Message<'a>>, arena: &'a Bump) -> Record<'a> {
    Record {
        origin: Origin { path: "x.jsonl", place: Place::Line(1) },
        schema: Schema { family: "openai", dialect: "chat", restore: ArenaVec::new_in(arena) },
        messages,
        messages_raw: None,
        tools: None,
        rejected: None,
        parent: None,
        fields: ArenaVec::new_in(arena),
        changes: Changes::default(),
        labels: crate::record::Labels::default(),
    }
}

/// The verdict on a conversation of plain texts: `None` for keep, else reason and evidence.
fn judge(settings: &FilterSettings, turns: &[(Role, &str)]) -> Option<(&'static str, String)> {
    let arena = Bump::new();
    let mut messages = ArenaVec::new_in(&arena);
    for &(role, text) in turns {
        messages.push(Message::text(role, Text::new(arena.alloc_str(text)), &arena));
    }
    verdict(settings, &mut record(messages, &arena), &arena)
}

fn verdict<'a>(settings: &FilterSettings, record: &mut Record<'a>, arena: &'a Bump) -> Option<(&'static str, String)> {
    match Filter::new(settings, &Arc::default()).unwrap().apply(record, arena) {
        Verdict::Keep => None,
        Verdict::Drop { reason, evidence } => {
            serde_json::from_str::<serde_json::Value>(&evidence).unwrap();
            Some((reason, evidence))
        }
    }
}

fn length(length: LengthSettings) -> FilterSettings {
    FilterSettings { empty: false, length, ..FilterSettings::default() }
}

fn open() -> LengthSettings {
    LengthSettings { min_chars: 0, ..LengthSettings::default() }
}

#[test]
fn defaults_drop_what_teaches_nothing_and_keep_the_shortest_answer() {
    let settings = FilterSettings::default();
    let no_turns = Some(("filter.empty.no_turns", r#"{"turns":0}"#.to_owned()));
    assert_eq!(judge(&settings, &[]), no_turns);
    let nothing = Some(("filter.empty.nothing_said", r#"{"turns":2,"characters":0}"#.to_owned()));
    assert_eq!(judge(&settings, &[(Role::User, " \n"), (Role::Assistant, "")]), nothing);
    let silent = Some(("filter.length.short", r#"{"characters":0,"min_chars":1}"#.to_owned()));
    assert_eq!(judge(&settings, &[(Role::User, "Why?"), (Role::Assistant, " ")]), silent);
    assert_eq!(judge(&settings, &[(Role::User, "Why?")]), silent);
    assert_eq!(judge(&settings, &[(Role::User, "Is it?"), (Role::Assistant, "J")]), None);
    assert_eq!(judge(&settings, &[(Role::Text, "Once upon a time")]), None);
}

#[test]
fn bounds_are_inclusive_and_count_characters_without_the_white_space_around() {
    let settings = length(LengthSettings { min_chars: 4, max_chars: Some(6), ..open() });
    let said = |text| judge(&settings, &[(Role::User, "a very long question indeed"), (Role::Assistant, text)]);
    assert_eq!(said(" éééé\n"), None);
    assert_eq!(said("éééééé"), None);
    assert_eq!(said("ééé"), Some(("filter.length.short", r#"{"characters":3,"min_chars":4}"#.to_owned())));
    assert_eq!(said("ééééééé"), Some(("filter.length.long", r#"{"characters":7,"max_chars":6}"#.to_owned())));
}

#[test]
fn words_are_stretches_with_a_letter_and_single_characters_of_unspaced_scripts() {
    let settings = length(LengthSettings { min_words: 3, max_words: Some(5), ..open() });
    let few = |words| Some(("filter.length.few_words", format!(r#"{{"words":{words},"min_words":3}}"#)));
    let many = |words| Some(("filter.length.many_words", format!(r#"{{"words":{words},"max_words":5}}"#)));
    for (text, wanted) in [
        ("don't - stop", few(2)),
        ("state-of-the-art 3.5 x", None),
        ("今天", few(2)),
        ("今天好。", None),
        ("今天天气很好", many(6)),
        ("GPT4很好", None),
        ("안녕 하세요", few(2)),
        ("… — !", few(0)),
    ] {
        assert_eq!(judge(&settings, &[(Role::Assistant, text)]), wanted, "{text}");
    }
}

#[test]
fn turns_are_the_assistants() {
    let settings = length(LengthSettings { min_turns: 2, max_turns: Some(2), ..open() });
    let turns = |count: usize| [(Role::User, "a"), (Role::Assistant, "b")].repeat(count);
    assert_eq!(
        judge(&settings, &turns(1)),
        Some(("filter.length.few_turns", r#"{"turns":1,"min_turns":2}"#.to_owned()))
    );
    assert_eq!(judge(&settings, &turns(2)), None);
    assert_eq!(
        judge(&settings, &turns(3)),
        Some(("filter.length.many_turns", r#"{"turns":3,"max_turns":2}"#.to_owned()))
    );
}

#[test]
fn calls_reasoning_and_parts_are_said_too() {
    let arena = Bump::new();
    let calls = r#"[{"id":"c","type":"function","function":{"name":"f","arguments":{"x":1}}}]"#;
    let mut assistant = Message::text(Role::Assistant, Text::new(""), &arena);
    assistant.content = Content::Null;
    assistant.tool_calls = parse(calls, &arena, Limits::default()).ok();
    let mut record = record(ArenaVec::from_iter_in([assistant], &arena), &arena);
    assert_eq!(verdict(&FilterSettings::default(), &mut record, &arena), None);
    // `f` and `{"x":1}`.
    let settings = length(LengthSettings { min_chars: 9, ..open() });
    let short = Some(("filter.length.short", r#"{"characters":8,"min_chars":9}"#.to_owned()));
    assert_eq!(verdict(&settings, &mut record, &arena), short);
    record.messages[0].reasoning = Some(Text::new("h"));
    assert_eq!(verdict(&settings, &mut record, &arena), None);

    let image = parse(r#"{"type":"image_url","image_url":{"url":"u"}}"#, &arena, Limits::default()).unwrap();
    let mut user = Message::text(Role::User, Text::new(""), &arena);
    user.content = Content::Parts(ArenaVec::from_iter_in([Part { node: image, text: None }], &arena));
    record.messages = ArenaVec::from_iter_in([user], &arena);
    assert_eq!(verdict(&FilterSettings { length: open(), ..FilterSettings::default() }, &mut record, &arena), None);
}

#[test]
fn crossed_bounds_are_refused_by_name() {
    for (settings, message) in [
        (
            LengthSettings { min_chars: 9, max_chars: Some(3), ..open() },
            "filter.length.min_chars: must be at most `max_chars` (3), got 9",
        ),
        (
            LengthSettings { min_words: 2, max_words: Some(1), ..open() },
            "filter.length.min_words: must be at most `max_words` (1), got 2",
        ),
        (
            LengthSettings { min_turns: 1, max_turns: Some(0), ..open() },
            "filter.length.min_turns: must be at most `max_turns` (0), got 1",
        ),
    ] {
        assert_eq!(Filter::new(&length(settings), &Arc::default()).unwrap_err().to_string(), message);
    }
}

/// The verdict of conditions on what the default packs and the language told.
fn labelled(filter: &FilterSettings, fields: &str, turns: &[(Role, &str)]) -> Option<(&'static str, String)> {
    use crate::stage::tag::{TagSettings, Tagger};
    let arena = Bump::new();
    let tagger = Tagger::new(&TagSettings::default()).unwrap();
    let mut messages = ArenaVec::new_in(&arena);
    for &(role, text) in turns {
        messages.push(Message::text(role, Text::new(arena.alloc_str(text)), &arena));
    }
    let mut record = record(messages, &arena);
    let node = parse(arena.alloc_str(fields), &arena, Limits::default()).unwrap();
    record.fields.extend(node.as_object().unwrap().iter().copied());
    let _ = tagger.apply(&mut record, &arena);
    match Filter::new(filter, tagger.vocabulary()).unwrap().apply(&mut record, &arena) {
        Verdict::Keep => None,
        Verdict::Drop { reason, evidence } => {
            serde_json::from_str::<serde_json::Value>(&evidence).unwrap();
            Some((reason, evidence))
        }
    }
}

fn tags(column: &str, drop: &[&str], keep: &[&str]) -> FilterSettings {
    let list = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect();
    let condition = TagCondition { column: column.to_owned(), drop: list(drop), keep: list(keep) };
    FilterSettings { tags: vec![condition], ..FilterSettings::default() }
}

#[test]
fn a_refusal_is_dropped_with_its_words_where_that_is_asked_for() {
    let turns = [(Role::User, "Do it."), (Role::Assistant, "Well. I must decline to do it.")];
    assert_eq!(labelled(&FilterSettings::default(), "{}", &turns), None);
    let settings = FilterSettings { refusal: true, ..FilterSettings::default() };
    let (reason, evidence) = labelled(&settings, "{}", &turns).unwrap();
    assert_eq!(reason, "filter.refusal.refused");
    assert!(evidence.contains(r#""turn":1,"text":"I must decline""#), "{evidence}");
    assert_eq!(labelled(&settings, "{}", &[(Role::User, "Do it."), (Role::Assistant, "Done.")]), None);
}

#[test]
fn tags_are_wanted_or_not_and_declared_ones_count() {
    let turns = [(Role::User, "I feel so lonely since I moved here"), (Role::Assistant, "That sounds hard.")];
    let found = labelled(&tags("cue", &["emotional"], &[]), "{}", &turns).unwrap();
    assert_eq!(found.0, "filter.tags.unwanted");
    assert!(found.1.contains(r#""column":"cue","tag":"emotional""#), "{}", found.1);
    assert_eq!(labelled(&tags("cue", &[], &["emotional"]), "{}", &turns), None);
    let fields = r#"{"_category":"mine"}"#;
    assert_eq!(labelled(&tags("category", &[], &["mine"]), fields, &turns), None);
    let missing = labelled(&tags("category", &[], &["technical"]), fields, &turns);
    assert_eq!(missing, Some(("filter.tags.missing", r#"{"column":"category","tags":["mine"]}"#.to_owned())));
    let traits = labelled(&tags("traits", &["cold"], &[]), r#"{"_traits":["warm","cold"]}"#, &turns);
    assert_eq!(traits, Some(("filter.tags.unwanted", r#"{"column":"traits","tag":"cold"}"#.to_owned())));
}

#[test]
fn languages_scores_and_measures_have_bounds() {
    let french = "Je ne sais pas ce que vous voulez dire, mais nous pouvons en parler avec les autres demain.";
    let turns = [(Role::User, "Hm?"), (Role::Assistant, french)];
    let language = |keep: &[&str], unknown| FilterSettings {
        language: LanguageSettings { keep: keep.iter().map(|code| (*code).to_owned()).collect(), unknown },
        ..FilterSettings::default()
    };
    let other = Some(("filter.language.other", r#"{"language":"fr"}"#.to_owned()));
    assert_eq!(labelled(&language(&["en"], true), "{}", &turns), other);
    assert_eq!(labelled(&language(&["en", "fr"], false), "{}", &turns), None);
    let unsure = [(Role::User, "?"), (Role::Assistant, "42")];
    let unknown = Some(("filter.language.unknown", r#"{"language":null}"#.to_owned()));
    assert_eq!(labelled(&language(&[], false), "{}", &unsure), unknown);
    assert_eq!(labelled(&language(&["en"], true), "{}", &unsure), None);

    let measure = |min, max| FilterSettings {
        measures: vec![MeasureCondition { measure: "assistant.words".to_owned(), min, max }],
        ..FilterSettings::default()
    };
    let few = Some(("filter.measures.low", r#"{"measure":"assistant.words","value":1,"min":2}"#.to_owned()));
    assert_eq!(labelled(&measure(Some(2.0), None), "{}", &unsure), few);
    assert_eq!(labelled(&measure(Some(1.0), Some(1.0)), "{}", &unsure), None);

    let score = |min, max| FilterSettings {
        scores: vec![ScoreCondition { column: "cue".to_owned(), tag: Some("emotional".to_owned()), min, max }],
        ..FilterSettings::default()
    };
    let lonely = [(Role::User, "I feel so lonely since I moved here"), (Role::Assistant, "That sounds hard.")];
    assert_eq!(labelled(&score(Some(50.0), None), "{}", &lonely).unwrap().0, "filter.scores.low");
    assert_eq!(labelled(&score(None, Some(50.0)), "{}", &lonely), None);
}

#[test]
fn repetition_is_measured_in_lines_and_in_words() {
    let settings = |lines, words| FilterSettings {
        repetition: RepetitionSettings { max_line_share: lines, max_word_share: words, min_words: 10 },
        ..FilterSettings::default()
    };
    let said = |settings: &FilterSettings, text: &str| judge(settings, &[(Role::User, "?"), (Role::Assistant, text)]);
    let lines = "one two three four five\nsix\none two three four five\none two three four five\n";
    let (reason, evidence) = said(&settings(Some(0.5), None), lines).unwrap();
    // 23 + 3 + 23 + 23 characters, of them 46 said again.
    assert_eq!((reason, &*evidence), ("filter.repetition.lines", r#"{"line_share":0.6389,"max_line_share":0.5}"#));
    assert_eq!(said(&settings(Some(0.7), None), lines), None);
    let ten = "a b c d e f g h i j ";
    // Thirty words; the second and the third ten stood there before, and so did all windows between.
    let (reason, evidence) = said(&settings(None, Some(0.5)), &ten.repeat(3)).unwrap();
    assert_eq!((reason, &*evidence), ("filter.repetition.words", r#"{"word_share":0.6667,"max_word_share":0.5}"#));
    assert_eq!(said(&settings(None, Some(0.5)), ten), None);
    assert_eq!(said(&settings(Some(0.0), Some(0.0)), "no no no"), None, "too few words to judge");
}

#[test]
fn conditions_that_nothing_can_meet_are_refused() {
    let refused = |settings: &FilterSettings| Filter::new(settings, &Arc::default()).unwrap_err().to_string();
    assert!(refused(&tags("cue", &["emotional"], &[])).contains("no label column `cue`"));
    assert!(refused(&tags("category", &[], &[])).contains("asks for nothing"));
    assert!(refused(&FilterSettings { refusal: true, ..FilterSettings::default() }).contains("no pack tells refusals"));
    let language = LanguageSettings { keep: vec!["en".to_owned()], unknown: true };
    assert!(refused(&FilterSettings { language, ..FilterSettings::default() }).contains("tag.language"));
    let repetition = RepetitionSettings { max_line_share: Some(1.5), ..RepetitionSettings::default() };
    assert!(refused(&FilterSettings { repetition, ..FilterSettings::default() }).contains("expected 0 to 1"));
    let measure = MeasureCondition { measure: "assistant.wrods".to_owned(), min: Some(1.0), max: None };
    assert!(refused(&FilterSettings { measures: vec![measure], ..FilterSettings::default() }).contains("wrods"));
}
