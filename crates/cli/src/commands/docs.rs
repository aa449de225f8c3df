//! `engine docs`

use std::collections::BTreeMap;
use std::process::ExitCode;

use engine::docs::{KnownTable, KnownTables, page, without_secrets};
use engine::load::{Destination, State, examples};
use engine::plan::Plan;

use super::spec::SpecFile;
use crate::args::DocsArguments;
use crate::failure::Failure;
use crate::place::existing_root;
use crate::printer::Printer;

pub(crate) async fn docs(arguments: DocsArguments, printer: &Printer) -> Result<ExitCode, Failure> {
    let mut spec = SpecFile::read(&arguments.spec)?;
    spec.variables.let_names_stand_in();
    let variables = spec.variables.clone();
    let destination = arguments.destination.as_deref();
    let (pipeline, plan) = spec.pipeline_and_plan(&arguments.vars, destination, |_| {})?;
    let tables = match destination {
        Some(_) => known_tables(&plan, !arguments.no_examples).await?,
        None => KnownTables::new(),
    };
    let page = page(&pipeline, &plan, &tables);
    let page = without_secrets(&page, &plan.client.secrets, &variables);
    printer.write(page.as_bytes(), arguments.to.as_deref())?;
    Ok(ExitCode::SUCCESS)
}

/// What the destination of the plan holds.
async fn known_tables(plan: &Plan, with_examples: bool) -> Result<KnownTables, Failure> {
    existing_root(&plan.destination.url)?;
    let destination = Destination::open_with(&plan.destination.url, &plan.destination.store)?;
    let state = State::read(&destination).await?;
    if state.sequence == 0 {
        return Err(engine::load::Error::NoTables.into());
    }
    let mut known = KnownTables::new();
    for (name, table) in &state.tables {
        let examples = if with_examples {
            examples(&destination, name, table).await?
        } else {
            BTreeMap::new()
        };
        known.insert(name.clone(), KnownTable::of(name, table, examples));
    }
    Ok(known)
}
