//! Values of cursors: what an incremental resource follows, exact, comparable and kept as it was spelled.

mod lag;
mod time_text;

use std::cmp::Ordering;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use lag::Way;
pub use lag::{Lag, LagError};

use crate::schema::ExactNumber;
use time_text::TimeText;

/// The value of a cursor, in a record or in the state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CursorValue {
    /// A number, as the JSON spells it.
    Number(String),
    /// A text, as it came.
    Text(String),
    /// An instant that was read in a declared format.
    Time(Timestamp),
    /// A text of the spec that spells a number, such as what a variable put in: it stands for the number beside numbers, and
    /// for the text beside texts.
    Written(String),
}

/// What values are compared by. Values of different kinds have no order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CursorKey {
    /// An exact number.
    Number(CursorNumber),
    /// An instant: a time in a declared format, or a text that is an ISO 8601 date or date with time. Naive ones are UTC.
    Instant(Timestamp),
    /// Any other text, by code points.
    Text(String),
    /// A number beside numbers, and else what it is as a text.
    Written(CursorNumber, Box<Self>),
}

/// An exact decimal number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CursorNumber(ExactNumber);

impl CursorValue {
    /// A text of the spec.
    pub fn from_spec(text: &str) -> Self {
        match ExactNumber::parse(text.trim().as_bytes()) {
            Some(_) => Self::Written(text.trim().to_owned()),
            None => Self::Text(text.to_owned()),
        }
    }

    /// The value of a JSON scalar as it is spelled; `None` for null, booleans, lists, objects and damaged text.
    pub fn from_json(json: &[u8]) -> Option<Self> {
        if json.first() == Some(&b'"') {
            return serde_json::from_slice(json).ok().map(Self::Text);
        }
        ExactNumber::parse(json)?;
        let text = std::str::from_utf8(json).ok()?;
        Some(Self::Number(text.to_owned()))
    }

    /// What the value is compared by; `None` for a number that is none, which only damaged state holds.
    pub fn key(&self) -> Option<CursorKey> {
        Some(match self {
            Self::Number(spelled) => {
                CursorKey::Number(CursorNumber(ExactNumber::parse(spelled.as_bytes())?))
            }
            Self::Text(text) => match TimeText::parse(text).and_then(|time| time.instant()) {
                Some(instant) => CursorKey::Instant(instant),
                None => CursorKey::Text(text.clone()),
            },
            Self::Time(instant) => CursorKey::Instant(*instant),
            Self::Written(text) => {
                let number = CursorNumber(ExactNumber::parse(text.as_bytes())?);
                let text = Self::Text(text.clone()).key()?;
                CursorKey::Written(number, Box::new(text))
            }
        })
    }

    /// The value as requests write it where no format is declared: verbatim.
    ///
    /// A number that JSON libraries would spell otherwise becomes text, so that a query has it as it came.
    pub fn verbatim(&self) -> Value {
        match self {
            Self::Number(spelled) => match serde_json::from_str::<Value>(spelled) {
                Ok(Value::Number(number)) if number.to_string() == spelled.as_str() => {
                    Value::Number(number)
                }
                _ => Value::from(spelled.as_str()),
            },
            Self::Text(text) | Self::Written(text) => Value::from(text.as_str()),
            Self::Time(instant) => Value::from(instant.to_string()),
        }
    }
}

impl CursorKey {
    /// How two values compare; `None` where their kinds differ.
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Instant(left), Self::Instant(right)) => Some(left.cmp(right)),
            (Self::Text(left), Self::Text(right)) => Some(left.cmp(right)),
            (
                Self::Number(left) | Self::Written(left, _),
                Self::Number(right) | Self::Written(right, _),
            ) => Some(left.0.compare(&right.0)),
            (Self::Written(_, left), right) => left.compare(right),
            (left, Self::Written(_, right)) => left.compare(right),
            _ => None,
        }
    }
}

