//! Columns of texts and bytes.

use super::rows::{Column, Out};
use arrow_array::cast::AsArray as _;
use arrow_array::types::{ByteArrayType, ByteViewType};
use arrow_array::{Array, ArrayRef, FixedSizeBinaryArray, GenericByteArray, GenericByteViewArray};
use arrow_schema::DataType;
use base64::Engine as _;

/// An array whose values are texts or bytes.
trait Bytes: Array {
    fn get(&self, row: usize) -> &[u8];

    fn length(&self, row: usize) -> usize {
        self.get(row).len()
    }
}

impl<T: ByteArrayType> Bytes for GenericByteArray<T> {
    fn get(&self, row: usize) -> &[u8] {
        self.value(row).as_ref()
    }
}

impl<T: ByteViewType + ?Sized> Bytes for GenericByteViewArray<T> {
    fn get(&self, row: usize) -> &[u8] {
        self.value(row).as_ref()
    }

    fn length(&self, row: usize) -> usize {
        // The length stands in the view; the text itself need not be touched.
        self.views()[row] as u32 as usize
    }
}

impl Bytes for FixedSizeBinaryArray {
    fn get(&self, row: usize) -> &[u8] {
        self.value(row)
    }
}

/// How the bytes are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    /// Text that is JSON.
    Json,
    /// Text where it is UTF-8, else `{"base64": "…"}`.
    Binary,
}

struct Texts<A> {
    array: A,
    kind: Kind,
}

impl<A: Bytes + Send + Sync> Column for Texts<A> {
    fn is_null(&self, row: usize) -> bool {
        self.array.is_null(row)
    }

    fn write(&self, row: usize, out: &mut Out) {
        let bytes = self.array.get(row);
        match (self.kind, simdutf8::basic::from_utf8(bytes)) {
            (Kind::Json, Ok(text)) => out.raw(text),
            (_, Ok(text)) => out.string(text),
            (_, Err(_)) => {
                let left = out.most.saturating_sub(out.bytes.len()).min(bytes.len());
                out.bytes.extend_from_slice(b"{\"base64\":\"");
                let text = base64::engine::general_purpose::STANDARD.encode(&bytes[..left]);
                out.bytes.extend_from_slice(text.as_bytes());
                out.bytes.extend_from_slice(b"\"}");
            }
        }
    }

    fn bytes(&self, row: usize) -> usize {
        let length = self.array.length(row);
        if self.kind == Kind::Binary { length / 3 * 4 + 20 } else { length + 2 }
    }
}

/// The column, if it is of texts or bytes.
pub(super) fn text(array: &ArrayRef, json: bool) -> Option<Box<dyn Column>> {
    let kind = match array.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View if json => Kind::Json,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Kind::Text,
        _ => Kind::Binary,
    };
    Some(match array.data_type() {
        DataType::Utf8 => Box::new(Texts { array: array.as_string::<i32>().clone(), kind }),
        DataType::LargeUtf8 => Box::new(Texts { array: array.as_string::<i64>().clone(), kind }),
        DataType::Utf8View => Box::new(Texts { array: array.as_string_view().clone(), kind }),
        DataType::Binary => Box::new(Texts { array: array.as_binary::<i32>().clone(), kind }),
        DataType::LargeBinary => Box::new(Texts { array: array.as_binary::<i64>().clone(), kind }),
        DataType::BinaryView => Box::new(Texts { array: array.as_binary_view().clone(), kind }),
        DataType::FixedSizeBinary(_) => Box::new(Texts { array: array.as_fixed_size_binary().clone(), kind }),
        _ => return None,
    })
}
