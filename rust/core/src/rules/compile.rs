//! Packs compiled to one matcher: every phrase of every pack in one table.

use super::bounds::Bound;
use super::expression::Expression;
use super::literals::{self, Literals};
use super::measure::Measure;
use super::pack::{Mode, Pack, Rule, Same};
use super::phrases::{self, Phrases};
use super::scan::Scopes;
use crate::record::labels::{LabelColumn, Vocabulary};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// Expressions of one pack, at most: each runs over what its words let through.
const MAX_EXPRESSIONS: usize = 500;

/// What a phrase of the shared table is to its rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// A hit.
    Any = 0,
    /// Lets the expressions run.
    Needs = 1,
}

impl Part {
    pub(super) fn owner(self, rule: usize) -> u32 {
        (rule * 2 + self as usize) as u32
    }

    pub(super) fn of(owner: u32) -> (usize, Part) {
        (owner as usize / 2, if owner.is_multiple_of(2) { Part::Any } else { Part::Needs })
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

/// What decides about a hit before its rule is looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gate {
    /// The bit of the rule's scope.
    pub scope: u8,
    /// Whether a hit has to be looked at once more: `with`, `unless`.
    pub waits: bool,
}

/// What a rule's hits add; of all rules together, so that few lines of memory hold them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gain {
    pub weight: f32,
    /// Hits that count.
    pub most: u32,
    /// The number of its tag among all tags.
    pub tag: u32,
    /// Where its bounds begin and end among those of all rules.
    pub bounds: (u32, u32),
}

/// A rule, ready.
#[derive(Debug)]
pub(super) struct Ready {
    pub pack: usize,
    /// The tag's number in the pack.
    pub tag: usize,
    pub name: String,
    pub same: Same,
    pub most: u32,
    pub has_with: bool,
    pub has_unless: bool,
    /// What lets the expressions run, if its measures gate it; else that stands among the phrases of all rules.
    pub needs: Phrases,
    /// `with` (owner 0) and `unless` (owner 1).
    pub beside: Phrases,
    pub regex: Vec<Expression>,
}

/// A pack as it was loaded.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Loaded {
    /// Its name.
    pub pack: String,
    /// Its version.
    pub version: u32,
    /// BLAKE3 of its file.
    pub digest: String,
}

/// Every pack, ready.
#[derive(Debug)]
pub struct Compiled {
    /// The columns, one a pack.
    pub columns: Vec<Column>,
    /// What was loaded.
    pub loaded: Vec<Loaded>,
    pub(super) rules: Vec<Ready>,
    pub(super) gates: Vec<Gate>,
    /// Words and phrases of all rules.
    pub(super) phrases: Phrases,
    /// Those that count only as the first words of a turn.
    pub(super) starts: Phrases,
    /// Literal texts.
    pub(super) literals: Literals,
    /// Rules that run on every turn of their scope: expressions without `needs`.
    pub(super) slow: Vec<usize>,
    /// Rules whose measures are looked at before the words that their expressions need.
    pub(super) gated: Vec<usize>,
    /// Rules that only measure.
    pub(super) measured: Vec<usize>,
    pub(super) measures: Vec<Measure>,
    /// Bounds of all rules, one rule after another.
    pub(super) bounds: Vec<Bound>,
    /// By pack: the number of its first tag among all tags.
    pub(super) offsets: Vec<usize>,
    /// By rule: what its hits add.
    pub(super) gains: Vec<Gain>,
    /// By number among all tags: the column and the number there.
    pub(super) tags: Vec<(u16, u16)>,
}

/// What the rules look for, on its way into the tables.
#[derive(Default)]
struct Builders {
    phrases: phrases::Builder,
    starts: phrases::Builder,
    literals: literals::Builder,
}

impl Compiled {
    /// Compiles packs; `places` name them in messages.
    ///
    /// # Errors
    /// A phrase, expression or measure that cannot be used, with pack and rule.
    pub fn new(packs: &[(Pack, String)]) -> Result<Self> {
        let mut compiled = Self {
            columns: Vec::new(),
            loaded: Vec::new(),
            rules: Vec::new(),
            gates: Vec::new(),
            phrases: phrases::Builder::default().build(&[]),
            starts: phrases::Builder::default().build(&[]),
            literals: Literals::default(),
            slow: Vec::new(),
            gated: Vec::new(),
            measured: Vec::new(),
            measures: Vec::new(),
            bounds: Vec::new(),
            offsets: Vec::new(),
            gains: Vec::new(),
            tags: Vec::new(),
        };
        let mut builders = Builders::default();
        for (pack, place) in packs {
            let expressions: usize = pack.rules.iter().map(|rule| rule.regex.len()).sum();
            if expressions > MAX_EXPRESSIONS {
                return Err(Error::plan(
                    place,
                    format!("at most {MAX_EXPRESSIONS} expressions a pack, got {expressions}"),
                ));
            }
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
            compiled.offsets.push(compiled.tags.len());
            compiled.tags.extend((0..tags.len()).map(|tag| (column as u16, tag as u16)));
            compiled.columns.push(Column {
                pack: pack.name.clone(),
                version: pack.version,
                column: pack.column.clone(),
                mode: pack.mode,
                threshold: pack.threshold,
                tags,
            });
            for (index, rule) in pack.rules.iter().enumerate() {
                let at = format!("{place}: {}", rule.label(index));
                compiled.add(column, rule, &at, rule.label(index), &mut builders)?;
            }
        }
        compiled.phrases = builders.phrases.build(&Scopes::all());
        compiled.starts = builders.starts.build(&Scopes::all());
        compiled.literals = builders.literals.build();
        Ok(compiled)
    }

