//! Preference pairs: a prompt, a `chosen` and a `rejected` answer, as texts or as messages.
//!
//! `messages` is prompt and chosen answer, `rejected` the turns that only the rejected side has. If
//! both sides are whole conversations (TRL's implicit prompt), their common beginning is the prompt.

use super::context::Context;
use super::draft::{Draft, Join};
use super::family::Family;
use super::hole::Side;
use super::pair::{self, MessageShape, is_message};
use super::roles;
use super::template;
use super::values::is_blank;
use crate::json::{Kind, Node};
use crate::record::{Origin, Record, Rejection, Role};

/// The family `preference`. The dialect is the key of the prompt; `implicit` has none.
#[derive(Debug)]
pub struct Preference;

/// Keys of the two answers.
const ANSWERS: [(&str, &str); 2] = [("chosen", "rejected"), ("chosen_messages", "rejected_messages")];
/// Keys of a prompt.
const PROMPTS: [&str; 6] = ["prompt", "instruction", "question", "query", "conversations", "messages"];
/// The dialect without a prompt of its own.
const IMPLICIT: &str = "implicit";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Text,
    Message,
    Messages,
}

fn answer(value: &Node<'_>) -> Option<Answer> {
    match value.kind {
        Kind::String(_) => Some(Answer::Text),
        Kind::Object(_) => is_message(value).map(|_| Answer::Message),
        Kind::Array(items) => {
            (!items.is_empty() && items.iter().all(|item| is_message(item).is_some())).then_some(Answer::Messages)
        }
        _ => None,
    }
}

fn answers<'a>(node: &Node<'a>) -> Option<(&'static str, Node<'a>, &'static str, Node<'a>, Answer)> {
    ANSWERS.into_iter().find_map(|(chosen_key, rejected_key)| {
        let chosen = node.get(chosen_key)?;
        let rejected = node.get(rejected_key)?;
        let kind = answer(&chosen)?;
        (answer(&rejected)? == kind).then_some((chosen_key, chosen, rejected_key, rejected, kind))
    })
}

/// Whether the messages hold a turn that is no answer, so that they bring their own prompt.
fn brings_prompt(value: &Node<'_>) -> bool {
    let roles = value.as_array().unwrap_or_default().iter().filter_map(name_of);
    roles.into_iter().any(|name| roles::role(name) == Some(Role::User))
}

/// The name of a message's role.
fn name_of<'a>(item: &Node<'a>) -> Option<&'a str> {
    match is_message(item)? {
        MessageShape::Role => item.get("role")?.as_str(),
        MessageShape::From => item.get("from")?.as_str(),
    }
}

impl Family for Preference {
    fn name(&self) -> &'static str {
        "preference"
    }

    fn detect(&self, node: &Node<'_>) -> Option<&'static str> {
        let (_, chosen, _, _, kind) = answers(node)?;
        if kind == Answer::Messages && brings_prompt(&chosen) {
            return Some(IMPLICIT);
        }
        let prompt = PROMPTS.into_iter().find(|key| {
            node.get(key).is_some_and(|prompt| matches!(answer(&prompt), Some(Answer::Text | Answer::Messages)))
        });
        prompt.or(Some(IMPLICIT))
    }

    fn parse<'a>(
        &self,
        dialect: &'static str,
        node: Node<'a>,
        origin: Origin<'a>,
        context: &Context<'a, '_>,
    ) -> Result<Record<'a>, Rejection> {
        let Some((chosen_key, chosen, rejected_key, rejected, kind)) = answers(&node) else {
            return Err(context
                .reject("parse.type", "`chosen` and `rejected` are not both texts, messages or lists of messages"));
        };
        let mut draft = Draft::new(context.arena);
        let mut plain = kind == Answer::Text && chosen_key == "chosen";
        if dialect != IMPLICIT {
            plain &= self.prompt(&mut draft, dialect, &node, context)?;
        }
        draft.take(chosen_key);
        draft.take(rejected_key);
        match kind {
            Answer::Text => {
                draft.turn(Role::Assistant, chosen);
                draft.reject(Role::Assistant, rejected);
            }
            Answer::Message => {
                pair::add_message(&mut draft, Side::Messages, chosen, context)?;
                pair::add_message(&mut draft, Side::Rejected, rejected, context)?;
            }
            Answer::Messages => {
                let (left, right) = (chosen.as_array().unwrap_or_default(), rejected.as_array().unwrap_or_default());
                let first = pair::add_messages(&mut draft, Side::Messages, left, context)?;
                let common = left.iter().zip(right).take_while(|(left, right)| left.raw == right.raw).count();
                let common = common.min(left.len().min(right.len()).saturating_sub(1));
                for (index, item) in right.iter().take(common).enumerate() {
                    match is_message(item) {
                        Some(MessageShape::From) => {
                            draft.again(item.get("value").unwrap_or(*item), Side::Messages, first + index);
                        }
                        _ => draft.message_again(*item, Side::Messages, first + index),
                    }
                }
                pair::add_messages(&mut draft, Side::Rejected, &right[common..], context)?;
            }
        }
        if !plain {
            draft.template_is_own();
        }
        Ok(draft.finish(self.name(), dialect, node, origin, context))
    }

    fn restore(&self, canonical: &Node<'_>, out: &mut Vec<u8>) -> Result<(), String> {
        template::restore(canonical, out, |dialect, name| {
            if !name.is_empty() {
                return None;
            }
            Some(match dialect {
                IMPLICIT => String::from(r#"{"chosen":{"$turn":0},"rejected":{"$rejected":0}}"#),
                key => format!(r#"{{"{key}":{{"$turn":0}},"chosen":{{"$turn":1}},"rejected":{{"$rejected":0}}}}"#),
            })
        })
    }
}

impl Preference {
    /// The turns before the answers. Returns whether they are one plain text.
    fn prompt<'a>(
        &self,
        draft: &mut Draft<'a>,
        key: &'static str,
        node: &Node<'a>,
        context: &Context<'a, '_>,
    ) -> Result<bool, Rejection> {
        let Some(prompt) = node.get(key) else { return Ok(true) };
        if let Kind::Array(items) = prompt.kind {
            draft.take(key);
            pair::add_messages(draft, Side::Messages, items, context)?;
            return Ok(false);
        }
        let system = pair::add_system(draft, node).is_some();
        let history = pair::add_history(draft, node, context)?;
        draft.take(key);
        let about = node
            .get("input")
            .filter(|about| key == "instruction" && about.as_str().is_some_and(|text| !is_blank(text)));
        match about {
            Some(about) => {
                draft.take("input");
                draft.joined(Role::User, &[Join::Value(prompt), Join::Literal("\n\n"), Join::Value(about)]);
            }
            None => draft.turn(Role::User, prompt),
        }
        Ok(!system && !history && about.is_none() && draft.template_is_known())
    }
}
