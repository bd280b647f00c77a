//! What rules mean, spelled out without any care for speed: every phrase of every rule is tried at every
//! word. The engine has to say the same, to the last place and bit.

use super::measure::{Facts, Measure};
use super::pack::{Mode, Pack, Rule, Same};
use super::scan::{PLACES, Scopes, Turn};
use super::words::stands_alone;
use crate::record::labels::{Label, Place};
use regex::RegexBuilder;

/// A word in lower case and where it stands.
type Word = (String, usize, usize);

/// A phrase: its words, and which of them are stems.
type Phrase = Vec<(String, bool)>;

fn words(text: &str) -> Vec<Word> {
    let mut found: Vec<Word> = Vec::new();
    let mut open = false;
    for (at, letter) in text.char_indices() {
        let alone = stands_alone(letter);
        let mark = matches!(u32::from(letter), 0x0300..=0x036F | 0x0591..=0x05C7 | 0x064B..=0x065F | 0x0900..=0x0DFF | 0x0E31..=0x0E4E | 0x3099..=0x309A);
        if !(alone || mark || letter == '_' || letter.is_alphanumeric()) {
            open = false;
            continue;
        }
        if alone || !open {
            found.push((String::new(), at, at));
        }
        open = !alone;
        if let Some(word) = found.last_mut() {
            word.0.extend(letter.to_lowercase());
            word.2 = at + letter.len_utf8();
        }
    }
    found
}

fn phrase(text: &str) -> Phrase {
    let lower = text.to_lowercase();
    let is_stem = |end: usize| lower[end..].starts_with('*');
    words(&lower).into_iter().map(|(word, _, end)| (word, is_stem(end))).collect()
}

/// The place of a phrase that begins with the first of these words.
fn place(phrase: &Phrase, words: &[Word]) -> Option<(u32, u32)> {
    let here = words.get(..phrase.len())?;
    let fits = |((piece, is_stem), word): (&(String, bool), &Word)| {
        if *is_stem { word.0.starts_with(piece) } else { word.0 == *piece }
    };
    phrase.iter().zip(here).all(fits).then(|| (here[0].1 as u32, here[here.len() - 1].2 as u32))
}

/// One word, several, or a stem: hits of one place come in this order.
fn kind(phrase: &Phrase) -> usize {
    match phrase.as_slice() {
        [(_, true), ..] => 2,
        [_, (_, false), ..] => 1,
        _ => 0,
    }
}

/// The rules of all packs with their packs' numbers.
fn rules(packs: &[(Pack, String)]) -> impl Iterator<Item = (usize, &Rule)> {
    packs.iter().enumerate().flat_map(|(number, (pack, _))| pack.rules.iter().map(move |rule| (number, rule)))
}

struct Counting {
    counts: Vec<u32>,
    places: Vec<Place>,
}

impl Counting {
    fn add(&mut self, rule: usize, turn: usize, (start, end): (u32, u32)) {
        if self.counts[rule] < PLACES as u32 {
            self.places.push(Place { rule: rule as u32, turn: turn as u32, start, end });
        }
        self.counts[rule] += 1;
    }
}