    fn add(&mut self, pack: usize, rule: &Rule, at: &str, name: String, builders: &mut Builders) -> Result<()> {
        let id = self.rules.len();
        let scope = 1 << rule.scope as u8;
        let wrong = |problem: String| Error::plan(at, problem);
        let any = if rule.start { &mut builders.starts } else { &mut builders.phrases };
        for phrase in &rule.any {
            any.add(phrase, Part::Any.owner(id), scope).map_err(wrong)?;
        }
        let mut beside = phrases::Builder::default();
        for (owner, phrases) in [&rule.with, &rule.unless].into_iter().enumerate() {
            for phrase in phrases {
                beside.add(phrase, owner as u32, 1).map_err(wrong)?;
            }
        }
        let beside = beside.build(&[]);
        for literal in &rule.literal {
            builders.literals.add(literal, Part::Any.owner(id), rule.start);
        }
        let regex = rule.regex.iter().map(|pattern| Expression::new(pattern, at)).collect::<Result<Vec<_>>>()?;
        let mut measure = Vec::new();
        for (name, bounds) in &rule.measure {
            let wanted = Measure::parse(name, at)?;
            let number = self.measures.iter().position(|known| *known == wanted).unwrap_or_else(|| {
                self.measures.push(wanted);
                self.measures.len() - 1
            });
            measure.push((number, *bounds));
        }
        // What is known without reading a text may spare the reading.
        measure.sort_by_key(|&(number, _)| !self.measures[number].is_cheap());
        // Where that may spare the rule as a whole, its words, which may be frequent, are looked for behind it.
        let is_gated = !rule.needs.is_empty() && measure.iter().any(|&(number, _)| self.measures[number].is_cheap());
        let mut needs = phrases::Builder::default();
        for phrase in &rule.needs {
            let (builder, scope) = if is_gated { (&mut needs, 1) } else { (&mut builders.phrases, scope) };
            builder.add(phrase, Part::Needs.owner(id), scope).map_err(wrong)?;
        }
        if is_gated {
            self.gated.push(id);
        }
        if rule.any.is_empty() && rule.literal.is_empty() && regex.is_empty() {
            self.measured.push(id);
        } else if !regex.is_empty() && rule.needs.is_empty() {
            self.slow.push(id);
        }
        let from = self.bounds.len() as u32;
        self.bounds.extend(measure.into_iter().map(|(number, bounds)| Bound {
            number: number as u32,
            min: bounds.min.unwrap_or(f64::NEG_INFINITY),
            max: bounds.max.unwrap_or(f64::INFINITY),
        }));
        let tag = self.columns[pack].tags.iter().position(|tag| *tag == rule.tag).unwrap_or_default();
        self.gains.push(Gain {
            weight: rule.weight,
            most: rule.most,
            tag: (self.offsets[pack] + tag) as u32,
            bounds: (from, self.bounds.len() as u32),
        });
        self.gates.push(Gate { scope, waits: !beside.is_empty() });
        self.rules.push(Ready {
            pack,
            tag,
            name,
            same: rule.same,
            most: rule.most,
            has_with: !rule.with.is_empty(),
            has_unless: !rule.unless.is_empty(),
            needs: needs.build(&[]),
            beside,
            regex,
        });
        Ok(())
    }

    /// Adds the columns, tags and rules to a vocabulary.
    pub fn describe(&self, vocabulary: &mut Vocabulary) {
        vocabulary.columns.extend(self.columns.iter().map(|column| LabelColumn {
            name: column.column.clone(),
            one: column.mode == Mode::One,
            scored: true,
            tags: column.tags.clone(),
        }));
        let name = |rule: &Ready| format!("{}.{}", self.columns[rule.pack].pack, rule.name);
        vocabulary.rules.extend(self.rules.iter().map(name));
        vocabulary.earns.extend(self.rules.iter().map(|rule| (rule.pack as u16, rule.tag as u16)));
    }
}
