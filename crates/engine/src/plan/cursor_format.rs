//! How the times of a cursor are written in requests and read in records.

use std::fmt;

use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::TimeFormat;
use crate::schema::{ExactNumber, parse_date, parse_timestamp};

const SECONDS_PER_DAY: i64 = 86_400;

/// Digits of any number of nanoseconds that is an instant.
const NANOSECOND_DIGITS: u8 = 24;

/// Lengths below a day that a format may tell apart, in nanoseconds.
const STEPS: [i64; 6] = [
    1,
    1_000,
    1_000_000,
    1_000_000_000,
    60 * 1_000_000_000,
    3_600 * 1_000_000_000,
];

/// Days after which every format that tells years apart has moved on.
const DAYS: i64 = 366;

/// How a time is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CursorFormat {
    /// One of the formats that have a name.
    Named(TimeFormat),
    /// A pattern of `strftime`, such as `%Y-%m-%d %H:%M:%S`; without an offset it is in UTC.
    Pattern(String),
}

impl CursorFormat {
    /// A range's start: a format that is coarser than the time rounds down.
    ///
    /// # Errors
    /// A pattern has no place for the time, such as `%y` for the year 1900.
    pub(crate) fn write_start(&self, time: Timestamp) -> Result<Value, jiff::Error> {
        Ok(match self {
            Self::Named(TimeFormat::Rfc3339) => Value::from(time.to_string()),
            Self::Named(TimeFormat::Date) => {
                Value::from(TimeZone::UTC.to_datetime(time).date().to_string())
            }
            Self::Named(TimeFormat::Unix) => whole(time, 1_000_000_000),
            Self::Named(TimeFormat::UnixMs) => whole(time, 1_000_000),
            Self::Pattern(pattern) => Value::from(strtime::format(
                pattern,
                &time.to_zoned_datetime(TimeZone::UTC),
            )?),
        })
    }

    /// A range's end: a format that is coarser than the time rounds up, so that the request covers the range.
    ///
    /// # Errors
    /// See [`Self::write_start`].
    pub(crate) fn write_end(&self, end: Timestamp) -> Result<Value, jiff::Error> {
        let Ok(before) = end.checked_sub(SignedDuration::from_nanos(1)) else {
            return self.write_start(end);
        };
        // The first text behind that of the instant just before the end is the one that covers it.
        let written = self.write_start(before)?;
        let parts = STEPS.into_iter().map(SignedDuration::from_nanos);
        let days = (1..=DAYS).map(|days| SignedDuration::from_hours(24 * days));
        for step in parts.chain(days) {
            let Ok(later) = before.checked_add(step) else {
                break;
            };
            let later = self.write_start(later)?;
            if later != written {
                return Ok(later);
            }
        }
        Ok(written)
    }

    /// The instant that the JSON text of a value denotes; `None` where it is not written so.
    ///
    /// Numbers may stand in quotes, and nanoseconds are read.
    pub(crate) fn read(&self, json: &[u8]) -> Option<Timestamp> {
        let unquoted;
        let text = match json {
            [b'"', inner @ .., b'"'] if !inner.contains(&b'\\') => inner,
            [b'"', ..] => {
                unquoted = serde_json::from_slice::<String>(json).ok()?;
                unquoted.as_bytes()
            }
            number => number,
        };
        let is_text = json.first() == Some(&b'"');
        match self {
            Self::Named(TimeFormat::Rfc3339 | TimeFormat::Date) if !is_text => None,
            Self::Named(TimeFormat::Rfc3339) => match parse_timestamp(text) {
                Some(parsed) => Timestamp::from_microsecond(parsed.microseconds).ok(),
                None => std::str::from_utf8(text).ok()?.parse().ok(),
            },
            Self::Named(TimeFormat::Date) => {
                let days = i64::from(parse_date(text)?);
                Timestamp::from_second(days * SECONDS_PER_DAY).ok()
            }
            Self::Named(TimeFormat::Unix) => from_nanoseconds(text, 9),
            Self::Named(TimeFormat::UnixMs) => from_nanoseconds(text, 6),
            Self::Pattern(pattern) => read_pattern(pattern, std::str::from_utf8(text).ok()?),
        }
    }

