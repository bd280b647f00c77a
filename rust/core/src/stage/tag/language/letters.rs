//! What is gathered from a text, and what it says about the language.

use super::block::{BLOCK, Block};
use super::clues::{self, Evidence, SURE, WORDS, ascii_key, key};
use super::ngrams;
use super::number;
use super::script::Script;
use std::cell::RefCell;

/// Evidence at which function words settle it.
const ENOUGH: i16 = 3 * SURE;

/// Evidence at which nothing more is read, and how many words are read before it is looked at again.
const CLEAR: i16 = 2 * ENOUGH;
const LOOK_EVERY: u32 = 8;

/// Fewest letters that n-grams are asked about.
const FEWEST: u32 = 8;

/// Bytes kept for n-grams.
const KEPT: usize = 240;

/// Bytes of a word that are loaded together.
const LOADED: usize = 16;

/// What is gathered from a text.
#[derive(Debug)]
pub(super) struct Letters {
    evidence: Evidence,
    /// Bytes read.
    read: usize,
    /// Letters by script.
    scripts: [u32; Script::ALL.len()],
    /// Whether any is beyond ASCII.
    is_wide: bool,
    /// Words read.
    words: u32,
    /// Words at which the evidence is looked at next.
    next_look: u32,
    /// The first words without code and the like, a space behind each, for n-grams.
    clean: [u8; 2 * KEPT + 4 * LOADED],
    kept: usize,
}

thread_local! {
    static LETTERS_OF_THREAD: RefCell<Letters> = const { RefCell::new(Letters::new()) };
}

/// Lends the thread's own, emptied.
pub(super) fn with<T>(work: impl FnOnce(&mut Letters) -> T) -> T {
    LETTERS_OF_THREAD.with_borrow_mut(|letters| {
        letters.empty();
        work(letters)
    })
}

impl Letters {
    const fn new() -> Self {
        Self {
            evidence: Evidence::NONE,
            read: 0,
            scripts: [0; Script::ALL.len()],
            is_wide: false,
            words: 0,
            next_look: LOOK_EVERY,
            clean: [0; 2 * KEPT + 4 * LOADED],
            kept: 0,
        }
    }

    /// Forgets everything; what was kept is written over.
    fn empty(&mut self) {
        self.evidence = Evidence::NONE;
        self.scripts = [0; Script::ALL.len()];
        (self.read, self.words, self.next_look, self.kept) = (0, 0, LOOK_EVERY, 0);
        self.is_wide = false;
    }

