//! What JSON a file holds, told from its first bytes.
//!
//! - lines: at least half of the first lines are one value each;
//! - else one array: of turns, it is one conversation and the file one record; else each element is a unit;
//! - else one object: of arrays of objects beside little else, each of their elements is a unit; of objects
//!   (or conversations) only, each member is; else the file is one record;
//! - else values that follow each other.

use super::scan::{is_one_value, value_end};
use super::sniff::Container;
use super::structure::{Structure, StructureKind};
use crate::json::{self, DefectKind, Limits, Node};
use bumpalo::Bump;

/// Lines and elements that are looked at.
const LOOK: usize = 64;

/// Members that only a record has.
const RECORD_KEYS: [&str; 40] = [
    "messages",
    "conversations",
    "conversation",
    "dialog",
    "dialogue",
    "dialogs",
    "turns",
    "utterances",
    "chat_logs",
    "history",
    "instruction",
    "instructions",
    "prompt",
    "completion",
    "question",
    "query",
    "response",
    "responses",
    "answer",
    "answers",
    "output",
    "outputs",
    "input",
    "inputs",
    "text",
    "content",
    "chosen",
    "rejected",
    "task_id",
    "tools",
    "functions",
    "function",
    "choices",
    "options",
    "context",
    "contexts",
    "documents",
    "passages",
    "reference",
    "role",
];

/// The container of a text that begins as JSON does; `None` if it is no JSON. `named`: the file's
/// name says JSON, so that defects are to be rejected rather than taken for prose.
pub(super) fn recognise(head: &[u8], all: bool, named: bool) -> Option<Container> {
    let (good, seen) = good_lines(head, all, named);
    if good > 0 && good * 2 >= seen && (seen > 1 || !all) {
        return Some(Container::Lines);
    }
    let start = head.iter().position(|byte| !byte.is_ascii_whitespace())?;
    let one_line = seen <= 1 && memchr::memchr(b'\n', head[start..].trim_ascii_end()).is_none();
    let end = value_end(head, start);
    let rest = end.map_or(&head[..0], |end| head[end..].trim_ascii_start());
    match head[start] {
        b'[' => {
            let first = next_token(head, start + 1);
            let plausible = match first.and_then(|at| head.get(at)) {
                None | Some(b']') => true,
                Some(_) => first.is_some_and(|at| plausible(head, at, named)),
            };
            if !plausible {
                return named.then_some(Container::Lines);
            }
            if rest.is_empty() && elements_are_turns(head, start) {
                return Some(if one_line && !all { Container::Lines } else { Container::Json });
            }
            Some(structure(StructureKind::Array))
        }
        b'{' => {
            let first = next_token(head, start + 1);
            if !matches!(first.and_then(|at| head.get(at)), None | Some(b'"' | b'}'))
                || !(named || plausible(head, start, named))
            {
                return named.then_some(Container::Lines);
            }
            if !rest.is_empty() {
                return Some(structure(StructureKind::Values));
            }
            let kind = object_kind(head, start);
            Some(match kind {
                Some(kind) => structure(kind),
                None if one_line => Container::Lines,
                None => Container::Json,
            })
        }
        _ if good == 1 && seen == 1 => Some(Container::Lines),
        _ => named.then_some(Container::Lines),
    }
}

fn structure(kind: StructureKind) -> Container {
    Container::Structure(Structure::new(kind))
}

/// How many of the first lines are one JSON value each, and how many were looked at (blank ones aside).
fn good_lines(head: &[u8], all: bool, named: bool) -> (usize, usize) {
    let whole = if all { head.len() } else { memchr::memrchr(b'\n', head).map_or(0, |end| end + 1) };
    let lines = head[..whole].split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let mut arena = Bump::new();
    lines.take(LOOK).fold((0, 0), |(good, seen), line| {
        arena.reset();
        // Without a name that says JSON, a quoted line is more likely speech.
        let is_good = (matches!(line[0], b'{' | b'[') || line[0] == b'"' && named)
            && is_one_value(line)
            && well_formed(line, &arena);
        (good + usize::from(is_good), seen + 1)
    })
}

/// Whether a value is JSON but for defects that have policies of their own.
fn well_formed(value: &[u8], arena: &Bump) -> bool {
    if value.len() > 1 << 16 {
        return true;
    }
    let text = arena.alloc_str(&String::from_utf8_lossy(value));
    match json::parse(text, arena, Limits::default()) {
        Ok(_) => true,
        Err(defect) => !matches!(defect.kind, DefectKind::Syntax | DefectKind::Truncated | DefectKind::Trailing),
    }
}

