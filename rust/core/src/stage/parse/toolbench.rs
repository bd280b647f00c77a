//! ToolBench: a query, the tools, and a solution as a tree of calls. The conversation is the query
//! and the final answer; the tree stays where it was.

use super::context::Context;
use super::draft::Draft;
use super::family::Family;
use super::template;
use crate::json::Node;
use crate::record::{Origin, Record, Rejection, Role};

/// The family `toolbench`.
#[derive(Debug)]
pub struct ToolBench;

/// `answer_generation` with query, functions and final answer (the search tree's file).
const TREE: &str = "answer_generation";
/// `query`, `available_tools`, `answer.final_answer` (the evaluation's file).
const ANSWER: &str = "answer.final_answer";
/// `query` and `api_list`, without an answer.
const QUERY: &str = "query/api_list";

fn text<'a>(node: &Node<'a>, key: &str) -> Option<Node<'a>> {
    node.get(key).filter(|value| value.as_str().is_some())
}

impl Family for ToolBench {
    fn name(&self) -> &'static str {
        "toolbench"
    }

    fn detect(&self, node: &Node<'_>) -> Option<&'static str> {
        if let Some(generation) = node.get(TREE) {
            text(&generation, "query")?;
            return text(&generation, "final_answer").map(|_| TREE);
        }
        text(node, "query")?;
        if node.get("answer").is_some_and(|answer| text(&answer, "final_answer").is_some()) {
            return Some(ANSWER);
        }
        node.get("api_list")?.as_array().map(|_| QUERY)
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
        let (holder, answer, tools) = match dialect {
            TREE => {
                draft.take(TREE);
                let generation = node.get(TREE).unwrap_or(Node::NULL);
                (generation, text(&generation, "final_answer"), generation.get("function"))
            }
            ANSWER => {
                draft.take("query");
                draft.take("answer");
                let answer = node.get("answer").unwrap_or(Node::NULL);
                (node, text(&answer, "final_answer"), node.get("available_tools"))
            }
            _ => {
                draft.take("query");
                (node, None, node.get("api_list"))
            }
        };
        draft.turn(Role::User, text(&holder, "query").unwrap_or(Node::NULL));
        if let Some(answer) = answer {
            draft.turn(Role::Assistant, answer);
        }
        let is_tools = |tools: &Node<'_>| {
            tools
                .as_array()
                .is_some_and(|tools| !tools.is_empty() && tools.iter().all(|tool| tool.as_object().is_some()))
        };
        if let Some(tools) = tools.filter(is_tools) {
            match dialect {
                ANSWER => draft.take("available_tools"),
                QUERY => draft.take("api_list"),
                _ => {}
            }
            draft.tools(tools);
        }
        Ok(draft.finish(self.name(), dialect, node, origin, context))
    }

    fn restore(&self, canonical: &Node<'_>, out: &mut Vec<u8>) -> Result<(), String> {
        template::restore(canonical, out, |_, _| None)
    }
}
