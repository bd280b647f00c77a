//! Arguments of tool calls in one spelling: as Python's `json.dumps(value, ensure_ascii=False)`
//! writes them, but with numbers spelled as in the input.
//!
//! What counts as JSON is what Python's `json.loads` takes (`NaN` and `Infinity` too, of equal keys
//! the last), with half surrogate pairs as U+FFFD and nesting up to `DEPTH`.

use std::ops::Range;

/// Deepest nesting; deeper text is left as it stands.
const DEPTH: usize = 256;

/// Appends the one spelling of the JSON text. If it is not JSON, `out` is left as it was.
#[must_use]
pub fn respell(text: &str, out: &mut Vec<u8>) -> bool {
    let start = out.len();
    let mut writer = Writer { text: text.as_bytes(), at: 0, out, depth: 0 };
    writer.space();
    let done = writer.value().is_some() && {
        writer.space();
        writer.at == writer.text.len()
    };
    if !done {
        out.truncate(start);
    }
    done
}

/// Appends arguments that came as a string: respelled if they are a JSON object, else as they stand.
pub fn respell_string(text: &str, out: &mut Vec<u8>) {
    let object = text.trim_start_matches([' ', '\t', '\n', '\r']).starts_with('{');
    if !(object && respell(text, out)) {
        out.extend_from_slice(text.as_bytes());
    }
}

struct Writer<'t, 'o> {
    text: &'t [u8],
    at: usize,
    out: &'o mut Vec<u8>,
    depth: usize,
}

/// A member that was written: hash of its key, place of the key, place of the value.
struct Written {
    hash: u64,
    key: Range<usize>,
    value: Range<usize>,
}

