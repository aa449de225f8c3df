//! Dividing a resource into slices, and reading from finished slices how far it has come.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ZonedDateTime};

use crate::flow::{ParentRecord, Slice, Window};
use crate::plan::{IncrementalPlan, ResourcePlan};

/// A slice that a run will read.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedSlice {
    /// The slice.
    pub slice: Slice,
    /// No later run will read it again: its window is whole, and the look-back doesn't reach it any more.
    pub settled: bool,
}

/// A time that no calendar holds: a window, look-back or look-ahead leads out of the years -9999 to 9999.
#[derive(Debug, thiserror::Error)]
#[error("compute the windows of `{resource}`: a time is out of range")]
pub struct TimeOutOfRange {
    resource: String,
    source: jiff::Error,
}

/// The slices that are still to be read, oldest window first: windows × partitions, for one parent record or none.
///
/// `watermark` is the time up to which earlier runs have read everything, `finished` names the slices behind it that
/// they have read too, and `now` is the run's start.
///
/// # Errors
/// See [`TimeOutOfRange`].
pub fn slices(
    resource: &ResourcePlan,
    parent: Option<&ParentRecord>,
    watermark: Option<Timestamp>,
    finished: &BTreeSet<String>,
    now: Timestamp,
) -> Result<Vec<PlannedSlice>, TimeOutOfRange> {
    let windows = match &resource.incremental {
        None => vec![(None, false)],
        Some(incremental) => windows(incremental, watermark, now)
            .map_err(|source| TimeOutOfRange {
                resource: resource.name.clone(),
                source,
            })?
            .into_iter()
            .map(|(window, settled)| (Some(window), settled))
            .collect(),
    };
    let mut planned = Vec::with_capacity(windows.len() * resource.partitions.len());
    for (window, settled) in windows {
        for partition in &resource.partitions {
            let slice = Slice {
                resource: resource.name.clone(),
                parent: parent.cloned(),
                partition: partition.clone(),
                window,
            };
            if finished.is_empty() || !finished.contains(&slice.id()) {
                planned.push(PlannedSlice { slice, settled });
            }
        }
    }
    Ok(planned)
}

/// The windows from the watermark (less the look-back) to the end, each with whether it is settled.
fn windows(
    incremental: &IncrementalPlan,
    watermark: Option<Timestamp>,
    now: Timestamp,
) -> Result<Vec<(Window, bool)>, jiff::Error> {
    let initial = incremental.initial_value;
    let end = match (incremental.end_value, incremental.ahead) {
        (Some(end), _) => end,
        (None, Some(ahead)) => shift(now, ahead)?,
        (None, None) => now,
    };
    let look_back = |time: Timestamp| match incremental.lag {
        Some(lag) => shift(time, lag.negate()),
        None => Ok(time),
    };
    let start = match watermark {
        Some(watermark) => look_back(watermark)?.max(initial),
        None => initial,
    };
    let settled_until = look_back(now)?;
    let Some(step) = incremental.window else {
        let settled = incremental.lag.is_none() && incremental.ahead.is_none();
        let window = Window { start, end };
        return Ok(if start < end {
            vec![(window, settled)]
        } else {
            Vec::new()
        });
    };
    let grid = Grid::new(initial, step);
    let mut windows = Vec::new();
    let mut index = grid.index_at(start)?;
    let mut edge = grid.edge(index)?;
    while edge < end {
        let next = grid.edge(index + 1)?;
        let window = Window {
            start: edge,
            end: next.min(end),
        };
        // A window that ends early, at a fixed end, is whole as well.
        let whole = next <= end || incremental.end_value.is_some();
        windows.push((window, whole && window.end <= settled_until));
        index += 1;
        edge = next;
    }
    Ok(windows)
}

/// How far a resource has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Advance {
    /// All before this time has been read.
    pub watermark: Option<Timestamp>,
    /// Names of the settled slices behind the watermark that have been read.
    pub finished: BTreeSet<String>,
}

