//! Numbers that are times.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::finding::{Certainty, Finding};
use super::sample::{Sample, words};

/// A field whose numbers are times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeFound {
    /// The field's name.
    pub field: String,
    /// The format that a hint names: `unix` or `unix_ms`.
    pub format: &'static str,
}

/// Seconds since 1970 that are taken for a time: from 1990 to 2100.
const PLAUSIBLE_SECONDS: std::ops::Range<i64> = 631_152_000..4_102_444_800;

/// Finds the fields of records that are named like times and hold Unix seconds or milliseconds.
pub(super) fn find(sample: &Sample) -> Vec<Finding<TimeFound>> {
    let fields = sample.fields();
    let named = fields.into_iter().filter(|field| is_time_name(field));
    named
        .filter_map(|field| {
            let format = unix_format(sample, &[field])?;
            let path = [field];
            let numbers: Vec<i64> = numbers(sample, &path).flatten().collect();
            let day = |number: &i64| {
                let seconds = number / if format == "unix" { 1 } else { 1000 };
                Some(
                    TimeZone::UTC
                        .to_datetime(Timestamp::from_second(seconds).ok()?)
                        .date(),
                )
            };
            let (first, last) = (
                numbers.iter().min().and_then(day)?,
                numbers.iter().max().and_then(day)?,
            );
            let unit = if format == "unix" {
                "seconds"
            } else {
                "milliseconds"
            };
            Some(Finding {
                evidence: format!(
                    "{unit} since 1970, {first} to {last}, in {}",
                    sample.extent(numbers.len())
                ),
                certainty: Certainty::Likely,
                value: TimeFound {
                    field: field.to_owned(),
                    format,
                },
            })
        })
        .collect()
}

/// How the numbers of a field write times, if all of them do.
pub(super) fn unix_format(sample: &Sample, path: &[&str]) -> Option<&'static str> {
    let is_always = |divisor: i64| {
        let mut any = false;
        let all = numbers(sample, path).all(|number| {
            any = true;
            number.is_some_and(|number| PLAUSIBLE_SECONDS.contains(&(number / divisor)))
        });
        any && all
    };
    if is_always(1) {
        Some("unix")
    } else {
        is_always(1000).then_some("unix_ms")
    }
}

/// The whole number in each record that has a value there; `None` for another value.
fn numbers<'a>(sample: &'a Sample, path: &'a [&str]) -> impl Iterator<Item = Option<i64>> + 'a {
    sample.values(path).flatten().map(Value::as_i64)
}

/// Whether a name says that the field holds a time.
pub(super) fn is_time_name(name: &str) -> bool {
    let words = words(name);
    let last = words.last().map_or("", String::as_str);
    let alone = [
        "created",
        "updated",
        "modified",
        "deleted",
        "changed",
        "timestamp",
        "ts",
        "time",
        "date",
        "datetime",
        "start",
        "end",
        "expires",
        "published",
        "mtime",
        "ctime",
    ];
    match words.len() {
        0 => false,
        1 => alone.contains(&last),
        _ => matches!(
            last,
            "at" | "on"
                | "time"
                | "date"
                | "ts"
                | "timestamp"
                | "datetime"
                | "created"
                | "updated"
                | "modified"
                | "seen"
        ),
    }
}
