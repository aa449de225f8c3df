//! Moving a cursor's value back by a lag.

use jiff::civil::DateTime;
use jiff::tz::Offset;
use jiff::{SignedDuration, Span};

use super::time_text::TimeText;
use super::{CursorValue, ExactNumber};

/// Digits of the numbers that a lag can be taken from.
const DIGITS: u8 = 38;

/// How far behind the last value a run starts.
#[derive(Clone, Debug)]
pub enum Lag {
    /// A number as it is spelled: units of a number, seconds of a time, days of a date.
    Number(String),
    /// A length of time, in calendar steps.
    Span(Span),
}

/// A lag that can't be taken from a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LagError {
    /// The value is of another kind.
    #[error("take the lag from {value}: {expected}")]
    Kind {
        /// The value.
        value: String,
        /// What would fit.
        expected: &'static str,
    },
    /// The result is out of range.
    #[error("take the lag from {value}: the result is out of range")]
    OutOfRange {
        /// The value.
        value: String,
    },
}

/// Which way a lag goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// To smaller values.
    Down,
    /// To larger values.
    Up,
}

impl Lag {
    /// The value that lies a lag before `value`, or behind it where values are followed downwards.
    ///
    /// A text keeps its spelling. `dates` tells that times are dates, so that a number counts days.
    pub(crate) fn apply(
        &self,
        value: &CursorValue,
        way: Way,
        dates: bool,
    ) -> Result<CursorValue, LagError> {
        let out_of_range = || LagError::OutOfRange {
            value: value.to_string(),
        };
        match value {
            CursorValue::Number(spelled) | CursorValue::Written(spelled) => match self {
                Self::Number(lag) => moved_number(spelled, lag, way)
                    .map(CursorValue::Number)
                    .ok_or_else(out_of_range),
                Self::Span(_) => Err(LagError::Kind {
                    value: value.to_string(),
                    expected: "a number takes a number, such as `lag: 100`",
                }),
            },
            CursorValue::Text(text) => {
                let Some(time) = TimeText::parse(text) else {
                    return Err(LagError::Kind {
                        value: value.to_string(),
                        expected: "only numbers and times have a lag",
                    });
                };
                let moved = self
                    .moved_time(time.moment, way, time.is_date())
                    .ok_or_else(out_of_range)?;
                Ok(CursorValue::Text(time.spell(moved)))
            }
            CursorValue::Time(instant) => self
                .moved_time(Offset::UTC.to_datetime(*instant), way, dates)
                .and_then(|moved| Offset::UTC.to_timestamp(moved).ok())
                .map(CursorValue::Time)
                .ok_or_else(out_of_range),
        }
    }

    fn moved_time(&self, time: DateTime, way: Way, dates: bool) -> Option<DateTime> {
        match (self, way) {
            (Self::Span(span), Way::Down) => time.checked_sub(*span).ok(),
            (Self::Span(span), Way::Up) => time.checked_add(*span).ok(),
            (Self::Number(spelled), way) => {
                let seconds_per_unit = if dates { 86_400 } else { 1 };
                let nanoseconds = ExactNumber::parse(spelled.as_bytes())?
                    .shifted(9)
                    .to_decimal(DIGITS, 0)?
                    .checked_mul(seconds_per_unit)?;
                let seconds = i64::try_from(nanoseconds.div_euclid(1_000_000_000)).ok()?;
                let rest = i32::try_from(nanoseconds.rem_euclid(1_000_000_000)).ok()?;
                let length = SignedDuration::new(seconds, rest);
                match way {
                    Way::Down => time.checked_sub(length).ok(),
                    Way::Up => time.checked_add(length).ok(),
                }
            }
        }
    }
}

fn moved_number(value: &str, lag: &str, way: Way) -> Option<String> {
    let (value, lag) = (
        ExactNumber::parse(value.as_bytes())?,
        ExactNumber::parse(lag.as_bytes())?,
    );
    let scale = i8::try_from(value.scale().max(lag.scale())).ok()?;
    let (value, lag) = (
        value.to_decimal(DIGITS, scale)?,
        lag.to_decimal(DIGITS, scale)?,
    );
    let moved = match way {
        Way::Down => value.checked_sub(lag)?,
        Way::Up => value.checked_add(lag)?,
    };
    Some(ExactNumber::from_decimal(moved, scale).canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lagged(json: &str, lag: &Lag) -> String {
        let value = CursorValue::from_json(json.as_bytes()).unwrap();
        match lag.apply(&value, Way::Down, false) {
            Ok(value) => value.to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_number_counts_units_seconds_or_days() {
        let two = Lag::Number("2".to_owned());
        assert_eq!(lagged("10", &two), "8");
        assert_eq!(lagged("10.25", &two), "8.25");
        assert_eq!(lagged(r#""2024-03-01""#, &two), r#""2024-02-28""#);
        assert_eq!(
            lagged(r#""2024-03-01T00:00:01.50+01:00""#, &two),
            r#""2024-02-29T23:59:59.50+01:00""#
        );
        assert_eq!(
            lagged(r#""x1""#, &two),
            r#"take the lag from "x1": only numbers and times have a lag"#
        );
    }

    #[test]
    fn a_length_of_time_is_for_times() {
        let month = Lag::Span("1mo".parse().unwrap());
        assert_eq!(lagged(r#""2024-03-31""#, &month), r#""2024-02-29""#);
        assert_eq!(
            lagged("10", &month),
            "take the lag from 10: a number takes a number, such as `lag: 100`"
        );
        let time = CursorValue::Time("2024-01-01T00:00:00Z".parse().unwrap());
        let days = Lag::Number("1".to_owned());
        assert_eq!(
            days.apply(&time, Way::Up, true).unwrap().to_string(),
            "2024-01-02T00:00:00Z"
        );
    }
}
