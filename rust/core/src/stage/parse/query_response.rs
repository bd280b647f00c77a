//! A query and the response to it, with the `history` of ChatGLM and its relatives.

use super::context::Context;
use super::family::Family;
use super::pair::{self, Pair};
use crate::json::Node;
use crate::record::{Origin, Record, Rejection};

/// The family `query_response`. The dialect names the keys.
#[derive(Debug)]
pub struct QueryResponse;

/// The dialects, by priority.
const DIALECTS: &[Pair] = &[
    Pair { name: "query/response", user: &["query"], assistant: "response" },
    Pair { name: "query/answer", user: &["query"], assistant: "answer" },
    Pair { name: "query/answers", user: &["query"], assistant: "answers" },
    Pair { name: "query/output", user: &["query"], assistant: "output" },
    Pair { name: "Query/Tool", user: &["Query"], assistant: "Tool" },
];

impl Family for QueryResponse {
    fn name(&self) -> &'static str {
        "query_response"
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
