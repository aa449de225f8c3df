//! Requests with placeholders in them.

/// Text with placeholders.
#[derive(Clone, Debug, PartialEq)]
pub struct Template;

/// A query parameter's value.
#[derive(Clone, Debug, PartialEq)]
pub struct ParamTemplate;

/// A JSON body.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonTemplate;
