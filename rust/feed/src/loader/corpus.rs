//! What a loader reads: documents of a token store, in phases.

use crate::mix::{self, Account, NO_CATEGORY, Stretch};
use crate::store::TokenStore;
use corpuskit_core::digest::Digest;
use corpuskit_core::{Error, Result};
use std::path::{Path, PathBuf};

/// Documents in phases, with what is known about them.
#[derive(Debug)]
pub struct Corpus {
    /// The tokens.
    pub store: TokenStore,
    /// The phases, in order, each with the rows that it sees.
    pub phases: Vec<Stretch>,
    /// Names of categories.
    pub categories: Vec<String>,
    /// Category of each row of the run, by shard; empty where nothing is known.
    category: Vec<Vec<u16>>,
    /// The run folder, where origins are looked up.
    run: Option<PathBuf>,
    /// What identifies all of it.
    pub digest: Digest,
}

impl Corpus {
    /// A selection, or (`selection` = None) every record of a run in its own order.
    ///
    /// # Errors
    /// Where run, selection and token store do not belong together, or one cannot be read.
    pub fn of_run(run: &Path, selection: Option<&Path>, tokens: &Path, is_validation: bool) -> Result<Self> {
        let store = TokenStore::open(tokens)?;
        let manifest = mix::manifest(run)?;
        let data: Vec<Digest> =
            manifest.files.iter().filter(|file| file.path.starts_with("data/")).map(|file| file.digest).collect();
        if store.meta().key.records != data {
            return Err(Error::input(
                tokens.display().to_string(),
                format!("holds the tokens of other records than {}", run.display()),
            ));
        }
        let shards = mix::shards(&manifest, run)?;
        let rows = mix::read_columns(run, &shards, 0, 2)?;
        let mut category = rows.starts.windows(2).map(|pair| rows.category[pair[0]..pair[1]].to_vec());
        let phases = match selection {
            Some(folder) => selected(folder, &manifest, is_validation)?,
            None if is_validation => {
                return Err(
                    Error::plan("split", "a run folder has no validation split").with_hint("`corpuskit mix` makes one")
                );
            }
            None => everything(&store),
        };
        let digest = Self::identify(&store, &phases)?;
        let category = category.by_ref().collect();
        let corpus = Self { store, phases, categories: rows.categories, category, run: Some(run.to_owned()), digest };
        corpus.check()?;
        Ok(corpus)
    }

    /// Every document of a store that belongs to no run.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn of_store(tokens: &Path) -> Result<Self> {
        let store = TokenStore::open(tokens)?;
        let phases = everything(&store);
        let digest = Self::identify(&store, &phases)?;
        Ok(Self { store, phases, categories: Vec::new(), category: Vec::new(), run: None, digest })
    }

    fn identify(store: &TokenStore, phases: &[Stretch]) -> Result<Digest> {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&store.meta().key.digest()?.0);
        for phase in phases {
            hasher.update(phase.phase.as_deref().unwrap_or("validation").as_bytes());
            hasher.update(&(phase.places.len() as u64).to_le_bytes());
            for (shard, row) in &phase.places {
                hasher.update(&shard.to_le_bytes());
                hasher.update(&row.to_le_bytes());
            }
        }
        Ok(Digest(*hasher.finalize().as_bytes()))
    }

    /// Every place must be in the store.
    fn check(&self) -> Result<()> {
        let rows: Vec<usize> = self.store.shards().iter().map(crate::store::Shard::rows).collect();
        let is_there = |place: &(u32, u32)| rows.get(place.0 as usize).is_some_and(|&rows| (place.1 as usize) < rows);
        if self.phases.iter().flat_map(|phase| &phase.places).all(is_there) {
            return Ok(());
        }
        Err(Error::Check("the selection names rows that the token store does not have".to_owned()))
    }

    /// The category of a row, or [`NO_CATEGORY`].
    pub fn category(&self, shard: u32, row: usize) -> u16 {
        self.category.get(shard as usize).and_then(|rows| rows.get(row)).copied().unwrap_or(NO_CATEGORY)
    }

    /// The row of a document of a shard.
    pub fn row_of(&self, shard: u32, document: u32) -> Option<usize> {
        let shard = self.store.shards().get(shard as usize)?;
        let (mut low, mut high) = (0, shard.rows());
        while low < high {
            let middle = (low + high) / 2;
            if shard.documents_of(middle).end <= document as usize { low = middle + 1 } else { high = middle }
        }
        shard.documents_of(low).contains(&(document as usize)).then_some(low)
    }

    /// Where the record of a document came from: its origin, or `records#N` where it never had a file.
    ///
    /// # Errors
    /// Where there is no such document, or columns cannot be read.
    pub fn origin(&self, reference: i64) -> Result<String> {
        let (shard, document) = split(reference);
        let missing = || Error::plan("doc_ref", format!("there is no document {reference}"));
        let row = self.row_of(shard, document).ok_or_else(missing)?;
        let Some(run) = &self.run else {
            let before: usize = self.store.shards()[..shard as usize].iter().map(crate::store::Shard::rows).sum();
            return Ok(format!("records#{}", before + row));
        };
        let name = self.store.shards()[shard as usize].name();
        mix::origin(&run.join("columns").join(format!("{name}.parquet")), row)
    }
}

/// A document as one number: the shard above 32 bits of its number in the shard.
pub fn reference(shard: u32, document: u32) -> i64 {
    (u64::from(shard) << 32 | u64::from(document)) as i64
}

/// Shard and document of a reference.
fn split(reference: i64) -> (u32, u32) {
    ((reference as u64 >> 32) as u32, reference as u32)
}

fn everything(store: &TokenStore) -> Vec<Stretch> {
    let shards = store.shards().iter().enumerate();
    let places = shards.flat_map(|(shard, rows)| (0..rows.rows()).map(move |row| (shard as u32, row as u32))).collect();
    vec![Stretch { phase: Some("all".to_owned()), places }]
}

fn selected(
    folder: &Path,
    manifest: &corpuskit_core::stage::write::manifest::Manifest,
    is_validation: bool,
) -> Result<Vec<Stretch>> {
    let account = Account::load(folder)?;
    if account.data != mix::data_digest(manifest) {
        return Err(Error::input(folder.display().to_string(), "is a selection from another run")
            .with_hint("make it again with `corpuskit mix`"));
    }
    let mut stretches = mix::read_table(&folder.join(mix::TABLE))?;
    if stretches.iter().map(|stretch| stretch.places.len() as u64).sum::<u64>() != account.rows {
        return Err(Error::Check(format!("{}: its table has not the rows that it should have", folder.display())));
    }
    stretches.retain(|stretch| stretch.phase.is_none() == is_validation);
    if is_validation {
        return Ok(stretches);
    }
    // Phases without records are phases all the same.
    let mut found = stretches.into_iter().peekable();
    let mut phases = Vec::new();
    for summary in &account.phases {
        let same = found.next_if(|stretch| stretch.phase.as_ref() == Some(&summary.name));
        phases.push(same.unwrap_or(Stretch { phase: Some(summary.name.clone()), places: Vec::new() }));
    }
    Ok(phases)
}
