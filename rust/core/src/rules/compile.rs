//! Packs compiled to one matcher: every phrase of every pack in one table.

use super::measure::Measure;
use super::pack::{Bounds, Mode, Pack, Rule, Same, Scope};
use super::phrases::Phrases;
use crate::{Error, Result};
use memchr::memmem::Finder;
use regex::{Regex, RegexBuilder};

/// A compiled expression stays below this many bytes; a bigger one is refused when the pack is loaded.
const REGEX_BYTES: usize = 1 << 20;

/// What a phrase is to its rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Any,
    With,
    Unless,
    Needs,
}

impl Part {
    const ALL: [Part; 4] = [Part::Any, Part::With, Part::Unless, Part::Needs];

    pub(super) fn owner(self, rule: usize) -> u32 {
        (rule * 4 + self as usize) as u32
    }

    pub(super) fn of(owner: u32) -> (usize, Part) {
        (owner as usize / 4, Part::ALL[owner as usize % 4])
    }
}

/// A label column and how its tags are chosen.
#[derive(Debug)]
pub struct Column {
    /// The pack's name.
    pub pack: String,
    /// The pack's version.
    pub version: u32,
    /// The column it fills.
    pub column: String,
    /// One tag a record or many.
    pub mode: Mode,
    /// The score from which a tag is given.
    pub threshold: f32,
    /// Its tags, in order of precedence.
    pub tags: Vec<String>,
}

/// A rule, ready.
#[derive(Debug)]
pub(super) struct Ready {
    pub pack: usize,
    pub tag: usize,
    pub name: String,
    pub scope: Scope,
    pub same: Same,
    pub start: bool,
    pub weight: f32,
    pub most: u32,
    pub has_any: bool,
    pub has_with: bool,
    pub regex: Vec<Regex>,
    pub measure: Vec<(Measure, Bounds)>,
}

/// Every pack, ready.
#[derive(Debug, Default)]
pub struct Compiled {
    /// The columns, one a pack.
    pub columns: Vec<Column>,
    pub(super) rules: Vec<Ready>,
    pub(super) phrases: Phrases,
    /// Literal texts.
    pub(super) literals: Vec<(Finder<'static>, u32)>,
    /// Rules that run on every turn of their scope: expressions without `needs`.
    pub(super) slow: Vec<usize>,
    /// Rules that only measure.
    pub(super) measured: Vec<usize>,
}

impl Compiled {
    /// Compiles packs; `places` name them in messages.
    ///
    /// # Errors
    /// A phrase, expression or measure that cannot be used, with pack and rule.
    pub fn new(packs: &[(Pack, String)]) -> Result<Self> {
        let mut compiled = Self::default();
        for (pack, place) in packs {
            if let Some(other) = compiled.columns.iter().find(|column| column.pack == pack.name) {
                return Err(Error::plan(
                    place,
                    format!("a pack `{}` is loaded already (version {})", pack.name, other.version),
                ));
            }
            let mut tags = pack.tags.clone();
            for rule in &pack.rules {
                if !tags.contains(&rule.tag) {
                    tags.push(rule.tag.clone());
                }
            }
            let column = compiled.columns.len();
            compiled.columns.push(Column {
                pack: pack.name.clone(),
                version: pack.version,
                column: pack.column.clone(),
                mode: pack.mode,
                threshold: pack.threshold,
                tags,
            });
            for (index, rule) in pack.rules.iter().enumerate() {
                compiled.add(column, rule, &format!("{place}: {}", rule.label(index)), rule.label(index))?;
            }
        }
        Ok(compiled)
    }

    fn add(&mut self, pack: usize, rule: &Rule, at: &str, name: String) -> Result<()> {
        let id = self.rules.len();
        for (part, phrases) in
            [(Part::Any, &rule.any), (Part::With, &rule.with), (Part::Unless, &rule.unless), (Part::Needs, &rule.needs)]
        {
            for phrase in phrases {
                self.phrases.add(phrase, part.owner(id)).map_err(|problem| Error::plan(at, problem))?;
            }
        }
        for literal in &rule.literal {
            self.literals.push((Finder::new(literal.as_bytes()).into_owned(), Part::Any.owner(id)));
        }
        let regex = rule.regex.iter().map(|pattern| expression(pattern, at)).collect::<Result<Vec<_>>>()?;
        let measure = rule
            .measure
            .iter()
            .map(|(name, bounds)| Ok((Measure::parse(name, at)?, *bounds)))
            .collect::<Result<Vec<_>>>()?;
        if rule.any.is_empty() && rule.literal.is_empty() && regex.is_empty() {
            self.measured.push(id);
        } else if !regex.is_empty() && rule.needs.is_empty() {
            self.slow.push(id);
        }
        let tag = self.columns[pack].tags.iter().position(|tag| *tag == rule.tag).unwrap_or_default();
        self.rules.push(Ready {
            pack,
            tag,
            name,
            scope: rule.scope,
            same: rule.same,
            start: rule.start,
            weight: rule.weight,
            most: rule.most,
            has_any: !rule.any.is_empty() || !rule.literal.is_empty(),
            has_with: !rule.with.is_empty(),
            regex,
            measure,
        });
        Ok(())
    }
}

fn expression(pattern: &str, at: &str) -> Result<Regex> {
    RegexBuilder::new(pattern)
        .case_insensitive(true)
        .multi_line(true)
        .size_limit(REGEX_BYTES)
        .dfa_size_limit(REGEX_BYTES)
        .nest_limit(64)
        .build()
        .map_err(|error| {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            Error::plan(at, format!("the expression `{pattern}` cannot be used: {last}"))
        })
}
