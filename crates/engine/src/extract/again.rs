//! The slices of a range of time that is read again.

use jiff::Timestamp;

use super::slice::{PlannedSlice, SlicesError, parts_of_partitions, windows_between};
use crate::cursor::CursorValue;
use crate::flow::{CursorRange, ParentRecord, Progress, Reach, Slice, Window};
use crate::plan::{FollowPlan, IncrementalMode, ResourcePlan, WindowsPlan, WriteDisposition};

/// A range of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// Where it starts; `None`: where the resource does.
    pub since: Option<Timestamp>,
    /// Where it ends; `None`: where reading does.
    pub until: Option<Timestamp>,
}

impl Range {
    /// Whether it ends where it starts, or before.
    pub fn is_empty(&self) -> bool {
        self.since
            .zip(self.until)
            .is_some_and(|(since, until)| since >= until)
    }
}

/// The slices of a range, whether they were read before or not: whole windows, all that the range touches.
///
/// An append's windows are those that all parts have begun to read: what is read again takes the place of what was read, and
/// the windows behind are left to the next run.
///
/// # Errors
/// See [`SlicesError`].
pub fn slices_again(
    resource: &ResourcePlan,
    parents: &[ParentRecord],
    before: &Progress,
    range: &Range,
    now: Timestamp,
) -> Result<Vec<PlannedSlice>, SlicesError> {
    let Some(incremental) = &resource.incremental else {
        return Ok(Vec::new());
    };
    let mut planned = Vec::new();
    for partition in &resource.partitions {
        let slice = Slice {
            resource: resource.name.clone(),
            parents: parents.to_vec(),
            partition: partition.clone(),
            ..Slice::default()
        };
        match &incremental.mode {
            IncrementalMode::Follow(plan) => planned.push(PlannedSlice {
                slice: Slice {
                    range: Some(range_of(plan, range)),
                    ..slice
                },
                settled: true,
            }),
            IncrementalMode::Windows(plan) => {
                let windows = windows_again(plan, resource, &slice, before, range, now).map_err(
                    |source| SlicesError::TimeOutOfRange {
                        resource: resource.name.clone(),
                        source,
                    },
                )?;
                planned.extend(windows.into_iter().map(|(window, settled)| PlannedSlice {
                    slice: Slice {
                        window: Some(window),
                        ..slice.clone()
                    },
                    settled,
                }));
            }
        }
    }
    planned.sort_by_key(|planned| planned.slice.window.map(|window| window.start));
    Ok(planned)
}

/// The windows of one part that a range touches, each with whether no later run will read it again.
fn windows_again(
    plan: &WindowsPlan,
    resource: &ResourcePlan,
    slice: &Slice,
    before: &Progress,
    range: &Range,
    now: Timestamp,
) -> Result<Vec<(Window, bool)>, jiff::Error> {
    let parts = reaches(resource, before);
    // Where the clock went back, a window would be shorter than the one whose rows it replaces.
    let latest = parts
        .iter()
        .flatten()
        .filter_map(|reach| reach.watermark)
        .max();
    let now = latest.map_or(now, |latest| now.max(latest));
    let windows = windows_between(plan, range.since, range.until, now)?;
    if resource.write_disposition != WriteDisposition::Append {
        return Ok(windows);
    }
    // How far every part was read. A part that was never read has no time, which comes before every other.
    let reached = parts
        .iter()
        .map(|reach| reach.and_then(|reach| reach.watermark));
    let Some(reached) = reached.min().flatten() else {
        return Ok(Vec::new());
    };
    let own = if resource.has_parts() {
        before.parts.get(&slice.part())
    } else {
        Some(&before.whole)
    };
    let settled_until = own.and_then(|reach| reach.settled);
    let windows = windows
        .into_iter()
        .filter(|(window, _)| window.start < reached);
    let windows = windows.map(|(mut window, _)| {
        if plan.window.is_none() {
            // What lies behind is left to the next run, which goes on there.
            window.end = window.end.min(reached);
        }
        (
            window,
            settled_until.is_some_and(|until| window.end <= until),
        )
    });
    Ok(windows.collect())
}

/// How far each part was read; `None` for those that never were.
fn reaches<'p>(resource: &ResourcePlan, before: &'p Progress) -> Vec<Option<&'p Reach>> {
    if !resource.has_parts() {
        return vec![Some(&before.whole)];
    }
    let parts = parts_of_partitions(resource);
    parts.map(|part| before.parts.get(&part)).collect()
}

/// The range in the cursor's own values.
fn range_of(plan: &FollowPlan, range: &Range) -> CursorRange {
    let value = |time: Timestamp| match plan.format {
        Some(_) => CursorValue::Time(time),
        None => CursorValue::Text(time.to_string()),
    };
    CursorRange {
        start: range
            .since
            .map(value)
            .or_else(|| plan.initial_value.clone()),
        end: range.until.map(value).or_else(|| plan.end_value.clone()),
        ..CursorRange::default()
    }
}
