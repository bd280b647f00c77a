//! Tokenising behind one trait: a reference that defines what is right, and a fast backend that is
//! used only after it agreed with the reference.

mod added;
mod bpe;
mod cache;
mod check;
mod definition;
mod fast;
mod reference;
mod split;
#[cfg(test)]
mod tests;

pub use cache::WordCache;
pub use check::{TORTURE, first_difference};
pub use fast::Fast;
pub use reference::Reference;

use corpuskit_core::{Error, Result};

/// The tokens of a text.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Tokens {
    /// The tokens.
    pub ids: Vec<u32>,
    /// Where each ends in the text, in bytes. A token begins where the one before it ends: what the
    /// tokenizer swallowed (white space beside a control token) belongs to the token that follows or swallowed it.
    pub ends: Vec<u32>,
    /// Tokens (by place) that begin later than where the one before ends, and where: before them is text, not
    /// only white space, that is in no token: the tokenizer's normaliser takes it out.
    pub gaps: Vec<(u32, u32)>,
}

impl Tokens {
    /// Forgets all tokens.
    pub fn clear(&mut self) {
        self.ids.clear();
        self.ends.clear();
        self.gaps.clear();
    }
}

/// What a thread keeps between texts.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(crate) words: WordCache,
    pub(crate) merge: bpe::Merging,
    pub(crate) word: Vec<u8>,
}

/// A tokenizer: text to tokens, control tokens in the text included, nothing added around it.
pub trait Tokeniser: Send + Sync {
    /// What it is, for notes.
    fn name(&self) -> String;

    /// Appends the tokens of a text.
    ///
    /// # Errors
    /// Where the tokenizer cannot tokenise it.
    fn encode(&self, text: &str, scratch: &mut Scratch, out: &mut Tokens) -> Result<()>;
}

/// A tokenizer and why it is this one.
pub struct Chosen {
    /// The fast backend where it agreed with the reference, else the reference.
    pub tokeniser: Box<dyn Tokeniser>,
    /// Tokens that it knows, added ones included: one more than the greatest.
    pub vocabulary: u32,
    /// Whether the fast backend is used.
    pub fast: bool,
    /// What was chosen and why.
    pub note: String,
}

impl std::fmt::Debug for Chosen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chosen").field("note", &self.note).finish_non_exhaustive()
    }
}

/// Loads `tokenizer.json` and takes the fastest backend that gives the reference's tokens on the torture set and
/// on `samples`.
///
/// # Errors
/// Where the text is not a tokenizer.
pub fn choose(json: &str, samples: &[String]) -> Result<Chosen> {
    let reference = Reference::new(json)?;
    let vocabulary = reference.vocabulary();
    let slow = |why: String, reference: Reference| {
        let note = format!("tokenizers {}, the reference: {why}", reference::VERSION);
        Ok(Chosen { tokeniser: Box::new(reference), vocabulary, fast: false, note })
    };
    let fast = match Fast::new(json, &reference) {
        Ok(fast) => fast,
        Err(why) => return slow(format!("the fast backend does not know {why}"), reference),
    };
    match first_difference(&fast, &reference, samples)? {
        None => {
            let texts = TORTURE.len() + samples.len();
            let note = format!("{}, equal to tokenizers {} on {texts} texts", fast.name(), reference::VERSION);
            let tokeniser = fast.backed_by(reference);
            Ok(Chosen { tokeniser: Box::new(tokeniser), vocabulary, fast: true, note })
        }
        Some(text) => {
            let shown: String = text.chars().take(40).collect();
            slow(format!("the fast backend differs from it on {shown:?}"), reference)
        }
    }
}

pub(crate) fn broken(what: impl std::fmt::Display) -> Error {
    Error::input("tokenizer.json", format!("cannot be used: {what}"))
}
