//! `engine compact`

use std::process::ExitCode;

use engine::load::Lake;
use engine::load::upkeep::{compact as compact_tables, is_compact};

use crate::args::CompactArguments;
use crate::failure::Failure;
use crate::place::Place;
use crate::printer::Printer;
use crate::summary::{bytes, grouped};

const NOTHING_TO_DO: &str =
    "nothing to do: no files that could be merged, and none of an earlier schema";

pub(crate) async fn compact(
    arguments: &CompactArguments,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    let place = Place::open(&arguments.place)?;
    let state = place.state(None).await?;
    // A look changes nothing: no run loses its place for it.
    if is_compact(&state, &arguments.tables, &place.settings)? {
        printer.result(NOTHING_TO_DO);
        return Ok(ExitCode::SUCCESS);
    }
    let (tables, settings) = (&arguments.tables, &place.settings);
    let work = async |lake: &mut Lake, now| compact_tables(lake, tables, settings, now).await;
    let report = place.work(arguments.wait, printer, work).await?;
    let Some(sequence) = report.sequence else {
        printer.result(NOTHING_TO_DO);
        return Ok(ExitCode::SUCCESS);
    };
    for (name, table) in &report.tables {
        printer.result(&format!(
            "{name}: {} files became {}; {} rows written again, {} became {}",
            grouped(table.files_before as u64),
            grouped(table.files_after as u64),
            grouped(table.rows_rewritten),
            bytes(table.bytes_before),
            bytes(table.bytes_after),
        ));
    }
    printer.note(&format!("commit {sequence}"));
    Ok(ExitCode::SUCCESS)
}
