//! Glaive function calling: `system` begins with `SYSTEM:`, `chat` is one text with `USER:`,
//! `ASSISTANT:`, `FUNCTION RESPONSE:` and `<|endoftext|>`. Calls stay in the assistant's text as
//! they are written there (`<functioncall> {…}`).

use super::context::Context;
use super::draft::{Cut, Draft};
use super::family::Family;
use super::hole::Side;
use super::markers::{self, Mark, close, line};
use super::template;
use crate::json::Node;
use crate::record::{Origin, Record, Rejection, Role};

/// The family `glaive`.
#[derive(Debug)]
pub struct Glaive;

const DIALECT: &str = "system/chat";
const MARKS: &[Mark] = &[
    line("USER:", Role::User),
    line("ASSISTANT:", Role::Assistant),
    line("FUNCTION RESPONSE:", Role::Tool),
    close("<|endoftext|>"),
];
const SYSTEM: &[Mark] = &[line("SYSTEM:", Role::System)];

fn text<'a>(node: &Node<'a>, key: &str) -> Option<(Node<'a>, &'a str)> {
    let value = node.get(key)?;
    Some((value, value.as_str()?))
}

impl Family for Glaive {
    fn name(&self) -> &'static str {
        "glaive"
    }

    fn detect(&self, node: &Node<'_>) -> Option<&'static str> {
        let (_, chat) = text(node, "chat")?;
        text(node, "system")?;
        (markers::opens(chat, MARKS, Role::User) && markers::opens(chat, MARKS, Role::Assistant)).then_some(DIALECT)
    }

    fn parse<'a>(
        &self,
        dialect: &'static str,
        node: Node<'a>,
        origin: Origin<'a>,
        context: &Context<'a, '_>,
    ) -> Result<Record<'a>, Rejection> {
        let (Some((system, prompt)), Some((chat, said))) = (text(&node, "system"), text(&node, "chat")) else {
            return Err(context.reject("parse.type", "`system` and `chat` are not both texts"));
        };
        let mut draft = Draft::new(context.arena);
        draft.take("system");
        draft.take("chat");
        let cuts = markers::cut(prompt, SYSTEM, Role::System, context.arena);
        draft.split(Side::Messages, system, &cuts);
        let cuts = markers::cut(said, MARKS, Role::User, context.arena);
        debug_assert!(cuts.iter().any(|cut| matches!(cut, Cut::Turn(..))), "detect saw a turn");
        draft.split(Side::Messages, chat, &cuts);
        Ok(draft.finish(self.name(), dialect, node, origin, context))
    }

    fn restore(&self, canonical: &Node<'_>, out: &mut Vec<u8>) -> Result<(), String> {
        template::restore(canonical, out, |_, _| None)
    }
}
