//! The one shape between stages: a conversation that borrows from its source.
//!
//! A record lives as long as its batch's arena. Stages replace what they own (a text, a role) and
//! leave the rest as it was spelled; `stage::write` copies untouched parts byte for byte.

mod derived;

use crate::json::{Kind, Member, Node};
use bumpalo::Bump;
use bumpalo::collections::Vec as ArenaVec;
use std::fmt;

pub mod labels;

pub use labels::Labels;

/// Where a unit stands in its input (DESIGN §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin<'a> {
    /// The path as given by the user, or below a given folder plus its relative path; `-` is standard input.
    pub path: &'a str,
    /// The place in the file.
    pub place: Place<'a>,
}

/// The place of a unit in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// `PATH:LINE`, from 1; of a CSV row its first line.
    Line(u64),
    /// `PATH#INDEX`, from 0: array elements, Parquet rows.
    Index(u64),
    /// `PATH#KEY`: members of a map of records.
    Key(&'a str),
    /// `PATH`: the whole file.
    Whole,
}

impl fmt::Display for Origin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.path)?;
        match self.place {
            Place::Line(line) => write!(f, ":{line}"),
            Place::Index(index) => write!(f, "#{index}"),
            Place::Key(key) => write!(f, "#{key}"),
            Place::Whole => Ok(()),
        }
    }
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Instructions of the deployer.
    System,
    /// Instructions of the developer (OpenAI's newer name for system).
    Developer,
    /// The person.
    User,
    /// The model.
    Assistant,
    /// A tool's answer (also the legacy role `function`).
    Tool,
    /// The one turn of a record of family `text`.
    Text,
}

impl Role {
    /// The canonical name.
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Developer => "developer",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
            Self::Text => "text",
        }
    }
}

/// A text and, while nobody changed it, how it was spelled in JSON.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a> {
    /// The text itself.
    pub value: &'a str,
    /// Its JSON spelling with quotes in the source; `None` once changed or if it never was JSON.
    pub raw: Option<&'a str>,
}

impl<'a> Text<'a> {
    /// A text that has no JSON spelling yet.
    pub fn new(value: &'a str) -> Self {
        Self { value, raw: None }
    }

    /// The text of a string node, with its spelling.
    pub fn from_node(node: Node<'a>) -> Option<Self> {
        node.as_str().map(|value| Self { value, raw: Some(node.raw) })
    }
}

/// What a turn says.
#[derive(Debug)]
pub enum Content<'a> {
    /// The source had no `content`.
    Absent,
    /// `content: null`, usual beside tool calls.
    Null,
    /// Plain text.
    Text(Text<'a>),
    /// OpenAI content parts.
    Parts(ArenaVec<'a, Part<'a>>),
}

/// One content part.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// The part as it came. Everything but `text` is carried from here.
    pub node: Node<'a>,
    /// The text of a part that has a string member `text` (or that is a bare string).
    pub text: Option<Text<'a>>,
}

/// One turn.
#[derive(Debug)]
pub struct Message<'a> {
    /// Who speaks.
    pub role: Role,
    /// The role as the source spelled it (`human`, `gpt`, `function` …).
    pub role_given: &'a str,
    /// What is said.
    pub content: Content<'a>,
    /// `reasoning_content`.
    pub reasoning: Option<Text<'a>>,
    /// `tool_calls`, an array, as it came.
    pub tool_calls: Option<Node<'a>>,
    /// Everything else (`name`, `weight`, `tool_call_id`, `function_call`, unknown members), in source order.
    pub fields: ArenaVec<'a, Member<'a>>,
    /// The whole message as canonical JSON, byte for byte as it came. Stages that change the
    /// message must set it to `None`.
    pub raw: Option<&'a str>,
}

impl<'a> Message<'a> {
    /// A turn of plain text.
    pub fn text(role: Role, text: Text<'a>, arena: &'a Bump) -> Self {
        Self {
            role,
            role_given: role.name(),
            content: Content::Text(text),
            reasoning: None,
            tool_calls: None,
            fields: ArenaVec::new_in(arena),
            raw: None,
        }
    }

