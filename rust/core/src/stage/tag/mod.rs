//! `tag`: what is observed about a record: labels by rule packs with the places that earned them,
//! labels that the plan declares for a source, language and script. It changes nothing and drops
//! nothing.
//!
//! A record's own `_category`, `_persona` and `_traits` win: no rule labels such a column again.

pub mod language;
mod settings;
mod sources;
#[cfg(test)]
mod tests;

pub use settings::{SourceLabels, TagSettings};

use super::PerRecord;
use crate::record::labels::{DECLARED, Label, LabelColumn, Labels, Vocabulary};
use crate::record::{Record, Role, Verdict};
use crate::rules::{self, Compiled, Turn, facts_of, turns_of};
use crate::{Error, Result};
use bumpalo::Bump;
use bumpalo::collections::Vec as ArenaVec;
use sources::Sources;
use std::cell::RefCell;
use std::sync::Arc;

/// Columns that every run has; a pack cannot fill them.
const TAKEN: [&str; 14] = [
    "origin",
    "id",
    "parent",
    "source",
    "licence",
    "family",
    "dialect",
    "characters",
    "characters_total",
    "turns",
    "changes",
    "spans",
    "language",
    "script",
];

/// Most tags of a column: they are numbered with two bytes.
const MOST_TAGS: usize = 1 << 16;

/// The stage, ready to run.
#[derive(Debug)]
pub struct Tagger {
    packs: Option<Arc<Compiled>>,
    sources: Sources,
    /// The columns of language and script.
    language: Option<[u16; 2]>,
    keeps_places: bool,
    /// For each field that may declare: its column.
    declared: [Option<u16>; DECLARED.len()],
    vocabulary: Arc<Vocabulary>,
}

thread_local! {
    static SCRATCH: RefCell<rules::Scratch> = RefCell::default();
}

impl Tagger {
    /// Loads the packs, which runs their own examples.
    ///
    /// # Errors
    /// A pack that cannot be read or used, a rule that does not do what its examples say, a column
    /// that is taken, a source without label.
    pub fn new(settings: &TagSettings) -> Result<Self> {
        let packs = if settings.packs.is_empty() { None } else { Some(rules::load(&settings.packs)?) };
        let mut vocabulary = Vocabulary::default();
        if let Some(packs) = &packs {
            packs.describe(&mut vocabulary);
            check(packs)?;
        }
        let language = settings.language.then(|| {
            [("language", language::codes()), ("script", language::scripts())].map(|(name, tags)| {
                vocabulary.columns.push(LabelColumn { name: name.to_owned(), one: true, scored: false, tags });
                (vocabulary.columns.len() - 1) as u16
            })
        });
        let sources = Sources::new(&settings.sources, &mut vocabulary)?;
        let declared = declared(&vocabulary);
        let keeps_places = settings.spans && packs.is_some();
        if !keeps_places {
            vocabulary.rules.clear();
            vocabulary.earns.clear();
        }
        Ok(Self { packs, sources, language, keeps_places, declared, vocabulary: Arc::new(vocabulary) })
    }

    /// Every label that it can give.
    pub fn vocabulary(&self) -> &Arc<Vocabulary> {
        &self.vocabulary
    }

    /// Adds columns that are filled by `by` rather than by this stage; returns the number of the first.
    ///
    /// # Errors
    /// A name that is taken or cannot be a column's, more tags than fit.
    pub fn add_columns(&mut self, by: &str, columns: Vec<LabelColumn>) -> Result<u16> {
        let vocabulary = Arc::make_mut(&mut self.vocabulary);
        let first = vocabulary.columns.len();
        for column in columns {
            let wrong = |problem: String| Err(Error::plan(by, problem));
            let name = column.name.as_str();
            let is_name = name.starts_with(|first: char| first.is_ascii_lowercase())
                && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
            if !is_name {
                return wrong(format!("`{name}` cannot be a column, expected lower-case letters, digits and `_`"));
            }
            if TAKEN.contains(&name) || name.ends_with("_score") || vocabulary.column(name).is_some() {
                let problem = format!("the column `{name}` is filled already, expected another name");
                return Err(Error::plan(by, problem).with_hint("`tag.packs: []` leaves the columns of the packs out"));
            }
            if (name == "traits" && column.one) || (matches!(name, "category" | "persona") && !column.one) {
                let expected = if column.one { "a list of texts" } else { "one text" };
                return wrong(format!("the column `{name}` wants {expected} a record"));
            }
            if column.tags.len() > MOST_TAGS {
                return wrong(format!("the column `{name}` has more than {MOST_TAGS} different tags"));
            }
            vocabulary.columns.push(column);
        }
        self.declared = declared(vocabulary);
        u16::try_from(first).map_err(|_| Error::plan(by, "more columns than fit"))
    }

