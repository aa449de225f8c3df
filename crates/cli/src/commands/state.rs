//! `engine state`

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use comfy_table::{CellAlignment, Table, presets};
use engine::flow::{Event, Reach};
use engine::load::{State, TableState, new_load_id};
use engine::plan::{Plan, WriteDisposition};
use engine::run::{Edit, Editing, edit};
use serde_json::{Map, Value, json};

use super::run::clock;
use super::session::{Session, SessionArguments};
use crate::args::{Output, StateCommand, StatePlace, StateShowArguments};
use crate::failure::Failure;
use crate::place::Place;
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
    let place = Place::open(&arguments.place)?;
    let state = place.state(None).await?;
    let text = match arguments.output {
        Output::Text if state.tables.is_empty() => {
            format!("`{}` holds no table", arguments.place.place)
        }
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
        Edit::Reset => {
            let mut resources = plan.resources.iter();
            let known = resources.find(|known| known.name == resource);
            let rows = match known.map(|known| known.write_disposition) {
                Some(WriteDisposition::Append) => format!(
                    "Its rows stay, and come a second time; `run --fresh -r {resource}` replaces them instead"
                ),
                Some(WriteDisposition::Replace) => "Its rows are replaced by every run anyway".to_owned(),
                _ => "Its rows stay, and those that come take the place of those with their keys".to_owned(),
            };
            format!("`{resource}` is read from the start by the next run. {rows}")
        }
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
            progress.whole.cursor().unwrap_or_default()
        } else {
            format!("{} parts", grouped(progress.parts.len() as u64))
        };
        table.add_row([name.clone(), grouped(known.rows()), cursor, finished]);
        for (part, reach) in progress.parts.iter().take(PARTS_SHOWN) {
            let part = format!("  {part}");
            table.add_row([
                part,
                String::new(),
                reach.cursor().unwrap_or_default(),
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
