//! A question and its answer, of which a list holds the alternatives (said with ` | ` between).

use super::context::Context;
use super::family::Family;
use super::pair::{self, Pair};
use crate::json::Node;
use crate::record::{Origin, Record, Rejection};

/// The family `question_answer`. The dialect names the keys.
#[derive(Debug)]
pub struct QuestionAnswer;

/// The dialects, by priority.
const DIALECTS: &[Pair] = &[
    Pair { name: "question/answer", user: &["question"], assistant: "answer" },
    Pair { name: "question/answers", user: &["question"], assistant: "answers" },
    Pair { name: "question/response", user: &["question"], assistant: "response" },
    Pair { name: "question/std_answer", user: &["question"], assistant: "std_answer" },
    Pair { name: "question/ground_truth", user: &["question"], assistant: "ground_truth" },
    Pair { name: "question/answer_matching_behavior", user: &["question"], assistant: "answer_matching_behavior" },
    Pair { name: "question/function", user: &["question"], assistant: "function" },
    Pair {
        name: "questionTitle/questionText/answerText",
        user: &["questionTitle", "questionText"],
        assistant: "answerText",
    },
    Pair { name: "questionText/answerText", user: &["questionText"], assistant: "answerText" },
    Pair { name: "Body/Question/Answer", user: &["Body", "Question"], assistant: "Answer" },
    Pair { name: "Question/Answer", user: &["Question"], assistant: "Answer" },
    Pair { name: "qText/answers", user: &["qText"], assistant: "answers" },
];

impl Family for QuestionAnswer {
    fn name(&self) -> &'static str {
        "question_answer"
    }

    fn detect(&self, node: &Node<'_>) -> Option<&'static str> {
        pair::detect(DIALECTS, node)
    }

    fn parse<'a>(
        &self,
        dialect: &'static str,
        node: Node<'a>,
        origin: Origin<'a>,
        context: &Context<'a, '_>,
    ) -> Result<Record<'a>, Rejection> {
        pair::parse(self.name(), DIALECTS, dialect, node, origin, context)
    }

    fn restore(&self, canonical: &Node<'_>, out: &mut Vec<u8>) -> Result<(), String> {
        pair::restore(DIALECTS, canonical, out)
    }
}
