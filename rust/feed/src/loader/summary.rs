//! What a stream will hold, before anything is read: planned over lengths alone.

use super::corpus::Corpus;
use super::stream::{Cursor, Stream, StreamSettings};
use crate::mix::NO_CATEGORY;
use corpuskit_core::plan::packing::PackMode;
use corpuskit_core::{Error, Result};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The totals of one pass of a stream.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Summary {
    /// By phase, in order.
    pub phases: Vec<PhaseTotals>,
    /// Packs of all passes.
    pub packs: u64,
}

/// The totals of a phase, in one pass.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PhaseTotals {
    /// Its name; `validation` for the validation split.
    pub name: String,
    /// Rows.
    pub packs: u64,
    /// Documents.
    pub documents: u64,
    /// Tokens.
    pub tokens: u64,
    /// Tokens that are learnt.
    pub supervised: u64,
    /// Tokens that the model computes on: rows times length, or (padding-free, padded) the tokens themselves.
    pub slots: u64,
    /// Learnt tokens by category (empty: documents without).
    pub categories: BTreeMap<String, u64>,
}

/// Plans the first pass and counts.
///
/// # Errors
/// As for [`Stream::next_pack`].
pub fn summarise(corpus: &Arc<Corpus>, settings: &StreamSettings) -> Result<Summary> {
    let names = corpus.phases.iter().map(|phase| phase.phase.clone().unwrap_or_else(|| "validation".to_owned()));
    let mut phases: Vec<PhaseTotals> = names.map(|name| PhaseTotals { name, ..PhaseTotals::default() }).collect();
    let mut learnt = vec![vec![0_u64; corpus.categories.len() + 1]; phases.len()];
    let once = StreamSettings { epochs: settings.epochs.min(1), ..settings.clone() };
    let mut stream = Stream::new(Arc::clone(corpus), once, Cursor::default())?;
    let missing = || Error::Internal("a document is missing".to_owned());
    while let Some(plan) = stream.next_pack()? {
        let (phase, learnt) = (&mut phases[plan.phase as usize], &mut learnt[plan.phase as usize]);
        phase.packs += 1;
        for member in &plan.members {
            let shard = &corpus.store.shards()[member.shard as usize];
            let document = shard.document(member.document as usize).ok_or_else(missing)?;
            // Nothing comes before a document's first token, so it is never learnt (see `Row::labels`).
            let supervised = u64::from(document.supervised - u32::from(document.is_supervised(0)));
            phase.documents += 1;
            phase.tokens += u64::from(member.length);
            phase.supervised += supervised;
            let category = if member.category == NO_CATEGORY { learnt.len() - 1 } else { usize::from(member.category) };
            learnt[category] += supervised;
        }
    }
    for (phase, learnt) in phases.iter_mut().zip(learnt) {
        phase.slots = match settings.pack.mode {
            PackMode::Packed => phase.packs * u64::from(settings.pack.length),
            PackMode::PaddingFree | PackMode::Padded => phase.tokens,
        };
        let names = corpus.categories.iter().cloned().chain([String::new()]);
        phase.categories = names.zip(learnt).filter(|(_, learnt)| *learnt > 0).collect();
    }
    let once: u64 = phases.iter().map(|phase| phase.packs).sum();
    // Other passes have other orders, and the last rows of a phase depend on them.
    let mut packs = once;
    if settings.epochs > 1 {
        packs = 0;
        let mut stream = Stream::new(Arc::clone(corpus), settings.clone(), Cursor::default())?;
        while stream.next_pack()?.is_some() {
            packs += 1;
        }
    }
    Ok(Summary { phases, packs })
}
