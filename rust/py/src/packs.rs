//! Packs of a corpus, as arrays of bytes.

use crate::background::abandonable;
use crate::errors::{Result, detached};
use corpuskit_core::Error;
use corpuskit_core::plan::packing::PackMode;
use corpuskit_feed::loader::{Corpus, Lane, Loader, Row, State, StreamSettings, summarise};
use corpuskit_feed::pack::Packer;
use pyo3::prelude::*;
use pyo3::types::PyByteArray;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// What a loader reads; use `corpuskit.loader`.
#[pyclass(frozen, module = "corpuskit._core")]
pub struct PackCorpus {
    corpus: Arc<Corpus>,
}

#[pymethods]
impl PackCorpus {
    /// A token store; with its run folder and, where one is followed, a selection.
    #[new]
    #[pyo3(signature = (tokens, *, run=None, selection=None, validation=false))]
    fn new(
        py: Python<'_>,
        tokens: PathBuf,
        run: Option<PathBuf>,
        selection: Option<PathBuf>,
        validation: bool,
    ) -> Result<Self> {
        let corpus = detached(py, || match &run {
            Some(run) => Corpus::of_run(run, selection.as_deref(), &tokens, validation),
            None => Corpus::of_store(&tokens),
        })?;
        Ok(Self { corpus: Arc::new(corpus) })
    }

    /// What identifies tokens and selection.
    fn digest(&self) -> String {
        self.corpus.digest.to_string()
    }

    /// Names of the categories, sorted.
    fn categories(&self) -> Vec<String> {
        self.corpus.categories.clone()
    }

    /// Where the record of a document came from.
    fn origin(&self, py: Python<'_>, reference: i64) -> Result<String> {
        detached(py, || self.corpus.origin(reference))
    }

    /// The totals of a stream with these settings (JSON), as JSON.
    fn summary(&self, py: Python<'_>, settings: &str) -> Result<String> {
        let (corpus, settings) = (Arc::clone(&self.corpus), read(settings)?);
        abandonable(py, move |_| {
            let summary = summarise(&corpus, &settings)?;
            serde_json::to_string(&summary).map_err(|error| Error::Internal(error.to_string()))
        })
    }
}

fn read<T: serde::de::DeserializeOwned>(text: &str) -> corpuskit_core::Result<T> {
    serde_json::from_str(text).map_err(|error| Error::plan("the loader", error.to_string()))
}

/// One process's packs; use `corpuskit.loader`.
#[pyclass(frozen, module = "corpuskit._core")]
pub struct PackLoader {
    loader: Arc<Mutex<Loader>>,
    /// Rows are filled up to it.
    width: u32,
}

#[pymethods]
impl PackLoader {
    /// `lane`: ranks, rank, workers, worker, and packs that a worker hands out in a row. `state` as `state` gave it.
    #[new]
    #[pyo3(signature = (corpus, settings, lane, state=None))]
    fn new(
        py: Python<'_>,
        corpus: &PackCorpus,
        settings: &str,
        lane: (u64, u64, u64, u64, u64),
        state: Option<&str>,
    ) -> Result<Self> {
        let settings: StreamSettings = read(settings)?;
        let (ranks, rank, workers, worker, batch) = lane;
        let lane = Lane { ranks, rank, workers, worker, batch };
        let damaged = |error: serde_json::Error| Error::input("the state of the loader", error.to_string());
        let state: Option<State> = state.map(serde_json::from_str).transpose().map_err(damaged)?;
        let width = if settings.pack.mode == PackMode::Packed { settings.pack.length } else { 0 };
        let loader = detached(py, || Loader::new(Arc::clone(&corpus.corpus), settings, lane, state))?;
        Ok(Self { loader: Arc::new(Mutex::new(loader)), width })
    }

    /// The next pack; None at the end.
    fn take(&self, py: Python<'_>) -> Result<Option<Pack>> {
        detached(py, || {
            let mut loader = self.loader.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(plan) = loader.next_pack()? else { return Ok(None) };
            let row = Row::read(loader.corpus(), &plan, self.width)?;
            let state = loader.state()?;
            Ok(Some(Pack { row, number: plan.number, epoch: plan.epoch, phase: plan.phase, chain: plan.chain, state }))
        })
    }

