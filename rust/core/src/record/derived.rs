//! What follows from a record and is asked in more than one place.

use super::{Content, Message, Record, Role};

impl<'a> Record<'a> {
    /// Where the record is from: the declared `_source`, else the name of the input file.
    pub fn source(&self) -> &'a str {
        match self.field("_source").and_then(|node| node.as_str()) {
            Some(declared) => declared,
            None => {
                let path = self.origin.path;
                // Both separators are ASCII, so what follows one is text.
                memchr::memrchr2(b'/', b'\\', path.as_bytes()).and_then(|at| path.get(at + 1..)).unwrap_or(path)
            }
        }
    }

    /// Characters (Unicode scalar values) of assistant text: what the record teaches. Of a text, all of it.
    pub fn taught(&self) -> u64 {
        let taught = self.messages.iter().filter(|message| matches!(message.role, Role::Assistant | Role::Text));
        taught.map(Message::characters).sum()
    }
}

impl Message<'_> {
    /// Characters (Unicode scalar values) that the turn says: content, text parts, reasoning.
    pub fn characters(&self) -> u64 {
        let content = match &self.content {
            Content::Text(text) => characters(text.value),
            Content::Parts(parts) => parts.iter().filter_map(|part| part.text).map(|text| characters(text.value)).sum(),
            Content::Absent | Content::Null => 0,
        };
        (content + self.reasoning.map_or(0, |text| characters(text.value))) as u64
    }
}

/// Most text is ASCII, which is told far faster than characters are counted.
fn characters(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().count() }
}
