//! A mistake on its way from the node where it was found up to the root.

use std::fmt;
use std::ops::Range;

use serde::de;

use super::super::diagnostic::{Diagnostic, expected_names};
use super::super::document::{Node, Path, Step};
use super::foreign_keys;

/// A mistake on its way up to the root.
#[derive(Debug)]
pub(in crate::spec) struct ReadError(pub(super) Box<Misread>);

#[derive(Debug)]
pub(in crate::spec) struct Misread {
    /// Each level adds its step, so the path is in reverse.
    pub(super) path: Path,
    span: Option<Range<usize>>,
    code: &'static str,
    message: String,
    label: String,
    help: Option<String>,
    pub(super) missing: Option<String>,
}

impl ReadError {
    pub(super) fn new(
        code: &'static str,
        message: String,
        label: &str,
        help: Option<String>,
    ) -> Self {
        Self(Box::new(Misread {
            path: Path::new(),
            span: None,
            code,
            message,
            label: label.to_owned(),
            help,
            missing: None,
        }))
    }

    pub(super) fn wrong_type(expected: &str, node: &Node) -> Self {
        let message = format!("expected {expected}, found {}", node.kind_name());
        Self::new("spec::wrong_type", message, "here", None).at(&node.span)
    }

    pub(super) fn at(mut self, span: &Range<usize>) -> Self {
        self.0.span.get_or_insert_with(|| span.clone());
        self
    }

    pub(super) fn below(mut self, step: Step) -> Self {
        self.0.path.push(step);
        self
    }

    pub(super) fn into_diagnostic(self) -> Diagnostic {
        Diagnostic {
            code: self.0.code,
            message: self.0.message,
            span: self.0.span.unwrap_or_default(),
            label: self.0.label,
            help: self.0.help,
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.message)
    }
}

impl std::error::Error for ReadError {}

impl de::Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new("spec::invalid_value", message.to_string(), "here", None)
    }

    fn invalid_type(unexpected: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let found = match unexpected {
            de::Unexpected::Bool(_) => "a boolean",
            de::Unexpected::Unsigned(_) | de::Unexpected::Signed(_) | de::Unexpected::Float(_) => {
                "a number"
            }
            de::Unexpected::Str(_) => "a string",
            de::Unexpected::Seq => "a list",
            de::Unexpected::Map => "a mapping",
            _ => "null",
        };
        let message = format!("expected {expected}, found {found}");
        Self::new("spec::wrong_type", message, "here", None)
    }

    fn invalid_value(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let message = format!("expected {expected}");
        Self::new("spec::invalid_value", message, "out of range", None)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let message = format!("unknown value `{variant}`");
        let help = expected_names(variant, expected);
        Self::new(
            "spec::unknown_value",
            message,
            "not one of the valid values",
            Some(help),
        )
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        unknown_key(field, expected)
    }

    fn missing_field(field: &'static str) -> Self {
        let message = format!("the required key `{field}` is missing");
        let mut error = Self::new("spec::missing_key", message, "in this mapping", None);
        error.0.missing = Some(field.to_owned());
        error
    }
}

pub(super) fn unknown_key(key: &str, expected: &[&str]) -> ReadError {
    let message = format!("unknown key `{key}`");
    let help = foreign_keys::advice(key, expected)
        .map_or_else(|| expected_names(key, expected), str::to_owned);
    ReadError::new("spec::unknown_key", message, "not known here", Some(help))
}