    /// Goes on until the pack with a number is behind, and all that are dealt out with it.
    fn pass_by(&self, number: u64, py: Python<'_>) -> Result<()> {
        let loader = Arc::clone(&self.loader);
        abandonable(py, move |_| loader.lock().unwrap_or_else(PoisonError::into_inner).pass(number))
    }

    /// Where it stands, as JSON.
    fn state(&self) -> Result<String> {
        text(&self.loader.lock().unwrap_or_else(PoisonError::into_inner).state()?)
    }
}

fn text(state: &State) -> Result<String> {
    Ok(serde_json::to_string(state).map_err(|error| Error::Internal(error.to_string()))?)
}

/// A row of tokens.
#[pyclass(frozen, module = "corpuskit._core")]
pub struct Pack {
    row: Row,
    /// Its number in the stream.
    #[pyo3(get)]
    number: u64,
    /// The pass that it is of.
    #[pyo3(get)]
    epoch: u32,
    /// The phase that it is of.
    #[pyo3(get)]
    phase: u32,
    /// The digest chain up to it.
    #[pyo3(get)]
    chain: u64,
    state: State,
}

#[pymethods]
impl Pack {
    /// An array by its name, as bytes that may be written to; None where there is no such array.
    fn array<'py>(&self, py: Python<'py>, name: &str) -> Option<Bound<'py, PyByteArray>> {
        let row = &self.row;
        let bytes: &[u8] = match name {
            "input_ids" => bytemuck::cast_slice(&row.input_ids),
            "labels" => bytemuck::cast_slice(&row.labels),
            "position_ids" => bytemuck::cast_slice(&row.position_ids),
            "seq_idx" => bytemuck::cast_slice(&row.seq_idx),
            "loss_weight" => bytemuck::cast_slice(&row.loss_weight),
            "cu_seq_lens" => bytemuck::cast_slice(&row.cu_seq_lens),
            "doc_ref" => bytemuck::cast_slice(&row.doc_ref),
            _ => return None,
        };
        Some(PyByteArray::new(py, bytes))
    }

    /// Category of each document by its number, -1 without.
    fn category(&self) -> Vec<i64> {
        self.row.category.clone()
    }

    /// Tokens of the longest document.
    fn max_seq_len(&self) -> u32 {
        self.row.max_seq_len
    }

    /// Tokens that are learnt.
    fn supervised(&self) -> u32 {
        self.row.supervised
    }

    /// Where the loader stands once this pack is handed out, as JSON.
    fn state(&self) -> Result<String> {
        text(&self.state)
    }
}

/// Plans packs over lengths (u32): numbers of documents (u64), pack after pack, and where each pack starts, the end last (u64).
#[pyfunction]
#[pyo3(signature = (lengths, *, length, window))]
pub fn plan_packs<'py>(
    py: Python<'py>,
    lengths: &[u8],
    length: u32,
    window: u32,
) -> Result<(Bound<'py, PyByteArray>, Bound<'py, PyByteArray>)> {
    let lengths: Vec<u32> =
        lengths.chunks_exact(4).map(|bytes| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])).collect();
    let (order, borders) = detached(py, move || plan(&lengths, length, window))?;
    Ok((PyByteArray::new(py, bytemuck::cast_slice(&order)), PyByteArray::new(py, bytemuck::cast_slice(&borders))))
}

fn plan(lengths: &[u32], length: u32, window: u32) -> corpuskit_core::Result<(Vec<u64>, Vec<u64>)> {
    if let Some(at) = lengths.iter().position(|&own| own == 0 || own > length) {
        let problem = format!("document {at} has {} tokens, expected 1 to {length}", lengths[at]);
        return Err(Error::plan("lengths", problem));
    }
    let mut packer = Packer::new(length, window)?;
    let (mut order, mut borders) = (Vec::with_capacity(lengths.len()), vec![0]);
    let mut pack = Vec::new();
    let mut add = |pack: &[u64]| {
        order.extend_from_slice(pack);
        borders.push(order.len() as u64);
    };
    for &own in lengths {
        while !packer.push(own)? {
            if packer.next_pack(&mut pack) {
                add(&pack);
            }
        }
    }
    while packer.last_pack(&mut pack) {
        add(&pack);
    }
    Ok((order, borders))
}
