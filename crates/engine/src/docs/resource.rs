//! The part of the page that is about one resource.

use std::time::Duration;

use super::markdown::{code, table, text};
use super::{KnownTable, KnownTables};
use crate::decode::column_type;
use crate::plan::{
    ChainedPlan, CountedPlan, IncrementalMode, IncrementalPlan, MergeAction, NextPlan, PageUnit,
    PaginatorPlan, ResourcePlan, StopPlan, TotalSource, WriteDisposition,
};
use crate::schema::{ColumnDescription, type_name};
use crate::spec::Resource;

/// The heading, the description, how it is read, and its columns.
pub(super) fn section(written: &Resource, plan: &ResourcePlan, tables: &KnownTables) -> String {
    let mut parts = vec![format!("## {}", plan.name)];
    parts.extend(written.description.as_deref().map(text));
    parts.push(facts(written, plan));
    match tables.get(&plan.table) {
        Some(known) if !known.columns.is_empty() => {
            parts.push(columns(known));
            for child in &known.child_tables {
                if let Some(known) = tables.get(child) {
                    parts.push(format!("### {child}\n\n{}", columns(known)));
                }
            }
        }
        _ => parts.extend(declared_columns(plan)),
    }
    parts.join("\n\n")
}

/// What becomes of rows.
pub(super) fn disposition(plan: &ResourcePlan) -> &'static str {
    match plan.write_disposition {
        WriteDisposition::Append => "append",
        WriteDisposition::Replace => "replace",
        WriteDisposition::Merge => "merge",
        WriteDisposition::Skip => "skip",
    }
}

/// A link to the part about a resource; names have no letter that means anything in Markdown.
pub(super) fn link(resource: &str) -> String {
    format!("[{resource}](#{})", resource.to_lowercase())
}

/// Names in a row.
pub(super) fn names(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| code(name)).collect();
    names.join(", ")
}

/// What a run reads of it, in a few words.
pub(super) fn reading(plan: &ResourcePlan) -> String {
    match &plan.incremental {
        Some(incremental) => match &incremental.cursor {
            Some(cursor) => format!("what is new by {}", code(&cursor.path.to_string())),
            None => "what is new by the window that is asked for".to_owned(),
        },
        None => "everything".to_owned(),
    }
}

fn facts(written: &Resource, plan: &ResourcePlan) -> String {
    let mut facts = Vec::new();
    let mut fact = |name: &str, text: String| facts.push(format!("- **{name}:** {text}"));
    if plan.seeds.is_some() {
        fact("Records", "given in the spec itself".to_owned());
    } else {
        fact("Endpoint", endpoint(written, plan));
        fact("Pages", pages(&plan.paginator));
    }
    if let (Some(job), Some(compiled)) = (&written.endpoint.job, &plan.job) {
        let create = code(&format!("{} {}", compiled.create.method, job.create.path.0));
        let poll = code(&job.poll.path.0);
        let (every, timeout) = (length(compiled.every), length(compiled.timeout));
        fact(
            "Job",
            format!("{create}, then {poll} every {every} until it is done, for {timeout} at most"),
        );
    }
    for parent in plan.parents.iter().filter(|parent| parent.is_parent()) {
        let link = link(&parent.resource);
        let keys = names(&parent.key_paths);
        fact("For each", format!("record of {link}, by {keys}"));
    }
    for (key, values) in &written.for_each {
        let values: Vec<String> = values
            .iter()
            .map(|value| code(&value.to_string()))
            .collect();
        fact(
            "For each",
            format!("{} of {}", code(key), values.join(", ")),
        );
    }
    if let Some(incremental) = &plan.incremental {
        fact("What is new", incremental_text(incremental));
    }
    fact("Table", table_text(plan));
    if let Some(filter) = &written.filter {
        fact("Only", format!("records with {}", code(filter)));
    }
    facts.join("\n")
}

fn endpoint(written: &Resource, plan: &ResourcePlan) -> String {
    let path = written.endpoint.path.as_ref();
    let path = path.map_or(&*plan.name, |path| &*path.0);
    let request = code(&format!("{} {path}", plan.request.method));
    match &plan.data_selector {
        Some(selector) if selector.to_string() == "$" => format!("{request}, which is one record"),
        Some(selector) => format!("{request}, records at {}", code(&selector.to_string())),
        None => request,
    }
}

fn table_text(plan: &ResourcePlan) -> String {
    if plan.write_disposition == WriteDisposition::Skip {
        return "none: it is read for the resources that depend on it".to_owned();
    }
    let key = names(&plan.primary_key);
    let joining = match (plan.write_disposition, &plan.merge.action) {
        (WriteDisposition::Merge, MergeAction::KeepEarlier) => {
            format!("merge: rows whose key {key} is there already are left out")
        }
        (WriteDisposition::Merge, MergeAction::KeepVersions(versions)) => format!(
            "merge: each version of a row is kept, valid from {} to {}",
            code(&versions.valid_from),
            code(&versions.valid_to)
        ),
        (WriteDisposition::Merge, MergeAction::Replace) if key.is_empty() => {
            "merge: rows take the place of their group".to_owned()
        }
        (WriteDisposition::Merge, MergeAction::Replace) => {
            format!("merge: a row takes the place of the one with its key, {key}")
        }
        (WriteDisposition::Replace, _) => "replace: each run writes it anew".to_owned(),
        (WriteDisposition::Append | WriteDisposition::Skip, _) => {
            "append: rows join those that are there".to_owned()
        }
    };
    format!("{}, {joining}", code(&plan.table))
}

