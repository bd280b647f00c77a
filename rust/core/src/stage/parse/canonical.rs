//! corpuskit's own records, from a finished run: `messages` with `_origin` and `_schema`.

use super::context::Context;
use super::family::Family;
use super::openai::write_turns;
use super::restore::Canonical;
use crate::json::{Kind, Node};
use crate::record::{Origin, Record, Rejection};
use bumpalo::collections::Vec as ArenaVec;

/// The family `corpuskit`. Its one dialect is `record`.
#[derive(Debug)]
pub struct Own;

fn is_own(node: &Node<'_>) -> bool {
    node.get("_origin").is_some_and(|origin| origin.as_str().is_some())
        && node.get("_schema").is_some_and(|schema| schema.get("family").is_some())
        && node.get("messages").is_some_and(|messages| messages.as_array().is_some())
}

impl Family for Own {
    fn name(&self) -> &'static str {
        "corpuskit"
    }

    fn detect(&self, node: &Node<'_>) -> Option<&'static str> {
        is_own(node).then_some("record")
    }

    fn parse<'a>(
        &self,
        dialect: &'static str,
        node: Node<'a>,
        origin: Origin<'a>,
        context: &Context<'a, '_>,
    ) -> Result<Record<'a>, Rejection> {
        let tools = node.get("tools").filter(|tools| tools.as_array().is_some());
        let rejected = node.get("rejected").filter(|rejected| rejected.as_array().is_some());
        let mut own = vec!["messages"];
        own.extend(tools.map(|_| "tools"));
        own.extend(rejected.map(|_| "rejected"));
        let mut record = context.record(self.name(), dialect, origin, &node, &own);
        record.tools = tools;
        if let Some(Kind::Array(items)) = rejected.map(|rejected| rejected.kind) {
            let mut turns = ArenaVec::with_capacity_in(items.len(), context.arena);
            for (index, item) in items.iter().enumerate() {
                let mut turn = context.openai_turn(*item, index)?;
                turn.raw = turn.raw.filter(|raw| crate::json::is_one_line(raw));
                turns.push(turn);
            }
            record.rejected = Some(turns);
        }
        if let Some(messages) = node.get("messages") {
            context.openai_turns(&mut record, messages, true)?;
        }
        Ok(record)
    }

    fn restore(&self, canonical: &Node<'_>, out: &mut Vec<u8>) -> Result<(), String> {
        let canonical = Canonical::new(canonical)?;
        let messages = write_turns(&canonical.turns()?);
        let rejected =
            canonical.has_rejected().then(|| canonical.rejected()).transpose()?.map(|turns| write_turns(&turns));
        let tools = canonical.tools_given();
        let mut own = vec![("messages", messages.as_slice())];
        own.extend(tools.as_deref().map(|tools| ("tools", tools)));
        own.extend(rejected.as_deref().map(|rejected| ("rejected", rejected)));
        canonical.write(&own, out);
        Ok(())
    }
}
