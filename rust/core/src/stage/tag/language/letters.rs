//! What is gathered from a text, and what it says about the language.

use super::script::Script;
use super::words::{self, Clues, WORDS, key};
use super::{CODES, number};
use std::cell::RefCell;
use whichlang::Lang;

/// Evidence of one sure word.
const SURE: u32 = 12;

/// Evidence at which function words settle it.
const ENOUGH: u32 = 3 * SURE;

/// Fewest letters that n-grams are asked about.
const FEWEST: u32 = 8;

/// Bytes kept for n-grams.
const KEPT: usize = 240;

/// Kinds of bytes: what code has and prose has not, letters, bytes beyond ASCII, and others.
const KIND: [u8; 256] = {
    let mut kinds = [OTHER; 256];
    let mut byte = 0;
    while byte < 256 {
        kinds[byte] = match byte as u8 {
            b'/' | b'\\' | b'_' | b'=' | b'{' | b'}' | b'<' | b'>' | b'$' | b'@' | b'|' | b'0'..=b'9' => CODE,
            b'a'..=b'z' | b'A'..=b'Z' => LETTER,
            0x80.. => WIDE,
            _ => OTHER,
        };
        byte += 1;
    }
    kinds
};
const CODE: u8 = 1;
const LETTER: u8 = 2;
const WIDE: u8 = 4;
const OTHER: u8 = 8;

/// What is gathered from a text.
#[derive(Debug)]
pub(super) struct Letters {
    /// Bytes read.
    read: usize,
    /// Letters by script.
    scripts: [u32; Script::ALL.len()],
    /// Evidence by language.
    evidence: [u32; CODES.len()],
    /// Words read.
    words: u32,
    /// The text without code and the like, for n-grams.
    clean: String,
}

thread_local! {
    static LETTERS_OF_THREAD: RefCell<Letters> = RefCell::default();
}

/// Lends the thread's own, emptied.
pub(super) fn with<T>(work: impl FnOnce(&mut Letters) -> T) -> T {
    LETTERS_OF_THREAD.with_borrow_mut(|letters| {
        let mut clean = std::mem::take(&mut letters.clean);
        clean.clear();
        *letters = Letters { clean, ..Letters::default() };
        work(letters)
    })
}

impl Default for Letters {
    fn default() -> Self {
        Self { read: 0, scripts: [0; Script::ALL.len()], evidence: [0; CODES.len()], words: 0, clean: String::new() }
    }
}

impl Letters {
    /// Reads on, until `most` bytes have been read in all or the language is clear.
    pub fn read(&mut self, text: &str, most: usize) {
        let mut rest = text;
        while self.read < most && !rest.is_empty() {
            let Some(start) = rest.bytes().position(|byte| !byte.is_ascii_whitespace()) else { return };
            rest = &rest[start..];
            if let Some(after) = after_code(rest) {
                rest = after;
                continue;
            }
            // A word that is not parted by spaces is cut, so that no text makes this long.
            let end = rest.bytes().take(most - self.read).position(|byte| byte.is_ascii_whitespace() || byte == b'`');
            let mut end = end.unwrap_or(rest.len().min(most - self.read)).max(1);
            while !rest.is_char_boundary(end) {
                end += 1;
            }
            let (token, after) = rest.split_at(end);
            self.read += end;
            rest = after;
            self.token(token);
            if self.words.is_multiple_of(16) && self.by_words().is_some_and(|(_, margin)| margin >= 2 * ENOUGH) {
                return;
            }
        }
    }

    /// One stretch without white space.
    fn token(&mut self, token: &str) {
        let kinds = token.bytes().fold(0, |kinds, byte| kinds | KIND[usize::from(byte)]);
        if kinds & WIDE == 0 {
            if kinds & CODE != 0 {
                return;
            }
            if kinds == LETTER {
                return self.ascii_word(token);
            }
            for word in token.split(|letter: char| !letter.is_ascii_alphabetic()).filter(|word| !word.is_empty()) {
                self.ascii_word(word);
            }
            return;
        }
        let is_split = |letter: char| !is_common_han(letter) && !letter.is_alphabetic() && Script::of(letter).is_none();
        for word in token.split(is_split).filter(|word| !word.is_empty()) {
            if word.is_ascii() {
                self.ascii_word(word);
            } else {
                self.word(word);
            }
        }
    }

    #[inline]
    fn ascii_word(&mut self, word: &str) {
        self.scripts[Script::Latin as usize] += word.len() as u32;
        self.look_up(word);
    }

    fn word(&mut self, word: &str) {
        for letter in word.chars() {
            if is_common_han(letter) {
                self.scripts[Script::Han as usize] += 1;
                continue;
            }
            match Script::of(letter) {
                Some(script) => self.scripts[script as usize] += 1,
                None if letter.is_ascii() => self.scripts[Script::Latin as usize] += 1,
                None => {}
            }
            if let Some(clues) = words::letter(letter) {
                self.add(clues);
            }
        }
        self.look_up(word);
    }

