//! Texts that say the same thing over and over: a model that learns from them does so, too.
//!
//! Two shares, after Gopher (Rae et al. 2021, table A1), over what the assistant says: characters of
//! lines that stood there before, and words inside sequences of ten that stood there before. Both
//! are counted without order or chance, and each takes time linear in the text.

use crate::record::{Record, Role, Verdict};
use crate::rules::{text_of, word_hashes};
use crate::text::hash;
use crate::{Error, Result};
use bumpalo::Bump;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// Words of a sequence.
const WINDOW: usize = 10;

/// How much of what the assistant says may be said again. Shares from 0 to 1; left out: not judged.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct RepetitionSettings {
    /// Most of the characters that may stand in lines that stood there before.
    pub max_line_share: Option<f64>,
    /// Most of the words that may stand in sequences of ten words that stood there before.
    pub max_word_share: Option<f64>,
    /// Texts with fewer words are not judged.
    pub min_words: u64,
}

impl Default for RepetitionSettings {
    fn default() -> Self {
        Self { max_line_share: None, max_word_share: None, min_words: 50 }
    }
}

/// The filter, checked and ready.
#[derive(Clone, Debug)]
pub(super) struct Repetition(RepetitionSettings);

impl Repetition {
    /// `None` where nothing is asked for.
    pub(super) fn new(settings: &RepetitionSettings) -> Result<Option<Self>> {
        for (name, share) in [("max_line_share", settings.max_line_share), ("max_word_share", settings.max_word_share)]
        {
            if let Some(share) = share
                && !(0.0..=1.0).contains(&share)
            {
                let at = format!("filter.repetition.{name}");
                return Err(Error::plan(at, format!("is a share, expected 0 to 1, got {share}")));
            }
        }
        let is_asked = settings.max_line_share.is_some() || settings.max_word_share.is_some();
        Ok(is_asked.then(|| Self(settings.clone())))
    }

    pub(super) fn judge<'a>(&self, record: &Record<'a>, arena: &'a Bump) -> Option<Verdict> {
        let said = record.messages.iter().filter(|turn| matches!(turn.role, Role::Assistant | Role::Text));
        let mut words = Vec::new();
        let mut lines = Lines::default();
        for turn in said {
            let text = text_of(turn, arena);
            lines.add(text);
            word_hashes(text, &mut words);
        }
        if (words.len() as u64) < self.0.min_words {
            return None;
        }
        let judge = |reason, what: &str, share: f64, most: Option<f64>| {
            let most = most.filter(|&most| share > most)?;
            let share = (share * 1e4).round() / 1e4;
            Some(Verdict::Drop { reason, evidence: format!("{{\"{what}\":{share},\"max_{what}\":{most}}}") })
        };
        judge("filter.repetition.lines", "line_share", lines.share(), self.0.max_line_share).or_else(|| {
            self.0.max_word_share?;
            judge("filter.repetition.words", "word_share", repeated(&words), self.0.max_word_share)
        })
    }
}

/// Lines and the characters of those that stood there before.
#[derive(Default)]
struct Lines {
    seen: HashSet<[u64; 2]>,
    repeated: usize,
    all: usize,
}

impl Lines {
    fn add(&mut self, text: &str) {
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let characters = line.chars().count();
            self.all += characters;
            if !self.seen.insert(hash::wide(line.as_bytes())) {
                self.repeated += characters;
            }
        }
    }

    fn share(&self) -> f64 {
        if self.all == 0 { 0.0 } else { self.repeated as f64 / self.all as f64 }
    }
}

/// The share of words that stand in a sequence that stood there before.
fn repeated(words: &[u64]) -> f64 {
    let mut seen = HashSet::new();
    // Words up to here are counted.
    let (mut covered, mut end) = (0, 0);
    for (at, window) in words.windows(WINDOW).enumerate() {
        let sum = window.iter().fold(0, |sum, &word| hash::mix(hash::fold(sum ^ word, 0x9E37_79B9_7F4A_7C15)));
        if !seen.insert(sum) {
            covered += at + WINDOW - at.max(end);
            end = at + WINDOW;
        }
    }
    if words.is_empty() { 0.0 } else { covered as f64 / words.len() as f64 }
}
