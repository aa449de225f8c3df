//! A page in Markdown that says what a pipeline reads, and into which tables.
//!
//! **Invariant:** nothing here reads a file or asks an API; the caller brings what is known of the tables.

mod markdown;
mod resource;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::extract::redact::without;
use crate::load::TableState;
use crate::plan::Plan;
use crate::schema::ColumnDescription;
use crate::spec::{Pipeline, SecretVariable, Variables};
use markdown::{code, table, text};

/// What is known of the tables of a pipeline, by name.
pub type KnownTables = BTreeMap<String, KnownTable>;

/// What is known of a table.
#[derive(Clone, Debug, Default)]
pub struct KnownTable {
    /// Its columns.
    pub columns: Vec<ColumnDescription>,
    /// A value of each column, by its path, where one is to be shown.
    pub examples: BTreeMap<String, String>,
    /// The tables that lists in its rows have become.
    pub child_tables: Vec<String>,
}

impl KnownTable {
    /// What a destination holds of a table, with examples for its columns.
    pub fn of(name: &str, state: &TableState, examples: BTreeMap<String, String>) -> Self {
        let schema = state.schema.as_ref();
        Self {
            columns: schema.map_or_else(Vec::new, crate::schema::TableSchema::describe),
            examples,
            child_tables: state.child_tables(name),
        }
    }
}

/// The page of a pipeline: resources in the order in which they are read, with what is known of their tables.
pub fn page(pipeline: &Pipeline, plan: &Plan, tables: &KnownTables) -> String {
    let mut parts = vec![format!("# {}", plan.name)];
    parts.extend(pipeline.description.as_deref().map(text));
    parts.push(summary(plan));
    parts.push(overview(plan));
    for resource in &plan.resources {
        let mut written = pipeline.resources.iter();
        if let Some(written) = written.find(|written| written.name == resource.name) {
            parts.push(resource::section(written, resource, tables));
        }
    }
    format!("{}\n", parts.join("\n\n"))
}

/// The page without the values that variables have put into the spec, but for those that the spec itself gives.
pub fn without_secrets(page: &str, put_in: &[SecretVariable], variables: &Variables) -> String {
    let mut values: Vec<&str> = put_in.iter().map(|put_in| put_in.value.expose()).collect();
    values.retain(|value| {
        let mut given = variables.given();
        !value.trim().is_empty() && given.any(|(_, given)| given == *value)
    });
    // What holds another one goes first.
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    let mut page = page.to_owned();
    for value in values {
        page = without(&page, value, "…");
    }
    page
}

fn summary(plan: &Plan) -> String {
    let mut url = plan.client.base_url.clone();
    // Credentials in a URL are none of a reader's business; a URL that has no room for them holds none.
    let _cleared = (url.set_username(""), url.set_password(None));
    let rate = plan.client.rate_limit.map(|rate| {
        format!(
            ", at most {} requests in {}",
            rate.requests,
            resource::length(rate.per)
        )
    });
    format!("Reads {}{}.", code(url.as_str()), rate.unwrap_or_default())
}

fn overview(plan: &Plan) -> String {
    let rows = plan.resources.iter().map(|resource| {
        let name = &resource.name;
        vec![
            resource::link(name),
            resource::disposition(resource).to_owned(),
            resource::names(&resource.primary_key),
            resource::reading(resource),
        ]
    });
    table(&["resource", "rows", "key", "reads"], rows)
}
