//! What Alpaca, Dolly and their relatives share: an instruction, an optional text that it is about,
//! and the answer. The user's turn is the instruction, then a blank line and the text if there is one.

use super::context::Context;
use super::draft::{Draft, Join};
use super::pair;
use super::template;
use super::values::is_blank;
use crate::json::{Kind, Node};
use crate::record::{Origin, Record, Rejection, Role};

/// A dialect.
#[derive(Debug)]
pub(super) struct Instructed {
    /// Its name: the key of the answer.
    pub answer: &'static str,
    /// The key of the text that the instruction is about.
    pub about: &'static str,
}

/// `template` of a record whose instruction is one line and has a text.
const ABOUT: &str = "about";
/// `template` of a record that lacks the key of the text.
const ALONE: &str = "alone";

/// The first dialect of the table whose keys the object has.
pub(super) fn detect(table: &'static [Instructed], node: &Node<'_>) -> Option<&'static str> {
    node.get("instruction").filter(|instruction| matches!(instruction.kind, Kind::String(_)))?;
    table.iter().find(|dialect| node.get(dialect.answer).is_some()).map(|dialect| dialect.answer)
}

/// Reads a record of a dialect of the table.
pub(super) fn parse<'a>(
    family: &'static str,
    table: &'static [Instructed],
    answer: &'static str,
    node: Node<'a>,
    origin: Origin<'a>,
    context: &Context<'a, '_>,
) -> Result<Record<'a>, Rejection> {
    let about_key = table.iter().find(|dialect| dialect.answer == answer).map_or("input", |dialect| dialect.about);
    let mut draft = Draft::new(context.arena);
    draft.take("instruction");
    let instruction = node.get("instruction").unwrap_or(Node::NULL);
    let about = node.get(about_key);
    if about.is_some() {
        draft.take(about_key);
    }
    draft.take(answer);
    let system = pair::add_system(&mut draft, &node).is_some();
    let history = pair::add_history(&mut draft, &node, context)?;
    let mut name = match about {
        None => ALONE,
        Some(_) => "",
    };
    match about {
        Some(about) if !matches!(about.kind, Kind::Null | Kind::String("")) => {
            draft.joined(Role::User, &[Join::Value(instruction), Join::Literal("\n\n"), Join::Value(about)]);
            let line = |node: &Node<'_>| {
                node.as_str().is_some_and(|text| !is_blank(text) && memchr::memchr(b'\n', text.as_bytes()).is_none())
            };
            if line(&instruction) && about.as_str().is_some_and(|text| !is_blank(text)) {
                draft.template_is(ABOUT);
                name = ABOUT;
            }
        }
        _ => {
            draft.turn(Role::User, instruction);
            if about.is_some_and(|about| about.is_null()) {
                draft.template_is_own();
            }
        }
    }
    draft.turn(Role::Assistant, node.get(answer).unwrap_or(Node::NULL));
    if system || history {
        draft.template_is_own();
    } else if draft.template_is_known() {
        draft.template_is(name);
    }
    Ok(draft.finish(family, answer, node, origin, context))
}

/// Writes a record of a dialect of the table back.
pub(super) fn restore(table: &'static [Instructed], canonical: &Node<'_>, out: &mut Vec<u8>) -> Result<(), String> {
    template::restore(canonical, out, |answer, name| {
        let about = table.iter().find(|dialect| dialect.answer == answer)?.about;
        Some(match name {
            "" => format!("{{\"instruction\":{{\"$turn\":0}},\"{about}\":\"\",\"{answer}\":{{\"$turn\":1}}}}"),
            ALONE => format!("{{\"instruction\":{{\"$turn\":0}},\"{answer}\":{{\"$turn\":1}}}}"),
            ABOUT => format!(
                "{{\"instruction\":{{\"$turn\":0,\"lines\":[0,1]}},\"{about}\":{{\"$turn\":0,\"lines\":[2]}},\"{answer}\":{{\"$turn\":1}}}}"
            ),
            _ => return None,
        })
    })
}
