//! Labels that the plan declares for whole sources.

use super::settings::SourceLabels;
use crate::record::Record;
use crate::record::labels::{Label, LabelColumn, Vocabulary};
use crate::{Error, Result};
use globset::{GlobBuilder, GlobMatcher};

/// One source and its labels.
#[derive(Clone, Debug)]
struct Source {
    pattern: GlobMatcher,
    labels: Vec<Label>,
}

/// The declared sources, checked and ready.
#[derive(Clone, Debug, Default)]
pub(super) struct Sources(Vec<Source>);

impl Sources {
    /// Adds the columns and tags that are declared to the vocabulary.
    ///
    /// # Errors
    /// A pattern that is no glob, and a source without labels.
    pub fn new(settings: &[SourceLabels], vocabulary: &mut Vocabulary) -> Result<Self> {
        let mut sources = Vec::new();
        for (index, declared) in settings.iter().enumerate() {
            let at = || format!("tag.sources[{index}]");
            let pattern = GlobBuilder::new(&declared.pattern)
                .literal_separator(true)
                .build()
                .map_err(|error| Error::plan(format!("{}.match", at()), error.kind().to_string()))?;
            if declared.pattern.is_empty() {
                return Err(Error::plan(
                    format!("{}.match", at()),
                    "is missing, expected a glob such as `data/*.jsonl`",
                ));
            }
            let mut labels = Vec::new();
            let texts = [("category", &declared.category), ("persona", &declared.persona)];
            for (column, text) in texts.into_iter().filter_map(|(column, text)| Some((column, text.as_ref()?))) {
                labels.push(label(vocabulary, column, true, text)?);
            }
            for text in &declared.traits {
                labels.push(label(vocabulary, "traits", false, text)?);
            }
            if labels.is_empty() {
                return Err(Error::plan(at(), "declares no label, expected `category`, `persona` or `traits`"));
            }
            sources.push(Source { pattern: pattern.compile_matcher(), labels });
        }
        Ok(Self(sources))
    }

    /// Whether no source is declared.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The labels of the record's source.
    pub fn of(&self, record: &Record<'_>) -> &[Label] {
        if self.0.is_empty() {
            return &[];
        }
        let name = record.source();
        let is_here = |source: &&Source| source.pattern.is_match(record.origin.path) || source.pattern.is_match(name);
        self.0.iter().find(is_here).map_or(&[], |source| &source.labels)
    }
}

/// The number of a label; column and tag are added where they are new.
fn label(vocabulary: &mut Vocabulary, name: &str, one: bool, tag: &str) -> Result<Label> {
    let column = vocabulary.column(name).unwrap_or_else(|| {
        vocabulary.columns.push(LabelColumn { name: name.to_owned(), one, scored: false, tags: Vec::new() });
        vocabulary.columns.len() - 1
    });
    let tags = &mut vocabulary.columns[column].tags;
    let at = tags.iter().position(|known| known == tag).unwrap_or_else(|| {
        tags.push(tag.to_owned());
        tags.len() - 1
    });
    match (u16::try_from(column), u16::try_from(at)) {
        (Ok(column), Ok(tag)) => Ok(Label { column, tag, score: f32::NAN }),
        _ => Err(Error::plan("tag.sources", "more than 65,535 different labels")),
    }
}
