//! Plain text: `{"text": …}`, or a whole file.

use super::context::Context;
use super::family::Family;
use super::restore::{Canonical, compact};
use crate::json::Node;
use crate::record::{Message, Origin, Record, Rejection, Role, Text};

/// The family `text`. The dialect is the key; `file` is a whole file.
#[derive(Debug)]
pub struct PlainText;

const KEYS: [&str; 2] = ["text", "content"];
/// The dialect of a whole file.
const FILE: &str = "file";

impl PlainText {
    /// The record of a whole file.
    pub fn of_file<'a>(&self, text: &'a str, origin: Origin<'a>, context: &Context<'a, '_>) -> Record<'a> {
        let mut record = context.record(self.name(), FILE, origin, &Node::NULL, &[]);
        record.messages.push(Message::text(Role::Text, Text::new(text), context.arena));
        record
    }
}

impl Family for PlainText {
    fn name(&self) -> &'static str {
        "text"
    }

    fn detect(&self, node: &Node<'_>) -> Option<&'static str> {
        KEYS.into_iter().find(|key| node.get(key).is_some_and(|text| text.as_str().is_some()))
    }

    fn parse<'a>(
        &self,
        dialect: &'static str,
        node: Node<'a>,
        origin: Origin<'a>,
        context: &Context<'a, '_>,
    ) -> Result<Record<'a>, Rejection> {
        let mut record = context.record(self.name(), dialect, origin, &node, &[dialect]);
        if let Some(text) = node.get(dialect).and_then(Text::from_node) {
            record.messages.push(Message::text(Role::Text, text, context.arena));
        }
        Ok(record)
    }

    fn restore(&self, canonical: &Node<'_>, out: &mut Vec<u8>) -> Result<(), String> {
        let canonical = Canonical::new(canonical)?;
        let turns = canonical.turns()?;
        let text = turns.first().and_then(|turn| turn.text());
        let text = text.map_or_else(|| b"\"\"".to_vec(), |text| compact(&text));
        // A whole file is no JSON; one line holds it as the usual record of a text.
        let key = if canonical.dialect() == FILE { KEYS[0] } else { canonical.dialect() };
        canonical.write(&[(key, &text)], out);
        Ok(())
    }
}
