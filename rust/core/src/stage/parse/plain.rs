//! The way of most lines: an object of `messages` and nothing else, whose turns are a canonical role
//! and a text each. It is read in one pass, without nodes and without asking the families. Every
//! line that is not exactly that goes the general way, and the tests compare the two.

use super::hermes::CALL_MARK;
use super::policy::{Consecutive, ParseSettings};
use crate::json::Scanner;
use crate::record::{Changes, Content, Message, Origin, Record, Role, Schema, Text};
use bumpalo::Bump;
use bumpalo::collections::Vec as ArenaVec;

/// Turns that one allocation holds; most conversations have no more.
const FEW: usize = 4;

/// Whether no setting says anything about such lines.
pub(super) fn applies(settings: &ParseSettings) -> bool {
    settings.roles.is_empty()
        && settings.schemas.is_empty()
        && settings.consecutive == Consecutive::Keep
        && settings.max_depth >= 3
}

/// The turns of a plain line and the spelling of their array.
pub(super) fn turns<'a>(bytes: &'a [u8], arena: &'a Bump) -> Option<(ArenaVec<'a, Message<'a>>, &'a str)> {
    // Lines with something before or behind the turns are told by a look at their ends.
    if !bytes.starts_with(b"{\"messages\"") || !bytes.ends_with(b"]}") {
        return None;
    }
    let text = simdutf8::basic::from_utf8(bytes).ok()?;
    let mut scanner = Scanner::new(text, arena);
    if !(scanner.eat(b"{") && scanner.eat(b"\"messages\"") && scanner.eat(b":")) {
        return None;
    }
    let array = scanner.place();
    if !scanner.eat(b"[") {
        return None;
    }
    let mut turns = ArenaVec::with_capacity_in(FEW, arena);
    loop {
        let object = scanner.place();
        if !(scanner.eat(b"{") && scanner.eat(b"\"role\"") && scanner.eat(b":")) {
            return None;
        }
        let role = if scanner.eat(b"\"user\"") {
            Role::User
        } else if scanner.eat(b"\"assistant\"") {
            Role::Assistant
        } else if scanner.eat(b"\"system\"") {
            Role::System
        } else if scanner.eat(b"\"tool\"") {
            Role::Tool
        } else {
            return None;
        };
        if !(scanner.eat(b",") && scanner.eat(b"\"content\"") && scanner.eat(b":")) {
            return None;
        }
        let (value, raw) = scanner.string()?;
        if !scanner.eat(b"}") {
            return None;
        }
        turns.push(Message {
            role,
            role_given: role.name(),
            content: Content::Text(Text { value, raw: Some(raw) }),
            reasoning: None,
            tool_calls: None,
            fields: ArenaVec::new_in(arena),
            raw: Some(scanner.since(object)?),
        });
        if scanner.eat(b",") {
            continue;
        }
        if !scanner.eat(b"]") {
            return None;
        }
        let raw = scanner.since(array)?;
        // What has this mark may be Hermes'.
        let ends = scanner.eat(b"}") && scanner.is_done();
        return (ends && CALL_MARK.find(bytes).is_none()).then_some((turns, raw));
    }
}

