//! Values of `incremental` with a written form of their own.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};
use serde_json::Number;

use super::value::{OneOrMany, TimeSpan};

/// A value of a cursor: a time (RFC 3339, or a date, which means midnight UTC), a number, a text, or `now`.
#[derive(Clone, Debug, PartialEq)]
pub enum CursorPoint {
    /// A text.
    Text(String),
    /// A number.
    Number(Number),
    /// The moment at which the run starts.
    Now,
}

impl fmt::Display for CursorPoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => formatter.write_str(text),
            Self::Number(number) => write!(formatter, "{number}"),
            Self::Now => formatter.write_str("now"),
        }
    }
}

impl<'de> Deserialize<'de> for CursorPoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CursorPointVisitor;

        impl Visitor<'_> for CursorPointVisitor {
            type Value = CursorPoint;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a time such as `2024-01-31`, a number or a text")
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<CursorPoint, E> {
                Ok(match value {
                    "now" => CursorPoint::Now,
                    text => CursorPoint::Text(text.to_owned()),
                })
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<CursorPoint, E> {
                Ok(CursorPoint::Number(value.into()))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<CursorPoint, E> {
                Ok(CursorPoint::Number(value.into()))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<CursorPoint, E> {
                Number::from_f64(value)
                    .map(CursorPoint::Number)
                    .ok_or_else(|| E::custom(format!("`{value}` is not a finite number")))
            }
        }

        deserializer.deserialize_any(CursorPointVisitor)
    }
}

impl JsonSchema for CursorPoint {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "CursorPoint".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "string", "examples": ["2024-01-31", "2024-01-31T12:00:00Z", "now"] },
                { "type": "number" }
            ]
        })
    }
}

/// How far to look back: a length of time, or a number.
#[derive(Clone, Debug)]
pub enum CursorLag {
    /// A length of time, and its text.
    Span(TimeSpan, String),
    /// Seconds of a time, days of a date, or units of a number.
    Number(Number),
}

impl<'de> Deserialize<'de> for CursorLag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CursorLagVisitor;

        impl Visitor<'_> for CursorLagVisitor {
            type Value = CursorLag;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a length of time such as `3d`, or a number")
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<CursorLag, E> {
                let span = TimeSpan::deserialize(de::value::StrDeserializer::new(value))?;
                Ok(CursorLag::Span(span, value.to_owned()))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<CursorLag, E> {
                Ok(CursorLag::Number(value.into()))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<CursorLag, E> {
                Err(E::custom(format!(
                    "a lag of {value} would look ahead; write a positive number"
                )))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<CursorLag, E> {
                Number::from_f64(value)
                    .filter(|_| value >= 0.0)
                    .map(CursorLag::Number)
                    .ok_or_else(|| {
                        E::custom(format!(
                            "a lag of {value} would look ahead; write a positive number"
                        ))
                    })
            }
        }

        deserializer.deserialize_any(CursorLagVisitor)
    }
}

impl JsonSchema for CursorLag {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "CursorLag".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [TimeSpan::json_schema(generator), { "type": "number", "minimum": 0 }]
        })
    }
}

/// One format or several; empty where none was given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct CursorFormats(pub OneOrMany);

impl JsonSchema for CursorFormats {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "CursorFormats".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let one = serde_json::json!({
            "anyOf": [
                { "type": "string", "enum": ["rfc3339", "date", "unix", "unix_ms"] },
                { "type": "string", "pattern": "%|\\$\\{" }
            ]
        });
        json_schema!({ "anyOf": [one, { "type": "array", "items": one }] })
    }
}
