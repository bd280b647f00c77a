//! What a plan file says and where: its keys and the place of each value, without any meaning.
//!
//! The typed settings cannot tell a key that the user wrote from a default; this can, and it knows
//! the line of a setting that is found wrong after parsing.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};
use std::fmt;

/// A node of the file.
#[derive(Debug, Default)]
pub(super) enum Tree {
    /// Nothing: a key without a value.
    #[default]
    Nothing,
    /// A single value or a list.
    Leaf,
    /// Keys and values in file order.
    Map(Vec<Entry>),
}

/// A key and its value.
#[derive(Debug)]
pub(super) struct Entry {
    /// The key.
    pub(super) key: String,
    /// Where the key stands.
    pub(super) key_at: Location,
    /// Where the value begins.
    pub(super) value_at: Location,
    /// The value.
    pub(super) value: Tree,
}

impl Tree {
    /// The entries of a map; nothing for a leaf.
    pub(super) fn entries(&self) -> &[Entry] {
        match self {
            Self::Map(entries) => entries,
            Self::Nothing | Self::Leaf => &[],
        }
    }

    /// The entry at a dotted path, or the deepest one on the way that exists.
    pub(super) fn nearest(&self, path: &str) -> Option<&Entry> {
        let (head, rest) = path.split_once('.').unwrap_or((path, ""));
        let entry = self.entries().iter().find(|entry| entry.key == head)?;
        if rest.is_empty() { Some(entry) } else { entry.value.nearest(rest).or(Some(entry)) }
    }

    /// The dotted path of the last key or value that begins at or before a place, and whether the
    /// place is that of a key.
    pub(super) fn path_at(&self, place: Location) -> Option<(String, bool)> {
        let position = (place.line(), place.column());
        let mut found = None;
        for entry in self.entries() {
            let key = (entry.key_at.line(), entry.key_at.column());
            let value = (entry.value_at.line(), entry.value_at.column());
            if key == position {
                return Some((entry.key.clone(), true));
            }
            if value <= position {
                found = match entry.value.path_at(place) {
                    Some((below, is_key)) if value != position => Some((format!("{}.{below}", entry.key), is_key)),
                    _ => Some((entry.key.clone(), false)),
                };
            }
        }
        found
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping of settings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, value)) = map.next_entry::<Spanned<String>, Spanned<Tree>>()? {
            entries.push(Entry {
                key: key.value,
                key_at: key.referenced,
                value_at: value.referenced,
                value: value.value,
            });
        }
        Ok(Tree::Map(entries))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Tree, A::Error> {
        while list.next_element::<Tree>()?.is_some() {}
        Ok(Tree::Leaf)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        Tree::deserialize(deserializer)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }

    fn visit_i128<E>(self, _: i128) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }

    fn visit_u128<E>(self, _: u128) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }

    fn visit_str<E>(self, _: &str) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }

    fn visit_bytes<E>(self, _: &[u8]) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Nothing)
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Nothing)
    }
}
