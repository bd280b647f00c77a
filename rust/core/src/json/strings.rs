//! Decoding and quoting of JSON strings.

use super::DefectKind;
use super::scan;
use bumpalo::Bump;
use bumpalo::collections::String as ArenaString;

/// Decodes the inside of a JSON string (without its quotes). Borrows where there is no escape.
/// `Err`: the place of a wrong escape, and what is wrong.
pub fn unescape<'a>(inside: &'a str, arena: &'a Bump) -> Result<&'a str, (usize, DefectKind)> {
    let bytes = inside.as_bytes();
    let Some(first) = memchr::memchr(b'\\', bytes) else { return Ok(inside) };
    let mut out = ArenaString::with_capacity_in(inside.len(), arena);
    out.push_str(&inside[..first]);
    let mut at = first;
    while at < bytes.len() {
        let (length, scalar) = escape(bytes, at).map_err(|kind| (at, kind))?;
        out.push(scalar);
        at += length;
        let next = memchr::memchr(b'\\', &bytes[at..]).map_or(bytes.len(), |next| at + next);
        out.push_str(&inside[at..next]);
        at = next;
    }
    Ok(out.into_bump_str())
}

/// What a letter after a backslash stands for, where that is one ASCII character; else 0.
pub(super) static SIMPLE: [u8; 256] = {
    let mut table = [0; 256];
    table[b'n' as usize] = b'\n';
    table[b'"' as usize] = b'"';
    table[b'\\' as usize] = b'\\';
    table[b'/' as usize] = b'/';
    table[b't' as usize] = b'\t';
    table[b'r' as usize] = b'\r';
    table[b'b' as usize] = 8;
    table[b'f' as usize] = 12;
    table
};

/// The escape that begins with the backslash at `at`: its length in bytes and its character.
#[inline]
pub(super) fn escape(bytes: &[u8], at: usize) -> Result<(usize, char), DefectKind> {
    let Some(&letter) = bytes.get(at + 1) else { return Err(DefectKind::Truncated) };
    match SIMPLE[usize::from(letter)] {
        0 if letter == b'u' => unicode(bytes, at),
        0 => Err(DefectKind::Syntax),
        simple => Ok((2, char::from(simple))),
    }
}

fn unicode(bytes: &[u8], at: usize) -> Result<(usize, char), DefectKind> {
    let unit = hex4(bytes, at + 2)?;
    let (length, scalar) = match unit {
        0xD800..=0xDBFF => {
            let low = (bytes.get(at + 6..at + 8) == Some(b"\\u"))
                .then(|| hex4(bytes, at + 8).ok())
                .flatten()
                .filter(|low| (0xDC00..=0xDFFF).contains(low))
                .ok_or(DefectKind::LoneSurrogate)?;
            (12, 0x10000 + ((u32::from(unit) - 0xD800) << 10) + (u32::from(low) - 0xDC00))
        }
        unit => (6, u32::from(unit)),
    };
    char::from_u32(scalar).map(|scalar| (length, scalar)).ok_or(DefectKind::LoneSurrogate)
}

/// The value of a hexadecimal digit, else 0xFF.
static HEX: [u8; 256] = {
    let mut table = [0xFF; 256];
    let mut digit = 0;
    while digit < 10 {
        table[b'0' as usize + digit] = digit as u8;
        digit += 1;
    }
    let mut letter = 0;
    while letter < 6 {
        table[b'a' as usize + letter] = 10 + letter as u8;
        table[b'A' as usize + letter] = 10 + letter as u8;
        letter += 1;
    }
    table
};

#[inline]
fn hex4(bytes: &[u8], at: usize) -> Result<u16, DefectKind> {
    let Some(digits) = bytes.get(at..at + 4) else {
        let all_hex = bytes[at.min(bytes.len())..].iter().all(|&digit| HEX[usize::from(digit)] != 0xFF);
        return Err(if all_hex { DefectKind::Truncated } else { DefectKind::Syntax });
    };
    let value = |index: usize| u16::from(HEX[usize::from(digits[index])]);
    let [a, b, c, d] = [value(0), value(1), value(2), value(3)];
    if a | b | c | d > 0xF {
        return Err(DefectKind::Syntax);
    }
    Ok(a << 12 | b << 8 | c << 4 | d)
}

/// The text as a JSON string with quotes, in the arena.
pub(super) fn quote<'a>(text: &str, arena: &'a Bump) -> &'a str {
    let bytes = text.as_bytes();
    let quoted: &[u8] = if scan::special(bytes, 0) == bytes.len() {
        arena.alloc_slice_fill_with(bytes.len() + 2, |at| {
            if at == 0 || at == bytes.len() + 1 { b'"' } else { bytes[at - 1] }
        })
    } else {
        let mut out = Vec::with_capacity(text.len() + 16);
        super::write::write_string(&mut out, text);
        arena.alloc_slice_copy(&out)
    };
    // SAFETY: UTF-8 with ASCII added.
    unsafe { std::str::from_utf8_unchecked(quoted) }
}
