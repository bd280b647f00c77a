//! Character references, as HTML 5 defines them, with their semicolon: without it `?a=1&copy=2`
//! would become a copyright sign.

use bumpalo::collections::String as ArenaString;
use std::borrow::Cow;

/// The longest name, `CounterClockwiseContourIntegral;`, has 32 bytes.
const LONGEST: usize = 32;

/// Appends `text` with its references decoded; how many there were. What is escaped twice is
/// decoded twice. With `keep_angles`, those that stand for `<` stay.
pub(super) fn decode(text: &str, out: &mut ArenaString<'_>, keep_angles: bool) -> u32 {
    let bytes = text.as_bytes();
    let mut count = 0;
    let mut copied = 0;
    let mut from = 0;
    while let Some(position) = memchr::memchr(b'&', &bytes[from..]) {
        let start = from + position;
        // `&amp;lt;` is `&lt;` is `<`: an ampersand that comes out is read on with what follows it.
        let mut body = start + 1;
        let mut nested = 0;
        let character = loop {
            let Some((length, decoded)) = reference(&text[body..]) else {
                break (nested > 0).then_some(Cow::Borrowed("&"));
            };
            if keep_angles && decoded == "<" {
                break (nested > 0).then_some(Cow::Borrowed("&"));
            }
            body += length;
            nested += 1;
            if decoded != "&" {
                break Some(decoded);
            }
        };
        from = body;
        if let Some(character) = character {
            out.push_str(&text[copied..start]);
            out.push_str(&character);
            copied = body;
            count += nested;
        }
    }
    out.push_str(&text[copied..]);
    count
}

/// The reference whose text after the ampersand starts `rest`: its length with the semicolon, and
/// what it stands for.
fn reference(rest: &str) -> Option<(usize, Cow<'static, str>)> {
    let head = rest.as_bytes().get(..LONGEST.min(rest.len()))?;
    let length = head.iter().position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'#')?;
    if head[length] != b';' || length == 0 {
        return None;
    }
    let mut whole = String::with_capacity(length + 2);
    whole.push('&');
    whole.push_str(&rest[..=length]);
    let decoded = htmlize::unescape(whole.as_str());
    // The library also reads names without their semicolon; those leave a rest that ends with it.
    let is_whole = decoded != whole && (!decoded.ends_with(';') || &rest[..length] == "semi" || decoded == ";");
    is_whole.then(|| (length + 1, Cow::Owned(decoded.into_owned())))
}
