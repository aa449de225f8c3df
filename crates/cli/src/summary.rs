//! The table at the end of a run.

use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};
pub(crate) use engine::figures::{bytes, grouped};
use engine::load::TableReport;
use engine::run::{End, Report, ResourceReport};

/// What a run did, as a table with a line a resource.
pub(crate) fn render(report: &Report) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header([
        "resource",
        "requests",
        "pages",
        "rows",
        "bytes",
        "files",
        "new columns",
        "time",
    ]);
    for resource in &report.resources {
        table.add_row(row(resource));
        for (name, child) in &resource.child_tables {
            table.add_row(child_row(name, child));
        }
    }
    let total = |value: fn(&ResourceReport) -> u64| report.resources.iter().map(value).sum::<u64>();
    let tables = || report.resources.iter().flat_map(ResourceReport::tables);
    let in_tables = |value: fn(&TableReport) -> u64| tables().map(value).sum::<u64>();
    table.add_row([
        "total".to_owned(),
        grouped(total(|one| one.requests)),
        grouped(total(|one| one.pages)),
        grouped(total(ResourceReport::rows)),
        bytes(in_tables(|one| one.bytes_added)),
        grouped(in_tables(|one| one.files_added)),
        grouped(in_tables(|one| one.new_columns.len() as u64)),
        seconds(report.elapsed),
    ]);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let mut text = format!(
        "{}\n\n{}: {} rows added, {} updated, {} unchanged",
        table.trim_fmt(),
        report.load_id,
        grouped(in_tables(|one| one.rows_added)),
        grouped(in_tables(|one| one.rows_updated)),
        grouped(in_tables(|one| one.rows_unchanged)),
    );
    let removed = in_tables(|one| one.rows_removed);
    if removed > 0 {
        text = format!("{text}, {} removed", grouped(removed));
    }
    for warning in &report.warnings {
        text = format!("{text}\nwarning: {warning}");
    }
    for resource in &report.resources {
        for warning in &resource.warnings {
            text = format!("{text}\nwarning: {}: {warning}", resource.name);
        }
    }
    for resource in &report.resources {
        if let Some(error) = &resource.error {
            let word = if resource.is_stopped {
                "stopped"
            } else {
                "failed"
            };
            text = format!("{text}\n{word}: {}: {error}", resource.name);
        }
    }
    match ending(report) {
        Some(ending) => format!("{text}\n{ending}"),
        None => text,
    }
}

/// Rows of text under each other, without a head.
pub(crate) fn plain_table(rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    for row in rows {
        table.add_row(row);
    }
    table.trim_fmt()
}

/// The same as one line of JSON: the last event of the run.
pub(crate) fn line(report: &Report) -> String {
    let mut line = serde_json::to_value(report).unwrap_or_default();
    if let Some(fields) = line.as_object_mut() {
        fields.insert("event".to_owned(), "report".into());
    }
    line.to_string()
}

/// What is left of a run that ended early; `None` of one that came to its end.
fn ending(report: &Report) -> Option<String> {
    let why = match report.end {
        End::Complete => return None,
        End::Interrupted => "interrupted",
        End::FailedFast => "stopped at the first failure",
    };
    let tables = report.resources.iter().flat_map(ResourceReport::tables);
    let rows: u64 = tables
        .map(|table| table.rows_added + table.rows_updated + table.rows_unchanged)
        .sum();
    let kept = match rows {
        0 => "no row was whole enough to be kept".to_owned(),
        1 => "1 row is kept".to_owned(),
        rows => format!("{} rows are kept", grouped(rows)),
    };
    Some(format!("{why}: {kept}; the next run goes on from there"))
}

fn row(resource: &ResourceReport) -> [String; 8] {
    [
        resource.name.clone(),
        grouped(resource.requests),
        grouped(resource.pages),
        grouped(resource.rows()),
        bytes(resource.table.bytes_added),
        grouped(resource.table.files_added),
        grouped(resource.table.new_columns.len() as u64),
        seconds(resource.elapsed),
    ]
}

/// A table that lists in a resource's records have become; the rows are those that came.
fn child_row(name: &str, table: &TableReport) -> [String; 8] {
    [
        format!("  {name}"),
        String::new(),
        String::new(),
        grouped(table.rows_added + table.rows_updated + table.rows_unchanged),
        bytes(table.bytes_added),
        grouped(table.files_added),
        grouped(table.new_columns.len() as u64),
        String::new(),
    ]
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}
