//! Dates and times as ISO 8601 spells them.

use std::io::Write as _;

/// Days since 1970-01-01 as `YYYY-MM-DD` (the proleptic Gregorian calendar).
pub(super) fn write_date(out: &mut Vec<u8>, days: i64) {
    // Howard Hinnant, "chrono-compatible low-level date algorithms": eras of 400 years that begin in March.
    let shifted = i128::from(days) + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_of_year = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_of_year + 2) / 5 + 1;
    let month = if month_of_year < 10 { month_of_year + 3 } else { month_of_year - 9 };
    let year = year_of_era + era * 400 + i128::from(month <= 2);
    // Writing to memory cannot fail.
    let _ = match year {
        0..=9999 => write!(out, "{year:04}-{month:02}-{day:02}"),
        _ => write!(out, "{}{:06}-{month:02}-{day:02}", if year < 0 { '-' } else { '+' }, year.abs()),
    };
}

/// A time of day, in units of which a second has `a_second`, as `HH:MM:SS` and as many digits as the unit needs.
pub(super) fn write_time(out: &mut Vec<u8>, value: i64, a_second: i64) {
    let (seconds, part) = (value.div_euclid(a_second), value.rem_euclid(a_second));
    let _ = write!(out, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    let _ = match a_second {
        1000 => write!(out, ".{part:03}"),
        1_000_000 => write!(out, ".{part:06}"),
        1_000_000_000 => write!(out, ".{part:09}"),
        _ => Ok(()),
    };
}

/// A moment: `2024-05-01T12:34:56.789`, with `Z` where it is one of the time line and not of a wall clock.
pub(super) fn write_moment(out: &mut Vec<u8>, value: i64, a_second: i64, utc: bool) {
    let a_day = 86_400 * a_second;
    write_date(out, value.div_euclid(a_day));
    out.push(b'T');
    write_time(out, value.rem_euclid(a_day), a_second);
    if utc {
        out.push(b'Z');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(write: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn moments_are_those_of_other_calendars() {
        // From Python's datetime.
        for (days, date) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (11_016, "2000-02-29"),
            (19_844, "2024-05-01"),
            (-719_162, "0001-01-01"),
            (2_932_896, "9999-12-31"),
            (2_932_897, "+010000-01-01"),
            (-719_529, "-000001-12-31"),
        ] {
            assert_eq!(shown(|out| write_date(out, days)), date);
        }
        assert_eq!(shown(|out| write_moment(out, 1_714_566_896_789, 1000, true)), "2024-05-01T12:34:56.789Z");
        assert_eq!(shown(|out| write_moment(out, -1, 1_000_000, false)), "1969-12-31T23:59:59.999999");
        assert_eq!(shown(|out| write_time(out, 3_723, 1)), "01:02:03");
        // The ends of what 64 bits hold do not overflow.
        shown(|out| write_moment(out, i64::MIN, 1, true));
        shown(|out| write_moment(out, i64::MAX, 1, true));
        shown(|out| write_date(out, i64::MAX));
    }
}
