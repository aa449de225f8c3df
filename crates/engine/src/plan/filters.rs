//! The filters that expressions and placeholders have beside `minijinja`'s own.
//!
//! A time is text in RFC 3339, a date (midnight UTC), or a number of seconds since 1970. Milliseconds look like seconds
//! of a far future, so they are never guessed: `from_unix_ms` says so.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ZonedDateTime};
use minijinja::value::ValueKind;
use minijinja::{Environment, Error, ErrorKind, Value};
use percent_encoding::utf8_percent_encode;

use super::template::PATH_VALUE;
use crate::spec::parse_time;

/// The names of the filters here.
pub(super) const NAMES: [&str; 11] = [
    "add",
    "base64",
    "date",
    "from_unix_ms",
    "json",
    "rfc3339",
    "strftime",
    "subtract",
    "unix",
    "unix_ms",
    "urlencode",
];

/// From here on a number of seconds lies more than three thousand years ahead: it counts milliseconds.
const FIRST_UNLIKELY_SECOND: i64 = 100_000_000_000;

pub(super) fn add_to(environment: &mut Environment<'static>) {
    environment.add_filter("add", |time: &Value, span: &str| moved(time, span, false));
    environment.add_filter("subtract", |time: &Value, span: &str| {
        moved(time, span, true)
    });
    environment.add_filter("base64", |text: &Value| STANDARD.encode(text.to_string()));
    environment.add_filter("urlencode", |text: &Value| {
        utf8_percent_encode(&text.to_string(), PATH_VALUE).to_string()
    });
    environment.add_filter("json", |value: &Value| {
        serde_json::to_string(value).map_err(|error| invalid(error.to_string()))
    });
    environment.add_filter("rfc3339", |value: &Value| {
        Time::read(value).map(|time| time.zoned.timestamp().to_string())
    });
    environment.add_filter("date", |value: &Value| {
        Time::read(value).map(|time| time.zoned.date().to_string())
    });
    environment.add_filter("unix", |value: &Value| {
        Time::read(value).map(|time| whole(&time.zoned, 1_000_000_000))
    });
    environment.add_filter("unix_ms", |value: &Value| {
        Time::read(value).map(|time| whole(&time.zoned, 1_000_000))
    });
    environment.add_filter("from_unix_ms", |value: &Value| {
        let milliseconds = value.as_i64();
        let time = milliseconds.and_then(|number| Timestamp::from_millisecond(number).ok());
        time.map(|time| time.to_string())
            .ok_or_else(|| not_a_time(value))
    });
    environment.add_filter("strftime", |value: &Value, format: &str| {
        let time = Time::read(value)?;
        jiff::fmt::strtime::format(format, &time.zoned)
            .map_err(|error| invalid(format!("`{format}` is no format of times: {error}")))
    });
}

/// A time, and how it was written.
struct Time {
    zoned: ZonedDateTime,
    form: Form,
}

#[derive(Clone, Copy, PartialEq)]
enum Form {
    Text,
    Date,
    Seconds,
}

impl Time {
    fn read(value: &Value) -> Result<Self, Error> {
        let (timestamp, form) = if let Some(text) = value.as_str() {
            let form = if text.parse::<Timestamp>().is_ok() {
                Form::Text
            } else {
                Form::Date
            };
            // An offset in the text is kept, so that a format writes the local time that was meant.
            if form == Form::Text
                && let Some(zoned) = with_offset(text)
            {
                return Ok(Self { zoned, form });
            }
            (parse_time(text), form)
        } else if value.kind() == ValueKind::Number {
            let seconds = value.as_i64().ok_or_else(|| not_a_time(value))?;
            if seconds.abs() >= FIRST_UNLIKELY_SECOND {
                return Err(invalid(format!(
                    "`{value}` is no number of seconds; write `from_unix_ms` before the other filters where it counts \
                     milliseconds"
                )));
            }
            (Timestamp::from_second(seconds).ok(), Form::Seconds)
        } else {
            (None, Form::Text)
        };
        let timestamp = timestamp.ok_or_else(|| not_a_time(value))?;
        Ok(Self {
            zoned: timestamp.to_zoned_datetime(TimeZone::UTC),
            form,
        })
    }

    fn write(&self) -> Value {
        match self.form {
            Form::Date => Value::from(self.zoned.date().to_string()),
            Form::Seconds => Value::from(self.zoned.timestamp().as_second()),
            Form::Text if self.zoned.offset().is_zero() => {
                Value::from(self.zoned.timestamp().to_string())
            }
            Form::Text => Value::from(self.zoned.strftime("%Y-%m-%dT%H:%M:%S%.f%:z").to_string()),
        }
    }
}

