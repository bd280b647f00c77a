//! Columns of numbers, booleans, dates and times.

use super::numbers::{Spelled, write_decimal};
use super::rows::{Column, Out};
use super::time::{write_date, write_moment, write_time};
use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type,
    DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType, DurationSecondType, Float16Type,
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, IntervalDayTimeType, IntervalMonthDayNanoType,
    IntervalYearMonthType, Time32MillisecondType, Time32SecondType, Time64MicrosecondType, Time64NanosecondType,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, BooleanArray, PrimitiveArray};
use arrow_buffer::i256;
use arrow_schema::{DataType, IntervalUnit, TimeUnit};

/// Values of a fixed size, and how one is written.
struct Fixed<T: ArrowPrimitiveType, F> {
    array: PrimitiveArray<T>,
    write: F,
    bytes: usize,
}

impl<T: ArrowPrimitiveType, F: Fn(&mut Vec<u8>, T::Native) + Send + Sync> Column for Fixed<T, F> {
    fn is_null(&self, row: usize) -> bool {
        self.array.is_null(row)
    }

    fn write(&self, row: usize, out: &mut Out) {
        (self.write)(&mut out.bytes, self.array.value(row));
    }

    fn bytes(&self, _: usize) -> usize {
        self.bytes
    }
}

fn fixed<T: ArrowPrimitiveType>(
    array: &ArrayRef,
    bytes: usize,
    write: impl Fn(&mut Vec<u8>, T::Native) + Send + Sync + 'static,
) -> Option<Box<dyn Column>> {
    Some(Box::new(Fixed::<T, _> { array: array.as_primitive::<T>().clone(), write, bytes }))
}

fn number<T: ArrowPrimitiveType<Native: Spelled>>(array: &ArrayRef) -> Option<Box<dyn Column>> {
    fixed::<T>(array, 8, |out, value| value.spell(out))
}

fn decimal<T: ArrowPrimitiveType<Native: Into<i256>>>(array: &ArrayRef, scale: i8) -> Option<Box<dyn Column>> {
    fixed::<T>(array, 12, move |out, value| write_decimal(out, value.into(), scale))
}

fn quoted<T: ArrowPrimitiveType>(
    array: &ArrayRef,
    write: impl Fn(&mut Vec<u8>, T::Native) + Send + Sync + 'static,
) -> Option<Box<dyn Column>> {
    fixed::<T>(array, 30, move |out, value| {
        out.push(b'"');
        write(out, value);
        out.push(b'"');
    })
}

fn moment<T: ArrowPrimitiveType<Native = i64>>(array: &ArrayRef, a_second: i64, utc: bool) -> Option<Box<dyn Column>> {
    quoted::<T>(array, move |out, value| write_moment(out, value, a_second, utc))
}

struct Booleans(BooleanArray);

impl Column for Booleans {
    fn is_null(&self, row: usize) -> bool {
        self.0.is_null(row)
    }

    fn write(&self, row: usize, out: &mut Out) {
        out.raw(if self.0.value(row) { "true" } else { "false" });
    }

    fn bytes(&self, _: usize) -> usize {
        5
    }
}

/// A column without values.
struct Nothing;

impl Column for Nothing {
    fn is_null(&self, _: usize) -> bool {
        true
    }

    fn write(&self, _: usize, out: &mut Out) {
        out.raw("null");
    }

    fn bytes(&self, _: usize) -> usize {
        4
    }
}

/// The column, if its values have a fixed size.
pub(super) fn scalar(array: &ArrayRef) -> Option<Box<dyn Column>> {
    use std::io::Write as _;
    match array.data_type() {
        DataType::Null => Some(Box::new(Nothing)),
        DataType::Boolean => Some(Box::new(Booleans(array.as_boolean().clone()))),
        DataType::Int8 => number::<Int8Type>(array),
        DataType::Int16 => number::<Int16Type>(array),
        DataType::Int32 => number::<Int32Type>(array),
        DataType::Int64 => number::<Int64Type>(array),
        DataType::UInt8 => number::<UInt8Type>(array),
        DataType::UInt16 => number::<UInt16Type>(array),
        DataType::UInt32 => number::<UInt32Type>(array),
        DataType::UInt64 => number::<UInt64Type>(array),
        DataType::Float16 => fixed::<Float16Type>(array, 8, |out, value| f32::from(value).spell(out)),
        DataType::Float32 => number::<Float32Type>(array),
        DataType::Float64 => number::<Float64Type>(array),
        DataType::Decimal32(_, scale) => decimal::<Decimal32Type>(array, *scale),
        DataType::Decimal64(_, scale) => decimal::<Decimal64Type>(array, *scale),
        DataType::Decimal128(_, scale) => decimal::<Decimal128Type>(array, *scale),
        DataType::Decimal256(_, scale) => decimal::<Decimal256Type>(array, *scale),
        DataType::Date32 => quoted::<Date32Type>(array, |out, days| write_date(out, i64::from(days))),
        DataType::Date64 => quoted::<Date64Type>(array, |out, value| write_date(out, value.div_euclid(86_400_000))),
        DataType::Time32(TimeUnit::Second) => {
            quoted::<Time32SecondType>(array, |out, value| write_time(out, i64::from(value), 1))
        }
        DataType::Time32(_) => {
            quoted::<Time32MillisecondType>(array, |out, value| write_time(out, i64::from(value), 1000))
        }
        DataType::Time64(TimeUnit::Microsecond) => {
            quoted::<Time64MicrosecondType>(array, |out, value| write_time(out, value, 1_000_000))
        }
        DataType::Time64(_) => {
            quoted::<Time64NanosecondType>(array, |out, value| write_time(out, value, 1_000_000_000))
        }
        DataType::Timestamp(unit, zone) => {
            let utc = zone.is_some();
            match unit {
                TimeUnit::Second => moment::<TimestampSecondType>(array, 1, utc),
                TimeUnit::Millisecond => moment::<TimestampMillisecondType>(array, 1000, utc),
                TimeUnit::Microsecond => moment::<TimestampMicrosecondType>(array, 1_000_000, utc),
                TimeUnit::Nanosecond => moment::<TimestampNanosecondType>(array, 1_000_000_000, utc),
            }
        }
        DataType::Duration(unit) => match unit {
            TimeUnit::Second => number::<DurationSecondType>(array),
            TimeUnit::Millisecond => number::<DurationMillisecondType>(array),
            TimeUnit::Microsecond => number::<DurationMicrosecondType>(array),
            TimeUnit::Nanosecond => number::<DurationNanosecondType>(array),
        },
        DataType::Interval(IntervalUnit::YearMonth) => quoted::<IntervalYearMonthType>(array, |out, months| {
            let _ = write!(out, "P{months}M");
        }),
        DataType::Interval(IntervalUnit::DayTime) => quoted::<IntervalDayTimeType>(array, |out, value| {
            let (whole, part) = (value.milliseconds / 1000, (value.milliseconds % 1000).abs());
            let sign = if value.milliseconds < 0 && whole == 0 { "-" } else { "" };
            let _ = write!(out, "P{}DT{sign}{whole}.{part:03}S", value.days);
        }),
        DataType::Interval(IntervalUnit::MonthDayNano) => quoted::<IntervalMonthDayNanoType>(array, |out, value| {
            let (whole, part) = (value.nanoseconds / 1_000_000_000, (value.nanoseconds % 1_000_000_000).abs());
            let sign = if value.nanoseconds < 0 && whole == 0 { "-" } else { "" };
            let _ = write!(out, "P{}M{}DT{sign}{whole}.{part:09}S", value.months, value.days);
        }),
        _ => None,
    }
}
