//! Chat templates, written out: a conversation becomes segments, and the loss mask comes from what they
//! are, not from searching in the text.
//!
//! A family covers the templates of many models. Which one a tokenizer's template belongs to is found by
//! comparing what comes out with `apply_chat_template`, never by its name (`corpuskit.templates`).

mod families;
mod plain;
mod python_json;
mod qwen;
#[cfg(test)]
mod tests;

pub use families::{FAMILIES, family};

use crate::conversation::{Conversation, Refusal, Turn};

/// What a segment is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum What {
    /// The template's own text.
    Literal,
    /// What a turn says.
    Content,
    /// What the model thought before it spoke.
    Reasoning,
    /// A call of a tool.
    Call,
    /// Definitions of tools.
    Tools,
}

/// A stretch of the rendered text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Segment {
    /// Where it starts, in bytes.
    pub start: u32,
    /// Where it ends.
    pub end: u32,
    /// The turn that it belongs to; `NO_TURN` if none.
    pub turn: u32,
    /// What it is.
    pub what: What,
    /// Whether it is trained.
    pub trained: bool,
}

/// A segment of no turn.
pub const NO_TURN: u32 = u32::MAX;

/// A conversation as text.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Rendered {
    /// What the tokenizer gets.
    pub text: String,
    /// What it is made of, from start to end without holes.
    pub segments: Vec<Segment>,
    /// Reasoning of earlier turns that the template leaves out.
    pub left_out: u32,
}

impl Rendered {
    /// Forgets everything, keeps the memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.segments.clear();
        self.left_out = 0;
    }

    pub(crate) fn push(&mut self, text: &str, turn: u32, what: What, trained: bool) {
        if text.is_empty() {
            return;
        }
        let start = self.text.len() as u32;
        self.text.push_str(text);
        let end = self.text.len() as u32;
        match self.segments.last_mut() {
            Some(last) if (last.turn, last.what, last.trained) == (turn, what, trained) => last.end = end,
            _ => self.segments.push(Segment { start, end, turn, what, trained }),
        }
    }

    /// Stretches of trained text, rising and apart.
    pub fn trained(&self) -> Vec<std::ops::Range<u32>> {
        let mut runs: Vec<std::ops::Range<u32>> = Vec::new();
        for segment in self.segments.iter().filter(|segment| segment.trained) {
            match runs.last_mut() {
                Some(last) if last.end == segment.start => last.end = segment.end,
                _ => runs.push(segment.start..segment.end),
            }
        }
        runs
    }
}

/// What of each turn is trained.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Trained {
    /// What it says, and its end token.
    pub turn: bool,
    /// Its reasoning.
    pub reasoning: bool,
    /// Its tool calls.
    pub calls: bool,
}

impl Trained {
    /// Whether something of a trained turn is not to be trained.
    pub(crate) fn leaves_out(self, turn: &Turn<'_>) -> bool {
        let thinks = || {
            turn.reasoning.as_ref().is_some_and(|text| !text.is_empty())
                || turn.content.as_ref().is_some_and(|text| text.contains("</think>"))
        };
        self.turn && ((!self.calls && !turn.calls.is_empty()) || (!self.reasoning && thinks()))
    }
}

/// Where trained text begins and ends around a turn; templates with generation marks differ.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Marks {
    /// The line break between the role and what is said is trained.
    pub lead: bool,
    /// The line break after the end token is trained.
    pub trail: bool,
}

impl Marks {
    /// All four.
    pub const ALL: [Self; 4] = [
        Self { lead: false, trail: false },
        Self { lead: false, trail: true },
        Self { lead: true, trail: true },
        Self { lead: true, trail: false },
    ];
}

/// The control tokens that templates name.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Specials {
    /// `bos_token`
    pub bos: String,
    /// `eos_token`
    pub eos: String,
}

/// Why a family did not render a conversation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Stop {
    /// Not its business (a null content, turns in an order that templates refuse): the template itself decides.
    Unsupported(String),
    /// The template would leave something out.
    Refused(Refusal),
}

impl Stop {
    pub(crate) fn dropped(what: impl Into<String>) -> Self {
        Self::Refused(Refusal::new("tokenise.dropped_content", what))
    }

    pub(crate) fn unsupported(what: impl Into<String>) -> Self {
        Self::Unsupported(what.into())
    }
}

/// A family of chat templates.
pub trait Family: Send + Sync + std::fmt::Debug {
    /// Its name.
    fn name(&self) -> &'static str;

    /// The text that ends a turn of the model; a token of its own, usually.
    fn end(&self) -> &str;

    /// Appends a conversation to `out`; `trained` says what of each turn is learnt.
    ///
    /// # Errors
    /// Where the conversation is not one for this family.
    fn render(
        &self,
        conversation: &Conversation<'_>,
        trained: &[Trained],
        marks: Marks,
        out: &mut Rendered,
    ) -> Result<(), Stop>;
}

/// What Python's `str.isspace` calls white space.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}
