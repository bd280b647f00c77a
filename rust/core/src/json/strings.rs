//! Decoding and quoting of JSON strings.

use super::parse::DefectKind;
use bumpalo::Bump;
use bumpalo::collections::String as ArenaString;

/// Decodes the inside of a JSON string (without its quotes). Borrows where there is no escape.
pub fn unescape<'a>(inside: &'a str, arena: &'a Bump) -> Result<&'a str, (usize, DefectKind)> {
    let bytes = inside.as_bytes();
    let Some(first) = memchr::memchr(b'\\', bytes) else { return Ok(inside) };
    let mut out = ArenaString::with_capacity_in(inside.len(), arena);
    let mut copied = 0;
    let mut at = first;
    loop {
        out.push_str(&inside[copied..at]);
        let escape = *bytes.get(at + 1).ok_or((at, DefectKind::Syntax))?;
        let simple = match escape {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = hex4(bytes, at + 2).ok_or((at, DefectKind::Syntax))?;
                let (scalar, length) = match unit {
                    0xD800..=0xDBFF => {
                        let low = (bytes.get(at + 6) == Some(&b'\\') && bytes.get(at + 7) == Some(&b'u'))
                            .then(|| hex4(bytes, at + 8))
                            .flatten()
                            .filter(|low| (0xDC00..=0xDFFF).contains(low))
                            .ok_or((at, DefectKind::LoneSurrogate))?;
                        (0x10000 + ((u32::from(unit) - 0xD800) << 10) + (u32::from(low) - 0xDC00), 12)
                    }
                    0xDC00..=0xDFFF => return Err((at, DefectKind::LoneSurrogate)),
                    unit => (u32::from(unit), 6),
                };
                out.push(char::from_u32(scalar).ok_or((at, DefectKind::Syntax))?);
                copied = at + length;
                match memchr::memchr(b'\\', &bytes[copied..]) {
                    Some(next) => at = copied + next,
                    None => break,
                }
                continue;
            }
            _ => return Err((at, DefectKind::Syntax)),
        };
        out.push(simple);
        copied = at + 2;
        match memchr::memchr(b'\\', &bytes[copied..]) {
            Some(next) => at = copied + next,
            None => break,
        }
    }
    out.push_str(&inside[copied..]);
    Ok(out.into_bump_str())
}

fn hex4(bytes: &[u8], at: usize) -> Option<u16> {
    let digits = bytes.get(at..at + 4)?;
    let mut value = 0u16;
    for &digit in digits {
        value = value << 4 | (digit as char).to_digit(16)? as u16;
    }
    Some(value)
}

/// The text as a JSON string with quotes, in the arena.
pub(super) fn quote<'a>(text: &str, arena: &'a Bump) -> &'a str {
    let mut out = Vec::with_capacity(text.len() + 2);
    super::write::write_string(&mut out, text);
    // SAFETY: `write_string` copies UTF-8 and adds ASCII.
    arena.alloc_str(unsafe { std::str::from_utf8_unchecked(&out) })
}
