//! OpenAI's fine-tuning form.

use super::form::Inexpressible;
use super::form_canonical::{write_part, write_text};
use super::form_parts::{Object, cannot};
use crate::json::{Kind, Node, write_compact, write_string};
use crate::record::{Content, Message, Record, Role};
use std::collections::VecDeque;

/// Writes the record.
pub(super) fn write(out: &mut Vec<u8>, record: &Record<'_>) -> Result<(), Inexpressible> {
    if record.messages.iter().any(|message| message.role == Role::Text) {
        return cannot("write.form.text", "a plain text is no conversation");
    }
    let mut object = Object::new(out);
    let mut calls = Calls::default();
    let used: &[&str] = match &record.rejected {
        None => {
            write_turns(object.key("messages"), &record.messages, &mut calls);
            if let Some(tools) = &record.tools {
                write_tools(object.key("tools"), tools);
            }
            &["messages", "tools"]
        }
        Some(rejected) => {
            // The answer is what follows the last turn of the person or of a tool.
            let from_prompt = |message: &Message<'_>| !matches!(message.role, Role::Assistant);
            let split = record.messages.iter().rposition(from_prompt).map_or(0, |last| last + 1);
            if rejected.iter().any(from_prompt) {
                return cannot("write.form.rejected", "the rejected answer has turns of others than the assistant");
            }
            let mut input = Object::new(object.key("input"));
            write_turns(input.key("messages"), &record.messages[..split], &mut calls);
            if let Some(tools) = &record.tools {
                write_tools(input.key("tools"), tools);
            }
            input.close();
            write_turns(object.key("preferred_output"), &record.messages[split..], &mut calls);
            write_turns(object.key("non_preferred_output"), rejected, &mut calls);
            &["input", "preferred_output", "non_preferred_output"]
        }
    };
    object.carried(record, used)?;
    object.close();
    Ok(())
}

/// Calls that no tool has answered yet: where ids are missing they are made, and answers follow calls.
#[derive(Default)]
struct Calls {
    made: usize,
    open: VecDeque<String>,
}

fn write_turns(out: &mut Vec<u8>, messages: &[Message<'_>], calls: &mut Calls) {
    out.push(b'[');
    for (index, message) in messages.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_turn(out, message, calls);
    }
    out.push(b']');
}

fn write_turn(out: &mut Vec<u8>, message: &Message<'_>, calls: &mut Calls) {
    let mut turn = Object::new(out);
    // The legacy role is a role of its own there.
    let legacy = message.role == Role::Tool && message.role_given == "function";
    write_string(turn.key("role"), if legacy { "function" } else { message.role.name() });
    match &message.content {
        Content::Absent if message.tool_calls.is_none() => {}
        Content::Absent | Content::Null => turn.key("content").extend_from_slice(b"null"),
        Content::Text(text) => write_text(turn.key("content"), text),
        Content::Parts(parts) => {
            let out = turn.key("content");
            out.push(b'[');
            for (index, part) in parts.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                match part.text {
                    Some(text) if part.node.get("text").is_none() => {
                        out.extend_from_slice(b"{\"type\":\"text\",\"text\":");
                        write_text(out, &text);
                        out.push(b'}');
                    }
                    _ => write_part(out, part),
                }
            }
            out.push(b']');
        }
    }
    if let Some(reasoning) = &message.reasoning {
        write_text(turn.key("reasoning_content"), reasoning);
    }
    if let Some(Kind::Array(items)) = message.tool_calls.map(|calls| calls.kind) {
        let out = turn.key("tool_calls");
        out.push(b'[');
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write_call(out, item, calls);
        }
        out.push(b']');
    }
    for member in message.fields.iter().filter(|member| !member.key.starts_with('_')) {
        write_compact(turn.key(member.key), &member.value);
    }
    if message.role == Role::Tool && !legacy {
        let given =
            message.fields.iter().find(|member| member.key == "tool_call_id").and_then(|member| member.value.as_str());
        match given {
            Some(id) => calls.open.retain(|open| open != id),
            None => {
                if let Some(id) = calls.open.pop_front() {
                    write_string(turn.key("tool_call_id"), &id);
                }
            }
        }
    }
    turn.close();
}

/// One call: `{"id", "type": "function", "function": {"name", "arguments": STRING}}`.
fn write_call(out: &mut Vec<u8>, call: &Node<'_>, calls: &mut Calls) {
    let Kind::Object(members) = call.kind else {
        write_compact(out, call);
        return;
    };
    let mut object = Object::new(out);
    let id = call.get("id").and_then(|id| id.as_str()).map_or_else(
        || {
            calls.made += 1;
            format!("call_{}", calls.made)
        },
        str::to_owned,
    );
    write_string(object.key("id"), &id);
    calls.open.push_back(id);
    write_string(object.key("type"), call.get("type").and_then(|kind| kind.as_str()).unwrap_or("function"));
    // A call may stand without the wrapper.
    let function = call.get("function").filter(|function| function.as_object().is_some());
    write_function(object.key("function"), function.as_ref().unwrap_or(call));
    if function.is_some() {
        for member in members.iter().filter(|member| !matches!(member.key, "id" | "type" | "function")) {
            write_compact(object.key(member.key), &member.value);
        }
    }
    object.close();
}

fn write_function(out: &mut Vec<u8>, function: &Node<'_>) {
    let mut object = Object::new(out);
    for member in function.as_object().unwrap_or(&[]) {
        match (member.key, member.value.kind) {
            ("id" | "type", _) => {}
            ("arguments", Kind::String(_)) => write_compact(object.key("arguments"), &member.value),
            ("arguments", _) => {
                let mut text = Vec::new();
                write_compact(&mut text, &member.value);
                write_string(object.key("arguments"), &String::from_utf8_lossy(&text));
            }
            (key, _) => write_compact(object.key(key), &member.value),
        }
    }
    object.close();
}

/// Definitions: bare functions are wrapped as `{"type": "function", "function": …}`.
fn write_tools(out: &mut Vec<u8>, tools: &Node<'_>) {
    out.push(b'[');
    for (index, tool) in tools.as_array().unwrap_or(&[]).iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        if tool.get("name").is_some() && tool.get("function").is_none() {
            out.extend_from_slice(b"{\"type\":\"function\",\"function\":");
            write_compact(out, tool);
            out.push(b'}');
        } else {
            write_compact(out, tool);
        }
    }
    out.push(b']');
}
