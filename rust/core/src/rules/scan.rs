//! Running the compiled packs over the turns of a record.
//!
//! The work is bounded by the length of the texts, whatever a pack says: a rule's hits count up to its
//! `most`, expressions see the first 32 KiB of a turn, and what stands beside hits is looked for once a
//! sentence.

use super::begins::Begin;
use super::bounds::Numbers;
use super::compile::{Compiled, Part, Ready};
use super::hits::{Hits, Scores};
use super::measure::Facts;
use super::pack::{Same, Scope};
use super::sentences::Sentence;
use super::words::{View, Words};
use crate::record::Role;
use crate::record::labels::{Label, Place};

/// Places kept for one label, at most: enough to explain it.
pub(super) const PLACES: usize = 8;

/// Bytes of a turn that expressions see.
const EXPRESSION_BYTES: usize = 32 << 10;

/// A turn as rules see it.
#[derive(Clone, Copy, Debug)]
pub struct Turn<'a> {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub text: &'a str,
}

/// One label of a record and the places that earned it, at most eight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found<'s> {
    /// The label; its column is the pack's number.
    pub label: Label,
    /// Where it was earned, by rule, then by turn and place.
    pub places: &'s [Place],
}

/// Reused buffers of one thread.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The words of all turns, one turn after another.
    words: Words,
    /// Where literals may stand, the same way.
    pairs: Vec<u32>,
    /// By turn: where its words and its pairs begin.
    cuts: Vec<(usize, usize)>,
    begins: Vec<Begin>,
    literals: Vec<(u32, u32)>,
    /// Hits of the turn that have to be looked at once more: rule, start, end.
    waiting: Vec<(u32, u32, u32)>,
    /// Rules whose expressions run on the turn, in the order of the rules.
    needed: Vec<u32>,
    pub(super) numbers: Numbers,
    pub(super) hits: Hits,
    pub(super) scores: Scores,
    pub(super) kept: Vec<Place>,
    pub(super) labels: Vec<(Label, usize, usize)>,
}

