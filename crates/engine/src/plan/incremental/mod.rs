//! Compiling `incremental`.

mod follow;
mod format;
mod model;
mod windows;

use serde_json::Value;

use super::mistakes::{Mistakes, Place, Reported};
use super::model::WriteDisposition;
use super::{CursorFormat, Selector};
use crate::spec;

pub(super) use format::formats;
pub use model::*;

/// What of the resource decides how it is followed.
pub(super) struct Context<'a> {
    pub(super) write_disposition: WriteDisposition,
    pub(super) primary_key: &'a [String],
    /// Rows that a load doesn't hold go from the table.
    pub(super) concerns_absent: bool,
}

/// Whether the resource is read in windows, not followed from the last value on.
pub(super) fn has_windows(incremental: &spec::Incremental) -> bool {
    incremental.window.is_some()
        || incremental.ahead.is_some()
        || incremental.end_value == Some(spec::CursorPoint::Now)
        || incremental.cursor == spec::CursorSource::Request
}

pub(super) fn compile(
    incremental: &spec::Incremental,
    context: &Context<'_>,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<IncrementalPlan, Reported> {
    let reads = incremental.cursor == spec::CursorSource::Field;
    let formats = formats(&incremental.format, reads, &place.key("format"), mistakes);
    let path = cursor_path(incremental, place, mistakes);
    let parts = formats.and_then(|formats| {
        if has_windows(incremental) {
            windows::compile(incremental, formats, context, place, mistakes)
        } else {
            follow::compile(incremental, formats, context, place, mistakes)
        }
    });
    let (mode, formats, follow) = parts?;
    let missing = match incremental.on_cursor_value_missing {
        None | Some(spec::MissingCursor::Raise) => MissingCursor::Raise,
        Some(spec::MissingCursor::Include) => MissingCursor::Include,
        Some(spec::MissingCursor::Exclude) => MissingCursor::Exclude,
    };
    Ok(IncrementalPlan {
        cursor: path?.map(|path| CursorColumn {
            path,
            formats,
            missing,
            follow,
        }),
        start_param: incremental.start_param.clone(),
        end_param: incremental.end_param.clone(),
        scope: match incremental.per {
            None | Some(spec::CursorScope::Parent) => CursorScope::Part,
            Some(spec::CursorScope::Resource) => CursorScope::Resource,
        },
        mode,
        lag_value: incremental.lag.as_ref().map(|lag| match lag {
            spec::CursorLag::Span(_, text) => Value::from(text.as_str()),
            spec::CursorLag::Number(number) => Value::Number(number.clone()),
        }),
    })
}

/// A mode, the formats of its cursor, and the rules by which that is followed.
type Parts = (IncrementalMode, Vec<CursorFormat>, Option<FollowRules>);

fn cursor_path(
    incremental: &spec::Incremental,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<Option<CursorPath>, Reported> {
    match (incremental.cursor, &incremental.cursor_path) {
        (spec::CursorSource::Request, None) => Ok(None),
        (spec::CursorSource::Request, Some(_)) => Err(mistakes.add(
            "plan::two_cursors",
            &place.key("cursor_path"),
            "`cursor: request` follows the request's window, and `cursor_path` a field of the records",
            "keep one of the two".to_owned(),
        )),
        (spec::CursorSource::Field, None) => Err(mistakes.add(
            "plan::missing_cursor",
            place,
            "`incremental` doesn't say what to follow",
            "give `cursor_path`, the records' time field, or `cursor: request` where they hold none".to_owned(),
        )),
        (spec::CursorSource::Field, Some(path)) => {
            let keys = path.strip_prefix("$.").unwrap_or(path);
            let keys: Vec<String> = keys.split('.').map(ToOwned::to_owned).collect();
            let plain = |key: &String| {
                !key.is_empty() && !key.contains(['[', ']', '*', '$', '?', '\'', '"', '@'])
            };
            if keys.iter().all(plain) {
                return Ok(Some(CursorPath::Keys(keys)));
            }
            Selector::parse(path)
                .map(|selector| Some(CursorPath::Selector(selector)))
                .map_err(|error| {
                    mistakes.add(
                        "plan::cursor_path",
                        &place.key("cursor_path"),
                        error.to_string(),
                        "write the way from the record to the value, such as `updated_at`, `meta.updated_at` or \
                         `changes[*].at`"
                            .to_owned(),
                    )
                })
        }
    }
}
