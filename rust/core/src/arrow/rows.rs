//! Rows of columns as lines of JSON.

use super::layout::{Field, Layout, Shape};
use super::lists::lists;
use super::scalars::scalar;
use super::texts::text;
use crate::json::write_string;
use arrow_array::cast::AsArray as _;
use arrow_array::{Array, ArrayRef, RecordBatch, StructArray};
use arrow_schema::DataType;

/// What becomes of null members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nulls {
    /// Columns keep their nulls; inside of objects a null member is left out.
    Outer,
    /// Every null stays.
    All,
}

/// A column, ready to be written value by value.
pub(super) trait Column: Send + Sync {
    /// Whether there is no value.
    fn is_null(&self, row: usize) -> bool;
    /// Writes the value, which is there.
    fn write(&self, row: usize, out: &mut Out);
    /// About how many bytes `write` takes, at most as many times more as escapes need.
    fn bytes(&self, row: usize) -> usize;
}

/// Text in the making.
#[derive(Debug, Default)]
pub(super) struct Out {
    pub bytes: Vec<u8>,
    /// Nothing more is written once there are so many bytes.
    pub most: usize,
}

impl Out {
    /// Whether there is enough.
    pub fn is_full(&self) -> bool {
        self.bytes.len() >= self.most
    }

    /// A text in quotes.
    pub fn string(&mut self, text: &str) {
        let left = self.most.saturating_sub(self.bytes.len());
        let end = (0..=left.min(text.len())).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
        let text = &text[..end];
        write_string(&mut self.bytes, text);
    }

    /// A text that is JSON already.
    pub fn raw(&mut self, text: &str) {
        let left = self.most.saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(&text.as_bytes()[..text.len().min(left)]);
    }
}

/// A batch of rows.
pub struct Rows {
    columns: Members,
    length: usize,
}

impl std::fmt::Debug for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} rows", self.length)
    }
}

impl Rows {
    /// Rows of a batch; with the layout of what we wrote ourselves, the records that they were made of.
    ///
    /// # Errors
    /// A type that has no place in a record.
    pub fn new(batch: &RecordBatch, layout: Option<&Layout>, nulls: Nulls) -> Result<Self, String> {
        let schema = batch.schema();
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let fields = layout.map(|layout| &layout.fields[..]);
        let mut columns = Members::new(&names, batch.columns(), fields, nulls)?;
        if layout.is_none() {
            columns.members.iter_mut().for_each(|member| member.nulls = true);
        }
        Ok(Self { columns, length: batch.num_rows() })
    }

    /// How many rows.
    pub fn length(&self) -> usize {
        self.length
    }

    /// About how many bytes the row's line has.
    pub fn bytes(&self, row: usize) -> usize {
        self.columns.bytes(row)
    }

    /// Appends the row as one line of JSON, without a line's end; at most about `most` bytes of it.
    pub fn write(&self, row: usize, out: &mut Vec<u8>, most: usize) {
        let mut text = Out { bytes: std::mem::take(out), most: usize::MAX };
        text.most = text.bytes.len().saturating_add(most);
        self.columns.write(row, &mut text);
        *out = text.bytes;
    }
}

/// The members of an object.
struct Members {
    members: Vec<Member>,
}

struct Member {
    /// In quotes, with a colon.
    key: Vec<u8>,
    column: Box<dyn Column>,
    /// What is not text, where that stands apart.
    aside: Option<Box<dyn Column>>,
    /// A null is written.
    nulls: bool,
    /// The members that have no column, as JSON.
    rest: bool,
}

