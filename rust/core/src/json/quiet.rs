//! Strings in which nothing is to be looked at: no control character, no escape but the plainest ones,
//! no blank at the end of a line. Whether a string is quiet is told from its spelling, without decoding it.

/// What the spelling of a quiet string shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quiet {
    /// Where its closing quote stands.
    pub end: usize,
    /// Characters of the text that it stands for.
    pub characters: usize,
    /// Whether it has bytes beyond ASCII.
    pub high: bool,
}

/// Bytes that are looked at in one step.
const STEP: usize = 64;

/// Fills up a last step: of no interest.
const PADDING: u8 = b'x';

/// A bit for each byte of a step.
#[derive(Clone, Copy)]
struct Masks {
    /// Quotes and backslashes.
    stops: u64,
    /// Control characters of ASCII, delete included.
    controls: u64,
    /// Bytes beyond ASCII.
    high: u64,
    /// Bytes that go on with a character.
    continuing: u64,
}

/// The string whose text begins at `start`, behind its quote, if it is quiet. Its bytes must be UTF-8.
#[inline]
pub(crate) fn string(bytes: &[u8], start: usize) -> Option<Quiet> {
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx512bw") && std::arch::is_x86_feature_detected!("popcnt") {
            // SAFETY: the processor has both.
            return unsafe { string_avx512(bytes, start) };
        }
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2.
            return unsafe { string_avx2(bytes, start) };
        }
    }
    string_by(bytes, start, masks_plainly)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512bw,popcnt")]
