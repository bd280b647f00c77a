//! Whole turns: what is empty, what is merged, what becomes of the source's spelling.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::json::{Limits, Member, parse};
use crate::record::{Content, Origin, Place, Role, Schema, Text};

fn record<'a>(turns: Vec<Message<'a>>, arena: &'a Bump) -> Record<'a> {
    Record {
        origin: Origin { path: "x.jsonl", place: Place::Line(1) },
        schema: Schema { family: "openai", dialect: "chat", restore: ArenaVec::new_in(arena) },
        messages: ArenaVec::from_iter_in(turns, arena),
        messages_raw: Some("[the source's own spelling]"),
        tools: None,
        rejected: None,
        parent: None,
        fields: ArenaVec::new_in(arena),
        changes: Changes::default(),
        labels: crate::record::Labels::default(),
    }
}

fn turn<'a>(role: Role, text: &'a str, fields: &'a str, arena: &'a Bump) -> Message<'a> {
    let mut message = Message::text(role, Text::new(text), arena);
    message.raw = Some("{the source's own spelling}");
    let node = parse(fields, arena, Limits::default()).unwrap();
    message.fields.extend(node.as_object().unwrap().iter().copied());
    message
}

fn apply<'a>(settings: &NormaliseSettings, record: &mut Record<'a>, arena: &'a Bump) -> Vec<(&'static str, u32)> {
    assert_eq!(Normalise::new(settings).unwrap().apply(record, arena), Verdict::Keep);
    record.changes.iter().map(|(kind, count)| (kind.name(), count)).collect()
}

fn texts<'a>(messages: &ArenaVec<'a, Message<'a>>) -> Vec<&'a str> {
    let text = |message: &Message<'a>| match &message.content {
        Content::Text(text) => text.value,
        _ => "(none)",
    };
    messages.iter().map(text).collect()
}

#[test]
fn clean_records_keep_their_spelling() {
    let arena = Bump::new();
    let mut record =
        record(vec![turn(Role::User, "Hi", "{}", &arena), turn(Role::Assistant, "Ho", "{}", &arena)], &arena);
    assert_eq!(apply(&NormaliseSettings::default(), &mut record, &arena), vec![]);
    assert!(record.messages_raw.is_some() && record.messages.iter().all(|message| message.raw.is_some()));
}

#[test]
fn changed_turns_lose_their_spelling_and_the_others_keep_it() {
    let arena = Bump::new();
    let mut record =
        record(vec![turn(Role::User, "Hi ", "{}", &arena), turn(Role::Assistant, "Ho", "{}", &arena)], &arena);
    record.messages[0].reasoning = Some(Text::new("so\r\n"));
    record.rejected = Some(ArenaVec::from_iter_in([turn(Role::Assistant, "No\t", "{}", &arena)], &arena));
    let changes = apply(&NormaliseSettings::default(), &mut record, &arena);
    assert_eq!(changes, vec![("normalise.line_ends", 1), ("normalise.trailing_space", 2)]);
    assert_eq!((record.messages_raw, record.messages[0].raw), (None, None));
    assert!(record.messages[1].raw.is_some());
    assert_eq!(texts(record.rejected.as_ref().unwrap()), ["No"]);
    assert_eq!(record.messages[0].reasoning.unwrap().value, "so\n");
}

#[test]
fn roles_of_other_spelling_are_counted_and_remembered() {
    let arena = Bump::new();
    let mut record = record(vec![turn(Role::User, "Hi", "{}", &arena)], &arena);
    record.messages[0].role_given = "human";
    assert_eq!(apply(&NormaliseSettings::default(), &mut record, &arena), vec![("normalise.role", 1)]);
    assert_eq!(record.messages[0].role_given, "human");
}

#[test]
fn only_turns_that_carry_nothing_are_empty() {
    let arena = Bump::new();
    for (role, text, fields, is_empty) in [
        (Role::System, "", "{}", true),
        (Role::User, " \n\t", r#"{"name":"Ann","weight":0}"#, true),
        (Role::Assistant, "", r#"{"refusal":null,"function_call":{},"audio":""}"#, true),
        (Role::Assistant, "", r#"{"function_call":{"name":"f","arguments":"{}"}}"#, false),
        (Role::Assistant, "", r#"{"score":0.5}"#, false),
        (Role::Tool, "", r#"{"tool_call_id":"c"}"#, false),
        (Role::User, ".", "{}", false),
    ] {
        let message = turn(role, text, fields, &arena);
        assert_eq!(message.is_empty(), is_empty, "{role:?} {text:?} {fields}");
    }
    let mut calling = turn(Role::Assistant, "", "{}", &arena);
    calling.content = Content::Null;
    calling.tool_calls = parse("[]", &arena, Limits::default()).ok();
    assert!(calling.is_empty());
    calling.tool_calls = parse(r#"[{"id":"c"}]"#, &arena, Limits::default()).ok();
    assert!(!calling.is_empty());
}

#[test]
fn empty_turns_are_removed_and_counted_also_those_that_became_empty() {
    let arena = Bump::new();
    let turns = || {
        let texts =
            [(Role::System, ""), (Role::User, "Hi"), (Role::Assistant, "\u{200B}\u{0}"), (Role::Assistant, "Ho")];
        texts.map(|(role, text)| turn(role, text, "{}", &arena)).into_iter().collect()
    };
    let mut first = record(turns(), &arena);
    let changes = apply(&NormaliseSettings::default(), &mut first, &arena);
    assert_eq!(changes, vec![("normalise.control", 1), ("normalise.zero_width", 1), ("normalise.empty_turn", 2)]);
    assert_eq!(texts(&first.messages), ["Hi", "Ho"]);
    assert_eq!(first.messages_raw, None);
    let mut second = record(turns(), &arena);
    let changes = apply(&NormaliseSettings { empty_turns: false, ..NormaliseSettings::off() }, &mut second, &arena);
    assert_eq!((changes, second.messages.len()), (vec![], 4));
}

#[test]
fn merging_joins_plain_turns_of_one_role_and_nothing_else() {
    let arena = Bump::new();
    let named = r#"{"name":"Ann"}"#;
    let mut reasoning = turn(Role::Assistant, "f", "{}", &arena);
    reasoning.reasoning = Some(Text::new("hm"));
    let turns = vec![
        turn(Role::User, "a", "{}", &arena),
        turn(Role::User, "b", "{}", &arena),
        turn(Role::User, "c", "{}", &arena),
        turn(Role::User, "d", named, &arena),
        turn(Role::User, "e", named, &arena),
        reasoning,
        turn(Role::Assistant, "g", "{}", &arena),
        turn(Role::Tool, "h", "{}", &arena),
        turn(Role::Tool, "i", "{}", &arena),
    ];
    let mut record = record(turns, &arena);
    let settings = NormaliseSettings { merge: true, ..NormaliseSettings::off() };
    assert_eq!(apply(&settings, &mut record, &arena), vec![("normalise.merge", 3)]);
    assert_eq!(texts(&record.messages), ["a\n\nb\n\nc", "d\n\ne", "f", "g", "h", "i"]);
    assert_eq!((record.messages_raw, record.messages[0].raw), (None, None));
    assert!(record.messages[2].raw.is_some());
    let fields: &[Member<'_>] = &record.messages[1].fields;
    assert_eq!(fields.len(), 1);
}
