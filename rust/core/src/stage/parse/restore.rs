//! From the canonical record back to a record's own schema: what the families share.

use super::context::LABELS;
use crate::json::{Kind, Member, Node, write_compact, write_string};
use std::collections::{HashMap, HashSet};

/// A canonical record (one line of `data/`), opened for `Family::restore`.
#[derive(Clone, Copy, Debug)]
pub struct Canonical<'n> {
    members: &'n [Member<'n>],
    schema: &'n [Member<'n>],
}

/// One canonical turn.
#[derive(Clone, Copy, Debug)]
pub struct Turn<'n> {
    /// The canonical role.
    pub role: &'n str,
    /// The role as the source spelled it; `None` where it is the dialect's default for `role`.
    pub given: Option<&'n str>,
    /// The turn's object.
    pub node: Node<'n>,
}

impl<'n> Turn<'n> {
    /// The content, if there is one.
    pub fn content(&self) -> Option<Node<'n>> {
        self.node.get("content")
    }

    /// The content if it is a text.
    pub fn text(&self) -> Option<Node<'n>> {
        self.content().filter(|node| node.as_str().is_some())
    }

    /// The members that are none of role, content, `reasoning_content`, `tool_calls`.
    pub fn others(&self) -> impl Iterator<Item = &'n Member<'n>> {
        self.node
            .as_object()
            .unwrap_or(&[])
            .iter()
            .filter(|member| !matches!(member.key, "role" | "content" | "reasoning_content" | "tool_calls"))
    }
}

impl<'n> Canonical<'n> {
    /// Opens a canonical record.
    pub fn new(node: &Node<'n>) -> Result<Self, String> {
        let members = node.as_object().ok_or("the record is not an object")?;
        let schema = node.get("_schema").and_then(|schema| schema.as_object()).ok_or("the record has no `_schema`")?;
        Ok(Self { members, schema })
    }

