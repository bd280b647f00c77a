//! ShareGPT: `conversations` of `from` and `value`, and its dialects: other names for the two
//! members, `function_call` and `observation` turns, tools as a JSON string.

use super::context::Context;
use super::family::Family;
use super::restore::{Canonical, Turn, compact};
use crate::json::{self, Kind, Limits, Member, Node, write_compact, write_string};
use crate::record::{Content, Message, Origin, Record, Rejection, Role};
use bumpalo::collections::Vec as ArenaVec;

/// The family `sharegpt`. The dialect names the two members of a turn.
#[derive(Debug)]
pub struct Sharegpt;

/// Keys that hold turns, by priority. The first is the default; another one is remembered as `list`.
const LISTS: [&str; 8] = ["conversations", "conversation", "messages", "dialog", "dialogue", "turns", "chat", "items"];

/// A dialect: how a turn names who speaks and what is said.
struct Dialect {
    name: &'static str,
    role: &'static str,
    text: &'static str,
}

const DIALECTS: [Dialect; 5] = [
    Dialect { name: "from_value", role: "from", text: "value" },
    Dialect { name: "role_value", role: "role", text: "value" },
    Dialect { name: "from_content", role: "from", text: "content" },
    Dialect { name: "from_text", role: "from", text: "text" },
    Dialect { name: "role_text", role: "role", text: "text" },
];

fn dialect_of(turns: &Node<'_>) -> Option<&'static Dialect> {
    let first = turns.as_array()?.first()?;
    DIALECTS.iter().find(|dialect| {
        first.get(dialect.role).is_some_and(|role| role.as_str().is_some()) && first.get(dialect.text).is_some()
    })
}

fn list_of<'n>(node: &Node<'n>) -> Option<(Option<&'static str>, Node<'n>, &'static Dialect)> {
    if node.as_array().is_some() {
        return Some((None, *node, dialect_of(node)?));
    }
    LISTS.into_iter().find_map(|key| {
        let turns = node.get(key)?;
        Some((Some(key), turns, dialect_of(&turns)?))
    })
}

/// Names of turns that are calls.
fn is_call(name: &str) -> bool {
    matches!(name, "function_call" | "tool_call" | "function-call" | "tool-call")
}

impl Family for Sharegpt {
    fn name(&self) -> &'static str {
        "sharegpt"
    }

    fn detect(&self, node: &Node<'_>) -> Option<&'static str> {
        list_of(node).map(|(_, _, dialect)| dialect.name)
    }

    fn parse<'a>(
        &self,
        dialect: &'static str,
        node: Node<'a>,
        origin: Origin<'a>,
        context: &Context<'a, '_>,
    ) -> Result<Record<'a>, Rejection> {
        let Some((list, turns, members)) = list_of(&node) else {
            return Err(context.reject("parse.no_schema", "expected an array of turns"));
        };
        let own = [list.unwrap_or(LISTS[0]), "system", "tools"];
        let mut record = context.conversation(self.name(), dialect, origin, &node, own);
        if list != Some(LISTS[0]) {
            let value = list.map_or(Node::NULL, |list| context.string(list));
            context.remember(&mut record, "list", value);
        }
        let items = turns.as_array().unwrap_or(&[]);
        record.messages.reserve(items.len());
        for (index, item) in items.iter().enumerate() {
            let message = context.named_turn(*item, index, members)?;
            record.messages.push(message);
        }
        let first = items.first().and_then(|first| first.as_object()).unwrap_or(&[]);
        let place = |key: &str| first.iter().position(|member| member.key == key);
        if place(members.text) < place(members.role) {
            context.remember(&mut record, "text_first", Node { raw: "true", kind: Kind::Bool(true) });
        }
        Ok(record)
    }

    fn restore(&self, canonical: &Node<'_>, out: &mut Vec<u8>) -> Result<(), String> {
        let canonical = Canonical::new(canonical)?;
        let dialect = DIALECTS
            .iter()
            .find(|dialect| dialect.name == canonical.dialect())
            .ok_or_else(|| format!("dialect `{}` of family `sharegpt` is not known", canonical.dialect()))?;
        let text_first = canonical.schema("text_first").is_some();
        let (system, turns) = canonical.system_and_turns()?;
        let mut array = vec![b'['];
        for (index, turn) in turns.iter().enumerate() {
            if index > 0 {
                array.push(b',');
            }
            write_turn(&mut array, turn, dialect, text_first);
        }
        array.push(b']');
        let list = match canonical.schema("list") {
            Some(list) if list.is_null() => {
                out.extend_from_slice(&array);
                return Ok(());
            }
            Some(list) => list.as_str().unwrap_or(LISTS[0]),
            None => LISTS[0],
        };
        let tools = canonical.tools_given();
        let mut own = vec![(list, array.as_slice())];
        own.extend(system.as_deref().map(|system| ("system", system)));
        own.extend(tools.as_deref().map(|tools| ("tools", tools)));
        canonical.write(&own, out);
        Ok(())
    }

    fn role_name(&self, dialect: &str, role: Role) -> &'static str {
        match role {
            Role::User if dialect.starts_with("from") => "human",
            Role::Assistant if dialect.starts_with("from") => "gpt",
            Role::Tool if dialect.starts_with("from") => "observation",
            _ => role.name(),
        }
    }
}

