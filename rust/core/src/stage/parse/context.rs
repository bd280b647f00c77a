//! What families share: making a record, carrying what they do not own, texts, roles, refusals.

use super::policy::ParseSettings;
use super::roles;
use crate::json::{Kind, Member, Node};
use crate::record::{Changes, Message, Origin, Record, Rejection, Role, Schema, Text};
use bumpalo::Bump;
use bumpalo::collections::{String as ArenaString, Vec as ArenaVec};

/// Top-level names of the canonical record. A source's own field of such a name that means
/// something else is kept in `_schema.carried`.
pub(crate) const RESERVED: [&str; 6] = ["messages", "tools", "rejected", "_origin", "_schema", "_parent"];

/// Labels that corpuskit may write beside a record. Where the source declared one, `_schema.declared`
/// names it, so that `restore` can tell them apart.
pub(crate) const LABELS: [&str; 6] = ["_source", "_category", "_persona", "_traits", "_scores", "_labels"];

/// What a family needs to read one record.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a, 's> {
    /// Where everything that lives as long as the record is put.
    pub arena: &'a Bump,
    /// The plan's section `parse`.
    pub settings: &'s ParseSettings,
}

impl<'a> Context<'a, '_> {
    /// An empty record of this family that carries every member of `node` whose key is not in
    /// `own`. If the source's keys do not stand in the order “own keys as listed, then the others”,
    /// their order is remembered.
    pub fn record(
        &self,
        family: &'static str,
        dialect: &'static str,
        origin: Origin<'a>,
        node: &Node<'a>,
        own: &[&str],
    ) -> Record<'a> {
        let mut record = Record {
            origin,
            schema: Schema { family, dialect, restore: ArenaVec::new_in(self.arena) },
            messages: ArenaVec::new_in(self.arena),
            messages_raw: None,
            tools: None,
            rejected: None,
            parent: None,
            fields: ArenaVec::new_in(self.arena),
            changes: Changes::default(),
            labels: crate::record::Labels::default(),
        };
        let members = node.as_object().unwrap_or(&[]);
        record.fields.reserve_exact(members.len());
        let mut carried = ArenaVec::new_in(self.arena);
        let mut declared = ArenaVec::new_in(self.arena);
        let mut next_own = 0;
        let mut in_order = true;
        for member in members {
            match own.iter().position(|key| *key == member.key) {
                Some(index) => {
                    in_order &= index >= next_own && record.fields.is_empty() && carried.is_empty();
                    next_own = index;
                }
                None if RESERVED.contains(&member.key) => {
                    if member.key == "_parent" && member.value.as_str().is_some() {
                        record.parent = member.value.as_str();
                    }
                    // In its place among the carried ones it could not be found again.
                    in_order = false;
                    carried.push(*member);
                }
                None => {
                    if LABELS.contains(&member.key) {
                        declared.push(Node { raw: member.raw_key, kind: Kind::String(member.key) });
                    }
                    record.fields.push(*member);
                }
            }
        }
        if !carried.is_empty() {
            let object = self.object(&carried);
            self.remember(&mut record, "carried", object);
        }
        if !declared.is_empty() {
            let array = self.array(&declared);
            self.remember(&mut record, "declared", array);
        }
        if !in_order {
            let mut keys = ArenaVec::with_capacity_in(members.len(), self.arena);
            keys.extend(members.iter().map(|member| Node { raw: member.raw_key, kind: Kind::String(member.key) }));
            let array = self.array(&keys);
            self.remember(&mut record, "keys", array);
        }
        record
    }

    /// Keeps something that `restore` needs, in `_schema` under this name.
    pub fn remember(&self, record: &mut Record<'a>, name: &'static str, value: Node<'a>) {
        record.schema.restore.push(Member::new(name, value, self.arena));
    }

    /// The text of a member. A string is its text; of `null` there is none; a number or a boolean is
    /// its spelling. What was no string is remembered in `_schema.given`, so that `restore` writes it
    /// back while the text still says the same. Arrays and objects are no text: `Err`.
    pub fn text(&self, record: &mut Record<'a>, key: &'a str, node: Node<'a>) -> Result<Option<Text<'a>>, Rejection> {
        match node.kind {
            Kind::String(_) => return Ok(Text::from_node(node)),
            Kind::Array(_) | Kind::Object(_) => {
                return Err(self.wrong_type(key, "a string", &node));
            }
            _ => {}
        }
        let given = Member::new(key, node, self.arena);
        match record.schema.restore.iter_mut().find(|member| member.key == "given") {
            Some(member) => {
                let mut members = ArenaVec::new_in(self.arena);
                members.extend_from_slice(member.value.as_object().unwrap_or(&[]));
                members.push(given);
                member.value = self.object(&members);
            }
            None => {
                let object = self.object(&[given]);
                self.remember(record, "given", object);
            }
        }
        Ok((!node.is_null()).then(|| Text::new(node.raw)))
    }

    /// The role that a name stands for: the plan's names first, then the shipped table.
    pub fn role(&self, name: &str) -> Result<Role, Rejection> {
        if !self.settings.roles.is_empty() {
            let wanted = name.trim().to_lowercase();
            if let Some((_, role)) = self.settings.roles.iter().find(|(key, _)| key.trim().to_lowercase() == wanted) {
                return Ok((*role).into());
            }
        }
        roles::role(name).ok_or_else(|| {
            let shown: String = name.chars().take(40).collect();
            self.reject(
                "parse.role",
                format!("role `{shown}` is not known; map it in the plan: `parse.roles: {{{shown:?}: user}}`"),
            )
        })
    }

    /// A turn of plain text under a role as the source spells it.
    pub fn turn(&self, role_given: &'a str, text: Text<'a>) -> Result<Message<'a>, Rejection> {
        let mut message = Message::text(self.role(role_given)?, text, self.arena);
        message.role_given = role_given;
        Ok(message)
    }

    /// A refusal of the whole record. The reason is a code of `parse.`; the detail is for people.
    pub fn reject(&self, reason: &'static str, detail: impl Into<String>) -> Rejection {
        Rejection { reason, byte: 0, detail: detail.into() }
    }

    /// A refusal because a value is of another type than the schema says.
    pub fn wrong_type(&self, key: &str, expected: &str, node: &Node<'_>) -> Rejection {
        self.reject("parse.type", format!("`{key}` is {}, expected {expected}", kind_name(node)))
    }

    /// An array node of these elements, spelled compactly.
    pub fn array(&self, items: &[Node<'a>]) -> Node<'a> {
        let mut raw = ArenaString::new_in(self.arena);
        raw.push('[');
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                raw.push(',');
            }
            raw.push_str(item.raw);
        }
        raw.push(']');
        Node { raw: raw.into_bump_str(), kind: Kind::Array(self.arena.alloc_slice_copy(items)) }
    }

    /// An object node of these members, spelled compactly.
    pub fn object(&self, members: &[Member<'a>]) -> Node<'a> {
        let mut raw = ArenaString::new_in(self.arena);
        raw.push('{');
        for (index, member) in members.iter().enumerate() {
            if index > 0 {
                raw.push(',');
            }
            raw.push_str(member.raw_key);
            raw.push(':');
            raw.push_str(member.value.raw);
        }
        raw.push('}');
        Node { raw: raw.into_bump_str(), kind: Kind::Object(self.arena.alloc_slice_copy(members)) }
    }

    /// A string node.
    pub fn string(&self, text: &'a str) -> Node<'a> {
        Node::string(text, self.arena)
    }
}

/// What a node is, in words for messages.
pub fn kind_name(node: &Node<'_>) -> &'static str {
    match node.kind {
        Kind::Null => "null",
        Kind::Bool(_) => "a boolean",
        Kind::Number => "a number",
        Kind::String(_) => "a string",
        Kind::Array(_) => "an array",
        Kind::Object(_) => "an object",
    }
}