/// Reads from a run's slices, each with whether it was finished, how far the resource has come.
///
/// The watermark is the end of the last window before the first hole, never past `now`, and never moves back.
pub fn advance<'a>(
    before: &Advance,
    slices: impl IntoIterator<Item = (&'a PlannedSlice, bool)>,
    now: Timestamp,
) -> Advance {
    let mut windows: BTreeMap<Timestamp, (Timestamp, bool)> = BTreeMap::new();
    let mut finished: Vec<(String, Timestamp)> = Vec::new();
    for (planned, done) in slices {
        let Some(window) = planned.slice.window else {
            continue;
        };
        let entry = windows.entry(window.start).or_insert((window.end, true));
        entry.1 &= done;
        if done && planned.settled {
            finished.push((planned.slice.id(), window.end));
        }
    }
    let mut watermark = before.watermark;
    for (start, (end, done)) in windows {
        if !done {
            break;
        }
        // Windows ahead of the run's start are read again by every run.
        if start < now {
            watermark = watermark.max(Some(end.min(now)));
        }
    }
    let behind = |end: Timestamp| watermark.is_none_or(|watermark| end > watermark);
    let earlier = before.finished.iter().cloned();
    let new = finished
        .into_iter()
        .filter(|(_, end)| behind(*end))
        .map(|(id, _)| id);
    let finished = if watermark == before.watermark {
        earlier.chain(new).collect()
    } else {
        new.collect()
    };
    Advance {
        watermark,
        finished,
    }
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

    /// The last edge that isn't behind `time`, which must not lie before the origin.
    fn index_at(&self, time: Timestamp) -> Result<i64, jiff::Error> {
        let origin = self.origin.timestamp();
        let first = self.edge(1)?;
        let step = (first.as_second() - origin.as_second()).max(1);
        let mut index = (time.as_second() - origin.as_second()) / step;
        // Months differ in length: the estimate may be some steps off.
        while index > 0 && self.edge(index)? > time {
            index -= 1;
        }
        while self.edge(index + 1)? <= time {
            index += 1;
        }
        Ok(index)
    }
}

fn shift(time: Timestamp, span: Span) -> Result<Timestamp, jiff::Error> {
    let shifted = time.to_zoned_datetime(TimeZone::UTC).checked_add(span)?;
    Ok(shifted.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::TimeFormat;

    fn time(text: &str) -> Timestamp {
        crate::spec::parse_time(text).unwrap()
    }

    fn plan(window: Option<&str>, lag: Option<&str>, ahead: Option<&str>) -> IncrementalPlan {
        let span = |text: &str| text.parse::<Span>().unwrap();
        IncrementalPlan {
            cursor: None,
            format: TimeFormat::Unix,
            initial_value: time("2024-01-31"),
            end_value: None,
            start_param: None,
            end_param: None,
            window: window.map(span),
            lag: lag.map(span),
            ahead: ahead.map(span),
        }
    }

    fn show(plan: &IncrementalPlan, watermark: Option<&str>, now: &str) -> Vec<String> {
        windows(plan, watermark.map(time), time(now))
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
            ["2024-02-01..2024-02-02"]
        );
        assert!(show(&plan(None, None, None), Some("2024-02-02"), "2024-02-02").is_empty());
    }

    fn planned(start: &str, end: &str, settled: bool) -> PlannedSlice {
        let window = Window {
            start: time(start),
            end: time(end),
        };
        PlannedSlice {
            slice: Slice {
                window: Some(window),
                ..Slice::default()
            },
            settled,
        }
    }

    #[test]
    fn the_watermark_stops_at_a_hole_and_at_the_runs_start() {
        let slices = [
            planned("2024-01-01", "2024-01-02", true),
            planned("2024-01-02", "2024-01-03", true),
            planned("2024-01-03", "2024-01-04", true),
            planned("2024-01-04", "2024-01-05", false),
            planned("2024-01-05", "2024-01-06", false),
        ];
        let now = time("2024-01-04T12:00:00Z");
        let all = advance(
            &Advance::default(),
            slices.iter().map(|one| (one, true)),
            now,
        );
        assert_eq!(all.watermark, Some(now));
        assert!(all.finished.is_empty());

        let hole = advance(
            &Advance::default(),
            slices.iter().enumerate().map(|(at, one)| (one, at != 1)),
            now,
        );
        assert_eq!(hole.watermark, Some(time("2024-01-02")));
        assert_eq!(
            Vec::from_iter(hole.finished.clone()),
            ["from=2024-01-03T00:00:00Z"]
        );

        let nothing = advance(&hole, slices[1..2].iter().map(|one| (one, false)), now);
        assert_eq!(nothing, hole);
    }
}
