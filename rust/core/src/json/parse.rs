//! A strict RFC 8259 parser into an arena.

use super::{Kind, Member, Node, strings};
use bumpalo::Bump;
use bumpalo::collections::Vec as ArenaVec;

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

/// Why a text is not the JSON we take, and where (byte offset in the text).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Defect {
    /// Byte offset in the text that was parsed.
    pub byte: usize,
    /// What is wrong there.
    pub kind: DefectKind,
}

/// The kinds of defect; each has a reason code `parse.<code>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DefectKind {
    /// Not JSON.
    Syntax,
    /// The text ends inside a value.
    Truncated,
    /// More text after the value.
    Trailing,
    /// `NaN`, `Infinity` or `-Infinity`.
    NonFinite,
    /// Half of a surrogate pair, escaped.
    LoneSurrogate,
    /// A raw control character inside a string.
    Control,
    /// A key stands twice in one object.
    DuplicateKey,
    /// Nested deeper than the limit.
    Depth,
    /// Bytes that are not UTF-8.
    Encoding,
    /// A comma before a closing bracket.
    TrailingComma,
}

impl DefectKind {
    /// The reason code's last part: `syntax` of `parse.syntax`.
    pub fn code(self) -> &'static str {
        let reason = self.reason();
        reason.strip_prefix("parse.").unwrap_or(reason)
    }

    /// The reason code.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Syntax => "parse.syntax",
            Self::Truncated => "parse.truncated",
            Self::Trailing => "parse.trailing",
            Self::NonFinite => "parse.non_finite",
            Self::LoneSurrogate => "parse.lone_surrogate",
            Self::Control => "parse.control",
            Self::DuplicateKey => "parse.duplicate_key",
            Self::Depth => "parse.depth",
            Self::Encoding => "parse.encoding",
            Self::TrailingComma => "parse.trailing_comma",
        }
    }
}

/// Parses one JSON value that fills `text` (white space around it aside).
/// Duplicate keys are a defect; the first defect found is returned.
pub fn parse<'a>(text: &'a str, arena: &'a Bump, limits: Limits) -> Result<Node<'a>, Defect> {
    let mut parser = Parser { text, bytes: text.as_bytes(), at: 0, arena, depth_left: limits.depth };
    parser.space();
    let node = parser.value()?;
    parser.space();
    if parser.at < parser.bytes.len() {
        return Err(parser.defect(DefectKind::Trailing));
    }
    Ok(node)
}

struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    arena: &'a Bump,
    depth_left: usize,
}

impl<'a> Parser<'a> {
    fn defect(&self, kind: DefectKind) -> Defect {
        Defect { byte: self.at, kind }
    }

    fn wrong(&self) -> Defect {
        self.defect(if self.at >= self.bytes.len() { DefectKind::Truncated } else { DefectKind::Syntax })
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn value(&mut self) -> Result<Node<'a>, Defect> {
        let start = self.at;
        let kind = match self.peek() {
            Some(b'"') => {
                let (_, decoded) = self.string()?;
                Kind::String(decoded)
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
        Ok(Node { raw: &self.text[start..self.at], kind })
    }

    fn non_finite(&self) -> Defect {
        let rest = &self.bytes[self.at..];
        if rest.starts_with(b"NaN") || rest.starts_with(b"Infinity") || rest.starts_with(b"-Infinity") {
            self.defect(DefectKind::NonFinite)
        } else {
            self.wrong()
        }
    }

    fn word(&mut self, word: &str, kind: Kind<'a>) -> Result<Kind<'a>, Defect> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(self.wrong());
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
    fn string(&mut self) -> Result<(&'a str, &'a str), Defect> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek() {
                None => return Err(self.defect(DefectKind::Truncated)),
                Some(b'"') => break,
                Some(b'\\') => self.at += 2,
                Some(0..0x20) => return Err(self.defect(DefectKind::Control)),
                Some(_) => self.at += 1,
            }
        }
        if self.at >= self.bytes.len() {
            return Err(Defect { byte: self.bytes.len(), kind: DefectKind::Truncated });
        }
        self.at += 1;
        let raw = &self.text[start..self.at];
        let decoded = strings::unescape(&raw[1..raw.len() - 1], self.arena)
            .map_err(|(byte, kind)| Defect { byte: start + 1 + byte, kind })?;
        Ok((raw, decoded))
    }

    fn enter(&mut self) -> Result<(), Defect> {
        self.depth_left = self.depth_left.checked_sub(1).ok_or(self.defect(DefectKind::Depth))?;
        self.at += 1;
        self.space();
        Ok(())
    }

    fn array(&mut self) -> Result<Kind<'a>, Defect> {
        self.enter()?;
        let mut items = ArenaVec::new_in(self.arena);
        if self.peek() != Some(b']') {
            loop {
                items.push(self.value()?);
                self.space();
                match self.peek() {
                    Some(b',') => self.at += 1,
                    Some(b']') => break,
                    _ => return Err(self.wrong()),
                }
                self.space();
            }
        }
        self.at += 1;
        self.depth_left += 1;
        Ok(Kind::Array(items.into_bump_slice()))
    }

    fn object(&mut self) -> Result<Kind<'a>, Defect> {
        self.enter()?;
        let mut members: ArenaVec<'a, Member<'a>> = ArenaVec::new_in(self.arena);
        if self.peek() != Some(b'}') {
            loop {
                if self.peek() != Some(b'"') {
                    return Err(self.wrong());
                }
                let key_at = self.at;
                let (raw_key, key) = self.string()?;
                if members.iter().any(|member| member.key == key) {
                    return Err(Defect { byte: key_at, kind: DefectKind::DuplicateKey });
                }
                self.space();
                if self.peek() != Some(b':') {
                    return Err(self.wrong());
                }
                self.at += 1;
                self.space();
                let value = self.value()?;
                members.push(Member { key, raw_key, value });
                self.space();
                match self.peek() {
                    Some(b',') => self.at += 1,
                    Some(b'}') => break,
                    _ => return Err(self.wrong()),
                }
                self.space();
            }
        }
        self.at += 1;
        self.depth_left += 1;
        Ok(Kind::Object(members.into_bump_slice()))
    }
}
