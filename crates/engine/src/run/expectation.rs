//! Whether a table is what the spec expects behind a run.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::cursor::CursorValue;
use crate::flow::{Progress, Reach};
use crate::load::TableState;
use crate::plan::ExpectPlan;
use crate::spec::parse_time;

/// Something that was expected, and what was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Expectation {
    /// What was to be, as a sentence.
    pub expected: String,
    /// What is.
    pub found: String,
    /// Whether it is as expected.
    pub is_met: bool,
}

/// Holds a table against what is expected of it. `rows_before` is the number of its rows before the run.
pub(super) fn hold(
    plan: &ExpectPlan,
    table: Option<&TableState>,
    rows_before: u64,
    now: Timestamp,
) -> Vec<Expectation> {
    let rows = table.map_or(0, TableState::rows);
    let at_least = plan.rows.map(|least| Expectation {
        expected: format!("at least {least} rows"),
        found: format!("{rows} rows"),
        is_met: rows >= least,
    });
    let newest = plan.newest.map(|age| {
        let newest = table.and_then(|table| newest_in(&table.progress));
        newest_is_young(newest, age, now)
    });
    let growth = plan.growth.filter(|_| rows_before > 0);
    let growth = growth.map(|part| grows_within(part, rows_before, rows));
    at_least.into_iter().chain(newest).chain(growth).collect()
}

fn newest_is_young(newest: Option<Timestamp>, age: Duration, now: Timestamp) -> Expectation {
    let seconds = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
    Expectation {
        expected: format!("a newest record of the last {}", length(age)),
        found: match newest {
            Some(newest) => format!("one of {newest}"),
            None => "none whose cursor tells a time".to_owned(),
        },
        is_met: newest
            .is_some_and(|newest| now.as_second().saturating_sub(newest.as_second()) <= seconds),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a part of a count, to be shown with one decimal"
)]
fn grows_within(part: f64, before: u64, rows: u64) -> Expectation {
    let change = (rows as f64 - before as f64) / before as f64;
    Expectation {
        expected: format!(
            "a change of the {before} rows by at most {:.1} %",
            part * 100.0
        ),
        found: format!("{:+.1} %, {rows} rows", change * 100.0),
        is_met: change.abs() <= part,
    }
}

/// The newest value of the cursor that any run has kept.
fn newest_in(progress: &Progress) -> Option<Timestamp> {
    let time = |reach: &Reach| match reach.last_value.as_ref()? {
        CursorValue::Time(time) => Some(*time),
        CursorValue::Text(text) => parse_time(text),
        CursorValue::Number(_) | CursorValue::Written(_) => None,
    };
    let parts = progress.parts.values();
    parts.chain([&progress.whole]).filter_map(time).max()
}

/// The largest unit that says it exactly.
fn length(age: Duration) -> String {
    let seconds = age.as_secs();
    let units = [(86_400, "d"), (3_600, "h"), (60, "min")];
    let unit = units
        .into_iter()
        .find(|(unit, _)| seconds > 0 && seconds.is_multiple_of(*unit));
    match unit {
        Some((unit, name)) => format!("{} {name}", seconds / unit),
        None => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(plan: ExpectPlan, rows_before: u64, newest: &str, expected: &[&str]) {
        let mut table = TableState::default();
        table.progress.whole.last_value = Some(CursorValue::Text(newest.to_owned()));
        let now = "2024-01-31T00:00:00Z".parse().unwrap();
        let shown = hold(&plan, Some(&table), rows_before, now);
        let shown: Vec<String> = shown
            .iter()
            .map(|one| {
                format!(
                    "{}: expected {}, found {}",
                    one.is_met, one.expected, one.found
                )
            })
            .collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn what_is_found_is_held_against_what_is_expected() {
        check(ExpectPlan::default(), 5, "", &[]);
        let rows = ExpectPlan {
            rows: Some(1),
            ..ExpectPlan::default()
        };
        check(
            rows,
            0,
            "",
            &["false: expected at least 1 rows, found 0 rows"],
        );
        let day = ExpectPlan {
            newest: Some(Duration::from_hours(24)),
            ..ExpectPlan::default()
        };
        check(
            day,
            0,
            "2024-01-30T00:00:00Z",
            &["true: expected a newest record of the last 1 d, found one of 2024-01-30T00:00:00Z"],
        );
        check(
            day,
            0,
            "2024-01-29T23:59:59Z",
            &["false: expected a newest record of the last 1 d, found one of 2024-01-29T23:59:59Z"],
        );
        check(
            day,
            0,
            "seven",
            &[
                "false: expected a newest record of the last 1 d, found none whose cursor tells a time",
            ],
        );
        let growth = ExpectPlan {
            growth: Some(0.2),
            ..ExpectPlan::default()
        };
        check(growth, 0, "", &[]);
        check(
            growth,
            10,
            "",
            &["false: expected a change of the 10 rows by at most 20.0 %, found -100.0 %, 0 rows"],
        );
    }
}
