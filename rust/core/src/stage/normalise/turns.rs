//! Changes to whole turns: role names, empty turns, merging.

use crate::json::{Kind, Node};
use crate::record::{Change, Changes, Content, Message, Role, Text};
use bumpalo::Bump;
use bumpalo::collections::{String as ArenaString, Vec as ArenaVec};

/// Gives a turn's role its canonical name. True if the source spelled it otherwise.
pub(super) fn name_role(message: &mut Message<'_>) -> bool {
    if message.role_given == message.role.name() {
        return false;
    }
    message.role_given = message.role.name();
    message.raw = None;
    true
}

/// Whether the turn says and does nothing: no text but white space, no part of another kind, no
/// reasoning, no call, and no field that carries something. A tool's answer is never empty: that
/// the tool returned nothing answers its call.
pub fn is_empty(message: &Message<'_>) -> bool {
    let blank = |text: &Text<'_>| text.value.trim().is_empty();
    let says_nothing = match &message.content {
        Content::Absent | Content::Null => true,
        Content::Text(text) => blank(text),
        Content::Parts(parts) => parts.iter().all(|part| part.text.as_ref().is_some_and(blank)),
    };
    says_nothing
        && message.role != Role::Tool
        && message.reasoning.as_ref().is_none_or(blank)
        && message.tool_calls.as_ref().is_none_or(carries_nothing)
        && message.fields.iter().all(|member| is_mere_label(member.key) || carries_nothing(&member.value))
}

/// Fields that say something about a turn's text and nothing without it.
fn is_mere_label(key: &str) -> bool {
    matches!(key, "name" | "weight" | "train" | "loss" | "id" | "index" | "timestamp")
}

/// `null`, `false`, `""`, `[]`, `{}`: a field that is there and holds nothing.
fn carries_nothing(node: &Node<'_>) -> bool {
    match node.kind {
        Kind::Null | Kind::Bool(false) => true,
        Kind::String(text) => text.trim().is_empty(),
        Kind::Array(items) => items.is_empty(),
        Kind::Object(members) => members.is_empty(),
        Kind::Bool(true) | Kind::Number => false,
    }
}

/// Removes empty turns; how many there were.
pub(super) fn remove_empty(messages: &mut ArenaVec<'_, Message<'_>>) -> u32 {
    if !messages.iter().any(is_empty) {
        return 0;
    }
    let before = messages.len();
    messages.retain(|message| !is_empty(message));
    u32::try_from(before - messages.len()).unwrap_or(u32::MAX)
}

/// Joins each run of consecutive turns of one role into one turn with an empty line between the
/// texts; how many turns went into the one before them. Only plain texts are joined, and only where
/// no call, reasoning or differing field would be lost or change its meaning. Tool answers stay apart.
pub fn merge<'a>(messages: &mut ArenaVec<'a, Message<'a>>, changes: &mut Changes, arena: &'a Bump) -> bool {
    if !messages.windows(2).any(|pair| can_join(&pair[0], &pair[1])) {
        return false;
    }
    let mut joined: ArenaVec<'a, Message<'a>> = ArenaVec::with_capacity_in(messages.len(), arena);
    for message in messages.drain(..) {
        let Some(last) = joined.last_mut().filter(|last| can_join(last, &message)) else {
            joined.push(message);
            continue;
        };
        if let (Content::Text(first), Content::Text(second)) = (&last.content, &message.content) {
            let mut text = ArenaString::with_capacity_in(first.value.len() + 2 + second.value.len(), arena);
            text.push_str(first.value);
            text.push_str("\n\n");
            text.push_str(second.value);
            last.content = Content::Text(Text::new(text.into_bump_str()));
            last.raw = None;
            changes.add(Change::Merge, 1);
        }
    }
    *messages = joined;
    true
}

fn can_join(first: &Message<'_>, second: &Message<'_>) -> bool {
    let is_plain = |message: &Message<'_>| {
        matches!(message.content, Content::Text(_)) && message.reasoning.is_none() && message.tool_calls.is_none()
    };
    first.role == second.role
        && !matches!(first.role, Role::Tool | Role::Text)
        && is_plain(first)
        && is_plain(second)
        && first.fields.len() == second.fields.len()
        && first.fields.iter().zip(&second.fields).all(|(a, b)| a.key == b.key && a.value.raw == b.value.raw)
}
