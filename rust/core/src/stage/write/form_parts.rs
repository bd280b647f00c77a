//! What the forms share: objects under construction, plain texts, carried fields.

use super::form::Inexpressible;
use super::form_canonical::write_text;
use crate::json::{write_compact, write_string};
use crate::record::{Content, Message, Record, Text};
use std::borrow::Cow;

/// A refusal.
pub(super) fn cannot<T>(reason: &'static str, detail: &'static str) -> Result<T, Inexpressible> {
    Err(Inexpressible { reason, detail })
}

/// A JSON object that is being written.
pub(super) struct Object<'o> {
    pub(super) out: &'o mut Vec<u8>,
    empty: bool,
}

impl<'o> Object<'o> {
    /// Opens it.
    pub(super) fn new(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, empty: true }
    }

    /// Writes a key; its value is to follow.
    pub(super) fn key(&mut self, key: &str) -> &mut Vec<u8> {
        if !self.empty {
            self.out.push(b',');
        }
        self.empty = false;
        write_string(self.out, key);
        self.out.push(b':');
        self.out
    }

    /// Writes every carried field but those that begin with `_`. `used` are the form's own keys.
    pub(super) fn carried(&mut self, record: &Record<'_>, used: &[&str]) -> Result<(), Inexpressible> {
        for member in record.fields.iter().filter(|member| !member.key.starts_with('_')) {
            if used.contains(&member.key) {
                return cannot("write.form.clash", "a carried field has the name of a member of the form");
            }
            write_compact(self.key(member.key), &member.value);
        }
        Ok(())
    }

    /// Closes it.
    pub(super) fn close(self) {
        self.out.push(b'}');
    }
}

/// What a turn says, if it is plain text: a string, nothing, or one part of text.
pub(super) fn plain<'m>(message: &'m Message<'_>) -> Result<Cow<'m, Text<'m>>, Inexpressible> {
    let empty = Text { value: "", raw: Some("\"\"") };
    Ok(match &message.content {
        Content::Text(text) => Cow::Borrowed(text),
        Content::Absent | Content::Null => Cow::Owned(empty),
        Content::Parts(parts) => match parts.as_slice() {
            [] => Cow::Owned(empty),
            [part] if part.text.is_some() => Cow::Owned(part.text.unwrap_or(empty)),
            _ => return cannot("write.form.parts", "a turn has several parts or a part that is not text"),
        },
    })
}

/// Writes a plain text as a JSON string.
pub(super) fn write_plain(out: &mut Vec<u8>, message: &Message<'_>) -> Result<(), Inexpressible> {
    write_text(out, &*plain(message)?);
    Ok(())
}

/// Refuses a turn that is more than a role and a text.
pub(super) fn only_text(message: &Message<'_>) -> Result<(), Inexpressible> {
    if message.tool_calls.is_some() {
        return cannot("write.form.calls", "a turn calls tools");
    }
    if message.reasoning.is_some() {
        return cannot("write.form.reasoning", "a turn has `reasoning_content`");
    }
    if message.fields.iter().any(|member| !member.key.starts_with('_')) {
        return cannot("write.form.fields", "a turn has fields beside role and text");
    }
    plain(message).map(|_| ())
}
