//! OpenAssistant: a tree of messages, or one message with or without `replies`. The conversation is
//! the tree's best path: at each step the reply of the best rank, else the first; deleted messages
//! are passed over. All other branches stay in the template.

use super::context::Context;
use super::draft::Draft;
use super::family::Family;
use super::hole::Side;
use super::roles;
use super::template;
use crate::json::{Kind, Node};
use crate::record::{Origin, Record, Rejection};

/// The family `oasst`. Dialects `tree` and `message`.
#[derive(Debug)]
pub struct Oasst;

const TREE: &str = "tree";
const MESSAGE: &str = "message";

fn is_message(node: &Node<'_>) -> bool {
    let is_text = |key: &str| node.get(key).is_some_and(|value| value.as_str().is_some());
    is_text("text") && node.get("role").and_then(|role| role.as_str()).is_some_and(|role| roles::role(role).is_some())
}

fn best_reply<'a>(message: &Node<'a>) -> Option<Node<'a>> {
    let replies = message.get("replies")?.as_array()?;
    let deleted =
        |reply: &Node<'_>| reply.get("deleted").is_some_and(|deleted| matches!(deleted.kind, Kind::Bool(true)));
    let rank = |reply: &Node<'_>| reply.get("rank").and_then(|rank| rank.raw.parse::<u64>().ok()).unwrap_or(u64::MAX);
    replies.iter().filter(|reply| is_message(reply) && !deleted(reply)).min_by_key(|reply| rank(reply)).copied()
}

impl Family for Oasst {
    fn name(&self) -> &'static str {
        "oasst"
    }

    fn detect(&self, node: &Node<'_>) -> Option<&'static str> {
        if node.get("message_tree_id").is_some() && node.get("prompt").is_some_and(|prompt| is_message(&prompt)) {
            return Some(TREE);
        }
        (node.get("message_id").is_some() && is_message(node)).then_some(MESSAGE)
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
        let mut next = if dialect == TREE {
            draft.take("prompt");
            node.get("prompt")
        } else {
            draft.take("text");
            draft.take("role");
            if best_reply(&node).is_some() {
                draft.take("replies");
            }
            Some(node)
        };
        while let Some(message) = next {
            let role = context.role(message.get("role").and_then(|role| role.as_str()).unwrap_or(""))?;
            draft.turn_on(Side::Messages, role, message.get("text").unwrap_or(Node::NULL));
            next = best_reply(&message);
        }
        Ok(draft.finish(self.name(), dialect, node, origin, context))
    }

    fn restore(&self, canonical: &Node<'_>, out: &mut Vec<u8>) -> Result<(), String> {
        template::restore(canonical, out, |_, _| None)
    }
}
