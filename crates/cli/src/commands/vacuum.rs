//! `engine vacuum`

use std::process::ExitCode;

use engine::load::new_load_id;
use engine::load::upkeep::{Vacuuming, vacuum as vacuum_lake};

use super::run::clock;
use crate::args::VacuumArguments;
use crate::failure::Failure;
use crate::place::Place;
use crate::printer::Printer;
use crate::summary::{bytes, grouped};

pub(crate) async fn vacuum(
    arguments: &VacuumArguments,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    let place = Place::open(&arguments.place)?;
    let now = clock();
    let load_id = new_load_id(now);
    let vacuuming = Vacuuming {
        load_id: &load_id,
        now,
        age: arguments.older_than,
        temporary: std::env::temp_dir(),
        dry_run: arguments.dry_run,
    };
    let lease = if arguments.dry_run {
        None
    } else {
        Some(place.lease(&load_id, arguments.wait, printer).await?)
    };
    let report = vacuum_lake(&place.destination, vacuuming).await;
    if let Some(lease) = lease {
        lease.release().await;
    }
    let report = report?;
    for leftover in &report.leftovers {
        printer.result(&leftover.path);
    }
    let size = report.leftovers.iter().map(|leftover| leftover.bytes).sum();
    let done = if arguments.dry_run {
        "would be removed"
    } else {
        "removed"
    };
    let count = report.leftovers.len() as u64;
    printer.note(&match count {
        0 => "nothing to remove".to_owned(),
        _ => format!("{} {done}, {}", grouped(count), bytes(size)),
    });
    if report.young > 0 {
        printer.note(&format!(
            "{} more are too young: a run may be about to need them (`--older-than`)",
            grouped(report.young)
        ));
    }
    Ok(ExitCode::SUCCESS)
}
