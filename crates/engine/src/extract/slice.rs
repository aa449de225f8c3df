//! Dividing a resource into slices.

use jiff::tz::TimeZone;
use jiff::{RoundMode, Span, Timestamp, TimestampRound, Unit, ZonedDateTime};

use super::follow::follow;
use crate::cursor::LagError;
use crate::flow::{ParentRecord, Progress, Reach, Slice, Window};
use crate::plan::{IncrementalMode, ResourcePlan, WindowsPlan, WriteDisposition};

/// A slice that a run will read.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedSlice {
    /// The slice.
    pub slice: Slice,
    /// No later run will read it again: its window is whole, and the look-back doesn't reach it any more.
    pub settled: bool,
}

/// Slices that can't be planned.
#[derive(Debug, thiserror::Error)]
pub enum SlicesError {
    /// A time that no calendar holds: a window, look-back or look-ahead leads out of the years -9999 to 9999.
    #[error("compute the windows of `{resource}`: a time is out of range")]
    TimeOutOfRange {
        /// Name of the resource.
        resource: String,
        /// The cause.
        source: jiff::Error,
    },
    /// The lag can't be taken from the last value.
    #[error("find where to go on with `{resource}`, slice `{slice}`")]
    Lag {
        /// Name of the resource.
        resource: String,
        /// Name of the slice.
        slice: String,
        /// The cause.
        source: LagError,
    },
    /// The last value and a value of the spec are of different kinds.
    #[error(
        "find where to go on with `{resource}`, slice `{slice}`: the last value is {last_value}, and `{key}` is {value}; \
         give it as a value of the same kind"
    )]
    Kind {
        /// Name of the resource.
        resource: String,
        /// Name of the slice.
        slice: String,
        /// What earlier runs have kept.
        last_value: String,
        /// The key of the spec.
        key: &'static str,
        /// Its value.
        value: String,
    },
}

/// The names under which progress is kept for each partition of a resource without parents.
pub fn parts_of_partitions(resource: &ResourcePlan) -> impl Iterator<Item = String> {
    resource.partitions.iter().map(|partition| {
        let slice = Slice {
            partition: partition.clone(),
            ..Slice::default()
        };
        slice.part()
    })
}

/// The slices that are still to be read, oldest window first: windows × partitions, for what one combination of parent
/// records gives.
///
/// `now` is the run's start.
///
/// # Errors
/// See [`SlicesError`].
pub fn slices(
    resource: &ResourcePlan,
    parents: &[ParentRecord],
    before: &Progress,
    now: Timestamp,
) -> Result<Vec<PlannedSlice>, SlicesError> {
    let mut planned = Vec::with_capacity(resource.partitions.len());
    for partition in &resource.partitions {
        let slice = Slice {
            resource: resource.name.clone(),
            parents: parents.to_vec(),
            partition: partition.clone(),
            ..Slice::default()
        };
        let nothing = Reach::default();
        let reach = if resource.has_parts() {
            before.parts.get(&slice.part()).unwrap_or(&nothing)
        } else {
            &before.whole
        };
        match resource.incremental.as_ref().map(|plan| &plan.mode) {
            None => planned.push(PlannedSlice {
                slice,
                settled: false,
            }),
            Some(IncrementalMode::Follow(plan)) => {
                planned.extend(follow(plan, &slice, reach)?.map(|range| PlannedSlice {
                    slice: Slice {
                        range: Some(range),
                        ..slice
                    },
                    settled: true,
                }));
            }
            Some(IncrementalMode::Windows(plan)) => {
                planned.extend(in_windows(plan, resource, &slice, reach, now)?);
            }
        }
    }
    planned.sort_by_key(|planned| planned.slice.window.map(|window| window.start));
    Ok(planned)
}

