//! `engine show`

use std::process::ExitCode;

use engine::load::{Error, History, LoadReport, staged_loads};
use engine::show::{Contents, page};

use super::run::clock;
use crate::args::ShowArguments;
use crate::failure::Failure;
use crate::place::Place;
use crate::printer::Printer;

/// Loads that the page tells of; what is older says little.
const LOADS_SHOWN: usize = 200;

pub(crate) async fn show(
    arguments: &ShowArguments,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    let place = Place::open(&arguments.place)?;
    let history = History::read(&place.destination).await?;
    let reports = LoadReport::newest(&place.destination, LOADS_SHOWN).await?;
    if history.pipeline().is_empty() && reports.is_empty() {
        return Err(Error::NoTables.into());
    }
    let staged = staged_loads(&place.destination).await?;
    let contents = Contents {
        place: place.root(),
        history: &history,
        reports: &reports,
        staged: &staged,
        now: clock(),
    };
    let html = page(&contents).map_err(|error| Failure::Other {
        message: error.to_string(),
        cause: std::error::Error::source(&error).map(|cause| cause.to_string().into()),
        code: 1,
    })?;
    printer.write(html.as_bytes(), Some(&arguments.to))?;
    Ok(ExitCode::SUCCESS)
}
