//! Labels written into the records, where the plan asks for it.

use crate::json::{Kind, Member, Node, write_string};
use crate::record::Record;
use crate::record::labels::Vocabulary;
use bumpalo::Bump;
use bumpalo::collections::Vec as ArenaVec;

/// Adds `_` + column for every label column that says something; a field that is there already stays.
pub(super) fn inline<'a>(record: &mut Record<'a>, vocabulary: &Vocabulary, arena: &'a Bump) {
    for labels in record.labels.given.chunk_by(|one, other| one.column == other.column) {
        let Some(column) = vocabulary.columns.get(usize::from(labels[0].column)) else { continue };
        let key = arena.alloc_str(&format!("_{}", column.name));
        if record.field(key).is_some() {
            continue;
        }
        let tags = labels.iter().map(|label| text(vocabulary.tag(label), arena));
        let value = if column.one {
            match tags.last() {
                Some(tag) => tag,
                None => continue,
            }
        } else {
            let items: ArenaVec<'a, Node<'a>> = ArenaVec::from_iter_in(tags, arena);
            let mut raw = vec![b'['];
            for (at, item) in items.iter().enumerate() {
                raw.extend_from_slice(if at > 0 { b"," } else { b"" });
                raw.extend_from_slice(item.raw.as_bytes());
            }
            raw.push(b']');
            Node { raw: arena.alloc_str(&String::from_utf8_lossy(&raw)), kind: Kind::Array(items.into_bump_slice()) }
        };
        let raw_key = text(key, arena).raw;
        record.fields.push(Member { key, raw_key, value });
    }
}

/// A string as JSON.
fn text<'a>(value: &str, arena: &'a Bump) -> Node<'a> {
    let mut raw = Vec::new();
    write_string(&mut raw, value);
    let raw = arena.alloc_str(&String::from_utf8_lossy(&raw));
    Node { raw, kind: Kind::String(arena.alloc_str(value)) }
}
