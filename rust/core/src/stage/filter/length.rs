//! Bounds of what the assistant says: characters, words, turns.
//!
//! Said is what dedup calls side A (of a record of family `text` the text): an assistant's
//! content, reasoning, and the names and arguments of its calls, so that an answer that only calls a
//! tool is not taken for silence. Characters are Unicode scalar values, so that no script is
//! favoured over another by its bytes; white space around each piece does not count. A word is a
//! stretch without white space that holds a letter or a digit; scripts that are written without
//! spaces (Han, kana, Thai, Lao, Khmer, Myanmar) count one word a character.

use crate::json::Node;
use crate::record::{Content, Message, Record, Role, Verdict};
use crate::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Bounds of what the assistant says (of a record of family `text`: of the text). They are inclusive.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct LengthSettings {
    /// Fewest characters. The default drops only records in which the assistant says and calls nothing.
    pub min_chars: u64,
    /// Most characters.
    pub max_chars: Option<u64>,
    /// Fewest words; a character of Chinese, Japanese, Thai, Lao, Khmer or Burmese counts as a word.
    pub min_words: u64,
    /// Most words.
    pub max_words: Option<u64>,
    /// Fewest turns of the assistant.
    pub min_turns: u64,
    /// Most turns of the assistant.
    pub max_turns: Option<u64>,
}

impl Default for LengthSettings {
    fn default() -> Self {
        Self { min_chars: 1, max_chars: None, min_words: 0, max_words: None, min_turns: 0, max_turns: None }
    }
}

/// One measure's bounds and how they are called.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    unit: &'static str,
    key: &'static str,
    low_reason: &'static str,
    high_reason: &'static str,
    min: u64,
    max: Option<u64>,
}

impl Bounds {
    fn is_open(&self) -> bool {
        self.min == 0 && self.max.is_none()
    }

    fn check(&self) -> Result<()> {
        match self.max {
            Some(max) if max < self.min => {
                let Self { key, min, .. } = self;
                let problem = format!("must be at most `max_{key}` ({max}), got {min}");
                Err(Error::plan(format!("filter.length.min_{key}"), problem))
            }
            _ => Ok(()),
        }
    }

