//! `engine files`

use std::process::ExitCode;

use engine::load::TableState;
use engine::load::upkeep::{absent_files, find_table};
use serde_json::json;

use crate::args::{FilesArguments, Output};
use crate::failure::Failure;
use crate::place::Place;
use crate::printer::Printer;

pub(crate) async fn files(
    arguments: &FilesArguments,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    let place = Place::open(&arguments.place)?;
    let state = place.state(arguments.at).await?;
    let table = find_table(&state, &arguments.table)?;
    check_files(
        &place,
        &arguments.table,
        table,
        state.sequence,
        arguments.at,
    )
    .await?;
    match arguments.output {
        Output::Text => {
            for file in &table.files {
                printer.result(&place.location(&file.path));
            }
            if table.files.is_empty() {
                printer.note(&format!("`{}` has no rows, and no files", arguments.table));
            }
        }
        Output::Json => {
            let file = |file: &engine::load::DataFile| {
                json!({
                    "path": place.location(&file.path),
                    "rows": file.rows,
                    "bytes": file.bytes,
                    "schema_version": file.schema_version,
                    "slice": file.slice,
                })
            };
            let listed = json!({
                "table": arguments.table,
                "sequence": state.sequence,
                "schema_version": table.schema_version,
                "rows": table.rows(),
                "files": table.files.iter().map(file).collect::<Vec<_>>(),
            });
            printer.result(&listed.to_string());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Refuses a list of files that are not all there.
pub(super) async fn check_files(
    place: &Place,
    name: &str,
    table: &TableState,
    sequence: u64,
    at: Option<u64>,
) -> Result<(), Failure> {
    let absent = absent_files(&place.destination, name, &table.files).await?;
    let Some(first) = absent.first() else {
        return Ok(());
    };
    let reason = match at {
        Some(_) => "later commits have put others in their place",
        None => {
            "the commit isn't published yet: a run is doing that at this moment, or was killed, and the next run, \
             `engine compact` or `engine forget` completes it; or someone else has removed them"
        }
    };
    Err(Failure::Other {
        message: format!(
            "{} of the {} files of `{name}` behind commit {sequence} are not there, such as `{}`",
            absent.len(),
            table.files.len(),
            place.location(first)
        ),
        cause: Some(reason.into()),
        code: 1,
    })
}
