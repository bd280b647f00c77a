//! Cutting a text into words: the expressions of the usual byte-level tokenizers, written out by hand.
//!
//! The classes of characters are asked of the very engine that the reference uses, so that both speak
//! the same version of Unicode.

use std::sync::OnceLock;
use tokenizers::tokenizer::pattern::Pattern;
use tokenizers::utils::SysRegex;

const OTHER: u8 = 0;
const LETTER: u8 = 1;
const NUMBER: u8 = 2;
const SPACE: u8 = 3;

/// How a text is cut.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Cut {
    /// GPT-2.
    Gpt2,
    /// cl100k and its kin (Llama 3, Qwen 2): so many digits at once.
    Cl100k(usize),
}

/// GPT-2's expression; `ByteLevel` with `use_regex` means it.
const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
const QWEN2: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

impl Cut {
    /// The cut that an expression stands for, if it is a known one.
    pub fn of(expression: &str) -> Option<Self> {
        match expression {
            GPT2 => Some(Self::Gpt2),
            QWEN2 => Some(Self::Cl100k(1)),
            LLAMA3 => Some(Self::Cl100k(3)),
            _ => None,
        }
    }
}

/// The class of every character.
#[derive(Debug)]
pub struct Classes(Vec<u8>);

impl Classes {
    /// Asked once for the whole process.
    pub fn get() -> Result<&'static Self, String> {
        static CLASSES: OnceLock<Result<Classes, String>> = OnceLock::new();
        CLASSES.get_or_init(Self::ask).as_ref().map_err(Clone::clone)
    }

    fn ask() -> Result<Self, String> {
        let all: String = ('\0'..=char::MAX).collect();
        let mut classes = vec![OTHER; 0x11_0000];
        for (expression, class) in [(r"\p{L}+", LETTER), (r"\p{N}+", NUMBER), (r"\s+", SPACE)] {
            let regex = SysRegex::new(expression).map_err(|error| error.to_string())?;
            for ((start, end), matched) in (&regex).find_matches(&all).map_err(|error| error.to_string())? {
                if matched {
                    all[start..end].chars().for_each(|c| classes[c as usize] = class);
                }
            }
        }
        Ok(Self(classes))
    }

    #[inline]
    fn of(&self, c: char) -> u8 {
        self.0[c as usize]
    }

    /// The class and length of the character at `at`; `None` at the end.
    #[inline]
    fn at(&self, text: &str, at: usize) -> Option<(u8, usize)> {
        let byte = *text.as_bytes().get(at)?;
        if byte < 0x80 {
            return Some((self.0[usize::from(byte)], 1));
        }
        let c = text[at..].chars().next()?;
        Some((self.of(c), c.len_utf8()))
    }

    /// The end of the run of a class that starts at `at`.
    #[inline]
    fn run(&self, text: &str, mut at: usize, class: u8) -> usize {
        while let Some((found, length)) = self.at(text, at) {
            if found != class {
                break;
            }
            at += length;
        }
        at
    }

    /// The end of the word that starts at `at`, which is before the end of the text.
    #[inline]
    pub fn word(&self, cut: Cut, text: &str, at: usize) -> usize {
        match cut {
            Cut::Gpt2 => self.gpt2(text, at),
            Cut::Cl100k(digits) => self.cl100k(text, at, digits),
        }
    }

    #[inline]
    fn gpt2(&self, text: &str, at: usize) -> usize {
        let Some((class, length)) = self.at(text, at) else { return text.len() };
        if class == SPACE {
            // One space goes with the word that follows.
            if text.as_bytes()[at] == b' ' {
                match self.at(text, at + 1) {
                    Some((SPACE, _)) | None => {}
                    Some((next, length)) => return self.run(text, at + 1 + length, next),
                }
            }
            return self.spaces(text, at, length);
        }
        if class == OTHER
            && text.as_bytes()[at] == b'\''
            && let Some(end) = contraction(&text.as_bytes()[at..], false)
        {
            return at + end;
        }
        self.run(text, at + length, class)
    }

    fn cl100k(&self, text: &str, at: usize, digits: usize) -> usize {
        let Some((class, length)) = self.at(text, at) else { return text.len() };
        let bytes = text.as_bytes();
        if bytes[at] == b'\''
            && let Some(end) = contraction(&bytes[at..], true)
        {
            return at + end;
        }
        if class == LETTER {
            return self.run(text, at + length, LETTER);
        }
        if class == NUMBER {
            let mut end = at + length;
            for _ in 1..digits {
                match self.at(text, end) {
                    Some((NUMBER, length)) => end += length,
                    _ => break,
                }
            }
            return end;
        }
        let newline = |at: usize| matches!(bytes.get(at), Some(b'\r' | b'\n'));
        // One character that is neither goes with the letters that follow.
        if !newline(at) && matches!(self.at(text, at + length), Some((LETTER, _))) {
            return self.run(text, at + length, LETTER);
        }
        let signs = if class == OTHER {
            Some(at)
        } else if bytes[at] == b' ' && matches!(self.at(text, at + 1), Some((OTHER, _))) {
            Some(at + 1)
        } else {
            None
        };
        if let Some(start) = signs {
            let mut end = self.run(text, start, OTHER);
            while newline(end) {
                end += 1;
            }
            return end;
        }
        let end = self.run(text, at, SPACE);
        match bytes[at..end].iter().rposition(|byte| matches!(byte, b'\r' | b'\n')) {
            Some(last) => at + last + 1,
            None => self.spaces(text, at, length),
        }
    }

    /// `\s+(?!\S)|\s+`: white space, but for its last character where something follows.
    fn spaces(&self, text: &str, at: usize, first: usize) -> usize {
        let end = self.run(text, at, SPACE);
        if end == text.len() {
            return end;
        }
        let last = text[at..end].chars().next_back().map_or(0, char::len_utf8);
        if end - last > at { end - last } else { at + first }
    }
}

/// The length of `'s`, `'re` … at the start of `bytes`.
fn contraction(bytes: &[u8], any_case: bool) -> Option<usize> {
    let letter = |at: usize| bytes.get(at).map(|byte| if any_case { byte.to_ascii_lowercase() } else { *byte });
    match (letter(1)?, letter(2)) {
        (b's' | b't' | b'm' | b'd', _) => Some(2),
        (b'r', Some(b'e')) | (b'v', Some(b'e')) | (b'l', Some(b'l')) => Some(3),
        // The long s folds to s.
        (0xC5, Some(0xBF)) if any_case => Some(3),
        _ => None,
    }
}

/// What a pre-tokenizer of the reference cuts a text into; tests compare with it.
#[cfg(test)]
pub(super) fn reference_words(expression: &str, text: &str) -> Vec<String> {
    let regex = SysRegex::new(expression).unwrap_or_else(|error| panic!("{error}"));
    let found = (&regex).find_matches(text).unwrap_or_else(|error| panic!("{error}"));
    found
        .into_iter()
        .filter(|((start, end), _)| start < end)
        .map(|((start, end), _)| text[start..end].to_owned())
        .collect()
}

#[cfg(test)]
pub(super) const EXPRESSIONS: [&str; 3] = [GPT2, QWEN2, LLAMA3];
