//! `processing_steps`: what is done with each record before it becomes a row.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

/// What is done with each record: first the `filter`, then `map`, `rename` and `drop`.
///
/// Expressions may name the record's fields, those copied from a parent included, `record` for the whole of it, and
/// `partition` for the values of `for_each`, as in `map: { channel: partition.channel }`. What no step names keeps its
/// exact spelling. A field that no record has is undefined, and told at the end of the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ProcessingStep {
    /// An expression that is true for the records to keep, such as `status != 'deleted'`.
    pub filter: Option<String>,
    /// Fields to set, each with an expression, such as `full_name: "first ~ ' ' ~ last"`.
    pub map: IndexMap<String, String>,
    /// Fields to rename, from the name in the record to the new one. A record that has the new one already is an error.
    pub rename: IndexMap<String, String>,
    /// Fields to leave out.
    pub drop: Vec<String>,
}
