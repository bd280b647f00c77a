//! What columns hold of which records: the types that were found, and how to get the records back.

use serde::{Deserialize, Serialize};

/// The key of a Parquet file's metadata that holds its layout.
pub const LAYOUT_KEY: &str = "corpuskit.layout";

/// The columns of a set of records.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// In the order in which the records named them first.
    pub fields: Vec<Field>,
}

impl Layout {
    /// The same with a `Rest` in every object, so that records fit that the layout was not made of.
    #[must_use]
    pub fn open(mut self) -> Self {
        open(&mut self.fields);
        self
    }
}

fn open(fields: &mut Vec<Field>) {
    for field in fields.iter_mut() {
        field.nulls = false;
        let mut shape = &mut field.shape;
        while let Shape::List(item) = shape {
            shape = item;
        }
        if let Shape::Struct(fields) = shape {
            open(fields);
        }
    }
    if fields.iter().all(|field| field.shape != Shape::Rest) {
        let mut name = "_rest".to_owned();
        while fields.iter().any(|field| field.name == name || field.aside.as_ref() == Some(&name)) {
            name.push('_');
        }
        fields.push(Field { name, shape: Shape::Rest, aside: None, nulls: false });
    }
}

/// A member of an object, or a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// The member's name.
    pub name: String,
    /// What stands in the column of this name.
    pub shape: Shape,
    /// Texts stand in the column of this name; what is not text, as JSON, in the one of that name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aside: Option<String>,
    /// A null is one that the record spelled out, not a member that it lacks. Where some records do the one and
    /// some the other, nulls that were spelled out stand in the `Rest`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub nulls: bool,
}

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// True or false.
    Bool,
    /// Whole numbers of 64 bits.
    Int,
    /// Floating-point numbers of 64 bits.
    Float,
    /// Texts.
    Text,
    /// Texts, each the JSON of a value.
    Json,
    /// Lists.
    List(Box<Shape>),
    /// Objects.
    Struct(Vec<Field>),
    /// In an object: the members that have no column of their own, as the JSON text of an object.
    Rest,
}
