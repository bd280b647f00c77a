//! Hermes function calling: conversations whose assistant writes `<tool_call>{…}</tool_call>` into
//! its text, and whose tools answer in `<tool_response>…</tool_response>`.
//!
//! The calls become `tool_calls`, the text around them stays the content. A turn whose calls are not
//! all objects with `name` and `arguments` stays as it is written. Tool definitions inside the
//! system prompt stay there.

use super::context::Context;
use super::draft::Draft;
use super::family::Family;
use super::hole::Side;
use super::pair::is_message;
use super::template;
use super::values::is_blank;
use crate::json::{self, Limits, Node, write_string};
use crate::record::{Content, Origin, Record, Rejection, Role, Text};
use bumpalo::Bump;
use memchr::memmem::Finder;
use std::sync::LazyLock;

/// The family `hermes`. The dialect is the key that holds the turns.
#[derive(Debug)]
pub struct Hermes;

const LISTS: [&str; 2] = ["conversations", "messages"];
const CALL: (&str, &str) = ("<tool_call>", "</tool_call>");
/// Looks for the opening tag of a call.
pub(super) static CALL_MARK: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(CALL.0));
const RESPONSE: (&str, &str) = ("<tool_response>", "</tool_response>");
const LIMITS: Limits = Limits { depth: 256 };

/// Name of the role and text of a turn of either shape.
fn turn<'a>(item: &Node<'a>) -> Option<(&'a str, Node<'a>)> {
    is_message(item)?;
    let name = item.get("role").or_else(|| item.get("from"))?.as_str()?;
    let said = item.get("content").or_else(|| item.get("value"))?;
    said.as_str().map(|_| (name, said))
}

/// The text between the tags, and what is left of the text without any of them.
fn between<'a>(text: &'a str, (open, close): (&str, &str)) -> Option<(Vec<&'a str>, Vec<&'a str>)> {
    let (mut inside, mut outside) = (Vec::new(), Vec::new());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(open) {
        let (within, behind) = after.split_once(close)?;
        outside.push(before.trim());
        inside.push(within.trim());
        rest = behind;
    }
    outside.push(rest.trim());
    outside.retain(|part| !part.is_empty());
    (!inside.is_empty()).then_some((inside, outside))
}

/// The calls of a text as OpenAI's `tool_calls`, arguments spelled as they are.
fn calls<'a>(inside: &[&'a str], arena: &'a Bump) -> Option<Node<'a>> {
    let mut out = vec![b'['];
    for (index, text) in inside.iter().enumerate() {
        let call = json::parse(text, arena, LIMITS).ok()?;
        let name = call.get("name")?.as_str()?;
        let arguments = call.get("arguments")?;
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(
            format!("{{\"id\":\"call_{index}\",\"type\":\"function\",\"function\":{{\"name\":").as_bytes(),
        );
        write_string(&mut out, name);
        out.extend_from_slice(b",\"arguments\":");
        json::write_compact(&mut out, &arguments);
        out.extend_from_slice(b"}}");
    }
    out.push(b']');
    let raw = arena.alloc_str(&String::from_utf8_lossy(&out));
    json::parse(raw, arena, LIMITS).ok()
}

impl Family for Hermes {
    fn name(&self) -> &'static str {
        "hermes"
    }

    fn detect(&self, node: &Node<'_>) -> Option<&'static str> {
        // One fast search of the whole record spares ordinary ones the look at every turn.
        CALL_MARK.find(node.raw.as_bytes())?;
        let (key, items) = LISTS.into_iter().find_map(|key| Some((key, node.get(key)?.as_array()?)))?;
        // Every turn in one of two plain shapes, so that nothing but role and text is needed.
        let tagged = |item: &Node<'_>| turn(item).is_some_and(|(_, said)| said.raw.contains("<tool_call>"));
        (items.iter().any(tagged) && items.iter().all(|item| turn(item).is_some() && item.get("tool_calls").is_none()))
            .then_some(key)
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
        draft.take(dialect);
        for item in node.get(dialect).and_then(|items| items.as_array()).unwrap_or_default() {
            let Some((name, said)) = turn(item) else {
                return Err(context.wrong_type(dialect, "turns of a role and a text", item));
            };
            let role = context.role(name)?;
            let text = said.as_str().unwrap_or_default();
            let tags = if role == Role::Tool { RESPONSE } else { CALL };
            let parts = if matches!(role, Role::Assistant | Role::Tool) { between(text, tags) } else { None };
            let Some((inside, outside)) = parts else {
                draft.turn_on(Side::Messages, role, said);
                continue;
            };
            if role == Role::Tool {
                let shown: &str = context.arena.alloc_str(&inside.join("\n"));
                if outside.is_empty() && !is_blank(shown) {
                    draft.turn_meant(role, said, shown);
                } else {
                    draft.turn_on(Side::Messages, role, said);
                }
                continue;
            }
            match calls(&inside, context.arena) {
                Some(calls) => {
                    let shown: &str = context.arena.alloc_str(&outside.join("\n"));
                    draft.turn_meant(role, said, shown);
                    if let Some(message) = draft.messages().last_mut() {
                        message.tool_calls = Some(calls);
                        message.content =
                            if shown.is_empty() { Content::Null } else { Content::Text(Text::new(shown)) };
                    }
                }
                None => {
                    draft.turn_on(Side::Messages, role, said);
                }
            }
        }
        Ok(draft.finish(self.name(), dialect, node, origin, context))
    }

    fn restore(&self, canonical: &Node<'_>, out: &mut Vec<u8>) -> Result<(), String> {
        template::restore(canonical, out, |_, _| None)
    }
}
