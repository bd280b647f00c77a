//! Which language and script an answer is in; nothing where that is unsure.
//!
//! Code between backticks, paths and the like are passed over. Some scripts tell the language by
//! themselves (kana is Japanese, Hangul Korean); other text is told by its function words and by letters
//! that few languages have, and where those are too few by character n-grams (crate `whichlang`, a linear
//! model on hashed n-grams), which has to say the same of the text and of two of its halves: the first, the middle, the last.
//! Function words that say something stand in for the halves, and then the beginning may do for the text.

mod block;
mod clues;
mod letters;
mod ngrams;
mod script;
#[cfg(test)]
mod tests;
mod words;

pub use script::Script;

use letters::Letters;

/// Bytes of an answer, and of a prompt, that are looked at.
const SAMPLE: usize = 480;

/// The languages by number (ISO 639-1). Those of Latin script come first.
const CODES: [&str; 39] = [
    "en", "de", "es", "fr", "it", "pt", "nl", "sv", "da", "no", "fi", "pl", "cs", "ro", "hu", "tr", "vi", "id", "ru",
    "uk", "bg", "sr", "zh", "ja", "ko", "ar", "fa", "ur", "he", "hi", "bn", "ta", "te", "th", "el", "ka", "hy", "km",
    "my",
];

/// The languages, in the order of their numbers.
pub fn codes() -> Vec<String> {
    CODES.iter().map(|&code| code.to_owned()).collect()
}

/// The scripts (ISO 15924), in the order of their numbers.
pub fn scripts() -> Vec<String> {
    Script::ALL.iter().map(|script| script.code().to_owned()).collect()
}

/// The number of a language.
fn number(code: &str) -> Option<u8> {
    CODES.iter().position(|known| *known == code).map(|at| at as u8)
}

/// Language and script of an answer, by their numbers; where the answer is too little to tell its
/// language, that of prompt and answer together.
pub fn identify<'t>(answer: impl Iterator<Item = &'t str>, prompt: impl Iterator<Item = &'t str>) -> [Option<u8>; 2] {
    letters::with(|letters: &mut Letters| {
        answer.for_each(|text| letters.read(text, SAMPLE));
        let script = letters.script();
        let own = script.and_then(|script| letters.language(script));
        if own.is_some() {
            return [own, script.map(|script| script as u8)];
        }
        prompt.for_each(|text| letters.read(text, 2 * SAMPLE));
        let both = letters.script();
        [both.and_then(|script| letters.language(script)), script.or(both).map(|script| script as u8)]
    })
}