impl Compiled {
    /// The labels of a record, by column, then precedence (`many`) or the best (`one`).
    pub fn label<'s>(
        &self,
        turns: &[Turn<'_>],
        facts: Facts,
        scratch: &'s mut Scratch,
    ) -> impl Iterator<Item = Found<'s>> + use<'s> {
        scratch.hits.reset(self.rules.len());
        self.cut(turns, scratch);
        self.take_in(turns, facts, &mut scratch.numbers);
        for index in 0..turns.len() {
            self.turn(index, turns, scratch);
        }
        self.measured.iter().for_each(|&rule| scratch.hits.set(rule));
        self.decide(turns, scratch);
        let Scratch { labels, kept, .. } = scratch;
        labels.iter().map(|&(label, from, to)| Found { label, places: &kept[from..to] })
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

    /// Cuts all turns into words.
    fn cut(&self, turns: &[Turn<'_>], scratch: &mut Scratch) {
        let Scratch { words, pairs, cuts, numbers, .. } = scratch;
        words.clear();
        pairs.clear();
        cuts.clear();
        numbers.words.clear();
        for turn in turns {
            cuts.push((words.len(), pairs.len()));
            let before = words.len();
            words.read(turn.text);
            self.literals.may_stand(turn.text, pairs);
            numbers.words.push((words.len() - before) as u32);
        }
        cuts.push((words.len(), pairs.len()));
    }

    fn turn(&self, at: usize, turns: &[Turn<'_>], scratch: &mut Scratch) {
        let Scratch { words, pairs, cuts, begins, literals, waiting, needed, numbers, hits, .. } = scratch;
        let (index, turn, scopes) = (at as u32, &turns[at], numbers.scopes[at]);
        let words = words.view(cuts[at].0..cuts[at + 1].0);
        let pairs = &mut pairs[cuts[at].1..cuts[at + 1].1];
        let mut hit = |owner: u32, start: u32, end: u32| {
            let (rule, part) = Part::of(owner);
            let gate = self.gates[rule];
            if gate.scope & scopes == 0 {
                return;
            }
            match part {
                Part::Needs => {
                    if !needed.contains(&(rule as u32)) {
                        needed.push(rule as u32);
                    }
                }
                Part::Any if gate.waits => waiting.push((rule as u32, start, end)),
                Part::Any => hits.add(Place { rule: rule as u32, turn: index, start, end }),
            }
        };
        if !words.is_empty() {
            self.starts.find_at(turn.text, words, 0, scopes, &mut hit);
        }
        self.phrases.find(turn.text, words, scopes, begins, &mut hit);
        self.literals.find(turn.text, pairs, literals, &mut hit);
        for &rule in &self.gated {
            let mut is_needed = false;
            if self.gates[rule].scope & scopes != 0 && self.holds(rule, turns, numbers) {
                self.rules[rule].needs.find_until(turn.text, words, begins, |_, _, _| {
                    is_needed = true;
                    true
                });
            }
            if is_needed {
                needed.push(rule as u32);
            }
        }
        needed.extend(self.slow.iter().filter(|&&rule| self.gates[rule].scope & scopes != 0).map(|&rule| rule as u32));
        if !needed.is_empty() {
            needed.sort_unstable();
            let text = head(turn.text);
            let is_ascii = text.is_ascii();
            for rule in needed.drain(..).filter(|&rule| self.holds(rule as usize, turns, numbers)) {
                let ready = &self.rules[rule as usize];
                if ready.has_with && !ready.may_have_with(turn.text, words, begins) {
                    continue;
                }
                for expression in &ready.regex {
                    expression.find(text, is_ascii, ready.most as usize, |start, end| {
                        match self.gates[rule as usize].waits {
                            true => waiting.push((rule, start, end)),
                            false => hits.add(Place { rule, turn: index, start, end }),
                        }
                    });
                }
            }
        }
        if waiting.is_empty() {
            return;
        }
        waiting.sort_unstable();
        for its in waiting.chunk_by(|one, other| one.0 == other.0) {
            let rule = its[0].0 as usize;
            let ready = &self.rules[rule];
            if !self.holds(rule, turns, numbers) {
                continue;
            }
            let mut known: Option<(Sentence, bool)> = None;
            for &(rule, start, end) in its {
                if hits.count(rule as usize) >= ready.most.max(PLACES as u32) {
                    break;
                }
                let stands = match known.filter(|(sentence, _)| sentence.holds((start, end))) {
                    Some((_, stands)) => stands,
                    None => {
                        let sentence = match ready.same {
                            Same::Sentence => Sentence::of(turn.text, (start, end)),
                            Same::Turn => Sentence::ALL,
                        };
                        let stands = ready.stands_in(sentence, turn.text, words, begins);
                        known = Some((sentence, stands));
                        stands
                    }
                };
                if stands {
                    hits.add(Place { rule, turn: index, start, end });
                }
            }
        }
        waiting.clear();
    }
}

/// The part of a turn that expressions see.
fn head(text: &str) -> &str {
    let mut end = text.len().min(EXPRESSION_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

impl Ready {
    /// Whether one of `with` stands in a turn: where none does no hit can count.
    fn may_have_with(&self, text: &str, words: View<'_>, begins: &mut Vec<Begin>) -> bool {
        let mut stands = false;
        self.beside.find_until(text, words, begins, |owner, _, _| {
            stands |= owner == 0;
            stands
        });
        stands
    }

    /// Whether a hit in the sentence counts: one of `with` stands there too, and none of `unless`.
    fn stands_in(&self, sentence: Sentence, text: &str, words: View<'_>, begins: &mut Vec<Begin>) -> bool {
        // Phrases that reach in begin some words before.
        let reach = self.beside.longest().saturating_sub(1);
        let from = words.ends.partition_point(|&end| end < sentence.from).saturating_sub(reach);
        let to = words.starts.partition_point(|&start| start < sentence.to);
        let near = words.view(from..(to + reach).min(words.len()));
        let [mut with, mut unless] = [!self.has_with, false];
        self.beside.find_until(text, near, begins, |owner, start, end| {
            let is_there = sentence.has(start, end);
            with |= is_there && owner == 0;
            unless |= is_there && owner == 1;
            unless || (with && !self.has_unless)
        });
        with && !unless
    }
}

/// Which turns are first and last of their kind.
pub(super) struct Scopes {
    first_user: usize,
    last_user: usize,
    last_assistant: usize,
}

impl Scopes {
    pub(super) fn of(turns: &[Turn<'_>]) -> Self {
        let last = |role: Role| turns.iter().rposition(|turn| turn.role == role).unwrap_or(usize::MAX);
        Self {
            first_user: turns.iter().position(|turn| turn.role == Role::User).unwrap_or(usize::MAX),
            last_user: last(Role::User),
            last_assistant: last(Role::Assistant),
        }
    }

    /// All that a turn may lie in together.
    pub(super) fn all() -> Vec<u8> {
        let (first, other) = (Self { first_user: 0, last_user: 0, last_assistant: 0 }, Self::of(&[]));
        let last = Self { first_user: usize::MAX, ..first };
        let begin = Self { last_user: usize::MAX, ..first };
        let roles = [Role::System, Role::User, Role::Assistant, Role::Tool, Role::Text];
        let all = [&first, &last, &begin, &other];
        let mut all: Vec<u8> = all.iter().flat_map(|scopes| roles.map(|role| scopes.at(0, role))).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The scopes that a turn lies in, a bit each.
    pub(super) fn at(&self, index: usize, role: Role) -> u8 {
        let bit = |scope: Scope, holds: bool| u8::from(holds) << scope as u8;
        bit(Scope::All, true)
            | match role {
                Role::System | Role::Developer => bit(Scope::System, true),
                Role::User => {
                    bit(Scope::User, true)
                        | bit(Scope::FirstUser, index == self.first_user)
                        | bit(Scope::LastUser, index == self.last_user)
                }
                Role::Assistant => {
                    bit(Scope::Assistant, true) | bit(Scope::LastAssistant, index == self.last_assistant)
                }
                Role::Tool => bit(Scope::Tool, true),
                Role::Text => bit(Scope::Assistant, true) | bit(Scope::LastAssistant, true),
            }
    }
}
