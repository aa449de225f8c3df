//! Expectations written from what was found.

use super::compare::rows_at;
use super::file::{Expect, ExpectedTable};
use super::found::{Found, FoundTable};

/// What was expected, with what was found in its place. Where nothing was expected: all that was found.
pub fn accept(expect: Option<&Expect>, found: &Found) -> Expect {
    let mut accepted = expect.cloned().unwrap_or_else(|| Expect {
        requests_at_most: Some(found.requests),
        tables: found
            .tables
            .iter()
            .map(|(name, table)| (name.clone(), everything(table)))
            .collect(),
        ..Expect::default()
    });
    if let Some(most) = &mut accepted.requests_at_most {
        *most = found.requests;
    }
    accepted.warnings.clone_from(&found.warnings);
    accepted
        .tables
        .retain(|name, _| found.tables.contains_key(name));
    for (name, table) in &mut accepted.tables {
        if let Some(there) = found.tables.get(name) {
            accept_table(table, there);
        }
    }
    accepted
}

/// All that can be said of a table without knowing what it means.
fn everything(found: &FoundTable) -> ExpectedTable {
    ExpectedTable {
        rows: Some(found.rows),
        columns: found.columns.clone(),
        cursor: found.cursor.clone(),
        ..ExpectedTable::default()
    }
}

fn accept_table(table: &mut ExpectedTable, found: &FoundTable) {
    table.rows = table.rows.map(|_| found.rows);
    if !table.columns.is_empty() {
        table.columns.clone_from(&found.columns);
    }
    if table.cursor.is_some() {
        table.cursor.clone_from(&found.cursor);
    }
    for value in &mut table.values {
        if let [row] = rows_at(value, found).as_slice() {
            for (there, accepted) in row.iter().zip(value.is.values_mut()) {
                accepted.clone_from(there);
            }
        }
    }
}
