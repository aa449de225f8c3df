//! The slices of a range of time that is read again.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::slice::{PlannedSlice, SlicesError, windows_between};
use crate::cursor::CursorValue;
use crate::flow::{CursorRange, ParentRecord, Progress, Reach, Slice};
use crate::plan::{FollowPlan, IncrementalMode, ResourcePlan, WriteDisposition};

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
/// what was not is left to the next run.
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
                let windows = windows_between(plan, range.since, range.until, now);
                let windows = windows.map_err(|source| SlicesError::TimeOutOfRange {
                    resource: resource.name.clone(),
                    source,
                })?;
                let reached = reached(resource, before);
                let is_append = resource.write_disposition == WriteDisposition::Append;
                let windows = windows.into_iter().filter(|(window, _)| {
                    !is_append || reached.is_some_and(|reached| window.start < reached)
                });
                planned.extend(windows.map(|(mut window, settled)| {
                    if is_append && plan.window.is_none() {
                        window.end = reached.map_or(window.end, |reached| window.end.min(reached));
                    }
                    PlannedSlice {
                        slice: Slice {
                            window: Some(window),
                            ..slice.clone()
                        },
                        settled,
                    }
                }));
            }
        }
    }
    planned.sort_by_key(|planned| planned.slice.window.map(|window| window.start));
    Ok(planned)
}

/// How far every part was read.
fn reached(resource: &ResourcePlan, before: &Progress) -> Option<Timestamp> {
    if !resource.has_parts() {
        return before.whole.watermark;
    }
    let reach = |partition: &BTreeMap<String, Value>| {
        let slice = Slice {
            partition: partition.clone(),
            ..Slice::default()
        };
        let reach: Option<&Reach> = before.parts.get(&slice.part());
        reach.and_then(|reach| reach.watermark)
    };
    // A part that was never read has no time, which comes before every other.
    resource.partitions.iter().map(reach).min().flatten()
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