/// Whether the value at `at` may be meant as JSON.
fn plausible(head: &[u8], at: usize, named: bool) -> bool {
    named
        || value_end(head, at).map_or(matches!(head[at], b'{' | b'['), |end| well_formed(&head[at..end], &Bump::new()))
}

fn next_token(head: &[u8], from: usize) -> Option<usize> {
    head[from..].iter().position(|byte| !byte.is_ascii_whitespace()).map(|at| from + at)
}

/// The first elements of the array at `start`, those that `head` holds whole.
fn elements(head: &[u8], start: usize) -> Vec<&[u8]> {
    let mut found = Vec::new();
    let mut at = start + 1;
    while found.len() < LOOK {
        let Some(next) = next_token(head, at) else { break };
        match head[next] {
            b',' => at = next + 1,
            b']' => break,
            _ => match value_end(head, next) {
                Some(end) if end > next => {
                    found.push(&head[next..end]);
                    at = end;
                }
                _ => break,
            },
        }
    }
    found
}

/// Whether the array at `start` is one conversation: its elements are turns, of more than one speaker.
fn elements_are_turns(head: &[u8], start: usize) -> bool {
    let elements = elements(head, start);
    let arena = Bump::new();
    let mut speakers: Vec<&str> = Vec::new();
    for element in &elements {
        let text = arena.alloc_str(&String::from_utf8_lossy(element));
        let Some(speaker) = json::parse(text, &arena, Limits::default()).ok().and_then(|node| speaker(&node)) else {
            return false;
        };
        if !speakers.contains(&speaker) {
            speakers.push(speaker);
        }
    }
    speakers.len() > 1 || elements.len() == 1
}

/// Who speaks, if the value looks like one turn of a conversation.
fn speaker<'a>(node: &Node<'a>) -> Option<&'a str> {
    const TEXT: [&str; 7] = ["content", "value", "text", "utterance", "message", "parts", "tool_calls"];
    if node.get("parent_id").is_some() || !TEXT.iter().any(|key| node.get(key).is_some()) {
        return None;
    }
    ["role", "from", "speaker", "sender", "author"].iter().find_map(|key| node.get(key)?.as_str())
}

/// What the object at `start` holds: units in arrays or as members; `None` if it is one record.
fn object_kind(head: &[u8], start: usize) -> Option<StructureKind> {
    let (mut arrays, mut objects, mut talks, mut others, mut record_keys, mut members) = (0, 0, 0, 0, 0, 0);
    let mut at = start + 1;
    while let Some(next) = next_token(head, at) {
        match head[next] {
            b',' => {
                at = next + 1;
                continue;
            }
            b'"' => {}
            _ => break,
        }
        let Some(key_end) = value_end(head, next) else { break };
        let key = &head[next + 1..key_end - 1];
        let Some(value) = next_token(head, key_end)
            .filter(|&colon| head[colon] == b':')
            .and_then(|colon| next_token(head, colon + 1))
        else {
            break;
        };
        let record_key = RECORD_KEYS.iter().any(|name| name.as_bytes() == key);
        match head[value] {
            b'[' if next_token(head, value + 1).is_some_and(|first| head[first] == b'{') => {
                if elements_are_turns(head, value) {
                    talks += 1;
                    record_keys += usize::from(record_key);
                } else {
                    arrays += 1;
                    // What a model said to many inputs: `{"outputs": [{input, prediction, target}, …]}`.
                    record_keys += usize::from(record_key && key != b"outputs");
                }
            }
            b'{' => {
                objects += 1;
                record_keys += usize::from(record_key);
            }
            _ => {
                others += 1;
                record_keys += usize::from(record_key);
            }
        }
        members += 1;
        let Some(end) = value_end(head, value) else { break };
        at = end;
    }
    let cut_off = value_end(head, start).is_none();
    if record_keys > 0 && !(objects == members && record_keys < members) {
        return None;
    }
    if arrays > 0 && talks == 0 && objects <= 2 {
        return Some(StructureKind::Object);
    }
    let many = members >= 2 || (members == 1 && cut_off);
    if many && others == 0 && arrays == 0 && (objects == members || talks == members) {
        return Some(StructureKind::Map);
    }
    None
}
