//! Judged pairs: two answers to one instruction and which of them is better (LLMBar, PandaLM).
//! The better one is the answer, the other one is `rejected`. Of a tie the first is the answer and
//! nothing is rejected.

use super::context::Context;
use super::draft::{Draft, Join};
use super::family::Family;
use super::template;
use super::values::is_blank;
use crate::json::{Kind, Node};
use crate::record::{Origin, Record, Rejection, Role};

/// The family `pairwise`. The dialect names the keys of the answers.
#[derive(Debug)]
pub struct Pairwise;

/// Dialect, key of the instruction, keys of the answers.
const DIALECTS: [(&str, &str, [&str; 2]); 5] = [
    ("output_1/output_2", "input", ["output_1", "output_2"]),
    ("output_1/output_2", "instruction", ["output_1", "output_2"]),
    ("response1/response2", "instruction", ["response1", "response2"]),
    ("response_a/response_b", "prompt", ["response_a", "response_b"]),
    ("response_1/response_2", "prompt", ["response_1", "response_2"]),
];

fn find(node: &Node<'_>) -> Option<(&'static str, &'static str, [&'static str; 2])> {
    let is_text = |key: &str| node.get(key).is_some_and(|value| value.as_str().is_some());
    let is_answer = |key: &str| {
        node.get(key).is_some_and(|value| matches!(value.kind, Kind::String(_) | Kind::Bool(_) | Kind::Number))
    };
    // LLMBar's `input` is the instruction; where there is one beside it, it is not.
    DIALECTS.into_iter().find(|(_, instruction, answers)| {
        is_text(instruction)
            && answers.iter().all(|key| is_answer(key))
            && (*instruction != "input" || !is_text("instruction"))
    })
}

/// Which answer is better: 1, 2, or neither.
fn better(node: &Node<'_>) -> Option<u8> {
    let vote = |value: Node<'_>| match value.as_str().unwrap_or(value.raw).trim() {
        "1" | "a" | "A" | "model_a" => Some(1),
        "2" | "b" | "B" | "model_b" => Some(2),
        _ => None,
    };
    if let Some(label) = ["label", "preference", "winner", "better"].into_iter().find_map(|key| node.get(key)) {
        return vote(label);
    }
    let mut votes = [0u32; 3];
    for member in node.as_object().unwrap_or_default() {
        if member.key.starts_with("annotator") {
            votes[usize::from(vote(member.value).unwrap_or(0))] += 1;
        }
    }
    match votes {
        [_, first, second] if first > second => Some(1),
        [_, first, second] if second > first => Some(2),
        _ => None,
    }
}

impl Family for Pairwise {
    fn name(&self) -> &'static str {
        "pairwise"
    }

    fn detect(&self, node: &Node<'_>) -> Option<&'static str> {
        find(node).map(|(dialect, _, _)| dialect)
    }

    fn parse<'a>(
        &self,
        dialect: &'static str,
        node: Node<'a>,
        origin: Origin<'a>,
        context: &Context<'a, '_>,
    ) -> Result<Record<'a>, Rejection> {
        let Some((_, instruction_key, answers)) = find(&node) else {
            return Err(context.reject("parse.type", format!("`{dialect}` does not hold two answers")));
        };
        let mut draft = Draft::new(context.arena);
        draft.template_is_own();
        draft.take(instruction_key);
        let instruction = node.get(instruction_key).unwrap_or(Node::NULL);
        let about = node
            .get("input")
            .filter(|about| instruction_key == "instruction" && about.as_str().is_some_and(|text| !is_blank(text)));
        match about {
            Some(about) => {
                draft.take("input");
                draft.joined(Role::User, &[Join::Value(instruction), Join::Literal("\n\n"), Join::Value(about)]);
            }
            None => draft.turn(Role::User, instruction),
        }
        let [first, second] = answers.map(|key| node.get(key).unwrap_or(Node::NULL));
        match better(&node) {
            Some(1) => {
                draft.turn(Role::Assistant, first);
                draft.reject(Role::Assistant, second);
            }
            Some(_) => {
                draft.turn(Role::Assistant, second);
                draft.reject(Role::Assistant, first);
            }
            None => draft.turn(Role::Assistant, first),
        }
        answers.iter().for_each(|key| draft.take(key));
        Ok(draft.finish(self.name(), dialect, node, origin, context))
    }

    fn restore(&self, canonical: &Node<'_>, out: &mut Vec<u8>) -> Result<(), String> {
        template::restore(canonical, out, |_, _| None)
    }
}
