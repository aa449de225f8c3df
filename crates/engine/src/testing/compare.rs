//! What was expected, held against what was found.

use std::collections::HashSet;
use std::fmt;

use serde::Serialize;

use super::file::{Expect, ExpectedTable, ExpectedValue, Scalar};
use super::found::{Found, FoundTable};

/// One thing that is not as expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mismatch {
    /// What was looked at, such as `people: rows`.
    pub what: String,
    /// What it was to be.
    pub expected: String,
    /// What it is.
    pub found: String,
}

impl Mismatch {
    /// Something that is not as expected.
    pub fn new(
        what: impl Into<String>,
        expected: impl fmt::Display,
        found: impl fmt::Display,
    ) -> Self {
        Self {
            what: what.into(),
            expected: expected.to_string(),
            found: found.to_string(),
        }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            what,
            expected,
            found,
        } = self;
        write!(formatter, "{what}: expected {expected}, found {found}")
    }
}

/// Everything that is not as expected.
pub fn compare(expect: &Expect, found: &Found) -> Vec<Mismatch> {
    let mut mismatches = Vec::new();
    for failure in &found.failures {
        mismatches.push(Mismatch::new("failures", "none", failure));
    }
    for warning in &found.warnings {
        let is_expected = expect.warnings.iter().any(|part| warning.contains(part));
        if !is_expected {
            mismatches.push(Mismatch::new("warnings", "no other", warning));
        }
    }
    for part in &expect.warnings {
        if !found.warnings.iter().any(|warning| warning.contains(part)) {
            mismatches.push(Mismatch::new(
                "warnings",
                format!("one with `{part}`"),
                "none",
            ));
        }
    }
    if let Some(most) = expect.requests_at_most
        && found.requests > most
    {
        mismatches.push(Mismatch::new(
            "requests",
            format!("at most {most}"),
            found.requests,
        ));
    }
    for (name, table) in &expect.tables {
        if let Some(there) = found.tables.get(name) {
            compare_table(name, table, there, &mut mismatches);
        } else {
            let names: Vec<&str> = found.tables.keys().map(String::as_str).collect();
            let names = format!("only {}", names.join(", "));
            mismatches.push(Mismatch::new("tables", format!("`{name}`"), names));
        }
    }
    mismatches
}

fn compare_table(
    name: &str,
    expect: &ExpectedTable,
    found: &FoundTable,
    mismatches: &mut Vec<Mismatch>,
) {
    if let Some(rows) = expect.rows
        && rows != found.rows
    {
        mismatches.push(Mismatch::new(format!("{name}: rows"), rows, found.rows));
    }
    for (column, data_type) in &expect.columns {
        let there = found
            .columns
            .get(column)
            .map_or("no such column", |name| name);
        if there != data_type {
            let what = format!("{name}: column `{column}`");
            mismatches.push(Mismatch::new(what, data_type, there));
        }
    }
    if let Some(cursor) = &expect.cursor
        && found.cursor.as_ref() != Some(cursor)
    {
        let there = found.cursor.as_deref().unwrap_or("none");
        mismatches.push(Mismatch::new(format!("{name}: cursor"), cursor, there));
    }
    mismatches.extend(twice(name, &expect.unique, found));
    for value in &expect.values {
        compare_value(name, value, found, mismatches);
    }
}

/// The first key that two rows have.
fn twice(name: &str, unique: &[String], found: &FoundTable) -> Option<Mismatch> {
    if unique.is_empty() {
        return None;
    }
    let mut seen = HashSet::new();
    for key in found.select(unique) {
        if let Some(key) = seen.replace(key) {
            let values = key.into_iter().map(|value| Scalar(value).to_string());
            let values: Vec<String> = values.collect();
            return Some(Mismatch::new(
                format!("{name}: unique {}", unique.join(", ")),
                "no two rows alike",
                format!("two with {}", values.join(", ")),
            ));
        }
    }
    None
}

fn compare_value(
    name: &str,
    expect: &ExpectedValue,
    found: &FoundTable,
    mismatches: &mut Vec<Mismatch>,
) {
    let place: Vec<String> = expect
        .place
        .iter()
        .map(|(column, value)| format!("{column} = {value}"))
        .collect();
    let what = format!("{name} where {}", place.join(", "));
    let rows = rows_at(expect, found);
    let [row] = rows.as_slice() else {
        mismatches.push(Mismatch::new(
            what,
            "one row",
            format!("{} rows", rows.len()),
        ));
        return;
    };
    for ((column, value), there) in expect.is.iter().zip(row) {
        if value != there {
            mismatches.push(Mismatch::new(format!("{what}: {column}"), value, there));
        }
    }
}

/// The values that are asked for, in each row that is meant.
pub(super) fn rows_at(expect: &ExpectedValue, found: &FoundTable) -> Vec<Vec<Scalar>> {
    let columns: Vec<String> = expect
        .place
        .keys()
        .chain(expect.is.keys())
        .cloned()
        .collect();
    let mut rows = Vec::new();
    for row in found.select(&columns) {
        let mut place: Vec<Scalar> = row.into_iter().map(Scalar).collect();
        let values = place.split_off(expect.place.len());
        if expect.place.values().eq(&place) {
            rows.push(values);
        }
    }
    rows
}