fn with_offset(text: &str) -> Option<ZonedDateTime> {
    let pieces = jiff::fmt::temporal::Pieces::parse(text).ok()?;
    let offset = pieces.to_numeric_offset()?;
    let timestamp: Timestamp = text.parse().ok()?;
    Some(timestamp.to_zoned_datetime(TimeZone::fixed(offset)))
}

/// The time this much later or earlier, written as it was.
fn moved(value: &Value, span: &str, back: bool) -> Result<Value, Error> {
    let time = Time::read(value)?;
    let length: Span = span.parse().map_err(|_| {
        invalid(format!(
            "`{span}` is not a length of time; write a number and a unit, such as `12h` or `7d`"
        ))
    })?;
    let moved = if back {
        time.zoned.checked_sub(length)
    } else {
        time.zoned.checked_add(length)
    };
    let zoned = moved.map_err(|error| invalid(error.to_string()))?;
    let keeps_form = match time.form {
        Form::Date => zoned.time() == jiff::civil::Time::midnight(),
        Form::Seconds => zoned.subsec_nanosecond() == 0,
        Form::Text => true,
    };
    let form = if keeps_form { time.form } else { Form::Text };
    Ok(Time { zoned, form }.write())
}

fn whole(zoned: &ZonedDateTime, unit_nanoseconds: i128) -> i64 {
    let units = zoned
        .timestamp()
        .as_nanosecond()
        .div_euclid(unit_nanoseconds);
    i64::try_from(units).expect("the range of timestamps in milliseconds fits 64 bits")
}

fn not_a_time(value: &Value) -> Error {
    invalid(format!(
        "`{value}` is not a time: expected RFC 3339, a date, or whole seconds since 1970"
    ))
}

fn invalid(reason: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, reason)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::plan::Expression;

    fn evaluate(text: &str) -> String {
        let expression = match Expression::parse(text, &[]) {
            Ok(expression) => expression,
            Err(error) => return error.to_string(),
        };
        match expression.evaluate(&json!({ "t": "2024-01-31T10:00:00.5Z", "s": 1_706_695_200 })) {
            Ok(value) => value.to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn times_are_written_in_every_form() {
        assert_eq!(evaluate("t | strftime('%Y-%m')"), r#""2024-01""#);
        assert_eq!(evaluate("s | strftime('%d.%m.%y')"), r#""31.01.24""#);
        assert_eq!(evaluate("t | date"), r#""2024-01-31""#);
        assert_eq!(evaluate("t | unix"), "1706695200");
        assert_eq!(evaluate("'2024-01-31' | unix_ms"), "1706659200000");
        assert_eq!(evaluate("s | rfc3339"), r#""2024-01-31T10:00:00Z""#);
        assert_eq!(
            evaluate("1706695200500 | from_unix_ms | date"),
            r#""2024-01-31""#
        );
        assert_eq!(
            evaluate("'2024-01-31T23:00:00-05:00' | date"),
            r#""2024-01-31""#
        );
    }

    #[test]
    fn times_move_and_keep_their_form() {
        assert_eq!(evaluate("'2024-01-31' | add('1mo')"), r#""2024-02-29""#);
        assert_eq!(
            evaluate("'2024-01-31' | subtract('12h')"),
            r#""2024-01-30T12:00:00Z""#
        );
        assert_eq!(evaluate("s | add('1d')"), "1706781600");
        assert_eq!(
            evaluate("t | subtract('1d')"),
            r#""2024-01-30T10:00:00.5Z""#
        );
        assert_eq!(
            evaluate("'2024-01-31T10:00:00+01:00' | add('1h')"),
            r#""2024-01-31T11:00:00+01:00""#
        );
    }

    #[test]
    fn text_is_encoded() {
        assert_eq!(evaluate("'a b' | base64"), r#""YSBi""#);
        assert_eq!(evaluate("'a/b c' | urlencode"), r#""a%2Fb%20c""#);
        assert_eq!(evaluate("['<', 1] | json"), r#""[\"<\",1]""#);
    }

    #[test]
    fn what_is_no_time_is_told() {
        insta::assert_snapshot!(evaluate("'soon' | date"), @"evaluate `'soon' | date`: invalid operation: `soon` is not a time: expected RFC 3339, a date, or whole seconds since 1970");
        insta::assert_snapshot!(evaluate("1706695200500 | date"), @"evaluate `1706695200500 | date`: invalid operation: `1706695200500` is no number of seconds; write `from_unix_ms` before the other filters where it counts milliseconds");
        insta::assert_snapshot!(evaluate("t | add('soon')"), @"evaluate `t | add('soon')`: invalid operation: `soon` is not a length of time; write a number and a unit, such as `12h` or `7d`");
    }
}