    /// The numbers of the columns that a record may declare for itself: category, persona, traits.
    pub fn declarable(&self) -> [Option<u16>; DECLARED.len()] {
        self.declared
    }

    /// Whether it has to see a record, decoded: always, unless nothing is asked for.
    pub fn looks_at_records(&self) -> bool {
        self.packs.is_some() || self.language.is_some() || !self.sources.is_empty()
    }

    /// What the packs are: name, version and digest of their text.
    pub fn packs(&self) -> &[rules::Loaded] {
        self.packs.as_ref().map_or(&[], |packs| &packs.loaded)
    }
}

/// The columns that a record may declare for itself.
fn declared(vocabulary: &Vocabulary) -> [Option<u16>; DECLARED.len()] {
    DECLARED.map(|(column, _)| vocabulary.column(column).and_then(|at| u16::try_from(at).ok()))
}

/// Whether the packs' columns are free.
fn check(packs: &Compiled) -> Result<()> {
    for (index, column) in packs.columns.iter().enumerate() {
        let (pack, name) = (&column.pack, &column.column);
        let wrong = |problem: String| Err(Error::plan(format!("pack `{pack}`"), problem));
        if TAKEN.contains(&name.as_str()) || name.ends_with("_score") {
            return wrong(format!("the column `{name}` is taken, expected another name"));
        }
        if let Some(other) = packs.columns[..index].iter().find(|other| other.column == *name) {
            return wrong(format!("the column `{name}` is filled by the pack `{}` already", other.pack));
        }
        let is_one = column.mode == rules::Mode::One;
        if (name == "traits" && is_one) || (matches!(name.as_str(), "category" | "persona") && !is_one) {
            let mode = if is_one { "many" } else { "one" };
            return wrong(format!("the column `{name}` wants `mode = \"{mode}\"`"));
        }
    }
    Ok(())
}

impl PerRecord for Tagger {
    fn apply<'a>(&self, record: &mut Record<'a>, arena: &'a Bump) -> Verdict {
        let mut given: ArenaVec<'a, Label> = ArenaVec::new_in(arena);
        let mut places = ArenaVec::new_in(arena);
        let turns = turns_of(record, arena);
        let by_record = self.declared_by(record);
        let by_source = self.sources.of(record);
        let is_settled =
            |column: u16| by_record.contains(&Some(column)) || by_source.iter().any(|label| label.column == column);
        if let Some(packs) = &self.packs {
            SCRATCH.with_borrow_mut(|scratch| {
                for found in packs.label(&turns, facts_of(record), scratch) {
                    if is_settled(found.label.column) {
                        continue;
                    }
                    given.push(found.label);
                    if self.keeps_places {
                        places.extend_from_slice(found.places);
                    }
                }
            });
        }
        given.extend(by_source.iter().copied().filter(|label| !by_record.contains(&Some(label.column))));
        if let Some(columns) = self.language {
            let found = language_of(&turns);
            for (column, tag) in columns.into_iter().zip(found) {
                given.extend(tag.map(|tag| Label { column, tag: u16::from(tag), score: f32::NAN }));
            }
        }
        given.sort_by_key(|label| (label.column, label.tag));
        record.labels = Labels { given: given.into_bump_slice(), places: places.into_bump_slice() };
        Verdict::Keep
    }
}

impl Tagger {
    /// The columns that the record declares for itself.
    pub(crate) fn declared_by(&self, record: &Record<'_>) -> [Option<u16>; DECLARED.len()] {
        let mut found = [None; DECLARED.len()];
        for member in record.fields.iter().filter(|member| member.key.starts_with('_')) {
            for (at, (_, field)) in DECLARED.iter().enumerate() {
                if member.key == *field {
                    found[at] = if member.value.is_null() { None } else { self.declared[at] };
                }
            }
        }
        found
    }
}

/// Language and script by their numbers.
pub(crate) fn language_of(turns: &[Turn<'_>]) -> [Option<u8>; 2] {
    let said = |role: Role| turns.iter().filter(move |turn| turn.role == role).map(|turn| turn.text);
    language::identify(said(Role::Assistant).chain(said(Role::Text)), said(Role::User))
}
