//! OpenAI chat: an array of `{"role": …, "content": …}` turns under `messages` or a relative of
//! that key, with `tools`, `tool_calls`, content parts, `weight`, `name` and whatever else stands there.

use super::context::Context;
use super::family::Family;
use super::restore::{Canonical, Turn, compact};
use crate::json::{Kind, Node, write_compact, write_string};
use crate::record::{Origin, Record, Rejection};

/// The family `openai`. The dialect is the key that holds the turns; `turns` is a bare array.
#[derive(Debug)]
pub struct Openai;

/// Keys that hold turns, by priority.
const KEYS: [&str; 7] = ["messages", "conversations", "conversation", "dialog", "dialogue", "turns", "chat"];
/// The dialect of a bare array of turns.
const BARE: &str = "array";

fn holds_turns(node: &Node<'_>) -> bool {
    match node.kind {
        Kind::Array(items) => items.first().is_some_and(|first| first.get("role").is_some_and(|role| role.as_str().is_some())),
        _ => false,
    }
}

impl Family for Openai {
    fn name(&self) -> &'static str {
        "openai"
    }

    fn detect(&self, node: &Node<'_>) -> Option<&'static str> {
        match node.kind {
            Kind::Object(_) => KEYS.into_iter().find(|key| node.get(key).is_some_and(|turns| holds_turns(&turns))),
            Kind::Array(_) => holds_turns(node).then_some(BARE),
            _ => None,
        }
    }

    fn parse<'a>(
        &self,
        dialect: &'static str,
        node: Node<'a>,
        origin: Origin<'a>,
        context: &Context<'a, '_>,
    ) -> Result<Record<'a>, Rejection> {
        if dialect == BARE {
            let mut record = context.record(self.name(), dialect, origin, &node, &[]);
            context.openai_turns(&mut record, node, true)?;
            return Ok(record);
        }
        let tools = node.get("tools").filter(|tools| tools.as_array().is_some());
        let own: &[&str] = if tools.is_some() { &[dialect, "tools"] } else { &[dialect] };
        let mut record = context.record(self.name(), dialect, origin, &node, own);
        record.tools = tools;
        if let Some(turns) = node.get(dialect) {
            context.openai_turns(&mut record, turns, true)?;
        }
        Ok(record)
    }

    fn restore(&self, canonical: &Node<'_>, out: &mut Vec<u8>) -> Result<(), String> {
        let canonical = Canonical::new(canonical)?;
        let mut turns = vec![b'['];
        for (index, turn) in canonical.turns()?.iter().enumerate() {
            if index > 0 {
                turns.extend_from_slice(b", ");
            }
            write_turn(&mut turns, turn);
        }
        turns.push(b']');
        if canonical.dialect() == BARE {
            out.extend_from_slice(&turns);
            return Ok(());
        }
        let tools = canonical.tools().map(|tools| compact(&tools));
        let mut own = vec![(canonical.dialect(), turns.as_slice())];
        if let Some(tools) = &tools {
            own.push(("tools", tools));
        }
        canonical.write(&own, out);
        Ok(())
    }
}

/// One turn in OpenAI's shape, its role spelled as in the source.
pub(crate) fn write_turn(out: &mut Vec<u8>, turn: &Turn<'_>) {
    let Some(given) = turn.given.filter(|given| *given != turn.role) else {
        write_compact(out, &turn.node);
        return;
    };
    for (index, member) in turn.node.as_object().unwrap_or(&[]).iter().enumerate() {
        out.push(if index == 0 { b'{' } else { b',' });
        out.extend_from_slice(member.raw_key.as_bytes());
        out.push(b':');
        if member.key == "role" {
            write_string(out, given);
        } else {
            write_compact(out, &member.value);
        }
    }
    out.push(b'}');
}
