//! A placeholder: what it stands for, and the filters behind its bar.

use serde_json::Value;

use super::{Bindings, BooleanEncoding, Reference, RenderError};
use crate::plan::{Expression, ExpressionError};

/// A time as a filter may get it, in the forms in which windows are written.
fn sample_times() -> [Value; 3] {
    [
        Value::from("2024-01-31T12:00:00Z"),
        Value::from(1_706_702_400_i64),
        Value::from(1_706_702_400_000_i64),
    ]
}

/// A reference, such as `incremental.start_value`, and what is done to its value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Placeholder {
    pub(super) reference: Reference,
    filters: Option<Filters>,
}

/// Filters in a row, as an expression of `value`.
#[derive(Clone, Debug, PartialEq)]
struct Filters {
    expression: Expression,
    /// The first one is `default`, which has a value for what is absent.
    takes_absent: bool,
}

impl Placeholder {
    /// `filters` is the text behind the first bar.
    pub(super) fn new(
        reference: Reference,
        filters: Option<&str>,
    ) -> Result<Self, ExpressionError> {
        let Some(text) = filters else {
            return Ok(Self {
                reference,
                filters: None,
            });
        };
        let text = text.trim();
        let first: String = text
            .chars()
            .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
            .collect();
        let filters = Filters {
            expression: Expression::parse(&format!("value | {text}"), &["value"])?,
            takes_absent: matches!(first.as_str(), "default" | "d"),
        };
        if let Reference::Incremental(_) = reference {
            filters.check_on_times()?;
        }
        Ok(Self {
            reference,
            filters: Some(filters),
        })
    }

    /// The value, filtered; `None` where it is absent or null.
    pub(super) fn find(&self, bindings: &Bindings<'_>) -> Result<Option<Value>, RenderError> {
        let value = bindings
            .value(&self.reference)
            .filter(|value| !value.is_null());
        let Some(filters) = &self.filters else {
            return Ok(value);
        };
        let mut variables = serde_json::Map::new();
        match value {
            Some(value) => {
                variables.insert("value".to_owned(), value);
            }
            None if !filters.takes_absent => return Ok(None),
            None => {}
        }
        let filtered = filters.expression.evaluate(&variables);
        let filtered = filtered.map_err(|error| RenderError::Filter {
            reference: self.reference.clone(),
            problem: error.to_string(),
        })?;
        Ok(Some(filtered).filter(|value| !value.is_null()))
    }

    /// The value, which must be there.
    pub(super) fn present(&self, bindings: &Bindings<'_>) -> Result<Value, RenderError> {
        self.find(bindings)?.ok_or_else(|| RenderError::Absent {
            reference: self.reference.clone(),
        })
    }

    /// The value as text, of a batch of parent records one for each; it must be there, and otherwise no list or object.
    pub(super) fn texts(
        &self,
        bindings: &Bindings<'_>,
        booleans: BooleanEncoding,
    ) -> Result<Vec<String>, RenderError> {
        let text = |value: Value| {
            super::scalar(value, booleans).ok_or_else(|| RenderError::NotScalar {
                reference: self.reference.clone(),
            })
        };
        match self.present(bindings)? {
            Value::Array(values) if bindings.is_batch(&self.reference) => {
                values.into_iter().map(text).collect()
            }
            value => Ok(vec![text(value)?]),
        }
    }
}

impl Filters {
    /// Finds a wrong format before the first request: some time must pass the filters.
    fn check_on_times(&self) -> Result<(), ExpressionError> {
        let mut failed = None;
        for value in sample_times() {
            let variables = serde_json::Map::from_iter([("value".to_owned(), value)]);
            match self.expression.evaluate(&variables) {
                Ok(_) => return Ok(()),
                Err(error) => {
                    failed.get_or_insert(error);
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }
}
