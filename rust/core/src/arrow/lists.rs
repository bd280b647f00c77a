//! Columns that hold other columns: lists, maps, dictionaries, runs, unions.

use super::layout::Shape;
use super::rows::{Column, Nulls, Out, column};
use crate::json::write_string;
use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    ArrowDictionaryKeyType, Int8Type, Int16Type, Int32Type, Int64Type, RunEndIndexType, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, RunArray, UnionArray};
use arrow_buffer::{ArrowNativeType as _, NullBuffer};
use arrow_schema::DataType;
use std::collections::HashSet;

/// Where the elements of a row stand in the values.
enum Places {
    Small(arrow_buffer::OffsetBuffer<i32>),
    Large(arrow_buffer::OffsetBuffer<i64>),
    Fixed(usize),
    SmallViews(arrow_buffer::ScalarBuffer<i32>, arrow_buffer::ScalarBuffer<i32>),
    LargeViews(arrow_buffer::ScalarBuffer<i64>, arrow_buffer::ScalarBuffer<i64>),
}

impl Places {
    fn range(&self, row: usize) -> std::ops::Range<usize> {
        match self {
            Self::Small(offsets) => offsets[row].as_usize()..offsets[row + 1].as_usize(),
            Self::Large(offsets) => offsets[row].as_usize()..offsets[row + 1].as_usize(),
            Self::Fixed(size) => row * size..(row + 1) * size,
            Self::SmallViews(starts, sizes) => starts[row].as_usize()..starts[row].as_usize() + sizes[row].as_usize(),
            Self::LargeViews(starts, sizes) => starts[row].as_usize()..starts[row].as_usize() + sizes[row].as_usize(),
        }
    }
}

struct Lists {
    nulls: Option<NullBuffer>,
    places: Places,
    values: Box<dyn Column>,
}

fn is_null(nulls: Option<&NullBuffer>, row: usize) -> bool {
    nulls.is_some_and(|nulls| nulls.is_null(row))
}

impl Column for Lists {
    fn is_null(&self, row: usize) -> bool {
        is_null(self.nulls.as_ref(), row)
    }

    fn write(&self, row: usize, out: &mut Out) {
        out.bytes.push(b'[');
        for (index, at) in self.places.range(row).enumerate() {
            if out.is_full() {
                break;
            }
            if index > 0 {
                out.bytes.push(b',');
            }
            if self.values.is_null(at) { out.raw("null") } else { self.values.write(at, out) }
        }
        out.bytes.push(b']');
    }

    fn bytes(&self, row: usize) -> usize {
        let value = |at| if self.values.is_null(at) { 5 } else { self.values.bytes(at).saturating_add(1) };
        self.places.range(row).fold(2, |sum: usize, at| sum.saturating_add(value(at)))
    }
}

/// Maps: objects where the keys are texts that differ, else lists of `{"key": …, "value": …}`.
struct Maps {
    nulls: Option<NullBuffer>,
    places: Places,
    keys: ArrayRef,
    written_keys: Box<dyn Column>,
    values: Box<dyn Column>,
}

impl Maps {
    /// The key as text; `None` for any other type and for null.
    fn key(&self, at: usize) -> Option<&str> {
        if self.keys.is_null(at) {
            return None;
        }
        match self.keys.data_type() {
            DataType::Utf8 => Some(self.keys.as_string::<i32>().value(at)),
            DataType::LargeUtf8 => Some(self.keys.as_string::<i64>().value(at)),
            DataType::Utf8View => Some(self.keys.as_string_view().value(at)),
            _ => None,
        }
    }

    fn is_object(&self, row: usize) -> bool {
        let mut seen = HashSet::new();
        self.places.range(row).all(|at| self.key(at).is_some_and(|key| seen.insert(key)))
    }
}

impl Column for Maps {
    fn is_null(&self, row: usize) -> bool {
        is_null(self.nulls.as_ref(), row)
    }

    fn write(&self, row: usize, out: &mut Out) {
        let object = self.is_object(row);
        out.bytes.push(if object { b'{' } else { b'[' });
        for (index, at) in self.places.range(row).enumerate() {
            if out.is_full() {
                break;
            }
            if index > 0 {
                out.bytes.push(b',');
            }
            match self.key(at) {
                Some(key) if object => {
                    write_string(&mut out.bytes, key);
                    out.bytes.push(b':');
                }
                _ => {
                    out.raw("{\"key\":");
                    if self.written_keys.is_null(at) {
                        out.raw("null")
                    } else {
                        self.written_keys.write(at, out)
                    }
                    out.raw(",\"value\":");
                }
            }
            if self.values.is_null(at) {
                out.raw("null")
            } else {
                self.values.write(at, out)
            }
            if !object {
                out.bytes.push(b'}');
            }
        }
        out.bytes.push(if object { b'}' } else { b']' });
    }

    fn bytes(&self, row: usize) -> usize {
        let part = |column: &dyn Column, at| if column.is_null(at) { 4 } else { column.bytes(at) };
        self.places.range(row).fold(2, |sum: usize, at| {
            sum.saturating_add(part(&*self.written_keys, at)).saturating_add(part(&*self.values, at)).saturating_add(4)
        })
    }
}

/// Values that stand elsewhere: a dictionary's, a run's.
struct Looked<F> {
    place: F,
    values: Box<dyn Column>,
}