/// The record of such turns.
#[inline(always)]
pub(super) fn record<'a>(
    (messages, raw): (ArenaVec<'a, Message<'a>>, &'a str),
    origin: Origin<'a>,
    arena: &'a Bump,
) -> Record<'a> {
    Record {
        origin,
        schema: Schema { family: "openai", dialect: "messages", restore: ArenaVec::new_in(arena) },
        messages,
        messages_raw: Some(raw),
        tools: None,
        rejected: None,
        parent: None,
        fields: ArenaVec::new_in(arena),
        changes: Changes::default(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::{Parsed, Parser};
    use super::*;
    use crate::record::Place;
    use crate::stage::read::{Body, Unit};
    use proptest::prelude::*;

    const ORIGIN: Origin<'static> = Origin { path: "in.jsonl", place: Place::Line(7) };

    /// Whether the line goes the plain way; its record is then that of the general way.
    fn is_plain(line: &str) -> bool {
        let arena = Bump::new();
        let Some(found) = turns(line.as_bytes(), &arena) else { return false };
        let plain = record(found, ORIGIN, &arena);
        let parser = Parser { plain: false, ..Parser::new(&ParseSettings::default()).unwrap() };
        let unit = Unit { origin: ORIGIN, byte: 0, body: Body::Json(line.as_bytes()) };
        match parser.parse(&unit, &arena).unwrap() {
            Parsed::Record(general) => assert_eq!(format!("{plain:?}"), format!("{general:?}"), "{line}"),
            other => panic!("{other:?}: {line}"),
        }
        true
    }

    #[test]
    fn plain_lines_are_told_from_all_others() {
        let user = r#"{"role": "user", "content": "a\n\u00e9\ud83d\ude00é"}"#;
        for plain in [
            format!(r#"{{"messages": [{user}]}}"#),
            format!(r#"{{"messages":[{user},{user} ,	{user}, {user}, {user}] }}"#).replace("] }", "]}"),
            r#"{"messages":[{"role":"system","content":""},{"role":"tool","content":"x"}]}"#.into(),
        ] {
            assert!(is_plain(&plain), "{plain}");
        }
        for other in [
            format!(r#"{{"messages": [{user}], "id": [1]}}"#),
            format!(r#"{{"messages": [{user}]}}]}}"#),
            format!(r#"{{"messages": [{user},]}}"#),
            format!("{{\"messages\": [{user},\r\n{user}]}}"),
            r#"{"messages": []}"#.into(),
            r#"{"messages": [{"role": "human", "content": "a"}]}"#.into(),
            r#"{"messages": [{"role": "user", "content": "a", "name": "b"}]}"#.into(),
            r#"{"messages": [{"role": "user", "content": null}]}"#.into(),
            r#"{"messages": [{"role": "\u0075ser", "content": "a"}]}"#.into(),
            r#"{"messages": [{"role": "user", "content": "\ud800"}]}"#.into(),
            r#"{"messages": [{"role": "user", "content": "\x"}]}"#.into(),
            "{\"messages\": [{\"role\": \"user\", \"content\": \"\u{1}\"}]}".into(),
            r#"{"messages": [{"role": "assistant", "content": "<tool_call>{\"name\":\"f\",\"arguments\":{}}</tool_call>"}]}"#.into(),
        ] {
            assert!(!is_plain(&other), "{other}");
        }
    }

    #[test]
    fn what_a_plan_says_about_roles_goes_before() {
        let mut settings = ParseSettings::default();
        assert!(applies(&settings));
        settings.consecutive = Consecutive::Reject;
        assert!(!applies(&settings));
        let shallow = ParseSettings { max_depth: 2, ..ParseSettings::default() };
        assert!(!applies(&shallow));
        let named = ParseSettings {
            roles: [("user".to_owned(), super::super::RoleName::System)].into(),
            ..ParseSettings::default()
        };
        assert!(!applies(&named));
    }

    proptest! {
        #[test]
        fn records_are_those_of_the_general_way(
            turns in proptest::collection::vec((0usize..4, any::<String>(), any::<bool>()), 1..9),
            blank in prop_oneof![Just(""), Just(" "), Just("\t ")],
        ) {
            let turns: Vec<String> = turns
                .iter()
                .map(|(role, text, ascii)| {
                    let role = ["user", "assistant", "system", "tool"][*role];
                    let mut quoted = serde_json::to_string(text).unwrap();
                    if *ascii {
                        let escape = |unit: &u16| match *unit {
                            unit @ 0x20..0x7F => char::from(unit as u8).to_string(),
                            unit => format!("\\u{unit:04x}"),
                        };
                        quoted = quoted.encode_utf16().collect::<Vec<_>>().iter().map(escape).collect();
                    }
                    format!("{{{blank}\"role\"{blank}:{blank}\"{role}\"{blank},{blank}\"content\":{blank}{quoted}{blank}}}")
                })
                .collect();
            let line = format!("{{\"messages\"{blank}:{blank}[{blank}{}{blank}]}}", turns.join(&format!("{blank},{blank}")));
            prop_assert!(is_plain(&line), "{}", line);
        }
    }
}
