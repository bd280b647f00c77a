//! The Python face: converts types and errors, decides nothing.

use pyo3::prelude::*;

mod arrow_in;
mod background;
mod batches;
mod convert;
mod errors;
mod feed;
mod json;
mod looking;
mod mix;
mod packs;
mod plan;
mod process;
mod reasons;
mod rules;
mod stream;
mod text;
mod tokens;
mod verbs;

/// The compiled core of corpuskit; use `corpuskit` instead.
#[pymodule(gil_used = false)]
mod _core {
    #[pymodule_export]
    use super::arrow_in::ArrowBytes;
    #[pymodule_export]
    use super::batches::{ArrowBatch, BatchReader};
    #[pymodule_export]
    use super::convert::{convert_line, families};
    #[pymodule_export]
    use super::feed::{
        TokenFeed, digest_of, first_lines, store_digest, template_families, template_render, write_counts,
    };
    #[pymodule_export]
    use super::json::json_check;
    #[pymodule_export]
    use super::looking::{drop_examples, label_anew, life, recount};
    #[pymodule_export]
    use super::mix::{select, selection_account};
    #[pymodule_export]
    use super::packs::{Pack, PackCorpus, PackLoader, plan_packs};
    #[pymodule_export]
    use super::plan::{EffectivePlan, plan_schema, plan_template};
    #[pymodule_export]
    use super::process::{Progress, process};
    #[pymodule_export]
    use super::reasons::reasons;
    #[pymodule_export]
    use super::rules::{rules_bench, rules_explain, rules_overview};
    #[pymodule_export]
    use super::stream::RecordStream;
    #[pymodule_export]
    use super::text::normalise_text;
    #[pymodule_export]
    use super::tokens::{TokenColumn, TokenFolder};
    #[pymodule_export]
    use super::verbs::{convert_targets, look, transform};

    /// The version, from the workspace manifest.
    #[pymodule_export]
    const VERSION: &str = env!("CARGO_PKG_VERSION");

    /// Changed whenever the same record, tokenizer, template and settings would give other tokens.
    #[pymodule_export]
    const TOKENS_VERSION: u32 = corpuskit_feed::build::VERSION;

    /// Whether this is a debug build, ten times slower than a release build.
    #[pymodule_export]
    const DEBUG_BUILD: bool = cfg!(debug_assertions);
}
