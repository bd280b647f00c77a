//! A record as rules and measures see it.

use super::measure::Facts;
use super::scan::Turn;
use crate::json::Node;
use crate::record::{Content, Message, Record};
use bumpalo::Bump;
use bumpalo::collections::Vec as ArenaVec;

/// The turns of a record as rules see them.
pub(crate) fn turns_of<'a>(record: &Record<'a>, arena: &'a Bump) -> ArenaVec<'a, Turn<'a>> {
    let turns = record.messages.iter().map(|message| Turn { role: message.role, text: text_of(message, arena) });
    ArenaVec::from_iter_in(turns, arena)
}

/// The text of a turn, its text parts joined by line feeds.
pub(crate) fn text_of<'a>(message: &Message<'a>, arena: &'a Bump) -> &'a str {
    match &message.content {
        Content::Text(text) => text.value,
        Content::Absent | Content::Null => "",
        Content::Parts(parts) => {
            let mut texts = parts.iter().filter_map(|part| part.text).map(|text| text.value);
            let first = texts.next().unwrap_or_default();
            let Some(second) = texts.next() else { return first };
            let mut joined = bumpalo::collections::String::from_str_in(first, arena);
            for text in std::iter::once(second).chain(texts) {
                joined.push('\n');
                joined.push_str(text);
            }
            joined.into_bump_str()
        }
    }
}

/// What the record has besides its texts.
pub(crate) fn facts_of(record: &Record<'_>) -> Facts {
    let count = |node: &Node<'_>| node.as_array().map_or(usize::from(!node.is_null()), <[_]>::len);
    let calls = |message: &Message<'_>| {
        let old = message.fields.iter().any(|member| member.key == "function_call" && !member.value.is_null());
        message.tool_calls.as_ref().map_or(0, count) + usize::from(old)
    };
    Facts {
        tool_definitions: record.tools.as_ref().map_or(0, count),
        tool_calls: record.messages.iter().map(calls).sum(),
    }
}
