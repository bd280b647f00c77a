//! Multiple choice (MMLU, ARC, AQuA, CommonsenseQA …): the user's turn is the question and the
//! choices, one a line after its letter; the answer is the letter, after the rationale if there is one.

use super::context::Context;
use super::draft::{Draft, Join};
use super::family::Family;
use super::pair::may_answer;
use super::template;
use super::values::is_blank;
use crate::json::{Kind, Node};
use crate::record::{Origin, Record, Rejection, Role};
use bumpalo::collections::Vec as ArenaVec;

/// The family `multiple_choice`. The dialect says where the choices stand.
#[derive(Debug)]
pub struct MultipleChoice;

/// `options` or `choices`: a list of texts. `choices.text`: beside the list of labels.
const LISTS: [&str; 3] = ["options", "choices", "endings"];
const LABELLED: &str = "choices.text";
const STEM: &str = "question.stem";
const NUMBERED: &str = "choice0";
const LETTERED: &str = "A";
const NUMBERS: [&str; 6] = ["choice0", "choice1", "choice2", "choice3", "choice4", "choice5"];
const LETTERS: [&str; 10] = ["A", "B", "C", "D", "E", "F", "G", "H", "I", "J"];
/// Keys of the right choice.
const ANSWERS: [&str; 7] = ["answer", "answerKey", "correct", "answer_idx", "correct_answer", "label", "answers"];

/// What a record of a dialect has.
struct Parts<'a> {
    question: Node<'a>,
    choices: ArenaVec<'a, (&'a str, Node<'a>)>,
    taken: ArenaVec<'a, &'static str>,
    answer_key: &'static str,
}

fn is_texts(list: &Node<'_>) -> bool {
    let is_choice = |item: &Node<'_>| matches!(item.kind, Kind::String(_) | Kind::Number);
    list.as_array().is_some_and(|items| items.len() > 1 && items.len() <= LETTERS.len() && items.iter().all(is_choice))
}

fn is_text(node: &Node<'_>, key: &str) -> bool {
    node.get(key).is_some_and(|value| value.as_str().is_some())
}

impl Family for MultipleChoice {
    fn name(&self) -> &'static str {
        "multiple_choice"
    }

    fn detect(&self, node: &Node<'_>) -> Option<&'static str> {
        let question = node.get("question")?;
        ANSWERS.into_iter().find(|key| node.get(key).is_some_and(|answer| may_answer(&answer)))?;
        if question.as_object().is_some() {
            let choices = question.get("choices")?;
            let labelled = |item: &Node<'_>| is_text(item, "label") && is_text(item, "text");
            let all = choices.as_array().is_some_and(|items| !items.is_empty() && items.iter().all(labelled));
            return (all && is_text(&question, "stem")).then_some(STEM);
        }
        question.as_str()?;
        if let Some(key) = LISTS.into_iter().find(|key| node.get(key).is_some_and(|list| is_texts(&list))) {
            return Some(key);
        }
        if node.get("choices").and_then(|choices| choices.get("text")).is_some_and(|list| is_texts(&list)) {
            return Some(LABELLED);
        }
        let has_two =
            |keys: &[&str]| keys.iter().take(2).all(|key| node.get(key).is_some_and(|value| may_answer(&value)));
        if has_two(&NUMBERS) {
            return Some(NUMBERED);
        }
        has_two(&LETTERS).then_some(LETTERED)
    }

    fn parse<'a>(
        &self,
        dialect: &'static str,
        node: Node<'a>,
        origin: Origin<'a>,
        context: &Context<'a, '_>,
    ) -> Result<Record<'a>, Rejection> {
        let Some(parts) = self.parts(dialect, &node, context) else {
            return Err(context.reject("parse.type", format!("`{dialect}` does not hold choices")));
        };
        let mut draft = Draft::new(context.arena);
        parts.taken.iter().for_each(|key| draft.take(key));
        let mut lines = ArenaVec::new_in(context.arena);
        lines.push(Join::Value(parts.question));
        for (label, choice) in &parts.choices {
            let text = choice.as_str().unwrap_or(choice.raw);
            let bare = ["", "(", "[", " "].iter().any(|open| {
                let rest = text.strip_prefix(open).and_then(|text| text.strip_prefix(label));
                rest.is_some_and(|rest| rest.starts_with([')', '.', ':', ']']))
            });
            lines.push(Join::Literal(if bare { "\n" } else { context.arena.alloc_str(&format!("\n{label}. ")) }));
            lines.push(Join::Value(*choice));
        }
        draft.joined(Role::User, &lines);
        let answer = node.get(parts.answer_key).unwrap_or(Node::NULL);
        let rationale = ["rationale", "explanation", "solution"]
            .into_iter()
            .find_map(|key| Some((key, node.get(key)?)))
            .filter(|(_, rationale)| rationale.as_str().is_some_and(|text| !is_blank(text)));
        match (rationale, self.letter(&answer, &parts)) {
            (Some((key, rationale)), letter) if letter.is_none() => {
                draft.take(key);
                draft.joined(
                    Role::Assistant,
                    &[Join::Value(rationale), Join::Literal("\nAnswer: "), Join::Value(answer)],
                );
            }
            (_, Some(letter)) => draft.turn_meant(Role::Assistant, answer, letter),
            (_, None) => draft.turn(Role::Assistant, answer),
        }
        Ok(draft.finish(self.name(), dialect, node, origin, context))
    }

    fn restore(&self, canonical: &Node<'_>, out: &mut Vec<u8>) -> Result<(), String> {
        template::restore(canonical, out, |_, _| None)
    }
}

