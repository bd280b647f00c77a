//! The forms of one question and one answer: alpaca, prompt/completion.

use super::form::Inexpressible;
use super::form_canonical::write_canonical;
use super::form_parts::{Object, cannot, only_text, plain, write_plain};
use crate::json::{self, Limits, write_compact, write_string};
use crate::record::{Message, Record, Role};
use crate::stage::parse::family;
use bumpalo::Bump;

/// A conversation of texts: perhaps a system turn, pairs of turns, the last pair.
struct Turns<'r, 'a> {
    system: Option<&'r Message<'a>>,
    earlier: &'r [Message<'a>],
    prompt: &'r Message<'a>,
    answer: &'r Message<'a>,
    rejected: Option<&'r Message<'a>>,
}

fn turns<'r, 'a>(record: &'r Record<'a>) -> Result<Turns<'r, 'a>, Inexpressible> {
    if record.tools.is_some() {
        return cannot("write.form.tools", "the record has tool definitions");
    }
    for message in record.messages.iter().chain(record.rejected.iter().flatten()) {
        only_text(message)?;
    }
    let (system, rest) = match record.messages.as_slice() {
        [first, rest @ ..] if matches!(first.role, Role::System) => (Some(first), rest),
        all => (None, all),
    };
    let roles_alternate = rest
        .iter()
        .enumerate()
        .all(|(index, message)| message.role == if index % 2 == 0 { Role::User } else { Role::Assistant });
    let [earlier @ .., prompt, answer] = rest else {
        return cannot("write.form.turns", "the form is one of a question and an answer");
    };
    if !roles_alternate || rest.len() % 2 != 0 {
        return cannot(
            "write.form.turns",
            "the turns of user and assistant do not alternate and end with the assistant's",
        );
    }
    let rejected = match record.rejected.as_deref() {
        None => None,
        Some([rejected]) if rejected.role == Role::Assistant => Some(rejected),
        Some(_) => return cannot("write.form.rejected", "the rejected answer is not one turn of the assistant"),
    };
    Ok(Turns { system, earlier, prompt, answer, rejected })
}

/// Writes `instruction`, `input`, `output`, `system`, `history`.
pub(super) fn write_alpaca(out: &mut Vec<u8>, record: &Record<'_>) -> Result<(), Inexpressible> {
    let turns = turns(record)?;
    let mut object = Object::new(out);
    match instruction_and_input(record) {
        Some((instruction, input)) => {
            object.key("instruction").extend_from_slice(&instruction);
            object.key("input").extend_from_slice(&input);
        }
        None => {
            write_plain(object.key("instruction"), turns.prompt)?;
            write_string(object.key("input"), "");
        }
    }
    match turns.rejected {
        None => write_plain(object.key("output"), turns.answer)?,
        Some(rejected) => {
            write_plain(object.key("chosen"), turns.answer)?;
            write_plain(object.key("rejected"), rejected)?;
        }
    }
    if let Some(system) = turns.system {
        write_plain(object.key("system"), system)?;
    }
    if !turns.earlier.is_empty() {
        let history = object.key("history");
        history.push(b'[');
        for (index, pair) in turns.earlier.chunks(2).enumerate() {
            if index > 0 {
                history.push(b',');
            }
            history.push(b'[');
            write_plain(history, &pair[0])?;
            history.push(b',');
            write_plain(history, &pair[1])?;
            history.push(b']');
        }
        history.push(b']');
    }
    object.carried(record, &["instruction", "input", "output", "chosen", "rejected", "system", "history"])?;
    object.close();
    Ok(())
}

/// Of a record that came as alpaca: the instruction and its input, apart, as JSON.
fn instruction_and_input(record: &Record<'_>) -> Option<(Vec<u8>, Vec<u8>)> {
    let was_alpaca = |name: &str| name == "alpaca";
    let own = record.schema.family == "corpuskit";
    if !own && !was_alpaca(record.schema.family) {
        return None;
    }
    let arena = Bump::new();
    let limits = Limits { depth: 1100 };
    let mut line = Vec::new();
    write_canonical(&mut line, record);
    let restore = |line: &[u8]| -> Option<Vec<u8>> {
        let node = json::parse(std::str::from_utf8(arena.alloc_slice_copy(line)).ok()?, &arena, limits).ok()?;
        let mut out = Vec::new();
        family(node.get("_schema")?.get("family")?.as_str()?)?.restore(&node, &mut out).ok()?;
        Some(out)
    };
    let mut native = restore(&line)?;
    if own {
        let node = json::parse(std::str::from_utf8(&native).ok()?, &arena, limits).ok()?;
        was_alpaca(node.get("_schema")?.get("family")?.as_str()?).then_some(())?;
        native = restore(&native.clone())?;
    }
    let node = json::parse(std::str::from_utf8(&native).ok()?, &arena, limits).ok()?;
    let text = |key: &str| {
        let node = node.get(key).filter(|node| node.as_str().is_some())?;
        let mut out = Vec::new();
        write_compact(&mut out, &node);
        Some(out)
    };
    Some((text("instruction")?, text("input").unwrap_or_else(|| b"\"\"".to_vec())))
}

/// Writes `prompt` and `completion`.
pub(super) fn write_prompt_completion(out: &mut Vec<u8>, record: &Record<'_>) -> Result<(), Inexpressible> {
    if let [text] = record.messages.as_slice()
        && text.role == Role::Text
        && record.rejected.is_none()
    {
        let mut object = Object::new(out);
        write_string(object.key("prompt"), "");
        write_plain(object.key("completion"), text)?;
        object.carried(record, &["prompt", "completion"])?;
        object.close();
        return Ok(());
    }
    let turns = turns(record)?;
    if turns.system.is_some_and(|system| plain(system).is_ok_and(|text| !text.value.is_empty()))
        || !turns.earlier.is_empty()
    {
        return cannot(
            "write.form.turns",
            "the form is one of a prompt and a completion without system text or earlier turns",
        );
    }
    let mut object = Object::new(out);
    write_plain(object.key("prompt"), turns.prompt)?;
    match turns.rejected {
        None => write_plain(object.key("completion"), turns.answer)?,
        Some(rejected) => {
            write_plain(object.key("chosen"), turns.answer)?;
            write_plain(object.key("rejected"), rejected)?;
        }
    }
    object.carried(record, &["prompt", "completion", "chosen", "rejected"])?;
    object.close();
    Ok(())
}
