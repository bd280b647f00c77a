//! HH-RLHF: `chosen` and `rejected` are whole transcripts with `Human:` and `Assistant:` in them.
//! Their common turns are the prompt; what only the rejected one has is `rejected`.

use super::context::Context;
use super::draft::{Cut, Draft};
use super::family::Family;
use super::hole::Side;
use super::markers::{self, Mark, line};
use super::template;
use crate::json::Node;
use crate::record::{Origin, Record, Rejection, Role};
use bumpalo::collections::Vec as ArenaVec;

/// The family `hh`.
#[derive(Debug)]
pub struct Hh;

const DIALECT: &str = "chosen/rejected";
const MARKS: &[Mark] = &[line("Human:", Role::User), line("Assistant:", Role::Assistant)];

fn transcript<'a>(node: &Node<'a>, key: &str) -> Option<(Node<'a>, &'a str)> {
    let value = node.get(key)?;
    let text = value.as_str()?;
    let begins = text.trim_start().starts_with(MARKS[0].text);
    (begins && markers::opens(text, MARKS, Role::Assistant)).then_some((value, text))
}

impl Family for Hh {
    fn name(&self) -> &'static str {
        "hh"
    }

    fn detect(&self, node: &Node<'_>) -> Option<&'static str> {
        transcript(node, "chosen")?;
        transcript(node, "rejected").map(|_| DIALECT)
    }

    fn parse<'a>(
        &self,
        dialect: &'static str,
        node: Node<'a>,
        origin: Origin<'a>,
        context: &Context<'a, '_>,
    ) -> Result<Record<'a>, Rejection> {
        let (Some((chosen, left)), Some((rejected, right))) =
            (transcript(&node, "chosen"), transcript(&node, "rejected"))
        else {
            return Err(context.reject("parse.type", "`chosen` and `rejected` are not both transcripts"));
        };
        let mut draft = Draft::new(context.arena);
        draft.take("chosen");
        draft.take("rejected");
        let left = markers::cut(left, MARKS, Role::System, context.arena);
        let right = markers::cut(right, MARKS, Role::System, context.arena);
        let turns = |cuts: &[Cut<'a>]| {
            let mut turns = ArenaVec::new_in(context.arena);
            turns.extend(cuts.iter().filter_map(|cut| match cut {
                Cut::Turn(role, text) => Some((*role, *text)),
                _ => None,
            }));
            turns
        };
        let (ours, theirs) = (turns(&left), turns(&right));
        let common = ours.iter().zip(&theirs).take_while(|(ours, theirs)| ours == theirs).count();
        let common = common.min(ours.len().min(theirs.len()).saturating_sub(1));
        draft.split(Side::Messages, chosen, &left);
        let mut turn = 0;
        let mut cuts = ArenaVec::new_in(context.arena);
        for cut in &right {
            cuts.push(match cut {
                Cut::Turn(..) if turn < common => {
                    turn += 1;
                    Cut::Again(Side::Messages, turn - 1)
                }
                cut => *cut,
            });
        }
        draft.split(Side::Rejected, rejected, &cuts);
        Ok(draft.finish(self.name(), dialect, node, origin, context))
    }

    fn restore(&self, canonical: &Node<'_>, out: &mut Vec<u8>) -> Result<(), String> {
        template::restore(canonical, out, |_, _| None)
    }
}