/// The labels and their places.
pub(super) fn label(packs: &[(Pack, String)], turns: &[Turn<'_>], facts: Facts) -> Vec<(Label, Vec<Place>)> {
    let rules: Vec<(usize, &Rule)> = rules(packs).collect();
    let mut counting = Counting { counts: vec![0; rules.len()], places: Vec::new() };
    let scopes = Scopes::of(turns);
    for (index, turn) in turns.iter().enumerate() {
        let here = scopes.at(index, turn.role);
        let open: Vec<(usize, &Rule)> = rules
            .iter()
            .map(|(_, rule)| *rule)
            .enumerate()
            .filter(|(_, rule)| here >> rule.scope as u8 & 1 == 1)
            .collect();
        of_turn(&open, index, turn, &mut counting);
    }
    for (number, (_, rule)) in rules.iter().enumerate() {
        if rule.any.is_empty() && rule.literal.is_empty() && rule.regex.is_empty() {
            counting.counts[number] = 1;
        }
        let holds = |(name, bounds): (&String, &super::Bounds)| {
            Measure::parse(name, "").is_ok_and(|measure| bounds.hold(measure.of(turns, facts)))
        };
        if !rule.measure.iter().all(holds) {
            counting.counts[number] = 0;
        }
    }
    choose(packs, &rules, &counting)
}

fn of_turn(rules: &[(usize, &Rule)], index: usize, turn: &Turn<'_>, counting: &mut Counting) {
    let words = words(turn.text);
    // Whether no sentence ends between two places.
    let share = |one: (u32, u32), other: (u32, u32)| {
        let (first, second) = if one.0 <= other.0 { (one, other) } else { (other, one) };
        let between = turn.text.get(first.1 as usize..second.0 as usize).unwrap_or_default();
        !between.contains(['.', '!', '?', '\n', '。', '！', '？'])
    };
    let mut hits: Vec<(usize, (u32, u32))> = Vec::new();
    let mut needed: Vec<usize> = Vec::new();
    for only_first in [true, false] {
        for at in 0..if only_first { words.len().min(1) } else { words.len() } {
            for wanted in 0..3 {
                for &(number, rule) in rules {
                    let any = rule.any.iter().filter(|_| rule.start == only_first).map(|text| (text, true));
                    let needs = rule.needs.iter().filter(|_| !only_first).map(|text| (text, false));
                    for (text, is_hit) in any.chain(needs) {
                        let phrase = phrase(text);
                        let Some(place) = place(&phrase, &words[at..]).filter(|_| kind(&phrase) == wanted) else {
                            continue;
                        };
                        if is_hit {
                            hits.push((number, place));
                        } else if !needed.contains(&number) {
                            needed.push(number);
                        }
                    }
                }
            }
        }
    }
    for at in 0..turn.text.len() {
        for &(number, rule) in rules {
            for literal in rule.literal.iter().filter(|text| turn.text.as_bytes()[at..].starts_with(text.as_bytes())) {
                let is_first = turn.text.as_bytes()[..at].iter().all(u8::is_ascii_whitespace);
                if is_first || !rule.start {
                    hits.push((number, (at as u32, (at + literal.len()) as u32)));
                }
            }
        }
    }
    needed.extend(
        rules.iter().filter(|(_, rule)| !rule.regex.is_empty() && rule.needs.is_empty()).map(|(number, _)| *number),
    );
    needed.sort_unstable();
    for number in needed {
        for &(_, rule) in rules.iter().filter(|(own, _)| *own == number) {
            for pattern in &rule.regex {
                let pattern = if pattern.is_ascii() { pattern.replace("\\b", "(?-u:\\b)") } else { pattern.clone() };
                let Ok(regex) = RegexBuilder::new(&pattern).case_insensitive(true).multi_line(true).build() else {
                    continue;
                };
                let found = regex.find_iter(turn.text).take(rule.most as usize);
                hits.extend(found.map(|found| (number, (found.start() as u32, found.end() as u32))));
            }
        }
    }
    let (mut waiting, sure): (Vec<_>, Vec<_>) = hits.into_iter().partition(|(number, _)| {
        rules.iter().any(|(own, rule)| own == number && !(rule.with.is_empty() && rule.unless.is_empty()))
    });
    sure.into_iter().for_each(|(number, place)| counting.add(number, index, place));
    waiting.sort_unstable();
    for (number, place_of_hit) in waiting {
        for &(_, rule) in rules.iter().filter(|(own, _)| *own == number) {
            let beside = |texts: &[String]| {
                texts.iter().any(|text| {
                    let phrase = phrase(text);
                    (0..words.len())
                        .filter_map(|at| place(&phrase, &words[at..]))
                        .any(|other| rule.same == Same::Turn || share(place_of_hit, other))
                })
            };
            let enough = counting.counts[number] >= rule.most.max(PLACES as u32);
            if !enough && (rule.with.is_empty() || beside(&rule.with)) && !beside(&rule.unless) {
                counting.add(number, index, place_of_hit);
            }
        }
    }
}

fn choose(packs: &[(Pack, String)], rules: &[(usize, &Rule)], counting: &Counting) -> Vec<(Label, Vec<Place>)> {
    let mut labels = Vec::new();
    for (column, (pack, _)) in packs.iter().enumerate() {
        let mut tags = pack.tags.clone();
        for rule in &pack.rules {
            if !tags.contains(&rule.tag) {
                tags.push(rule.tag.clone());
            }
        }
        let mut own: Vec<(Label, Vec<Place>)> = Vec::new();
        for (number, tag) in tags.iter().enumerate() {
            let votes = |rule: usize| rules[rule].0 == column && rules[rule].1.tag == *tag && counting.counts[rule] > 0;
            let voting: Vec<usize> = (0..rules.len()).filter(|&rule| votes(rule)).collect();
            let add = |score: f32, &rule: &usize| {
                score + rules[rule].1.weight * counting.counts[rule].min(rules[rule].1.most) as f32
            };
            let score = voting.iter().fold(0.0, add);
            if voting.is_empty() || score < pack.threshold {
                continue;
            }
            let places = counting.places.iter().copied().filter(|place| votes(place.rule as usize)).take(PLACES);
            let label = (Label { column: column as u16, tag: number as u16, score }, places.collect());
            match own.first_mut() {
                Some(best) if pack.mode == Mode::One => {
                    if score > best.0.score {
                        *best = label;
                    }
                }
                _ => own.push(label),
            }
        }
        labels.extend(own);
    }
    labels
}