fn string_avx512(bytes: &[u8], start: usize) -> Option<Quiet> {
    string_by(bytes, start, |block| masks_avx512(block))
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn string_avx2(bytes: &[u8], start: usize) -> Option<Quiet> {
    string_by(bytes, start, |block| masks_avx2(block))
}

#[inline(always)]
fn string_by(bytes: &[u8], start: usize, masks: impl Fn(&[u8; STEP]) -> Masks) -> Option<Quiet> {
    if !begins_quietly(bytes, start) {
        return None;
    }
    let mut at = start;
    // What is before was passed; an escape may reach into the next step.
    let mut passed = start;
    // Behind the last escaped tab: a line end there ends a line with a blank.
    let mut tab = 0;
    // Bytes that begin no character of the text.
    let mut silent = 0;
    let mut high = false;
    while at < bytes.len() {
        let found = match bytes.get(at..).and_then(<[u8]>::first_chunk) {
            Some(block) => masks(block),
            None => {
                let mut block = [PADDING; STEP];
                block[..bytes.len() - at].copy_from_slice(&bytes[at..]);
                masks(&block)
            }
        };
        let mut stops = found.stops;
        if passed > at {
            stops &= !1;
        }
        while stops != 0 {
            let bit = stops.trailing_zeros();
            let place = at + bit as usize;
            let after_blank = bytes[place - 1] == b' ' || tab == place;
            if bytes[place] == b'"' {
                let before = (1 << bit) - 1;
                if after_blank || found.controls & before != 0 {
                    return None;
                }
                silent += (found.continuing & before).count_ones() as usize;
                high |= found.high & before != 0;
                return Some(Quiet { end: place, characters: place - start - silent, high });
            }
            match bytes.get(place + 1)? {
                b'n' if !after_blank => {}
                b't' => tab = place + 2,
                b'"' | b'\\' | b'/' => {}
                _ => return None,
            }
            // Two bytes, one character.
            silent += 1;
            passed = place + 2;
            // Nor is the escaped character looked at.
            stops &= !(3 << bit);
        }
        if found.controls != 0 {
            return None;
        }
        if found.high != 0 {
            high = true;
            silent += found.continuing.count_ones() as usize;
        }
        at += STEP;
    }
    None
}

/// Whether the text begins, after spaces, with a character that is not white space: then it is not only that.
#[inline(always)]
fn begins_quietly(bytes: &[u8], start: usize) -> bool {
    let mut at = start;
    while bytes.get(at) == Some(&b' ') {
        at += 1;
    }
    match bytes.get(at) {
        None | Some(..=b' ' | b'"') => false,
        Some(b'\\') => matches!(bytes.get(at + 1), Some(b'"' | b'\\' | b'/')),
        Some(..0x80) => true,
        Some(_) => begins_with_sign(&bytes[at..]),
    }
}

/// Whether the first character, which is beyond ASCII, is not white space.
fn begins_with_sign(bytes: &[u8]) -> bool {
    let character = &bytes[..bytes.len().min(4)];
    let whole = match std::str::from_utf8(character) {
        Ok(text) => text,
        // The next one is cut off.
        Err(error) => std::str::from_utf8(&character[..error.valid_up_to()]).unwrap_or(""),
    };
    whole.chars().next().is_some_and(|character| !character.is_whitespace())
}

#[cfg_attr(target_arch = "x86_64", inline(never))]
fn masks_plainly(block: &[u8; STEP]) -> Masks {
    let bits = |is: fn(u8) -> bool| {
        block.iter().enumerate().fold(0, |mask, (bit, &byte)| if is(byte) { mask | 1 << bit } else { mask })
    };
    Masks {
        stops: bits(|byte| byte == b'"' || byte == b'\\'),
        controls: bits(|byte| byte.is_ascii_control()),
        high: bits(|byte| byte >= 0x80),
        continuing: bits(|byte| byte & 0xC0 == 0x80),
    }
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512bw")]
fn masks_avx512(block: &[u8; STEP]) -> Masks {
    use std::arch::x86_64::*;
    // SAFETY: 64 bytes are there.
    let chunk = unsafe { _mm512_loadu_si512(block.as_ptr().cast()) };
    let is = |byte: u8| _mm512_cmpeq_epi8_mask(chunk, _mm512_set1_epi8(byte as i8));
    // One more makes delete the least number there is: whatever is not printable is below 21.
    let moved = _mm512_add_epi8(chunk, _mm512_set1_epi8(1));
    let high = _mm512_movepi8_mask(chunk);
    Masks {
        stops: is(b'"') | is(b'\\'),
        controls: _mm512_cmplt_epi8_mask(moved, _mm512_set1_epi8(0x21)) & !high,
        high,
        continuing: _mm512_cmplt_epi8_mask(chunk, _mm512_set1_epi8(-0x40)),
    }
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2")]
fn masks_avx2(block: &[u8; STEP]) -> Masks {
    use std::arch::x86_64::*;
    let (halves, _) = block.as_chunks::<32>();
    let mut masks = Masks { stops: 0, controls: 0, high: 0, continuing: 0 };
    for (half, bytes) in halves.iter().enumerate() {
        // SAFETY: 32 bytes are there.
        let chunk = unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) };
        let mask = |vector| u64::from(_mm256_movemask_epi8(vector) as u32) << (32 * half);
        let is = |byte: u8| _mm256_cmpeq_epi8(chunk, _mm256_set1_epi8(byte as i8));
        let below = |vector, byte: i8| mask(_mm256_cmpgt_epi8(_mm256_set1_epi8(byte), vector));
        let high = mask(chunk);
        masks.stops |= mask(_mm256_or_si256(is(b'"'), is(b'\\')));
        // One more makes delete the least number there is: whatever is not printable is below 21.
        masks.controls |= below(_mm256_add_epi8(chunk, _mm256_set1_epi8(1)), 0x21) & !high;
        masks.high |= high;
        masks.continuing |= below(chunk, -0x40);
    }
    masks
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The same by the definition.
    fn by_definition(bytes: &[u8], start: usize) -> Option<Quiet> {
        let text = std::str::from_utf8(&bytes[start..]).ok()?;
        let mut end = None;
        let mut is_escaped = false;
        for (at, character) in text.char_indices() {
            match character {
                _ if is_escaped => is_escaped = false,
                '\\' => is_escaped = true,
                '"' => {
                    end = Some(at);
                    break;
                }
                _ => {}
            }
        }
        let raw = &text[..end?];
        let decoded: String = serde_json::from_str(&format!("\"{raw}\"")).ok()?;
        let simple = raw.replace("\\\\", "").split('\\').skip(1).all(|rest| rest.starts_with(['n', 't', '"', '/']));
        let calm = !raw.chars().any(|character| character.is_ascii_control())
            && !decoded.split('\n').any(|line| line.ends_with([' ', '\t']));
        let begins = decoded.trim_start_matches(' ').starts_with(|first: char| !first.is_whitespace());
        (simple && calm && begins).then(|| Quiet {
            end: start + raw.len(),
            characters: decoded.chars().count(),
            high: !raw.is_ascii(),
        })
    }

    fn agree(bytes: &[u8], start: usize) {
        let expected = by_definition(bytes, start);
        assert_eq!(string(bytes, start), expected, "{:?}", String::from_utf8_lossy(bytes));
        assert_eq!(string_by(bytes, start, masks_plainly), expected);
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2.
            assert_eq!(unsafe { string_avx2(bytes, start) }, expected);
        }
        if let Some(found) = expected {
            let decoded: String =
                serde_json::from_str(std::str::from_utf8(&bytes[start - 1..=found.end]).unwrap_or(""))
                    .unwrap_or_default();
            assert!(!decoded.trim().is_empty(), "only white space");
        }
    }

    #[test]
    fn what_a_string_begins_with() {
        for (text, is_quiet) in [
            ("a", true),
            ("  a", true),
            ("「", true),
            (" é", true),
            ("\\\"a", true),
            ("\u{3000}a", false),
            ("\u{a0}", false),
            (" ", false),
            ("", false),
            ("\\na", false),
            (" \\ta", false),
            ("\ta", false),
        ] {
            let bytes = format!("\"{text}\"");
            agree(bytes.as_bytes(), 1);
            assert_eq!(string(bytes.as_bytes(), 1).is_some(), is_quiet, "{text:?}");
        }
    }

    #[test]
    fn each_character_and_escape_at_each_place_of_a_step() {
        for piece in [
            "é", "\u{a0}", "\u{3000}", "漢", "\x01", "\x7f", "\\n", "\\t", "\\\\", "\\\"", "\\/", "\\r", "\\u00e9",
            " \\n", "\\t\\n", " ", "\\\\n", "\\",
        ] {
            for place in 0..140 {
                for rest in ["", "z", &"z".repeat(80)] {
                    let bytes = format!("\"{}{piece}{rest}\", \"next \\x\" ", "a".repeat(place)).into_bytes();
                    agree(&bytes, 1);
                    agree(&bytes[..bytes.len().saturating_sub(20).max(1)], 1);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn quiet_is_what_the_definition_says(
            pieces in proptest::collection::vec(prop_oneof![
                8 => "[a-zA-Z0-9 .,]{1,12}".boxed(),
                2 => prop_oneof![Just("\\n"), Just("\\t"), Just("\\\""), Just("\\\\"), Just("\\/"), Just(" \\n"), Just("\\r")].prop_map(str::to_owned).boxed(),
                1 => "\\PC{1,4}".boxed(),
            ], 0..12),
        ) {
            let bytes = format!("\"{}\"}}", pieces.concat()).into_bytes();
            agree(&bytes, 1);
        }
    }
}
