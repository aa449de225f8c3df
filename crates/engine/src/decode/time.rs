//! Times as a declared format writes them.

use super::number_column::quick_integer;
use crate::plan::TimeFormat;
use crate::schema::{ExactNumber, parse_date, parse_timestamp};

const MICROSECONDS_PER_SECOND: i64 = 1_000_000;
const MICROSECONDS_PER_MILLISECOND: i64 = 1_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// Microseconds since 1970 of text in a format; `None` where it is not written so or not exact.
pub(super) fn microseconds_from_text(text: &str, format: TimeFormat) -> Option<i64> {
    match format {
        TimeFormat::Rfc3339 => Some(parse_timestamp(text.as_bytes())?.microseconds),
        TimeFormat::Date => {
            let days = parse_date(text.as_bytes())?;
            Some(i64::from(days) * SECONDS_PER_DAY * MICROSECONDS_PER_SECOND)
        }
        TimeFormat::Unix | TimeFormat::UnixMs => None,
    }
}

/// Microseconds since 1970 of a JSON number in a format; `None` where it is not written so or not exact.
pub(super) fn microseconds_from_number(text: &[u8], format: TimeFormat) -> Option<i64> {
    let (unit, places) = match format {
        TimeFormat::Unix => (MICROSECONDS_PER_SECOND, 6),
        TimeFormat::UnixMs => (MICROSECONDS_PER_MILLISECOND, 3),
        TimeFormat::Rfc3339 | TimeFormat::Date => return None,
    };
    match quick_integer(text) {
        Some(value) => value.checked_mul(unit),
        None => ExactNumber::parse(text)?.shifted(places).to_int64(),
    }
}
