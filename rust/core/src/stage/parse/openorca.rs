//! OpenOrca and its relatives: `id`, `system_prompt`, `question`, `response`. An empty system prompt
//! makes no turn; it travels as a field.

use super::context::Context;
use super::family::Family;
use super::pair::{self, Pair};
use crate::json::Node;
use crate::record::{Origin, Record, Rejection};

/// The family `openorca`.
#[derive(Debug)]
pub struct OpenOrca;

const DIALECTS: &[Pair] = &[Pair { name: "question/response", user: &["question"], assistant: "response" }];

impl Family for OpenOrca {
    fn name(&self) -> &'static str {
        "openorca"
    }

    fn detect(&self, node: &Node<'_>) -> Option<&'static str> {
        node.get("system_prompt").filter(|prompt| prompt.as_str().is_some())?;
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
