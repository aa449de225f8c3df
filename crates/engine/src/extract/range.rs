//! The range of a slice as its requests write it.

use super::error::Error;
use super::request::PageRequests;
use crate::cursor::CursorValue;
use crate::flow::Slice;
use crate::plan::template::IncrementalValues;
use crate::plan::{Direction, IncrementalMode, ResourcePlan};

/// The values of a slice as requests write them.
pub(super) fn incremental_values(
    resource: &ResourcePlan,
    slice: &Slice,
) -> Result<Option<IncrementalValues>, Error> {
    let Some(plan) = &resource.incremental else {
        return Ok(None);
    };
    let unwritable = |error: jiff::Error| Error::InvalidRequest {
        problem: format!("a time can't be written in the cursor's format: {error}"),
    };
    let values = match &plan.mode {
        IncrementalMode::Windows(windows) => {
            let Some(window) = slice.window else {
                return Ok(None);
            };
            let start = |time| windows.format.write_start(time).map(Some);
            start(window.start).and_then(|first| {
                Ok(IncrementalValues {
                    start: first,
                    end: Some(windows.format.write_end(window.end)?),
                    initial: start(windows.initial_value)?,
                    lag: plan.lag_value.clone(),
                })
            })
        }
        IncrementalMode::Follow(follow) => {
            let Some(range) = &slice.range else {
                return Ok(None);
            };
            let write = |value: &Option<CursorValue>, is_end: bool| match (value, &follow.format) {
                (None, _) => Ok(None),
                (Some(CursorValue::Time(time)), Some(format)) if is_end => {
                    format.write_end(*time).map(Some)
                }
                (Some(CursorValue::Time(time)), Some(format)) => {
                    format.write_start(*time).map(Some)
                }
                (Some(value), _) => Ok(Some(value.verbatim())),
            };
            // The start is the upper bound where a cursor is followed downwards.
            let down = follow.direction == Direction::Down;
            write(&range.start, down).and_then(|start| {
                Ok(IncrementalValues {
                    start,
                    end: write(&range.end, !down)?,
                    initial: write(&follow.initial_value, down)?,
                    lag: plan.lag_value.clone(),
                })
            })
        }
    };
    values.map(Some).map_err(unwritable)
}

/// Sets the parameters of the start and the end; one without a value is not sent at all.
pub(super) fn set_range_params(
    requests: &mut PageRequests,
    resource: &ResourcePlan,
    values: Option<&IncrementalValues>,
) {
    let (Some(plan), Some(values)) = (&resource.incremental, values) else {
        return;
    };
    for (param, value) in [
        (&plan.start_param, &values.start),
        (&plan.end_param, &values.end),
    ] {
        if let (Some(param), Some(value)) = (param, value) {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            requests.set_param(param, text);
        }
    }
}