    fn member(&self, key: &str) -> Option<Node<'n>> {
        self.members.iter().rev().find(|member| member.key == key).map(|member| member.value)
    }

    /// The dialect.
    pub fn dialect(&self) -> &'n str {
        self.schema("dialect").and_then(|node| node.as_str()).unwrap_or("")
    }

    /// What was remembered under this name.
    pub fn schema(&self, name: &str) -> Option<Node<'n>> {
        self.schema.iter().rev().find(|member| member.key == name).map(|member| member.value)
    }

    fn turns_of(&self, key: &str, roles: &str) -> Result<Vec<Turn<'n>>, String> {
        let Some(node) = self.member(key) else { return Ok(Vec::new()) };
        let items = node.as_array().ok_or_else(|| format!("`{key}` is not an array"))?;
        let given = self.schema(roles).and_then(|node| node.as_array());
        if given.is_some_and(|given| given.len() != items.len()) {
            return Err(format!("`_schema.{roles}` does not have one entry a turn"));
        }
        items
            .iter()
            .enumerate()
            .map(|(index, node)| {
                let role = node
                    .get("role")
                    .and_then(|role| role.as_str())
                    .ok_or_else(|| format!("`{key}[{index}]` has no role"))?;
                Ok(Turn { role, given: given.and_then(|given| given[index].as_str()), node: *node })
            })
            .collect()
    }

    /// The turns.
    pub fn turns(&self) -> Result<Vec<Turn<'n>>, String> {
        self.turns_of("messages", "roles")
    }

    /// The turns of the rejected answer.
    pub fn rejected(&self) -> Result<Vec<Turn<'n>>, String> {
        self.turns_of("rejected", "rejected_roles")
    }

    /// Whether there is a rejected answer, be it without turns.
    pub fn has_rejected(&self) -> bool {
        self.member("rejected").is_some()
    }

    /// The tool definitions.
    pub fn tools(&self) -> Option<Node<'n>> {
        self.member("tools")
    }

    /// The value of the source's member `tools`: the definitions, as a string where they were one.
    pub fn tools_given(&self) -> Option<Vec<u8>> {
        let tools = self.tools()?;
        Some(match self.schema("tools") {
            None => compact(&tools),
            Some(how) => match how.get("given") {
                Some(given) => compact(&given),
                None => {
                    let mut out = Vec::with_capacity(tools.raw.len() + 16);
                    write_string(&mut out, tools.raw);
                    out
                }
            },
        })
    }

    /// The value of the source's member `system`, if it had one that became the first turn, and the
    /// turns without it.
    pub fn system_and_turns(&self) -> Result<(Option<Vec<u8>>, Vec<Turn<'n>>), String> {
        let mut turns = self.turns()?;
        let first = turns.first().filter(|turn| turn.role == "system" && self.schema("system").is_some());
        let system = first.and_then(|turn| turn.content()).map(|content| compact(&content));
        if system.is_some() {
            turns.remove(0);
        }
        Ok((system, turns))
    }

    /// Every carried field.
    pub fn carried(&self) -> impl Iterator<Item = &'n Member<'n>> {
        let declared = self.schema("declared").and_then(|node| node.as_array()).unwrap_or(&[]);
        let renamed = self.schema("carried").and_then(|node| node.as_object()).unwrap_or(&[]);
        let ours = |key: &str| super::context::RESERVED.contains(&key);
        self.members
            .iter()
            .filter(move |member| {
                !ours(member.key)
                    && (!LABELS.contains(&member.key) || declared.iter().any(|node| node.as_str() == Some(member.key)))
            })
            .chain(renamed)
    }

    /// The value of an own key whose text is `text` (a string node) now: as the source gave it where
    /// it was no string (`null`, a number) and the text still says the same, else the text.
    /// `None`: the source had `null`-like nothing there and there is no text now either.
    pub fn value(&self, key: &str, text: Option<Node<'n>>) -> Option<Node<'n>> {
        let given = self.schema("given").and_then(|given| given.get(key));
        match (given, text) {
            (Some(given), None) => Some(given),
            (Some(given), Some(text)) if text.as_str() == Some(given.raw) => Some(given),
            (_, text) => text,
        }
    }

    /// Writes the object: own members and carried ones, in the source's order where it is known,
    /// else own ones first. `own` holds each key with its value as JSON text.
    pub fn write(&self, own: &[(&str, &[u8])], out: &mut Vec<u8>) {
        let mut separator = b'{';
        let mut open = |out: &mut Vec<u8>| {
            out.push(separator);
            separator = b',';
        };
        let write_own = |out: &mut Vec<u8>, (key, value): &(&str, &[u8])| {
            write_string(out, key);
            out.push(b':');
            out.extend_from_slice(value);
        };
        let write_member = |out: &mut Vec<u8>, member: &Member<'_>| {
            out.extend_from_slice(member.raw_key.as_bytes());
            out.push(b':');
            write_compact(out, &member.value);
        };
        let order = self.schema("keys").and_then(|node| node.as_array()).unwrap_or(&[]);
        // By key, so that very many keys take no quadratic time.
        let carried: HashMap<&str, &Member<'n>> = match order {
            [] => HashMap::new(),
            _ => self.carried().map(|member| (member.key, member)).collect(),
        };
        let mut listed: HashSet<&str> = HashSet::new();
        for key in order.iter().filter_map(|node| node.as_str()) {
            listed.insert(key);
            if let Some(entry) = own.iter().find(|(own, _)| *own == key) {
                open(out);
                write_own(out, entry);
            } else if let Some(member) = carried.get(key) {
                open(out);
                write_member(out, member);
            }
        }
        for entry in own.iter().filter(|(key, _)| !listed.contains(key)) {
            open(out);
            write_own(out, entry);
        }
        for member in self.carried().filter(|member| !listed.contains(member.key)) {
            open(out);
            write_member(out, member);
        }
        if separator == b'{' {
            out.push(b'{');
        }
        out.push(b'}');
    }
}

/// The value as JSON text on one line.
pub fn compact(node: &Node<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(node.raw.len());
    write_compact(&mut out, node);
    out
}

/// Whether a node is empty text or nothing.
pub fn is_empty(node: Option<Node<'_>>) -> bool {
    node.is_none_or(|node| matches!(node.kind, Kind::Null | Kind::String("")))
}