    /// Reads on, until `most` bytes have been read in all or the language is clear.
    pub fn read(&mut self, text: &str, most: usize) {
        let bytes = text.as_bytes();
        let mut at = 0;
        'blocks: while self.read < most && at < bytes.len() {
            let block = Block::at(bytes, at);
            let breaks = block.space | block.ticks;
            let mut ahead = u64::MAX;
            loop {
                let start = (!block.space & ahead).trailing_zeros() as usize;
                if start >= BLOCK {
                    at += BLOCK;
                    continue 'blocks;
                }
                if block.ticks >> start & 1 != 0 {
                    let rest = text.get(at + start..).unwrap_or_default();
                    at = bytes.len() - after_code(rest).len();
                    continue 'blocks;
                }
                ahead = u64::MAX << start;
                let end = (breaks & ahead).trailing_zeros() as usize;
                if end >= BLOCK && start > 0 {
                    // It may end in the block that begins with it.
                    at += start;
                    continue 'blocks;
                }
                let left = most - self.read;
                let is_long = end >= BLOCK || end - start > left;
                if is_long {
                    at = self.long_token(text, at + start, left);
                } else {
                    self.read += end - start;
                    ahead = u64::MAX << end;
                    let token = u64::MAX << start & !ahead;
                    if block.wide & token != 0 {
                        self.wide_token(text.get(at + start..at + end).unwrap_or_default());
                    } else if block.code & token == 0 {
                        self.ascii_token(&bytes[at..], block.letters & token);
                    }
                }
                if self.words >= self.next_look {
                    self.next_look = self.words + LOOK_EVERY;
                    let is_clear = |(_, margin)| margin >= CLEAR;
                    if self.evidence.most() >= CLEAR && self.evidence.best().is_some_and(is_clear) {
                        return;
                    }
                }
                if is_long || self.read >= most {
                    continue 'blocks;
                }
            }
        }
    }

    /// A stretch without white space that begins at `at` and is longer than a block, or than what is `left` to
    /// read: it is cut there, so that no text makes this long. Returns where it ends.
    #[cold]
    fn long_token(&mut self, text: &str, at: usize, left: usize) -> usize {
        let rest = &text.as_bytes()[at..];
        let (mut end, mut is_ascii, mut is_code) = (0, true, false);
        for part in rest[..left.min(rest.len())].chunks(BLOCK) {
            let block = Block::at(part, 0);
            let length = part.len().min((block.space | block.ticks).trailing_zeros() as usize);
            let before = u64::MAX.checked_shr((BLOCK - length) as u32).unwrap_or(0);
            is_ascii &= block.wide & before == 0;
            is_code |= block.code & before != 0;
            end += length;
            if length < part.len() {
                break;
            }
        }
        while !text.is_char_boundary(at + end) {
            end += 1;
        }
        self.read += end;
        let token = text.get(at..at + end).unwrap_or_default();
        if !is_ascii {
            self.wide_token(token);
        } else if !is_code {
            let words = token.as_bytes().split(|byte| !byte.is_ascii_alphabetic());
            words.filter(|word| !word.is_empty()).for_each(|word| self.lone_word(word));
        }
        at + end
    }

    /// A stretch without white space, all ASCII, by its letters.
    #[inline]
    fn ascii_token(&mut self, rest: &[u8], mut letters: u64) {
        while letters != 0 {
            let start = letters.trailing_zeros();
            let length = (!(letters >> start)).trailing_zeros() as usize;
            self.ascii_word(&rest[start as usize..], length);
            // The carry runs through the word.
            letters &= letters.wrapping_add(1 << start);
        }
    }

    /// The same, not all ASCII.
    fn wide_token(&mut self, token: &str) {
        let is_split = |letter: char| {
            is_mark(letter) || !is_common_han(letter) && !letter.is_alphabetic() && Script::of(letter).is_none()
        };
        for word in token.split(is_split).filter(|word| !word.is_empty()) {
            if word.is_ascii() {
                self.lone_word(word.as_bytes());
            } else {
                self.word(word);
            }
        }
    }

    fn lone_word(&mut self, word: &[u8]) {
        self.ascii_word(word, word.len());
    }

    /// The first `length` bytes, which are ASCII letters.
    #[inline(always)]
    fn ascii_word(&mut self, rest: &[u8], length: usize) {
        self.scripts[Script::Latin as usize] += length as u32;
        self.words += 1;
        let loaded: [u8; LOADED] = rest.first_chunk().copied().unwrap_or_else(|| {
            let mut bytes = [0; LOADED];
            bytes[..rest.len()].copy_from_slice(rest);
            bytes
        });
        self.evidence.add(WORDS.of(ascii_key(u128::from_le_bytes(loaded), length)));
        if self.kept < KEPT {
            if length <= LOADED {
                // What stands behind the word is written over.
                self.clean[self.kept..self.kept + LOADED].copy_from_slice(&loaded);
                self.kept += length;
                self.clean[self.kept] = b' ';
                self.kept += 1;
            } else {
                self.keep(&rest[..length.min(KEPT)]);
            }
        }
    }

    /// A word that has letters beyond ASCII.
    fn word(&mut self, word: &str) {
        self.is_wide = true;
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
            if let Some(clues) = clues::letter(letter) {
                self.evidence.add(clues);
            }
        }
        self.words += 1;
        if let Some(key) = key(word) {
            self.evidence.add(WORDS.of(key));
        }
        if self.kept < KEPT {
            let mut end = word.len().min(KEPT);
            while !word.is_char_boundary(end) {
                end += 1;
            }
            self.keep(&word.as_bytes()[..end]);
        }
    }

    /// Keeps a word of at most a few bytes more than [`KEPT`] for n-grams.
    fn keep(&mut self, word: &[u8]) {
        self.clean[self.kept..self.kept + word.len()].copy_from_slice(word);
        self.kept += word.len();
        self.clean[self.kept] = b' ';
        self.kept += 1;
    }

    /// The script of most letters, if they are clearly most.
    pub fn script(&self) -> Option<Script> {
        if !self.is_wide {
            return (self.words > 0).then_some(Script::Latin);
        }
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

    /// The language of what is mostly in this script, if it is clear.
    pub fn language(&self, script: Script) -> Option<u8> {
        let alone = match script {
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

    /// The language of a script that several share.
    fn among(&self) -> Option<u8> {
        let words = self.evidence.best();
        if let Some((best, margin)) = words
            && margin >= ENOUGH.min(SURE / 2 + self.words as i16 * 2)
            && self.evidence.0[usize::from(best)] >= SURE
        {
            return Some(best);
        }
        if self.scripts.iter().sum::<u32>() < FEWEST {
            return None;
        }
        // Whole words were kept.
        let text = simdutf8::basic::from_utf8(&self.clean[..self.kept]).unwrap_or_default().trim_end();
        if let Some((best, margin)) = words
            && margin >= SURE
            && ngrams::language(ngrams::beginning(text)) == Some(best)
        {
            return Some(best);
        }
        let told = ngrams::language(text)?;
        match words {
            Some((best, margin)) if best != told && margin > SURE / 3 => None,
            Some((best, _)) if best == told => Some(told),
            _ => ngrams::halves_say(text, told).then_some(told),
        }
    }
}

/// U+4E00 to U+9FFF.
#[inline]
fn is_common_han(letter: char) -> bool {
    matches!(letter, '\u{4E00}'..='\u{9FFF}')
}

/// Dashes, quotation marks, full stops and the like: what most often parts words, and is no letter of any script.
#[inline]
fn is_mark(letter: char) -> bool {
    matches!(letter, '\u{2000}'..='\u{206F}' | '\u{3000}'..='\u{3004}' | '\u{3008}'..='\u{3020}' | '\u{FF00}'..='\u{FF20}')
}

/// What follows the piece of code that begins here, with a backtick.
fn after_code(text: &str) -> &str {
    let ticks = text.bytes().take_while(|byte| *byte == b'`').count();
    let inside = text.get(ticks..).unwrap_or_default();
    let (fence, is_block) = if ticks >= 3 { ("```", true) } else { ("`", false) };
    let line = if is_block { inside } else { inside.split('\n').next().unwrap_or(inside) };
    match memchr::memmem::find(line.as_bytes(), fence.as_bytes()) {
        Some(end) => inside[end..].trim_start_matches('`'),
        None => inside,
    }
}
