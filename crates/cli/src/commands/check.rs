//! `engine check`

use std::process::ExitCode;
use std::sync::Arc;

use engine::load::{Destination, Outcome, Probe, probe};
use engine::plan::{Plan, StoreKind};
use engine::run::{ApiCheck, ApiCheckOptions, ApiOutcome, check_api};
use serde_json::{Value, json};

use super::run::clock;
use super::session::{Session, SessionArguments};
use crate::args::{CheckArguments, Output};
use crate::failure::{Failure, chain};
use crate::grid::{Grid, width};
use crate::printer::Printer;
use crate::progress::Progress;
use crate::summary::grouped;

/// How many times a request to the destination is tried again: whoever waits for the answer wants to know soon.
const RETRIES: usize = 2;

pub(crate) async fn check(
    arguments: CheckArguments,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    let file = arguments.spec.display().to_string();
    let session = Session::open(SessionArguments {
        spec: &arguments.spec,
        sandbox: arguments.sandbox.as_deref(),
        destination: arguments.destination.as_deref(),
        vars: &arguments.vars,
        now: arguments.now,
    });
    let session = match session.await {
        Ok(session) => session,
        Err(failure) => {
            if let (Failure::Spec(mistakes), Output::Json) = (&failure, arguments.output) {
                let spec = json!({ "file": file, "ok": false, "mistakes": mistakes.summary() });
                print_json(printer, &json!({ "ok": false, "spec": spec }));
            }
            return Err(failure);
        }
    };
    let is_text = arguments.output == Output::Text;
    let tell = |text: &str| {
        if is_text {
            printer.result(text);
        }
    };
    let resources = resources(&session.plan);
    tell(&format!("{file}: no mistakes in {resources}"));
    let spec = json!({ "file": file, "ok": true, "resources": session.plan.resources.len() });
    let mut told = json!({ "ok": true, "spec": spec });
    let mut all_work = true;
    if !arguments.offline {
        let api = session.api.clone();
        let checks = try_api(&session, arguments.resources, printer).await?;
        tell(&format!("\n{api}\n{}", api_text(&checks)));
        all_work &= !checks
            .iter()
            .any(|check| matches!(check.outcome, ApiOutcome::Fails(_)));
        told["api"] =
            json!({ "api": api, "resources": checks.iter().map(api_json).collect::<Vec<_>>() });
        let destination = try_destination(session.plan.clone()).await;
        tell(&format!("\n{}", destination.text()));
        if let Some(rule) = destination
            .kind
            .and_then(lifecycle_rule)
            .filter(|_| is_text)
        {
            printer.note(&format!("\nnote: {rule}"));
        }
        all_work &= destination.works();
        told["destination"] = destination.json();
    }
    session.close().await;
    if !is_text {
        told["ok"] = json!(all_work);
        print_json(printer, &told);
    }
    Ok(if all_work {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn print_json(printer: &Printer, value: &Value) {
    printer.result(&serde_json::to_string_pretty(value).unwrap_or_default());
}

fn resources(plan: &Plan) -> String {
    match plan.resources.len() {
        1 => "1 resource".to_owned(),
        count => format!("{count} resources"),
    }
}

async fn try_api(
    session: &Session,
    resources: Vec<String>,
    printer: &Printer,
) -> Result<Vec<ApiCheck>, Failure> {
    let progress = Arc::new(Progress::without_notes(printer));
    let observer = Arc::clone(&progress);
    let options = ApiCheckOptions {
        now: session.now,
        clock: Arc::new(clock),
        resources,
        observer: Arc::new(move |event| observer.observe(event)),
    };
    let checks = check_api(&session.plan, options).await;
    progress.finish();
    Ok(checks?)
}

/// A line a resource; below, what failed, and why.
fn api_text(checks: &[ApiCheck]) -> String {
    let mut grid = Grid::new(["resource", "outcome", "what came"]);
    for check in checks {
        let (outcome, detail) = in_words(&check.outcome);
        grid.push([check.resource.as_str(), outcome, &detail]);
    }
    let mut text = grid.fit(width());
    for check in checks {
        if let ApiOutcome::Fails(error) = &check.outcome {
            text = format!("{text}\n\n{}: {}", check.resource, chain(error));
        }
        for warning in &check.warnings {
            text = format!("{text}\nwarning: {}: {warning}", check.resource);
        }
    }
    text
}

fn in_words(outcome: &ApiOutcome) -> (&'static str, String) {
    match outcome {
        ApiOutcome::Works { records, found } => {
            let records = match records {
                0 => "no record".to_owned(),
                1 => "1 record".to_owned(),
                count => format!("{} records", grouped(*count as u64)),
            };
            let found = found.iter().filter_map(|(key, choice)| {
                let value = choice.value.as_ref()?;
                Some(format!("; found `{key}: {value}`"))
            });
            let found: String = found.collect();
            ("ok", format!("{records} on the first page{found}"))
        }
        ApiOutcome::Fails(_) => ("failed", "see below".to_owned()),
        ApiOutcome::NotTried { reason } => ("not tried", reason.clone()),
    }
}

fn api_json(check: &ApiCheck) -> Value {
    let (outcome, records, detail) = match &check.outcome {
        ApiOutcome::Works { records, .. } => ("ok", Some(records), None),
        ApiOutcome::Fails(error) => ("failed", None, Some(error.chain())),
        ApiOutcome::NotTried { reason } => ("not_tried", None, Some(reason.clone())),
    };
    let found = match &check.outcome {
        ApiOutcome::Works { found, .. } => found.iter(),
        _ => [].iter(),
    };
    let found: serde_json::Map<String, Value> = found
        .map(|(key, choice)| ((*key).to_owned(), json!(choice)))
        .collect();
    json!({
        "resource": check.resource,
        "outcome": outcome,
        "records": records,
        "reason": detail,
        "found": found,
        "warnings": check.warnings,
    })
}

/// What came of trying a destination.
struct DestinationCheck {
    url: String,
    /// `None` where it can't even be opened.
    kind: Option<StoreKind>,
    result: Result<Vec<Probe>, engine::load::Error>,
}

async fn try_destination(mut plan: Plan) -> DestinationCheck {
    plan.destination.store.retries = Some(RETRIES);
    let url = plan.destination.url;
    match Destination::open_with(&url, &plan.destination.store) {
        Ok(destination) => DestinationCheck {
            kind: Some(destination.kind()),
            result: Ok(probe(&destination).await),
            url,
        },
        Err(error) => DestinationCheck {
            kind: None,
            result: Err(error),
            url,
        },
    }
}

impl DestinationCheck {
    fn works(&self) -> bool {
        let works = |probe: &Probe| matches!(probe.outcome, Outcome::Works);
        self.result
            .as_ref()
            .is_ok_and(|probes| probes.iter().all(works))
    }

    fn text(&self) -> String {
        let kind = self.kind.map_or("can't be opened", StoreKind::name);
        let outcome = match &self.result {
            Ok(probes) => render(probes),
            Err(error) => chain(error),
        };
        format!("{}: {kind}\n{outcome}", self.url)
    }

    fn json(&self) -> Value {
        let probes = self.result.as_ref().map_or_else(
            |_| Vec::new(),
            |probes| probes.iter().map(probe_json).collect(),
        );
        json!({
            "url": self.url,
            "kind": self.kind.map(StoreKind::name),
            "ok": self.works(),
            "probes": probes,
            "error": self.result.as_ref().err().map(|error| chain(error)),
        })
    }
}

fn probe_json(probe: &Probe) -> Value {
    let (outcome, error, help) = match &probe.outcome {
        Outcome::Works => ("ok", None, None),
        Outcome::Fails { error, help } => ("failed", Some(error), Some(help)),
        Outcome::NotTried => ("not_tried", None, None),
    };
    json!({
        "action": probe.action,
        "purpose": probe.purpose,
        "outcome": outcome,
        "error": error,
        "help": help,
    })
}

fn render(probes: &[Probe]) -> String {
    let mut grid = Grid::new(["action", "outcome", "what for"]);
    for probe in probes {
        let outcome = match &probe.outcome {
            Outcome::Works => "ok",
            Outcome::Fails { .. } => "failed",
            Outcome::NotTried => "not tried",
        };
        grid.push([probe.action, outcome, probe.purpose]);
    }
    let mut text = grid.fit(width());
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
