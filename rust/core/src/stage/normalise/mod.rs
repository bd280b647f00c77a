//! `normalise`: what one text means is spelled one way, and every change is counted.
//!
//! Each kind of change is one file and one switch. A text is scanned once; where nothing can apply
//! (nearly always) it is not touched and nothing is allocated. Where something applies, the kinds
//! run in turn until none changes anything, so that normalising twice is normalising once.
//!
//! What the counts in the trace count: `nfc` texts; `mojibake` stretches repaired; `control` and
//! `zero_width` characters; `line_ends` and `trailing_space` lines; `html_entities` and `html_tags`
//! each one; `role`, `empty_turn` and `merge` turns. Role names have no switch: the shape between
//! stages knows only the canonical ones.

mod code;
mod control;
mod html;
mod line_ends;
mod mojibake;
mod nfc;
mod scan;
mod settings;
mod trailing_space;
mod turns;
mod zero_width;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod turns_tests;

pub use settings::{Html, NormaliseSettings};
pub use turns::merge;

use super::PerRecord;
use crate::Result;
use crate::record::{Change, Changes, Message, Record, Verdict};
use bumpalo::Bump;
use bumpalo::collections::Vec as ArenaVec;
use html::{decode_entities, decode_entities_but_tags};
use scan::Flags;

/// How often the kinds run over one text before we let it be. Real text needs two rounds; what
/// would need more than this was made to cost time.
const ROUNDS: usize = 16;

/// The stage, ready to run.
#[derive(Clone, Debug)]
pub struct Normalise {
    settings: NormaliseSettings,
    /// What to look for in texts.
    mask: Flags,
    /// How entities are decoded.
    decode: for<'a> fn(&'a str, &'a Bump) -> Option<(&'a str, u32)>,
}

impl Normalise {
    /// Builds the stage. Every combination of settings is valid.
    pub fn new(settings: &NormaliseSettings) -> Result<Self> {
        let mut mask = Flags::default();
        let html = settings.html != Html::Off;
        for (on, flags) in [
            (settings.nfc, Flags::NFC),
            (settings.mojibake, Flags::MOJIBAKE),
            (settings.control, Flags::CONTROL),
            (settings.zero_width, Flags::ZERO_WIDTH),
            (settings.line_ends, Flags::LINE_END),
            (settings.trailing_space, Flags::TRAILING),
            (html, Flags::AMPERSAND),
            (settings.html == Html::Strip, Flags::ANGLE),
        ] {
            if on {
                mask = mask.with(flags);
            }
        }
        let decode = if settings.html == Html::Strip { decode_entities_but_tags } else { decode_entities };
        Ok(Self { settings: settings.clone(), mask, decode })
    }

    /// Whether quiet spellings (`json::quiet`) have nothing for this stage but what [`Normalise::passes`] looks at.
    pub(crate) fn leaves_quiet(&self) -> bool {
        !self.mask.has(Flags::AMPERSAND.with(Flags::ANGLE)) && !self.settings.merge
    }

    /// Whether the characters beyond ASCII of a quiet spelling need nothing.
    pub(crate) fn passes(&self, spelling: &str) -> bool {
        // Escapes are ASCII, and stand for ASCII: they part characters as what they stand for does.
        !scan::scan_beyond_ascii(spelling).has(self.mask)
    }

    /// Normalises one text: the new text where it changed, what changed added to `changes`.
    pub fn text<'a>(&self, text: &'a str, changes: &mut Changes, arena: &'a Bump) -> Option<&'a str> {
        if self.mask == Flags::default() {
            return None;
        }
        let mut found = scan::scan(text, self.mask);
        if found == Flags::default() {
            return None;
        }
        let mut current = text;
        for _ in 0..ROUNDS {
            let before = current;
            let mut step = |flag: Flags, kind: Change, apply: Apply<'a>| {
                if found.has(flag)
                    && let Some((new, count)) = apply(current, arena)
                {
                    current = new;
                    changes.add(kind, count);
                }
            };
            // Misread bytes first: their control characters are bytes of letters.
            step(Flags::MOJIBAKE, Change::Mojibake, mojibake::repair);
            step(Flags::ANGLE, Change::HtmlTags, html::strip_tags);
            step(Flags::AMPERSAND, Change::HtmlEntities, self.decode);
            step(Flags::LINE_END, Change::LineEnds, line_ends::apply);
            step(Flags::CONTROL, Change::Control, control::apply);
            step(Flags::ZERO_WIDTH, Change::ZeroWidth, zero_width::apply);
            step(Flags::NFC, Change::Nfc, nfc::apply);
            step(Flags::TRAILING, Change::TrailingSpace, trailing_space::apply);
            if std::ptr::eq(before, current) {
                break;
            }
            found = scan::scan(current, self.mask);
            if found == Flags::default() {
                break;
            }
        }
        (!std::ptr::eq(text, current)).then_some(current)
    }

    /// Normalises a list of turns; true if anything changed.
    fn turns<'a>(&self, messages: &mut ArenaVec<'a, Message<'a>>, changes: &mut Changes, arena: &'a Bump) -> bool {
        let mut changed = false;
        for message in messages.iter_mut() {
            changed |= message.map_texts(|text| self.text(text, changes, arena));
            // The canonical form has the canonical name; `role_given` stays, for the way back.
            if message.role_given != message.role.name() {
                changes.add(Change::Role, 1);
            }
        }
        if self.settings.empty_turns {
            let removed = turns::remove_empty(messages);
            changes.add(Change::EmptyTurn, removed);
            changed |= removed > 0;
        }
        if self.settings.merge {
            changed |= merge(messages, changes, arena);
        }
        changed
    }
}

/// One kind of change: the new text and how many changes, if there were any.
type Apply<'a> = fn(&'a str, &'a Bump) -> Option<(&'a str, u32)>;

impl PerRecord for Normalise {
    /// Never drops: an empty record is the filter's business.
    fn apply<'a>(&self, record: &mut Record<'a>, arena: &'a Bump) -> Verdict {
        if self.turns(&mut record.messages, &mut record.changes, arena) {
            record.messages_raw = None;
        }
        if let Some(rejected) = &mut record.rejected {
            self.turns(rejected, &mut record.changes, arena);
        }
        Verdict::Keep
    }
}
