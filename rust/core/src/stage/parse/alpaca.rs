//! Alpaca: `instruction`, `input`, `output` (or `response` …), with `system` and `history`.

use super::context::Context;
use super::family::Family;
use super::instructed::{self, Instructed};
use crate::json::Node;
use crate::record::{Origin, Record, Rejection};

/// The family `alpaca`. The dialect is the key of the answer.
#[derive(Debug)]
pub struct Alpaca;

const DIALECTS: &[Instructed] = &[
    Instructed { answer: "output", about: "input" },
    Instructed { answer: "response", about: "input" },
    Instructed { answer: "completion", about: "input" },
    Instructed { answer: "answer", about: "input" },
];

impl Family for Alpaca {
    fn name(&self) -> &'static str {
        "alpaca"
    }

    fn detect(&self, node: &Node<'_>) -> Option<&'static str> {
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
