//! `mix`: what of a run folder is trained on, how often, in which order. A selection, not a copy.
//!
//! Only `columns/` (and `counts/` or a token store, where there is one) are read. The same run, plan and seed give the
//! same bytes: who is validated is decided by hashes of origins, everything else by counters.

mod account;
mod columns;
mod counts;
mod family;
mod materialise;
mod quota;
mod select;
mod table;

pub use account::{ACCOUNT, Account, PhaseSummary, SplitAccount};
pub use columns::{NO_CATEGORY, Rows, origin, read as read_columns, shards};
pub use materialise::materialise;
pub use quota::{fill, largest_remainder};
pub use select::{Chosen, Phase, PhaseAccount, select};
pub use table::{Stretch, TABLE, read as read_table};

use crate::store::TokenStore;
use corpuskit_core::digest::Digest;
use corpuskit_core::plan::Plan;
use corpuskit_core::plan::selection::Unit;
use corpuskit_core::stage::write::manifest::{MANIFEST, Manifest};
use corpuskit_core::{Error, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// How a selection is made.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The token store that amounts are counted from; else those of `counts/`, else they are estimated.
    pub tokens: Option<PathBuf>,
    /// Write the records themselves too.
    pub materialise: bool,
    /// Replace a selection that is there.
    pub force: bool,
    /// Threads that read columns.
    pub threads: usize,
}

/// The manifest of a finished run.
///
/// # Errors
/// Where the folder is none.
pub fn manifest(run: &Path) -> Result<Manifest> {
    Manifest::load(run).map_err(|error| match error {
        Error::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            Error::input(run.display().to_string(), format!("has no {MANIFEST}, expected the folder of a finished run"))
                .with_hint("`corpuskit process IN -o OUT` makes one; an unfinished run is continued by its own command")
        }
        other => other,
    })
}

/// What identifies the kept records of a run, whatever columns are added later.
pub fn data_digest(manifest: &Manifest) -> Digest {
    let mut text = String::new();
    for file in manifest.files.iter().filter(|file| file.path.starts_with("data/")) {
        text.push_str(&format!("{} {}\n", file.digest, file.path));
    }
    Digest::of(text.as_bytes())
}

/// Selects from a run folder into the folder `output`.
///
/// # Errors
/// Where the run cannot be read, the plan cannot be met, or the output is there already.
pub fn mix(run: &Path, output: &Path, plan: &Plan, options: &Options) -> Result<Account> {
    let exists = output.join(ACCOUNT).exists();
    if output.exists() && !(exists && options.force) {
        let (problem, hint) = if exists {
            ("holds a selection already", "add `--force` (in Python `force=True`) to replace it")
        } else {
            ("exists and is not a selection", "name a folder that is not there yet")
        };
        return Err(Error::output(output.display().to_string(), problem).with_hint(hint));
    }
    let manifest = manifest(run)?;
    let shards = shards(&manifest, run)?;
    let rows = read_columns(run, &shards, plan.mix.seed, options.threads)?;
    let Amounts { amount, estimated, counted } = amounts(&rows, run, plan, options.tokens.as_deref(), &manifest)?;
    let chosen = select(&rows, &amount, &plan.mix, &plan.curriculum)?;
    let partial = partial(output);
    let work = || {
        fs::create_dir_all(&partial).map_err(|error| Error::io(&partial, error))?;
        let (count, digest) = table::write(&partial.join(TABLE), &rows, &chosen)?;
        if options.materialise {
            materialise(run, &manifest, &rows, &chosen, &partial.join("data"))?;
        }
        let mut account = Account {
            corpuskit: corpuskit_core::VERSION.to_owned(),
            run: run.display().to_string(),
            manifest: manifest.digest.clone(),
            data: data_digest(&manifest),
            plan: serde_json::json!({"mix": plan.mix, "curriculum": plan.curriculum}),
            unit: plan.mix.unit,
            estimated,
            tokens: counted,
            records: rows.len() as u64,
            amount: amount.iter().sum(),
            families: chosen.families,
            unselected: chosen.unselected,
            validation: SplitAccount {
                asked_share: plan.mix.split.validation,
                asked: chosen.validation_asked,
                achieved: chosen.validation_achieved,
                records: chosen.validation.len() as u64,
            },
            phases: account::phases(&rows, &amount, &chosen),
            rows: count,
            selection: digest,
            notes: account::notes(&chosen, plan.mix.max_epochs_per_record),
            digest: String::new(),
        };
        let path = partial.join(ACCOUNT);
        fs::write(&path, account.seal()?).map_err(|error| Error::io(&path, error))?;
        if exists {
            fs::remove_dir_all(output).map_err(|error| Error::io(output, error))?;
        }
        fs::rename(&partial, output).map_err(|error| Error::io(output, error))?;
        Ok(account)
    };
    let done = work();
    if done.is_err() {
        // Half a selection is worse than none.
        let _ = fs::remove_dir_all(&partial);
    }
    done
}

fn partial(output: &Path) -> PathBuf {
    let mut name = output.as_os_str().to_owned();
    name.push(format!(".partial-{}", std::process::id()));
    PathBuf::from(name)
}

/// What each row counts, and where that was counted.
fn amounts(rows: &Rows, run: &Path, plan: &Plan, tokens: Option<&Path>, manifest: &Manifest) -> Result<Amounts> {
    if plan.mix.unit == Unit::Examples {
        return Ok(Amounts { amount: vec![1; rows.len()], estimated: false, counted: None });
    }
    if let Some(store) = tokens.map(TokenStore::open).transpose()? {
        let counted = Some(store.meta().key.digest()?);
        return Ok(Amounts { amount: of_store(rows, &store, manifest)?, estimated: false, counted });
    }
    if let Some((amount, counted)) = counts::read(run, manifest, rows)? {
        return Ok(Amounts { amount, estimated: false, counted: Some(counted) });
    }
    let amount = rows.characters.iter().map(|characters| characters.div_ceil(4)).collect();
    Ok(Amounts { amount, estimated: true, counted: None })
}

struct Amounts {
    amount: Vec<u64>,
    estimated: bool,
    counted: Option<Digest>,
}

fn of_store(rows: &Rows, store: &TokenStore, manifest: &Manifest) -> Result<Vec<u64>> {
    let data: Vec<Digest> =
        manifest.files.iter().filter(|file| file.path.starts_with("data/")).map(|file| file.digest).collect();
    let fits = store.meta().key.records == data
        && store.shards().iter().map(crate::store::Shard::rows).sum::<usize>() == rows.len();
    if !fits {
        return Err(Error::input(store.folder().display().to_string(), "holds the tokens of other records"));
    }
    let mut amounts = Vec::with_capacity(rows.len());
    for shard in store.shards() {
        let supervised = shard.supervised();
        for row in 0..shard.rows() {
            let tokens = supervised[shard.documents_of(row)].iter().map(|&tokens| u64::from(tokens)).sum();
            amounts.push(tokens);
        }
    }
    Ok(amounts)
}
