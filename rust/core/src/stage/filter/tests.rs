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
    match Filter::new(settings).unwrap().apply(record, arena) {
        Verdict::Keep => None,
        Verdict::Drop { reason, evidence } => {
            serde_json::from_str::<serde_json::Value>(&evidence).unwrap();
            Some((reason, evidence))
        }
    }
}

fn length(length: LengthSettings) -> FilterSettings {
    FilterSettings { empty: false, length }
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
        assert_eq!(Filter::new(&length(settings)).unwrap_err().to_string(), message);
    }
}