impl fmt::Display for CursorValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(spelled) => formatter.write_str(spelled),
            Self::Text(text) | Self::Written(text) => write!(formatter, "\"{text}\""),
            Self::Time(instant) => write!(formatter, "{instant}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compare(left: &str, right: &str) -> Option<Ordering> {
        let key = |json: &str| {
            CursorValue::from_json(json.as_bytes())
                .unwrap()
                .key()
                .unwrap()
        };
        key(left).compare(&key(right))
    }

    #[test]
    fn numbers_compare_exactly() {
        assert_eq!(
            compare("9007199254740993", "9007199254740992"),
            Some(Ordering::Greater)
        );
        assert_eq!(compare("1.10", "1.1"), Some(Ordering::Equal));
        assert_eq!(compare("-2", "-10"), Some(Ordering::Greater));
        assert_eq!(compare("0", "-0.5"), Some(Ordering::Greater));
        assert_eq!(compare("2e3", "1999.99"), Some(Ordering::Greater));
        assert_eq!(compare("0.09", "0.1"), Some(Ordering::Less));
    }

    #[test]
    fn times_compare_as_instants_and_other_texts_by_code_points() {
        let offset = compare(
            r#""2024-01-01T01:00:00+01:00""#,
            r#""2024-01-01T00:00:00Z""#,
        );
        assert_eq!(offset, Some(Ordering::Equal));
        let fraction = compare(r#""2024-01-01T00:00:00.5Z""#, r#""2024-01-01T00:00:00Z""#);
        assert_eq!(fraction, Some(Ordering::Greater));
        assert_eq!(
            compare(r#""2024-01-02""#, r#""2024-01-01 23:59""#),
            Some(Ordering::Greater)
        );
        assert_eq!(compare(r#""a10""#, r#""a9""#), Some(Ordering::Less));
    }

    #[test]
    fn a_text_of_the_spec_may_stand_for_a_number() {
        let written = CursorValue::from_spec("100").key().unwrap();
        for (json, order) in [("99", Ordering::Less), (r#""1001""#, Ordering::Greater)] {
            let other = CursorValue::from_json(json.as_bytes())
                .unwrap()
                .key()
                .unwrap();
            assert_eq!(other.compare(&written), Some(order), "{json}");
            assert_eq!(written.compare(&other), Some(order.reverse()), "{json}");
        }
        assert_eq!(
            CursorValue::from_spec("a1"),
            CursorValue::Text("a1".to_owned())
        );
    }

    #[test]
    fn values_of_different_kinds_have_no_order() {
        assert_eq!(compare("1", r#""1""#), None);
        assert_eq!(compare(r#""2024-01-01""#, r#""soon""#), None);
        for json in ["null", "true", "[1]", "{}", "\"x", ""] {
            assert_eq!(CursorValue::from_json(json.as_bytes()), None, "{json}");
        }
    }

    #[test]
    fn values_are_sent_as_they_came() {
        let verbatim = |json: &str| {
            CursorValue::from_json(json.as_bytes())
                .unwrap()
                .verbatim()
                .to_string()
        };
        assert_eq!(verbatim("42"), "42");
        assert_eq!(verbatim("1.50"), "\"1.50\"");
        assert_eq!(
            verbatim("123456789012345678901234567890"),
            "\"123456789012345678901234567890\""
        );
        assert_eq!(
            verbatim(r#""2024-01-01T01:00:00+01:00""#),
            r#""2024-01-01T01:00:00+01:00""#
        );
    }

    #[test]
    fn values_are_stored_with_their_kind() {
        let stored = serde_json::to_string(&CursorValue::Number("1.50".to_owned())).unwrap();
        assert_eq!(stored, r#"{"number":"1.50"}"#);
        let read: CursorValue = serde_json::from_str(&stored).unwrap();
        assert_eq!(read, CursorValue::Number("1.50".to_owned()));
    }
}