    /// Whether the turn says and does nothing: no text but white space, no part of another kind, no
    /// reasoning, no call, and no field that carries something. A tool's answer is never empty: that
    /// the tool returned nothing answers its call.
    pub fn is_empty(&self) -> bool {
        // Not `trim`: the first letter settles it.
        let blank = |text: &Text<'_>| text.value.chars().all(char::is_whitespace);
        let says_nothing = match &self.content {
            Content::Absent | Content::Null => true,
            Content::Text(text) => blank(text),
            Content::Parts(parts) => parts.iter().all(|part| part.text.as_ref().is_some_and(blank)),
        };
        says_nothing
            && self.role != Role::Tool
            && self.reasoning.as_ref().is_none_or(blank)
            && self.tool_calls.as_ref().is_none_or(carries_nothing)
            && self.fields.iter().all(|member| is_mere_label(member.key) || carries_nothing(&member.value))
    }

    /// Every text of the turn that a stage may change: content, text parts, reasoning. The
    /// callback returns the new text where it changed; spellings are invalidated accordingly.
    pub fn map_texts(&mut self, mut change: impl FnMut(&'a str) -> Option<&'a str>) -> bool {
        let mut changed = false;
        let mut apply = |text: &mut Text<'a>| {
            if let Some(new) = change(text.value) {
                *text = Text::new(new);
                changed = true;
            }
        };
        match &mut self.content {
            Content::Text(text) => apply(text),
            Content::Parts(parts) => parts.iter_mut().filter_map(|part| part.text.as_mut()).for_each(&mut apply),
            Content::Absent | Content::Null => {}
        }
        if let Some(text) = &mut self.reasoning {
            apply(text);
        }
        if changed {
            self.raw = None;
        }
        changed
    }
}

/// Fields that say something about a turn's text and nothing without it.
fn is_mere_label(key: &str) -> bool {
    matches!(key, "name" | "weight" | "train" | "loss" | "id" | "index" | "timestamp")
}

/// `null`, `false`, `""`, `[]`, `{}`: a field that is there and holds nothing.
fn carries_nothing(node: &Node<'_>) -> bool {
    match node.kind {
        Kind::Null | Kind::Bool(false) => true,
        Kind::String(text) => text.trim().is_empty(),
        Kind::Array(items) => items.is_empty(),
        Kind::Object(members) => members.is_empty(),
        Kind::Bool(true) | Kind::Number => false,
    }
}

/// The schema that a record came in, and what is needed to convert it back.
#[derive(Debug)]
pub struct Schema<'a> {
    /// The family: `openai`, `sharegpt`, `alpaca` …
    pub family: &'static str,
    /// The dialect within the family.
    pub dialect: &'static str,
    /// Whatever else `restore` needs (key order, role spellings, emptied members …).
    pub restore: ArenaVec<'a, Member<'a>>,
}

/// A conversation.
#[derive(Debug)]
pub struct Record<'a> {
    /// Where it came from (the first unit's place where it has several).
    pub origin: Origin<'a>,
    /// In which schema.
    pub schema: Schema<'a>,
    /// The turns.
    pub messages: ArenaVec<'a, Message<'a>>,
    /// The canonical `messages` array byte for byte as it came, while no message changed.
    pub messages_raw: Option<&'a str>,
    /// Tool definitions, as they came.
    pub tools: Option<Node<'a>>,
    /// The rejected answer of a preference pair.
    pub rejected: Option<ArenaVec<'a, Message<'a>>>,
    /// Origin of the record that this one was made from.
    pub parent: Option<&'a str>,
    /// Every other top-level field under its own name, in source order (`id`, declared labels such
    /// as `_source` or `_category`, unknown fields).
    pub fields: ArenaVec<'a, Member<'a>>,
    /// What was changed, by kind.
    pub changes: Changes,
    /// What was observed about it.
    pub labels: Labels<'a>,
}

impl<'a> Record<'a> {
    /// The value of a carried top-level field.
    pub fn field(&self, key: &str) -> Option<Node<'a>> {
        self.fields.iter().rev().find(|member| member.key == key).map(|member| member.value)
    }
}