impl Writer<'_, '_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self) -> Option<()> {
        match self.peek()? {
            b'"' => self.string(),
            b'{' => self.object(),
            b'[' => self.array(),
            b'-' if self.text[self.at..].starts_with(b"-Infinity") => self.word(b"-Infinity"),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            b'N' => self.word(b"NaN"),
            b'I' => self.word(b"Infinity"),
            _ => None,
        }
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.text[self.at..].starts_with(word).then_some(())?;
        self.out.extend_from_slice(word);
        self.at += word.len();
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    fn number(&mut self) -> Option<()> {
        let start = self.at;
        if self.peek() == Some(b'-') {
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
        self.out.extend_from_slice(&self.text[start..self.at]);
        Some(())
    }

    fn unit(&self, at: usize) -> Option<u32> {
        let digits = self.text.get(at..at + 4)?;
        digits.iter().try_fold(0, |value, &digit| Some(value << 4 | (digit as char).to_digit(16)?))
    }

    fn string(&mut self) -> Option<()> {
        self.at += 1;
        self.out.push(b'"');
        loop {
            let byte = self.peek()?;
            self.at += 1;
            let character = match byte {
                b'"' => break,
                0..0x20 => return None,
                b'\\' => self.escape()?,
                byte => {
                    self.out.push(byte);
                    continue;
                }
            };
            self.write(character);
        }
        self.out.push(b'"');
        Some(())
    }

    fn escape(&mut self) -> Option<char> {
        let escape = self.peek()?;
        self.at += 1;
        Some(match escape {
            b'"' | b'\\' | b'/' => char::from(escape),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = self.unit(self.at)?;
                self.at += 4;
                let low = if self.text[self.at..].starts_with(b"\\u") { self.unit(self.at + 2) } else { None };
                match (unit, low) {
                    (0xd800..=0xdbff, Some(low @ 0xdc00..=0xdfff)) => {
                        self.at += 6;
                        char::from_u32(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00))?
                    }
                    _ => char::from_u32(unit).unwrap_or('\u{fffd}'),
                }
            }
            _ => return None,
        })
    }

    fn write(&mut self, character: char) {
        let escape: &[u8] = match character {
            '"' => b"\\\"",
            '\\' => b"\\\\",
            '\n' => b"\\n",
            '\r' => b"\\r",
            '\t' => b"\\t",
            '\u{8}' => b"\\b",
            '\u{c}' => b"\\f",
            '\0'..='\u{1f}' => {
                self.out.extend_from_slice(format!("\\u{:04x}", character as u32).as_bytes());
                return;
            }
            _ => {
                self.out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                return;
            }
        };
        self.out.extend_from_slice(escape);
    }

    fn enter(&mut self) -> Option<()> {
        self.depth += 1;
        (self.depth <= DEPTH).then_some(())?;
        self.out.push(self.text[self.at]);
        self.at += 1;
        self.space();
        Some(())
    }

    fn leave(&mut self) -> Option<()> {
        self.depth -= 1;
        self.out.push(self.text[self.at]);
        self.at += 1;
        Some(())
    }

    fn array(&mut self) -> Option<()> {
        self.enter()?;
        if self.peek()? == b']' {
            return self.leave();
        }
        loop {
            self.value()?;
            self.space();
            match self.peek()? {
                b',' => self.at += 1,
                b']' => return self.leave(),
                _ => return None,
            }
            self.out.extend_from_slice(b", ");
            self.space();
        }
    }

    fn object(&mut self) -> Option<()> {
        self.enter()?;
        let start = self.out.len();
        if self.peek()? == b'}' {
            return self.leave();
        }
        let mut members: Vec<Written> = Vec::new();
        loop {
            let key_at = self.out.len();
            (self.peek()? == b'"').then_some(())?;
            self.string()?;
            let key = key_at..self.out.len();
            let hash = crate::text::hash::wide(&self.out[key.clone()])[0];
            self.space();
            (self.peek()? == b':').then_some(())?;
            self.at += 1;
            self.space();
            self.out.extend_from_slice(b": ");
            let value_at = self.out.len();
            self.value()?;
            members.push(Written { hash, key, value: value_at..self.out.len() });
            self.space();
            match self.peek()? {
                b',' => self.at += 1,
                b'}' => break,
                _ => return None,
            }
            self.out.extend_from_slice(b", ");
            self.space();
        }
        self.unite(start, &members);
        self.leave()
    }

    /// Of equal keys Python keeps the place of the first and the value of the last.
    fn unite(&mut self, start: usize, members: &[Written]) {
        let mut last = std::collections::HashMap::with_capacity(members.len());
        for (index, member) in members.iter().enumerate() {
            last.insert(member.hash, index);
        }
        if last.len() == members.len() {
            return;
        }
        let written = self.out.split_off(start);
        for member in members {
            let Some(index) = last.remove(&member.hash) else { continue };
            if self.out.len() > start {
                self.out.extend_from_slice(b", ");
            }
            self.out.extend_from_slice(&written[member.key.start - start..member.key.end - start]);
            self.out.extend_from_slice(b": ");
            let value = &members[index].value;
            self.out.extend_from_slice(&written[value.start - start..value.end - start]);
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn spelled(text: &str) -> Option<String> {
        let mut out = b"before".to_vec();
        let done = respell(text, &mut out);
        let out = String::from_utf8(out).unwrap();
        let out = out.strip_prefix("before").unwrap().to_owned();
        assert!(done || out.is_empty());
        done.then_some(out)
    }

    #[test]
    fn one_spelling() {
        for (text, expected) in [
            (
                r#" {"a":1.0,"b":[1e2 ,-0, 18446744073709551616],"c":{}} "#,
                r#"{"a": 1.0, "b": [1e2, -0, 18446744073709551616], "c": {}}"#,
            ),
            (r#"{"\u00e9":"\u4e2d\/\ud83d\ude00\u001f\u007f\ud800x"}"#, "{\"é\": \"中/😀\\u001f\u{7f}\u{fffd}x\"}"),
            (r#"{"a":1,"b":2,"a":[3],"c":{"x":1,"x":2}}"#, r#"{"a": [3], "b": 2, "c": {"x": 2}}"#),
            ("[NaN,Infinity,-Infinity,true,false,null,\"\"]", "[NaN, Infinity, -Infinity, true, false, null, \"\"]"),
            (r#"["\"\\\b\f\n\r\t"]"#, r#"["\"\\\b\f\n\r\t"]"#),
        ] {
            assert_eq!(spelled(text).as_deref(), Some(expected));
            assert_eq!(spelled(expected).as_deref(), Some(expected), "a second time");
        }
    }

    #[test]
    fn what_is_not_json_stays() {
        for text in [
            "",
            "{",
            "{a:1}",
            "{'a':1}",
            "{\"a\":01}",
            "{\"a\":1,}",
            "\"\n\"",
            "1 2",
            "\"\\x\"",
            "\"\\u12\"",
            "-",
            "[1",
        ] {
            assert_eq!(spelled(text), None, "{text}");
        }
        assert_eq!(spelled(&"[".repeat(100_000)), None);
        let mut out = Vec::new();
        respell_string("[1,2]", &mut out);
        respell_string("{bad", &mut out);
        respell_string(" {\"a\":1}", &mut out);
        assert_eq!(out, b"[1,2]{bad{\"a\": 1}");
    }
}