impl<F: Fn(usize) -> Option<usize> + Send + Sync> Column for Looked<F> {
    fn is_null(&self, row: usize) -> bool {
        (self.place)(row).is_none_or(|at| self.values.is_null(at))
    }

    fn write(&self, row: usize, out: &mut Out) {
        match (self.place)(row) {
            Some(at) => self.values.write(at, out),
            None => out.raw("null"),
        }
    }

    fn bytes(&self, row: usize) -> usize {
        (self.place)(row).map_or(4, |at| self.values.bytes(at))
    }
}

fn dictionary<K: ArrowDictionaryKeyType>(
    array: &ArrayRef,
    shape: Option<&Shape>,
    nulls: Nulls,
) -> Result<Box<dyn Column>, String> {
    let array = array.as_dictionary::<K>().clone();
    let values = column(array.values(), shape, nulls)?;
    Ok(Box::new(Looked { place: move |row| array.key(row), values }))
}

fn runs<R: RunEndIndexType>(array: &ArrayRef, nulls: Nulls) -> Result<Option<Box<dyn Column>>, String> {
    let Some(array) = array.as_any().downcast_ref::<RunArray<R>>().cloned() else { return Ok(None) };
    let values = column(array.values(), None, nulls)?;
    Ok(Some(Box::new(Looked { place: move |row| Some(array.get_physical_index(row)), values })))
}

/// One value of several types a row.
struct Unions {
    array: UnionArray,
    columns: Vec<(i8, Box<dyn Column>)>,
}

impl Unions {
    fn of(&self, row: usize) -> Option<(&dyn Column, usize)> {
        let id = self.array.type_id(row);
        let (_, column) = self.columns.iter().find(|(other, _)| *other == id)?;
        Some((&**column, self.array.value_offset(row)))
    }
}

impl Column for Unions {
    fn is_null(&self, row: usize) -> bool {
        self.of(row).is_none_or(|(column, at)| column.is_null(at))
    }

    fn write(&self, row: usize, out: &mut Out) {
        if let Some((column, at)) = self.of(row) {
            column.write(at, out);
        }
    }

    fn bytes(&self, row: usize) -> usize {
        self.of(row).map_or(4, |(column, at)| column.bytes(at))
    }
}

/// The column, if it holds other columns (objects aside).
pub(super) fn lists(array: &ArrayRef, shape: Option<&Shape>, nulls: Nulls) -> Result<Option<Box<dyn Column>>, String> {
    let inner = match shape {
        Some(Shape::List(inner)) => Some(&**inner),
        _ => None,
    };
    let (places, values) = match array.data_type() {
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            (Places::Small(list.offsets().clone()), list.values())
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            (Places::Large(list.offsets().clone()), list.values())
        }
        DataType::FixedSizeList(_, size) => (Places::Fixed(size.as_usize()), array.as_fixed_size_list().values()),
        DataType::ListView(_) => {
            let list = array.as_list_view::<i32>();
            (Places::SmallViews(list.offsets().clone(), list.sizes().clone()), list.values())
        }
        DataType::LargeListView(_) => {
            let list = array.as_list_view::<i64>();
            (Places::LargeViews(list.offsets().clone(), list.sizes().clone()), list.values())
        }
        DataType::Map(..) => {
            let map = array.as_map();
            return Ok(Some(Box::new(Maps {
                nulls: array.nulls().cloned(),
                places: Places::Small(map.offsets().clone()),
                keys: map.keys().clone(),
                written_keys: column(map.keys(), None, nulls)?,
                values: column(map.values(), None, nulls)?,
            })));
        }
        DataType::Dictionary(key, _) => {
            return Ok(Some(match &**key {
                DataType::Int8 => dictionary::<Int8Type>(array, shape, nulls)?,
                DataType::Int16 => dictionary::<Int16Type>(array, shape, nulls)?,
                DataType::Int32 => dictionary::<Int32Type>(array, shape, nulls)?,
                DataType::Int64 => dictionary::<Int64Type>(array, shape, nulls)?,
                DataType::UInt8 => dictionary::<UInt8Type>(array, shape, nulls)?,
                DataType::UInt16 => dictionary::<UInt16Type>(array, shape, nulls)?,
                DataType::UInt32 => dictionary::<UInt32Type>(array, shape, nulls)?,
                DataType::UInt64 => dictionary::<UInt64Type>(array, shape, nulls)?,
                _ => return Ok(None),
            }));
        }
        DataType::RunEndEncoded(ends, _) => {
            return match ends.data_type() {
                DataType::Int16 => runs::<Int16Type>(array, nulls),
                DataType::Int32 => runs::<Int32Type>(array, nulls),
                _ => runs::<Int64Type>(array, nulls),
            };
        }
        DataType::Union(fields, _) => {
            let union = array.as_union().clone();
            let columns = fields
                .iter()
                .map(|(id, _)| Ok((id, column(union.child(id), None, nulls)?)))
                .collect::<Result<Vec<_>, String>>()?;
            return Ok(Some(Box::new(Unions { array: union, columns })));
        }
        _ => return Ok(None),
    };
    let values = column(values, inner, nulls)?;
    Ok(Some(Box::new(Lists { nulls: array.nulls().cloned(), places, values })))
}
