//! The two sides of a record, and the encoding whose hash says whether two records are the same.

use super::arguments::{respell, respell_string};
use crate::json::{Kind, Node};
use crate::record::{Content, Message, Record, Role};

/// Buffers for the judged texts of a record: what the model is given and what it says.
#[derive(Debug, Default)]
pub struct Sides {
    prompt: String,
    response: String,
    /// One piece in the making.
    spelled: Vec<u8>,
}

impl Sides {
    /// The prompt and the response of a record: user and tool turns, and assistant turns with content,
    /// reasoning, then each call's name and arguments. A `text` record is all response. Turns and parts
    /// are joined by a line feed; what is empty is left out. System and developer turns, tool
    /// definitions, parts that are not text, call ids and rejected answers are in neither.
    pub fn read<'s>(&'s mut self, record: &'s Record<'_>) -> [&'s str; 2] {
        let mut prompt = Joined::new(&mut self.prompt);
        let mut response = Joined::new(&mut self.response);
        for message in &record.messages {
            match message.role {
                Role::User | Role::Tool => pieces(&message.content).for_each(|text| prompt.add(text)),
                Role::Assistant | Role::Text => {
                    pieces(&message.content).for_each(|text| response.add(text));
                    if let Some(reasoning) = &message.reasoning {
                        response.add(reasoning.value);
                    }
                    calls(message, &mut response, &mut self.spelled);
                }
                Role::System | Role::Developer => {}
            }
        }
        [prompt.text(), response.text()]
    }
}

/// Pieces of text, joined by a line feed. One alone, as in most records, is not copied.
struct Joined<'s> {
    /// The first piece, until there is another.
    first: &'s str,
    all: &'s mut String,
}

impl<'s> Joined<'s> {
    fn new(all: &'s mut String) -> Self {
        all.clear();
        Self { first: "", all }
    }

    /// Adds one more piece.
    fn add(&mut self, text: &'s str) {
        if self.first.is_empty() && self.all.is_empty() {
            self.first = text;
        } else {
            self.copy(text);
        }
    }

    /// Adds a piece that does not last.
    fn copy(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        if !self.first.is_empty() {
            self.all.push_str(std::mem::take(&mut self.first));
        }
        if !self.all.is_empty() {
            self.all.push('\n');
        }
        self.all.push_str(text);
    }

    fn text(self) -> &'s str {
        if self.all.is_empty() { self.first } else { self.all }
    }
}

/// The texts of a message that are not empty.
fn pieces<'r, 'a>(content: &'r Content<'a>) -> impl Iterator<Item = &'a str> + use<'r, 'a> {
    let (one, parts) = match content {
        Content::Absent | Content::Null => (None, None),
        Content::Text(text) => (Some(text.value), None),
        Content::Parts(parts) => (None, Some(parts)),
    };
    let parts = parts.into_iter().flatten().filter_map(|part| part.text).map(|text| text.value);
    one.into_iter().chain(parts).filter(|text| !text.is_empty())
}

/// The call of the older form, beside the content.
fn legacy_call<'a>(message: &Message<'a>) -> Option<Node<'a>> {
    message.fields.iter().rev().find(|member| member.key == "function_call").map(|member| member.value)
}

fn calls<'s>(message: &'s Message<'_>, out: &mut Joined<'s>, spelled: &mut Vec<u8>) {
    let listed = message.tool_calls.and_then(|calls| calls.as_array()).unwrap_or_default();
    for call in listed.iter().copied().chain(legacy_call(message)) {
        let inner = call.get("function").or_else(|| call.get("custom")).filter(|inner| inner.as_object().is_some());
        let call = inner.unwrap_or(call);
        if let Some(name) = call.get("name").and_then(|name| name.as_str()) {
            out.add(name);
        }
        let Some(arguments) = call.get("arguments").or_else(|| call.get("input")) else { continue };
        spelled.clear();
        match arguments.kind {
            Kind::Null => {}
            Kind::String(text) => respell_string(text, spelled),
            _ => value(&arguments, spelled),
        }
        // It is spelled from text, so it is text.
        out.copy(std::str::from_utf8(spelled).unwrap_or_default());
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
        field(1, out, |out| {
            let start = out.len();
            for text in pieces(&message.content) {
                if out.len() > start {
                    out.push(b'\n');
                }
                out.extend_from_slice(text.as_bytes());
            }
        });
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
