//! OpenAI chat: an array of `{"role": …, "content": …}` turns under `messages` or a relative of
//! that key, with `tools`, `tool_calls`, content parts, `weight`, `name` and whatever else stands there.

use super::context::Context;
use super::family::Family;
use super::restore::{Canonical, Turn};
use crate::json::{Kind, Node, write_compact, write_string};
use crate::record::{Origin, Record, Rejection};

/// The family `openai`. The dialect is the key that holds the turns; `turns` is a bare array.
#[derive(Debug)]
pub struct Openai;

/// Keys that hold turns, by priority.
const KEYS: [&str; 7] = ["messages", "conversations", "conversation", "dialog", "dialogue", "turns", "chat"];
/// The dialect of a bare array of turns.
const BARE: &str = "array";

fn holds_turns(node: &Node<'_>, key: &str) -> bool {
    match node.kind {
        // An empty conversation is one, where the key leaves no doubt.
        Kind::Array([]) => matches!(key, "messages" | "conversations"),
        Kind::Array([first, ..]) => {
            // Turns with `from`, or with their text under another name, are ShareGPT's.
            first.get("role").is_some_and(|role| role.as_str().is_some())
                && (first.get("content").is_some() || (first.get("value").is_none() && first.get("text").is_none()))
                && (first.get("from").is_none() || first.get("value").is_none())
        }
        _ => false,
    }
}

impl Family for Openai {
    fn name(&self) -> &'static str {
        "openai"
    }

    fn detect(&self, node: &Node<'_>) -> Option<&'static str> {
        match node.kind {
            Kind::Object(_) => KEYS.into_iter().find(|key| node.get(key).is_some_and(|turns| holds_turns(&turns, key))),
            Kind::Array(_) => holds_turns(node, BARE).then_some(BARE),
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
        let mut record = context.conversation(self.name(), dialect, origin, &node, [dialect, "system", "tools"]);
        let canonical = record.messages.is_empty();
        if let Some(turns) = node.get(dialect) {
            context.openai_turns(&mut record, turns, canonical)?;
        }
        Ok(record)
    }

    fn restore(&self, canonical: &Node<'_>, out: &mut Vec<u8>) -> Result<(), String> {
        let canonical = Canonical::new(canonical)?;
        let (system, turns) = canonical.system_and_turns()?;
        let array = write_turns(&turns);
        if canonical.dialect() == BARE {
            out.extend_from_slice(&array);
            return Ok(());
        }
        let tools = canonical.tools_given();
        let mut own = vec![(canonical.dialect(), array.as_slice())];
        own.extend(system.as_deref().map(|system| ("system", system)));
        own.extend(tools.as_deref().map(|tools| ("tools", tools)));
        canonical.write(&own, out);
        Ok(())
    }
}

/// The array of turns in OpenAI's shape.
pub(super) fn write_turns(turns: &[Turn<'_>]) -> Vec<u8> {
    let mut array = vec![b'['];
    for (index, turn) in turns.iter().enumerate() {
        if index > 0 {
            array.push(b',');
        }
        write_turn(&mut array, turn);
    }
    array.push(b']');
    array
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