/// Every kind of change that corpuskit may make to a record; its name stands in the trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Change {
    /// `parse.encoding`: bytes that were not UTF-8 were decoded as cp1252 or replaced.
    Encoding,
    /// `parse.lone_surrogate`: half a surrogate pair became U+FFFD.
    LoneSurrogate,
    /// `parse.duplicate_key`: the last of equal keys was kept.
    DuplicateKey,
    /// `parse.non_finite`: NaN or Infinity became null.
    NonFinite,
    /// `parse.control`: a raw control character inside a string was escaped.
    ControlInString,
    /// `parse.trailing_comma`: a comma before a closing bracket was removed.
    TrailingComma,
    /// `normalise.nfc`
    Nfc,
    /// `normalise.mojibake`
    Mojibake,
    /// `normalise.control`
    Control,
    /// `normalise.zero_width`
    ZeroWidth,
    /// `normalise.line_ends`
    LineEnds,
    /// `normalise.trailing_space`
    TrailingSpace,
    /// `normalise.html_entities`
    HtmlEntities,
    /// `normalise.html_tags`
    HtmlTags,
    /// `normalise.role`: a role was given its canonical name.
    Role,
    /// `normalise.empty_turn`: a turn without anything in it was removed.
    EmptyTurn,
    /// `normalise.merge`: consecutive turns of one role became one.
    Merge,
}

impl Change {
    /// Every kind, in the order of the trace.
    pub const ALL: [Change; 17] = [
        Self::Encoding,
        Self::LoneSurrogate,
        Self::DuplicateKey,
        Self::NonFinite,
        Self::ControlInString,
        Self::TrailingComma,
        Self::Nfc,
        Self::Mojibake,
        Self::Control,
        Self::ZeroWidth,
        Self::LineEnds,
        Self::TrailingSpace,
        Self::HtmlEntities,
        Self::HtmlTags,
        Self::Role,
        Self::EmptyTurn,
        Self::Merge,
    ];

    /// The name in traces and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Encoding => "parse.encoding",
            Self::LoneSurrogate => "parse.lone_surrogate",
            Self::DuplicateKey => "parse.duplicate_key",
            Self::NonFinite => "parse.non_finite",
            Self::ControlInString => "parse.control",
            Self::TrailingComma => "parse.trailing_comma",
            Self::Nfc => "normalise.nfc",
            Self::Mojibake => "normalise.mojibake",
            Self::Control => "normalise.control",
            Self::ZeroWidth => "normalise.zero_width",
            Self::LineEnds => "normalise.line_ends",
            Self::TrailingSpace => "normalise.trailing_space",
            Self::HtmlEntities => "normalise.html_entities",
            Self::HtmlTags => "normalise.html_tags",
            Self::Role => "normalise.role",
            Self::EmptyTurn => "normalise.empty_turn",
            Self::Merge => "normalise.merge",
        }
    }
}

/// How often each kind of change was made to a record: the trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes([u32; Change::ALL.len()]);

impl Changes {
    /// Counts `times` more changes of this kind.
    pub fn add(&mut self, kind: Change, times: u32) {
        let count = &mut self.0[kind as usize];
        *count = count.saturating_add(times);
    }

    /// How often this kind of change was made.
    pub fn count(&self, kind: Change) -> u32 {
        self.0[kind as usize]
    }

    /// Whether nothing was changed.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|&count| count == 0)
    }

    /// The kinds that were made and how often, in trace order.
    pub fn iter(&self) -> impl Iterator<Item = (Change, u32)> + '_ {
        Change::ALL.into_iter().zip(self.0).filter(|(_, count)| *count > 0)
    }
}

/// Why a unit could not become a record. The unit goes to `rejected/` as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The reason code: `parse.syntax`, `parse.no_schema`, `read.too_long` …
    pub reason: &'static str,
    /// Byte offset of the defect within the unit.
    pub byte: u64,
    /// What was expected, for people.
    pub detail: String,
}

/// What a per-record stage decides.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Go on.
    Keep,
    /// Set aside in `dropped/`.
    Drop {
        /// `filter.length.short` …
        reason: &'static str,
        /// The measured values and bounds as a JSON object, e.g. `{"characters":3,"min_chars":20}`.
        evidence: String,
    },
}
