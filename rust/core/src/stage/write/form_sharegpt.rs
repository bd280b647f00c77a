//! ShareGPT's form, as LLaMA-Factory and FastChat read it.

use super::form::Inexpressible;
use super::form_canonical::write_text;
use super::form_parts::{Object, cannot, plain, write_plain};
use crate::json::{self, Kind, Limits, Node, write_compact, write_string};
use crate::record::{Message, Record, Role};
use bumpalo::Bump;

/// Writes the record.
pub(super) fn write(out: &mut Vec<u8>, record: &Record<'_>) -> Result<(), Inexpressible> {
    if record.messages.iter().any(|message| message.role == Role::Text) {
        return cannot("write.form.text", "a plain text is no conversation");
    }
    let mut object = Object::new(out);
    let (turns, pair) = match &record.rejected {
        None => (&record.messages[..], None),
        Some(rejected) => match (record.messages.as_slice(), rejected.as_slice()) {
            ([prompt @ .., chosen], [rejected])
                if chosen.role == Role::Assistant && rejected.role == Role::Assistant =>
            {
                (prompt, Some((chosen, rejected)))
            }
            _ => return cannot("write.form.rejected", "the answers of the pair are not one turn each"),
        },
    };
    let list = object.key("conversations");
    list.push(b'[');
    let mut first = true;
    for message in turns {
        write_turn(list, message, &mut first)?;
    }
    list.push(b']');
    if let Some((chosen, rejected)) = pair {
        write_turn(object.key("chosen"), chosen, &mut true)?;
        write_turn(object.key("rejected"), rejected, &mut true)?;
    }
    if let Some(tools) = &record.tools {
        let mut text = Vec::new();
        write_compact(&mut text, tools);
        write_string(object.key("tools"), &String::from_utf8_lossy(&text));
    }
    object.carried(record, &["conversations", "tools", "chosen", "rejected"])?;
    object.close();
    Ok(())
}

/// One turn; of a turn that says something and calls tools, two.
fn write_turn(out: &mut Vec<u8>, message: &Message<'_>, first: &mut bool) -> Result<(), Inexpressible> {
    let mut open = |out: &mut Vec<u8>| {
        if !std::mem::replace(first, false) {
            out.push(b',');
        }
    };
    let calls = message.tool_calls.and_then(|calls| calls.as_array()).filter(|calls| !calls.is_empty());
    let says = calls.is_none() || !plain(message)?.value.is_empty() || message.reasoning.is_some();
    let fields = |turn: &mut Object<'_>| -> Result<(), Inexpressible> {
        for member in message.fields.iter().filter(|member| !member.key.starts_with('_')) {
            if matches!(member.key, "from" | "value" | "reasoning_content") {
                return cannot("write.form.clash", "a turn's field has the name of a member of the form");
            }
            write_compact(turn.key(member.key), &member.value);
        }
        Ok(())
    };
    if says {
        open(out);
        let mut turn = Object::new(out);
        let name = match message.role {
            Role::User => "human",
            Role::Assistant => "gpt",
            Role::Tool => "observation",
            role => role.name(),
        };
        write_string(turn.key("from"), name);
        write_plain(turn.key("value"), message)?;
        if let Some(reasoning) = &message.reasoning {
            write_text(turn.key("reasoning_content"), reasoning);
        }
        fields(&mut turn)?;
        turn.close();
    }
    if let Some(calls) = calls {
        open(out);
        let mut turn = Object::new(out);
        write_string(turn.key("from"), "function_call");
        write_string(turn.key("value"), &functions(calls));
        if !says {
            fields(&mut turn)?;
        }
        turn.close();
    }
    Ok(())
}

/// The functions of calls as JSON: `{"name", "arguments"}`, an array of them if there are several.
/// Arguments that are a string which holds an object are that object.
fn functions(calls: &[Node<'_>]) -> String {
    let mut out = Vec::new();
    if calls.len() > 1 {
        out.push(b'[');
    }
    for (index, call) in calls.iter().enumerate() {
        if index > 0 {
            out.extend_from_slice(b", ");
        }
        let function = call.get("function").filter(|function| function.as_object().is_some()).unwrap_or(*call);
        let mut object = Object::new(&mut out);
        for member in function.as_object().unwrap_or(&[]) {
            let value = object.key(member.key);
            match (member.key, member.value.kind) {
                ("arguments", Kind::String(text)) if is_object(text) => value.extend_from_slice(text.as_bytes()),
                _ => write_compact(value, &member.value),
            }
        }
        object.close();
    }
    if calls.len() > 1 {
        out.push(b']');
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn is_object(text: &str) -> bool {
    json::parse(text, &Bump::new(), Limits::default()).is_ok_and(|node| node.as_object().is_some())
}
