//! `engine check`

use std::process::ExitCode;

use comfy_table::{Table, presets};
use engine::load::{Destination, Outcome, Probe, probe};
use engine::plan::{Plan, StoreKind};

use super::spec::SpecFile;
use crate::args::CheckArguments;
use crate::failure::Failure;
use crate::printer::Printer;

/// How many times a request is tried again: whoever waits for the answer wants to know soon.
const RETRIES: usize = 2;

pub(crate) async fn check(
    arguments: CheckArguments,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    let spec = SpecFile::read(&arguments.spec)?;
    let name = spec.name.clone();
    let mut plan = spec.plan(&arguments.vars, arguments.destination.as_deref(), |_| {})?;
    printer.result(&format!("{name}: no mistakes in {}", resources(&plan)));
    if arguments.offline {
        return Ok(ExitCode::SUCCESS);
    }
    plan.destination.store.retries = Some(RETRIES);
    let url = &plan.destination.url;
    let destination =
        Destination::open_with(url, &plan.destination.store).map_err(engine::run::Error::from)?;
    let probes = probe(&destination).await;
    printer.result(&format!(
        "\n{url}: {}\n{}",
        destination.kind().name(),
        render(&probes)
    ));
    if let Some(rule) = lifecycle_rule(destination.kind()) {
        printer.note(&format!("\nnote: {rule}"));
    }
    let all_work = probes
        .iter()
        .all(|probe| matches!(probe.outcome, Outcome::Works));
    Ok(if all_work {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn resources(plan: &Plan) -> String {
    match plan.resources.len() {
        1 => "1 resource".to_owned(),
        count => format!("{count} resources"),
    }
}

fn render(probes: &[Probe]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    for probe in probes {
        let outcome = match &probe.outcome {
            Outcome::Works => "ok",
            Outcome::Fails { .. } => "failed",
            Outcome::NotTried => "not tried",
        };
        table.add_row([probe.action, outcome, probe.purpose]);
    }
    let mut text = table.trim_fmt();
    for probe in probes {
        if let Outcome::Fails { error, help } = &probe.outcome {
            text = format!("{text}\n\n{}: {error}", probe.action);
            if !help.is_empty() {
                text = format!("{text}\n  help: {help}");
            }
        }
    }
    text
}

/// What removes the parts of uploads that a killed run never completed, which no listing of objects shows.
fn lifecycle_rule(kind: StoreKind) -> Option<&'static str> {
    match kind {
        StoreKind::S3 => Some(
            "parts of uploads that were cut off stay, and cost, until a lifecycle rule of the bucket removes them: \
             `AbortIncompleteMultipartUpload` after 7 days (docs/destinations.md)",
        ),
        StoreKind::GoogleCloud => Some(
            "parts of uploads that were cut off stay, and cost, until a lifecycle rule of the bucket removes them: \
             `AbortIncompleteMultipartUpload` at an age of 7 days (docs/destinations.md)",
        ),
        // Azure forgets uncommitted blocks after a week by itself.
        StoreKind::Azure | StoreKind::Local | StoreKind::Memory => None,
    }
}
