//! How numbers are spelled.

use arrow_buffer::i256;
use std::io::Write as _;

/// A number that JSON can spell.
pub(super) trait Spelled: Copy {
    fn spell(self, out: &mut Vec<u8>);
}

macro_rules! whole {
    ($($kind:ty),*) => {$(
        impl Spelled for $kind {
            fn spell(self, out: &mut Vec<u8>) {
                // Writing to memory cannot fail.
                let _ = write!(out, "{self}");
            }
        }
    )*};
}

whole!(i8, i16, i32, i64, u8, u16, u32, u64);

macro_rules! floating {
    ($($kind:ty),*) => {$(
        impl Spelled for $kind {
            /// The shortest digits that are read as the same number, with a point or an exponent. What JSON has
            /// no number for becomes a text.
            fn spell(self, out: &mut Vec<u8>) {
                let _ = if self.is_finite() {
                    write!(out, "{self:?}")
                } else if self.is_nan() {
                    write!(out, "\"NaN\"")
                } else {
                    write!(out, "\"{}Infinity\"", if self < 0.0 { "-" } else { "" })
                };
            }
        }
    )*};
}

floating!(f32, f64);

/// A number with `scale` digits behind the point, as text with all its digits.
pub(super) fn write_decimal(out: &mut Vec<u8>, value: i256, scale: i8) {
    let digits = value.to_string();
    let (sign, digits) = digits.strip_prefix('-').map_or(("", &digits[..]), |digits| ("-", digits));
    out.push(b'"');
    out.extend_from_slice(sign.as_bytes());
    match usize::try_from(scale) {
        Err(_) => {
            out.extend_from_slice(digits.as_bytes());
            if digits != "0" {
                out.extend(std::iter::repeat_n(b'0', usize::from(scale.unsigned_abs())));
            }
        }
        Ok(0) => out.extend_from_slice(digits.as_bytes()),
        Ok(scale) => {
            let padded = format!("{digits:0>width$}", width = scale + 1);
            let (whole, part) = padded.split_at(padded.len() - scale);
            out.extend_from_slice(whole.as_bytes());
            out.push(b'.');
            out.extend_from_slice(part.as_bytes());
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digit_is_there() {
        for (value, scale, text) in [
            (12_345, 2, "\"123.45\""),
            (-5, 3, "\"-0.005\""),
            (0, 2, "\"0.00\""),
            (7, 0, "\"7\""),
            (7, -3, "\"7000\""),
            (0, -3, "\"0\""),
            (-1200, 2, "\"-12.00\""),
        ] {
            let mut out = Vec::new();
            write_decimal(&mut out, i256::from(value), scale);
            assert_eq!(String::from_utf8_lossy(&out), text);
        }
        for (value, text) in [(1.0, "1.0"), (0.1, "0.1"), (1e300, "1e300"), (-0.0, "-0.0"), (f64::NAN, "\"NaN\"")] {
            let mut out = Vec::new();
            value.spell(&mut out);
            assert_eq!(String::from_utf8_lossy(&out), text);
        }
        let mut out = Vec::new();
        0.1_f32.spell(&mut out);
        f32::NEG_INFINITY.spell(&mut out);
        assert_eq!(String::from_utf8_lossy(&out), "0.1\"-Infinity\"");
    }
}
