//! Where a followed resource goes on.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::slice::SlicesError;
use crate::cursor::{CursorValue, Way};
use crate::flow::{CursorRange, Reach, Slice};
use crate::plan::{CursorFormat, Direction, FollowPlan, RangeEdge};

/// The range of one part that is still to be read: from the last value, less the lag, but not before the initial value.
///
/// `None` where it would be empty.
pub(super) fn follow(
    plan: &FollowPlan,
    slice: &Slice,
    before: &Reach,
) -> Result<Option<CursorRange>, SlicesError> {
    let way = match plan.direction {
        Direction::Up => Way::Down,
        Direction::Down => Way::Up,
    };
    let dates = plan.format.as_ref().is_some_and(CursorFormat::is_date);
    let start = match (&before.last_value, &plan.lag) {
        (None, _) => plan.initial_value.clone(),
        (Some(last), None) => Some(last.clone()),
        (Some(last), Some(lag)) => {
            let lagged = lag
                .apply(last, way, dates)
                .map_err(|source| SlicesError::Lag {
                    resource: slice.resource.clone(),
                    slice: slice.id(),
                    source,
                })?;
            Some(match &plan.initial_value {
                Some(initial)
                    if order(
                        plan,
                        slice,
                        (last, initial, "initial_value"),
                        &lagged,
                        initial,
                    )? == Ordering::Less =>
                {
                    initial.clone()
                }
                _ => lagged,
            })
        }
    };
    if let (Some(start), Some(end)) = (&start, &plan.end_value) {
        match order(plan, slice, (start, end, "end_value"), start, end)? {
            Ordering::Less => {}
            Ordering::Equal if plan.end == RangeEdge::Closed => {}
            Ordering::Equal | Ordering::Greater => return Ok(None),
        }
    }
    let at_last_value = start.is_some() && start == before.last_value;
    Ok(Some(CursorRange {
        start,
        end: plan.end_value.clone(),
        loaded: if at_last_value {
            before.loaded.clone()
        } else {
            BTreeSet::default()
        },
    }))
}

/// How two values follow each other on the way of the cursor. `named` is what an error shows.
fn order(
    plan: &FollowPlan,
    slice: &Slice,
    named: (&CursorValue, &CursorValue, &'static str),
    left: &CursorValue,
    right: &CursorValue,
) -> Result<Ordering, SlicesError> {
    let keys = left.key().zip(right.key());
    let order = keys.and_then(|(left, right)| left.compare(&right));
    let order = order.ok_or_else(|| SlicesError::Kind {
        resource: slice.resource.clone(),
        slice: slice.id(),
        last_value: named.0.to_string(),
        key: named.2,
        value: named.1.to_string(),
    })?;
    Ok(match plan.direction {
        Direction::Up => order,
        Direction::Down => order.reverse(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cursor::Lag;

    fn number(text: &str) -> CursorValue {
        CursorValue::Number(text.to_owned())
    }

    fn plan(initial: Option<&str>, end: Option<&str>, lag: Option<&str>) -> FollowPlan {
        FollowPlan {
            initial_value: initial.map(number),
            end_value: end.map(number),
            lag: lag.map(|lag| Lag::Number(lag.to_owned())),
            format: None,
            direction: Direction::Up,
            end: RangeEdge::Open,
            subject: String::new(),
        }
    }

    fn check(plan: &FollowPlan, last: Option<CursorValue>, expected: &str) {
        let before = Reach {
            loaded: last.iter().map(ToString::to_string).collect(),
            last_value: last,
            ..Reach::default()
        };
        let show = |value: Option<CursorValue>| value.map(|value| value.to_string());
        let shown = match follow(plan, &Slice::default(), &before) {
            Ok(None) => "nothing".to_owned(),
            Ok(Some(range)) => format!(
                "{}..{} {}",
                show(range.start).unwrap_or_default(),
                show(range.end).unwrap_or_default(),
                range.loaded.len()
            ),
            Err(error) => error.to_string(),
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_run_starts_at_the_last_value_or_the_initial_one() {
        check(&plan(None, None, None), None, ".. 0");
        check(&plan(Some("5"), None, None), None, "5.. 0");
        check(&plan(Some("5"), None, None), Some(number("7")), "7.. 1");
        check(
            &plan(Some("5"), Some("9"), None),
            Some(number("7")),
            "7..9 1",
        );
        check(
            &plan(Some("5"), Some("9"), None),
            Some(number("9")),
            "nothing",
        );
    }

    #[test]
    fn a_lag_leads_back_but_not_before_the_initial_value() {
        check(
            &plan(Some("5"), None, Some("2")),
            Some(number("10")),
            "8.. 0",
        );
        check(
            &plan(Some("5"), None, Some("2")),
            Some(number("6")),
            "5.. 0",
        );
        let mut down = plan(Some("5"), None, Some("2"));
        down.direction = Direction::Down;
        check(&down, Some(number("1")), "3.. 0");
        check(&down, Some(number("4")), "5.. 0");
    }

    #[test]
    fn values_of_different_kinds_are_refused() {
        let text = CursorValue::Text("x".to_owned());
        check(
            &plan(None, Some("9"), None),
            Some(text),
            "find where to go on with ``, slice `all`: the last value is \"x\", and `end_value` is 9; give it as a \
             value of the same kind",
        );
    }
}