/// The windows of one part that are still to be read.
fn in_windows(
    plan: &WindowsPlan,
    resource: &ResourcePlan,
    slice: &Slice,
    before: &Reach,
    now: Timestamp,
) -> Result<Vec<PlannedSlice>, SlicesError> {
    // Only an append can't take back what it has written.
    let floor = match resource.write_disposition {
        WriteDisposition::Append => before.settled,
        _ => None,
    };
    // Where the clock went back, a window would be shorter than the one whose rows it replaces.
    let now = before.watermark.map_or(now, |reached| now.max(reached));
    let windows = windows(plan, before.watermark, floor, now).map_err(|source| {
        SlicesError::TimeOutOfRange {
            resource: resource.name.clone(),
            source,
        }
    })?;
    let planned = windows.into_iter().map(|(window, settled)| PlannedSlice {
        slice: Slice {
            window: Some(window),
            ..slice.clone()
        },
        settled,
    });
    let finished = |planned: &PlannedSlice| {
        !before.finished.is_empty() && before.finished.contains_key(&planned.slice.id())
    };
    Ok(planned.filter(|planned| !finished(planned)).collect())
}

/// The windows from the watermark (less the look-back, but not below the floor) to the end, each with whether it is
/// settled.
fn windows(
    plan: &WindowsPlan,
    watermark: Option<Timestamp>,
    floor: Option<Timestamp>,
    now: Timestamp,
) -> Result<Vec<(Window, bool)>, jiff::Error> {
    let start = match watermark {
        Some(watermark) => look_back(plan, watermark)?.max(plan.initial_value),
        None => plan.initial_value,
    };
    let start = floor.map_or(start, |floor| start.max(floor));
    windows_between(plan, Some(start), None, now)
}

/// All windows that a range touches, each with whether it is settled; the range starts at the initial value at the earliest,
/// and ends where reading does at the latest.
pub(super) fn windows_between(
    plan: &WindowsPlan,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    now: Timestamp,
) -> Result<Vec<(Window, bool)>, jiff::Error> {
    let initial = plan.initial_value;
    let start = since.map_or(initial, |since| since.max(initial));
    let end = match (plan.end_value, plan.ahead) {
        (Some(end), _) => end,
        (None, Some(ahead)) => shift(now, ahead)?,
        (None, None) => now,
    };
    let Some(step) = plan.window else {
        // Dates can't tell the morning's records from the evening's: a day is read once it is over.
        let end = if plan.format.is_date() {
            end.round(
                TimestampRound::new()
                    .smallest(Unit::Day)
                    .mode(RoundMode::Trunc),
            )?
        } else {
            end
        };
        let end = until.map_or(end, |until| end.min(until));
        // The next run's slice starts where this one's ends; only a fixed end makes it the last.
        let settled = plan.end_value.is_some();
        let window = Window { start, end };
        return Ok(if start < end {
            vec![(window, settled)]
        } else {
            Vec::new()
        });
    };
    let settled_until = look_back(plan, now)?;
    let grid = Grid::new(initial, step);
    let mut windows = Vec::new();
    let mut index = grid.index_at(start)?;
    let mut edge = grid.edge(index)?;
    while edge < until.map_or(end, |until| end.min(until)) {
        let next = grid.edge(index + 1)?;
        let window = Window {
            start: edge,
            end: next.min(end),
        };
        // A window that ends early, at a fixed end, is whole as well.
        let whole = next <= end || plan.end_value.is_some();
        windows.push((window, whole && window.end <= settled_until));
        index += 1;
        edge = next;
    }
    Ok(windows)
}

/// Window edges at `origin` + 0, 1, 2, … steps, in UTC.
struct Grid {
    origin: ZonedDateTime,
    step: Span,
}

impl Grid {
    fn new(origin: Timestamp, step: Span) -> Self {
        Self {
            origin: origin.to_zoned_datetime(TimeZone::UTC),
            step,
        }
    }

    fn edge(&self, index: i64) -> Result<Timestamp, jiff::Error> {
        let distance = self.step.checked_mul(index)?;
        Ok(self.origin.checked_add(distance)?.timestamp())
    }

