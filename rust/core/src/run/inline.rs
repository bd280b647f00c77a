//! Labels written into the records, where the plan asks for it: `_category`, `_persona` and `_traits`
//! under their own names, all others together in `_labels`.

use crate::json::{Limits, Member, parse, write_string};
use crate::record::Record;
use crate::record::labels::{DECLARED, Label, Vocabulary};
use bumpalo::Bump;

/// Adds the fields of a record's labels; a field that is there already stays.
pub(crate) fn inline<'a>(record: &mut Record<'a>, vocabulary: &Vocabulary, arena: &'a Bump) {
    let fields = fields(record.labels.given, vocabulary, arena);
    for (key, raw) in fields.into_iter().flatten() {
        if record.field(key).is_some() {
            continue;
        }
        let Ok(value) = parse(raw, arena, Limits::default()) else { continue };
        record.fields.push(Member { key, raw_key: quoted(key), value });
    }
}

/// The fields that labels become: key and value as JSON, in the order in which they are written.
pub(super) fn fields<'a>(
    given: &[Label],
    vocabulary: &Vocabulary,
    arena: &'a Bump,
) -> [Option<(&'static str, &'a str)>; DECLARED.len() + 1] {
    let mut out = [None; DECLARED.len() + 1];
    let mut others = Vec::new();
    for labels in given.chunk_by(|one, other| one.column == other.column) {
        let Some(column) = vocabulary.columns.get(usize::from(labels[0].column)) else { continue };
        let own = DECLARED.iter().position(|(name, _)| *name == column.name);
        let mut value = Vec::new();
        let out_of = if own.is_some() { &mut value } else { &mut others };
        if own.is_none() {
            out_of.push(if out_of.is_empty() { b'{' } else { b',' });
            write_string(out_of, &column.name);
            out_of.push(b':');
        }
        if column.one {
            write_string(out_of, labels.last().map_or("", |label| vocabulary.tag(label)));
        } else {
            for (at, label) in labels.iter().enumerate() {
                out_of.push(if at > 0 { b',' } else { b'[' });
                write_string(out_of, vocabulary.tag(label));
            }
            out_of.push(b']');
        }
        if let Some(own) = own {
            out[own] = Some((DECLARED[own].1, text(&value, arena)));
        }
    }
    if !others.is_empty() {
        others.push(b'}');
        out[DECLARED.len()] = Some(("_labels", text(&others, arena)));
    }
    out
}

/// The key as it is spelled in JSON.
pub(super) fn quoted(key: &str) -> &'static str {
    match key {
        "_category" => "\"_category\"",
        "_persona" => "\"_persona\"",
        "_traits" => "\"_traits\"",
        _ => "\"_labels\"",
    }
}

fn text<'a>(bytes: &[u8], arena: &'a Bump) -> &'a str {
    arena.alloc_str(&String::from_utf8_lossy(bytes))
}
