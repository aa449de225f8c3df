//! `engine run`

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use engine::extract::cassette::{About, Cassette, Recorder, Traffic};
use engine::load::{Patience, new_load_id};
use engine::run::{End, Options, Range, Scope, run as run_plan};
use jiff::Timestamp;

use super::session::{Session, SessionArguments};
use super::spec::SpecFile;
use crate::args::RunArguments;
use crate::failure::{Failure, INTERRUPTED};
use crate::printer::Printer;
use crate::progress::Progress;
use crate::signals::Signals;
use crate::summary::{self, grouped};

/// Exit code of a run in which some resources failed, while the others are committed.
const SOME_FAILED: u8 = 3;

pub(crate) async fn run(arguments: RunArguments, printer: &Printer) -> Result<ExitCode, Failure> {
    let (session, traffic) = open(&arguments).await?;
    let progress = Arc::new(Progress::new(printer));
    let observer = {
        let progress = Arc::clone(&progress);
        Arc::new(move |event| progress.observe(event))
    };
    let options = Options {
        load_id: new_load_id(clock()),
        api: session.api.clone(),
        now: session.now,
        clock: clock_of(&session, &traffic),
        scope: scope((arguments.since, arguments.until), arguments.fresh),
        resources: arguments.resources,
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
    printer.result(&summary::render(&report));
    Ok(match report.end {
        End::Interrupted => ExitCode::from(INTERRUPTED),
        End::FailedFast => ExitCode::FAILURE,
        End::Complete if report.has_failures() => ExitCode::from(SOME_FAILED),
        End::Complete => ExitCode::SUCCESS,
    })
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