    /// The same, and `None` where reading changes the value: second 60 is read as 59.
    pub(crate) fn read_exactly(&self, json: &[u8]) -> Option<Timestamp> {
        let instant = self.read(json)?;
        let text = std::str::from_utf8(json).ok()?;
        let is_leap_second = text.match_indices("60").any(|(at, _)| {
            let mut second_before = text.to_owned();
            second_before.replace_range(at..at + 2, "59");
            self.read(second_before.as_bytes()) == Some(instant)
        });
        (!is_leap_second).then_some(instant)
    }

    /// Whether a number of a lag counts days.
    pub(crate) fn is_date(&self) -> bool {
        *self == Self::Named(TimeFormat::Date)
    }

    /// What is wrong with a pattern; `None` where times can be written with it and, where that is wanted, read again.
    pub(super) fn problem(&self, reads: bool) -> Option<String> {
        let Self::Pattern(pattern) = self else {
            return None;
        };
        let sample = Timestamp::from_second(1_706_706_123).ok()?;
        let written = match strtime::format(pattern, &sample.to_zoned_datetime(TimeZone::UTC)) {
            Ok(written) => written,
            Err(error) => return Some(error.to_string()),
        };
        if reads && read_pattern(pattern, &written).is_none() {
            return Some(
                "a time can't be told from it: it must have the year, month and day, and the hour where it has minutes"
                    .to_owned(),
            );
        }
        None
    }
}

impl fmt::Display for CursorFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Named(TimeFormat::Rfc3339) => "rfc3339",
            Self::Named(TimeFormat::Date) => "date",
            Self::Named(TimeFormat::Unix) => "unix",
            Self::Named(TimeFormat::UnixMs) => "unix_ms",
            Self::Pattern(pattern) => pattern,
        })
    }
}

fn whole(time: Timestamp, unit_nanoseconds: i128) -> Value {
    let units = time.as_nanosecond().div_euclid(unit_nanoseconds);
    Value::from(i64::try_from(units).expect("the range of timestamps in milliseconds fits 64 bits"))
}

fn from_nanoseconds(text: &[u8], places: i64) -> Option<Timestamp> {
    let nanoseconds = ExactNumber::parse(text)?
        .shifted(places)
        .to_decimal(NANOSECOND_DIGITS, 0)?;
    Timestamp::from_nanosecond(nanoseconds).ok()
}

