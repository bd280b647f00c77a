//! Builds a record of any templated family again: the template's holes filled with the turns.

use super::draft::TEMPLATE_LIMITS;
use super::openai::write_turn;
use super::restore::{Canonical, Turn};
use super::values::{is_blank, text_of};
use crate::json::{self, Kind, Node, write_compact, write_string};
use bumpalo::Bump;

/// Writes the source's object again. `named` gives the template that a record names instead of
/// carrying it; the empty name is the dialect's default.
pub(super) fn restore(
    canonical: &Node<'_>,
    out: &mut Vec<u8>,
    named: impl Fn(&str, &str) -> Option<String>,
) -> Result<(), String> {
    let arena = Bump::new();
    let canonical = Canonical::new(canonical)?;
    let given = canonical.schema("template");
    let template = match given {
        Some(node) if node.as_object().is_some() => node,
        _ => {
            let name = given.and_then(|node| node.as_str()).unwrap_or("");
            let text = named(canonical.dialect(), name).ok_or_else(|| {
                format!("`_schema.template` is {name:?}, which dialect {:?} does not know", canonical.dialect())
            })?;
            json::parse(arena.alloc_str(&text), &arena, TEMPLATE_LIMITS)
                .map_err(|defect| format!("the template is broken at byte {}", defect.byte))?
        }
    };
    let turns = canonical.turns()?;
    let rejected = canonical.rejected()?;
    let filling = Filling {
        canonical,
        turns: Turns::new(&turns, &template, "$turn", "messages")?,
        rejected: Turns::new(&rejected, &template, "$rejected", "rejected")?,
        arena: &arena,
    };
    let members = template.as_object().unwrap_or_default();
    let mut values = Vec::with_capacity(members.len());
    for member in members {
        let mut value = Vec::new();
        filling.fill(&member.value, &mut value)?;
        values.push((member.key.strip_prefix('$').unwrap_or(member.key), value));
    }
    let own: Vec<(&str, &[u8])> = values.iter().map(|(key, value)| (*key, value.as_slice())).collect();
    canonical.write(&own, out);
    Ok(())
}

/// The turns of one side, and which of the source's turns they are.
struct Turns<'t, 'n> {
    turns: &'t [Turn<'n>],
    /// Turns that held only white space, if the normaliser has removed them.
    removed: Vec<usize>,
}

impl<'t, 'n> Turns<'t, 'n> {
    fn new(turns: &'t [Turn<'n>], template: &Node<'_>, key: &str, name: &str) -> Result<Self, String> {
        let (mut needed, mut blank) = (0, Vec::new());
        count(template, key, &mut needed, &mut blank);
        blank.sort_unstable();
        blank.dedup();
        if needed == turns.len() {
            return Ok(Self { turns, removed: Vec::new() });
        }
        if needed == turns.len() + blank.len() {
            return Ok(Self { turns, removed: blank });
        }
        Err(format!("`{name}` has {} turns, its schema was made from {needed}", turns.len()))
    }

    /// `None`: the turn has been removed.
    fn get(&self, turn: usize) -> Result<Option<&'t Turn<'n>>, String> {
        if self.removed.binary_search(&turn).is_ok() {
            return Ok(None);
        }
        let before = self.removed.iter().filter(|removed| **removed < turn).count();
        self.turns.get(turn - before).map(Some).ok_or_else(|| format!("there is no turn {turn}"))
    }
}

/// How many turns of one side the template needs, and which of them held only white space.
fn count(template: &Node<'_>, key: &str, needed: &mut usize, blank: &mut Vec<usize>) {
    match template.kind {
        Kind::Array(items) => items.iter().for_each(|item| count(item, key, needed, blank)),
        Kind::Object(members) => {
            let Some(first) = members.first() else { return };
            let side = if first.key == "$message" && template.get("of").is_some() { "$rejected" } else { "$turn" };
            if first.key == key || (first.key == "$message" && side == key) {
                let turn = number(&first.value).unwrap_or(0);
                *needed = (*needed).max(turn.saturating_add(1));
                let whole = template.get("lines").is_none();
                if whole && template.get("is").is_some_and(|is| is_blank(text_of(is, &Bump::new()))) {
                    blank.push(turn);
                }
            } else {
                members.iter().for_each(|member| count(&member.value, key, needed, blank));
            }
        }
        _ => {}
    }
}

fn number(node: &Node<'_>) -> Option<usize> {
    node.raw.parse().ok()
}

struct Filling<'t, 'n, 'b> {
    canonical: Canonical<'n>,
    turns: Turns<'t, 'n>,
    rejected: Turns<'t, 'n>,
    arena: &'b Bump,
}

