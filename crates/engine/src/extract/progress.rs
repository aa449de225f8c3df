//! Reading from finished slices how far a resource has come.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::slice::{PlannedSlice, look_back};
use crate::cursor::CursorValue;
use crate::flow::{Progress, Reach};
use crate::plan::{Direction, IncrementalMode, ResourcePlan, WindowsPlan, WriteDisposition};

/// The last value of the records of a slice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastValue {
    /// The value.
    pub value: CursorValue,
    /// Hashes of the records that have it, where they are needed.
    pub records: BTreeSet<String>,
}

/// What became of a planned slice.
#[derive(Clone, Copy, Debug)]
pub struct SliceOutcome<'a> {
    /// The slice.
    pub planned: &'a PlannedSlice,
    /// Whether it was read to its end or, in a declared order, to where it was cut short, and its rows are kept.
    pub finished: bool,
    /// The last value of its records; `None` where none had one.
    pub last_value: Option<&'a LastValue>,
}

/// How a resource is read, as text that changes where its progress would mean something else.
///
/// `None` for a resource that isn't incremental.
pub fn grid(resource: &ResourcePlan) -> Option<String> {
    let mut grid = match &resource.incremental.as_ref()?.mode {
        IncrementalMode::Windows(plan) => match plan.window {
            Some(step) => format!(
                "every {step} from {}{}",
                plan.initial_value,
                by_cursor(resource)
            ),
            None => format!("one window{}", by_cursor(resource)),
        },
        IncrementalMode::Follow(plan) => plan.subject.clone(),
    };
    if resource.has_parts() {
        grid.push_str(", part by part");
    }
    Some(grid)
}

/// Whether progress that was kept under one grid still tells where to go on under another.
///
/// Windows of another length are gone on with at the watermark; all else starts anew.
pub fn goes_on(before: &str, now: &str) -> bool {
    let is_windows = |grid: &str| grid.starts_with("every ") || grid.starts_with("one window");
    // What stands behind the window: the cursor, and whether each part has one of its own.
    let rest = |grid: &str| grid.split_once(", ").map(|(_, rest)| rest.to_owned());
    before == now || is_windows(before) && is_windows(now) && rest(before) == rest(now)
}

fn by_cursor(resource: &ResourcePlan) -> String {
    let cursor = resource.decode.cursor.as_ref();
    cursor.map_or_else(String::new, |cursor| format!(", by `{}`", cursor.path))
}

/// How far a resource has come behind a run of these slices.
pub fn advance<'a>(
    resource: &ResourcePlan,
    before: &Progress,
    slices: impl IntoIterator<Item = SliceOutcome<'a>>,
    now: Timestamp,
) -> Progress {
    let Some(incremental) = &resource.incremental else {
        let finished = slices.into_iter().filter(|slice| slice.finished);
        let finished = finished.map(|slice| slice.planned.slice.hash());
        let open = before.open.iter().copied().chain(finished);
        return Progress {
            open: open.collect(),
            ..Progress::default()
        };
    };
    let reach = |before: &Reach, slices: &[SliceOutcome<'_>]| match &incremental.mode {
        IncrementalMode::Windows(plan) => {
            let windows = slices.iter().map(|slice| (slice.planned, slice.finished));
            let mut after = advance_windows(plan, before, windows, now);
            after.last_value = newest(before, slices);
            if resource.write_disposition == WriteDisposition::Merge {
                // Behind a hole they are read again, so that its rows don't come later than theirs: the last one wins.
                after.finished.clear();
            }
            after
        }
        IncrementalMode::Follow(plan) => advance_last_value(plan.direction, before, slices),
    };
    let mut progress = Progress {
        grid: grid(resource),
        ..before.clone()
    };
    if !resource.has_parts() {
        let slices: Vec<SliceOutcome<'_>> = slices.into_iter().collect();
        progress.whole = reach(&before.whole, &slices);
        return progress;
    }
    let mut by_part: BTreeMap<String, Vec<SliceOutcome<'_>>> = BTreeMap::new();
    for slice in slices {
        let part = slice.planned.slice.part();
        by_part.entry(part).or_default().push(slice);
    }
    for (part, slices) in by_part {
        let nothing = Reach::default();
        let after = reach(before.parts.get(&part).unwrap_or(&nothing), &slices);
        if after != nothing {
            progress.parts.insert(part, after);
        }
    }
    progress
}

/// The watermark is the end of the last window before the first hole, never past `now`, and never moves back.
fn advance_windows<'a>(
    plan: &WindowsPlan,
    before: &Reach,
    slices: impl IntoIterator<Item = (&'a PlannedSlice, bool)>,
    now: Timestamp,
) -> Reach {
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
    let next_start = watermark.and_then(|watermark| look_back(plan, watermark).ok());
    finished.retain(|_, end| next_start.is_none_or(|start| *end > start));
    Reach {
        watermark,
        finished,
        settled: before.settled.max(next_start),
        ..Reach::default()
    }
}

