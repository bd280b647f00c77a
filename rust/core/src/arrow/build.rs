//! Records become columns of a given layout.

use super::layout::{Field, Layout, Shape};
use crate::json::{Kind, Member, Node, write_anew, write_string};
use arrow_array::builder::{BooleanBuilder, Float64Builder, Int64Builder, StringBuilder};
use arrow_array::{ArrayRef, ListArray, RecordBatch, StructArray};
use arrow_buffer::{BooleanBufferBuilder, NullBuffer, OffsetBuffer};
use arrow_schema::{ArrowError, DataType, Field as ArrowField, Fields, Schema, SchemaRef};
use std::collections::HashMap;
use std::sync::Arc;

/// Columns in the making.
pub struct Builder {
    schema: SchemaRef,
    members: Members,
    rows: usize,
    bytes: usize,
}

impl Builder {
    /// Columns of this layout.
    pub fn new(layout: &Layout) -> Self {
        let schema = Arc::new(Schema::new(types(&layout.fields)));
        Self { schema, members: Members::new(&layout.fields), rows: 0, bytes: 0 }
    }

    /// The types of the columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Rows so far.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes of the JSON that they were made of.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Appends a record.
    pub fn push(&mut self, record: &Node<'_>) {
        self.rows += 1;
        self.bytes += record.raw.len();
        self.members.push(record.as_object().unwrap_or_default());
    }

    /// The rows so far; the next begin anew.
    ///
    /// # Errors
    /// The layout is not one that columns can have.
    pub fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        (self.rows, self.bytes) = (0, 0);
        RecordBatch::try_new(Arc::clone(&self.schema), self.members.finish()?)
    }
}

/// The types of the columns of fields, in order, each with its other column behind it.
fn types(fields: &[Field]) -> Fields {
    let column = |name: &str, shape: &Shape| ArrowField::new(name, data_type(shape), true);
    fields
        .iter()
        .flat_map(|field| {
            let aside = field.aside.as_deref().map(|name| column(name, &Shape::Json));
            std::iter::once(column(&field.name, &field.shape)).chain(aside)
        })
        .collect()
}

fn data_type(shape: &Shape) -> DataType {
    match shape {
        Shape::Bool => DataType::Boolean,
        Shape::Int => DataType::Int64,
        Shape::Float => DataType::Float64,
        Shape::Text | Shape::Json | Shape::Rest => DataType::Utf8,
        Shape::List(item) => DataType::List(Arc::new(ArrowField::new("item", data_type(item), true))),
        Shape::Struct(fields) => DataType::Struct(types(fields)),
    }
}

/// The members of objects.
struct Members {
    names: HashMap<String, usize>,
    columns: Vec<(Column, Option<StringBuilder>)>,
    /// Which column holds the members that have none.
    rest: Option<usize>,
    /// Whether a null of the member stands in its column.
    nulls: Vec<bool>,
    /// By column: the object that it was last given a value of.
    filled: Vec<u64>,
    count: u64,
}

enum Column {
    Bool(BooleanBuilder),
    Int(Int64Builder),
    Float(Float64Builder),
    Text(StringBuilder),
    Json(StringBuilder),
    List { lengths: Vec<usize>, valid: BooleanBufferBuilder, items: Box<Column>, shape: Shape },
    Struct { valid: BooleanBufferBuilder, members: Box<Members>, fields: Fields },
}

impl Members {
    fn new(fields: &[Field]) -> Self {
        Self {
            names: fields.iter().enumerate().map(|(at, field)| (field.name.clone(), at)).collect(),
            columns: fields
                .iter()
                .map(|field| (Column::new(&field.shape), field.aside.as_ref().map(|_| StringBuilder::new())))
                .collect(),
            rest: fields.iter().position(|field| field.shape == Shape::Rest),
            nulls: fields.iter().map(|field| field.nulls).collect(),
            filled: vec![0; fields.len()],
            count: 0,
        }
    }

