//! Builds a record from an object whose shape is not the canonical one, and notes how the object
//! can be built again.
//!
//! A family names the members that it takes and the nodes that its turns come from. Everything
//! else travels as a field. What `restore` needs is written only where the family's default
//! template does not say it already, so that ordinary records carry nothing but their family's name.

use super::context::Context;
use super::hole::{Hole, Piece, Shape, Side};
use super::template_writer::write_template;
use super::values::{is_blank, text_of};
use crate::json::{self, Kind, Limits, Node};
use crate::record::{Message, Origin, Record, Role, Text};
use bumpalo::Bump;
use bumpalo::collections::{String as ArenaString, Vec as ArenaVec};

/// A template nests a few levels deeper than its record, whose depth the parser has bounded.
pub(super) const TEMPLATE_LIMITS: Limits = Limits { depth: 1100 };

/// Part of a turn that is joined from several values.
#[derive(Clone, Copy)]
pub(super) enum Join<'a> {
    /// Text of ours between two values.
    Literal(&'a str),
    /// A value of the source. It has to begin on a line of its own, literals on that line aside.
    Value(Node<'a>),
}

/// Part of a text that holds several turns.
#[derive(Clone, Copy)]
pub(super) enum Cut<'a> {
    /// Markup that belongs to no turn.
    Markup(&'a str),
    /// A turn's text.
    Turn(Role, &'a str),
    /// The text of a turn that is there already.
    Again(Side, usize),
}

/// A record under construction.
pub(super) struct Draft<'a> {
    arena: &'a Bump,
    messages: ArenaVec<'a, Message<'a>>,
    rejected: ArenaVec<'a, Message<'a>>,
    tools: Option<Node<'a>>,
    taken: ArenaVec<'a, &'a str>,
    holes: ArenaVec<'a, Hole<'a>>,
    template: Option<&'static str>,
}

impl<'a> Draft<'a> {
    /// An empty record.
    pub(super) fn new(arena: &'a Bump) -> Self {
        Self {
            arena,
            messages: ArenaVec::new_in(arena),
            rejected: ArenaVec::new_in(arena),
            tools: None,
            taken: ArenaVec::new_in(arena),
            holes: ArenaVec::new_in(arena),
            template: Some(""),
        }
    }

    /// Takes the top-level member `key`: it will not travel as a field.
    pub(super) fn take(&mut self, key: &'a str) {
        self.taken.push(key);
    }

    /// Says that the template called `name` (empty: the dialect's default) describes this record.
    pub(super) fn template_is(&mut self, name: &'static str) {
        self.template = Some(name);
    }

    /// Whether a template which the family knows by name still describes this record: every value so
    /// far was a text that says something, and was taken whole.
    pub(super) fn template_is_known(&self) -> bool {
        self.template.is_some()
    }

    /// Says that no template which the family knows by name describes this record.
    pub(super) fn template_is_own(&mut self) {
        self.template = None;
    }

    /// How many turns there are so far on this side.
    pub(super) fn turns(&self, side: Side) -> usize {
        match side {
            Side::Messages => self.messages.len(),
            Side::Rejected => self.rejected.len(),
        }
    }

    fn push(&mut self, side: Side, message: Message<'a>) -> usize {
        let turns = match side {
            Side::Messages => &mut self.messages,
            Side::Rejected => &mut self.rejected,
        };
        turns.push(message);
        turns.len() - 1
    }

    fn hole(&mut self, value: Node<'a>, side: Side, turn: usize, shape: Shape<'a>) {
        self.holes.push(Hole { address: value.raw.as_ptr() as usize, side, turn, shape });
    }

    /// A turn that says this value: a string as it is, another value by its text
    /// ([`text_of`]), its spelling being kept for the way back.
    pub(super) fn turn(&mut self, role: Role, value: Node<'a>) {
        self.turn_on(Side::Messages, role, value);
    }

    /// The same for the rejected answer.
    pub(super) fn reject(&mut self, role: Role, value: Node<'a>) {
        self.turn_on(Side::Rejected, role, value);
    }

    /// The same on either side. Returns the turn's number.
    pub(super) fn turn_on(&mut self, side: Side, role: Role, value: Node<'a>) -> usize {
        let (text, shape) = match Text::from_node(value) {
            Some(text) if !is_blank(text.value) => (text, Shape::Whole),
            Some(text) => (text, Shape::Spelled(value)),
            None => (Text::new(text_of(value, self.arena)), Shape::Spelled(value)),
        };
        if matches!(shape, Shape::Spelled(_)) {
            self.template = None;
        }
        let turn = self.push(side, Message::text(role, text, self.arena));
        self.hole(value, side, turn, shape);
        turn
    }

    /// A turn that says in other words what the value means, as `D` for the choice 3.
    pub(super) fn turn_meant(&mut self, role: Role, value: Node<'a>, text: &'a str) {
        self.template = None;
        let turn = self.push(Side::Messages, Message::text(role, Text::new(text), self.arena));
        self.hole(value, Side::Messages, turn, Shape::Meant { value, text });
    }

    /// Notes that this value repeats turn `turn`.
    pub(super) fn again(&mut self, value: Node<'a>, side: Side, turn: usize) {
        self.hole(value, side, turn, Shape::Whole);
    }

    /// A turn that the source has as a whole message.
    pub(super) fn message(&mut self, side: Side, value: Node<'a>, message: Message<'a>) -> usize {
        let turn = self.push(side, message);
        self.hole(value, side, turn, Shape::Message);
        turn
    }

    /// Notes that this value repeats the whole message `turn`.
    pub(super) fn message_again(&mut self, value: Node<'a>, side: Side, turn: usize) {
        self.hole(value, side, turn, Shape::Message);
    }

    /// A turn joined from several values, which its lines tell apart again.
    pub(super) fn joined(&mut self, role: Role, parts: &[Join<'a>]) {
        let mut text = ArenaString::new_in(self.arena);
        let turn = self.messages.len();
        let mut line = 0;
        let mut line_start = 0;
        for (index, part) in parts.iter().enumerate() {
            match *part {
                Join::Literal(literal) => {
                    text.push_str(literal);
                    line += newlines(literal);
                    line_start = literal.rfind('\n').map_or(line_start, |at| text.len() - literal.len() + at + 1);
                }
                Join::Value(value) => {
                    let said = text_of(value, self.arena);
                    let prefix = self.arena.alloc_str(&text[line_start..]);
                    text.push_str(said);
                    let last = line + newlines(said);
                    let to = (index + 1 < parts.len()).then_some(last + 1);
                    let spelled = (value.as_str().is_none() || is_blank(said)).then_some(value);
                    self.hole(value, Side::Messages, turn, Shape::Lines { from: line, to, after: prefix, spelled });
                    line = last;
                    line_start = said.rfind('\n').map_or(line_start, |at| text.len() - said.len() + at + 1);
                }
            }
        }
        self.template = None;
        self.push(Side::Messages, Message::text(role, Text::new(text.into_bump_str()), self.arena));
    }

    /// Several turns out of one string.
    pub(super) fn split(&mut self, side: Side, value: Node<'a>, cuts: &[Cut<'a>]) {
        let mut pieces = ArenaVec::with_capacity_in(cuts.len(), self.arena);
        for cut in cuts {
            pieces.push(match *cut {
                Cut::Markup(text) => Piece::Literal(text),
                Cut::Again(side, turn) => Piece::Turn { side, turn, blank: None },
                Cut::Turn(role, text) => {
                    let turn = self.push(side, Message::text(role, Text::new(text), self.arena));
                    Piece::Turn { side, turn, blank: is_blank(text).then_some(text) }
                }
            });
        }
        self.template = None;
        self.hole(value, side, 0, Shape::Text(pieces.into_bump_slice()));
    }

    /// The turns so far, for a family that has more to say about one.
    pub(super) fn messages(&mut self) -> &mut [Message<'a>] {
        &mut self.messages
    }

    /// Tool definitions that the source has under another name or deeper down.
    pub(super) fn tools(&mut self, value: Node<'a>) {
        self.tools = Some(value);
        self.hole(value, Side::Messages, 0, Shape::Tools);
    }

    /// The record. `source` is the whole object.
    pub(super) fn finish(
        mut self,
        family: &'static str,
        dialect: &'static str,
        source: Node<'a>,
        origin: Origin<'a>,
        context: &Context<'a, '_>,
    ) -> Record<'a> {
        if self.tools.is_none() && !self.taken.contains(&"tools") {
            let definitions = |tools: &Node<'a>| {
                tools
                    .as_array()
                    .is_some_and(|tools| !tools.is_empty() && tools.iter().all(|tool| tool.as_object().is_some()))
            };
            if let Some(tools) = source.get("tools").filter(definitions) {
                self.take("tools");
                self.tools(tools);
                self.template = None;
            }
        }
        let mut record = context.record(family, dialect, origin, &source, &self.taken);
        if self.template != Some("") {
            let template = self.template(source);
            context.remember(&mut record, "template", template);
        }
        record.messages = self.messages;
        record.tools = self.tools;
        record.rejected = (!self.rejected.is_empty()).then_some(self.rejected);
        record
    }

    /// The name of a template that the family knows, or the taken members with holes for the turns.
    fn template(&self, source: Node<'a>) -> Node<'a> {
        if let Some(name) = self.template {
            return Node::string(name, self.arena);
        }
        let mut out = Vec::with_capacity(source.raw.len() / 2 + 64);
        write_template(&mut out, &self.taken, source.as_object().unwrap_or_default(), &self.holes);
        let raw = &*self.arena.alloc_str(&String::from_utf8_lossy(&out));
        let kind = json::parse(raw, self.arena, TEMPLATE_LIMITS).map_or(Kind::Null, |node| node.kind);
        Node { raw, kind }
    }
}

fn newlines(text: &str) -> usize {
    memchr::memchr_iter(b'\n', text.as_bytes()).count()
}
