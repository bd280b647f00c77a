//! A record as a chat template sees it.

use corpuskit_core::json::{Kind, Node, write_string};
use std::borrow::Cow;

/// Why a record is not trained on; it is set aside with a reason, the run goes on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refusal {
    /// The reason code.
    pub reason: &'static str,
    /// What was found, for people.
    pub detail: String,
}

impl Refusal {
    pub(crate) fn new(reason: &'static str, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }
}

/// A turn.
#[derive(Clone, Debug)]
pub struct Turn<'a> {
    /// Who speaks, as the record spells it.
    pub role: &'a str,
    /// What is said; of text parts their joined text; `None` if there is none or it is null.
    pub content: Option<Cow<'a, str>>,
    /// `reasoning_content`, if it is a text.
    pub reasoning: Option<Cow<'a, str>>,
    /// `tool_calls`.
    pub calls: &'a [Node<'a>],
    /// Whether the record wants the turn trained: `weight` is not 0.
    pub wanted: bool,
    /// The turn as it came.
    node: Node<'a>,
    /// Its text is another.
    changed: bool,
    /// Its reasoning is another.
    thinks_otherwise: bool,
}

impl Turn<'_> {
    /// Whether the model speaks.
    pub fn is_assistant(&self) -> bool {
        self.role == "assistant"
    }

    /// Puts another text in place of what is said.
    pub fn change(&mut self, text: String) {
        self.content = Some(Cow::Owned(text));
        self.changed = true;
    }

    /// Puts another text in place of its reasoning.
    pub fn change_reasoning(&mut self, text: String) {
        self.reasoning = Some(Cow::Owned(text));
        self.thinks_otherwise = true;
    }
}

/// A conversation.
#[derive(Clone, Debug)]
pub struct Conversation<'a> {
    /// The turns.
    pub turns: Vec<Turn<'a>>,
    /// Tool definitions, if there are any.
    pub tools: &'a [Node<'a>],
    tools_node: Option<Node<'a>>,
    /// The record's own number `weight`, else 1.
    pub weight: f32,
}

impl<'a> Conversation<'a> {
    /// Takes a canonical record.
    ///
    /// # Errors
    /// Where it is none, or holds what cannot be put into text.
    pub fn read(record: &Node<'a>) -> Result<Self, Refusal> {
        let list = record.get("messages").and_then(|node| node.as_array());
        let Some(list) = list else {
            return Err(Refusal::new("tokenise.no_messages", "expected a list `messages`"));
        };
        let turns = list.iter().enumerate().map(|(at, node)| turn(at, *node)).collect::<Result<_, _>>()?;
        let tools_node = record.get("tools").filter(|tools| tools.as_array().is_some_and(|list| !list.is_empty()));
        let weight = record.get("weight").filter(|node| matches!(node.kind, Kind::Number));
        let weight = weight.and_then(|node| node.raw.parse::<f32>().ok()).filter(|w| w.is_finite() && *w >= 0.0);
        let tools = tools_node.and_then(|node| node.as_array()).unwrap_or_default();
        Ok(Self { turns, tools, tools_node, weight: weight.unwrap_or(1.0) })
    }

    /// The conversation with some of its turns only.
    pub fn some(&self, keep: impl IntoIterator<Item = usize>) -> Self {
        let turns = keep.into_iter().filter_map(|at| self.turns.get(at).cloned()).collect();
        Self { turns, tools: self.tools, tools_node: self.tools_node, weight: self.weight }
    }

    /// The one text of a record of family `text`.
    pub fn plain_text(&self) -> Option<&str> {
        match self.turns.as_slice() {
            [turn] if turn.role == "text" => turn.content.as_deref(),
            _ => None,
        }
    }

    /// Everything that the record itself says: texts, reasoning, calls and definitions of tools.
    pub fn said(&self) -> impl Iterator<Item = &str> {
        let texts = self.turns.iter().flat_map(|turn| [turn.content.as_deref(), turn.reasoning.as_deref()]).flatten();
        let calls = self.turns.iter().flat_map(|turn| turn.calls).chain(self.tools).map(|node| node.raw);
        texts.chain(calls)
    }

    /// `{"messages": […], "tools": […]}` for a template that only Python can render.
    pub fn to_json(&self) -> Vec<u8> {
        let mut out = b"{\"messages\":[".to_vec();
        for (at, turn) in self.turns.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            out.push(b'{');
            // Labels never reach a template.
            let members =
                turn.node.as_object().unwrap_or_default().iter().filter(|member| !member.key.starts_with('_'));
            for (at, member) in members.enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                out.extend_from_slice(member.raw_key.as_bytes());
                out.push(b':');
                // Parts of text are one text for every template.
                let is_parts = matches!(member.value.kind, Kind::Array(_));
                let changed = match member.key {
                    "content" if is_parts || turn.changed => turn.content.as_deref(),
                    "reasoning_content" if turn.thinks_otherwise => turn.reasoning.as_deref(),
                    _ => None,
                };
                match changed {
                    Some(text) => write_string(&mut out, text),
                    None => out.extend_from_slice(member.value.raw.as_bytes()),
                }
            }
            out.push(b'}');
        }
        out.push(b']');
        if let Some(tools) = &self.tools_node {
            out.extend_from_slice(b",\"tools\":");
            out.extend_from_slice(tools.raw.as_bytes());
        }
        out.push(b'}');
        out
    }
}

fn turn<'a>(at: usize, node: Node<'a>) -> Result<Turn<'a>, Refusal> {
    let Some(role) = node.get("role").and_then(|role| role.as_str()) else {
        return Err(Refusal::new("tokenise.no_messages", format!("turn {} has no role", at + 1)));
    };
    let content = match node.get("content").map(|content| content.kind) {
        None | Some(Kind::Null) => None,
        Some(Kind::String(text)) => Some(Cow::Borrowed(text)),
        Some(Kind::Array(parts)) => Some(joined(at, parts)?),
        Some(_) => {
            return Err(Refusal::new("tokenise.parts", format!("the content of turn {} is no text", at + 1)));
        }
    };
    let wanted = match node.get("weight") {
        None => true,
        Some(weight) => match (weight.kind, weight.raw.parse::<f64>()) {
            (Kind::Null, _) => true,
            (Kind::Number, Ok(0.0)) => false,
            (Kind::Number, Ok(1.0)) => true,
            _ => {
                let what = format!("turn {} has weight {}, expected 0 or 1", at + 1, weight.raw);
                return Err(Refusal::new("tokenise.weight", what));
            }
        },
    };
    let calls = node.get("tool_calls").and_then(|calls| calls.as_array()).unwrap_or_default();
    let reasoning = node.get("reasoning_content").and_then(|text| text.as_str()).map(Cow::Borrowed);
    Ok(Turn { role, content, reasoning, calls, wanted, node, changed: false, thinks_otherwise: false })
}

/// The text of parts that are all text.
fn joined<'a>(at: usize, parts: &'a [Node<'a>]) -> Result<Cow<'a, str>, Refusal> {
    let text = |part: &Node<'a>| match part.kind {
        Kind::String(text) => Some(text),
        _ => part.get("text").and_then(|text| text.as_str()),
    };
    let texts: Option<Vec<&str>> = parts.iter().map(text).collect();
    match texts {
        Some(texts) => Ok(Cow::Owned(texts.concat())),
        None => Err(Refusal::new("tokenise.parts", format!("turn {} has parts that are no text", at + 1))),
    }
}
