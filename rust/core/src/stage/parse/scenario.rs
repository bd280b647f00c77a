//! Labelled scenarios (ETHICS and relatives): a situation and the label that people gave it.

use super::context::Context;
use super::family::Family;
use super::pair::{self, Pair};
use crate::json::Node;
use crate::record::{Origin, Record, Rejection};

/// The family `scenario`. The dialect names the keys.
#[derive(Debug)]
pub struct Scenario;

/// The dialects, by priority. Only sets whose label is an answer to the scenario: a table of texts
/// and topics is none.
const DIALECTS: &[Pair] = &[
    Pair { name: "scenario/excuse/label", user: &["scenario", "excuse"], assistant: "label" },
    Pair { name: "scenario/label", user: &["scenario"], assistant: "label" },
    Pair { name: "situation/label", user: &["situation"], assistant: "label" },
    Pair { name: "action/situation/judgment", user: &["action", "situation"], assistant: "judgment" },
];

impl Family for Scenario {
    fn name(&self) -> &'static str {
        "scenario"
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
