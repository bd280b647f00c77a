//! The canonical form: what the source had is copied as it was spelled, wherever nobody changed it.

use crate::json::{Kind, write_compact, write_string};
use crate::record::{Content, Message, Part, Place, Record, Text};
use crate::stage::parse::{family, is_bare, part_text_key};
use std::cell::RefCell;

/// Writes the record in the canonical form.
pub(super) fn write_canonical(out: &mut Vec<u8>, record: &Record<'_>) {
    if let Some(raw) = record.messages_raw {
        out.reserve(raw.len() + 256);
    }
    out.extend_from_slice(b"{\"messages\":");
    match record.messages_raw {
        Some(raw) => out.extend_from_slice(raw.as_bytes()),
        None => write_messages(out, &record.messages),
    }
    if let Some(tools) = &record.tools {
        out.extend_from_slice(b",\"tools\":");
        write_compact(out, tools);
    }
    if let Some(rejected) = &record.rejected {
        out.extend_from_slice(b",\"rejected\":");
        write_messages(out, rejected);
    }
    for member in &record.fields {
        out.push(b',');
        out.extend_from_slice(member.raw_key.as_bytes());
        out.push(b':');
        write_compact(out, &member.value);
    }
    let declares_source = record.field("_source").is_some();
    match record.origin.place {
        Place::Line(line) if !declares_source && has_usual_schema(record) => write_usual(out, record, b':', line),
        Place::Index(index) if !declares_source && has_usual_schema(record) => write_usual(out, record, b'#', index),
        _ => {
            out.extend_from_slice(b",\"_origin\":");
            write_origin(out, record);
            if !declares_source {
                out.extend_from_slice(b",\"_source\":");
                write_string(out, record.source());
            }
            write_schema(out, record);
        }
    }
    if let Some(parent) = record.parent {
        out.extend_from_slice(b",\"_parent\":");
        write_string(out, parent);
    }
    out.push(b'}');
}

/// What stands around the number of the line in `_origin`, `_source` and `_schema` of the last
/// record: the next one of the same file and schema has the same.
#[derive(Default)]
struct Usual {
    path: String,
    family: &'static str,
    dialect: &'static str,
    before: Vec<u8>,
    after: Vec<u8>,
}

thread_local! {
    static USUAL: RefCell<Usual> = RefCell::default();
}

/// Whether `_schema` is no more than family and dialect.
fn has_usual_schema(record: &Record<'_>) -> bool {
    record.schema.restore.is_empty() && record.messages_raw.is_some() && record.rejected.is_none()
}

/// Writes `_origin`, `_source` and `_schema` of such a record.
fn write_usual(out: &mut Vec<u8>, record: &Record<'_>, mark: u8, number: u64) {
    USUAL.with_borrow_mut(|usual| {
        let schema = &record.schema;
        // Names of the program, so nearly always the very same strings.
        let is_same = std::ptr::eq(usual.family, schema.family)
            && std::ptr::eq(usual.dialect, schema.dialect)
            && usual.path == record.origin.path;
        if !is_same || usual.before.is_empty() {
            usual.path.clear();
            usual.path.push_str(record.origin.path);
            (usual.family, usual.dialect) = (schema.family, schema.dialect);
            usual.before.clear();
            usual.before.extend_from_slice(b",\"_origin\":");
            write_string(&mut usual.before, record.origin.path);
            usual.before.pop();
            usual.after.clear();
            usual.after.extend_from_slice(b"\",\"_source\":");
            write_string(&mut usual.after, record.source());
            write_schema(&mut usual.after, record);
        }
        out.extend_from_slice(&usual.before);
        write_number(out, mark, number);
        out.extend_from_slice(&usual.after);
    });
}

fn write_origin(out: &mut Vec<u8>, record: &Record<'_>) {
    write_string(out, record.origin.path);
    out.pop();
    match record.origin.place {
        Place::Line(line) => write_number(out, b':', line),
        Place::Index(index) => write_number(out, b'#', index),
        Place::Key(key) => {
            let quote = out.len();
            write_string(out, key);
            out[quote] = b'#';
            return;
        }
        Place::Whole => {}
    }
    out.push(b'"');
}

fn write_number(out: &mut Vec<u8>, before: u8, mut number: u64) {
    let mut digits = [0; 21];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    at -= 1;
    digits[at] = before;
    out.extend_from_slice(&digits[at..]);
}

fn write_schema(out: &mut Vec<u8>, record: &Record<'_>) {
    let schema = &record.schema;
    out.extend_from_slice(b",\"_schema\":{\"family\":\"");
    out.extend_from_slice(schema.family.as_bytes());
    out.extend_from_slice(b"\",\"dialect\":\"");
    out.extend_from_slice(schema.dialect.as_bytes());
    out.push(b'"');
    for member in &schema.restore {
        out.push(b',');
        out.extend_from_slice(member.raw_key.as_bytes());
        out.push(b':');
        write_compact(out, &member.value);
    }
    if record.messages_raw.is_none() {
        write_roles(out, "roles", schema.family, schema.dialect, &record.messages);
    }
    if let Some(rejected) = &record.rejected {
        write_roles(out, "rejected_roles", schema.family, schema.dialect, rejected);
    }
    out.push(b'}');
}

