//! Whether the numbers of a record lie within the bounds that rules have.

use super::compile::Compiled;
use super::measure::{Facts, Measure, Quantity};
use super::scan::{Scopes, Turn};

/// Scopes, each a bit of a byte.
const SCOPES: usize = 8;

/// A measure by its number, and between what it has to lie.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bound {
    pub number: u32,
    pub min: f64,
    pub max: f64,
}

/// What is known of a record's turns and numbers.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// By turn: the scopes that it lies in, a bit each, and its words.
    pub scopes: Vec<u8>,
    pub words: Vec<u32>,
    /// By measure: its value; NaN where nobody wanted it.
    measured: Vec<f64>,
}

/// Numbers that are known without reading a text: turns and words by scope, definitions and calls of tools; at the end
/// what stands for all others.
const KNOWN: usize = 2 * SCOPES + 3;

/// Where a measure's number stands among them.
pub(super) fn place_of(measure: Measure) -> u8 {
    (match measure.quantity {
        Quantity::Turns => measure.scope as usize,
        Quantity::Words => SCOPES + measure.scope as usize,
        Quantity::ToolDefinitions => 2 * SCOPES,
        Quantity::ToolCalls => 2 * SCOPES + 1,
        _ => KNOWN - 1,
    }) as u8
}

impl Compiled {
    /// Takes in a record whose words are counted.
    pub(super) fn take_in(&self, turns: &[Turn<'_>], facts: Facts, numbers: &mut Numbers) {
        let scopes = Scopes::of(turns);
        numbers.scopes.clear();
        numbers.scopes.extend(turns.iter().enumerate().map(|(at, turn)| scopes.at(at, turn.role)));
        // What needs no reading of texts is known at once.
        let mut known = [0.0; KNOWN];
        for (scopes, &words) in numbers.scopes.iter().zip(&numbers.words) {
            let (turns, others) = known.split_at_mut(SCOPES);
            for ((scope, turns), total) in (0..).zip(turns).zip(others) {
                let is_its = f64::from(scopes >> scope & 1);
                *turns += is_its;
                *total += is_its * f64::from(words);
            }
        }
        known[2 * SCOPES..].copy_from_slice(&[facts.tool_definitions as f64, facts.tool_calls as f64, f64::NAN]);
        numbers.measured.clear();
        numbers.measured.extend(self.known.iter().map(|&at| known[usize::from(at) % KNOWN]));
    }

    /// Whether the record's numbers lie within the bounds of a rule.
    #[inline]
    pub(super) fn holds(&self, rule: usize, turns: &[Turn<'_>], numbers: &mut Numbers) -> bool {
        let (from, to) = self.gains[rule].bounds;
        // All are looked at, whatever the first say: which of them fails cannot be guessed, and those that texts have
        // to be read for stand behind the others.
        let mut holds = true;
        for bound in &self.bounds[from as usize..to as usize] {
            let mut value = numbers.measured[bound.number as usize];
            if value.is_nan() {
                if !holds {
                    return false;
                }
                value = self.read(bound.number as usize, turns, numbers);
            }
            holds &= (bound.min <= value) & (value <= bound.max);
        }
        holds
    }

    /// A number that texts have to be read for.
    #[cold]
    fn read(&self, number: usize, turns: &[Turn<'_>], numbers: &mut Numbers) -> f64 {
        let measure = self.measures[number];
        let its = turns.iter().zip(&numbers.scopes).filter(|(_, scopes)| **scopes >> measure.scope as u8 & 1 != 0);
        // How many words they have is known already.
        let value = measure.value(its.map(|(turn, _)| (turn.text, 0)), Facts::default());
        numbers.measured[number] = value;
        value
    }
}