impl Members {
    fn new(names: &[&str], columns: &[ArrayRef], fields: Option<&[Field]>, nulls: Nulls) -> Result<Self, String> {
        let place = |name: &str| names.iter().position(|other| *other == name);
        // A layout that is not that of these columns says nothing about them.
        let fields = fields.filter(|fields| {
            let asides = fields.iter().filter_map(|field| field.aside.as_deref());
            fields.iter().map(|field| field.name.as_str()).chain(asides.clone()).all(|name| place(name).is_some())
                && names.len() == fields.len() + asides.count()
        });
        let mut members = Vec::with_capacity(names.len());
        let Some(fields) = fields else {
            for (name, array) in names.iter().zip(columns) {
                let column = column(array, None, nulls)?;
                members.push(Member { key: key(name), column, aside: None, nulls: nulls == Nulls::All, rest: false });
            }
            return Ok(Self { members });
        };
        for field in fields {
            let of = |name: &str| place(name).map(|at| &columns[at]);
            let Some(array) = of(&field.name) else { continue };
            let aside = match field.aside.as_deref().and_then(of) {
                Some(array) => Some(column(array, Some(&Shape::Json), nulls)?),
                None => None,
            };
            members.push(Member {
                key: key(&field.name),
                column: column(array, Some(&field.shape), nulls)?,
                aside,
                nulls: field.nulls,
                rest: field.shape == Shape::Rest,
            });
        }
        Ok(Self { members })
    }

    fn write(&self, row: usize, out: &mut Out) {
        out.bytes.push(b'{');
        let mut first = true;
        for member in &self.members {
            if out.is_full() {
                break;
            }
            let column = match &member.aside {
                Some(aside) if !aside.is_null(row) => aside,
                _ => &member.column,
            };
            let null = column.is_null(row);
            if null && !member.nulls {
                continue;
            }
            if member.rest {
                let before = out.bytes.len();
                column.write(row, out);
                // `{"a":null}` becomes `,"a":null`.
                let inside = out.bytes.len() - before >= 4 && out.bytes.last() == Some(&b'}');
                match inside {
                    true => {
                        out.bytes.pop();
                        if first {
                            out.bytes.remove(before);
                        } else {
                            out.bytes[before] = b',';
                        }
                        first = false;
                    }
                    false => out.bytes.truncate(before),
                }
                continue;
            }
            if !first {
                out.bytes.push(b',');
            }
            first = false;
            out.bytes.extend_from_slice(&member.key);
            if null { out.bytes.extend_from_slice(b"null") } else { column.write(row, out) }
        }
        out.bytes.push(b'}');
    }

    fn bytes(&self, row: usize) -> usize {
        let mut sum = 2_usize;
        for member in &self.members {
            if !member.column.is_null(row) {
                sum = sum.saturating_add(member.key.len() + 1).saturating_add(member.column.bytes(row));
            } else if member.nulls {
                sum = sum.saturating_add(member.key.len() + 5);
            }
            if let Some(aside) = member.aside.as_ref().filter(|aside| !aside.is_null(row)) {
                sum = sum.saturating_add(member.key.len() + 1).saturating_add(aside.bytes(row));
            }
        }
        sum
    }
}

fn key(name: &str) -> Vec<u8> {
    let mut key = Vec::new();
    write_string(&mut key, name);
    key.push(b':');
    key
}

/// Objects.
struct Objects {
    array: StructArray,
    members: Members,
}

impl Column for Objects {
    fn is_null(&self, row: usize) -> bool {
        self.array.is_null(row)
    }

    fn write(&self, row: usize, out: &mut Out) {
        self.members.write(row, out);
    }

    fn bytes(&self, row: usize) -> usize {
        self.members.bytes(row)
    }
}

/// A column of any type. `shape`: what it was made of, if we made it.
pub(super) fn column(array: &ArrayRef, shape: Option<&Shape>, nulls: Nulls) -> Result<Box<dyn Column>, String> {
    if let DataType::Struct(types) = array.data_type() {
        let array = array.as_struct();
        let names: Vec<&str> = types.iter().map(|field| field.name().as_str()).collect();
        let fields = match shape {
            Some(Shape::Struct(fields)) => Some(&fields[..]),
            _ => None,
        };
        let members = Members::new(&names, array.columns(), fields, nulls)?;
        return Ok(Box::new(Objects { array: array.clone(), members }));
    }
    let json = matches!(shape, Some(Shape::Json | Shape::Rest));
    if let Some(column) = text(array, json).or_else(|| scalar(array)) {
        return Ok(column);
    }
    match lists(array, shape, nulls)? {
        Some(column) => Ok(column),
        None => Err(format!("columns of type {} are not read", array.data_type())),
    }
}
