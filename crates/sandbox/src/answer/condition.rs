//! Which records a request selects.

use std::{borrow::Cow, fmt};

use jiff::{Timestamp, civil::Date, tz::Offset};
use serde_json::Value;

use super::{BadParameter, Parameters};
use crate::{
    data::{Records, text_of},
    fixture::Filter,
};

/// The conditions of a filter that a request states; they hold together.
#[derive(Debug, Default)]
pub(super) struct Conditions<'a> {
    time: Option<Span<'a>>,
    /// Fields with the text that they must equal or hold.
    equal: Vec<(&'a str, &'a str)>,
}

/// `from` ≤ field < `to`.
#[derive(Debug)]
struct Span<'a> {
    field: &'a str,
    from: Option<i64>,
    to: Option<i64>,
}

impl<'a> Conditions<'a> {
    pub(super) fn read(
        filter: &'a Filter,
        parameters: &'a Parameters,
    ) -> Result<Self, BadParameter> {
        let mut conditions = Self::default();
        if let Some(time) = &filter.time {
            let edge = |name: &Option<String>| -> Result<Option<i64>, BadParameter> {
                let Some(name) = name else { return Ok(None) };
                let Some(text) = parameters.get(name) else {
                    return Ok(None);
                };
                let message = || BadParameter(format!("Invalid {name}: must be a time"));
                moment(text).map(Some).ok_or_else(message)
            };
            let span = Span {
                field: &time.field,
                from: edge(&time.from)?,
                to: edge(&time.to)?,
            };
            conditions.time = Some(span).filter(|span| span.from.is_some() || span.to.is_some());
        }
        for (parameter, field) in &filter.equal {
            if let Some(value) = parameters.get(parameter) {
                conditions.equal.push((field, value));
            }
        }
        Ok(conditions)
    }

    /// Whether every record is selected.
    pub(super) fn is_empty(&self) -> bool {
        self.time.is_none() && self.equal.is_empty()
    }

    /// The rows of the selected records.
    pub(super) fn select(&self, records: &Records) -> Vec<u32> {
        (0..records.len())
            .filter(|row| self.holds(records, *row))
            .filter_map(|row| u32::try_from(row).ok())
            .collect()
    }

    fn holds(&self, records: &Records, row: usize) -> bool {
        if let Some(span) = &self.time {
            let moment = records
                .field(span.field, row)
                .and_then(|json| moment(&text_of(json)));
            let is_inside = moment.is_some_and(|moment| {
                span.from.is_none_or(|from| from <= moment) && span.to.is_none_or(|to| moment < to)
            });
            if !is_inside {
                return false;
            }
        }
        self.equal.iter().all(|(field, wanted)| {
            records
                .field(field, row)
                .is_some_and(|json| equals_or_holds(json, wanted))
        })
    }
}

impl fmt::Display for Conditions<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(span) = &self.time {
            write!(formatter, "{}:{:?}..{:?}", span.field, span.from, span.to)?;
        }
        write!(formatter, "{:?}", self.equal)
    }
}

/// A time as a number: a number as it is, text in Unix seconds.
fn moment(text: &str) -> Option<i64> {
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(timestamp.as_second());
    }
    let date: Date = text.parse().ok()?;
    let midnight = Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()?;
    Some(midnight.as_second())
}

fn equals_or_holds(json: &[u8], wanted: &str) -> bool {
    if json.first() != Some(&b'[') {
        return text_of(json) == wanted;
    }
    let items: Vec<Value> = serde_json::from_slice(json).unwrap_or_default();
    items.iter().any(|item| {
        let text = match item {
            Value::String(text) => Cow::Borrowed(text.as_str()),
            other => Cow::Owned(other.to_string()),
        };
        text == wanted
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_times_as_numbers() {
        assert_eq!(moment("1704067200"), Some(1_704_067_200));
        assert_eq!(moment("2024-01-01T00:00:00Z"), Some(1_704_067_200));
        assert_eq!(moment("2024-01-01"), Some(1_704_067_200));
        assert_eq!(moment("yesterday"), None);
    }

    #[test]
    fn a_list_holds_its_items() {
        assert!(equals_or_holds(br#"["phone","chat"]"#, "chat"));
        assert!(!equals_or_holds(br#"["phone","chat"]"#, "ch"));
        assert!(equals_or_holds(br#""phone""#, "phone"));
        assert!(equals_or_holds(b"7", "7"));
    }
}
