//! A record's row and line with their new labels.

use crate::json::Node;
use crate::record::Record;
use crate::record::labels::Vocabulary;
use crate::run::inline::{fields, quoted};
use crate::run::one::{declared_label, given_labels};
use crate::stage::parse::LABELS;
use crate::stage::tag::Tagger;
use crate::stage::write::rows::Row;
use bumpalo::Bump;

/// The row with its new labels.
pub(super) fn relabelled<'a>(tagger: &'a Tagger, old: &Row<'a>, record: &Record<'a>) -> Row<'a> {
    let mut row = Row {
        category: None,
        persona: None,
        traits: Vec::new(),
        observed: Vec::new(),
        labels: record.labels,
        ..old.clone()
    };
    given_labels(tagger, record, &mut row);
    for member in &record.fields {
        let value = match member.value.as_str() {
            Some(text) => Some(text),
            None if member.value.is_null() => None,
            None => Some(member.value.raw),
        };
        declared_label(member, value, &mut row);
    }
    row
}

/// Whether a field of a line was written by us rather than declared by its source.
pub(super) fn is_ours(line: &Node<'_>, key: &str) -> bool {
    key != "_source" && LABELS.contains(&key) && {
        let declared = line.get("_schema").and_then(|schema| schema.get("declared"));
        let declared = declared.as_ref().and_then(|node| node.as_array()).unwrap_or_default();
        !declared.iter().any(|node| node.as_str() == Some(key))
    }
}

/// The line with its new labels; everything else as it is spelled.
pub(super) fn rewrite(line: &Node<'_>, record: &Record<'_>, vocabulary: &Vocabulary, arena: &Bump, out: &mut Vec<u8>) {
    let members = line.as_object().unwrap_or_default();
    let fields = fields(record.labels.given, vocabulary, arena);
    let mut add = |key: &str, value: &str| {
        out.push(if out.is_empty() { b'{' } else { b',' });
        out.extend_from_slice(key.as_bytes());
        out.push(b':');
        out.extend_from_slice(value.as_bytes());
    };
    for member in members {
        if member.key == "_origin" {
            for (key, value) in fields.into_iter().flatten() {
                if record.field(key).is_none() {
                    add(quoted(key), value);
                }
            }
        }
        if !is_ours(line, member.key) {
            add(member.raw_key, member.value.raw);
        }
    }
    out.extend_from_slice(b"}\n");
}

/// The path of an origin.
pub(super) fn path_of(origin: &str) -> &str {
    match origin.rsplit_once([':', '#']) {
        Some((path, place)) if !place.is_empty() && place.bytes().all(|byte| byte.is_ascii_digit()) => path,
        _ => origin.rsplit_once('#').map_or(origin, |(path, _)| path),
    }
}
