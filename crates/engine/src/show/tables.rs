//! What each table holds.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::{age, minutes};
use crate::figures::{bytes, counted};
use crate::flow::{Progress, Reach};
use crate::load::{Cause, History, SchemaChange, State, TableState};
use crate::schema::{Change, ColumnChange, TableSchema};

/// One table, as the page tells of it.
#[derive(Serialize)]
pub(super) struct Table {
    name: String,
    rows: String,
    files: String,
    size: String,
    /// How long ago its newest commit was.
    fresh: String,
    committed_at: String,
    /// The newest value of its cursor; empty without any.
    cursor: String,
    columns: Vec<Column>,
    is_described: bool,
    history: Vec<Commit>,
    #[serde(skip)]
    pub(super) row_count: u64,
    #[serde(skip)]
    pub(super) file_count: u64,
    #[serde(skip)]
    pub(super) byte_count: u64,
}

#[derive(Serialize)]
struct Column {
    name: String,
    depth: usize,
    type_name: String,
    nullable: bool,
    description: String,
}

/// What a commit changed of the table's schema.
#[derive(Serialize)]
struct Commit {
    sequence: u64,
    at: String,
    changes: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    sign: char,
    column: String,
    what: String,
    /// The record that it is due to; empty where that isn't known.
    cause: String,
}

/// All tables, by name.
pub(super) fn tables(state: &State, history: &History, now: Timestamp) -> Vec<Table> {
    let mut changes = history.schema_changes();
    let newest = history.newest_commits();
    let tables = state
        .tables
        .iter()
        .filter(|(_, table)| table.schema.is_some());
    tables
        .map(|(name, table)| {
            let changes = changes.remove(name).unwrap_or_default();
            Table::of(name, table, &changes, &newest, now)
        })
        .collect()
}

impl Table {
    fn of(
        name: &str,
        table: &TableState,
        changes: &[SchemaChange],
        newest: &BTreeMap<String, Timestamp>,
        now: Timestamp,
    ) -> Self {
        let byte_count = table.files.iter().map(|file| file.bytes).sum();
        let file_count = table.files.len() as u64;
        let committed_at = newest.get(name).copied();
        let columns = table.schema.as_ref().map(TableSchema::describe);
        let columns = columns.unwrap_or_default();
        let is_described = columns.iter().any(|column| column.description.is_some());
        let columns = columns.into_iter().map(|column| Column {
            name: column.name,
            depth: column.depth,
            type_name: column.type_name,
            nullable: column.nullable,
            description: column.description.unwrap_or_default(),
        });
        Self {
            name: name.to_owned(),
            rows: counted(table.rows(), "row"),
            files: counted(file_count, "file"),
            size: bytes(byte_count),
            fresh: committed_at.map_or_else(String::new, |at| format!("{} ago", age(at, now))),
            committed_at: committed_at.map_or_else(String::new, minutes),
            cursor: cursor(&table.progress),
            columns: columns.collect(),
            is_described,
            history: changes.iter().rev().map(Commit::of).collect(),
            row_count: table.rows(),
            file_count,
            byte_count,
        }
    }
}

impl Commit {
    fn of(change: &SchemaChange) -> Self {
        Self {
            sequence: change.sequence,
            at: minutes(change.committed_at),
            changes: change
                .columns
                .iter()
                .map(|column| Line::of(column, &change.causes))
                .collect(),
        }
    }
}

impl Line {
    fn of(change: &ColumnChange, causes: &[Cause]) -> Self {
        let sign = match &change.change {
            Change::Added { .. } => '+',
            Change::Removed { .. } => '−',
            Change::Widened { .. } | Change::Nullable { .. } => '~',
        };
        Self {
            sign,
            column: change.column.clone(),
            what: change.change.to_string(),
            cause: change.due_to(causes),
        }
    }
}

/// The furthest that the table was read to.
fn cursor(progress: &Progress) -> String {
    let reaches = std::iter::once(&progress.whole).chain(progress.parts.values());
    let watermark = reaches.clone().filter_map(|reach| reach.watermark).max();
    if let Some(watermark) = watermark {
        return minutes(watermark);
    }
    let last = |reach: &Reach| reach.last_value.as_ref().map(ToString::to_string);
    match progress.parts.len() {
        0 => last(&progress.whole).unwrap_or_default(),
        parts => format!(
            "{} parts, each with its own",
            crate::figures::grouped(parts as u64)
        ),
    }
}
