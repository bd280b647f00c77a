//! What the families of one question and one answer under two keys share.
//!
//! A dialect is a row of its family's table. A `system` or `system_prompt` that says something is a
//! system turn, a `history` of pairs or messages holds the earlier turns.

use super::context::Context;
use super::draft::{Draft, Join};
use super::hole::Side;
use super::template;
use super::values::is_blank;
use crate::json::{Kind, Node, write_string};
use crate::record::{Origin, Record, Rejection, Role};
use bumpalo::collections::Vec as ArenaVec;

/// A dialect: which keys hold the question and the answer.
#[derive(Debug)]
pub(super) struct Pair {
    /// The dialect's name.
    pub name: &'static str,
    /// The keys whose texts make the user's turn, a line end between them.
    pub user: &'static [&'static str],
    /// The key of the assistant's turn.
    pub assistant: &'static str,
}

/// Keys of a system prompt.
const SYSTEM: [&str; 2] = ["system", "system_prompt"];

/// The first dialect of the table whose keys the object has.
pub(super) fn detect(table: &'static [Pair], node: &Node<'_>) -> Option<&'static str> {
    let Kind::Object(members) = node.kind else { return None };
    let is_text = |key: &str| members.iter().any(|member| member.key == key && member.value.as_str().is_some());
    let pair = table.iter().find(|pair| {
        pair.user.iter().all(|key| is_text(key))
            && members.iter().any(|member| member.key == pair.assistant && may_answer(&member.value))
    })?;
    Some(pair.name)
}

/// Whether a value can be an answer: text, number, boolean, `null`, or a list of these.
pub(super) fn may_answer(value: &Node<'_>) -> bool {
    match value.kind {
        Kind::Object(_) => false,
        Kind::Array(items) => items.iter().all(|item| !matches!(item.kind, Kind::Object(_) | Kind::Array(_))),
        _ => true,
    }
}

/// Reads a record of a dialect of the table.
pub(super) fn parse<'a>(
    family: &'static str,
    table: &'static [Pair],
    dialect: &'static str,
    node: Node<'a>,
    origin: Origin<'a>,
    context: &Context<'a, '_>,
) -> Result<Record<'a>, Rejection> {
    let Some(pair) = table.iter().find(|pair| pair.name == dialect) else {
        return Err(context.reject("parse.no_schema", format!("dialect `{dialect}` is not known")));
    };
    let mut draft = Draft::new(context.arena);
    let system = add_system(&mut draft, &node);
    let history = add_history(&mut draft, &node, context)?;
    let parts = pair.user.iter().filter_map(|key| Some((*key, node.get(key)?)));
    match pair.user {
        [key] => {
            draft.take(key);
            if let Some(question) = node.get(key) {
                draft.turn(Role::User, question);
            }
        }
        _ => {
            let mut joined = ArenaVec::new_in(context.arena);
            for (key, part) in parts {
                draft.take(key);
                if !joined.is_empty() {
                    joined.push(Join::Literal("\n"));
                }
                joined.push(Join::Value(part));
            }
            draft.joined(Role::User, &joined);
        }
    }
    draft.take(pair.assistant);
    if let Some(answer) = node.get(pair.assistant) {
        draft.turn(Role::Assistant, answer);
    }
    if history {
        draft.template_is_own();
    } else if let (Some(key), true) = (system, draft.template_is_known()) {
        draft.template_is(key);
    }
    Ok(draft.finish(family, dialect, node, origin, context))
}

/// Writes a record of a dialect of the table back.
pub(super) fn restore(table: &'static [Pair], canonical: &Node<'_>, out: &mut Vec<u8>) -> Result<(), String> {
    template::restore(canonical, out, |dialect, name| {
        let pair = table.iter().find(|pair| pair.name == dialect)?;
        let system = SYSTEM.into_iter().find(|key| *key == name);
        if !name.is_empty() && system.is_none() {
            return None;
        }
        Some(keyed(system.into_iter().chain(pair.user.iter().copied()).chain([pair.assistant])))
    })
}