impl MultipleChoice {
    fn parts<'a>(&self, dialect: &'static str, node: &Node<'a>, context: &Context<'a, '_>) -> Option<Parts<'a>> {
        let mut choices = ArenaVec::new_in(context.arena);
        let mut taken = ArenaVec::new_in(context.arena);
        taken.push("question");
        let mut question = node.get("question")?;
        let answer_key = ANSWERS.into_iter().find(|key| node.get(key).is_some_and(|answer| may_answer(&answer)))?;
        match dialect {
            STEM => {
                for item in question.get("choices")?.as_array()? {
                    choices.push((item.get("label")?.as_str()?, item.get("text")?));
                }
                question = question.get("stem")?;
            }
            LABELLED => {
                taken.push("choices");
                let texts = node.get("choices")?.get("text")?;
                let labels = node.get("choices")?.get("label").and_then(|labels| labels.as_array());
                for (index, choice) in texts.as_array()?.iter().enumerate() {
                    let label = labels.and_then(|labels| labels.get(index)?.as_str());
                    choices.push((label.or(LETTERS.get(index).copied())?, *choice));
                }
            }
            NUMBERED | LETTERED => {
                let keys: &[&'static str] = if dialect == NUMBERED { &NUMBERS } else { &LETTERS };
                for (key, letter) in keys.iter().zip(LETTERS) {
                    let Some(choice) = node.get(key).filter(may_answer) else { break };
                    taken.push(key);
                    choices.push((letter, choice));
                }
            }
            list => {
                taken.push(list);
                for (letter, choice) in LETTERS.into_iter().zip(node.get(list)?.as_array()?) {
                    choices.push((letter, *choice));
                }
            }
        }
        taken.push(answer_key);
        Some(Parts { question, choices, taken, answer_key })
    }

    /// The letter of an answer that is a number from 0, in a set whose choices are lettered by us.
    fn letter(&self, answer: &Node<'_>, parts: &Parts<'_>) -> Option<&'static str> {
        let number: usize = answer.as_str().unwrap_or(answer.raw).parse().ok()?;
        let letter = LETTERS.get(number).copied()?;
        (number < parts.choices.len() && parts.choices.iter().zip(LETTERS).all(|((label, _), letter)| *label == letter))
            .then_some(letter)
    }
}
