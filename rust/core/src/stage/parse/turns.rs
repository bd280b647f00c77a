//! Turns as objects: `{"role": …, "content": …}` and its relatives.

use super::context::Context;
use crate::json::{self, Kind, Limits, Member, Node};
use crate::record::{Content, Message, Origin, Part, Record, Rejection, Role, Text};
use bumpalo::collections::Vec as ArenaVec;

impl<'a> Context<'a, '_> {
    /// One turn in OpenAI's shape. The spelling is kept (`Message::raw`) where it is canonical.
    pub fn openai_turn(&self, node: Node<'a>, index: usize) -> Result<Message<'a>, Rejection> {
        let Kind::Object(members) = node.kind else {
            return Err(self.wrong_type(&format!("messages[{index}]"), "an object with `role` and `content`", &node));
        };
        let mut role_given = None;
        let mut content = Content::Absent;
        let mut reasoning = None;
        let mut tool_calls = None;
        let mut fields = ArenaVec::new_in(self.arena);
        let mut plain_role = false;
        for member in members {
            match member.key {
                "role" => {
                    let Kind::String(name) = member.value.kind else {
                        return Err(self.wrong_type(&format!("messages[{index}].role"), "a string", &member.value));
                    };
                    // An escaped spelling (`"\u0075ser"`) is not canonical.
                    plain_role = member.value.raw.len() == name.len() + 2;
                    role_given = Some(name);
                }
                "content" => content = self.content(member.value),
                "reasoning_content" if member.value.as_str().is_some() => reasoning = Text::from_node(member.value),
                "tool_calls" if member.value.as_array().is_some() => tool_calls = Some(member.value),
                _ => fields.push(*member),
            }
        }
        let Some(role_given) = role_given else {
            return Err(self.reject("parse.type", format!("`messages[{index}]` has no `role`")));
        };
        let role = self.role(role_given)?;
        let canonical = plain_role && role.name() == role_given;
        Ok(Message { role, role_given, content, reasoning, tool_calls, fields, raw: canonical.then_some(node.raw) })
    }

    /// What a turn says: text, `null`, an array of parts. Anything else is one part of its own.
    pub fn content(&self, node: Node<'a>) -> Content<'a> {
        match node.kind {
            Kind::String(value) => Content::Text(Text { value, raw: Some(node.raw) }),
            Kind::Null => Content::Null,
            // What would look like a value without an array around it, were it written alone, is
            // one part as a whole.
            Kind::Array([item]) if is_bare(item, part_text(item).is_some()) => self.lone_part(node),
            Kind::Array(items) => {
                let mut parts = ArenaVec::with_capacity_in(items.len(), self.arena);
                parts.extend(items.iter().map(|item| Part { node: *item, text: part_text(item) }));
                Content::Parts(parts)
            }
            _ => self.lone_part(node),
        }
    }

    fn lone_part(&self, node: Node<'a>) -> Content<'a> {
        let mut parts = ArenaVec::with_capacity_in(1, self.arena);
        parts.push(Part { node, text: None });
        Content::Parts(parts)
    }

    /// Reads the turns into `record.messages`. If `canonical`, the array's own spelling is kept as
    /// long as every turn is canonical.
    pub fn openai_turns(&self, record: &mut Record<'a>, turns: Node<'a>, canonical: bool) -> Result<(), Rejection> {
        let Kind::Array(items) = turns.kind else {
            return Err(self.wrong_type("messages", "an array of turns", &turns));
        };
        record.messages.reserve_exact(items.len());
        let mut all = canonical;
        for (index, item) in items.iter().enumerate() {
            let message = self.openai_turn(*item, index)?;
            all &= message.raw.is_some();
            record.messages.push(message);
        }
        // A record is one line: a spelling that spans lines is not copied.
        if !json::is_one_line(turns.raw) {
            record.messages.iter_mut().for_each(|message| message.raw = None);
            all = false;
        }
        if all {
            record.messages_raw = Some(turns.raw);
        }
        Ok(())
    }
}

/// Whether a lone part is written without an array around it: a tool's answer as an object, a number,
/// an array that holds no parts.
pub(crate) fn is_bare(node: &Node<'_>, has_text: bool) -> bool {
    match node.kind {
        Kind::Object(_) => !has_text && node.get("type").is_none(),
        Kind::Bool(_) | Kind::Number | Kind::Array(_) => true,
        Kind::Null | Kind::String(_) => false,
    }
}

/// The key that holds the text of a content part: `text` (OpenAI), or `value` (LLaMA-Factory).
pub(crate) fn part_text_key(members: &[Member<'_>]) -> Option<&'static str> {
    let string = |key: &str| members.iter().any(|member| member.key == key && member.value.as_str().is_some());
    let kind = members.iter().find(|member| member.key == "type").and_then(|member| member.value.as_str());
    match kind {
        None | Some("text" | "input_text" | "output_text") if string("text") => Some("text"),
        Some("text") if string("value") => Some("value"),
        _ => None,
    }
}

fn part_text<'a>(node: &Node<'a>) -> Option<Text<'a>> {
    match node.kind {
        Kind::String(_) => Text::from_node(*node),
        Kind::Object(members) => Text::from_node(node.get(part_text_key(members)?)?),
        _ => None,
    }
}

impl<'a> Context<'a, '_> {
    /// The record of an object that holds a list of turns, perhaps with a `system` text and `tools`
    /// beside it. `own` is the key of the list, then `system`, then `tools`; the turns are still to
    /// be read. A system text becomes the first turn, unless it is empty or the list has one already.
    pub fn conversation(
        &self,
        family: &'static str,
        dialect: &'static str,
        origin: Origin<'a>,
        node: &Node<'a>,
        own: [&'static str; 3],
    ) -> Record<'a> {
        let [list, system_key, tools_key] = own;
        let first_role = node.get(list).and_then(|turns| turns.as_array()?.first()?.as_object()).and_then(|first| {
            first.iter().find(|member| matches!(member.key, "role" | "from")).and_then(|member| member.value.as_str())
        });
        let has_system = first_role.is_some_and(|role| matches!(self.role(role), Ok(Role::System | Role::Developer)));
        let system =
            node.get(system_key).and_then(Text::from_node).filter(|text| !has_system && !text.value.trim().is_empty());
        let tools = node.get(tools_key).and_then(|tools| self.tools(tools));
        let mut keys = ArenaVec::new_in(self.arena);
        keys.push(list);
        keys.extend(system.map(|_| system_key));
        keys.extend(tools.map(|_| tools_key));
        let mut record = self.record(family, dialect, origin, node, &keys);
        if let Some((tools, given)) = tools {
            record.tools = Some(tools);
            if let Some(given) = given {
                self.remember(&mut record, "tools", given);
            }
        }
        if let Some(system) = system {
            record.messages.push(Message::text(Role::System, system, self.arena));
            self.remember(&mut record, "system", self.string("member"));
        }
        record
    }

    /// Tool definitions: an array as it is; of an array that stands as JSON in a string the array,
    /// and what `restore` needs: `"string"`, or the string itself where it cannot be made again.
    fn tools(&self, node: Node<'a>) -> Option<(Node<'a>, Option<Node<'a>>)> {
        match node.kind {
            Kind::Array(_) => Some((node, None)),
            Kind::String(text) => {
                let tools = json::parse(text, self.arena, Limits { depth: self.settings.max_depth }).ok()?;
                tools.as_array()?;
                let exact = tools.raw.len() == text.len()
                    && json::is_one_line(tools.raw)
                    && Node::string(text, self.arena).raw == node.raw;
                Some((
                    tools,
                    Some(if exact {
                        self.string("string")
                    } else {
                        self.object(&[Member::new("given", node, self.arena)])
                    }),
                ))
            }
            _ => None,
        }
    }
}
