//! Self-Instruct seeds: an `instruction` and `instances` of `input` and `output`. The first instance
//! is the conversation; the others stay in the template.

use super::context::Context;
use super::draft::{Draft, Join};
use super::family::Family;
use super::template;
use crate::json::{Kind, Node};
use crate::record::{Origin, Record, Rejection, Role};

/// The family `self_instruct`.
#[derive(Debug)]
pub struct SelfInstruct;

const DIALECT: &str = "instances";

fn first_instance<'a>(node: &Node<'a>) -> Option<Node<'a>> {
    let first = *node.get("instances")?.as_array()?.first()?;
    first.get("output")?.as_str()?;
    Some(first)
}

impl Family for SelfInstruct {
    fn name(&self) -> &'static str {
        "self_instruct"
    }

    fn detect(&self, node: &Node<'_>) -> Option<&'static str> {
        node.get("instruction")?.as_str()?;
        first_instance(node).map(|_| DIALECT)
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
        draft.take("instruction");
        draft.take("instances");
        let instruction = node.get("instruction").unwrap_or(Node::NULL);
        let instance = first_instance(&node).unwrap_or(Node::NULL);
        match instance.get("input") {
            Some(input) if !matches!(input.kind, Kind::Null | Kind::String("")) => {
                draft.joined(Role::User, &[Join::Value(instruction), Join::Literal("\n\n"), Join::Value(input)]);
            }
            _ => draft.turn(Role::User, instruction),
        }
        draft.turn(Role::Assistant, instance.get("output").unwrap_or(Node::NULL));
        Ok(draft.finish(self.name(), dialect, node, origin, context))
    }

    fn restore(&self, canonical: &Node<'_>, out: &mut Vec<u8>) -> Result<(), String> {
        template::restore(canonical, out, |_, _| None)
    }
}
