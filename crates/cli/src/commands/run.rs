//! `engine run`

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use engine::extract::cassette::{About, Cassette, Recorder, Traffic};
use engine::load::{Patience, new_load_id};
use engine::plan::Plan;
use engine::run::{End, Options, Range, Scope, run as run_plan};
use engine::spec::did_you_mean;
use jiff::Timestamp;

use super::plan::tell;
use super::session::{Session, SessionArguments};
use super::spec::SpecFile;
use crate::args::{Output, RunArguments};
use crate::failure::{Failure, INTERRUPTED};
use crate::printer::Printer;
use crate::progress::Progress;
use crate::signals::Signals;
use crate::summary::{self, grouped};

/// Exit code of a run in which some resources failed, while the others are committed.
const SOME_FAILED: u8 = 3;

pub(crate) async fn run(arguments: RunArguments, printer: &Printer) -> Result<ExitCode, Failure> {
    let (mut session, traffic) = open(&arguments).await?;
    let resources = chosen(&session.plan, &arguments)?;
    let scope = scope((arguments.since, arguments.until), arguments.fresh);
    if arguments.dry_run {
        return tell(session, resources, scope, arguments.output, printer).await;
    }
    if let Some(most) = arguments.concurrency {
        for resource in &mut session.plan.resources {
            resource.concurrency = resource.concurrency.min(most.into());
        }
    }
    let progress = Arc::new(Progress::new(printer, arguments.output));
    let observer = {
        let progress = Arc::clone(&progress);
        Arc::new(move |event| progress.observe(event))
    };
    let options = Options {
        load_id: new_load_id(clock()),
        api: session.api.clone(),
        now: session.now,
        clock: clock_of(&session, &traffic),
        scope,
        resources,
        patience: if arguments.wait {
            Patience::Wait
        } else {
            Patience::Stop
        },
        fail_fast: arguments.fail_fast,
        traffic: traffic.clone(),
        observer,
    };
    let signals = Signals::listen();
    let result = tokio::select! {
        result = run_plan(session.plan.clone(), options, signals.received(1)) => result,
        // Stopping at any instant is safe: what is committed stays, and the rest is swept by the next run.
        () = signals.received(2) => Err(engine::run::Error::StoppedAtOnce),
    };
    progress.finish();
    session.close().await;
    tell_recorded(arguments.record.as_deref(), &traffic, printer)?;
    let report = result?;
    printer.result(&match arguments.output {
        Output::Text => summary::render(&report),
        Output::Json => summary::line(&report),
    });
    Ok(match report.end {
        End::Interrupted => ExitCode::from(INTERRUPTED),
        End::FailedFast => ExitCode::FAILURE,
        End::Complete if report.has_failures() => ExitCode::from(SOME_FAILED),
        End::Complete => ExitCode::SUCCESS,
    })
}

/// The resources to read: those that are named, or else all, but for those that are left out. None at all stands for all.
fn chosen(plan: &Plan, arguments: &RunArguments) -> Result<Vec<String>, Failure> {
    let names = || plan.resources.iter().map(|resource| resource.name.as_str());
    let mut excluded = arguments.exclude.iter();
    if let Some(unknown) = excluded.find(|name| !names().any(|known| known == *name)) {
        let near = did_you_mean(unknown, names());
        let help = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
        let message = format!("`--exclude {unknown}`: the spec has no such resource{help}");
        return Err(Failure::usage(message, None));
    }
    if arguments.exclude.is_empty() {
        return Ok(arguments.resources.clone());
    }
    let mut chosen: Vec<String> = if arguments.resources.is_empty() {
        let selected = plan.resources.iter().filter(|resource| resource.selected);
        selected.map(|resource| resource.name.clone()).collect()
    } else {
        arguments.resources.clone()
    };
    chosen.retain(|name| !arguments.exclude.contains(name));
    if chosen.is_empty() {
        let message = "`--exclude` leaves no resource to read".to_owned();
        return Err(Failure::usage(message, None));
    }
    Ok(chosen)
}

/// The spec, and how its API is reached.
async fn open(arguments: &RunArguments) -> Result<(Session, Traffic), Failure> {
    let asked = SessionArguments {
        spec: &arguments.spec,
        sandbox: arguments.sandbox.as_deref(),
        destination: arguments.destination.as_deref(),
        vars: &arguments.vars,
        now: arguments.now,
    };
    if let Some(folder) = &arguments.replay {
        let cassette = Cassette::open(folder)?;
        let session = Session::replay(SpecFile::read(&arguments.spec)?, &asked, &cassette)?;
        return Ok((session, Traffic::Replayed(Arc::new(cassette))));
    }
    let session = Session::open(asked).await?;
    let traffic = match &arguments.record {
        None => Traffic::Network,
        Some(folder) => {
            let about = About {
                pipeline: session.plan.name.clone(),
                api: session.api.clone(),
                now: session.now,
            };
            Traffic::Recorded(Arc::new(Recorder::create(folder, about)?))
        }
    };
    Ok((session, traffic))
}

/// The time that rows are stamped with: what is played again is stamped as it would have been.
pub(super) fn clock_of(
    session: &Session,
    traffic: &Traffic,
) -> Arc<dyn Fn() -> Timestamp + Send + Sync> {
    let now = session.now;
    match traffic {
        Traffic::Replayed(_) => Arc::new(move || now),
        Traffic::Network | Traffic::Recorded(_) => Arc::new(clock),
    }
}

fn tell_recorded(
    folder: Option<&Path>,
    traffic: &Traffic,
    printer: &Printer,
) -> Result<(), Failure> {
    if let (Some(folder), Traffic::Recorded(recorder)) = (folder, traffic) {
        let requests = grouped(recorder.finish()?.requests as u64);
        printer.note(&format!(
            "recorded {requests} requests in `{0}`: `--replay {0}` runs from them",
            folder.display()
        ));
    }
    Ok(())
}

/// What is read, by `--since`, `--until` and `--fresh`.
pub(super) fn scope((since, until): (Option<Timestamp>, Option<Timestamp>), fresh: bool) -> Scope {
    match (since, until) {
        (None, None) if fresh => Scope::Fresh,
        (None, None) => Scope::New,
        _ => Scope::Again(Range { since, until }),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the command line is where the clock is handed in"
)]
pub(crate) fn clock() -> Timestamp {
    Timestamp::now()
}

/// The clock in whole seconds, since many APIs take no finer times.
pub(super) fn whole_seconds() -> Timestamp {
    let now = clock();
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}
