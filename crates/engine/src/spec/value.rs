//! Values with a written form of their own.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};

/// Text that may hold placeholders, such as `people/{resources.people.id}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct TemplateText(pub String);

/// A JSON value whose strings may hold placeholders.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct TemplateValue(pub serde_json::Value);

/// One string or a list of strings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OneOrMany(pub Vec<String>);

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrManyVisitor;

        impl<'de> Visitor<'de> for OneOrManyVisitor {
            type Value = OneOrMany;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string or a list of strings")
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<OneOrMany, E> {
                Ok(OneOrMany(vec![value.to_owned()]))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<OneOrMany, A::Error> {
                let mut all = Vec::new();
                while let Some(item) = items.next_element()? {
                    all.push(item);
                }
                Ok(OneOrMany(all))
            }
        }

        deserializer.deserialize_any(OneOrManyVisitor)
    }
}

impl JsonSchema for OneOrMany {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "OneOrMany".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }]
        })
    }
}

/// A length of time: a number and a unit, such as `30s`, `2m`, `12h`, `7d`, `2w`, `1mo` or `1y`.
///
/// Days and longer units are calendar steps in UTC.
#[derive(Clone, Copy, Debug)]
pub struct TimeSpan(pub jiff::Span);

impl TimeSpan {
    /// The length as a fixed duration; a day is 24 hours. `None` for months and years, which have no fixed length.
    pub fn fixed(&self) -> Option<Duration> {
        if self.0.get_months() != 0 || self.0.get_years() != 0 {
            return None;
        }
        let marker = jiff::SpanRelativeTo::days_are_24_hours();
        let length = self.0.to_duration(marker).ok()?;
        Duration::try_from(length).ok()
    }
}

impl<'de> Deserialize<'de> for TimeSpan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let span: Option<jiff::Span> = text.parse().ok();
        span.filter(jiff::Span::is_positive)
            .map(Self)
            .ok_or_else(|| {
                de::Error::custom(format!(
                    "`{text}` is not a length of time; write a number and a unit, such as `30s`, `2m`, `12h` or `7d`"
                ))
            })
    }
}

impl JsonSchema for TimeSpan {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "TimeSpan".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^ *([0-9]+ *(ms|s|m|h|d|w|mo|y|[a-z]{3,}) *)+$",
            "examples": ["30s", "2m", "12h", "7d", "1mo"]
        })
    }
}

/// Reads RFC 3339 or a date (midnight UTC).
pub fn parse_time(text: &str) -> Option<jiff::Timestamp> {
    if let Ok(instant) = text.parse() {
        return Some(instant);
    }
    let date: jiff::civil::Date = text.parse().ok()?;
    jiff::tz::TimeZone::UTC
        .to_timestamp(date.at(0, 0, 0, 0))
        .ok()
}

/// A range of HTTP statuses: one number, or the text `500-599`, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusRange {
    /// Lowest status.
    pub first: u16,
    /// Highest status.
    pub last: u16,
}

impl<'de> Deserialize<'de> for StatusRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StatusRangeVisitor;

        impl Visitor<'_> for StatusRangeVisitor {
            type Value = StatusRange;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an HTTP status such as 503, or a range such as `500-599`")
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<StatusRange, E> {
                self.visit_str(&value.to_string())
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<StatusRange, E> {
                let (first, last) = value.split_once('-').unwrap_or((value, value));
                let status = |text: &str| {
                    let status: Option<u16> = text.trim().parse().ok();
                    status.filter(|status| (100..=599).contains(status))
                };
                match (status(first), status(last)) {
                    (Some(first), Some(last)) if first <= last => Ok(StatusRange { first, last }),
                    _ => Err(E::custom(format!(
                        "`{value}` is neither an HTTP status (100 to 599) nor a range such as `500-599`"
                    ))),
                }
            }
        }

        deserializer.deserialize_any(StatusRangeVisitor)
    }
}

impl JsonSchema for StatusRange {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "StatusRange".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "integer", "minimum": 100, "maximum": 599 },
                { "type": "string", "pattern": "^[1-5][0-9][0-9]( *- *[1-5][0-9][0-9])?$" }
            ]
        })
    }
}

/// HTTP statuses: one number or range, or a list of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatusRanges(pub Vec<StatusRange>);

impl<'de> Deserialize<'de> for StatusRanges {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StatusRangesVisitor;

        impl<'de> Visitor<'de> for StatusRangesVisitor {
            type Value = StatusRanges;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(
                    "an HTTP status such as 404, a range such as `500-599`, or a list of them",
                )
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<StatusRanges, E> {
                self.visit_str(&value.to_string())
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<StatusRanges, E> {
                let range = StatusRange::deserialize(de::value::StrDeserializer::new(value))?;
                Ok(StatusRanges(vec![range]))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(
                self,
                mut items: A,
            ) -> Result<StatusRanges, A::Error> {
                let mut all = Vec::new();
                while let Some(item) = items.next_element()? {
                    all.push(item);
                }
                Ok(StatusRanges(all))
            }
        }

        deserializer.deserialize_any(StatusRangesVisitor)
    }
}

impl JsonSchema for StatusRanges {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "StatusRanges".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<StatusRange>();
        json_schema!({ "anyOf": [one.clone(), { "type": "array", "items": one }] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_spans_take_the_usual_units() {
        let fixed = |text: &str| {
            let span: TimeSpan = serde_json::from_value(text.into()).unwrap();
            span.fixed()
        };
        assert_eq!(fixed("2m"), Some(Duration::from_mins(2)));
        assert_eq!(fixed("7d"), Some(Duration::from_hours(7 * 24)));
        assert_eq!(fixed("1mo"), None);
        assert!(serde_json::from_value::<TimeSpan>("0s".into()).is_err());
        assert!(serde_json::from_value::<TimeSpan>("soon".into()).is_err());
    }

    #[test]
    fn times_are_instants_or_dates() {
        let second = |text: &str| parse_time(text).map(jiff::Timestamp::as_second);
        assert_eq!(second("2024-01-01"), Some(1_704_067_200));
        assert_eq!(second("2024-01-01T01:00:00+01:00"), Some(1_704_067_200));
        assert_eq!(second("yesterday"), None);
    }

    #[test]
    fn status_ranges_include_both_ends() {
        let range = |value: serde_json::Value| serde_json::from_value::<StatusRange>(value).ok();
        let expected = StatusRange {
            first: 500,
            last: 599,
        };
        assert_eq!(range("500-599".into()), Some(expected));
        assert!(range(429.into()).is_some());
        assert!(range(42.into()).is_none());
        assert!(range("599-500".into()).is_none());
    }

    #[test]
    fn statuses_are_one_or_many_and_may_be_quoted() {
        let count = |value: serde_json::Value| {
            let ranges: Result<StatusRanges, _> = serde_json::from_value(value);
            ranges.map_or(0, |ranges| ranges.0.len())
        };
        assert_eq!(count(404.into()), 1);
        assert_eq!(count("404".into()), 1);
        assert_eq!(count(serde_json::json!(["404", 410, "500-599"])), 3);
        assert_eq!(count(serde_json::json!(["404", "x"])), 0);
    }
}