/// The newest time of any record that is kept.
fn newest(before: &Reach, slices: &[SliceOutcome<'_>]) -> Option<CursorValue> {
    let time = |value: &CursorValue| match value {
        CursorValue::Time(time) => Some(*time),
        _ => None,
    };
    let finished = slices.iter().filter(|slice| slice.finished);
    let last = finished.filter_map(|slice| time(&slice.last_value?.value));
    let all = last.chain(before.last_value.as_ref().and_then(time));
    all.max().map(CursorValue::Time)
}

/// The last value of all slices, where all were finished; it never moves back.
///
/// A slice that was not finished may hold values before those of the others, which no later run would ask for.
fn advance_last_value(direction: Direction, before: &Reach, slices: &[SliceOutcome<'_>]) -> Reach {
    let mut reach = before.clone();
    if !slices.iter().all(|slice| slice.finished) {
        return reach;
    }
    for last in slices.iter().filter_map(|slice| slice.last_value) {
        let order = reach.last_value.as_ref().map(|before| {
            let keys = (last.value.key(), before.key());
            let order = keys
                .0
                .zip(keys.1)
                .and_then(|(last, before)| last.compare(&before));
            match direction {
                Direction::Up => order,
                Direction::Down => order.map(Ordering::reverse),
            }
        });
        match order {
            None | Some(Some(Ordering::Greater)) => {
                reach.last_value = Some(last.value.clone());
                reach.loaded.clone_from(&last.records);
            }
            Some(Some(Ordering::Equal)) => reach.loaded.extend(last.records.iter().cloned()),
            // Decoding compares each value with the slice's start, and fails where the kinds differ.
            Some(Some(Ordering::Less) | None) => {}
        }
    }
    reach
}

#[cfg(test)]
mod tests {
    use jiff::Span;

    use super::*;
    use crate::flow::{Slice, Window};
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
        let all = advance_windows(
            &daily,
            &Reach::default(),
            slices.iter().map(|one| (one, true)),
            now,
        );
        assert_eq!(all.watermark, Some(now));
        assert!(all.finished.is_empty());

        let with_hole = slices.iter().enumerate().map(|(at, one)| (one, at != 1));
        let hole = advance_windows(&daily, &Reach::default(), with_hole, now);
        assert_eq!(hole.watermark, Some(time("2024-01-02")));
        assert_eq!(names(&hole), ["from=2024-01-03T00:00:00Z"]);

        let nothing = advance_windows(
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
        let hole = advance_windows(&plan, &Reach::default(), with_hole, now);
        assert_eq!(hole.watermark, Some(time("2024-01-04")));
        assert_eq!(hole.settled, Some(time("2024-01-02")));
        assert_eq!(
            names(&hole),
            ["02", "03", "05", "06"].map(|day| format!("from=2024-01-{day}T00:00:00Z"))
        );
        // The next run fills the hole and fails behind it: the names stay as long as they are needed.
        let filled = slices[3..4].iter().map(|one| (one, true));
        let rest = slices[6..8].iter().map(|one| (one, false));
        let later = advance_windows(&plan, &hole, filled.chain(rest), now);
        assert_eq!(later.watermark, Some(time("2024-01-05")));
        assert_eq!(
            names(&later),
            ["03", "04", "05", "06"].map(|day| format!("from=2024-01-{day}T00:00:00Z"))
        );
    }

    fn names(reach: &Reach) -> Vec<String> {
        reach.finished.keys().cloned().collect()
    }

    fn last(value: &str, records: &[&str]) -> LastValue {
        LastValue {
            value: CursorValue::Number(value.to_owned()),
            records: records.iter().map(|hash| (*hash).to_owned()).collect(),
        }
    }

    #[test]
    fn the_last_value_never_moves_back_and_waits_for_all_slices() {
        let slice = PlannedSlice {
            slice: Slice::default(),
            settled: true,
        };
        let run = |before: &Reach, direction, found: &[(bool, Option<LastValue>)]| {
            let slices: Vec<SliceOutcome<'_>> = found
                .iter()
                .map(|(finished, last_value)| SliceOutcome {
                    planned: &slice,
                    finished: *finished,
                    last_value: last_value.as_ref(),
                })
                .collect();
            advance_last_value(direction, before, &slices)
        };
        let show = |reach: &Reach| {
            let value = reach.last_value.as_ref().map(ToString::to_string);
            format!("{} {:?}", value.unwrap_or_default(), reach.loaded)
        };
        let first = run(
            &Reach::default(),
            Direction::Up,
            &[
                (true, Some(last("9", &["a"]))),
                (true, Some(last("10", &["b"]))),
                (true, None),
            ],
        );
        assert_eq!(show(&first), r#"10 {"b"}"#);
        let equal = run(&first, Direction::Up, &[(true, Some(last("10.0", &["c"])))]);
        assert_eq!(show(&equal), r#"10 {"b", "c"}"#);
        assert_eq!(
            run(&first, Direction::Up, &[(true, Some(last("9", &["d"])))]),
            first
        );
        assert_eq!(
            run(
                &first,
                Direction::Up,
                &[(true, Some(last("11", &[]))), (false, None)]
            ),
            first
        );
        let down = run(&first, Direction::Down, &[(true, Some(last("9", &["d"])))]);
        assert_eq!(show(&down), r#"9 {"d"}"#);
    }
}
