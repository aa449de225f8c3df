//! Reading in windows of time.

use jiff::Span;

use super::super::mistakes::{Mistakes, Place, Reported};
use super::format::instant;
use super::model::{IncrementalMode, WindowsPlan};
use super::{Context, Parts};
use crate::plan::CursorFormat;
use crate::plan::{TimeFormat, WriteDisposition};
use crate::spec;

const DEFAULT_FORMAT: CursorFormat = CursorFormat::Named(TimeFormat::Rfc3339);

pub(super) fn compile(
    incremental: &spec::Incremental,
    mut formats: Vec<CursorFormat>,
    context: &Context<'_>,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<Parts, Reported> {
    if formats.is_empty() {
        formats.push(DEFAULT_FORMAT);
    }
    refuse_what_is_followed(incremental, place, mistakes);
    let initial_place = place.key("initial_value");
    let initial_value = match &incremental.initial_value {
        None => Err(mistakes.add(
            "plan::initial_value",
            place,
            "windows of time need an `initial_value`, the start of the first one",
            "give the time of the oldest record that you want, such as `initial_value: 2024-01-01`"
                .to_owned(),
        )),
        Some(spec::CursorPoint::Now) => Err(initial_now(&initial_place, mistakes)),
        Some(point) => instant(point, &formats, &initial_place, mistakes),
    };
    let end_value = match &incremental.end_value {
        None | Some(spec::CursorPoint::Now) => Ok(None),
        Some(point) => instant(point, &formats, &place.key("end_value"), mistakes).map(Some),
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
    let lag = lag(incremental, &formats[0], place, mistakes);
    for (name, given) in [
        ("lag", incremental.lag.is_some()),
        ("ahead", incremental.ahead.is_some()),
    ] {
        if given && incremental.window.is_none() {
            refuse_reading_twice(name, context, place, mistakes);
        }
    }
    let plan = WindowsPlan {
        format: formats[0].clone(),
        initial_value: initial_value?,
        end_value: end_value?,
        window: incremental.window.map(|span| span.0),
        lag: lag?,
        ahead: incremental.ahead.map(|span| span.0),
    };
    Ok((IncrementalMode::Windows(plan), formats, None))
}

pub(super) fn initial_now(place: &Place, mistakes: &mut Mistakes) -> Reported {
    mistakes.add(
        "plan::initial_value",
        place,
        "`initial_value` can't be `now`",
        "give the time of the oldest record that you want, such as `2024-01-01`".to_owned(),
    )
}

/// An append can take back what it has read only window by window.
pub(super) fn refuse_reading_twice(
    name: &str,
    context: &Context<'_>,
    place: &Place,
    mistakes: &mut Mistakes,
) {
    if context.write_disposition == WriteDisposition::Append {
        mistakes.add(
            "plan::reread_without_window",
            &place.key(name),
            format!("`{name}` reads a part again in every run, and `append` would double its rows"),
            "add `window:` (its windows are then replaced), or use `merge` with a `primary_key`"
                .to_owned(),
        );
    }
}

fn lag(
    incremental: &spec::Incremental,
    format: &CursorFormat,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<Option<Span>, Reported> {
    let number = match &incremental.lag {
        None => return Ok(None),
        Some(spec::CursorLag::Span(span, _)) => return Ok(Some(span.0)),
        Some(spec::CursorLag::Number(number)) => number,
    };
    let span = number.as_i64().and_then(|number| {
        if format.is_date() {
            Span::new().try_days(number).ok()
        } else {
            Span::new().try_seconds(number).ok()
        }
    });
    span.map(|span| Some(span).filter(Span::is_positive))
        .ok_or_else(|| {
            mistakes.add(
                "plan::lag",
                &place.key("lag"),
                format!("a lag of {number} isn't a whole number of seconds"),
                "write a length of time, such as `3d`".to_owned(),
            )
        })
}

/// Windows are half-open ranges of time that are finished one by one.
fn refuse_what_is_followed(
    incremental: &spec::Incremental,
    place: &Place,
    mistakes: &mut Mistakes,
) {
    for (name, given) in [
        ("last_value_func", incremental.last_value_func.is_some()),
        ("range_start", incremental.range_start.is_some()),
        ("range_end", incremental.range_end.is_some()),
        ("primary_key", incremental.primary_key.is_some()),
        ("row_order", incremental.row_order.is_some()),
    ] {
        if given {
            mistakes.add(
                "plan::follow_only",
                &place.key(name),
                format!("`{name}` is for a cursor that is followed from its last value, and not for windows of time"),
                "leave it out, or leave out `window`, `ahead`, `end_value: now` and `cursor: request`".to_owned(),
            );
        }
    }
}
