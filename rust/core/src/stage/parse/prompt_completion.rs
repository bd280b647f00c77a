//! A prompt and what follows it: `prompt` and `completion` and their relatives, with `system` and `history`.

use super::context::Context;
use super::family::Family;
use super::pair::{self, Pair};
use crate::json::Node;
use crate::record::{Origin, Record, Rejection};

/// The family `prompt_completion`. The dialect names the keys.
#[derive(Debug)]
pub struct PromptCompletion;

/// The dialects, by priority.
const DIALECTS: &[Pair] = &[
    Pair { name: "prompt/completion", user: &["prompt"], assistant: "completion" },
    Pair { name: "prompt/response", user: &["prompt"], assistant: "response" },
    Pair { name: "prompt/output", user: &["prompt"], assistant: "output" },
    Pair { name: "prompt/answer", user: &["prompt"], assistant: "answer" },
    Pair { name: "prompt/canonical_solution", user: &["prompt"], assistant: "canonical_solution" },
    Pair { name: "input/output", user: &["input"], assistant: "output" },
    Pair { name: "input/target", user: &["input"], assistant: "target" },
    Pair { name: "input/response", user: &["input"], assistant: "response" },
    Pair { name: "inputs/targets", user: &["inputs"], assistant: "targets" },
    Pair { name: "Context/Response", user: &["Context"], assistant: "Response" },
    Pair { name: "dialogue/section_text", user: &["dialogue"], assistant: "section_text" },
    Pair { name: "Dialogue/Reference Summary", user: &["Dialogue"], assistant: "Reference Summary" },
    Pair { name: "dialogue/summary", user: &["dialogue"], assistant: "summary" },
    Pair { name: "dialogue/note", user: &["dialogue"], assistant: "note" },
];

impl Family for PromptCompletion {
    fn name(&self) -> &'static str {
        "prompt_completion"
    }

    fn detect(&self, node: &Node<'_>) -> Option<&'static str> {
        pair::detect(DIALECTS, node)
    }

    fn parse<'a>(
        &self,
        dialect: &'static str,
        node: Node<'a>,
        origin: Origin<'a>,
        context: &Context<'a, '_>,
    ) -> Result<Record<'a>, Rejection> {
        pair::parse(self.name(), DIALECTS, dialect, node, origin, context)
    }

    fn restore(&self, canonical: &Node<'_>, out: &mut Vec<u8>) -> Result<(), String> {
        pair::restore(DIALECTS, canonical, out)
    }
}
