//! The way of most lines: an object of `messages` and at most an `id` behind them, whose turns are a
//! canonical role and a text each. It is read in one pass, without nodes and without asking the families. Every
//! line that is not exactly that goes the general way, and the tests compare the two.

use super::hermes::CALL_MARK;
use super::known::{Known, QuietRecord};
use super::policy::{Consecutive, ParseSettings};
use crate::json::{Member, Node, Scanner};
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

/// What a plain line holds.
pub(super) struct Plain<'a> {
    turns: ArenaVec<'a, Message<'a>>,
    /// The spelling of their array.
    raw: &'a str,
    id: Option<Node<'a>>,
}

/// Most bytes from the end of the turns to the end of a plain line.
const BEHIND: usize = 64;

/// Whether the line may be plain, by a look at its ends: what others would cost is saved.
fn may_be_plain(bytes: &[u8]) -> bool {
    if !bytes.starts_with(b"{\"messages\"") {
        return false;
    }
    if bytes.ends_with(b"]}") {
        return true;
    }
    let end = &bytes[bytes.len().saturating_sub(BEHIND)..];
    let Some(at) = memchr::memrchr(b']', end) else { return false };
    let Some(rest) = end[at + 1..].trim_ascii_start().strip_prefix(b",") else { return false };
    rest.trim_ascii_start().starts_with(b"\"id\"")
}

/// The text of a line that may be plain.
#[inline(always)]
fn text_of<'a>(bytes: &'a [u8], known: &Known<'a>) -> Option<&'a str> {
    if !may_be_plain(bytes) {
        return None;
    }
    known.text(bytes).or_else(|| simdutf8::basic::from_utf8(bytes).ok())
}

/// Reads a plain line.
pub(super) fn turns<'a>(bytes: &'a [u8], known: &Known<'a>, arena: &'a Bump) -> Option<Plain<'a>> {
    let text = text_of(bytes, known)?;
    let mut turns = ArenaVec::with_capacity_in(FEW, arena);
    let (raw, id) = walk(text, known, arena, |scanner, role, object| {
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
        Some(())
    })?;
    Some(Plain { turns, raw, id })
}

/// A plain line whose texts nobody has to look at: all are quiet, and `passes` says of each spelling that has
/// characters beyond ASCII that they are as they should be. Its record is without the turns.
pub(super) fn quiet<'a>(
    bytes: &'a [u8],
    known: &Known<'a>,
    origin: Origin<'a>,
    arena: &'a Bump,
    passes: impl Fn(&str) -> bool,
) -> Option<QuietRecord<'a>> {
    let text = text_of(bytes, known)?;
    let (mut turns, mut characters, mut characters_total) = (0, 0, 0);
    let (raw, id) = walk(text, known, arena, |scanner, role, _| {
        let (spelling, seen) = scanner.quiet_string()?;
        if !scanner.eat(b"}") || (seen.high && !passes(spelling)) {
            return None;
        }
        let count = seen.characters as u64;
        turns += 1;
        characters_total += count;
        if role == Role::Assistant {
            characters += count;
        }
        Some(())
    })?;
    let plain = Plain { turns: ArenaVec::new_in(arena), raw, id };
    Some(QuietRecord { record: record(plain, origin, arena), turns, characters, characters_total })
}

/// Goes through a plain line: `turn` reads the text of a turn and the end of its object, which begins where it is
/// told. The spelling of the array, and the id.
#[inline(always)]
fn walk<'a>(
    text: &'a str,
    known: &Known<'a>,
    arena: &'a Bump,
    mut turn: impl FnMut(&mut Scanner<'a>, Role, usize) -> Option<()>,
) -> Option<(&'a str, Option<Node<'a>>)> {
    let mut scanner = Scanner::new(text, arena);
    if !(scanner.eat(b"{") && scanner.eat(b"\"messages\"") && scanner.eat(b":")) {
        return None;
    }
    let array = scanner.place();
    if !scanner.eat(b"[") {
        return None;
    }
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
        turn(&mut scanner, role, object)?;
        if scanner.eat(b",") {
            continue;
        }
        if !scanner.eat(b"]") {
            return None;
        }
        let raw = scanner.since(array)?;
        let mut id = None;
        if scanner.eat(b",") {
            if !(scanner.eat(b"\"id\"") && scanner.eat(b":")) {
                return None;
            }
            id = Some(scanner.scalar()?);
        }
        // What has this mark may be Hermes'.
        let ends = scanner.eat(b"}") && scanner.is_done();
        let is_marked = known.may_be_marked && CALL_MARK.find(text.as_bytes()).is_some();
        return (ends && !is_marked).then_some((raw, id));
    }
}

/// The record of a plain line.
#[inline(always)]
pub(super) fn record<'a>(plain: Plain<'a>, origin: Origin<'a>, arena: &'a Bump) -> Record<'a> {
    let Plain { turns: messages, raw, id } = plain;
    let mut fields = ArenaVec::new_in(arena);
    if let Some(value) = id {
        fields.reserve_exact(1);
        fields.push(Member { key: "id", raw_key: "\"id\"", value });
    }
    Record {
        origin,
        schema: Schema { family: "openai", dialect: "messages", restore: ArenaVec::new_in(arena) },
        messages,
        messages_raw: Some(raw),
        tools: None,
        rejected: None,
        parent: None,
        fields,
        changes: Changes::default(),
        labels: crate::record::Labels::default(),
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
        let Some(found) = turns(line.as_bytes(), &Known::default(), &arena) else { return false };
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
            format!(r#"{{"messages": [{user}], "id": 17}}"#),
            format!(r#"{{"messages": [{user}] ,"id" : -0 }}"#),
            format!(r#"{{"messages": [{user}], "id": "a\n\u00e9"}}"#),
            format!(r#"{{"messages": [{user}], "id": ""}}"#),
        ] {
            assert!(is_plain(&plain), "{plain}");
        }
        for other in [
            format!(r#"{{"messages": [{user}], "id": [1]}}"#),
            format!(r#"{{"messages": [{user}], "id": 01}}"#),
            format!(r#"{{"messages": [{user}], "id": 1.5}}"#),
            format!(r#"{{"messages": [{user}], "id": -}}"#),
            format!(r#"{{"messages": [{user}], "id": 1, "id": 2}}"#),
            format!(r#"{{"messages": [{user}], "id": 1,}}"#),
            format!(r#"{{"messages": [{user}], "key": 1}}"#),
            format!(r#"{{"messages": [{user}], "id": {:?}}}"#, "]".repeat(99)),
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
            id in prop_oneof![Just(String::new()), (-99i64..1 << 60).prop_map(|id| format!(",\"id\":{id}"))],
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
            let line = format!("{{\"messages\"{blank}:{blank}[{blank}{}{blank}]{id}}}", turns.join(&format!("{blank},{blank}")));
            prop_assert!(is_plain(&line), "{}", line);
        }
    }
}
