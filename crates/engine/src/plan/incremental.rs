//! Compiling `incremental`.

use jiff::Timestamp;

use super::mistakes::{Mistakes, Place, Reported};
use super::model::{CursorColumn, IncrementalPlan, TimeFormat, WriteDisposition};
use crate::spec;

pub(super) fn time_format(format: spec::TimeFormat) -> TimeFormat {
    match format {
        spec::TimeFormat::Rfc3339 => TimeFormat::Rfc3339,
        spec::TimeFormat::Date => TimeFormat::Date,
        spec::TimeFormat::Unix => TimeFormat::Unix,
        spec::TimeFormat::UnixMs => TimeFormat::UnixMs,
    }
}

pub(super) fn compile(
    incremental: &spec::Incremental,
    write_disposition: WriteDisposition,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<IncrementalPlan, Reported> {
    let format = time_format(incremental.format);
    let initial_place = place.key("initial_value");
    let initial_value = match &incremental.initial_value {
        spec::TimePoint::Now => Err(mistakes.add(
            "plan::initial_value",
            &initial_place,
            "`initial_value` can't be `now`",
            "give the time of the oldest record that you want, such as `2024-01-01`".to_owned(),
        )),
        point => instant(point, format, &initial_place, mistakes),
    };
    let end_value = match &incremental.end_value {
        None | Some(spec::TimePoint::Now) => Ok(None),
        Some(point) => instant(point, format, &place.key("end_value"), mistakes).map(Some),
    };
    if let (Ok(initial), Ok(Some(end))) = (&initial_value, &end_value)
        && end <= initial
    {
        mistakes.add(
            "plan::end_value",
            &place.key("end_value"),
            "`end_value` isn't later than `initial_value`",
            None,
        );
    }
    let cursor = cursor(incremental, format, place, mistakes);
    let reread = [("lag", &incremental.lag), ("ahead", &incremental.ahead)];
    for (name, span) in reread {
        if span.is_some()
            && incremental.window.is_none()
            && write_disposition == WriteDisposition::Append
        {
            mistakes.add(
                "plan::reread_without_window",
                &place.key(name),
                format!("`{name}` reads a part again in every run, and `append` would double its rows"),
                "add `window:` (its windows are then replaced), or use `merge` with a `primary_key`".to_owned(),
            );
        }
    }
    Ok(IncrementalPlan {
        cursor: cursor?,
        format,
        initial_value: initial_value?,
        end_value: end_value?,
        start_param: incremental.start_param.clone(),
        end_param: incremental.end_param.clone(),
        window: incremental.window.map(|span| span.0),
        lag: incremental.lag.map(|span| span.0),
        ahead: incremental.ahead.map(|span| span.0),
    })
}

fn cursor(
    incremental: &spec::Incremental,
    format: TimeFormat,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<Option<CursorColumn>, Reported> {
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
            let path: Vec<String> = keys.split('.').map(ToOwned::to_owned).collect();
            let plain =
                |key: &String| !key.is_empty() && !key.contains(['[', ']', '*', '$', '?', '\'']);
            if path.iter().all(plain) {
                return Ok(Some(CursorColumn { path, format }));
            }
            Err(mistakes.add(
                "plan::cursor_path",
                &place.key("cursor_path"),
                format!("`{keys}` isn't a path of keys"),
                "write the keys from the record to the value, such as `updated_at` or `meta.updated_at`".to_owned(),
            ))
        }
    }
}

fn instant(
    point: &spec::TimePoint,
    format: TimeFormat,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<Timestamp, Reported> {
    let (instant, shown) = match (point, format) {
        (spec::TimePoint::Instant(instant), _) => return Ok(*instant),
        (spec::TimePoint::Number(number), TimeFormat::Unix) => {
            (Timestamp::from_second(*number).ok(), number.to_string())
        }
        (spec::TimePoint::Number(number), TimeFormat::UnixMs) => (
            Timestamp::from_millisecond(*number).ok(),
            number.to_string(),
        ),
        (spec::TimePoint::Number(number), TimeFormat::Rfc3339 | TimeFormat::Date) => {
            (None, number.to_string())
        }
        (spec::TimePoint::Now, _) => (None, "now".to_owned()),
    };
    instant.ok_or_else(|| {
        mistakes.add(
            "plan::time",
            place,
            format!("`{shown}` isn't a time in this `format`"),
            "write `2024-01-31` or `2024-01-31T12:00:00Z`; numbers are for `unix` and `unix_ms`"
                .to_owned(),
        )
    })
}
