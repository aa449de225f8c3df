//! Requests with placeholders in them.
//!
//! `{resources.<parent>.<path>}`, `{incremental.start_value}` (also `last_value`), `{incremental.end_value}`,
//! `{incremental.initial_value}`, `{incremental.lag}`, `{partition.<key>}` and `{job.id}` are filled in for each slice;
//! `{{` and `}}` are literal braces. Behind a bar come filters, `{incremental.start_value | strftime('%Y-%m')}`.

mod bindings;
mod json;
mod param;
mod parse;
mod placeholder;

#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Range;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

pub use bindings::{Bindings, IncrementalValues};
pub use json::JsonTemplate;
pub use param::{BooleanEncoding, ListEncoding, ParamTemplate, ValueEncoding};
use placeholder::Placeholder;

/// What a path segment keeps as it is: the unreserved characters of RFC 3986.
pub(in crate::plan) const PATH_VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Text with placeholders.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Template {
    parts: Vec<Part>,
}

/// Literal text or a placeholder.
#[derive(Clone, Debug, PartialEq)]
enum Part {
    Text(String),
    Placeholder(Placeholder),
}

/// What a placeholder stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reference {
    /// `{resources.<resource>.<path>}`: a value of the parent record.
    Parent {
        /// Name of the parent resource.
        resource: String,
        /// Path of the value in the parent's record, as it was written.
        path: String,
    },
    /// `{incremental.…}`: an edge of the slice's window.
    Incremental(IncrementalReference),
    /// `{partition.<key>}`: a value of `for_each`.
    Partition(String),
    /// `{job.id}`: the id of the job that was created for the slice.
    JobId,
}

/// The values of an incremental resource. All are fixed for the whole slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IncrementalReference {
    /// The slice's start.
    StartValue,
    /// Another name of the slice's start: it doesn't move while records come in.
    LastValue,
    /// The slice's end.
    EndValue,
    /// Where the first run started.
    InitialValue,
    /// The lag as the spec gives it.
    Lag,
}

/// The first word of a placeholder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// `resources`: the resource depends on a parent.
    Resources,
    /// `incremental`: the resource has a time cursor.
    Incremental,
    /// `partition`: the resource has `for_each`.
    Partition,
    /// `job`: the request belongs to a job that has been created.
    Job,
}

/// A placeholder that can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read `{found}`: expected {expected}")]
pub struct TemplateError {
    /// Keys and indexes from the root of a list or JSON body to the text; empty where the text stands alone.
    pub path: Vec<String>,
    /// The bytes of the text that are wrong.
    pub range: Range<usize>,
    /// The text of these bytes.
    pub found: String,
    /// What would be right, as a phrase.
    pub expected: String,
    /// Names that would be right in this place, for a suggestion; may be empty.
    pub valid: Vec<&'static str>,
}

/// A placeholder that has no fitting value in a slice.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The value is null or absent.
    #[error("fill in `{reference}`: the value is null or absent")]
    Absent {
        /// The placeholder.
        reference: Reference,
    },
    /// The value is a list or an object where text is needed.
    #[error("fill in `{reference}`: the value is a list or an object, which can't be written here")]
    NotScalar {
        /// The placeholder.
        reference: Reference,
    },
    /// A filter fails for the value.
    #[error("fill in `{reference}`: {problem}")]
    Filter {
        /// The placeholder.
        reference: Reference,
        /// Why.
        problem: String,
    },
    /// The value would change the path: it is empty, `.` or `..`.
    #[error("fill in `{reference}`: `{value}` can't be a path segment")]
    NotSegment {
        /// The placeholder.
        reference: Reference,
        /// The value.
        value: String,
    },
}

impl Template {
    /// Reads a text; placeholders of other contexts than those allowed are an error.
    pub fn parse(text: &str, allowed: &[Context]) -> Result<Self, TemplateError> {
        parse::parse(text, allowed)
    }

    /// The placeholders, in order.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.parts.iter().filter_map(|part| match part {
            Part::Placeholder(placeholder) => Some(&placeholder.reference),
            Part::Text(_) => None,
        })
    }

    /// The text, where there is no placeholder in it.
    pub fn literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Fills in the placeholders as text. Numbers and booleans are written as in JSON; the values of a batch of parent
    /// records are joined by commas.
    pub fn render(&self, bindings: &Bindings<'_>) -> Result<String, RenderError> {
        self.render_with(bindings, BooleanEncoding::Lower)
    }

    fn render_with(
        &self,
        bindings: &Bindings<'_>,
        booleans: BooleanEncoding,
    ) -> Result<String, RenderError> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(literal) => text.push_str(literal),
                Part::Placeholder(placeholder) => {
                    text.push_str(&placeholder.texts(bindings, booleans)?.join(","));
                }
            }
        }
        Ok(text)
    }

    /// Fills in the placeholders of a path: each value is percent-encoded, so that it stays within its segment.
    pub fn render_path(&self, bindings: &Bindings<'_>) -> Result<String, RenderError> {
        let mut path = String::new();
        for part in &self.parts {
            match part {
                Part::Text(literal) => path.push_str(literal),
                Part::Placeholder(placeholder) => {
                    let values = placeholder.texts(bindings, BooleanEncoding::Lower)?;
                    for (index, value) in values.into_iter().enumerate() {
                        if matches!(value.as_str(), "" | "." | "..") {
                            return Err(RenderError::NotSegment {
                                reference: placeholder.reference.clone(),
                                value,
                            });
                        }
                        if index > 0 {
                            path.push(',');
                        }
                        path.extend(utf8_percent_encode(&value, PATH_VALUE));
                    }
                }
            }
        }
        Ok(path)
    }

    /// Fills in the placeholders as a JSON value: a text that is exactly one placeholder gives the value itself.
    pub fn render_value(&self, bindings: &Bindings<'_>) -> Result<Value, RenderError> {
        match self.parts.as_slice() {
            [Part::Placeholder(placeholder)] => placeholder.present(bindings),
            _ => self.render(bindings).map(Value::String),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parent { resource, path } => write!(formatter, "{{resources.{resource}.{path}}}"),
            Self::Incremental(value) => write!(formatter, "{{incremental.{}}}", value.name()),
            Self::Partition(key) => write!(formatter, "{{partition.{key}}}"),
            Self::JobId => formatter.write_str("{job.id}"),
        }
    }
}

impl IncrementalReference {
    const ALL: [Self; 5] = [
        Self::StartValue,
        Self::LastValue,
        Self::EndValue,
        Self::InitialValue,
        Self::Lag,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::StartValue => "start_value",
            Self::LastValue => "last_value",
            Self::EndValue => "end_value",
            Self::InitialValue => "initial_value",
            Self::Lag => "lag",
        }
    }
}

/// The text of a string, number or boolean.
fn scalar(value: Value, booleans: BooleanEncoding) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(booleans.text(truth).to_owned()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
