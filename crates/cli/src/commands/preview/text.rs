//! A preview as text that fits the terminal.

use engine::flow::{Exchange, Progress};
use engine::run::{Choice, Preview, SampledColumn, Step};
use serde_json::value::RawValue;

use crate::grid::{Grid, cut, plain};
use crate::summary::{bytes, grouped};

/// Width of a column of records, at most.
const WIDEST_CELL: usize = 24;

/// Characters of a body that are shown where something went wrong.
const BODY_SHOWN: usize = 300;

/// The whole preview.
pub(super) fn render(preview: &Preview, width: usize) -> String {
    let mut sections = vec![head(preview), steps(preview)];
    sections.push(choices(preview));
    if preview.rows > 0 {
        sections.push(records(preview, width));
        sections.push(columns(preview, width));
    }
    sections.extend(state(preview));
    sections.extend(remarks(preview));
    sections.join("\n\n")
}

fn head(preview: &Preview) -> String {
    let what = match &preview.slice {
        Some(slice) => {
            let slices = match preview.slices {
                1 => "the only slice".to_owned(),
                count => format!("one of {} slices", grouped(count as u64)),
            };
            format!("slice `{}`, {slices}", plain(slice))
        }
        None => "nothing was read".to_owned(),
    };
    format!("{}: {what}", preview.resource)
}

/// Each request as a line that can be pasted, and what came of it.
fn steps(preview: &Preview) -> String {
    let mut lines = Vec::new();
    let mut resource = "";
    for step in &preview.steps {
        let of = match step {
            Step::Request(exchange) => &exchange.resource,
            Step::Retry { resource, .. } | Step::Page { resource, .. } => resource,
        };
        if of != resource {
            if !lines.is_empty() {
                lines.push(String::new());
            }
            let role = if *of == preview.resource {
                "requests"
            } else {
                "requests for its parent"
            };
            lines.push(format!("{role} `{of}`"));
            resource = of;
        }
        lines.extend(match step {
            Step::Request(exchange) => request(exchange),
            Step::Retry {
                wait_milliseconds,
                reason,
                ..
            } => vec![format!(
                "    sent again in {wait_milliseconds} ms: {}",
                plain(reason)
            )],
            Step::Page {
                page,
                records,
                goes_on,
                reason,
                ..
            } => {
                let records = match records {
                    1 => "1 record".to_owned(),
                    count => format!("{} records", grouped(*count as u64)),
                };
                let verdict = if *goes_on { "goes on" } else { "ends" };
                vec![format!(
                    "    page {page}: {records}; {verdict}: {}",
                    plain(reason)
                )]
            }
        });
    }
    if lines.is_empty() {
        return "no request".to_owned();
    }
    lines.join("\n")
}

fn request(exchange: &Exchange) -> Vec<String> {
    let mut lines = vec![format!("  {}", plain(&exchange.curl))];
    let outcome = match (exchange.status, &exchange.failure) {
        (Some(status), _) => format!(
            "{status}, {} in {} ms",
            bytes(exchange.bytes),
            grouped(exchange.milliseconds)
        ),
        (None, Some(failure)) => format!("no answer: {}", plain(failure)),
        (None, None) => "no answer".to_owned(),
    };
    lines.push(format!("    {outcome}"));
    if let Some(url) = &exchange.redirected_to {
        lines.push(format!("    redirected to {}", plain(url)));
    }
    let is_json = (exchange.content_type.as_ref()).is_none_or(|kind| kind.contains("json"));
    let is_success = exchange
        .status
        .is_some_and(|status| (200..300).contains(&status));
    if (!is_success || !is_json) && !exchange.body_start.is_empty() {
        let kind = exchange
            .content_type
            .as_deref()
            .unwrap_or("no content type");
        let body = cut(&exchange.body_start, BODY_SHOWN);
        lines.push(format!("    {}: {body}", plain(kind)));
    }
    lines
}

fn choices(preview: &Preview) -> String {
    let line = |name: &str, choice: &Choice| {
        let how = if choice.found { "found: " } else { "" };
        let value = match &choice.value {
            Some(value) => format!("{}  ({how}{})", plain(value), plain(&choice.reason)),
            None => format!("({how}{})", plain(&choice.reason)),
        };
        format!("{name:<14} {value}")
    };
    format!(
        "{}\n{}",
        line("data_selector", &preview.data_selector),
        line("paginator", &preview.paginator)
    )
}

