//! Rendering and tokenising records.

use crate::background::abandonable;
use crate::errors::{Result, detached};
use bumpalo::Bump;
use corpuskit_core::json::{Limits, parse};
use corpuskit_core::plan::tokenising::{ConditionSettings, TokeniseSettings};
use corpuskit_core::stage::write::shards::each_line;
use corpuskit_core::{Error, digest::Digest};
use corpuskit_feed::build::{Fallback, Feed, Lines, Options, Workspace, build};
use corpuskit_feed::conversation::{Conversation, Refusal};
use corpuskit_feed::count;
use corpuskit_feed::render::{FAMILIES, Marks, Rendered, Specials, Stop, Trained, family};
use corpuskit_feed::store::{Key, TokenStore};
use corpuskit_feed::tokenise::{Reference, Scratch, Tokens, choose};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;

/// The names of the template families that are rendered without Python, in the order in which they are tried.
#[pyfunction]
pub fn template_families() -> Vec<&'static str> {
    FAMILIES.iter().map(|(name, _)| *name).collect()
}

/// What a family makes of a record (a JSON text): `ok`, the text and its trained stretches in characters, or
/// `unsupported` or `refused` and why.
#[pyfunction]
pub fn template_render(
    py: Python<'_>,
    name: &str,
    bos: String,
    eos: String,
    marks: (bool, bool),
    record: Vec<u8>,
) -> Result<(&'static str, String, Vec<(usize, usize)>)> {
    detached(py, || {
        let specials = Specials { bos, eos };
        let family = family(name, &specials)
            .ok_or_else(|| Error::plan("template", format!("`{name}` is no family of templates")))?;
        let arena = Bump::new();
        let text = std::str::from_utf8(&record).map_err(|error| Error::Internal(error.to_string()))?;
        let node = parse(text, &arena, Limits::default()).map_err(|defect| Error::Internal(format!("{defect:?}")))?;
        let conversation = match Conversation::read(&node) {
            Ok(conversation) => conversation,
            Err(refusal) => return Ok(("refused", refusal.detail, Vec::new())),
        };
        let each = |turn: &corpuskit_feed::conversation::Turn<'_>| Trained {
            turn: turn.is_assistant() && turn.wanted,
            reasoning: true,
            calls: true,
        };
        let trained: Vec<Trained> = conversation.turns.iter().map(each).collect();
        let mut out = Rendered::default();
        match family.render(&conversation, &trained, Marks { lead: marks.0, trail: marks.1 }, &mut out) {
            Ok(()) => {
                let characters = |byte: u32| out.text[..byte as usize].chars().count();
                let spans = out.trained().iter().map(|run| (characters(run.start), characters(run.end))).collect();
                Ok(("ok", out.text, spans))
            }
            Err(Stop::Unsupported(why)) => Ok(("unsupported", why, Vec::new())),
            Err(Stop::Refused(refusal)) => Ok(("refused", refusal.detail, Vec::new())),
        }
    })
}

/// A template that only Python can render.
struct PythonTemplate(Py<PyAny>);

impl Fallback for PythonTemplate {
    fn render(
        &self,
        conversation: &[u8],
        trained: &[bool],
    ) -> std::result::Result<(String, Vec<(usize, usize)>), Refusal> {
        Python::attach(|py| {
            let answer = self.0.call1(py, (PyBytes::new(py, conversation), trained.to_vec()));
            answer.and_then(|answer| answer.extract(py)).map_err(|error: PyErr| {
                let value = error.value(py);
                let masked = value.getattr("reason").is_ok_and(|reason| reason.to_string() == "tokenise.mask");
                let reason = if masked { "tokenise.mask" } else { "tokenise.template" };
                Refusal { reason, detail: value.to_string() }
            })
        })
    }
}

/// How records become tokens; use `corpuskit.tokenise`.
#[pyclass(frozen, module = "corpuskit._core")]
pub struct TokenFeed {
    feed: Arc<Feed>,
}

#[pymethods]
impl TokenFeed {
    /// `tokenizer` is the text of `tokenizer.json`, `settings` the sections `tokenise` and `condition` as JSON, `samples`
    /// texts on which the fast tokenizer must agree with the reference.
    #[new]
    #[pyo3(signature = (tokenizer, *, family_name, bos, eos, marks, tools, fallback, settings, length, samples))]
    #[expect(clippy::too_many_arguments, reason = "all by name")]
    fn new(
        py: Python<'_>,
        tokenizer: &str,
        family_name: Option<&str>,
        bos: String,
        eos: String,
        marks: (bool, bool),
        tools: bool,
        fallback: Option<Py<PyAny>>,
        settings: (String, String),
        length: u32,
        samples: Vec<String>,
    ) -> Result<Self> {
        let fallback = fallback.map(|template| Box::new(PythonTemplate(template)) as Box<dyn Fallback>);
        let feed = detached(py, || {
            let wrong = |error: serde_json::Error| Error::plan("tokenise", error.to_string());
            let sections: (TokeniseSettings, ConditionSettings) =
                (serde_json::from_str(&settings.0).map_err(wrong)?, serde_json::from_str(&settings.1).map_err(wrong)?);
            let specials = Specials { bos, eos: eos.clone() };
            let family = family_name.and_then(|name| family(name, &specials));
            let reference = Reference::new(tokenizer)?;
            let mut ends: Vec<u32> = reference.id(&eos).into_iter().collect();
            match &family {
                Some(family) => ends.extend(reference.id(family.end().trim())),
                None => ends.extend(reference.controls()),
            }
            if fallback.is_some() {
                ends.extend(reference.controls());
            }
            let chosen = choose(tokenizer, &samples)?;
            let marks = Marks { lead: marks.0, trail: marks.1 };
            Ok(Feed {
                family,
                marks,
                tools,
                fallback,
                chosen,
                eos,
                ends,
                settings: sections.0,
                leak_guard: sections.1.leak_guard,
                length,
            })
        })?;
        Ok(Self { feed: Arc::new(feed) })
    }

