//! Records of the schemas that a plan describes. They are tried before the shipped families, and
//! carry their whole template, so that the way back needs no plan.

use super::context::Context;
use super::draft::Draft;
use super::family::Family;
use super::hole::Side;
use super::schemas::{Path, SchemaSettings, path};
use super::template;
use super::values::{is_blank, text_of};
use crate::error::{Error, Result};
use crate::json::{Kind, Node};
use crate::record::{Origin, Record, Rejection, Role};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

/// The family `mapped`; the dialect is the schema's name in the plan. Without a plan it recognises nothing.
#[derive(Debug)]
pub struct Mapped;

impl Family for Mapped {
    fn name(&self) -> &'static str {
        "mapped"
    }

    fn detect(&self, _node: &Node<'_>) -> Option<&'static str> {
        None
    }

    fn parse<'a>(
        &self,
        dialect: &'static str,
        _node: Node<'a>,
        _origin: Origin<'a>,
        context: &Context<'a, '_>,
    ) -> Result<Record<'a>, Rejection> {
        Err(context.reject("parse.no_schema", format!("schema `{dialect}` is known to its plan only")))
    }

    fn restore(&self, canonical: &Node<'_>, out: &mut Vec<u8>) -> Result<(), String> {
        template::restore(canonical, out, |_, _| None)
    }
}

/// The schemas of a plan, checked and ready.
#[derive(Debug, Default)]
pub(super) struct Schemas(Vec<Schema>);

#[derive(Debug)]
struct Schema {
    name: &'static str,
    /// Fields and what they must say; `None`: anything but null.
    conditions: Vec<(Path, Option<String>)>,
    turns: Vec<(Role, Path, bool)>,
    list: Option<List>,
    rejected: Option<Path>,
}

#[derive(Debug)]
struct List {
    path: Path,
    role: Path,
    text: Path,
    /// In lower case.
    roles: BTreeMap<String, Role>,
}

impl Schemas {
    /// Checks the settings.
    pub(super) fn new(settings: &[SchemaSettings]) -> Result<Self> {
        for (index, schema) in settings.iter().enumerate() {
            let at = format!("parse.schemas[{index}]");
            schema.check(&at)?;
            if settings[..index].iter().any(|before| before.name == schema.name) {
                return Err(Error::plan(
                    format!("{at}.name"),
                    format!("`{}` is the name of an earlier schema, expected another", schema.name),
                ));
            }
        }
        Ok(Self(settings.iter().map(Schema::new).collect()))
    }

    /// Reads a record of the first schema that it fits. `None`: it fits none.
    pub(super) fn parse<'a>(
        &self,
        node: Node<'a>,
        origin: Origin<'a>,
        context: &Context<'a, '_>,
    ) -> Option<Result<Record<'a>, Rejection>> {
        let schema = self.0.iter().find(|schema| schema.lacks(&node).is_none())?;
        Some(schema.parse(node, origin, context))
    }

    /// What the schema that fits best misses in a record, in words; empty without schemas.
    pub(super) fn missing(&self, node: &Node<'_>) -> String {
        let nearest =
            self.0.iter().filter_map(|schema| Some((schema, schema.lacks(node)?))).max_by_key(|(schema, _)| {
                schema.turns.iter().filter(|(_, from, _)| find(node, from).is_some()).count()
            });
        nearest.map(|(schema, lack)| format!("; schema `{}` of the plan needs {lack}", schema.name)).unwrap_or_default()
    }
}

impl Schema {
    fn new(settings: &SchemaSettings) -> Self {
        Self {
            name: interned(&settings.name),
            conditions: settings
                .conditions
                .iter()
                .map(|(field, said)| (path(field), (said != "*").then(|| said.clone())))
                .collect(),
            turns: settings.turns.iter().map(|turn| (turn.role.into(), path(&turn.path), turn.optional)).collect(),
            list: settings.list.as_ref().map(|list| List {
                path: path(&list.path),
                role: path(&list.role),
                text: path(&list.text),
                roles: list.roles.iter().map(|(name, role)| (name.trim().to_lowercase(), (*role).into())).collect(),
            }),
            rejected: settings.rejected.as_deref().map(path),
        }
    }

