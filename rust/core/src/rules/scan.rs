//! Running the compiled packs over the turns of a record.

use super::compile::{Compiled, Part, Ready};
use super::measure::Facts;
use super::pack::{Mode, Same, Scope};
use super::words::{self, Word};
use crate::record::Role;

/// Spans kept for one label, at most: enough to explain it.
const SPANS: usize = 8;

/// A turn as rules see it.
#[derive(Clone, Copy, Debug)]
pub struct Turn<'a> {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub text: &'a str,
}

/// Where a label was earned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Index of the rule among all rules.
    pub rule: u32,
    /// Index of the turn.
    pub turn: u32,
    /// First byte in the turn's text.
    pub start: u32,
    /// Byte after the last.
    pub end: u32,
}

/// One label of a record.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// Index of the column.
    pub column: usize,
    /// Index of the tag in the column.
    pub tag: usize,
    /// The sum of what its rules added.
    pub score: f32,
    /// Where it was earned, at most eight places.
    pub spans: Vec<Span>,
}

/// Reused buffers of one thread.
#[derive(Debug, Default)]
pub struct Scratch {
    words: Vec<Word>,
    word_counts: Vec<usize>,
    hits: Vec<(u32, u32, u32)>,
    fired: Vec<(u32, u32)>,
    spans: Vec<Span>,
}