    /// Which tokenizer is used, and why.
    fn note(&self) -> String {
        self.feed.chosen.note.clone()
    }

    /// Whether the fast tokenizer is used.
    fn fast(&self) -> bool {
        self.feed.chosen.fast
    }

    /// Tokens that the tokenizer knows, added ones included.
    fn vocabulary(&self) -> u32 {
        self.feed.chosen.vocabulary
    }

    /// The tokens of texts, nothing added.
    fn encode(&self, py: Python<'_>, texts: Vec<String>) -> Result<Vec<Vec<u32>>> {
        let feed = Arc::clone(&self.feed);
        detached(py, move || {
            let mut scratch = Scratch::default();
            let mut one = |text: &String| {
                let mut tokens = Tokens::default();
                feed.chosen.tokeniser.encode(text, &mut scratch, &mut tokens)?;
                Ok(tokens.ids)
            };
            texts.iter().map(&mut one).collect()
        })
    }

    /// What a record (a JSON line) becomes, as JSON: text, segments, tokens, documents, or why not.
    fn show(&self, py: Python<'_>, line: Vec<u8>) -> Result<String> {
        let feed = Arc::clone(&self.feed);
        // A template of Python's needs the interpreter meanwhile.
        detached(py, move || {
            let look = feed.show(&line, &mut Workspace::default())?;
            let (outcome, shown) = (look.outcome, look.whole);
            let pairs = |runs: &[std::ops::Range<u32>]| runs.iter().map(|run| [run.start, run.end]).collect::<Vec<_>>();
            let documents: Vec<_> = outcome
                .row
                .documents
                .iter()
                .zip(&look.documents)
                .map(|(document, shown)| {
                    json!({
                        "ids": document.ids, "supervised": pairs(&document.supervised),
                        "text": shown.rendered.text, "ends": shown.tokens.ends,
                    })
                })
                .collect();
            let shown = shown.map(|shown| {
                let segments: Vec<_> = shown
                    .rendered
                    .segments
                    .iter()
                    .map(|part| json!([part.start, part.end, format!("{:?}", part.what).to_lowercase(), part.trained]))
                    .collect();
                json!({
                    "text": shown.rendered.text, "segments": segments, "ids": shown.tokens.ids, "ends": shown.tokens.ends,
                    "supervised": pairs(&shown.supervised),
                })
            });
            let answer = json!({
                "reason": outcome.row.reason, "detail": outcome.detail, "origin": outcome.origin, "tagged": outcome.tagged,
                "python": outcome.slow, "documents": documents, "shown": shown,
            });
            Ok(answer.to_string())
        })
    }

    /// Builds a token store from data shards (name and path); returns the ledger and what is an error, as JSON.
    fn build(
        &self,
        py: Python<'_>,
        place: PathBuf,
        key: &str,
        shards: Vec<(String, PathBuf)>,
        notes: Vec<String>,
        threads: usize,
    ) -> Result<String> {
        let key: Key = serde_json::from_str(key).map_err(|error| Error::Internal(error.to_string()))?;
        let feed = Arc::clone(&self.feed);
        abandonable(py, move |abandoned| {
            let lines = |(name, path): (String, PathBuf)| {
                let source = move |each: &mut dyn FnMut(&[u8]) -> corpuskit_core::Result<bool>| each_line(&path, each);
                (name, Box::new(source) as Box<dyn Lines>)
            };
            let shards = shards.into_iter().map(lines).collect();
            let progress = |_: u64| abandoned.is_set();
            let options = Options { threads, progress: &progress };
            let built = build(&feed, &place, key, shards, &notes, &options)?;
            let faults: Vec<_> = built.faults.iter().map(|fault| json!([fault.problem, fault.hint])).collect();
            Ok(json!({"ledger": built.ledger, "faults": faults}).to_string())
        })
    }
}

/// Writes the token columns of a run folder from its token store; returns what became of every token by category, as JSON.
#[pyfunction]
pub fn write_counts(py: Python<'_>, folder: PathBuf, store: PathBuf) -> Result<String> {
    detached(py, || {
        let store = TokenStore::open(&store)?;
        count::write_counts(&folder, &store)?;
        let accounts = count::by_category(&folder, &store)?;
        serde_json::to_string(&accounts).map_err(|error| Error::Internal(error.to_string()))
    })
}

/// The first lines of a data shard, so many at most.
#[pyfunction]
pub fn first_lines(py: Python<'_>, path: PathBuf, count: usize) -> Result<Vec<Vec<u8>>> {
    detached(py, || {
        let mut lines = Vec::new();
        if count > 0 {
            each_line(&path, |line| {
                lines.push(line.to_vec());
                Ok(lines.len() < count)
            })?;
        }
        Ok(lines)
    })
}

/// The digest (BLAKE3, hexadecimal) of bytes.
#[pyfunction]
pub fn digest_of(data: &[u8]) -> String {
    Digest::of(data).to_string()
}

/// The digest that names the folder of a store with this key (JSON).
#[pyfunction]
pub fn store_digest(key: &str) -> Result<String> {
    let key: Key = serde_json::from_str(key).map_err(|error| Error::Internal(error.to_string()))?;
    Ok(key.digest()?.to_string())
}
