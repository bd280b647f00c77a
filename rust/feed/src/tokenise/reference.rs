//! Hugging Face `tokenizers`: what is right.

use super::{Scratch, Tokeniser, Tokens, broken};
use corpuskit_core::Result;
use tokenizers::Tokenizer;

/// The version of the crate that this was built with.
pub(super) const VERSION: &str = "0.23";

/// The reference backend.
#[derive(Debug)]
pub struct Reference {
    inner: Tokenizer,
}

impl Reference {
    /// Loads the text of a `tokenizer.json`; its truncation and padding are switched off.
    ///
    /// # Errors
    /// Where it is not one.
    pub fn new(json: &str) -> Result<Self> {
        let mut inner: Tokenizer = json.parse().map_err(broken)?;
        inner.with_padding(None);
        inner.with_truncation(None).map_err(broken)?;
        Ok(Self { inner })
    }

    /// One more than the greatest token.
    pub fn vocabulary(&self) -> u32 {
        self.inner.get_vocab(true).values().max().map_or(0, |&greatest| greatest + 1)
    }

    /// The number of a token.
    pub fn id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    /// The control tokens.
    pub fn controls(&self) -> Vec<u32> {
        let added = self.inner.get_added_tokens_decoder();
        added.into_iter().filter(|(_, token)| token.special).map(|(id, _)| id).collect()
    }

    /// The tokens of a text, nothing else.
    ///
    /// # Errors
    /// Where the text cannot be tokenised.
    pub fn ids(&self, text: &str) -> Result<Vec<u32>> {
        Ok(self.inner.encode_fast(text, false).map_err(broken)?.get_ids().to_vec())
    }

    /// The text of tokens, control tokens included.
    ///
    /// # Errors
    /// Where a token is unknown.
    pub fn decode(&self, ids: &[u32]) -> Result<String> {
        self.inner.decode(ids, false).map_err(broken)
    }
}

impl Tokeniser for Reference {
    fn name(&self) -> String {
        format!("tokenizers {VERSION}")
    }

    fn encode(&self, text: &str, _: &mut Scratch, out: &mut Tokens) -> Result<()> {
        let found = self.inner.encode(text, false).map_err(broken)?;
        out.ids.extend_from_slice(found.get_ids());
        let (mut last, count) = (0, found.get_offsets().len());
        for (at, &(start, end)) in found.get_offsets().iter().enumerate() {
            // White space is in the token that follows; some tokenizers only leave it out of the offsets.
            if text.get(last..start).is_some_and(|between| !between.trim().is_empty()) {
                out.gaps.push((out.ends.len() as u32, start as u32));
            }
            // What the tokenizer dropped at the very end belongs to the last token.
            last = if at + 1 == count { text.len() } else { end.max(last) };
            out.ends.push(last as u32);
        }
        Ok(())
    }
}
