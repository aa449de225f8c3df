//! Dividing a resource into slices, and reading from finished slices how far it has come.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{RoundMode, Span, Timestamp, TimestampRound, Unit, ZonedDateTime};

use crate::flow::{ParentRecord, Progress, Slice, Window};
use crate::plan::{IncrementalPlan, ResourcePlan, TimeFormat, WriteDisposition};

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

/// The slices that are still to be read, oldest window first: windows × partitions, for what one combination of parent
/// records gives.
///
/// `now` is the run's start.
///
/// # Errors
/// See [`TimeOutOfRange`].
pub fn slices(
    resource: &ResourcePlan,
    parents: &[ParentRecord],
    before: &Progress,
    now: Timestamp,
) -> Result<Vec<PlannedSlice>, TimeOutOfRange> {
    // Only an append can't take back what it has written.
    let floor = match resource.write_disposition {
        WriteDisposition::Append => before.settled,
        _ => None,
    };
    let windows = match &resource.incremental {
        None => vec![(None, false)],
        Some(incremental) => windows(incremental, before.watermark, floor, now)
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
                parents: parents.to_vec(),
                partition: partition.clone(),
                window,
            };
            if before.finished.is_empty() || !before.finished.contains_key(&slice.id()) {
                planned.push(PlannedSlice { slice, settled });
            }
        }
    }
    Ok(planned)
}

/// The windows from the watermark (less the look-back, but not below the floor) to the end, each with whether it is
/// settled.
fn windows(
    incremental: &IncrementalPlan,
    watermark: Option<Timestamp>,
    floor: Option<Timestamp>,
    now: Timestamp,
) -> Result<Vec<(Window, bool)>, jiff::Error> {
    let initial = incremental.initial_value;
    let end = match (incremental.end_value, incremental.ahead) {
        (Some(end), _) => end,
        (None, Some(ahead)) => shift(now, ahead)?,
        (None, None) => now,
    };
    let start = match watermark {
        Some(watermark) => look_back(incremental, watermark)?.max(initial),
        None => initial,
    };
    let start = floor.map_or(start, |floor| start.max(floor));
    let Some(step) = incremental.window else {
        // Dates can't tell the morning's records from the evening's: a day is read once it is over.
        let end = match incremental.format {
            TimeFormat::Date => end.round(
                TimestampRound::new()
                    .smallest(Unit::Day)
                    .mode(RoundMode::Trunc),
            )?,
            _ => end,
        };
        // The next run's slice starts where this one's ends; only a fixed end makes it the last.
        let settled = incremental.end_value.is_some();
        let window = Window { start, end };
        return Ok(if start < end {
            vec![(window, settled)]
        } else {
            Vec::new()
        });
    };
    let settled_until = look_back(incremental, now)?;
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

/// The grid of a resource's windows, as text that changes with it.
pub fn grid(incremental: &IncrementalPlan) -> String {
    match incremental.window {
        Some(step) => format!("every {step} from {}", incremental.initial_value),
        None => "one window".to_owned(),
    }
}

/// Reads from a run's slices, each with whether it was finished, how far the resource has come.
///
/// The watermark is the end of the last window before the first hole, never past `now`, and never moves back.
pub fn advance<'a>(
    incremental: &IncrementalPlan,
    before: &Progress,
    slices: impl IntoIterator<Item = (&'a PlannedSlice, bool)>,
    now: Timestamp,
) -> Progress {
    let mut windows: BTreeMap<Timestamp, (Timestamp, bool)> = BTreeMap::new();
    let mut finished = before.finished.clone();
    for (planned, done) in slices {
        let Some(window) = planned.slice.window else {
            continue;
        };
        let entry = windows.entry(window.start).or_insert((window.end, true));
        entry.1 &= done;
        if done && planned.settled {
            finished.insert(planned.slice.id(), window.end);
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
    // The next run starts its windows there; what ends before it is not planned again.
    let next_start = watermark.and_then(|watermark| look_back(incremental, watermark).ok());
    finished.retain(|_, end| next_start.is_none_or(|start| *end > start));
    Progress {
        watermark,
        finished,
        settled: before.settled.max(next_start),
        grid: Some(grid(incremental)),
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

fn look_back(incremental: &IncrementalPlan, time: Timestamp) -> Result<Timestamp, jiff::Error> {
    match incremental.lag {
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
        let daily = plan(Some("1d"), None, None);
        let all = advance(
            &daily,
            &Progress::default(),
            slices.iter().map(|one| (one, true)),
            now,
        );
        assert_eq!(all.watermark, Some(now));
        assert!(all.finished.is_empty());

        let with_hole = slices.iter().enumerate().map(|(at, one)| (one, at != 1));
        let hole = advance(&daily, &Progress::default(), with_hole, now);
        assert_eq!(hole.watermark, Some(time("2024-01-02")));
        assert_eq!(names(&hole), ["from=2024-01-03T00:00:00Z"]);

        let nothing = advance(
            &daily,
            &hole,
            slices[1..2].iter().map(|one| (one, false)),
            now,
        );
        assert_eq!(nothing, hole);
    }

    #[test]
    fn what_a_later_run_would_plan_again_is_remembered() {
        // A hole at the 4th of January: with two days of lag the next run starts on the 2nd.
        let plan = plan(Some("1d"), Some("2d"), None);
        let slices: Vec<PlannedSlice> = (1..=8)
            .map(|day| {
                planned(
                    &format!("2024-01-0{day}"),
                    &format!("2024-01-0{}", day + 1),
                    day <= 6,
                )
            })
            .collect();
        let now = time("2024-01-09");
        let with_hole = slices.iter().enumerate().map(|(at, one)| (one, at != 3));
        let hole = advance(&plan, &Progress::default(), with_hole, now);
        assert_eq!(hole.watermark, Some(time("2024-01-04")));
        assert_eq!(hole.settled, Some(time("2024-01-02")));
        assert_eq!(
            names(&hole),
            ["02", "03", "05", "06"].map(|day| format!("from=2024-01-{day}T00:00:00Z"))
        );
        // The next run fills the hole and fails behind it: the names stay as long as they are needed.
        let filled = slices[3..4].iter().map(|one| (one, true));
        let rest = slices[6..8].iter().map(|one| (one, false));
        let later = advance(&plan, &hole, filled.chain(rest), now);
        assert_eq!(later.watermark, Some(time("2024-01-05")));
        assert_eq!(
            names(&later),
            ["03", "04", "05", "06"].map(|day| format!("from=2024-01-{day}T00:00:00Z"))
        );
    }

    fn names(progress: &Progress) -> Vec<String> {
        progress.finished.keys().cloned().collect()
    }
}
