//! How odd a text looks: the sum of what its characters and their neighbourhoods cost.
//!
//! The idea of ftfy's "badness" (Speer 2019), turned into two sums that are compared: a stretch is
//! repaired where its decoding is much less odd than what stands there. One point is one ordinary
//! character beyond ASCII.

use super::class::Class;
use std::sync::LazyLock;

/// The sum so far over one reading of a stretch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    /// Points.
    pub(super) cost: i32,
    previous: Class,
    before: Class,
}

impl Reading {
    /// Starts behind `previous`, the character before the stretch.
    pub(super) fn after(previous: Class) -> Self {
        Self { cost: 0, previous, before: Class::Space }
    }

    /// Reads on.
    pub(super) fn read(&mut self, c: char, class: Class) {
        self.cost += own(c, class);
        self.meet(class);
    }

    /// Meets the next character without counting itself: at the end of the stretch.
    pub(super) fn meet(&mut self, class: Class) {
        self.cost += neighbours(self.previous, class);
        // A quotation mark inside a word.
        let quoted = matches!(self.previous, Class::QuoteLeft | Class::QuoteLow);
        if quoted && self.before.is_latin() && class.is_latin() {
            self.cost += 2;
        }
        self.before = self.previous;
        self.previous = class;
    }

    /// The class of the last character read.
    pub(super) fn last(&self) -> Class {
        self.previous
    }
}

/// What a character costs by itself.
fn own(c: char, class: Class) -> i32 {
    match class {
        Class::Space | Class::Digit | Class::Lower | Class::Upper | Class::Punctuation => 0,
        Class::Raised | Class::Sign | Class::Math => match c {
            '°' | '²' | '³' | '©' | '®' | '™' | '§' | '±' | '×' | '÷' => 1,
            'ƒ' | '¤' | '¦' | '‰' | '¬' => 3,
            _ => 2,
        },
        Class::Fraction => 2,
        // The accents of living languages, and all the others.
        Class::Mark if matches!(c, '\u{300}'..='\u{304}' | '\u{306}'..='\u{30C}' | '\u{31B}' | '\u{323}' | '\u{327}' | '\u{328}') => {
            2
        }
        Class::Mark if c == '\u{20E3}' => 1,
        Class::Mark => 6,
        Class::LoneAccent => 3,
        Class::RareLatin => 4,
        Class::RareScript(_) => 5,
        Class::Private => {
            if c == '\u{F8FF}' {
                4
            } else {
                6
            }
        }
        Class::Never => 40,
        _ => 1,
    }
}

/// `pair` for every two classes, by their indices.
static PAIRS: LazyLock<Vec<i8>> = LazyLock::new(|| {
    let all: Vec<Class> = Class::representatives().collect();
    let costs = all.iter().flat_map(|&a| all.iter().map(move |&b| pair(a, b)));
    costs.map(|cost| i8::try_from(cost).unwrap_or(i8::MAX)).collect()
});

/// How many classes there are.
const CLASSES: usize = 64;

#[inline]
fn neighbours(a: Class, b: Class) -> i32 {
    match (a, b) {
        // Only here the index does not say it all.
        (Class::RareScript(_), Class::RareScript(_)) => pair(a, b),
        _ => PAIRS.get(a.index() * CLASSES + b.index()).map_or(0, |&cost| i32::from(cost)),
    }
}

/// What it costs that `b` stands behind `a`.
fn pair(a: Class, b: Class) -> i32 {
    use Class::*;
    match (a, b) {
        (Space | Punctuation | NoBreakSpace, Mark) => 3,
        (Space | Punctuation | NoBreakSpace | Dash | Invisible, _)
        | (_, Space | Punctuation | NoBreakSpace | Dash | Invisible) => 0,
        // Words.
        (Lower | AccentedLower, AccentedUpper) => 3,
        (AccentedLower, Upper) => 2,
        (AccentedLower | AccentedUpper, AccentedLower | AccentedUpper) => 1,
        (Digit, AccentedLower | AccentedUpper | Script(_)) | (Script(_), Digit) => 1,
        (Script(a), Script(b)) => i32::from(a != b) * 3,
        (RareScript(a), RareScript(b)) => {
            if a == b {
                -3
            } else {
                3
            }
        }
        (Script(1), Lower | Upper) | (Lower | Upper, Script(1)) => 1,
        (Lower | Upper | Digit, EastAsian) | (EastAsian, Lower | Upper | Digit) => 0,
        (AccentedLower | AccentedUpper | RareLatin, EastAsian)
        | (EastAsian, AccentedLower | AccentedUpper | RareLatin) => 3,
        (Script(_) | RareScript(_) | EastAsian, Script(_) | RareScript(_) | EastAsian) => i32::from(a != b) * 3,
        (Script(_) | RareScript(_), letter) | (letter, Script(_) | RareScript(_)) if letter.is_latin() => 3,
        // Marks need a letter.
        (
            Digit | QuoteLeft | QuoteRight | QuoteLow | Inverted | Currency | Raised | Fraction | LoneAccent | Sign
            | Math,
            Mark,
        ) => 3,
        // Signs beside letters.
        (letter, LoneAccent | QuoteLow | Inverted | Fraction) if letter.is_latin() => 3,
        (letter, Currency | Sign | Math | Raised) if letter.is_accented() => 3,
        (letter, QuoteLeft) if letter.is_latin() => 1,
        (letter, Currency | Math) if letter.is_latin() => 1,
        (QuoteRight | Currency | Sign | Math | Raised | Fraction | LoneAccent, letter) if letter.is_accented() => {
            if a == QuoteRight { 0 } else { 2 }
        }
        (Sign | LoneAccent | Fraction, letter) if letter.is_latin() => 1,
        (QuoteRight, Inverted) => 3,
        // Signs beside other signs.
        (
            QuoteLeft | QuoteRight | QuoteLow | Inverted | Currency | Raised | Fraction | LoneAccent | Sign | Math,
            QuoteLow | Inverted | Currency | Raised | Fraction | LoneAccent | Sign | Math,
        ) => i32::from(a != b) * 2,
        (LoneAccent | QuoteLow | Inverted, QuoteLeft | QuoteRight) => 2,
        (Private, _) | (_, Private) => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_says_what_the_rules_say() {
        let all: Vec<Class> = Class::representatives().collect();
        assert_eq!(all.len(), CLASSES);
        for (index, &a) in all.iter().enumerate() {
            assert_eq!(a.index(), index);
            for &b in &all {
                assert_eq!(neighbours(a, b), pair(a, b), "{a:?} {b:?}");
            }
        }
        assert_eq!(neighbours(Class::RareScript(1), Class::RareScript(2)), 3);
    }
}
