//! `engine state`

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use comfy_table::{CellAlignment, Table, presets};
use engine::flow::{Event, Reach};
use engine::load::{Destination, State, TableState, new_load_id};
use engine::plan::{Plan, check_destination};
use engine::run::{Edit, Editing, edit};
use serde_json::{Map, Value, json};

use super::run::clock;
use super::session::{Session, SessionArguments};
use super::spec::store_settings;
use crate::args::{Output, StateCommand, StatePlace, StateShowArguments};
use crate::failure::Failure;
use crate::printer::Printer;
use crate::summary::grouped;

/// Parts of a resource that are shown one by one; JSON has all of them.
const PARTS_SHOWN: usize = 20;

pub(crate) async fn state(command: StateCommand, printer: &Printer) -> Result<ExitCode, Failure> {
    match command {
        StateCommand::Show(arguments) => show(arguments, printer).await,
        StateCommand::Set(arguments) => {
            let set = Edit::Cursor {
                value: arguments.cursor,
                part: arguments.part,
            };
            change(
                &arguments.spec,
                &arguments.place,
                &arguments.resource,
                &set,
                printer,
            )
            .await
        }
        StateCommand::Reset(arguments) => {
            let (spec, place) = (&arguments.spec, &arguments.place);
            change(spec, place, &arguments.resource, &Edit::Reset, printer).await
        }
    }
}

async fn show(arguments: StateShowArguments, printer: &Printer) -> Result<ExitCode, Failure> {
    let (url, store) = match (&arguments.spec, &arguments.place.destination) {
        (Some(spec), _) => {
            let (plan, _) = open(spec, &arguments.place).await?;
            (plan.destination.url, plan.destination.store)
        }
        (None, url) => {
            let url = url.clone().unwrap_or_default();
            check_destination(&url).map_err(|problem| Failure::usage(problem, None))?;
            (url, store_settings())
        }
    };
    let destination = Destination::open_with(&url, &store).map_err(engine::run::Error::from)?;
    let state = State::read(&destination)
        .await
        .map_err(engine::run::Error::from)?;
    let text = match arguments.output {
        Output::Text if state.tables.is_empty() => format!("`{url}` holds no table"),
        Output::Text => table(&state),
        Output::Json => serde_json::to_string_pretty(&as_json(&state)).unwrap_or_default(),
    };
    printer.result(&text);
    Ok(ExitCode::SUCCESS)
}

async fn change(
    spec: &Path,
    place: &StatePlace,
    resource: &str,
    what: &Edit,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    let (plan, api) = open(spec, place).await?;
    let editing = Editing {
        load_id: new_load_id(clock()),
        api,
        now: clock(),
        observer: Arc::new(|_: Event| {}),
    };
    edit(&plan, resource, what, editing).await?;
    printer.result(&match what {
        Edit::Reset => format!(
            "`{resource}` is read from the start by the next run. Its rows stay: those of an append come again; `run --fresh \
             -r {resource}` replaces them"
        ),
        Edit::Cursor { value, .. } => {
            format!("the next run goes on with `{resource}` from {value}")
        }
    });
    Ok(ExitCode::SUCCESS)
}

/// The plan of a spec, and the API as the commit log names it.
async fn open(spec: &Path, place: &StatePlace) -> Result<(Plan, String), Failure> {
    let session = Session::open(SessionArguments {
        spec,
        sandbox: place.sandbox.as_deref(),
        destination: place.destination.as_deref(),
        vars: &place.vars,
        now: None,
    })
    .await?;
    let opened = (session.plan.clone(), session.api.clone());
    session.close().await;
    Ok(opened)
}

fn table(state: &State) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["table", "rows", "cursor", "finished slices"]);
    for (name, known) in state.tables.iter().filter(|(_, table)| is_resource(table)) {
        let progress = &known.progress;
        let of_load = progress.open.len();
        let mut finished = finished(&progress.whole);
        if of_load > 0 {
            finished = format!("{} of a load that goes on", grouped(of_load as u64));
        }
        let cursor = if progress.parts.is_empty() {
            cursor(&progress.whole)
        } else {
            format!("{} parts", grouped(progress.parts.len() as u64))
        };
        table.add_row([name.clone(), grouped(known.rows()), cursor, finished]);
        for (part, reach) in progress.parts.iter().take(PARTS_SHOWN) {
            let part = format!("  {part}");
            table.add_row([
                part,
                String::new(),
                self::cursor(reach),
                self::finished(reach),
            ]);
        }
        if let Some(more) = progress.parts.len().checked_sub(PARTS_SHOWN + 1) {
            let more = grouped(more as u64 + 1);
            table.add_row([format!("  and {more} more: `--output json`")]);
        }
    }
    if let Some(column) = table.column_mut(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let text = format!("{}\n\ncommit {}", table.trim_fmt(), state.sequence);
    match &state.unfinished_load {
        Some(load) => format!("{text}; load {load} has not come to its end"),
        None => text,
    }
}

/// Child tables have no progress of their own.
fn is_resource(table: &TableState) -> bool {
    table.progress != engine::flow::Progress::default() || table.schema.is_some()
}

fn cursor(reach: &Reach) -> String {
    match (&reach.last_value, reach.watermark) {
        (Some(value), _) => value.to_string(),
        (None, Some(watermark)) => watermark.to_string(),
        (None, None) => String::new(),
    }
}

fn finished(reach: &Reach) -> String {
    match reach.finished.len() {
        0 => String::new(),
        count => format!("{} behind the cursor", grouped(count as u64)),
    }
}

fn as_json(state: &State) -> Value {
    let tables: Map<String, Value> = state
        .tables
        .iter()
        .map(|(name, table)| {
            let progress = json!({
                "rows": table.rows(),
                "files": table.files.len(),
                "schema_version": table.schema_version,
                "progress": table.progress,
            });
            (name.clone(), progress)
        })
        .collect();
    json!({
        "sequence": state.sequence,
        "unfinished_load": state.unfinished_load,
        "tables": tables,
    })
}
