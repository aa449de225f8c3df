//! `engine run`

use std::process::ExitCode;
use std::sync::Arc;

use engine::load::{Patience, new_load_id};
use engine::run::{End, Options, Range, Scope, run as run_plan};
use jiff::Timestamp;

use super::session::{Session, SessionArguments};
use crate::args::RunArguments;
use crate::failure::{Failure, INTERRUPTED};
use crate::printer::Printer;
use crate::progress::Progress;
use crate::signals::Signals;
use crate::summary;

/// Exit code of a run in which some resources failed, while the others are committed.
const SOME_FAILED: u8 = 3;

pub(crate) async fn run(arguments: RunArguments, printer: &Printer) -> Result<ExitCode, Failure> {
    let session = Session::open(SessionArguments {
        spec: &arguments.spec,
        sandbox: arguments.sandbox.as_deref(),
        destination: arguments.destination.as_deref(),
        vars: &arguments.vars,
        now: arguments.now,
    })
    .await?;
    let progress = Arc::new(Progress::new(printer));
    let observer = {
        let progress = Arc::clone(&progress);
        Arc::new(move |event| progress.observe(event))
    };
    let options = Options {
        load_id: new_load_id(clock()),
        api: session.api.clone(),
        now: session.now,
        clock: Arc::new(clock),
        scope: scope((arguments.since, arguments.until), arguments.fresh),
        resources: arguments.resources,
        patience: if arguments.wait {
            Patience::Wait
        } else {
            Patience::Stop
        },
        fail_fast: arguments.fail_fast,
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
    let report = result?;
    printer.result(&summary::render(&report));
    Ok(match report.end {
        End::Interrupted => ExitCode::from(INTERRUPTED),
        End::FailedFast => ExitCode::FAILURE,
        End::Complete if report.has_failures() => ExitCode::from(SOME_FAILED),
        End::Complete => ExitCode::SUCCESS,
    })
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
