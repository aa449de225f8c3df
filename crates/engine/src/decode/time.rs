//! Times as a declared format writes them.

use super::number_column::quick_integer;
use crate::plan::{CursorFormat, TimeFormat};
use crate::schema::{ExactNumber, parse_date, parse_timestamp};

const MICROSECONDS_PER_SECOND: i64 = 1_000_000;
const MICROSECONDS_PER_MILLISECOND: i64 = 1_000;
const NANOSECONDS_PER_MICROSECOND: i128 = 1_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// Microseconds since 1970 of text in a format; `None` where it is not written so or not exact.
pub(super) fn microseconds_from_text(text: &str, format: &CursorFormat) -> Option<i64> {
    match format {
        CursorFormat::Named(TimeFormat::Rfc3339) => {
            Some(parse_timestamp(text.as_bytes())?.microseconds)
        }
        CursorFormat::Named(TimeFormat::Date) => {
            let days = parse_date(text.as_bytes())?;
            Some(i64::from(days) * SECONDS_PER_DAY * MICROSECONDS_PER_SECOND)
        }
        CursorFormat::Named(TimeFormat::Unix | TimeFormat::UnixMs) => {
            microseconds_from_number(text.as_bytes(), format)
        }
        CursorFormat::Pattern(_) => {
            whole_microseconds(format, serde_json::Value::from(text).to_string().as_bytes())
        }
    }
}

/// Microseconds since 1970 of a JSON number in a format; `None` where it is not written so or not exact.
pub(super) fn microseconds_from_number(text: &[u8], format: &CursorFormat) -> Option<i64> {
    let (unit, places) = match format {
        CursorFormat::Named(TimeFormat::Unix) => (MICROSECONDS_PER_SECOND, 6),
        CursorFormat::Named(TimeFormat::UnixMs) => (MICROSECONDS_PER_MILLISECOND, 3),
        CursorFormat::Named(TimeFormat::Rfc3339 | TimeFormat::Date) => return None,
        CursorFormat::Pattern(_) => return whole_microseconds(format, text),
    };
    match quick_integer(text) {
        Some(value) => value.checked_mul(unit),
        None => ExactNumber::parse(text)?.shifted(places).to_int64(),
    }
}

/// Nanoseconds since 1970 of the JSON text of a value; `None` where it is not written so or out of range.
pub(super) fn nanoseconds(json: &[u8], format: &CursorFormat) -> Option<i64> {
    let places = match format {
        CursorFormat::Named(TimeFormat::Unix) => Some(9),
        CursorFormat::Named(TimeFormat::UnixMs) => Some(6),
        _ => None,
    };
    match places {
        // The cursor's reading leaves out what is finer than a nanosecond.
        Some(places) => {
            let number = json
                .strip_prefix(b"\"")
                .and_then(|text| text.strip_suffix(b"\""));
            let number = ExactNumber::parse(number.unwrap_or(json))?;
            number.shifted(places).to_int64()
        }
        None => i64::try_from(format.read_exactly(json)?.as_nanosecond()).ok(),
    }
}

/// Microseconds since midnight of `HH:MM:SS`, with up to six digits of a fraction.
pub(super) fn time_of_day(text: &str) -> Option<i64> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let parts: Vec<&str> = clock.split(':').collect();
    let [hours, minutes, seconds] = parts[..] else {
        return None;
    };
    let number = |part: &str, limit: i64| -> Option<i64> {
        let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        let value = part.parse().ok().filter(|_| digits)?;
        (value < limit).then_some(value)
    };
    let seconds = (number(hours, 24)? * 60 + number(minutes, 60)?) * 60 + number(seconds, 60)?;
    let fits = (1..=6).contains(&fraction.len());
    if !fits || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let fraction: i64 = format!("{fraction:0<6}").parse().ok()?;
    Some(seconds * MICROSECONDS_PER_SECOND + fraction)
}

/// The instant that a value denotes in a pattern, where it is no finer than a microsecond.
fn whole_microseconds(format: &CursorFormat, json: &[u8]) -> Option<i64> {
    let nanoseconds = format.read_exactly(json)?.as_nanosecond();
    let whole = nanoseconds % NANOSECONDS_PER_MICROSECOND == 0;
    i64::try_from(nanoseconds / NANOSECONDS_PER_MICROSECOND)
        .ok()
        .filter(|_| whole)
}
