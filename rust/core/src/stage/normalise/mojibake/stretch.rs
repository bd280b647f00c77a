//! Stretches of text whose bytes in a single-byte encoding are valid UTF-8, weighed.

use super::class::Class;
use super::codec::Codec;
use super::cost::Reading;
use bumpalo::Bump;
use bumpalo::collections::Vec as ArenaVec;

/// Misread characters that follow each other without a gap.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    /// Where it starts in the text.
    pub(super) start: usize,
    /// Where it ends.
    pub(super) end: usize,
    /// How many characters it has as it stands.
    pub(super) characters: usize,
    /// How much less odd its decoding is.
    pub(super) gain: i32,
    /// Whether it decodes to one letter of another script, which proves little.
    pub(super) lone: bool,
    /// Whether its decoding holds nothing that stands in no text, and it is not itself the subject:
    /// a letter in quotation marks, a stretch that is all of a code span (`Ã©` in a text about this).
    pub(super) possible: bool,
    /// Whether it is to be repaired.
    pub(super) chosen: bool,
}

/// The character whose UTF-8 bytes are spelled by the first characters of `text` in `codec`, how
/// many bytes of `text` and how many characters they are.
fn first_character(text: &str, codec: Codec) -> Option<(char, usize, usize)> {
    let mut characters = text.chars();
    let first = characters.next()?;
    let lead = u32::from(codec.byte(first)?);
    let (later, mut code, least) = match lead {
        0xC2..=0xDF => (1, lead & 0x1F, 0x80),
        0xE0..=0xEF => (2, lead & 0x0F, 0x800),
        0xF0..=0xF4 => (3, lead & 0x07, 0x10000),
        _ => return None,
    };
    let mut length = first.len_utf8();
    for _ in 0..later {
        let next = characters.next()?;
        let byte = codec.byte(next).filter(|byte| (0x80..0xC0).contains(byte))?;
        code = code << 6 | u32::from(byte & 0x3F);
        length += next.len_utf8();
    }
    let character = char::from_u32(code).filter(|_| code >= least)?;
    Some((character, length, later + 1))
}

/// Decodes a stretch.
pub(super) fn decode(mut stretch: &str, codec: Codec, mut push: impl FnMut(char)) {
    while let Some((character, length, _)) = first_character(stretch, codec) {
        push(character);
        stretch = &stretch[length..];
    }
}

/// All stretches of `text`, in order.
pub(super) fn find<'a>(text: &str, codec: Codec, arena: &'a Bump) -> ArenaVec<'a, Stretch> {
    let mut found = ArenaVec::new_in(arena);
    let mut at = 0;
    while let Some(skip) = crate::text::normal::first_non_ascii(&text.as_bytes()[at..]) {
        at += skip;
        match weigh(text, at, codec) {
            Some(stretch) => {
                at = stretch.end;
                found.push(stretch);
            }
            None => at += text[at..].chars().next().map_or(1, char::len_utf8),
        }
    }
    found
}

/// The stretch that starts at `start`, if one does.
fn weigh(text: &str, start: usize, codec: Codec) -> Option<Stretch> {
    let mut next = first_character(&text[start..], codec);
    next?;
    let previous = text[..start].chars().next_back();
    let previous_class = previous.map_or(Class::Space, Class::of);
    let mut given = Reading::after(previous_class);
    let mut decoded = Reading::after(previous_class);
    let mut stretch = Stretch { start, end: start, characters: 0, gain: 0, lone: false, possible: true, chosen: false };
    let mut letters = 0;
    let mut foreign = 0;
    while let Some((character, length, characters)) = next {
        let before = given.last();
        for c in text[stretch.end..stretch.end + length].chars() {
            given.read(c, Class::of(c));
        }
        // Long sequences are seldom valid by chance.
        given.cost += i32::try_from(characters).unwrap_or(0) - 2;
        let class = Class::of(character);
        stretch.possible &= class != Class::Never;
        letters += 1;
        foreign += usize::from(class.is_foreign_letter());
        decoded.read(character, class);
        stretch.characters += characters;
        let from = stretch.end;
        stretch.end += length;
        given.cost += telltale(&text[from..], length, before);
        next = first_character(&text[stretch.end..], codec);
    }
    let following = text[stretch.end..].chars().next().map_or(Class::Space, Class::of);
    given.meet(following);
    decoded.meet(following);
    // A neighbour that should belong to the stretch and does not: rather a list of signs.
    for stray in [previous_class, following] {
        given.cost -= if stray.is_sign() { 2 } else { 0 };
    }
    stretch.gain = given.cost - decoded.cost;
    stretch.lone = letters == 1 && foreign == 1;
    let in_backticks = previous == Some('`') && text[stretch.end..].starts_with('`');
    if in_backticks || (stretch.characters == 2 && is_quoted_letter(previous, &text[start..stretch.end])) {
        stretch.possible = false;
    }
    if !stretch.possible {
        stretch.gain = stretch.gain.min(0);
    }
    Some(stretch)
}

/// `Ã` and `Â` begin nearly every misread word of western Europe and stand before a sign in hardly
/// any word of Portuguese, Vietnamese or Romanian; extra points unless capitals before or a word's
/// end behind make it one.
/// The ångström with an exponent, `Å²`, loses what it got for looking odd.
fn telltale(text: &str, length: usize, before: Class) -> i32 {
    if text.starts_with('Å') && !before.is_latin() && text[2..].starts_with(['²', '³', '°']) {
        return -3;
    }
    if !text.starts_with(['Ã', 'Â']) || matches!(before, Class::Upper | Class::AccentedUpper) {
        return 0;
    }
    let mut characters = text.chars();
    let later = characters.nth(1).map_or(Class::Space, Class::of);
    let next = text[length..].chars().next().map_or(Class::Space, Class::of);
    let ends_word = matches!(later, Class::QuoteRight | Class::QuoteLeft | Class::Dash) && !next.is_latin();
    if ends_word { 0 } else { 3 }
}

/// A letter in quotation marks, as in a text about letters: `“Ã”`.
fn is_quoted_letter(previous: Option<char>, stretch: &str) -> bool {
    let last = stretch.chars().next_back();
    matches!(
        (previous, last),
        (Some('“' | '„' | '”'), Some('”' | '“'))
            | (Some('‘' | '‚' | '’'), Some('’' | '‘'))
            | (Some('«'), Some('»'))
            | (Some('»'), Some('«'))
    )
}