    /// What a record lacks to be of this schema.
    fn lacks(&self, node: &Node<'_>) -> Option<String> {
        if node.as_object().is_none() {
            return Some(String::from("an object"));
        }
        for (field, said) in &self.conditions {
            let name = field.join(".");
            match (find(node, field).filter(|value| !value.is_null()), said) {
                (None, _) => return Some(format!("`{name}`")),
                (Some(value), Some(said)) if value.as_str().unwrap_or(value.raw) != said => {
                    return Some(format!("`{name}` to be {said:?}"));
                }
                _ => {}
            }
        }
        for (_, from, optional) in &self.turns {
            let found = find(node, from);
            if !optional && found.is_none_or(|value| value.is_null()) {
                return Some(format!("`{}`", from.join(".")));
            }
            if found.is_some_and(|value| value.as_object().is_some()) {
                return Some(format!("a text at `{}`", from.join(".")));
            }
        }
        let list = self.list.as_ref()?;
        let Some(found) = find(node, &list.path).filter(|found| found.as_array().is_some()) else {
            return Some(format!("a list at `{}`", list.path.join(".")));
        };
        let items = found.as_array().unwrap_or_default();
        if items.is_empty() && self.turns.is_empty() {
            return Some(format!("turns in `{}`", list.path.join(".")));
        }
        [&list.role, &list.text]
            .into_iter()
            .find(|path| items.iter().any(|item| find(item, path).is_none_or(|value| value.as_object().is_some())))
            .map(|path| format!("`{}` in each object of `{}`", path.join("."), list.path.join(".")))
    }

    fn parse<'a>(
        &self,
        node: Node<'a>,
        origin: Origin<'a>,
        context: &Context<'a, '_>,
    ) -> Result<Record<'a>, Rejection> {
        let mut draft = Draft::new(context.arena);
        draft.template_is_own();
        let mut taken: BTreeSet<&'a str> = BTreeSet::new();
        let mut take = |draft: &mut Draft<'a>, path: &Path| {
            let members = node.as_object().unwrap_or_default();
            if let Some(member) = members.iter().find(|member| member.key == path[0])
                && taken.insert(member.key)
            {
                draft.take(member.key);
            }
        };
        for (role, from, optional) in &self.turns {
            let Some(value) = find(&node, from) else { continue };
            let says_nothing = value.is_null() || value.as_str().is_some_and(is_blank);
            if !(*optional && says_nothing) {
                take(&mut draft, from);
                draft.turn(*role, value);
            }
        }
        if let Some(list) = &self.list {
            take(&mut draft, &list.path);
            let found = find(&node, &list.path).unwrap_or(Node::NULL);
            for item in found.as_array().unwrap_or_default() {
                let name = text_of(find(item, &list.role).unwrap_or(Node::NULL), context.arena);
                let role = match list.roles.get(&name.trim().to_lowercase()) {
                    Some(role) => *role,
                    None => context.role(name)?,
                };
                draft.turn_on(Side::Messages, role, find(item, &list.text).unwrap_or(Node::NULL));
            }
        }
        if let Some(worse) = &self.rejected
            && let Some(value) = find(&node, worse).filter(|value| !value.is_null() && value.as_object().is_none())
        {
            take(&mut draft, worse);
            draft.reject(Role::Assistant, value);
        }
        Ok(draft.finish(Mapped.name(), self.name, node, origin, context))
    }
}

/// The value at a path. A number is a place in a list.
fn find<'a>(node: &Node<'a>, path: &[String]) -> Option<Node<'a>> {
    let mut at = *node;
    for key in path {
        at = match at.kind {
            Kind::Array(items) => *items.get(key.parse::<usize>().ok()?)?,
            _ => at.get(key)?,
        };
    }
    Some(at)
}

/// A name that lives as long as the process: dialects of shipped families are constants, and a plan
/// has few. Each name is kept once, however many plans there are.
fn interned(name: &str) -> &'static str {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(name) {
        return known;
    }
    let kept: &'static str = Box::leak(name.to_owned().into_boxed_str());
    names.insert(kept);
    kept
}

#[cfg(test)]
#[path = "mapped_tests.rs"]
mod tests;