fn read_pattern(pattern: &str, text: &str) -> Option<Timestamp> {
    let read = BrokenDownTime::parse(pattern, text).ok()?;
    if let Ok(instant) = read.to_timestamp() {
        return Some(instant);
    }
    let date = read.to_date().ok()?;
    // A pattern without a time of day means midnight; one with a part of it only can't be read.
    let time = read.to_time().ok()?;
    TimeZone::UTC.to_timestamp(date.to_datetime(time)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIX: CursorFormat = CursorFormat::Named(TimeFormat::Unix);
    const UNIX_MS: CursorFormat = CursorFormat::Named(TimeFormat::UnixMs);
    const RFC3339: CursorFormat = CursorFormat::Named(TimeFormat::Rfc3339);
    const DATE: CursorFormat = CursorFormat::Named(TimeFormat::Date);

    fn pattern(text: &str) -> CursorFormat {
        CursorFormat::Pattern(text.to_owned())
    }

    #[test]
    fn times_are_read_in_their_format() {
        let noon = "2024-01-31T12:00:00Z";
        for (json, format, expected) in [
            ("1706702400", UNIX, noon),
            ("\"1706702400\"", UNIX, noon),
            ("1706702400000", UNIX_MS, noon),
            ("1.7067024e9", UNIX, noon),
            ("\"2024-01-31T13:00:00+01:00\"", RFC3339, noon),
            ("\"2024-01-31T12:00:00\\u005a\"", RFC3339, noon),
            ("\"2024-01-31\"", DATE, "2024-01-31T00:00:00Z"),
            (
                "\"2024-01-31T12:00:00.123456789Z\"",
                RFC3339,
                "2024-01-31T12:00:00.123456789Z",
            ),
            (
                "\"2024-01-31 12:00:00\"",
                pattern("%Y-%m-%d %H:%M:%S"),
                noon,
            ),
            (
                "\"31.01.2024 14:00 +0200\"",
                pattern("%d.%m.%Y %H:%M %z"),
                noon,
            ),
            ("20240131", pattern("%Y%m%d"), "2024-01-31T00:00:00Z"),
            (
                "\"2024-01-31 12:00:00.25\"",
                pattern("%F %T%.f"),
                "2024-01-31T12:00:00.25Z",
            ),
        ] {
            let read = format.read(json.as_bytes()).map(|time| time.to_string());
            assert_eq!(read.as_deref(), Some(expected), "{json} as {format}");
        }
        for (json, format) in [
            ("\"\"", UNIX),
            ("\"-\"", UNIX),
            ("\"", UNIX),
            ("1e999", UNIX),
            ("999999999999999999", UNIX),
            ("true", UNIX),
            ("{}", RFC3339),
            ("2024", DATE),
            ("\"2024-01-31\"", pattern("%Y-%m-%d %H")),
        ] {
            assert_eq!(format.read(json.as_bytes()), None, "{json} as {format}");
        }
    }

    #[test]
    fn a_leap_second_is_not_read_exactly() {
        let seconds = pattern("%F %T");
        for (json, format, is_exact) in [
            ("\"2016-12-31T23:59:60Z\"", &RFC3339, false),
            ("\"2060-12-31T23:59:59.60Z\"", &RFC3339, true),
            ("\"2016-12-31 23:59:60\"", &seconds, false),
            ("\"2060-12-31 23:59:59\"", &seconds, true),
            ("60", &UNIX, true),
        ] {
            assert!(format.read(json.as_bytes()).is_some(), "{json}");
            let exactly = format.read_exactly(json.as_bytes());
            assert_eq!(exactly.is_some(), is_exact, "{json}");
        }
    }

    #[test]
    fn a_coarse_format_still_covers_the_range() {
        let edges = |format: CursorFormat, start: &str, end: &str| {
            let (start, end) = (start.parse().unwrap(), end.parse().unwrap());
            format!(
                "{}..{}",
                format.write_start(start).unwrap(),
                format.write_end(end).unwrap()
            )
        };
        let (start, end) = ("2024-01-01T10:00:00.5Z", "2024-01-02T00:00:00.0001Z");
        let shown = [
            RFC3339,
            DATE,
            UNIX,
            UNIX_MS,
            pattern("%Y-%m"),
            pattern("%F %H:%M"),
        ]
        .map(|format| edges(format, start, end));
        insta::assert_snapshot!(shown.join("\n"), @r#"
        "2024-01-01T10:00:00.5Z".."2024-01-02T00:00:00.0001Z"
        "2024-01-01".."2024-01-03"
        1704103200..1704153601
        1704103200500..1704153600001
        "2024-01".."2024-02"
        "2024-01-01 10:00".."2024-01-02 00:01"
        "#);
        assert_eq!(
            edges(DATE, "1969-12-31T23:59:59.5Z", "2024-01-02T00:00:00Z"),
            r#""1969-12-31".."2024-01-02""#
        );
        assert_eq!(
            edges(UNIX, "1969-12-31T23:59:59.5Z", "2024-01-02T00:00:00Z"),
            "-1..1704153600"
        );
    }

    #[test]
    fn a_pattern_that_loses_the_date_is_told() {
        assert_eq!(pattern("%Y-%m-%d").problem(true), None);
        assert!(pattern("%Y-%m").problem(true).is_some());
        assert!(pattern("%Y-%m-%d %M:%S").problem(true).is_some());
        assert_eq!(pattern("%Y-%m").problem(false), None);
        assert!(pattern("%Y-%!").problem(false).is_some());
    }
}
