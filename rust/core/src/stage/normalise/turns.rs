//! Changes to whole turns: empty turns, merging.

use crate::record::{Change, Changes, Content, Message, Role, Text};
use bumpalo::Bump;
use bumpalo::collections::{String as ArenaString, Vec as ArenaVec};

/// Removes empty turns; how many there were.
pub(super) fn remove_empty(messages: &mut ArenaVec<'_, Message<'_>>) -> u32 {
    if !messages.iter().any(Message::is_empty) {
        return 0;
    }
    let before = messages.len();
    messages.retain(|message| !message.is_empty());
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
