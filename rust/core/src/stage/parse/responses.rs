//! Response selection: a `context` of earlier turns and several responses that fit it
//! (DailyDialog++), or Persona-Chat's `candidates`, of which the last is the true one.

use super::context::Context;
use super::draft::Draft;
use super::family::Family;
use super::template;
use crate::json::Node;
use crate::record::{Origin, Record, Rejection, Role};

/// The family `responses`.
#[derive(Debug)]
pub struct Responses;

/// `context` and `positive_responses`: the first response is the answer, the others stay in the template.
const POSITIVE: &str = "positive_responses";
/// Persona-Chat: `personality` and `utterances[{history, candidates}]`; the last utterance holds the whole dialogue.
const PERSONA: &str = "persona_chat";

fn texts<'a>(node: &Node<'a>, key: &str) -> Option<&'a [Node<'a>]> {
    let items = node.get(key)?.as_array()?;
    (!items.is_empty() && items.iter().all(|item| item.as_str().is_some())).then_some(items)
}

fn last_utterance<'a>(node: &Node<'a>) -> Option<Node<'a>> {
    let last = *node.get("utterances")?.as_array()?.last()?;
    (texts(&last, "history").is_some() && texts(&last, "candidates").is_some()).then_some(last)
}

impl Family for Responses {
    fn name(&self) -> &'static str {
        "responses"
    }

    fn detect(&self, node: &Node<'_>) -> Option<&'static str> {
        if texts(node, POSITIVE).is_some() && texts(node, "context").is_some() {
            return Some(POSITIVE);
        }
        last_utterance(node).map(|_| PERSONA)
    }

    fn parse<'a>(
        &self,
        dialect: &'static str,
        node: Node<'a>,
        origin: Origin<'a>,
        context: &Context<'a, '_>,
    ) -> Result<Record<'a>, Rejection> {
        let mut draft = Draft::new(context.arena);
        draft.template_is_own();
        let (history, answer) = if dialect == POSITIVE {
            draft.take("context");
            draft.take(POSITIVE);
            (texts(&node, "context"), texts(&node, POSITIVE).and_then(|responses| responses.first()))
        } else {
            draft.take("utterances");
            if let Some(personality) = texts(&node, "personality") {
                draft.take("personality");
                let mut lines = bumpalo::collections::Vec::new_in(context.arena);
                for sentence in personality {
                    if !lines.is_empty() {
                        lines.push(super::draft::Join::Literal("\n"));
                    }
                    lines.push(super::draft::Join::Value(*sentence));
                }
                draft.joined(Role::System, &lines);
            }
            let last = last_utterance(&node).unwrap_or(Node::NULL);
            (texts(&last, "history"), texts(&last, "candidates").and_then(|candidates| candidates.last()))
        };
        let history = history.unwrap_or_default();
        for (index, said) in history.iter().enumerate() {
            // Counted from the answer, so that the turn before it is the user's.
            let role = if (history.len() - index) % 2 == 1 { Role::User } else { Role::Assistant };
            draft.turn(role, *said);
        }
        if let Some(answer) = answer {
            draft.turn(Role::Assistant, *answer);
        }
        Ok(draft.finish(self.name(), dialect, node, origin, context))
    }

    fn restore(&self, canonical: &Node<'_>, out: &mut Vec<u8>) -> Result<(), String> {
        template::restore(canonical, out, |_, _| None)
    }
}