impl Filling<'_, '_, '_> {
    fn fill(&self, node: &Node<'_>, out: &mut Vec<u8>) -> Result<(), String> {
        match node.kind {
            Kind::Array(items) => {
                out.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.extend_from_slice(b", ");
                    }
                    self.fill(item, out)?;
                }
                out.push(b']');
            }
            Kind::Object(members) => {
                if self.fill_hole(node, members.first().map_or("", |member| member.key), out)? {
                    return Ok(());
                }
                out.push(b'{');
                for (index, member) in members.iter().enumerate() {
                    if index > 0 {
                        out.extend_from_slice(b", ");
                    }
                    match member.key.strip_prefix('$') {
                        Some(key) => write_string(out, key),
                        None => out.extend_from_slice(member.raw_key.as_bytes()),
                    }
                    out.extend_from_slice(b": ");
                    self.fill(&member.value, out)?;
                }
                out.push(b'}');
            }
            _ => write_compact(out, node),
        }
        Ok(())
    }

    /// Whether the object was a hole.
    fn fill_hole(&self, hole: &Node<'_>, key: &str, out: &mut Vec<u8>) -> Result<bool, String> {
        match key {
            "$turn" | "$rejected" => match self.piece(hole)? {
                Piece::Spelled(value) => write_compact(out, &value),
                Piece::Text(text, Some(raw)) if raw.as_str() == Some(text) => write_compact(out, &raw),
                Piece::Text(text, _) => write_string(out, text),
            },
            "$message" => {
                let turns = if hole.get("of").is_some() { &self.rejected } else { &self.turns };
                let turn = hole.get("$message").and_then(|turn| number(&turn)).ok_or("a hole has no turn")?;
                if let Some(turn) = turns.get(turn)? {
                    write_turn(out, turn);
                }
            }
            "$tools" => match self.canonical.tools() {
                Some(tools) => write_compact(out, &tools),
                None => out.extend_from_slice(b"[]"),
            },
            "$text" => {
                let pieces = hole.get("$text").and_then(|pieces| pieces.as_array()).ok_or("`$text` is not an array")?;
                let mut text = String::new();
                for piece in pieces {
                    match piece.as_str() {
                        Some(literal) => text.push_str(literal),
                        None => match self.piece(piece)? {
                            Piece::Spelled(value) => text.push_str(text_of(value, self.arena)),
                            Piece::Text(said, _) => text.push_str(said),
                        },
                    }
                }
                write_string(out, &text);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// What a hole stands for.
    fn piece<'v>(&'v self, hole: &Node<'v>) -> Result<Piece<'v>, String> {
        let (turns, turn) = match (hole.get("$turn"), hole.get("$rejected")) {
            (Some(turn), _) => (&self.turns, turn),
            (_, Some(turn)) => (&self.rejected, turn),
            _ => return Err(String::from("a hole has no turn")),
        };
        let turn = number(&turn).ok_or("a hole has no turn")?;
        let spelled = hole.get("is");
        let Some(said) = turns.get(turn)? else {
            return spelled.map(Piece::Spelled).ok_or_else(|| format!("turn {turn} was removed"));
        };
        let meant = hole.get("as").and_then(|said| said.as_str());
        let Some(raw) = said.text() else {
            // A turn of calls alone has no text, which is what an empty `as` says.
            let silent = meant == Some("") && said.content().is_none_or(|content| content.is_null());
            return spelled
                .filter(|_| silent)
                .map(Piece::Spelled)
                .ok_or_else(|| format!("the content of turn {turn} is not a text"));
        };
        let mut text = raw.as_str().unwrap_or("");
        if let Some(lines) = hole.get("lines") {
            let after = hole.get("after").and_then(|after| after.as_str()).unwrap_or("");
            text = slice(text, lines.as_array().unwrap_or_default(), after)
                .ok_or_else(|| format!("turn {turn} no longer has the lines {} after {after:?}", lines.raw))?;
        }
        match spelled {
            Some(value) if meant == Some(text) => Ok(Piece::Spelled(value)),
            Some(value) if text_of(value, self.arena) == text => Ok(Piece::Spelled(value)),
            _ => Ok(Piece::Text(text, Some(raw))),
        }
    }
}

enum Piece<'v> {
    /// The source's own value stands.
    Spelled(Node<'v>),
    /// A text, and the turn's node.
    Text(&'v str, Option<Node<'v>>),
}

/// The lines `[from, to]` of a text, without what stands before on the first of them.
fn slice<'t>(text: &'t str, lines: &[Node<'_>], after: &str) -> Option<&'t str> {
    let start = |line: usize| match line {
        0 => Some(0),
        _ => memchr::memchr_iter(b'\n', text.as_bytes()).nth(line - 1).map(|at| at + 1),
    };
    let from = start(number(lines.first()?)?)?;
    let to = match lines.get(1) {
        Some(to) => start(number(to)?)?.checked_sub(1)?,
        None => text.len(),
    };
    text.get(from..to)?.strip_prefix(after)
}