/// The template that puts one turn under each of these keys.
pub(super) fn keyed<'k>(keys: impl Iterator<Item = &'k str>) -> String {
    let mut out = vec![b'{'];
    for (turn, key) in keys.enumerate() {
        if turn > 0 {
            out.push(b',');
        }
        write_string(&mut out, key);
        out.extend_from_slice(format!(":{{\"$turn\":{turn}}}").as_bytes());
    }
    out.push(b'}');
    String::from_utf8_lossy(&out).into_owned()
}

/// Takes a system prompt that says something. Returns its key.
pub(super) fn add_system<'a>(draft: &mut Draft<'a>, node: &Node<'a>) -> Option<&'static str> {
    let (key, prompt) = SYSTEM.into_iter().find_map(|key| {
        let prompt = node.get(key)?;
        prompt.as_str().filter(|text| !is_blank(text)).map(|_| (key, prompt))
    })?;
    draft.take(key);
    draft.turn(Role::System, prompt);
    Some(key)
}

/// Takes a history: `[[user, assistant], …]`, `[{"role": …, "content": …}, …]` or
/// `[{"from": …, "value": …}, …]`. Returns whether there was one.
pub(super) fn add_history<'a>(
    draft: &mut Draft<'a>,
    node: &Node<'a>,
    context: &Context<'a, '_>,
) -> Result<bool, Rejection> {
    let Some(history) = node.get("history") else { return Ok(false) };
    let items = history.as_array().unwrap_or_default();
    let is_pair = |item: &Node<'_>| {
        item.as_array().is_some_and(|pair| pair.len() == 2 && pair.iter().all(|side| side.as_str().is_some()))
    };
    if items.is_empty() {
        return Ok(false);
    }
    if items.iter().all(is_pair) {
        draft.take("history");
        for item in items {
            if let Some([user, assistant]) = item.as_array() {
                draft.turn(Role::User, *user);
                draft.turn(Role::Assistant, *assistant);
            }
        }
        return Ok(true);
    }
    if items.iter().all(|item| is_message(item).is_some()) {
        draft.take("history");
        add_messages(draft, Side::Messages, items, context)?;
        return Ok(true);
    }
    Ok(false)
}

/// The shape of one message object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MessageShape {
    /// `role` and whatever OpenAI has.
    Role,
    /// `from` and `value`.
    From,
}

/// Whether an object is a message of either shape.
pub(super) fn is_message(node: &Node<'_>) -> Option<MessageShape> {
    let is_text = |key: &str| node.get(key).is_some_and(|value| value.as_str().is_some());
    if is_text("role") {
        Some(MessageShape::Role)
    } else if is_text("from") && is_text("value") {
        Some(MessageShape::From)
    } else {
        None
    }
}

/// Adds messages of either shape; returns the number of the first.
pub(super) fn add_messages<'a>(
    draft: &mut Draft<'a>,
    side: Side,
    items: &[Node<'a>],
    context: &Context<'a, '_>,
) -> Result<usize, Rejection> {
    let first = draft.turns(side);
    for item in items {
        add_message(draft, side, *item, context)?;
    }
    Ok(first)
}

/// Adds one message of either shape.
pub(super) fn add_message<'a>(
    draft: &mut Draft<'a>,
    side: Side,
    item: Node<'a>,
    context: &Context<'a, '_>,
) -> Result<usize, Rejection> {
    let index = draft.turns(side);
    draft.template_is_own();
    match is_message(&item) {
        Some(MessageShape::From) => {
            let (from, value) = (item.get("from"), item.get("value"));
            let role = context.role(from.and_then(|from| from.as_str()).unwrap_or(""))?;
            Ok(draft.turn_on(side, role, value.unwrap_or(item)))
        }
        _ => {
            let mut message = context.openai_turn(item, index)?;
            // A record is one line: a spelling that spans lines is not copied.
            if memchr::memchr2(b'\n', b'\r', item.raw.as_bytes()).is_some() {
                message.raw = None;
            }
            Ok(draft.message(side, item, message))
        }
    }
}
