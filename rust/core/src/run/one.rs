//! What becomes of one record: normalise, filter, emit, tag, sign; it is tagged first where the filter or its line
//! asks for labels.

use super::inline::inline;
use super::processed::{Counts, Item, Processed};
use super::stages::Stages;
use super::station::Scratch;
use super::timings::{Clock, Share};
use crate::json::Member;
use crate::record::{Record, Verdict};
use crate::stage::PerRecord;
use crate::stage::tag::Tagger;
use crate::stage::write::form::{Form, write_record};
use crate::stage::write::lines;
use crate::stage::write::rows::Row;
use bumpalo::Bump;

impl Stages {
    /// Runs the stages on a record, from normalising it to its entry for deduplication.
    pub(super) fn record<'a>(
        &self,
        record: &mut Record<'a>,
        arena: &'a Bump,
        scratch: &mut Scratch,
        origin: &str,
        out: &mut Processed,
    ) {
        let mut verdict = self.normalise.apply(record, arena);
        scratch.clock.lap(Share::Normalise);
        // Labels are for whoever looks at them: nobody does at those of a record that is dropped or a copy, unless
        // the filter asks for them or they stand in its line.
        let tags_first = self.inline || self.filter.looks_at_labels();
        if verdict == Verdict::Keep && tags_first {
            verdict = self.tag(record, arena, &mut scratch.clock);
        }
        if verdict == Verdict::Keep {
            verdict = self.filter.apply(record, arena);
            scratch.clock.lap(Share::Filter);
        }
        let source = out.sources.number(record.source());
        let family = out.family(record.schema.family, record.schema.dialect);
        let mut exact = None;
        if verdict == Verdict::Keep {
            exact = self.exact(record, scratch);
            if self.inline {
                inline(record, self.tagger.vocabulary(), arena);
            }
            verdict = self.write_line(record, out);
        }
        if let Verdict::Drop { reason, evidence } = verdict {
            scratch.record.clear();
            // The canonical form holds every record.
            let _ = write_record(&mut scratch.record, record, Form::Messages);
            lines::dropped(&mut out.dropped, origin, reason, &evidence, &record.changes, &scratch.record);
            out.items.push(Item::Dropped { reason, end: out.dropped.len(), source, family });
            scratch.clock.lap(Share::Write);
            return;
        }
        let labels = out.labels.len();
        let copied = exact.filter(|&exact| scratch.kept.as_ref().is_some_and(|kept| kept.has(exact)));
        scratch.clock.lap(Share::Write);
        if let (Some(signer), Some(exact)) = (&self.signer, copied) {
            // Nobody asks for more of its row and counts than where it came from.
            Row { origin, ..Row::default() }.write(&mut out.rows);
            signer.copy(origin, exact, &mut scratch.sign, &mut out.entries);
            scratch.clock.lap(Share::Dedup);
            out.candidate((source, family), Counts::default(), record.changes, labels);
            return;
        }
        if !tags_first {
            // It keeps every record.
            let _ = self.tag(record, arena, &mut scratch.clock);
        }
        self.numbers.of(record, &mut out.declared, &mut out.labels);
        let counts = Counts::of(record);
        self.write_row(record, origin, record.source(), counts, &mut out.rows);
        scratch.clock.lap(Share::Write);
        if let Some(signer) = &self.signer {
            let (scratch, entries) = (&mut scratch.sign, &mut out.entries);
            match exact {
                Some(exact) => signer.sign_exact(record, origin, exact, scratch, entries),
                None => signer.sign(record, origin, scratch, entries),
            }
        }
        scratch.clock.lap(Share::Dedup);
        out.candidate((source, family), counts, record.changes, labels);
    }

    /// Writes the line of a record, or says why it has none.
    fn write_line(&self, record: &Record<'_>, out: &mut Processed) -> Verdict {
        if let Err(problem) = write_record(&mut out.lines, record, self.form) {
            let mut evidence = Vec::new();
            evidence.extend_from_slice(b"{\"expected\":");
            crate::json::write_string(&mut evidence, problem.detail);
            evidence.push(b'}');
            let evidence = String::from_utf8(evidence).unwrap_or_default();
            return Verdict::Drop { reason: problem.reason, evidence };
        }
        out.lines.push(b'\n');
        if self.signer.is_some() && self.form != Form::Messages {
            let _ = write_record(&mut out.canonical, record, Form::Messages);
        }
        Verdict::Keep
    }

    /// Labels a record, if labels are asked for.
    fn tag<'a>(&self, record: &mut Record<'a>, arena: &'a Bump, clock: &mut Clock) -> Verdict {
        if !self.tagger.looks_at_records() {
            return Verdict::Keep;
        }
        let verdict = self.tagger.apply(record, arena);
        clock.lap(Share::Tag);
        verdict
    }

    /// The exact hash of a record, where hashes of kept ones are known: a record with the hash of one of them is
    /// dropped as a duplicate whatever its labels and its signature are.
    fn exact(&self, record: &Record<'_>, scratch: &mut Scratch) -> Option<[u64; 2]> {
        let (Some(signer), Some(kept)) = (&self.signer, &scratch.kept) else { return None };
        let exact = signer.exact(record, &mut scratch.sign);
        // The line is written meanwhile.
        kept.prefetch(exact);
        scratch.clock.lap(Share::Dedup);
        Some(exact)
    }
}

impl Stages {
    /// Appends the row for `columns/`.
    pub(super) fn write_row(&self, record: &Record<'_>, origin: &str, source: &str, counts: Counts, out: &mut Vec<u8>) {
        let mut row = Row {
            origin,
            parent: record.parent,
            source,
            characters: counts.characters,
            characters_total: counts.characters_total,
            turns: counts.turns,
            family: record.schema.family,
            dialect: record.schema.dialect,
            changes: record.changes,
            labels: record.labels,
            ..Row::default()
        };
        given_labels(&self.tagger, record, &mut row);
        for member in &record.fields {
            // A label that is no string counts as it is spelled; null says nothing.
            let value = match member.value.as_str() {
                Some(text) => Some(text),
                None if member.value.is_null() => None,
                None => Some(member.value.raw),
            };
            match member.key {
                "id" => row.id = value,
                "licence" | "license" => row.licence = value,
                _ => declared_label(member, value, &mut row),
            }
        }
        row.write(out);
    }
}

/// Fills in the labels that stand in columns of every run.
pub(super) fn given_labels<'a>(tagger: &'a Tagger, record: &Record<'a>, row: &mut Row<'a>) {
    let vocabulary = tagger.vocabulary();
    let [category, persona, traits] = tagger.declarable();
    for label in record.labels.given {
        let column = Some(label.column);
        if column == category {
            row.category = Some(vocabulary.tag(label));
        } else if column == persona {
            row.persona = Some(vocabulary.tag(label));
        } else if column == traits {
            row.traits.push(vocabulary.tag(label));
        }
    }
}

/// The same for a field where the record declares one of them; it wins. `value`: as text, `None` for null.
pub(super) fn declared_label<'a>(member: &Member<'a>, value: Option<&'a str>, row: &mut Row<'a>) {
    match member.key {
        "_category" => row.category = value,
        "_persona" => row.persona = value,
        "_traits" => {
            row.traits.clear();
            match member.value.as_array() {
                Some(items) => row.traits.extend(items.iter().map(|item| item.as_str().unwrap_or(item.raw))),
                None => row.traits.extend(value),
            }
        }
        _ => {}
    }
}

#[cfg(test)]
#[path = "one_tests.rs"]
mod tests;
