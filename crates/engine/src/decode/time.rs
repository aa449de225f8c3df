//! Times as a declared format writes them.

use jiff::Timestamp;

use super::number_column::quick_integer;
use crate::plan::TimeFormat;
use crate::schema::{ExactNumber, parse_date, parse_timestamp};

const MICROSECONDS_PER_SECOND: i64 = 1_000_000;
const MICROSECONDS_PER_MILLISECOND: i64 = 1_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// Digits of any number of nanoseconds that is an instant.
const NANOSECOND_DIGITS: u8 = 24;

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

/// The instant that the JSON text of a cursor's value denotes; `None` where it is not written in the format.
///
/// More lenient than columns, since nothing is stored: nanoseconds are read, and numbers in quotes.
pub(super) fn instant(json: &[u8], format: TimeFormat) -> Option<Timestamp> {
    let unquoted;
    let text = match json {
        [b'"', inner @ .., b'"'] if !inner.contains(&b'\\') => inner,
        [b'"', ..] => {
            unquoted = serde_json::from_slice::<String>(json).ok()?;
            unquoted.as_bytes()
        }
        number => number,
    };
    match format {
        TimeFormat::Rfc3339 | TimeFormat::Date if json.first() != Some(&b'"') => None,
        TimeFormat::Rfc3339 => match parse_timestamp(text) {
            Some(parsed) => Timestamp::from_microsecond(parsed.microseconds).ok(),
            None => std::str::from_utf8(text).ok()?.parse().ok(),
        },
        TimeFormat::Date => {
            let days = i64::from(parse_date(text)?);
            Timestamp::from_second(days * SECONDS_PER_DAY).ok()
        }
        TimeFormat::Unix => match quick_integer(text) {
            Some(seconds) => Timestamp::from_second(seconds).ok(),
            None => from_nanoseconds(text, 9),
        },
        TimeFormat::UnixMs => match quick_integer(text) {
            Some(milliseconds) => Timestamp::from_millisecond(milliseconds).ok(),
            None => from_nanoseconds(text, 6),
        },
    }
}

/// The name of a format in a spec.
pub(super) fn format_name(format: TimeFormat) -> &'static str {
    match format {
        TimeFormat::Rfc3339 => "rfc3339",
        TimeFormat::Date => "date",
        TimeFormat::Unix => "unix",
        TimeFormat::UnixMs => "unix_ms",
    }
}

fn from_nanoseconds(text: &[u8], places: i64) -> Option<Timestamp> {
    let nanoseconds = ExactNumber::parse(text)?
        .shifted(places)
        .to_decimal(NANOSECOND_DIGITS, 0)?;
    Timestamp::from_nanosecond(nanoseconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_read_in_their_format() {
        let read =
            |json: &str, format| instant(json.as_bytes(), format).map(|time| time.to_string());
        let expected = Some("2024-01-31T12:00:00Z".to_owned());
        assert_eq!(read("1706702400", TimeFormat::Unix), expected);
        assert_eq!(read("\"1706702400\"", TimeFormat::Unix), expected);
        assert_eq!(read("1706702400000", TimeFormat::UnixMs), expected);
        assert_eq!(read("1.7067024e9", TimeFormat::Unix), expected);
        assert_eq!(
            read("\"2024-01-31T13:00:00+01:00\"", TimeFormat::Rfc3339),
            expected
        );
        assert_eq!(
            read("\"2024-01-31T12:00:00\\u005a\"", TimeFormat::Rfc3339),
            expected
        );
        assert_eq!(
            read("\"2024-01-31\"", TimeFormat::Date),
            Some("2024-01-31T00:00:00Z".to_owned())
        );
        assert_eq!(
            read("\"2024-01-31T12:00:00.123456789Z\"", TimeFormat::Rfc3339),
            Some("2024-01-31T12:00:00.123456789Z".to_owned())
        );
        for (json, format) in [
            ("\"\"", TimeFormat::Unix),
            ("\"-\"", TimeFormat::Unix),
            ("\"", TimeFormat::Unix),
            ("1e999", TimeFormat::Unix),
            ("999999999999999999", TimeFormat::Unix),
            ("true", TimeFormat::Unix),
            ("{}", TimeFormat::Rfc3339),
            ("2024", TimeFormat::Date),
        ] {
            assert_eq!(read(json, format), None, "{json}");
        }
    }
}