impl Compiled {
    /// The labels of a record, by column, then precedence (`many`) or the best (`one`).
    pub fn label(&self, turns: &[Turn<'_>], facts: Facts, scratch: &mut Scratch) -> Vec<Label> {
        scratch.fired.clear();
        scratch.spans.clear();
        scratch.word_counts.clear();
        let places = Places::of(turns);
        for (index, turn) in turns.iter().enumerate() {
            self.turn(index, turn, &places, scratch);
        }
        scratch.fired.extend(self.measured.iter().map(|&rule| (rule as u32, 1)));
        scratch.fired.sort_unstable();
        self.decide(turns, facts, &places, scratch)
    }

    /// The name of a rule, for explanations.
    pub fn rule_name(&self, rule: u32) -> &str {
        &self.rules[rule as usize].name
    }

    /// The names of a column's rules whose expressions run on every turn of their scope.
    pub fn slow_rules(&self, column: usize) -> impl Iterator<Item = &str> {
        self.slow.iter().map(|&rule| &self.rules[rule]).filter(move |rule| rule.pack == column).map(|rule| &*rule.name)
    }

    /// The names of a column's rules.
    pub fn rules_of(&self, column: usize) -> impl Iterator<Item = &str> {
        self.rules.iter().filter(move |rule| rule.pack == column).map(|rule| &*rule.name)
    }

    fn turn(&self, index: usize, turn: &Turn<'_>, places: &Places, scratch: &mut Scratch) {
        let Scratch { words, word_counts, hits, fired, spans } = scratch;
        words.clear();
        hits.clear();
        words::scan(turn.text, words);
        word_counts.push(words.len());
        let in_scope = |owner: u32| places.holds(self.rules[Part::of(owner).0].scope, index, turn.role);
        self.phrases.find(turn.text, words, |owner, start, end| {
            if in_scope(owner) {
                hits.push((owner, start, end));
            }
        });
        for (finder, owner) in &self.literals {
            if in_scope(*owner) {
                let length = finder.needle().len() as u32;
                hits.extend(finder.find_iter(turn.text.as_bytes()).map(|at| (*owner, at as u32, at as u32 + length)));
            }
        }
        for &rule in &self.slow {
            if places.holds(self.rules[rule].scope, index, turn.role) {
                hits.push((Part::Needs.owner(rule), 0, 0));
            }
        }
        hits.sort_unstable();
        let mut from = 0;
        while from < hits.len() {
            let rule = Part::of(hits[from].0).0;
            let to = from + hits[from..].partition_point(|hit| Part::of(hit.0).0 == rule);
            let ready = &self.rules[rule];
            let beside = &hits[from..to];
            let before = spans.len();
            let first = words.first().map_or(0, |word| word.start);
            let count = ready.count(turn.text, first, beside, |start, end| {
                if spans.len() - before < SPANS {
                    spans.push(Span { rule: rule as u32, turn: index as u32, start, end });
                }
            });
            if count > 0 {
                fired.push((rule as u32, count));
            }
            from = to;
        }
    }

    fn decide(&self, turns: &[Turn<'_>], facts: Facts, places: &Places, scratch: &Scratch) -> Vec<Label> {
        let mut labels: Vec<Label> = Vec::new();
        let mut at = 0;
        while at < scratch.fired.len() {
            let rule = scratch.fired[at].0;
            let mut count = 0u32;
            while at < scratch.fired.len() && scratch.fired[at].0 == rule {
                count = count.saturating_add(scratch.fired[at].1);
                at += 1;
            }
            let ready = &self.rules[rule as usize];
            let measured = ready.measure.iter().all(|(measure, bounds)| {
                let texts = turns
                    .iter()
                    .enumerate()
                    .filter(|(index, turn)| places.holds(measure.scope, *index, turn.role))
                    .map(|(index, turn)| (turn.text, scratch.word_counts[index]));
                bounds.hold(measure.value(texts, facts))
            });
            if !measured {
                continue;
            }
            let score = ready.weight * count.min(ready.most) as f32;
            let label = match labels.iter_mut().find(|label| label.column == ready.pack && label.tag == ready.tag) {
                Some(label) => label,
                None => {
                    labels.push(Label { column: ready.pack, tag: ready.tag, score: 0.0, spans: Vec::new() });
                    let last = labels.len() - 1;
                    &mut labels[last]
                }
            };
            label.score += score;
            let room = SPANS - label.spans.len();
            label.spans.extend(scratch.spans.iter().filter(|span| span.rule == rule).take(room));
        }
        labels.sort_by_key(|label| (label.column, label.tag));
        self.choose(labels)
    }

    /// Keeps what reaches its column's threshold; in mode `one` the best, the first at equal score.
    fn choose(&self, labels: Vec<Label>) -> Vec<Label> {
        let mut chosen: Vec<Label> = Vec::with_capacity(labels.len());
        for label in labels {
            let column = &self.columns[label.column];
            if label.score < column.threshold {
                continue;
            }
            match chosen.last_mut() {
                Some(best) if column.mode == Mode::One && best.column == label.column => {
                    if label.score > best.score {
                        *best = label;
                    }
                }
                _ => chosen.push(label),
            }
        }
        chosen
    }
}

impl Ready {
    /// How often the rule holds in a turn whose first word begins at `first`. `hits` are its phrases there, in order of part and place.
    fn count(&self, text: &str, first: u32, hits: &[(u32, u32, u32)], mut place: impl FnMut(u32, u32)) -> u32 {
        let of = |part: Part| hits.iter().filter(move |hit| Part::of(hit.0).1 == part);
        let beside = |part: Part, start: u32, end: u32| {
            of(part).any(|hit| self.same == Same::Turn || same_sentence(text, (start, end), (hit.1, hit.2)))
        };
        let mut count = 0u32;
        let mut consider = |start: u32, end: u32| {
            if (!self.has_with || beside(Part::With, start, end)) && !beside(Part::Unless, start, end) {
                count = count.saturating_add(1);
                place(start, end);
            }
        };
        if self.has_any {
            of(Part::Any).filter(|hit| !self.start || hit.1 == first).for_each(|hit| consider(hit.1, hit.2));
        }
        if of(Part::Needs).next().is_some() {
            for found in self.regex.iter().flat_map(|regex| regex.find_iter(text).take(self.most as usize)) {
                consider(found.start() as u32, found.end() as u32);
            }
        }
        count
    }
}

/// Whether no sentence ends between two places.
fn same_sentence(text: &str, a: (u32, u32), b: (u32, u32)) -> bool {
    let (first, second) = if a.0 <= b.0 { (a, b) } else { (b, a) };
    let (from, to) = (first.1 as usize, second.0 as usize);
    from >= to || text.get(from..to).is_some_and(|between| !between.contains(['.', '!', '?', '\n', '。', '！', '？']))
}

/// Which turns are first and last of their kind.
struct Places {
    first_user: usize,
    last_user: usize,
    last_assistant: usize,
}

impl Places {
    fn of(turns: &[Turn<'_>]) -> Self {
        let last = |role: Role| turns.iter().rposition(|turn| turn.role == role).unwrap_or(usize::MAX);
        Self {
            first_user: turns.iter().position(|turn| turn.role == Role::User).unwrap_or(usize::MAX),
            last_user: last(Role::User),
            last_assistant: last(Role::Assistant),
        }
    }

    fn holds(&self, scope: Scope, index: usize, role: Role) -> bool {
        match scope {
            Scope::All => true,
            Scope::System => matches!(role, Role::System | Role::Developer),
            Scope::User => role == Role::User,
            Scope::FirstUser => index == self.first_user,
            Scope::LastUser => index == self.last_user,
            Scope::Assistant => matches!(role, Role::Assistant | Role::Text),
            Scope::Tool => role == Role::Tool,
            Scope::LastAssistant => index == self.last_assistant || role == Role::Text,
        }
    }
}
