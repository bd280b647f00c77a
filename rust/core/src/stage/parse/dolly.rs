//! Dolly: `instruction`, `context`, `response`, with the task in `category`.

use super::context::Context;
use super::family::Family;
use super::instructed::{self, Instructed};
use crate::json::Node;
use crate::record::{Origin, Record, Rejection};

/// The family `dolly`. The dialect is the key of the answer.
#[derive(Debug)]
pub struct Dolly;

const DIALECTS: &[Instructed] = &[Instructed { answer: "response", about: "context" }];

impl Family for Dolly {
    fn name(&self) -> &'static str {
        "dolly"
    }

    fn detect(&self, node: &Node<'_>) -> Option<&'static str> {
        node.get("context").filter(|context| context.as_str().is_some())?;
        instructed::detect(DIALECTS, node)
    }

    fn parse<'a>(
        &self,
        dialect: &'static str,
        node: Node<'a>,
        origin: Origin<'a>,
        context: &Context<'a, '_>,
    ) -> Result<Record<'a>, Rejection> {
        instructed::parse(self.name(), DIALECTS, dialect, node, origin, context)
    }

    fn restore(&self, canonical: &Node<'_>, out: &mut Vec<u8>) -> Result<(), String> {
        instructed::restore(DIALECTS, canonical, out)
    }
}