/// The roles as the source spelled them, where they are not what the dialect spells by default.
/// They are taken from the turns that are left, so they stay right when turns were removed.
fn write_roles(out: &mut Vec<u8>, key: &str, family_name: &str, dialect: &str, messages: &[Message<'_>]) {
    let family = family(family_name);
    let default =
        |message: &Message<'_>| family.map_or(message.role.name(), |family| family.role_name(dialect, message.role));
    if messages.iter().all(|message| message.role_given == default(message)) {
        return;
    }
    out.push(b',');
    write_string(out, key);
    out.extend_from_slice(b":[");
    for (index, message) in messages.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        if message.role_given == default(message) {
            out.extend_from_slice(b"null");
        } else {
            write_string(out, message.role_given);
        }
    }
    out.push(b']');
}

/// The array of turns in canonical form.
pub(crate) fn write_messages(out: &mut Vec<u8>, messages: &[Message<'_>]) {
    out.push(b'[');
    for (index, message) in messages.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_message(out, message);
    }
    out.push(b']');
}

/// One turn in canonical form.
pub(crate) fn write_message(out: &mut Vec<u8>, message: &Message<'_>) {
    if let Some(raw) = message.raw {
        out.extend_from_slice(raw.as_bytes());
        return;
    }
    out.extend_from_slice(b"{\"role\":\"");
    out.extend_from_slice(message.role.name().as_bytes());
    out.push(b'"');
    match &message.content {
        Content::Absent => {}
        Content::Null => out.extend_from_slice(b",\"content\":null"),
        Content::Text(text) => {
            out.extend_from_slice(b",\"content\":");
            write_text(out, text);
        }
        Content::Parts(parts) => {
            out.extend_from_slice(b",\"content\":");
            write_parts(out, parts);
        }
    }
    if let Some(reasoning) = &message.reasoning {
        out.extend_from_slice(b",\"reasoning_content\":");
        write_text(out, reasoning);
    }
    if let Some(calls) = &message.tool_calls {
        out.extend_from_slice(b",\"tool_calls\":");
        write_compact(out, calls);
    }
    for member in &message.fields {
        out.push(b',');
        out.extend_from_slice(member.raw_key.as_bytes());
        out.push(b':');
        write_compact(out, &member.value);
    }
    out.push(b'}');
}

/// A text as JSON: as it was spelled, while nobody changed it.
pub(crate) fn write_text(out: &mut Vec<u8>, text: &Text<'_>) {
    match text.raw {
        Some(raw) => out.extend_from_slice(raw.as_bytes()),
        None => write_string(out, text.value),
    }
}

fn write_parts(out: &mut Vec<u8>, parts: &[Part<'_>]) {
    if let [part] = parts
        && is_bare(&part.node, part.text.is_some())
    {
        write_compact(out, &part.node);
        return;
    }
    out.push(b'[');
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_part(out, part);
    }
    out.push(b']');
}

pub(crate) fn write_part(out: &mut Vec<u8>, part: &Part<'_>) {
    let changed = part.text.filter(|text| text.raw.is_none());
    match (changed, part.node.kind) {
        (Some(text), Kind::Object(members)) => {
            let key = part_text_key(members);
            for (index, member) in members.iter().enumerate() {
                out.push(if index == 0 { b'{' } else { b',' });
                out.extend_from_slice(member.raw_key.as_bytes());
                out.push(b':');
                if key == Some(member.key) {
                    write_text(out, &text);
                } else {
                    write_compact(out, &member.value);
                }
            }
            out.push(b'}');
        }
        (Some(text), _) => write_text(out, &text),
        (None, _) => write_compact(out, &part.node),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Changes, Origin, Schema};
    use bumpalo::Bump;
    use bumpalo::collections::Vec as ArenaVec;

    #[test]
    fn the_usual_end_of_a_record_is_that_of_its_own_file_and_schema() {
        let arena = Bump::new();
        for (path, family, dialect, place) in [
            ("a/b.jsonl", "openai", "messages", Place::Line(7)),
            ("a/b.jsonl", "openai", "messages", Place::Line(18)),
            ("a/b.jsonl", "openai", "conversations", Place::Index(0)),
            ("a\"\\c\n.json", "openai", "conversations", Place::Index(12)),
            ("", "corpuskit", "record", Place::Line(1)),
        ] {
            let record = Record {
                origin: Origin { path, place },
                schema: Schema { family, dialect, restore: ArenaVec::new_in(&arena) },
                messages: ArenaVec::new_in(&arena),
                messages_raw: Some("[]"),
                tools: None,
                rejected: None,
                parent: None,
                fields: ArenaVec::new_in(&arena),
                changes: Changes::default(),
                labels: crate::record::Labels::default(),
            };
            let mut out = Vec::new();
            write_canonical(&mut out, &record);
            let written: serde_json::Value = serde_json::from_slice(&out).unwrap_or_default();
            let expected = serde_json::json!({
                "messages": [],
                "_origin": record.origin.to_string(),
                "_source": record.source(),
                "_schema": {"family": family, "dialect": dialect},
            });
            assert_eq!(written, expected);
        }
    }

    #[test]
    fn numbers_are_those_of_the_standard_library() {
        for number in [0, 9, 10, 99, 12_345, u64::MAX] {
            let mut out = Vec::new();
            write_number(&mut out, b':', number);
            assert_eq!(out, format!(":{number}").as_bytes());
        }
    }
}
