//! `engine forget`

use std::process::ExitCode;

use engine::load::Lake;
use engine::load::upkeep::{
    Condition, ForgetReport, find_table, forget as forget_rows, would_forget,
};
use engine::plan::ExpressionError;

use crate::args::ForgetArguments;
use crate::failure::Failure;
use crate::place::Place;
use crate::printer::Printer;
use crate::summary::grouped;

pub(crate) async fn forget(
    arguments: &ForgetArguments,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    let place = Place::open(&arguments.place)?;
    let name = &arguments.table;
    let state = place.state(None).await?;
    let table = find_table(&state, name)?;
    let Some(schema) = &table.schema else {
        printer.result(&format!("{name}: 0 rows"));
        return Ok(ExitCode::SUCCESS);
    };
    let condition = Condition::parse(&arguments.condition, schema).map_err(|error| {
        let help = match error {
            ExpressionError::Syntax { .. } => {
                "; values are compared with `==`, as in `email == 'ann@example.com'`"
            }
            _ => "",
        };
        Failure::usage(format!("{error}{help}"), None)
    })?;
    if arguments.dry_run {
        let report = would_forget(&place.destination, &state, name, &condition).await?;
        print(&report, name, printer);
        printer.note("nothing was changed (`--dry-run`)");
        return Ok(ExitCode::SUCCESS);
    }
    let (condition, settings) = (&condition, &place.settings);
    let work = async |lake: &mut Lake, now| forget_rows(lake, name, condition, settings, now).await;
    let report = place.work(arguments.wait, printer, work).await?;
    print(&report, name, printer);
    match report.sequence {
        None => printer.note("no row meets the condition; nothing was changed"),
        Some(sequence) => {
            printer.note(&format!("commit {sequence}"));
            printer.note(KEPT_ELSEWHERE);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Where the same data may be still.
const KEPT_ELSEWHERE: &str = "\
What else may hold the same data: other tables; files of rejected records (`rejected`); the commit log, where keys of parents
and partitions name slices and folders; copies and earlier versions that the store keeps.
A later run brings back what the API still has.";

fn print(report: &ForgetReport, name: &str, printer: &Printer) {
    let named = report.tables.iter().filter(|(table, _)| *table == name);
    let others = report.tables.iter().filter(|(table, _)| *table != name);
    for (table, counts) in named.chain(others.filter(|(_, counts)| counts.rows > 0)) {
        printer.result(&format!(
            "{table}: {} rows, in {} of {} files",
            grouped(counts.rows),
            grouped(counts.files_rewritten + counts.files_removed),
            grouped(counts.files)
        ));
    }
}
