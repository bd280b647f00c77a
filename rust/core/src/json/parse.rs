//! A strict RFC 8259 parser into an arena.
//!
//! One pass, no look-behind. Children are collected on a stack that outlives the call (one a
//! thread) and copied to the arena when their parent closes, so the arena holds nothing twice.

use super::decoded::Decoded;
use super::defect::{Defect, DefectKind};
use super::{Kind, Member, Node, scan};
use bumpalo::Bump;
use std::cell::RefCell;
use std::collections::HashSet;

/// Bounds of one value.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Deepest nesting of arrays and objects.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 256 }
    }
}

/// Objects with more members look their keys up in a set.
const FEW: usize = 24;

/// What a thread keeps between calls: emptied stacks and their memory.
#[derive(Default)]
struct Scratch {
    nodes: Vec<Node<'static>>,
    members: Vec<Member<'static>>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Parses one JSON value that fills `text` (white space around it aside).
/// Duplicate keys are a defect; the first defect found is returned.
pub fn parse<'a>(text: &'a str, arena: &'a Bump, limits: Limits) -> Result<Node<'a>, Defect> {
    run(text, arena, limits, false)
}

/// The same, but duplicate keys are kept as they stand.
pub(super) fn parse_keeping_duplicates<'a>(text: &'a str, arena: &'a Bump, limits: Limits) -> Result<Node<'a>, Defect> {
    run(text, arena, limits, true)
}

fn run<'a>(text: &'a str, arena: &'a Bump, limits: Limits, duplicates: bool) -> Result<Node<'a>, Defect> {
    let Scratch { nodes, members } = SCRATCH.take();
    let decoded = Decoded::new(arena);
    let mut parser =
        Parser { bytes: text.as_bytes(), at: 0, arena, depth_left: limits.depth, duplicates, nodes, members, decoded };
    parser.space();
    let found = parser.value().and_then(|node| {
        parser.space();
        if parser.at < parser.bytes.len() { Err(parser.trailing()) } else { Ok(node) }
    });
    let Parser { nodes, members, .. } = parser;
    SCRATCH.set(Scratch { nodes: recycle(nodes), members: recycle(members) });
    found
}

/// The memory of a stack without its elements, free of their lifetime: an in-place `collect`.
fn recycle<T, U>(mut stack: Vec<T>) -> Vec<U> {
    stack.clear();
    if stack.capacity() > 1 << 14 {
        return Vec::new();
    }
    #[expect(clippy::unreachable, reason = "the stack is empty")]
    stack.into_iter().map(|_| -> U { unreachable!() }).collect()
}

struct Parser<'a> {
    /// UTF-8. Every token begins and ends with ASCII, so slices between tokens are UTF-8 too.
    bytes: &'a [u8],
    at: usize,
    arena: &'a Bump,
    depth_left: usize,
    duplicates: bool,
    nodes: Vec<Node<'a>>,
    members: Vec<Member<'a>>,
    decoded: Decoded<'a>,
}

impl<'a> Parser<'a> {
    #[cold]
    fn defect(&self, kind: DefectKind) -> Defect {
        Defect { byte: self.at, kind }
    }

    #[cold]
    fn wrong(&self) -> Defect {
        self.defect(if self.at >= self.bytes.len() { DefectKind::Truncated } else { DefectKind::Syntax })
    }

    /// Something stands after the value.
    #[cold]
    fn trailing(&self) -> Defect {
        let rest = &self.bytes[self.at..];
        let comma = rest[0] == b',' && rest[1..].iter().all(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t'));
        self.defect(if comma { DefectKind::TrailingComma } else { DefectKind::Trailing })
    }

    #[inline(always)]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The text of a range whose ends are ends of tokens.
    #[inline(always)]
    fn slice(&self, start: usize, end: usize) -> &'a str {
        debug_assert!(std::str::from_utf8(&self.bytes[start..end]).is_ok());
        // SAFETY: `bytes` is UTF-8 and both ends stand beside an ASCII byte inside it.
        unsafe { std::str::from_utf8_unchecked(self.bytes.get_unchecked(start..end)) }
    }

