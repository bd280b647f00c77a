//! Numbers that a rule may bound: `characters words lines sentences questions exclamations code_fences
//! digit_share upper_share han_share turns` of a scope (`user.questions`), and of the record `tool_definitions`
//! and `tool_calls`.

use super::pack::Scope;
use super::scan::{Scopes, Turn};
use super::words::{Words, stands_alone};
use crate::{Error, Result};

/// What a record has besides its texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Tools that it defines.
    pub tool_definitions: usize,
    /// Calls that its turns make.
    pub tool_calls: usize,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Turns of the scope.
    Turns,
    /// Unicode scalar values.
    Characters,
    /// Words as rules see them.
    Words,
    /// Lines that are not empty.
    Lines,
    /// `?` and `？`.
    Questions,
    /// `!` and `！`.
    Exclamations,
    /// Lines that open or close a code block.
    CodeFences,
    /// Share of characters that are digits.
    DigitShare,
    /// Share of letters that are upper case.
    UpperShare,
    /// Share of characters of scripts written without spaces.
    HanShare,
    /// Tools that the record defines.
    ToolDefinitions,
    /// Calls that its turns make.
    ToolCalls,
}

/// A quantity of a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// Over which turns.
    pub scope: Scope,
    /// What.
    pub quantity: Quantity,
}

impl Measure {
    /// Reads `assistant.words`, or `words` for all turns.
    ///
    /// # Errors
    /// Names what may stand there.
    pub fn parse(name: &str, at: &str) -> Result<Self> {
        let (scope, quantity) = name.rsplit_once('.').unwrap_or(("all", name));
        let scope = match scope {
            "all" => Scope::All,
            "system" => Scope::System,
            "user" => Scope::User,
            "first_user" => Scope::FirstUser,
            "last_user" => Scope::LastUser,
            "assistant" => Scope::Assistant,
            "tool" => Scope::Tool,
            "last_assistant" => Scope::LastAssistant,
            _ => {
                let expected = "all, system, user, first_user, last_user, assistant, last_assistant or tool";
                return Err(Error::plan(at, format!("unknown scope `{scope}` in `{name}`, expected {expected}")));
            }
        };
        let quantity = match quantity {
            "turns" => Quantity::Turns,
            "characters" => Quantity::Characters,
            "words" => Quantity::Words,
            "lines" => Quantity::Lines,
            "questions" => Quantity::Questions,
            "exclamations" => Quantity::Exclamations,
            "code_fences" => Quantity::CodeFences,
            "digit_share" => Quantity::DigitShare,
            "upper_share" => Quantity::UpperShare,
            "han_share" => Quantity::HanShare,
            "tool_definitions" => Quantity::ToolDefinitions,
            "tool_calls" => Quantity::ToolCalls,
            _ => {
                let expected = "turns, characters, words, lines, questions, exclamations, code_fences, digit_share, upper_share, han_share, tool_definitions or tool_calls";
                return Err(Error::plan(at, format!("unknown measure `{quantity}` in `{name}`, expected {expected}")));
            }
        };
        Ok(Self { scope, quantity })
    }

    /// Whether no text has to be read for it.
    pub(super) fn is_cheap(self) -> bool {
        matches!(self.quantity, Quantity::Turns | Quantity::Words | Quantity::ToolDefinitions | Quantity::ToolCalls)
    }

    /// The value for a record.
    pub fn of(self, turns: &[Turn<'_>], facts: Facts) -> f64 {
        let scopes = Scopes::of(turns);
        let bit = 1 << self.scope as u8;
        let its = turns.iter().enumerate().filter(|(index, turn)| scopes.at(*index, turn.role) & bit != 0);
        let mut found = Words::default();
        let texts = its.map(|(_, turn)| {
            found.clear();
            if self.quantity == Quantity::Words {
                found.read(turn.text);
            }
            (turn.text, found.len())
        });
        self.value(texts, facts)
    }

    /// The value over the texts of the scope; `words` is their word count.
    pub fn value<'a>(self, texts: impl Iterator<Item = (&'a str, usize)>, facts: Facts) -> f64 {
        match self.quantity {
            Quantity::ToolDefinitions => return facts.tool_definitions as f64,
            Quantity::ToolCalls => return facts.tool_calls as f64,
            _ => {}
        }
        let mut count = 0usize;
        let mut total = 0usize;
        for (text, words) in texts {
            match self.quantity {
                Quantity::Turns | Quantity::ToolDefinitions | Quantity::ToolCalls => count += 1,
                Quantity::Characters => count += text.chars().count(),
                Quantity::Words => count += words,
                Quantity::Lines => count += text.lines().filter(|line| !line.trim().is_empty()).count(),
                Quantity::Questions => count += text.matches(['?', '？']).count(),
                Quantity::Exclamations => count += text.matches(['!', '！']).count(),
                // Most texts have none at all.
                Quantity::CodeFences if !has_fence(text.as_bytes()) => {}
                Quantity::CodeFences => {
                    count += text.lines().filter(|line| line.trim_start().starts_with("```")).count()
                }
                Quantity::DigitShare => {
                    count += bytes(text, |byte| byte.is_ascii_digit());
                    total += bytes(text, |byte| (byte as i8) >= FIRST);
                }
                Quantity::UpperShare => {
                    count += text.chars().filter(|letter| letter.is_uppercase()).count();
                    total += text.chars().filter(|letter| letter.is_alphabetic()).count();
                }
                Quantity::HanShare => {
                    count += text.chars().filter(|&letter| stands_alone(letter)).count();
                    total += text.chars().count();
                }
            }
        }
        match self.quantity {
            Quantity::DigitShare | Quantity::UpperShare | Quantity::HanShare if total == 0 => 0.0,
            Quantity::DigitShare | Quantity::UpperShare | Quantity::HanShare => count as f64 / total as f64,
            _ => count as f64,
        }
    }
}

/// The least byte that begins a character, as a number with a sign.
const FIRST: i8 = -0x40;

/// How many bytes are so; counted in bytes, which the compiler makes vectors of.
fn bytes(text: &str, is: impl Fn(u8) -> bool) -> usize {
    let count = |part: &[u8]| usize::from(part.iter().map(|&byte| u8::from(is(byte))).sum::<u8>());
    text.as_bytes().chunks(u8::MAX.into()).map(count).sum()
}

/// Whether three backticks stand anywhere.
fn has_fence(text: &[u8]) -> bool {
    memchr::memchr(b'`', text).is_some_and(|at| memchr::memmem::find(&text[at..], b"```").is_some())
}