    fn judge(&self, measured: u64) -> Option<Verdict> {
        let (reason, bound, limit) = match self.max {
            Some(max) if measured > max => (self.high_reason, "max", max),
            _ if measured < self.min => (self.low_reason, "min", self.min),
            _ => return None,
        };
        let Self { unit, key, .. } = self;
        Some(Verdict::Drop { reason, evidence: format!(r#"{{"{unit}":{measured},"{bound}_{key}":{limit}}}"#) })
    }
}

/// The filter, checked and ready.
#[derive(Clone, Debug)]
pub(super) struct Length {
    turns: Bounds,
    chars: Bounds,
    words: Bounds,
}

impl Length {
    /// `None` where no bound is set.
    pub(super) fn new(settings: &LengthSettings) -> Result<Option<Self>> {
        let bounds =
            |unit, key, low_reason, high_reason, min, max| Bounds { unit, key, low_reason, high_reason, min, max };
        let length = Self {
            turns: bounds(
                "turns",
                "turns",
                "filter.length.few_turns",
                "filter.length.many_turns",
                settings.min_turns,
                settings.max_turns,
            ),
            chars: bounds(
                "characters",
                "chars",
                "filter.length.short",
                "filter.length.long",
                settings.min_chars,
                settings.max_chars,
            ),
            words: bounds(
                "words",
                "words",
                "filter.length.few_words",
                "filter.length.many_words",
                settings.min_words,
                settings.max_words,
            ),
        };
        let all = [&length.turns, &length.chars, &length.words];
        all.iter().try_for_each(|bounds| bounds.check())?;
        let open = all.iter().all(|bounds| bounds.is_open());
        Ok((!open).then_some(length))
    }

    /// Whether one character of one turn is enough, and nothing too much.
    pub(super) fn keeps_what_is_said(&self) -> bool {
        let Self { turns, chars, words } = self;
        [turns, chars, words].iter().all(|bounds| bounds.max.is_none())
            && turns.min <= 1
            && chars.min <= 1
            && words.min == 0
    }

    pub(super) fn judge(&self, record: &Record<'_>) -> Option<Verdict> {
        let said = || record.messages.iter().filter(|turn| matches!(turn.role, Role::Assistant | Role::Text));
        if !self.turns.is_open()
            && let Some(verdict) = self.turns.judge(said().count() as u64)
        {
            return Some(verdict);
        }
        if !self.chars.is_open() {
            // Where only a lower bound is set, as by default, what settles it is enough.
            let enough = if self.chars.max.is_none() { self.chars.min } else { u64::MAX };
            let characters = measure(said(), enough, characters);
            if let Some(verdict) = self.chars.judge(characters) {
                return Some(verdict);
            }
        }
        if self.words.is_open() { None } else { self.words.judge(measure(said(), u64::MAX, |piece, _| words(piece))) }
    }
}

/// The sum of `count` over everything that the turns say; stops early once it is `enough`. `count`
/// is told how many are still wanted, and may stop there.
fn measure<'r, 'a: 'r>(
    turns: impl Iterator<Item = &'r Message<'a>>,
    enough: u64,
    count: impl Fn(&str, u64) -> u64,
) -> u64 {
    let mut total = 0;
    for turn in turns {
        pieces(turn, &mut |piece| {
            if total < enough {
                total += count(piece, enough - total);
            }
        });
        if total >= enough {
            break;
        }
    }
    total
}

/// The number of characters without the white space around, or `wanted` where there are as many.
fn characters(text: &str, wanted: u64) -> u64 {
    if wanted == 1 {
        return u64::from(!text.chars().all(char::is_whitespace));
    }
    let text = text.trim();
    // No character has more than four bytes.
    if text.len() as u64 / 4 >= wanted { wanted } else { text.chars().count() as u64 }
}

/// Everything that a turn says, piece by piece.
fn pieces(turn: &Message<'_>, visit: &mut dyn FnMut(&str)) {
    match &turn.content {
        Content::Text(text) => visit(text.value),
        Content::Parts(parts) => parts.iter().filter_map(|part| part.text).for_each(|text| visit(text.value)),
        Content::Absent | Content::Null => {}
    }
    if let Some(reasoning) = &turn.reasoning {
        visit(reasoning.value);
    }
    for call in turn.tool_calls.as_ref().and_then(Node::as_array).unwrap_or_default() {
        visit_call(&call.get("function").unwrap_or(*call), visit);
    }
    if let Some(call) = turn.fields.iter().find(|member| member.key == "function_call") {
        visit_call(&call.value, visit);
    }
}

fn visit_call(function: &Node<'_>, visit: &mut dyn FnMut(&str)) {
    for key in ["name", "arguments"] {
        match function.get(key) {
            Some(value) if !value.is_null() => visit(value.as_str().unwrap_or(value.raw)),
            _ => {}
        }
    }
}

/// The number of words; see the module's head.
fn words(text: &str) -> u64 {
    let mut count = 0;
    let mut in_word = false;
    for c in text.chars() {
        if is_unspaced(c) {
            count += 1;
            in_word = false;
        } else if c.is_whitespace() {
            in_word = false;
        } else if !in_word && c.is_alphanumeric() {
            count += 1;
            in_word = true;
        }
    }
    count
}

/// Letters of scripts that are written without spaces between words.
fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{0E01}'..='\u{0EFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}' | '\u{3005}'..='\u{3007}'
        | '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}'
        | '\u{FF66}'..='\u{FF9F}' | '\u{20000}'..='\u{3FFFF}')
        && c.is_alphanumeric()
}
