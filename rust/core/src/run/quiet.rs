//! Records that no stage has to look at, where no stage wants to look at all of them: most of a clean corpus goes
//! from the line to the output without being decoded. What comes out is what the other way gives; the tests compare.

use super::processed::{Counts, Processed};
use super::stages::Stages;
use super::timings::{Clock, Share};
use crate::stage::parse::{Known, QuietRecord};
use crate::stage::read::Unit;
use crate::stage::write::form::{Form, write_record};
use bumpalo::Bump;

impl Stages {
    /// Whether every stage leaves quiet records alone. Whoever adds a stage that looks at texts says so here.
    pub(super) fn leave_quiet(&self) -> bool {
        self.signer.is_none()
            && self.form == Form::Messages
            && self.normalise.leaves_quiet()
            && !self.tagger.looks_at_records()
            && self.filter.keeps_what_is_said()
    }

    /// Takes a unit, if it is a quiet record and no stage has to look at it.
    pub(super) fn quiet<'a>(
        &self,
        unit: &Unit<'a>,
        known: &Known<'a>,
        arena: &'a Bump,
        clock: &mut Clock,
        origin: &str,
        out: &mut Processed,
    ) -> bool {
        let Some(quiet) = self.parser.quiet(unit, known, arena, |spelling| self.normalise.passes(spelling)) else {
            return false;
        };
        let QuietRecord { record, turns, characters, characters_total } = quiet;
        if characters == 0 {
            // The assistant says nothing, which a filter may mind.
            return false;
        }
        clock.lap(Share::Parse);
        // The canonical form holds every record.
        let _ = write_record(&mut out.lines, &record, self.form);
        out.lines.push(b'\n');
        let source_name = record.source();
        let counts = Counts { characters, characters_total, turns };
        self.write_row(&record, origin, source_name, counts, &mut out.rows);
        let source = out.sources.number(source_name);
        let family = out.family(record.schema.family, record.schema.dialect);
        out.candidate((source, family), counts, record.changes, out.labels.len());
        clock.lap(Share::Write);
        true
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::super::station::Scratch;
    use super::*;
    use crate::plan::Plan;
    use crate::record::{Origin, Place};
    use crate::stage::read::Body;
    use proptest::prelude::*;

    const NO_LABELS: &str = "tag: {packs: [], language: false}\n";

    fn stages() -> Stages {
        Stages::new(&Plan::from_yaml(&format!("{NO_LABELS}dedup: {{exact: false, near: false}}\n"), "plan").unwrap())
            .unwrap()
    }

    /// Whether the line goes the quiet way; what comes out is then what the general way gives.
    fn is_quiet(stages: &Stages, line: &str) -> bool {
        let arena = Bump::new();
        let origin = Origin { path: "in/a.jsonl", place: Place::Line(7) };
        let unit = Unit { origin, byte: 0, body: Body::Json(line.as_bytes()) };
        let (mut quiet, mut general) = (Processed::default(), Processed::default());
        let known = Known::of(line.as_bytes());
        assert!(stages.leave_quiet());
        if !stages.quiet(&unit, &known, &arena, &mut Clock::default(), "in/a.jsonl:7", &mut quiet) {
            return false;
        }
        let mut scratch = Scratch::default();
        assert!(stages.unit(&unit, &Known::default(), &arena, &mut scratch, "in/a.jsonl:7", &mut general).unwrap());
        assert_eq!(String::from_utf8(quiet.lines.clone()).unwrap(), String::from_utf8(general.lines.clone()).unwrap());
        assert_eq!(format!("{quiet:?}"), format!("{general:?}"), "{line}");
        true
    }

    #[test]
    fn only_what_nobody_has_to_look_at_is_quiet() {
        let stages = stages();
        let line = |text: &str| format!(r#"{{"messages": [{{"role": "assistant", "content": "{text}"}}], "id": 5}}"#);
        for text in ["a", "  a", "「a", "a\\n\\tb \\\"c\\\" \\\\", "caf\u{e9} 漢字 \u{1f600}", "x < y & z"] {
            assert!(is_quiet(&stages, &line(text)), "{text}");
        }
        for text in [
            "",
            " ",
            "\\n",
            "a ",
            "a \\nb",
            "a\\r\\nb",
            "\\u0061",
            "a\u{200b}b",
            "e\u{301}",
            "caf\u{c3}\u{a9}",
            "a\u{2028}b",
        ] {
            assert!(!is_quiet(&stages, &line(text)), "{text}");
        }
        assert!(!is_quiet(&stages, &line("a").replace("assistant", "user")), "the assistant says nothing");
    }

    #[test]
    fn stages_that_look_at_texts_leave_nothing_quiet() {
        for plan in [
            "",
            "dedup: {near: false}",
            "dedup: {exact: false, near: false}\nfilter: {length: {min_chars: 3}}",
            "dedup: {exact: false, near: false}\nnormalise: {html: strip}",
            "dedup: {exact: false, near: false}\nnormalise: {merge: true}",
            "dedup: {exact: false, near: false}\nwrite: {form: openai}",
            "dedup: {exact: false, near: false}\nfilter: {repetition: {max_line_share: 0.3}}",
            "dedup: {exact: false, near: false}\nfilter: {measures: [{measure: user.questions, max: 1}]}",
        ] {
            let plan = format!("{NO_LABELS}{plan}");
            assert!(!Stages::new(&Plan::from_yaml(&plan, "plan").unwrap()).unwrap().leave_quiet(), "{plan}");
        }
        for labels in [
            "packs: [cue], language: false",
            "packs: []",
            "packs: [], language: false, sources: [{match: '*', category: x}]",
        ] {
            let plan = format!("tag: {{{labels}}}\ndedup: {{exact: false, near: false}}\n");
            assert!(!Stages::new(&Plan::from_yaml(&plan, "plan").unwrap()).unwrap().leave_quiet(), "{plan}");
        }
    }

    proptest! {
        #[test]
        fn the_quiet_way_gives_what_the_general_way_gives(
            turns in proptest::collection::vec((0usize..4, "[a-z][a-zA-Z .,\\n\\t\"é漢]{0,90}"), 1..5),
            id in prop_oneof![Just(String::new()), Just(",\"id\":-7".to_owned()), Just(", \"id\": \"a\\n\"".to_owned())],
        ) {
            let turns: Vec<String> = turns
                .iter()
                .map(|(role, text)| format!("{{\"role\":{:?},\"content\":{}}}", ["user", "assistant", "system", "tool"][*role], serde_json::to_string(text).unwrap()))
                .collect();
            let line = format!("{{\"messages\":[{}]{id}}}", turns.join(", "));
            is_quiet(&stages(), &line);
        }
    }
}