    /// The last edge that isn't behind `time`.
    fn index_at(&self, time: Timestamp) -> Result<i64, jiff::Error> {
        let origin = self.origin.timestamp();
        let first = self.edge(1)?;
        let step = (first.as_second() - origin.as_second()).max(1);
        let mut index = (time.as_second() - origin.as_second()).div_euclid(step);
        // Months differ in length: the estimate may be some steps off.
        while self.edge(index)? > time {
            index -= 1;
        }
        while self.edge(index + 1)? <= time {
            index += 1;
        }
        Ok(index)
    }
}

pub(super) fn look_back(plan: &WindowsPlan, time: Timestamp) -> Result<Timestamp, jiff::Error> {
    match plan.lag {
        Some(lag) => shift(time, lag.negate()),
        None => Ok(time),
    }
}

fn shift(time: Timestamp, span: Span) -> Result<Timestamp, jiff::Error> {
    let shifted = time.to_zoned_datetime(TimeZone::UTC).checked_add(span)?;
    Ok(shifted.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{CursorFormat, TimeFormat};

    fn time(text: &str) -> Timestamp {
        crate::spec::parse_time(text).unwrap()
    }

    fn plan(window: Option<&str>, lag: Option<&str>, ahead: Option<&str>) -> WindowsPlan {
        let span = |text: &str| text.parse::<Span>().unwrap();
        WindowsPlan {
            format: CursorFormat::Named(TimeFormat::Unix),
            initial_value: time("2024-01-31"),
            end_value: None,
            window: window.map(span),
            lag: lag.map(span),
            ahead: ahead.map(span),
        }
    }

    fn show(plan: &WindowsPlan, watermark: Option<&str>, now: &str) -> Vec<String> {
        windows(plan, watermark.map(time), None, time(now))
            .unwrap()
            .into_iter()
            .map(|(window, settled)| {
                let mark = if settled { "" } else { " open" };
                format!("{}..{}{mark}", window.start, window.end).replace("T00:00:00Z", "")
            })
            .collect()
    }

    #[test]
    fn windows_lie_on_a_grid_and_the_newest_stays_open() {
        assert_eq!(
            show(&plan(Some("1d"), None, None), None, "2024-02-02T12:00:00Z"),
            [
                "2024-01-31..2024-02-01",
                "2024-02-01..2024-02-02",
                "2024-02-02..2024-02-02T12:00:00Z open"
            ]
        );
        assert_eq!(
            show(
                &plan(Some("1d"), None, None),
                Some("2024-02-02T12:00:00Z"),
                "2024-02-02T13:00:00Z"
            ),
            ["2024-02-02..2024-02-02T13:00:00Z open"]
        );
    }

    #[test]
    fn months_are_calendar_steps_from_the_origin() {
        assert_eq!(
            show(
                &plan(Some("1mo"), None, None),
                Some("2024-04-30"),
                "2024-05-01"
            ),
            ["2024-04-30..2024-05-01 open"]
        );
        assert_eq!(
            show(&plan(Some("1mo"), None, None), None, "2024-03-31"),
            ["2024-01-31..2024-02-29", "2024-02-29..2024-03-31"]
        );
    }

    #[test]
    fn lag_looks_back_and_ahead_looks_on() {
        let plan = plan(Some("1d"), Some("1d"), Some("2d"));
        assert_eq!(
            show(&plan, Some("2024-02-02T06:00:00Z"), "2024-02-02T12:00:00Z"),
            [
                "2024-02-01..2024-02-02 open",
                "2024-02-02..2024-02-03 open",
                "2024-02-03..2024-02-04 open",
                "2024-02-04..2024-02-04T12:00:00Z open"
            ]
        );
    }

    #[test]
    fn without_windows_all_that_is_new_is_one() {
        assert_eq!(
            show(&plan(None, None, None), Some("2024-02-01"), "2024-02-02"),
            ["2024-02-01..2024-02-02 open"]
        );
        assert!(show(&plan(None, None, None), Some("2024-02-02"), "2024-02-02").is_empty());
    }
}
