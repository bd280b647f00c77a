//! A pack's arrays, as a model takes them.

use super::corpus::{Corpus, reference};
use super::stream::Plan;
use crate::mix::NO_CATEGORY;
use corpuskit_core::{Error, Result};

/// The label that PyTorch's cross entropy leaves out.
pub const IGNORED: i64 = -100;

/// The arrays of one pack.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// Tokens.
    pub input_ids: Vec<i64>,
    /// Each token where it is learnt, [`IGNORED`] elsewhere and at the first token of each document, so that
    /// a shift by one never asks for another document's token.
    pub labels: Vec<i64>,
    /// From 0 in each document.
    pub position_ids: Vec<i64>,
    /// The number of the document within the pack.
    pub seq_idx: Vec<i32>,
    /// The weight of each token's loss; 0 where nothing is learnt.
    pub loss_weight: Vec<f32>,
    /// Where each document starts, and the end.
    pub cu_seq_lens: Vec<i32>,
    /// Which documents; -1: what fills the row up.
    pub doc_ref: Vec<i64>,
    /// Their categories, -1 without.
    pub category: Vec<i64>,
    /// Tokens of the longest document.
    pub max_seq_len: u32,
    /// Tokens that are learnt.
    pub supervised: u32,
}

impl Row {
    /// Reads the tokens of a planned pack. What is missing up to `width` is filled up by a document of its own of
    /// which nothing is learnt; its `doc_ref` is -1.
    ///
    /// # Errors
    /// Where the store has no such document.
    pub fn read(corpus: &Corpus, plan: &Plan, width: u32) -> Result<Self> {
        let length: usize = plan.members.iter().map(|member| member.length as usize).sum();
        let mut row = Self {
            input_ids: vec![0; length],
            labels: vec![0; length],
            position_ids: Vec::with_capacity(length),
            seq_idx: Vec::with_capacity(length),
            loss_weight: Vec::with_capacity(length),
            cu_seq_lens: vec![0],
            ..Self::default()
        };
        let mut start = 0;
        for (number, member) in plan.members.iter().enumerate() {
            let shard = corpus.store.shards().get(member.shard as usize);
            let document = shard.and_then(|shard| shard.document(member.document as usize));
            let document = document.ok_or_else(|| Error::Internal("a document is missing".to_owned()))?;
            let end = start + member.length as usize;
            document.labels_to(&mut row.labels[start..end], IGNORED);
            document.ids.copy_to(&mut row.input_ids[start..end]);
            row.labels[start] = IGNORED;
            for label in &row.labels[start..end] {
                let is_learnt = *label != IGNORED;
                row.supervised += u32::from(is_learnt);
                row.loss_weight.push(if is_learnt { document.weight } else { 0.0 });
            }
            row.position_ids.extend(0..i64::from(member.length));
            row.seq_idx.resize(end, number as i32);
            row.cu_seq_lens.push(end as i32);
            row.doc_ref.push(reference(member.shard, member.document));
            row.category.push(if member.category == NO_CATEGORY { -1 } else { i64::from(member.category) });
            row.max_seq_len = row.max_seq_len.max(member.length);
            start = end;
        }
        if length < width as usize {
            row.fill_up(width as usize);
        }
        Ok(row)
    }

    fn fill_up(&mut self, width: usize) {
        let rest = width - self.input_ids.len();
        self.input_ids.resize(width, 0);
        self.labels.resize(width, IGNORED);
        self.position_ids.extend(0..rest as i64);
        self.seq_idx.resize(width, self.doc_ref.len() as i32);
        self.loss_weight.resize(width, 0.0);
        self.cu_seq_lens.push(width as i32);
        self.doc_ref.push(-1);
        self.category.push(-1);
        self.max_seq_len = self.max_seq_len.max(rest as u32);
    }
}