    #[inline(always)]
    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
            // Indented text: eight blanks at a time.
            while self.bytes.get(self.at..self.at + 8) == Some(b"        ") {
                self.at += 8;
            }
        }
    }

    fn value(&mut self) -> Result<Node<'a>, Defect> {
        let start = self.at;
        let kind = match self.peek() {
            Some(b'"') => {
                let (raw, text) = self.string()?;
                return Ok(Node { raw, kind: Kind::String(text) });
            }
            Some(b'{') => self.object()?,
            Some(b'[') => self.array()?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.word("true", Kind::Bool(true))?,
            Some(b'f') => self.word("false", Kind::Bool(false))?,
            Some(b'n') => self.word("null", Kind::Null)?,
            Some(b'N' | b'I') => return Err(self.non_finite()),
            _ => return Err(self.wrong()),
        };
        Ok(Node { raw: self.slice(start, self.at), kind })
    }

    #[cold]
    fn non_finite(&self) -> Defect {
        let rest = &self.bytes[self.at..];
        if rest.starts_with(b"NaN") || rest.starts_with(b"Infinity") || rest.starts_with(b"-Infinity") {
            self.defect(DefectKind::NonFinite)
        } else {
            self.wrong()
        }
    }

    fn word(&mut self, word: &str, kind: Kind<'a>) -> Result<Kind<'a>, Defect> {
        let rest = &self.bytes[self.at..];
        if !rest.starts_with(word.as_bytes()) {
            let truncated = word.as_bytes().starts_with(rest);
            return Err(self.defect(if truncated { DefectKind::Truncated } else { DefectKind::Syntax }));
        }
        self.at += word.len();
        Ok(kind)
    }

    fn digits(&mut self) -> Result<(), Defect> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(self.wrong());
        }
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Kind<'a>, Defect> {
        if self.peek() == Some(b'-') {
            if self.bytes.get(self.at + 1) == Some(&b'I') {
                return Err(self.non_finite());
            }
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(Kind::Number)
    }

    /// The string's spelling with quotes, and its text.
    #[inline(always)]
    fn string(&mut self) -> Result<(&'a str, &'a str), Defect> {
        let start = self.at;
        let stop = scan::special(self.bytes, start + 1);
        match self.bytes.get(stop) {
            Some(b'"') => {
                self.at = stop + 1;
                Ok((self.slice(start, stop + 1), self.slice(start + 1, stop)))
            }
            Some(b'\\') => self.escaped_string(start, stop),
            found => Err(self.broken_string(found, stop)),
        }
    }

    #[cold]
    fn broken_string(&self, found: Option<&u8>, at: usize) -> Defect {
        Defect { byte: at, kind: if found.is_none() { DefectKind::Truncated } else { DefectKind::Control } }
    }

    /// The same for a string whose first escape stands at `at`.
    fn escaped_string(&mut self, start: usize, at: usize) -> Result<(&'a str, &'a str), Defect> {
        let (text, stop) = self.decoded.text(self.bytes, start, at)?;
        self.at = stop + 1;
        Ok((self.slice(start, stop + 1), text))
    }

    #[inline(always)]
    fn enter(&mut self) -> Result<(), Defect> {
        if self.depth_left == 0 {
            return Err(self.defect(DefectKind::Depth));
        }
        self.depth_left -= 1;
        self.at += 1;
        self.space();
        Ok(())
    }

    /// What follows an element: `true` for a comma (and another element), `false` for the end.
    #[inline(always)]
    fn more(&mut self, close: u8) -> Result<bool, Defect> {
        self.space();
        match self.peek() {
            Some(b',') => {
                let comma = self.at;
                self.at += 1;
                self.space();
                if self.peek() == Some(close) {
                    return Err(Defect { byte: comma, kind: DefectKind::TrailingComma });
                }
                Ok(true)
            }
            Some(byte) if byte == close => Ok(false),
            _ => Err(self.wrong()),
        }
    }

    fn array(&mut self) -> Result<Kind<'a>, Defect> {
        self.enter()?;
        let first = self.nodes.len();
        if self.peek() != Some(b']') {
            loop {
                let node = self.value()?;
                self.nodes.push(node);
                if !self.more(b']')? {
                    break;
                }
            }
        }
        self.at += 1;
        self.depth_left += 1;
        let items = self.arena.alloc_slice_copy(&self.nodes[first..]);
        self.nodes.truncate(first);
        Ok(Kind::Array(items))
    }

    fn object(&mut self) -> Result<Kind<'a>, Defect> {
        self.enter()?;
        let first = self.members.len();
        let mut seen = None;
        if self.peek() != Some(b'}') {
            loop {
                if self.peek() != Some(b'"') {
                    return Err(self.wrong());
                }
                let key_at = self.at;
                let (raw_key, key) = self.string()?;
                if !self.duplicates && self.is_twice(key, first, &mut seen) {
                    return Err(Defect { byte: key_at, kind: DefectKind::DuplicateKey });
                }
                self.space();
                if self.peek() != Some(b':') {
                    return Err(self.wrong());
                }
                self.at += 1;
                self.space();
                let value = self.value()?;
                self.members.push(Member { key, raw_key, value });
                if !self.more(b'}')? {
                    break;
                }
            }
        }
        self.at += 1;
        self.depth_left += 1;
        let members = self.arena.alloc_slice_copy(&self.members[first..]);
        self.members.truncate(first);
        Ok(Kind::Object(members))
    }

    /// Whether an earlier member of the object that began at `first` has this key.
    #[inline(always)]
    fn is_twice(&self, key: &'a str, first: usize, seen: &mut Option<HashSet<&'a str>>) -> bool {
        let members = &self.members[first..];
        if members.len() <= FEW {
            return members.iter().any(|member| member.key == key);
        }
        // Seeded at random, so that no input can make it slow; only membership is asked.
        !seen.get_or_insert_with(|| members.iter().map(|member| member.key).collect()).insert(key)
    }
}