fn records(preview: &Preview, width: usize) -> String {
    let (shown, rows) = (preview.records.len(), preview.rows);
    let rows = match (shown, rows) {
        (_, 1) => "1 row".to_owned(),
        (shown, rows) if shown < rows => {
            format!(
                "first {} of {} rows",
                grouped(shown as u64),
                grouped(rows as u64)
            )
        }
        (_, rows) => format!("{} rows", grouped(rows as u64)),
    };
    let title = format!("{rows} for the table `{}`", preview.table);
    let Some(first) = preview.records.first() else {
        return title;
    };
    let mut grid = Grid::new(first.keys().cloned());
    for record in &preview.records {
        grid.push(record.values().map(|value| cell(value)));
    }
    let (table, others) = grid.fit_first(width, WIDEST_CELL);
    let mut text = format!("{title}\n{table}");
    if !others.is_empty() {
        let names = format!("and {} more columns: {}", others.len(), others.join(", "));
        text = format!("{text}\n{}", cut(&names, width));
    }
    for line in &preview.left_out {
        text = format!("{text}\nleft out: {line}");
    }
    text
}

/// A value in a cell: texts without quotes, all else as JSON.
fn cell(value: &RawValue) -> String {
    let text: Option<String> = serde_json::from_str(value.get()).ok();
    text.unwrap_or_else(|| value.get().to_owned())
}

fn columns(preview: &Preview, width: usize) -> String {
    let mut grid = Grid::new(["column", "type", "nullable", "example", "why"]);
    for SampledColumn {
        column,
        nulls,
        example,
    } in &preview.columns
    {
        let nullable = match (column.nullable, nulls) {
            (false, _) => "no".to_owned(),
            (true, nulls) => format!("yes ({} null)", grouped(*nulls as u64)),
        };
        let example = example.as_deref().map(cell).unwrap_or_default();
        grid.push([
            column.name.clone(),
            column.data_type.clone(),
            nullable,
            example,
            column.reason.clone(),
        ]);
    }
    let mut text = grid.fit(width);
    if !preview.keys_without_values.is_empty() {
        let keys = preview.keys_without_values.join("`, `");
        text = format!(
            "{text}\nno column yet, since no record has a value: `{}`",
            plain(&keys)
        );
    }
    if !preview.child_tables.is_empty() {
        let tables: Vec<String> = preview
            .child_tables
            .iter()
            .map(|list| format!("`{}__{list}`", preview.table))
            .collect();
        text = format!("{text}\nlists that become tables: {}", tables.join(", "));
    }
    text
}

/// Where a run would go on, before and after.
fn state(preview: &Preview) -> Option<String> {
    let (before, after) = (
        preview.state_before.as_ref()?,
        preview.state_after.as_ref()?,
    );
    let slice = preview.slice.as_deref().unwrap_or_default();
    Some(format!(
        "state before   {}\nstate after    {}",
        reached(before, slice),
        reached(after, slice)
    ))
}

/// How far a resource was read, in words; of one that is read part by part, the part of this slice.
fn reached(progress: &Progress, slice: &str) -> String {
    let part = progress
        .parts
        .iter()
        .find(|(name, _)| slice.starts_with(name.as_str()));
    let reach = part.map_or(&progress.whole, |(_, reach)| reach);
    let of_part = part.map_or(String::new(), |(name, _)| format!(" of `{}`", plain(name)));
    match (reach.watermark, &reach.last_value) {
        (Some(watermark), _) => {
            format!("watermark {watermark}{of_part}, once all slices are read")
        }
        (None, Some(value)) => format!(
            "last value {}{of_part}, as far as these pages show",
            plain(&value.to_string())
        ),
        (None, None) => "nothing was read".to_owned(),
    }
}

fn remarks(preview: &Preview) -> Option<String> {
    let notes = preview
        .notes
        .iter()
        .map(|text| format!("note: {}", plain(text)));
    let warnings = preview.warnings.iter();
    let warnings = warnings.map(|text| format!("warning: {}", plain(text)));
    let remarks: Vec<String> = notes.chain(warnings).collect();
    (!remarks.is_empty()).then(|| remarks.join("\n"))
}
