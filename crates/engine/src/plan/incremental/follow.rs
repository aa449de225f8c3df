//! Following a cursor from its last value on.

use std::cmp::Ordering;

use super::super::mistakes::{Mistakes, Place, Reported};
use super::format::instant;
use super::model::{
    BoundaryKey, Direction, FollowPlan, FollowRules, IncrementalMode, RangeEdge, RowOrder,
};
use super::windows::{initial_now, refuse_reading_twice};
use super::{Context, Parts};
use crate::cursor::{CursorValue, Lag};
use crate::plan::CursorFormat;
use crate::plan::WriteDisposition;
use crate::spec;

pub(super) fn compile(
    incremental: &spec::Incremental,
    formats: Vec<CursorFormat>,
    context: &Context<'_>,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<Parts, Reported> {
    let direction = match incremental.last_value_func {
        None | Some(spec::LastValueFunction::Max) => Direction::Up,
        Some(spec::LastValueFunction::Min) => Direction::Down,
    };
    let initial_place = place.key("initial_value");
    let initial_value = match &incremental.initial_value {
        None => Ok(None),
        Some(spec::CursorPoint::Now) => Err(initial_now(&initial_place, mistakes)),
        Some(point) => value(point, &formats, &initial_place, mistakes).map(Some),
    };
    let end_place = place.key("end_value");
    let end_value = match &incremental.end_value {
        None => Ok(None),
        Some(point) => value(point, &formats, &end_place, mistakes).map(Some),
    };
    let start = edge(incremental.range_start, RangeEdge::Closed);
    let end = edge(incremental.range_end, RangeEdge::Open);
    if let (Ok(Some(initial)), Ok(Some(end_value))) = (&initial_value, &end_value) {
        check_range(initial, end_value, direction, end, &end_place, mistakes);
    }
    if end == RangeEdge::Closed && incremental.end_value.is_none() {
        mistakes.add(
            "plan::range_end",
            &place.key("range_end"),
            "`range_end` says how `end_value` is meant, and there is none",
            None,
        );
    }
    let lag = incremental.lag.as_ref().map(|lag| match lag {
        spec::CursorLag::Span(span, _) => Lag::Span(span.0),
        spec::CursorLag::Number(number) => Lag::Number(number.to_string()),
    });
    let lag =
        lag.filter(|lag| !matches!(lag, Lag::Number(number) if number == "0" || number == "0.0"));
    if lag.is_some() {
        refuse_reading_twice("lag", context, place, mistakes);
    }
    if let (Some(Lag::Span(_)), Ok(Some(CursorValue::Number(number)))) = (&lag, &initial_value) {
        mistakes.add(
            "plan::lag",
            &place.key("lag"),
            format!("the cursor holds numbers, such as {number}, and `lag` is a length of time"),
            "give the number to look back, or the `format` of the times, such as `unix`".to_owned(),
        );
    }
    let boundary = match &incremental.primary_key {
        _ if lag.is_some() || start == RangeEdge::Open => BoundaryKey::None,
        // What is left out would be taken for deleted.
        _ if context.concerns_absent => BoundaryKey::None,
        Some(key) if key.0.is_empty() => BoundaryKey::None,
        Some(key) => BoundaryKey::Fields(key.0.clone()),
        // A merge takes a row that has changed and kept its cursor; only what is the same is left out.
        None if context.primary_key.is_empty()
            || context.write_disposition == WriteDisposition::Merge =>
        {
            BoundaryKey::WholeRecord
        }
        None => BoundaryKey::Fields(context.primary_key.to_vec()),
    };
    let rules = FollowRules {
        direction,
        start,
        end,
        row_order: incremental.row_order.map(|order| match order {
            spec::RowOrder::Asc => RowOrder::Ascending,
            spec::RowOrder::Desc => RowOrder::Descending,
        }),
        boundary,
    };
    let plan = FollowPlan {
        initial_value: initial_value?,
        end_value: end_value?,
        lag,
        format: formats.first().cloned(),
        direction,
        end,
        subject: subject(incremental, &formats, direction),
    };
    Ok((IncrementalMode::Follow(plan), formats, Some(rules)))
}

/// A value of the spec: a time where formats are declared, else as it is spelled.
fn value(
    point: &spec::CursorPoint,
    formats: &[CursorFormat],
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<CursorValue, Reported> {
    Ok(match point {
        _ if !formats.is_empty() => CursorValue::Time(instant(point, formats, place, mistakes)?),
        spec::CursorPoint::Number(number) => CursorValue::Number(number.to_string()),
        spec::CursorPoint::Text(text) => CursorValue::from_spec(text),
        spec::CursorPoint::Now => CursorValue::Text("now".to_owned()),
    })
}

fn check_range(
    initial: &CursorValue,
    end_value: &CursorValue,
    direction: Direction,
    end: RangeEdge,
    place: &Place,
    mistakes: &mut Mistakes,
) {
    let order = match (initial.key(), end_value.key()) {
        (Some(initial), Some(end_value)) => initial.compare(&end_value),
        _ => None,
    };
    let fits = match (order, direction, end) {
        (Some(Ordering::Less), Direction::Up, _)
        | (Some(Ordering::Greater), Direction::Down, _)
        | (Some(Ordering::Equal), _, RangeEdge::Closed) => true,
        (None, ..) => {
            mistakes.add(
                "plan::end_value",
                place,
                format!("`end_value` is {end_value} and `initial_value` {initial}: these can't be compared"),
                "give both as times, as numbers or as other texts".to_owned(),
            );
            return;
        }
        _ => false,
    };
    if !fits {
        let expected = match direction {
            Direction::Up => "later than",
            Direction::Down => "before",
        };
        mistakes.add(
            "plan::end_value",
            place,
            format!("`end_value` isn't {expected} `initial_value`"),
            (direction == Direction::Down)
                .then(|| "with `last_value_func: min` the start is the upper bound".to_owned()),
        );
    }
}

fn edge(given: Option<spec::RangeEdge>, default: RangeEdge) -> RangeEdge {
    match given {
        None => default,
        Some(spec::RangeEdge::Closed) => RangeEdge::Closed,
        Some(spec::RangeEdge::Open) => RangeEdge::Open,
    }
}

/// What a state is about; a state of something else can't be gone on with.
fn subject(
    incremental: &spec::Incremental,
    formats: &[CursorFormat],
    direction: Direction,
) -> String {
    let path = incremental.cursor_path.as_deref().unwrap_or_default();
    let path = path.strip_prefix("$.").unwrap_or(path);
    let kind = if formats.is_empty() {
        ""
    } else {
        "the times in "
    };
    match direction {
        Direction::Up => format!("followed by {kind}`{path}`"),
        Direction::Down => format!("followed down by {kind}`{path}`"),
    }
}
