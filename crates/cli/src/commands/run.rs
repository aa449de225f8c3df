//! `engine run`

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use engine::load::{Patience, new_load_id};
use engine::run::{End, Options, Range, Scope, run as run_plan};
use engine::spec::{Auth, Pipeline, RateLimit, TimeSpan, pipeline_name};
use engine_sandbox::{Information, Sandbox};
use jiff::Timestamp;
use url::Url;

use super::sandbox::start;
use super::spec::SpecFile;
use crate::args::RunArguments;
use crate::failure::{Failure, INTERRUPTED};
use crate::printer::Printer;
use crate::progress::Progress;
use crate::signals::Signals;
use crate::summary;

/// Exit code of a run in which some resources failed, while the others are committed.
const SOME_FAILED: u8 = 3;

pub(crate) async fn run(arguments: RunArguments, printer: &Printer) -> Result<ExitCode, Failure> {
    let mut spec = SpecFile::read(&arguments.spec)?;
    let (sandbox, information) = match &arguments.sandbox {
        None => (None, None),
        Some(name) => {
            let (sandbox, information) = open_sandbox(name, &spec).await?;
            spec.variables.set(information.variables.clone());
            (sandbox, Some(information))
        }
    };
    // Under a sandbox its base URL and rate limit take the place of the spec's.
    let adapt = |pipeline: &mut Pipeline| {
        if let Some(information) = &information {
            point_at(pipeline, information);
        }
    };
    let plan = spec.plan(&arguments.vars, arguments.destination.as_deref(), adapt)?;
    let now = arguments
        .now
        .or(information.as_ref().map(|information| information.now))
        .unwrap_or_else(whole_seconds);

    let progress = Arc::new(Progress::new(printer));
    let observer = {
        let progress = Arc::clone(&progress);
        Arc::new(move |event| progress.observe(event))
    };
    let api = match information {
        Some(_) => "sandbox".to_owned(),
        None => plan.client.base_url.origin().ascii_serialization(),
    };
    let options = Options {
        load_id: new_load_id(clock()),
        api,
        now,
        clock: Arc::new(clock),
        scope: scope(&arguments),
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
        result = run_plan(plan, options, signals.received(1)) => result,
        // Stopping at any instant is safe: what is committed stays, and the rest is swept by the next run.
        () = signals.received(2) => Err(engine::run::Error::StoppedAtOnce),
    };
    progress.finish();
    if let Some(sandbox) = sandbox {
        sandbox.stop().await;
    }
    let report = result?;
    printer.result(&summary::render(&report));
    Ok(match report.end {
        End::Interrupted => ExitCode::from(INTERRUPTED),
        End::FailedFast => ExitCode::FAILURE,
        End::Complete if report.has_failures() => ExitCode::from(SOME_FAILED),
        End::Complete => ExitCode::SUCCESS,
    })
}

fn scope(arguments: &RunArguments) -> Scope {
    let (since, until) = (arguments.since, arguments.until);
    match (since, until) {
        (None, None) if arguments.fresh => Scope::Fresh,
        (None, None) => Scope::New,
        _ => Scope::Again(Range { since, until }),
    }
}

pub(super) fn point_at(pipeline: &mut Pipeline, information: &Information) {
    let endpoints = pipeline.resources.iter_mut();
    let auths = endpoints.filter_map(|resource| resource.endpoint.auth.as_mut());
    for auth in auths.chain(pipeline.client.auth.as_mut()) {
        if let Auth::Oauth2ClientCredentials(credentials) = auth {
            let url = &mut credentials.access_token_url;
            *url = at_origin_of(&information.base_url, url).unwrap_or_default();
        }
    }
    pipeline.client.base_url.clone_from(&information.base_url);
    pipeline.client.rate_limit = information.rate_limit.as_ref().map(|limit| RateLimit {
        requests: limit.requests,
        per: Some(TimeSpan(
            jiff::Span::new().seconds(i64::try_from(limit.per).unwrap_or(i64::MAX)),
        )),
        burst: Some(limit.burst),
    });
}

/// The path of a URL at another origin, so that no simulated run sends a secret to a real server. A sandbox that runs
/// elsewhere on this machine stays where it is.
fn at_origin_of(base: &str, url: &str) -> Option<String> {
    let (base, url) = (Url::parse(base).ok()?, Url::parse(url).ok()?);
    let on_this_machine = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    if on_this_machine {
        return Some(url.into());
    }
    Some(base.join(url.path()).ok()?.into())
}

/// An embedded sandbox from a fixture, or one that runs already at a URL.
pub(super) async fn open_sandbox(
    name: &str,
    spec: &SpecFile,
) -> Result<(Option<Sandbox>, Information), Failure> {
    if name.starts_with("http://") {
        let information = Information::of(name).await.map_err(|error| {
            Failure::usage(format!("ask the sandbox at `{name}`"), Some(error.into()))
        })?;
        return Ok((None, information));
    }
    let fixture = if name.is_empty() {
        let pipeline = pipeline_name(&spec.name, &spec.text).unwrap_or_default();
        spec.folder()
            .join("sandbox")
            .join(format!("{pipeline}.yaml"))
    } else {
        PathBuf::from(name)
    };
    let sandbox = start(&fixture, 0).await?;
    let information = sandbox.information();
    Ok((Some(sandbox), information))
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
