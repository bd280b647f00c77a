//! Conversations as a list of exchanges, both sides in one object: `conversation[{system, input,
//! output}]` (EmoLLM, XTuner), DialogStudio's `log`, `conversation[{human, assistant}]` (Firefly).

use super::context::Context;
use super::draft::Draft;
use super::family::Family;
use super::template;
use super::values::is_blank;
use crate::json::{Kind, Node};
use crate::record::{Origin, Record, Rejection, Role};

/// The family `rounds`. The dialect is the key that holds the exchanges.
#[derive(Debug)]
pub struct Rounds;

/// Keys that hold exchanges, by priority.
const LISTS: [&str; 9] =
    ["conversation", "conversations", "log", "turns", "rounds", "dialog", "dialogue", "chat", "qas"];
/// Keys of the two sides of an exchange.
const SIDES: [(&str, &str); 8] = [
    ("input", "output"),
    ("user utterance", "system response"),
    ("human", "assistant"),
    ("Human", "MOSS"),
    ("user", "assistant"),
    ("question", "answer"),
    ("prompt", "response"),
    ("instruction", "output"),
];

fn sides(round: &Node<'_>) -> Option<(&'static str, &'static str)> {
    round.as_object()?;
    let is_text = |key: &str| round.get(key).is_some_and(|value| matches!(value.kind, Kind::String(_) | Kind::Null));
    SIDES.into_iter().find(|(user, assistant)| is_text(user) && is_text(assistant))
}

/// The exchanges: a list of them, or a single one.
fn rounds<'n, 'a>(list: &'n Node<'a>) -> &'n [Node<'a>] {
    match list.kind {
        Kind::Array(items) => items,
        _ => std::slice::from_ref(list),
    }
}

impl Family for Rounds {
    fn name(&self) -> &'static str {
        "rounds"
    }

    fn detect(&self, node: &Node<'_>) -> Option<&'static str> {
        node.as_object()?;
        LISTS.into_iter().find(|key| {
            node.get(key).is_some_and(|list| {
                let rounds = rounds(&list);
                rounds.first().and_then(sides).is_some() && rounds.iter().all(|round| sides(round).is_some())
            })
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
        let list = node.get(dialect).unwrap_or(Node::NULL);
        for round in rounds(&list) {
            let Some((user, assistant)) = sides(round) else { continue };
            if let Some(system) =
                round.get("system").filter(|system| system.as_str().is_some_and(|text| !is_blank(text)))
            {
                draft.turn(Role::System, system);
            }
            draft.turn(Role::User, round.get(user).unwrap_or(Node::NULL));
            draft.turn(Role::Assistant, round.get(assistant).unwrap_or(Node::NULL));
        }
        Ok(draft.finish(self.name(), dialect, node, origin, context))
    }

    fn restore(&self, canonical: &Node<'_>, out: &mut Vec<u8>) -> Result<(), String> {
        template::restore(canonical, out, |_, _| None)
    }
}
