//! The two sides of a record, and the encoding whose hash says whether two records are the same.

use super::arguments::{respell, respell_string};
use crate::json::{Kind, Node};
use crate::record::{Content, Message, Record, Role};

/// The judged texts of a record: what the model is given and what it says.
#[derive(Debug, Default)]
pub struct Sides {
    /// User and tool turns.
    pub prompt: Vec<u8>,
    /// Assistant turns: content, reasoning, then each call's name and arguments. A `text` record is all response.
    pub response: Vec<u8>,
}

impl Sides {
    /// Reads both sides of a record. Turns and parts are joined by a line feed; what is empty is left out.
    /// System and developer turns, tool definitions, parts that are not text, call ids and rejected
    /// answers are in neither.
    pub fn read(&mut self, record: &Record<'_>) {
        self.prompt.clear();
        self.response.clear();
        for message in &record.messages {
            match message.role {
                Role::User | Role::Tool => content(message, &mut self.prompt, 0),
                Role::Assistant | Role::Text => {
                    content(message, &mut self.response, 0);
                    if let Some(reasoning) = message.reasoning {
                        piece(reasoning.value, &mut self.response, 0);
                    }
                    calls(message, &mut self.response);
                }
                Role::System | Role::Developer => {}
            }
        }
    }
}

/// Appends one more piece to the text that begins at `start`.
fn piece(text: &str, out: &mut Vec<u8>, start: usize) {
    if text.is_empty() {
        return;
    }
    join(out, start);
    out.extend_from_slice(text.as_bytes());
}

fn join(out: &mut Vec<u8>, start: usize) {
    if out.len() > start {
        out.push(b'\n');
    }
}

fn content(message: &Message<'_>, out: &mut Vec<u8>, start: usize) {
    match &message.content {
        Content::Absent | Content::Null => {}
        Content::Text(text) => piece(text.value, out, start),
        Content::Parts(parts) => {
            parts.iter().filter_map(|part| part.text).for_each(|text| piece(text.value, out, start));
        }
    }
}

/// The call of the older form, beside the content.
fn legacy_call<'a>(message: &Message<'a>) -> Option<Node<'a>> {
    message.fields.iter().rev().find(|member| member.key == "function_call").map(|member| member.value)
}

fn calls(message: &Message<'_>, out: &mut Vec<u8>) {
    let listed = message.tool_calls.and_then(|calls| calls.as_array()).unwrap_or_default();
    for call in listed.iter().copied().chain(legacy_call(message)) {
        let inner = call.get("function").or_else(|| call.get("custom")).filter(|inner| inner.as_object().is_some());
        let call = inner.unwrap_or(call);
        if let Some(name) = call.get("name").and_then(|name| name.as_str()) {
            piece(name, out, 0);
        }
        let Some(arguments) = call.get("arguments").or_else(|| call.get("input")) else { continue };
        match arguments.kind {
            Kind::Null => {}
            Kind::String("") => {}
            Kind::String(text) => {
                join(out, 0);
                respell_string(text, out);
            }
            _ => {
                join(out, 0);
                value(&arguments, out);
            }
        }
    }
}

/// A JSON value in its one spelling.
fn value(node: &Node<'_>, out: &mut Vec<u8>) {
    if !respell(node.raw, out) {
        out.extend_from_slice(node.raw.as_bytes());
    }
}

/// Writes an encoding that two records share exactly if every turn has the same role, text, reasoning
/// and tool calls, and the tools are the same. Parts that are not text count too, so that the same
/// question about another picture is another record. White space between JSON tokens and the choice
/// of escapes do not count.
pub fn encode(record: &Record<'_>, out: &mut Vec<u8>) {
    out.clear();
    for message in &record.messages {
        field(0, out, |out| out.push(code(message.role)));
        field(1, out, |out| content(message, out, out.len()));
        if let Content::Parts(parts) = &message.content {
            for part in parts.iter().filter(|part| part.text.is_none()) {
                field(2, out, |out| value(&part.node, out));
            }
        }
        if let Some(reasoning) = message.reasoning.filter(|reasoning| !reasoning.value.is_empty()) {
            field(3, out, |out| out.extend_from_slice(reasoning.value.as_bytes()));
        }
        if let Some(calls) = message.tool_calls.filter(|calls| calls.as_array().is_some_and(|calls| !calls.is_empty()))
        {
            field(4, out, |out| value(&calls, out));
        }
        if let Some(call) = legacy_call(message).filter(|call| !call.is_null()) {
            field(5, out, |out| value(&call, out));
        }
    }
    if let Some(tools) = record.tools.filter(|tools| !tools.is_null()) {
        field(6, out, |out| value(&tools, out));
    }
}

/// What stands for a role in the encoding. Saved indexes depend on it.
fn code(role: Role) -> u8 {
    match role {
        Role::System => 0,
        Role::Developer => 1,
        Role::User => 2,
        Role::Assistant => 3,
        Role::Tool => 4,
        Role::Text => 5,
    }
}

/// A field of the encoding: kind, length, bytes. No two lists of fields have the same bytes.
fn field(kind: u8, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(&[kind; 9]);
    let start = out.len();
    write(out);
    let length = (out.len() - start) as u64;
    out[start - 8..start].copy_from_slice(&length.to_le_bytes());
}
