//! Added tokens (control tokens and the like) are cut out of a text before anything else.

use aho_corasick::{AhoCorasick, MatchKind};
use serde_json::Value;

/// An added token.
#[derive(Clone, Debug)]
struct Added {
    id: u32,
    /// Swallows the white space before it.
    left: bool,
    /// Swallows the white space after it.
    right: bool,
}

/// Finds the added tokens of one kind (those that are looked for before, or after, normalising).
#[derive(Debug)]
pub struct AddedTokens {
    finder: AhoCorasick,
    tokens: Vec<Added>,
}

impl AddedTokens {
    /// Reads `added_tokens` of a `tokenizer.json`: those with this `normalized`. `None` if there are none.
    pub fn read(list: &[Value], normalized: bool) -> Result<Option<Self>, String> {
        let flag = |token: &Value, name: &str| token[name].as_bool().unwrap_or(false);
        let mut tokens = Vec::new();
        let mut texts = Vec::new();
        for token in list.iter().filter(|token| flag(token, "normalized") == normalized) {
            let (Some(text), Some(id)) = (token["content"].as_str(), token["id"].as_u64()) else {
                return Err("an added token without text or number".to_owned());
            };
            if flag(token, "single_word") {
                return Err(format!("the added token {text:?}, a whole word only"));
            }
            if text.is_empty() {
                continue;
            }
            texts.push(text);
            tokens.push(Added { id: id as u32, left: flag(token, "lstrip"), right: flag(token, "rstrip") });
        }
        if tokens.is_empty() {
            return Ok(None);
        }
        let finder = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(&texts)
            .map_err(|error| format!("its added tokens: {error}"))?;
        Ok(Some(Self { finder, tokens }))
    }

    /// Calls `each` with the parts of a text in order: `Some(token)`, or `None` for what is between; parts are
    /// never empty.
    #[inline]
    pub fn parts<'t, E>(
        &self,
        text: &'t str,
        mut each: impl FnMut(Option<u32>, &'t str) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut done = 0;
        for found in self.finder.find_iter(text) {
            let token = &self.tokens[found.pattern().as_usize()];
            let (mut start, mut end) = (found.start(), found.end());
            if token.left {
                start = text[..start].trim_end().len().max(done);
            }
            if token.right {
                end = text.len() - text[end..].trim_start().len();
            }
            if done < start {
                each(None, &text[done..start])?;
            }
            each(Some(token.id), &text[start.max(done)..end])?;
            done = end;
        }
        if done < text.len() { each(None, &text[done..]) } else { Ok(()) }
    }
}
