//! What is gathered from a text, and what it says about the language.

use super::script::Script;
use super::words::{self, Clues, WORDS, ascii_key, key};
use super::{CODES, number};
use std::cell::RefCell;
use whichlang::Lang;

/// Evidence of one sure word.
const SURE: u32 = 12;

/// Evidence at which function words settle it.
const ENOUGH: u32 = 3 * SURE;

/// Evidence at which nothing more is read, and how many words are read before it is looked at again.
const CLEAR: u32 = 2 * ENOUGH;
const LOOK_EVERY: u32 = 8;

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
            b' ' | b'\t' | b'\n' | b'\x0C' | b'\r' | b'`' => BREAK,
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
/// White space, and where code may begin.
const BREAK: u8 = 16;

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
    /// Words at which the evidence is looked at next.
    next_look: u32,
    /// Whether the text is kept: only where its words did not tell it the first time.
    keeps_text: bool,
    /// Whether it has to be read once more, and kept.
    pub wants_text: bool,
    /// The text without code and the like, for n-grams.
    clean: String,
}

thread_local! {
    static LETTERS_OF_THREAD: RefCell<Letters> = RefCell::default();
}

/// Lends the thread's own, emptied; a second time, with the text kept, where that is wanted.
pub(super) fn with<T>(mut work: impl FnMut(&mut Letters) -> T) -> T {
    LETTERS_OF_THREAD.with_borrow_mut(|letters| {
        letters.empty(false);
        let told = work(letters);
        if !letters.wants_text {
            return told;
        }
        letters.empty(true);
        work(letters)
    })
}

impl Default for Letters {
    fn default() -> Self {
        Self {
            read: 0,
            scripts: [0; Script::ALL.len()],
            evidence: [0; CODES.len()],
            words: 0,
            next_look: LOOK_EVERY,
            keeps_text: false,
            wants_text: false,
            clean: String::new(),
        }
    }
}

impl Letters {
    fn empty(&mut self, keeps_text: bool) {
        let mut clean = std::mem::take(&mut self.clean);
        clean.clear();
        *self = Self { clean, keeps_text, ..Self::default() };
    }

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
            let limit = rest.len().min(most - self.read);
            let (mut end, mut kinds) = (0, 0);
            for &byte in &rest.as_bytes()[..limit] {
                let kind = KIND[usize::from(byte)];
                if kind == BREAK {
                    break;
                }
                kinds |= kind;
                end += 1;
            }
            while !rest.is_char_boundary(end) {
                end += 1;
            }
            self.read += end;
            if kinds & WIDE != 0 {
                self.wide_token(&rest[..end]);
            } else if kinds & CODE == 0 {
                self.ascii_token(rest.as_bytes(), end);
            }
            rest = &rest[end..];
            if self.words >= self.next_look {
                self.next_look = self.words + LOOK_EVERY;
                if self.by_words().is_some_and(|(_, margin)| margin >= CLEAR) {
                    return;
                }
            }
        }
    }

    /// A stretch without white space, all ASCII: the first `end` bytes.
    #[inline]
    fn ascii_token(&mut self, rest: &[u8], end: usize) {
        let mut at = 0;
        while at < end {
            let start = at;
            while at < end && KIND[usize::from(rest[at])] == LETTER {
                at += 1;
            }
            if at > start {
                self.ascii_word(&rest[start..], at - start);
            }
            at += 1;
        }
    }

    /// The same, not all ASCII.
    fn wide_token(&mut self, token: &str) {
        let is_split = |letter: char| !is_common_han(letter) && !letter.is_alphabetic() && Script::of(letter).is_none();
        for word in token.split(is_split).filter(|word| !word.is_empty()) {
            if word.is_ascii() {
                self.ascii_word(word.as_bytes(), word.len());
            } else {
                self.word(word);
            }
        }
    }

    /// The first `length` bytes, which are ASCII letters.
    #[inline]
    fn ascii_word(&mut self, rest: &[u8], length: usize) {
        self.scripts[Script::Latin as usize] += length as u32;
        self.words += 1;
        if let Some(clues) = ascii_key(rest, length).and_then(|key| WORDS.get(&key)) {
            self.add(clues);
        }
        if self.keeps_text {
            // All ASCII.
            self.keep(std::str::from_utf8(&rest[..length]).unwrap_or_default());
        }
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
        self.words += 1;
        if let Some(clues) = key(word).and_then(|key| WORDS.get(&key)) {
            self.add(clues);
        }
        if self.keeps_text {
            self.keep(word);
        }
    }

    /// Keeps a word for n-grams.
    fn keep(&mut self, word: &str) {
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
    pub fn language(&mut self) -> Option<u8> {
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
    fn among(&mut self) -> Option<u8> {
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
        if !self.keeps_text {
            self.wants_text = true;
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
