//! MT-bench and Arena-Hard: `turns` of a question, or `choices[{turns}]` of a model's answer. Both
//! are one side of a conversation; `question_id` joins them.

use super::context::Context;
use super::draft::Draft;
use super::family::Family;
use super::template;
use crate::json::Node;
use crate::record::{Origin, Record, Rejection, Role};

/// The family `arena`. Dialects `question` and `answer`.
#[derive(Debug)]
pub struct Arena;

const QUESTION: &str = "question";
const ANSWER: &str = "answer";

/// The turns, if each is a text or an object with a text under `content`.
fn turns<'a>(node: &Node<'a>) -> Option<&'a [Node<'a>]> {
    let items = node.get("turns")?.as_array()?;
    (!items.is_empty() && items.iter().all(|item| said(item).as_str().is_some())).then_some(items)
}

fn said<'a>(turn: &Node<'a>) -> Node<'a> {
    turn.get("content").unwrap_or(*turn)
}

fn choice<'a>(node: &Node<'a>) -> Option<Node<'a>> {
    node.get("choices")?.as_array()?.first().copied().filter(|choice| turns(choice).is_some())
}

impl Family for Arena {
    fn name(&self) -> &'static str {
        "arena"
    }

    fn detect(&self, node: &Node<'_>) -> Option<&'static str> {
        node.get("question_id")?;
        if turns(node).is_some() {
            return Some(QUESTION);
        }
        choice(node).map(|_| ANSWER)
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
        let (key, role, items) = if dialect == QUESTION {
            ("turns", Role::User, turns(&node))
        } else {
            ("choices", Role::Assistant, choice(&node).and_then(|choice| turns(&choice)))
        };
        draft.take(key);
        for turn in items.unwrap_or_default() {
            draft.turn(role, said(turn));
        }
        Ok(draft.finish(self.name(), dialect, node, origin, context))
    }

    fn restore(&self, canonical: &Node<'_>, out: &mut Vec<u8>) -> Result<(), String> {
        template::restore(canonical, out, |_, _| None)
    }
}
