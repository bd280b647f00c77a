//! A column chunk of whole numbers, packed as differences (DELTA_BINARY_PACKED): the Parquet writer would
//! encode the levels of each column of the places anew, and take every number one by one.

use super::columns_chunk::{self, Chunk, Levels, Values, varint};
use parquet::basic::Encoding;
use parquet::errors::ParquetError;
use parquet::schema::types::ColumnDescPtr;

/// Parts of a block that have a width each.
const PARTS: usize = 4;

/// Most values in such a part.
const MOST: usize = 64;

/// A number of 32 or 64 bits. Differences wrap around, as the format wants it.
pub(super) trait Number: Copy {
    /// Values in a part of a block.
    const PART: usize;
    fn wide(self) -> i64;
    /// `self` behind `before`.
    fn behind(self, before: Self) -> i64;
    /// One difference above another that is at most as large.
    fn above(difference: i64, least: i64) -> u64;
}

impl Number for i32 {
    const PART: usize = 32;
    #[inline]
    fn wide(self) -> i64 {
        i64::from(self)
    }
    #[inline]
    fn behind(self, before: Self) -> i64 {
        i64::from(self.wrapping_sub(before))
    }
    #[inline]
    fn above(difference: i64, least: i64) -> u64 {
        u64::from((difference as u32).wrapping_sub(least as u32))
    }
}

impl Number for i64 {
    const PART: usize = 64;
    #[inline]
    fn wide(self) -> i64 {
        self
    }
    #[inline]
    fn behind(self, before: Self) -> i64 {
        self.wrapping_sub(before)
    }
    #[inline]
    fn above(difference: i64, least: i64) -> u64 {
        (difference as u64).wrapping_sub(least as u64)
    }
}

/// The chunk of a column of numbers; `compressed` where they are small and alike.
pub(super) fn chunk<N: Number>(
    column: &ColumnDescPtr,
    levels: &Levels,
    numbers: &[N],
    compressed: bool,
) -> Result<Chunk, ParquetError> {
    let mut bytes = Vec::new();
    differences(&mut bytes, numbers);
    let values = Values { encoding: Encoding::DELTA_BINARY_PACKED, dictionary: None, bytes };
    columns_chunk::assemble(column, levels, values, compressed)
}

/// Appends block size, parts of a block, count, first number; then blocks of differences.
pub(super) fn differences<N: Number>(out: &mut Vec<u8>, numbers: &[N]) {
    let block = N::PART * PARTS;
    out.reserve(32 + size_of_val(numbers));
    varint(out, block as u64);
    varint(out, PARTS as u64);
    varint(out, numbers.len() as u64);
    varint(out, zigzag(numbers.first().map_or(0, |first| first.wide())));
    let mut found = [0; MOST * PARTS];
    for (place, later) in numbers.get(1..).unwrap_or_default().chunks(block).enumerate() {
        let found = &mut found[..later.len()];
        let before = &numbers[place * block..];
        for ((difference, &number), &before) in found.iter_mut().zip(later).zip(before) {
            *difference = number.behind(before);
        }
        let least = found.iter().copied().fold(i64::MAX, i64::min);
        varint(out, zigzag(least));
        let widths = out.len();
        out.extend_from_slice(&[0; PARTS]);
        for (part, found) in found.chunks(N::PART).enumerate() {
            // The last part is filled up.
            let mut values = [0; MOST];
            for (value, &difference) in values.iter_mut().zip(found) {
                *value = N::above(difference, least);
            }
            let values = &values[..N::PART];
            let width = values.iter().fold(0, |bits, value| bits | value).checked_ilog2().map_or(0, |bits| bits + 1);
            out[widths + part] = width as u8;
            pack(out, width, values);
        }
    }
}

fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

/// Appends the lowest `width` bits of each value, the first one's lowest first. They are a whole number of words of 32 bits.
fn pack(out: &mut Vec<u8>, width: u32, values: &[u64]) {
    let (mut bits, mut count) = (0_u64, 0);
    // At most 32 bits at a time, so that with fewer than 32 in hand they fit.
    let mut add = |value: u64, width: u32| {
        bits |= value << count;
        count += width;
        if count >= 32 {
            out.extend_from_slice(&(bits as u32).to_le_bytes());
            bits >>= 32;
            count -= 32;
        }
    };
    match width {
        0 => {}
        1..=32 => values.iter().for_each(|&value| add(value, width)),
        _ => values.iter().for_each(|&value| {
            add(value & u64::from(u32::MAX), 32);
            add(value >> 32, width - 32);
        }),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::super::columns_chunk::reference;
    use super::*;
    use parquet::data_type::{DataType, Int32Type, Int64Type};
    use proptest::prelude::*;

    /// The numbers as the reference reader sees them, and the length of their chunk.
    fn back<T: DataType<T: Number>>(numbers: &[T::T], kind: &str, compressed: bool) -> (Vec<T::T>, usize) {
        let field = format!("required {kind} number;");
        let levels = Levels::required(numbers.len());
        let chunk = chunk(&reference::column(&field), &levels, numbers, compressed).unwrap();
        let length = chunk.0.len();
        (reference::read::<T>(&field, numbers.len(), chunk).0, length)
    }

    #[test]
    fn equal_steps_take_no_room() {
        let numbers: Vec<i32> = (0..10_000).map(|number| number * 7).collect();
        let (found, length) = back::<Int32Type>(&numbers, "int32", false);
        assert_eq!(found, numbers);
        assert!(length < 600, "{length}");
    }

    proptest! {
        #[test]
        fn any_numbers_come_back(
            start in any::<i64>(),
            steps in proptest::collection::vec(prop_oneof![0..4_i64, -300..300_i64, any::<i64>()], 0..700),
            is_tame in any::<bool>(),
            compressed in any::<bool>(),
        ) {
            let wide: Vec<i64> = steps
                .iter()
                .scan(start, |last, step| {
                    *last = last.wrapping_add(if is_tame { step % 1000 } else { *step });
                    Some(*last)
                })
                .collect();
            let narrow: Vec<i32> = wide.iter().map(|&number| number as i32).collect();
            prop_assert_eq!(back::<Int64Type>(&wide, "int64", compressed).0, wide);
            prop_assert_eq!(back::<Int32Type>(&narrow, "int32", compressed).0, narrow);
        }
    }
}