impl<'a> Context<'a, '_> {
    /// One turn of this dialect.
    fn named_turn(&self, node: Node<'a>, index: usize, dialect: &Dialect) -> Result<Message<'a>, Rejection> {
        let Kind::Object(members) = node.kind else {
            return Err(self.wrong_type(&format!("turn {index}"), "an object", &node));
        };
        let mut role_given = None;
        let mut content = Content::Absent;
        let mut tool_calls = None;
        let mut fields = ArenaVec::new_in(self.arena);
        let mut clashing = ArenaVec::new_in(self.arena);
        let mut said = None;
        for member in members {
            if member.key == dialect.role {
                role_given = member.value.as_str();
            } else if member.key == dialect.text {
                said = Some(member.value);
            } else if matches!(
                member.key,
                "role" | "content" | "reasoning_content" | "tool_calls" | "_carried" | "_said"
            ) {
                clashing.push(*member);
            } else {
                fields.push(*member);
            }
        }
        let Some(role_given) = role_given else {
            return Err(self.reject("parse.type", format!("turn {index} has no string `{}`", dialect.role)));
        };
        let role = self.role(role_given)?;
        if let Some(said) = said {
            match said.as_str().filter(|_| is_call(role_given)).and_then(|text| self.calls(text)) {
                Some((calls, exact)) => {
                    content = Content::Null;
                    tool_calls = Some(calls);
                    if !exact {
                        fields.push(Member::new("_said", said, self.arena));
                    }
                }
                None => content = self.content(said),
            }
        }
        if !clashing.is_empty() {
            let object = self.object(&clashing);
            fields.push(Member::new("_carried", object, self.arena));
        }
        Ok(Message { role, role_given, content, reasoning: None, tool_calls, fields, raw: None })
    }

    /// Calls that stand as JSON in a text: `{"name": …, "arguments": …}` or an array of them, as
    /// OpenAI's `tool_calls`; and whether the text can be made from them again.
    fn calls(&self, text: &'a str) -> Option<(Node<'a>, bool)> {
        let node = json::parse(text, self.arena, Limits { depth: self.settings.max_depth }).ok()?;
        let one = [node];
        let (functions, many) = match node.kind {
            Kind::Array(items) if !items.is_empty() => (items, true),
            Kind::Object(_) => (&one[..], false),
            _ => return None,
        };
        if !functions.iter().all(|function| function.get("name").is_some_and(|name| name.as_str().is_some())) {
            return None;
        }
        let mut calls = ArenaVec::with_capacity_in(functions.len(), self.arena);
        for function in functions {
            let kind = Member::new("type", self.string("function"), self.arena);
            calls.push(self.object(&[kind, Member::new("function", *function, self.arena)]));
        }
        let mut again = Vec::with_capacity(text.len());
        write_functions(&mut again, functions, many);
        Some((self.array(&calls), again == text.as_bytes()))
    }
}

fn write_functions(out: &mut Vec<u8>, functions: &[Node<'_>], many: bool) {
    if many {
        out.push(b'[');
    }
    for (index, function) in functions.iter().enumerate() {
        if index > 0 {
            out.extend_from_slice(b", ");
        }
        write_compact(out, function);
    }
    if many {
        out.push(b']');
    }
}

fn write_turn(out: &mut Vec<u8>, turn: &Turn<'_>, dialect: &Dialect, text_first: bool) {
    let role = turn.given.unwrap_or_else(|| default_role(turn.role, dialect.name));
    let said = said_in(turn, role);
    let mut separator = b'{';
    let mut open = |out: &mut Vec<u8>, key: &str| {
        out.push(separator);
        separator = b',';
        write_string(out, key);
        out.push(b':');
    };
    if !text_first {
        open(out, dialect.role);
        write_string(out, role);
    }
    if let Some(said) = said {
        open(out, dialect.text);
        out.extend_from_slice(&said);
    }
    if text_first {
        open(out, dialect.role);
        write_string(out, role);
    }
    for member in turn.others() {
        match member.key {
            "_said" => {}
            "_carried" => {
                for member in member.value.as_object().unwrap_or(&[]) {
                    open(out, member.key);
                    write_compact(out, &member.value);
                }
            }
            key => {
                open(out, key);
                write_compact(out, &member.value);
            }
        }
    }
    out.push(b'}');
}

/// What a turn said in its own schema.
fn said_in(turn: &Turn<'_>, role: &str) -> Option<Vec<u8>> {
    if let Some(said) = turn.node.get("_said") {
        return Some(compact(&said));
    }
    let calls = turn.node.get("tool_calls").and_then(|calls| calls.as_array());
    match calls {
        Some(calls) if is_call(role) => {
            let functions: Vec<Node<'_>> = calls.iter().filter_map(|call| call.get("function")).collect();
            let mut text = Vec::new();
            write_functions(&mut text, &functions, calls.len() > 1);
            let mut said = Vec::new();
            write_string(&mut said, &String::from_utf8_lossy(&text));
            Some(said)
        }
        _ => turn.content().map(|content| compact(&content)),
    }
}

fn default_role(role: &str, dialect: &str) -> &'static str {
    match role {
        "user" => Sharegpt.role_name(dialect, Role::User),
        "assistant" => Sharegpt.role_name(dialect, Role::Assistant),
        "tool" => Sharegpt.role_name(dialect, Role::Tool),
        "developer" => Role::Developer.name(),
        "text" => Role::Text.name(),
        _ => Role::System.name(),
    }
}
