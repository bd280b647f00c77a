//! Dialogues whose turns are objects with a speaker and a text (Taskmaster, CaSiNo, ESConv, SGD,
//! Topical-Chat …), or just texts in turn (DailyDialog).
//!
//! Speakers with a known name of a role take it. Of names that are not known the first to speak is
//! the user, the second the assistant; every further one is a user whose name stands in `name`.

use super::context::Context;
use super::draft::Draft;
use super::family::Family;
use super::hole::Side;
use super::template;
use crate::json::{Kind, Member, Node};
use crate::record::{Origin, Record, Rejection, Role};
use bumpalo::collections::Vec as ArenaVec;

/// The family `dialogue`. The dialect is the key that holds the turns.
#[derive(Debug)]
pub struct Dialogue;

/// Keys that hold turns, by priority.
const LISTS: [&str; 15] = [
    "utterances",
    "turns",
    "chat_logs",
    "dialog",
    "dialogue",
    "dialogs",
    "log",
    "content",
    "conversation",
    "conversations",
    "messages",
    "chat",
    "transcript",
    "dialogue_turns",
    "history",
];
/// Keys of a speaker, by priority.
const SPEAKERS: [&str; 13] = [
    "speaker",
    "role",
    "from",
    "sender",
    "agent",
    "author",
    "interlocutor",
    "turn_role",
    "participant",
    "speaker_id",
    "speaker_idx",
    "user",
    "id",
];
/// Keys of a text, by priority.
const TEXTS: [&str; 9] =
    ["text", "utterance", "content", "message", "value", "utterance_text", "sentence", "utter", "body"];
/// Keys whose list of bare texts is a dialogue in turn.
const BARE: [&str; 4] = ["dialog", "dialogue", "utterances", "conversation"];
/// The key whose list of objects is a dialogue in turn even where nothing says who speaks: rows of a table
/// that are joined.
const JOINED: &str = "turns";

fn text_key(turn: &Node<'_>) -> Option<&'static str> {
    find(&TEXTS, turn.as_object()?, |value| value.as_str().is_some())
}

fn keys(turn: &Node<'_>) -> Option<(&'static str, &'static str)> {
    let members = turn.as_object()?;
    let text = text_key(turn)?;
    let is_name = |value: &Node<'_>| matches!(value.kind, Kind::String(_) | Kind::Number);
    let speaker = find(&SPEAKERS, members, is_name)?;
    Some((speaker, text))
}

fn find(keys: &[&'static str], members: &[Member<'_>], test: impl Fn(&Node<'_>) -> bool) -> Option<&'static str> {
    keys.iter().copied().find(|key| members.iter().any(|member| member.key == *key && test(&member.value)))
}

/// What a speaker's name says in a dialogue, where `system` is the other side of the user.
fn known(name: &str, context: &Context<'_, '_>) -> Option<Role> {
    let mine = context.role(name).ok();
    match mine {
        Some(Role::System) if name.trim().eq_ignore_ascii_case("system") => Some(Role::Assistant),
        Some(role) => Some(role),
        None if name.trim().eq_ignore_ascii_case("sys") => Some(Role::Assistant),
        None => None,
    }
}

impl Family for Dialogue {
    fn name(&self) -> &'static str {
        "dialogue"
    }

    fn detect(&self, node: &Node<'_>) -> Option<&'static str> {
        node.as_object()?;
        LISTS.into_iter().find(|key| {
            let Some(items) = node.get(key).and_then(|list| list.as_array()) else { return false };
            let objects = items.first().and_then(keys).is_some_and(|_| items.iter().all(|item| keys(item).is_some()));
            let texts = || BARE.contains(key) && items.len() > 1 && items.iter().all(|item| item.as_str().is_some());
            let in_turn = || *key == JOINED && !items.is_empty() && items.iter().all(|item| text_key(item).is_some());
            objects || texts() || in_turn()
        })
    }

    fn parse<'a>(
        &self,
        dialect: &'static str,
        node: Node<'a>,
        origin: Origin<'a>,
        context: &Context<'a, '_>,
    ) -> Result<Record<'a>, Rejection> {
        let mut draft = Draft::new(context.arena);
        draft.take(dialect);
        draft.template_is_own();
        let items = node.get(dialect).and_then(|list| list.as_array()).unwrap_or_default();
        let mut strangers: ArenaVec<'a, &'a str> = ArenaVec::new_in(context.arena);
        for (index, item) in items.iter().enumerate() {
            let Some((speaker_key, text_key)) = keys(item) else {
                let role = if index % 2 == 0 { Role::User } else { Role::Assistant };
                let text = text_key(item).and_then(|key| item.get(key)).unwrap_or(*item);
                draft.turn_on(Side::Messages, role, text);
                continue;
            };
            let speaker = item.get(speaker_key).unwrap_or(Node::NULL);
            let name = speaker.as_str().unwrap_or(speaker.raw);
            let role = known(name, context).unwrap_or_else(|| {
                let place = strangers.iter().position(|stranger| *stranger == name).unwrap_or_else(|| {
                    strangers.push(name);
                    strangers.len() - 1
                });
                if place == 1 { Role::Assistant } else { Role::User }
            });
            let turn = draft.turn_on(Side::Messages, role, item.get(text_key).unwrap_or(Node::NULL));
            if strangers.iter().skip(2).any(|stranger| *stranger == name) {
                let named = Member::new("name", Node::string(name, context.arena), context.arena);
                draft.messages()[turn].fields.push(named);
            }
        }
        Ok(draft.finish(self.name(), dialect, node, origin, context))
    }

    fn restore(&self, canonical: &Node<'_>, out: &mut Vec<u8>) -> Result<(), String> {
        template::restore(canonical, out, |_, _| None)
    }
}
