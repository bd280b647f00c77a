//! Every code that can stand in `rejected/`, `dropped/`, a trace or a report's notes, and its meaning.
//!
//! Stages name their codes where they decide; this table says what they mean, for the reference
//! page and for people who ask. A test holds the two together.

use crate::record::Change;
use serde::Serialize;

/// Where a code stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// In `rejected/`: a unit that could not become a record.
    Rejected,
    /// In `dropped/`: a record that a filter took out.
    Dropped,
    /// In the trace of a record: what was changed.
    Changed,
    /// In the report: something about an input that costs no unit.
    Noted,
}

/// A code and its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// Where it stands.
    pub kind: Kind,
    /// The code: `<stage>.<what>`.
    pub code: &'static str,
    /// What it means, for people.
    pub meaning: &'static str,
}

/// Sorted by kind, then in the order of the flow, then by name.
const REASONS: &[(Kind, &str, &str)] = &[
    (
        Kind::Rejected,
        "read.broken",
        "An array, object or row ends too early or is not closed; what stands there could not be split into records.",
    ),
    (Kind::Rejected, "read.corrupt", "The compressed stream is damaged from here on; everything before it was read."),
    (
        Kind::Rejected,
        "read.other_member",
        "A member of the outer object that is not a record, where the object holds one array of records.",
    ),
    (Kind::Rejected, "read.too_long", "Longer than `read.max_unit_bytes`. The first 4 KiB and the length are kept."),
    (Kind::Rejected, "read.unreadable", "The file or folder cannot be opened or read."),
    (
        Kind::Rejected,
        "read.unsupported",
        "A kind of file that is not read (XML, YAML, HTML, PDF, source code, a device); listed by path and digest.",
    ),
    (Kind::Rejected, "parse.consecutive", "Consecutive turns of one role, and `parse.consecutive` is `reject`."),
    (
        Kind::Rejected,
        "parse.control",
        "A control character inside a string that is not escaped, and `parse.control` is `reject`.",
    ),
    (Kind::Rejected, "parse.depth", "Nested deeper than `parse.max_depth`."),
    (Kind::Rejected, "parse.duplicate_key", "A key stands twice in one object, and `parse.duplicate_key` is `reject`."),
    (Kind::Rejected, "parse.encoding", "Bytes that are not UTF-8, and `parse.encoding` is `reject`."),
    (Kind::Rejected, "parse.lone_surrogate", "Half of a surrogate pair, and `parse.lone_surrogate` is `reject`."),
    (Kind::Rejected, "parse.no_schema", "JSON in no schema that is known."),
    (Kind::Rejected, "parse.non_finite", "`NaN` or `Infinity`, and `parse.non_finite` is `reject`."),
    (Kind::Rejected, "parse.role", "A role that is not known; `parse.roles` maps more."),
    (Kind::Rejected, "parse.syntax", "Not JSON."),
    (Kind::Rejected, "parse.trailing", "Something stands after the JSON value."),
    (
        Kind::Rejected,
        "parse.trailing_comma",
        "A comma before a closing bracket, and `parse.trailing_comma` is `reject`.",
    ),
    (Kind::Rejected, "parse.truncated", "The JSON value ends too early."),
    (Kind::Rejected, "parse.type", "A member has another type than its schema says, e.g. `content` is a number."),
    (Kind::Dropped, "filter.empty.no_turns", "The record has no turns."),
    (Kind::Dropped, "filter.empty.nothing_said", "Nobody says or does anything."),
    (Kind::Dropped, "filter.language.other", "A language that `filter.language.keep` does not name."),
    (Kind::Dropped, "filter.language.unknown", "The language could not be told, and `filter.language.unknown` is off."),
    (Kind::Dropped, "filter.length.few_turns", "Fewer assistant turns than `filter.length.min_turns`."),
    (Kind::Dropped, "filter.length.few_words", "Fewer words of assistant text than `filter.length.min_words`."),
    (Kind::Dropped, "filter.length.long", "More characters of assistant text than `filter.length.max_chars`."),
    (Kind::Dropped, "filter.length.many_turns", "More assistant turns than `filter.length.max_turns`."),
    (Kind::Dropped, "filter.length.many_words", "More words of assistant text than `filter.length.max_words`."),
    (Kind::Dropped, "filter.length.short", "Fewer characters of assistant text than `filter.length.min_chars`."),
    (Kind::Dropped, "filter.measures.high", "A measured number above the `max` of `filter.measures`."),
    (Kind::Dropped, "filter.measures.low", "A measured number below the `min` of `filter.measures`."),
    (Kind::Dropped, "filter.refusal.refused", "The last answer declines, and `filter.refusal` is on."),
    (
        Kind::Dropped,
        "filter.repetition.lines",
        "More of the answer stands in lines that stood there before than `filter.repetition.max_line_share`.",
    ),
    (
        Kind::Dropped,
        "filter.repetition.words",
        "More words stand in sequences that stood there before than `filter.repetition.max_word_share`.",
    ),
    (Kind::Dropped, "filter.scores.high", "A label's score above the `max` of `filter.scores`."),
    (Kind::Dropped, "filter.scores.low", "A label's score below the `min` of `filter.scores`."),
    (Kind::Dropped, "filter.tags.missing", "None of the tags that `filter.tags` asks for."),
    (Kind::Dropped, "filter.tags.unwanted", "A tag that `filter.tags` drops."),
    (Kind::Dropped, "write.form.calls", "A turn calls tools, and `write.form` has no place for calls."),
    (Kind::Dropped, "write.form.clash", "A carried field has the name of a member of `write.form`."),
    (
        Kind::Dropped,
        "write.form.fields",
        "A turn has fields beside role and text, and `write.form` has no place for them.",
    ),
    (
        Kind::Dropped,
        "write.form.parts",
        "A turn has several parts or a part that is not text, and `write.form` takes plain text.",
    ),
    (Kind::Dropped, "write.form.reasoning", "A turn has `reasoning_content`, and `write.form` has no place for it."),
    (
        Kind::Dropped,
        "write.form.rejected",
        "The rejected answer is not one turn of the assistant, as `write.form` wants it.",
    ),
    (Kind::Dropped, "write.form.text", "A plain text is no conversation, and `write.form` holds conversations."),
    (Kind::Dropped, "write.form.tools", "The record has tool definitions, and `write.form` has no place for them."),
    (
        Kind::Dropped,
        "write.form.turns",
        "The turns are not those of `write.form`: a question and an answer, or user and assistant by turns.",
    ),
    (Kind::Changed, "parse.control", "A control character inside a string was escaped."),
    (Kind::Changed, "parse.duplicate_key", "The last of equal keys was kept."),
    (Kind::Changed, "parse.encoding", "Bytes that were not UTF-8 were read as Windows-1252."),
    (Kind::Changed, "parse.lone_surrogate", "Half of a surrogate pair became U+FFFD."),
    (Kind::Changed, "parse.non_finite", "`NaN` or `Infinity` became `null`."),
    (Kind::Changed, "parse.trailing_comma", "A comma before a closing bracket was removed."),
    (Kind::Changed, "normalise.control", "Control characters or terminal colour sequences were removed."),
    (Kind::Changed, "normalise.empty_turn", "A turn without anything in it was removed."),
    (Kind::Changed, "normalise.html_entities", "HTML entities were decoded."),
    (Kind::Changed, "normalise.html_tags", "HTML tags were removed."),
    (Kind::Changed, "normalise.line_ends", "A line end became a line feed."),
    (Kind::Changed, "normalise.merge", "Consecutive turns of one role became one."),
    (Kind::Changed, "normalise.mojibake", "UTF-8 that had been read in another encoding was restored."),
    (Kind::Changed, "normalise.nfc", "Text was brought into Unicode normalisation form C."),
    (Kind::Changed, "normalise.role", "A role was given its canonical name."),
    (Kind::Changed, "normalise.trailing_space", "Spaces or tabs at line ends were removed."),
    (Kind::Changed, "normalise.zero_width", "U+200B or U+FEFF was removed."),
    (Kind::Noted, "read.extra_comma", "A comma without an element before it."),
    (Kind::Noted, "read.missing_comma", "No comma between two elements."),
    (Kind::Noted, "read.other_member", "A member of the outer object that is not a record."),
    (Kind::Noted, "read.repeated", "An input that was named before; it is read once."),
    (
        Kind::Noted,
        "read.skipped",
        "A file of a folder that was passed over (hidden, a run folder's own, a partial download).",
    ),
    (Kind::Noted, "read.trailing_comma", "A comma after the last element."),
];