    fn push(&mut self, members: &[Member<'_>]) {
        self.count += 1;
        let mut rest = Vec::new();
        for member in members {
            let place = self.names.get(member.key).copied();
            let place = place.filter(|&at| {
                self.filled[at] != self.count
                    && Some(at) != self.rest
                    && match member.value.kind {
                        Kind::Null => self.nulls[at],
                        // What the layout was not made of goes where nothing is lost.
                        _ => {
                            self.rest.is_none()
                                || self.columns[at].1.is_some()
                                || self.columns[at].0.fits(&member.value)
                        }
                    }
            });
            match place {
                Some(at) => {
                    self.filled[at] = self.count;
                    let (column, aside) = &mut self.columns[at];
                    let apart = aside.is_some() && !matches!(member.value.kind, Kind::String(_) | Kind::Null);
                    match aside {
                        Some(aside) if apart => {
                            column.push_null();
                            aside.append_value(json(&member.value));
                        }
                        Some(aside) => {
                            column.push(&member.value);
                            aside.append_null();
                        }
                        None => column.push(&member.value),
                    }
                }
                None => {
                    rest.push(if rest.is_empty() { b'{' } else { b',' });
                    write_string(&mut rest, member.key);
                    rest.push(b':');
                    write_anew(&mut rest, &member.value);
                }
            }
        }
        if let (Some(at), false) = (self.rest, rest.is_empty()) {
            rest.push(b'}');
            self.filled[at] = self.count;
            self.columns[at].0.push_text(&String::from_utf8_lossy(&rest));
        }
        self.pad();
    }

    /// Gives a null to every column that this object has no value for.
    fn pad(&mut self) {
        for ((column, aside), filled) in self.columns.iter_mut().zip(&self.filled) {
            if *filled != self.count {
                column.push_null();
                if let Some(aside) = aside {
                    aside.append_null();
                }
            }
        }
    }

    fn push_null(&mut self) {
        self.count += 1;
        self.pad();
    }

    fn finish(&mut self) -> Result<Vec<ArrayRef>, ArrowError> {
        let mut arrays = Vec::with_capacity(self.columns.len());
        for (column, aside) in &mut self.columns {
            arrays.push(column.finish()?);
            if let Some(aside) = aside {
                arrays.push(Arc::new(aside.finish()));
            }
        }
        Ok(arrays)
    }
}

/// A value as JSON on one line.
fn json(node: &Node<'_>) -> String {
    let mut out = Vec::with_capacity(node.raw.len());
    write_anew(&mut out, node);
    String::from_utf8(out).unwrap_or_default()
}

impl Column {
    fn new(shape: &Shape) -> Self {
        match shape {
            Shape::Bool => Self::Bool(BooleanBuilder::new()),
            Shape::Int => Self::Int(Int64Builder::new()),
            Shape::Float => Self::Float(Float64Builder::new()),
            Shape::Text => Self::Text(StringBuilder::new()),
            Shape::Json | Shape::Rest => Self::Json(StringBuilder::new()),
            Shape::List(item) => Self::List {
                lengths: Vec::new(),
                valid: BooleanBufferBuilder::new(0),
                items: Box::new(Self::new(item)),
                shape: (**item).clone(),
            },
            Shape::Struct(fields) => Self::Struct {
                valid: BooleanBufferBuilder::new(0),
                members: Box::new(Members::new(fields)),
                fields: types(fields),
            },
        }
    }

    /// Appends a value. One of a kind that the column does not have becomes a null; layouts are made so that
    /// there is none.
    fn push(&mut self, node: &Node<'_>) {
        match (self, node.kind) {
            (column, Kind::Null) => column.push_null(),
            (Self::Bool(column), Kind::Bool(value)) => column.append_value(value),
            (Self::Int(column), Kind::Number) => column.append_option(node.raw.parse().ok()),
            (Self::Float(column), Kind::Number) => column.append_option(node.raw.parse().ok()),
            (Self::Text(column), Kind::String(text)) => column.append_value(text),
            (Self::Json(column), _) => column.append_value(json(node)),
            (Self::List { lengths, valid, items, .. }, Kind::Array(values)) => {
                lengths.push(values.len());
                valid.append(true);
                values.iter().for_each(|value| items.push(value));
            }
            (Self::Struct { valid, members, .. }, Kind::Object(values)) => {
                valid.append(true);
                members.push(values);
            }
            (column, _) => column.push_null(),
        }
    }

    /// Whether the column can hold the value; what stands inside of objects is their matter.
    fn fits(&self, node: &Node<'_>) -> bool {
        match (self, node.kind) {
            (_, Kind::Null) | (Self::Json(_), _) => true,
            (Self::Bool(_), kind) => matches!(kind, Kind::Bool(_)),
            (Self::Int(_), Kind::Number) => node.raw.parse::<i64>().is_ok(),
            (Self::Float(_), Kind::Number) => node.raw.parse().is_ok_and(f64::is_finite),
            (Self::Text(_), kind) => matches!(kind, Kind::String(_)),
            (Self::List { items, .. }, Kind::Array(values)) => values.iter().all(|value| items.fits(value)),
            (Self::Struct { .. }, kind) => matches!(kind, Kind::Object(_)),
            _ => false,
        }
    }

    fn push_text(&mut self, text: &str) {
        if let Self::Text(column) | Self::Json(column) = self {
            column.append_value(text);
        }
    }

    fn push_null(&mut self) {
        match self {
            Self::Bool(column) => column.append_null(),
            Self::Int(column) => column.append_null(),
            Self::Float(column) => column.append_null(),
            Self::Text(column) | Self::Json(column) => column.append_null(),
            Self::List { lengths, valid, .. } => {
                lengths.push(0);
                valid.append(false);
            }
            Self::Struct { valid, members, .. } => {
                valid.append(false);
                members.push_null();
            }
        }
    }

    fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        Ok(match self {
            Self::Bool(column) => Arc::new(column.finish()),
            Self::Int(column) => Arc::new(column.finish()),
            Self::Float(column) => Arc::new(column.finish()),
            Self::Text(column) | Self::Json(column) => Arc::new(column.finish()),
            Self::List { lengths, valid, items, shape } => {
                let field = Arc::new(ArrowField::new("item", data_type(shape), true));
                let offsets = OffsetBuffer::from_lengths(lengths.drain(..));
                Arc::new(ListArray::try_new(field, offsets, items.finish()?, nulls(valid))?)
            }
            Self::Struct { valid, members, fields } => {
                let (length, nulls) = (valid.len(), nulls(valid));
                let arrays = members.finish()?;
                Arc::new(StructArray::try_new_with_length(fields.clone(), arrays, nulls, length)?)
            }
        })
    }
}

fn nulls(valid: &mut BooleanBufferBuilder) -> Option<NullBuffer> {
    Some(NullBuffer::new(valid.finish())).filter(|nulls| nulls.null_count() > 0)
}
