//! Whether the numbers of a record lie within the bounds that rules have.

use super::compile::Compiled;
use super::measure::{Facts, Quantity};
use super::pack::Scope;
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

/// Turns and words of a scope.
#[derive(Clone, Copy, Default)]
struct Total {
    turns: u32,
    words: u64,
}

impl Compiled {
    /// Takes in a record whose words are counted.
    pub(super) fn take_in(&self, turns: &[Turn<'_>], facts: Facts, numbers: &mut Numbers) {
        let scopes = Scopes::of(turns);
        numbers.scopes.clear();
        numbers.scopes.extend(turns.iter().enumerate().map(|(at, turn)| scopes.at(at, turn.role)));
        let mut totals = [Total::default(); SCOPES];
        for (scopes, &words) in numbers.scopes.iter().zip(&numbers.words) {
            for (scope, total) in totals.iter_mut().enumerate() {
                let is_its = u32::from(scopes >> scope & 1);
                total.turns += is_its;
                total.words += u64::from(is_its * words);
            }
        }
        // What needs no reading of texts is known at once.
        let known = |scope: Scope, quantity: Quantity| match quantity {
            Quantity::Turns => f64::from(totals[scope as usize].turns),
            Quantity::Words => totals[scope as usize].words as f64,
            Quantity::ToolDefinitions => facts.tool_definitions as f64,
            Quantity::ToolCalls => facts.tool_calls as f64,
            _ => f64::NAN,
        };
        numbers.measured.clear();
        numbers.measured.extend(self.measures.iter().map(|measure| known(measure.scope, measure.quantity)));
    }

    /// Whether the record's numbers lie within the bounds of a rule.
    #[inline]
    pub(super) fn holds(&self, rule: usize, turns: &[Turn<'_>], numbers: &mut Numbers) -> bool {
        let (from, to) = self.gains[rule].bounds;
        self.bounds[from as usize..to as usize].iter().all(|bound| {
            let mut value = numbers.measured[bound.number as usize];
            if value.is_nan() {
                value = self.read(bound.number as usize, turns, numbers);
            }
            bound.min <= value && value <= bound.max
        })
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