    #[inline]
    fn look_up(&mut self, word: &str) {
        self.words += 1;
        if let Some(clues) = key(word).and_then(|key| WORDS.get(&key)) {
            self.add(clues);
        }
        if self.clean.len() < KEPT {
            let mut end = word.len().min(KEPT);
            while !word.is_char_boundary(end) {
                end += 1;
            }
            self.clean.push_str(&word[..end]);
            self.clean.push(' ');
        }
    }

    #[inline]
    fn add(&mut self, clues: &Clues) {
        let languages = clues.languages();
        let share = SURE / languages.len().max(1) as u32;
        languages.iter().for_each(|&language| self.evidence[usize::from(language)] += share);
    }

    /// The script of most letters, if they are clearly most.
    pub fn script(&self) -> Option<Script> {
        let mut weights = self.scripts;
        for (weight, script) in weights.iter_mut().zip(Script::ALL) {
            *weight *= script.weight();
        }
        // A text with kana is Japanese, Han included; the odd sign of it in Chinese does not count.
        let [han, japanese, korean] = [Script::Han, Script::Japanese, Script::Korean].map(|script| script as usize);
        for mixture in [japanese, korean] {
            if weights[mixture] * 12 > weights[han] {
                weights[mixture] += std::mem::take(&mut weights[han]);
            }
        }
        let all: u32 = weights.iter().sum();
        let (best, most) = weights.iter().enumerate().max_by_key(|(at, weight)| (**weight, usize::MAX - at))?;
        (*most > 0 && most * 20 >= all * 11).then(|| Script::ALL[best])
    }

    /// The language, if it is clear.
    pub fn language(&self) -> Option<u8> {
        let alone = match self.script()? {
            Script::Han => "zh",
            Script::Japanese => "ja",
            Script::Korean => "ko",
            Script::Greek => "el",
            Script::Hebrew => "he",
            Script::Bengali => "bn",
            Script::Tamil => "ta",
            Script::Telugu => "te",
            Script::Thai => "th",
            Script::Georgian => "ka",
            Script::Armenian => "hy",
            Script::Khmer => "km",
            Script::Burmese => "my",
            Script::Latin | Script::Cyrillic | Script::Arabic | Script::Devanagari => return self.among(),
        };
        // One sign may be a symbol.
        (self.scripts.iter().sum::<u32>() > 1).then(|| number(alone)).flatten()
    }

    /// The language with the most evidence, and how far ahead it is.
    fn by_words(&self) -> Option<(u8, u32)> {
        let (mut best, mut most, mut second) = (0, 0, 0);
        for (language, &evidence) in self.evidence.iter().enumerate() {
            if evidence > most {
                (best, most, second) = (language as u8, evidence, most);
            } else {
                second = second.max(evidence);
            }
        }
        (most > 0).then(|| (best, most - second))
    }

    /// The language of a script that several share.
    fn among(&self) -> Option<u8> {
        let words = self.by_words();
        if let Some((best, margin)) = words
            && margin >= ENOUGH.min(SURE / 2 + self.words * 2)
            && self.evidence[usize::from(best)] >= SURE
        {
            return Some(best);
        }
        if self.scripts.iter().sum::<u32>() < FEWEST {
            return None;
        }
        let text = self.clean.trim_end();
        let whole = whichlang::detect_language(text);
        let told = number(code_of(whole))?;
        // Function words that say otherwise make it unsure; those that agree stand in for a half.
        match words {
            Some((best, margin)) if best != told && margin > SURE / 3 => None,
            Some((best, _)) if best == told => Some(told),
            _ => halves_say(text, whole).then_some(told),
        }
    }
}

/// Whether two of the first, the middle and the last half of a text are in its language.
fn halves_say(text: &str, whole: Lang) -> bool {
    let at = |quarters: usize| {
        let mut at = text.len() * quarters / 4;
        while !text.is_char_boundary(at) {
            at += 1;
        }
        at
    };
    let (first, middle, last) = (at(1), at(2), at(3));
    let says = |part: &str| whichlang::detect_language(part) == whole;
    match (says(&text[..middle]), says(&text[middle..])) {
        (true, true) => true,
        (false, false) => false,
        _ => says(&text[first..last]),
    }
}

/// U+4E00 to U+9FFF.
#[inline]
fn is_common_han(letter: char) -> bool {
    matches!(letter, '\u{4E00}'..='\u{9FFF}')
}

/// What follows a piece of code that begins here, if one does.
fn after_code(text: &str) -> Option<&str> {
    let ticks = text.bytes().take_while(|byte| *byte == b'`').count();
    let inside = text.get(ticks..).filter(|_| ticks > 0)?;
    let (fence, is_block) = if ticks >= 3 { ("```", true) } else { ("`", false) };
    let line = if is_block { inside } else { inside.split('\n').next().unwrap_or(inside) };
    Some(match memchr::memmem::find(line.as_bytes(), fence.as_bytes()) {
        Some(end) => inside[end..].trim_start_matches('`'),
        None => inside,
    })
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
