//! Compiling what is expected of a table.

use std::time::Duration;

use super::IncrementalPlan;
use super::mistakes::{Mistakes, Place};
use crate::spec::{Expect, Otherwise};

/// What is expected of a table behind a run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ExpectPlan {
    /// Rows at least.
    pub rows: Option<u64>,
    /// Age at most of the newest value of the cursor, at the run's start.
    pub newest: Option<Duration>,
    /// By how much the number of rows may differ from what it was, as a part of that.
    pub growth: Option<f64>,
    /// Whether the resource fails where something else is found.
    pub fails: bool,
}

pub(super) fn compile(
    expect: &Expect,
    incremental: Option<&IncrementalPlan>,
    place: &Place,
    mistakes: &mut Mistakes,
) -> ExpectPlan {
    let newest = expect.newest.as_ref().map(|span| {
        let place = place.key("newest");
        if incremental.is_none() {
            mistakes.add(
                "plan::expect_newest",
                &place,
                "`newest` is about the values of a cursor, and the resource has none",
                "give the endpoint an `incremental` with the `cursor_path`, or leave `newest` out"
                    .to_owned(),
            );
        }
        span.fixed().unwrap_or_else(|| {
            mistakes.add(
                "plan::expect_newest",
                &place,
                "months and years differ in length",
                "write it in days or shorter units, such as `30d`".to_owned(),
            );
            Duration::ZERO
        })
    });
    ExpectPlan {
        rows: expect.rows,
        newest,
        growth: expect.growth.map(|percent| percent.0 / 100.0),
        fails: expect.otherwise == Otherwise::Fail,
    }
}