/// Every code, sorted by kind, then in the order of the flow, then by name.
pub fn all() -> impl Iterator<Item = Reason> {
    REASONS.iter().map(|&(kind, code, meaning)| Reason { kind, code, meaning })
}

/// What a change is called and means.
pub fn of_change(change: Change) -> Option<Reason> {
    all().find(|reason| reason.kind == Kind::Changed && reason.code == change.name())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{Kind, all, of_change};
    use crate::plan::Plan;
    use crate::record::Change;
    use std::collections::BTreeSet;
    use std::path::Path;

    const FLOW: [&str; 7] = ["read", "parse", "normalise", "tag", "filter", "dedup", "write"];

    #[test]
    fn the_table_is_sorted_and_has_nothing_twice() {
        let place = |code: &str| FLOW.iter().position(|stage| code.starts_with(&format!("{stage}."))).unwrap();
        let keys: Vec<_> = all().map(|reason| (reason.kind as u8, place(reason.code), reason.code)).collect();
        assert!(keys.is_sorted(), "{keys:?}");
        assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len());
    }

    #[test]
    fn every_change_is_explained() {
        let missing: Vec<_> =
            Change::ALL.into_iter().filter(|change| of_change(*change).is_none()).map(Change::name).collect();
        assert_eq!(missing, [""; 0]);
        assert_eq!(all().filter(|reason| reason.kind == Kind::Changed).count(), Change::ALL.len());
    }

    /// Every string of the sources (tests left out) that looks like a code.
    fn codes_in_sources() -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                if path.is_dir() {
                    folders.push(path);
                } else if name.ends_with(".rs") && !name.contains("test") && name != "reasons.rs" {
                    let text = std::fs::read_to_string(&path).unwrap();
                    let code = text.split("\nmod tests {").next().unwrap();
                    found.extend(code.split('"').filter(|part| is_code(part)).map(str::to_owned));
                }
            }
        }
        found
    }

    fn is_code(text: &str) -> bool {
        let mut parts = text.split('.');
        let is_word =
            |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        parts.next().is_some_and(|stage| FLOW.contains(&stage)) && text.contains('.') && parts.all(is_word)
    }

    /// Whether a dotted name is a setting of the plan, or the name of the dedup log's file.
    fn is_setting(name: &str) -> bool {
        let plan = Plan::default().to_json();
        let pointer = format!("/{}", name.replace('.', "/"));
        plan.pointer(&pointer).is_some() || ["dedup.near.threshold", "dedup.log"].contains(&name)
    }

    #[test]
    fn the_table_and_the_stages_agree() {
        let table: BTreeSet<String> = all().map(|reason| reason.code.to_owned()).collect();
        let used = codes_in_sources();
        let unexplained: Vec<_> = used.iter().filter(|code| !table.contains(*code) && !is_setting(code)).collect();
        assert_eq!(unexplained, [""; 0], "explain these in reasons.rs");
        let unused: Vec<_> = table.iter().filter(|code| !used.contains(*code)).collect();
        assert_eq!(unused, [""; 0], "nothing gives these codes; take them out of reasons.rs");
    }
}