fn incremental_text(plan: &IncrementalPlan) -> String {
    let mut text = match &plan.cursor {
        Some(cursor) => format!("by {}", code(&cursor.path.to_string())),
        None => "by the window that is asked for".to_owned(),
    };
    let mut add = |more: String| text.push_str(&more);
    match &plan.mode {
        IncrementalMode::Windows(windows) => {
            add(format!(" from {} on", windows.initial_value));
            if let Some(window) = windows.window {
                add(format!(", in windows of {window:#}"));
            }
            if let Some(lag) = windows.lag {
                add(format!(", looking back {lag:#}"));
            }
            if let Some(ahead) = windows.ahead {
                add(format!(", {ahead:#} ahead"));
            }
            if let Some(end) = windows.end_value {
                add(format!(", until {end}"));
            }
        }
        IncrementalMode::Follow(follow) => {
            if let Some(initial) = &follow.initial_value {
                add(format!(" from {initial} on"));
            }
            add(", from the last value that a run has seen".to_owned());
        }
    }
    text
}

fn pages(plan: &PaginatorPlan) -> String {
    match plan {
        PaginatorPlan::Auto(auto) => format!("found from the first answer{}", ends(&auto.stop)),
        PaginatorPlan::SinglePage | PaginatorPlan::SingleRecord => "one".to_owned(),
        PaginatorPlan::Counted(CountedPlan {
            unit,
            page_size,
            stop,
            ..
        }) => {
            let unit = match unit {
                PageUnit::Records => "by offset",
                PageUnit::Pages => "by number",
            };
            let size = page_size.as_ref();
            let size = size.map(|size| format!(", {} records each", size.size));
            format!("{unit}{}{}", size.unwrap_or_default(), ends(stop))
        }
        PaginatorPlan::Chained(ChainedPlan { next, stop, .. }) => {
            format!("{}{}", next_page(next), ends(stop))
        }
    }
}

fn next_page(next: &NextPlan) -> String {
    match next {
        NextPlan::JsonLink { path } => format!("by the link at {}", code(&path.to_string())),
        NextPlan::HeaderLink { relation } => {
            format!("by the header `Link`, {}", code(relation))
        }
        NextPlan::HeaderCursor { header, .. } => {
            format!("by the cursor in the header {}", code(header.as_str()))
        }
        NextPlan::BodyCursor { path, .. } => {
            format!("by the cursor at {}", code(&path.to_string()))
        }
        NextPlan::RecordCursor { path, .. } => {
            format!("by {} of the last record", code(&path.to_string()))
        }
    }
}

fn ends(stop: &StopPlan) -> String {
    let total = stop.total.as_ref().map(|total| match &total.source {
        TotalSource::Body(path) => format!(", up to the total at {}", code(&path.to_string())),
        TotalSource::Header(name) => format!(", up to the total in {}", code(name.as_str())),
    });
    total.unwrap_or_default()
}

/// A length of time.
pub(super) fn length(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{} ms", duration.as_millis()),
        seconds if seconds % 60 == 0 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}

fn columns(known: &KnownTable) -> String {
    let has = |what: fn(&ColumnDescription) -> bool| known.columns.iter().any(what);
    let is_described = has(|column| column.description.is_some());
    let has_examples = !known.examples.is_empty();
    let mut head = vec!["column", "type", "null"];
    head.extend(is_described.then_some("description"));
    head.extend(has_examples.then_some("example"));
    let rows = known.columns.iter().map(|column| {
        let nullable = if column.nullable { "yes" } else { "no" };
        let mut row = vec![
            code(&column.path),
            column.type_name.clone(),
            nullable.to_owned(),
        ];
        if is_described {
            row.push(text(column.description.as_deref().unwrap_or_default()));
        }
        if has_examples {
            let example = known.examples.get(&column.path);
            row.push(example.map_or_else(String::new, |example| code(example)));
        }
        row
    });
    table(&head, rows)
}

/// The columns that the spec declares, where nothing is known of the table.
fn declared_columns(plan: &ResourcePlan) -> Option<String> {
    let hints = &plan.decode.columns;
    if hints.is_empty() || plan.write_disposition == WriteDisposition::Skip {
        return None;
    }
    let rows = hints.iter().map(|(name, hint)| {
        let nullable = if hint.nullable { "yes" } else { "no" };
        let type_name = hint
            .data_type
            .map(|declared| type_name(&column_type(declared)));
        vec![
            code(name),
            type_name.unwrap_or_default(),
            nullable.to_owned(),
            text(hint.description.as_deref().unwrap_or_default()),
        ]
    });
    Some(format!(
        "Declared columns; what else the records have becomes columns too.\n\n{}",
        table(&["column", "type", "null", "description"], rows)
    ))
}
