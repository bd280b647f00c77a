//! What character n-grams say (crate `whichlang`).

use super::number;
use whichlang::Lang;

/// Bytes of a beginning: where n-grams see the language of the function words in it, they are not asked about the rest.
const BEGINNING: usize = 40;

/// The language that a text looks most like.
pub(super) fn language(text: &str) -> Option<u8> {
    number(code_of(whichlang::detect_language(text)))
}

/// The first words of a text, as long as [`BEGINNING`] together and at most a word more.
pub(super) fn beginning(text: &str) -> &str {
    let rest = text.as_bytes().get(BEGINNING..).unwrap_or_default();
    memchr::memchr(b' ', rest).map_or(text, |end| &text[..BEGINNING + end])
}

/// Whether two of the first, the middle and the last half of a text are in its language.
pub(super) fn halves_say(text: &str, language: u8) -> bool {
    let at = |quarters: usize| {
        let mut at = text.len() * quarters / 4;
        while !text.is_char_boundary(at) {
            at += 1;
        }
        at
    };
    let (first, middle, last) = (at(1), at(2), at(3));
    let says = |part: &str| self::language(part) == Some(language);
    match (says(&text[..middle]), says(&text[middle..])) {
        (true, true) => true,
        (false, false) => false,
        _ => says(&text[first..last]),
    }
}

fn code_of(language: Lang) -> &'static str {
    match language {
        Lang::Ara => "ar",
        Lang::Cmn => "zh",
        Lang::Deu => "de",
        Lang::Eng => "en",
        Lang::Fra => "fr",
        Lang::Hin => "hi",
        Lang::Ita => "it",
        Lang::Jpn => "ja",
        Lang::Kor => "ko",
        Lang::Nld => "nl",
        Lang::Por => "pt",
        Lang::Rus => "ru",
        Lang::Spa => "es",
        Lang::Swe => "sv",
        Lang::Tur => "tr",
        Lang::Vie => "vi",
    }
}
