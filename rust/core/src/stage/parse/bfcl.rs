//! The Berkeley function calling leaderboard: `question` holds lists of messages, `function` the
//! tools. The expected calls stand in other files, so a record has no answer.

use super::context::Context;
use super::draft::Draft;
use super::family::Family;
use super::hole::Side;
use super::pair::{self, MessageShape, is_message};
use super::template;
use crate::json::Node;
use crate::record::{Origin, Record, Rejection};

/// The family `bfcl`. Dialect `turns`: a list of lists of messages; `messages`: one list.
#[derive(Debug)]
pub struct Bfcl;

const TURNS: &str = "turns";
const MESSAGES: &str = "messages";

fn holds_messages(items: &[Node<'_>]) -> bool {
    items.iter().all(|item| is_message(item) == Some(MessageShape::Role))
}

impl Family for Bfcl {
    fn name(&self) -> &'static str {
        "bfcl"
    }

    fn detect(&self, node: &Node<'_>) -> Option<&'static str> {
        let question = node.get("question")?.as_array().filter(|question| !question.is_empty())?;
        if holds_messages(question) {
            return Some(MESSAGES);
        }
        let nested = question.iter().all(|turn| turn.as_array().is_some_and(holds_messages))
            && question.iter().any(|turn| turn.as_array().is_some_and(|turn| !turn.is_empty()));
        nested.then_some(TURNS)
    }

    fn parse<'a>(
        &self,
        dialect: &'static str,
        node: Node<'a>,
        origin: Origin<'a>,
        context: &Context<'a, '_>,
    ) -> Result<Record<'a>, Rejection> {
        let mut draft = Draft::new(context.arena);
        draft.take("question");
        draft.template_is_own();
        let question = node.get("question").and_then(|question| question.as_array()).unwrap_or_default();
        if dialect == MESSAGES {
            pair::add_messages(&mut draft, Side::Messages, question, context)?;
        } else {
            for turn in question {
                pair::add_messages(&mut draft, Side::Messages, turn.as_array().unwrap_or_default(), context)?;
            }
        }
        let is_list = |tools: &Node<'_>| tools.as_array().is_some_and(|tools| !tools.is_empty());
        if let Some(tools) = node.get("function").filter(is_list) {
            draft.take("function");
            draft.tools(tools);
        }
        Ok(draft.finish(self.name(), dialect, node, origin, context))
    }

    fn restore(&self, canonical: &Node<'_>, out: &mut Vec<u8>) -> Result<(), String> {
        template::restore(canonical, out, |_, _| None)
    }
}
