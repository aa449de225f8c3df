//! `engine run`

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use engine::load::{Patience, new_load_id};
use engine::plan::{Plan, check_destination, compile};
use engine::run::{End, Options, Range, Scope, run as run_plan};
use engine::spec::{
    Auth, Pipeline, RateLimit, Source, TimeSpan, Variables, did_you_mean, pipeline_name,
};
use engine_sandbox::{Information, Sandbox};
use jiff::Timestamp;
use url::Url;

use super::sandbox::start;
use crate::args::RunArguments;
use crate::failure::{Failure, INTERRUPTED};
use crate::printer::Printer;
use crate::progress::Progress;
use crate::signals::Signals;
use crate::summary;

/// Exit code of a run in which some resources failed, while the others are committed.
const SOME_FAILED: u8 = 3;

pub(crate) async fn run(arguments: RunArguments, printer: &Printer) -> Result<ExitCode, Failure> {
    let spec = arguments.spec.display().to_string();
    let text = std::fs::read_to_string(&arguments.spec)
        .map_err(|error| Failure::usage(format!("read the spec `{spec}`"), Some(error.into())))?;
    let mut variables = Variables::new(environment());
    let beside = arguments.spec.parent().unwrap_or(Path::new("."));
    variables
        .add_file(&beside.join(".env"))
        .map_err(|error| Failure::usage(error.to_string(), None))?;

    let (sandbox, information) = match &arguments.sandbox {
        None => (None, None),
        Some(name) => {
            let (sandbox, information) = open_sandbox(name, beside, &spec, &text).await?;
            variables.set(information.variables.clone());
            (sandbox, Some(information))
        }
    };
    variables.set(arguments.vars.iter().cloned());
    let mut plan = plan(&spec, &text, &variables, &arguments, information.as_ref())?;
    if let Some(destination) = &arguments.destination {
        check_destination(destination).map_err(|problem| Failure::usage(problem, None))?;
        plan.destination.url.clone_from(destination);
    }
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

/// Reads and compiles the spec; under a sandbox its base URL and rate limit take the place of the spec's.
fn plan(
    name: &str,
    text: &str,
    variables: &Variables,
    arguments: &RunArguments,
    sandbox: Option<&Information>,
) -> Result<Plan, Failure> {
    let load = |path: &str| std::fs::read_to_string(path);
    let (source, mut pipeline) = Source::read_with_includes(name, text, variables, &load)?;
    check_vars(&arguments.vars, &pipeline)?;
    if let Some(information) = sandbox {
        point_at(&mut pipeline, information);
    }
    let secrets = source.substituted();
    let mut plan = source.finish(compile(&pipeline))?;
    plan.client.secrets = secrets;
    Ok(plan)
}

/// Refuses values for variables that the spec doesn't declare.
pub(crate) fn check_vars(given: &[(String, String)], pipeline: &Pipeline) -> Result<(), Failure> {
    let declared = || pipeline.vars.keys().map(String::as_str);
    for (name, _) in given {
        if declared().any(|known| known == name) {
            continue;
        }
        let help = match did_you_mean(name, declared()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "declare it under `vars`".to_owned(),
        };
        let message = format!("the spec declares no variable `{name}`: {help}");
        return Err(Failure::usage(message, None));
    }
    Ok(())
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
    beside: &Path,
    spec: &str,
    text: &str,
) -> Result<(Option<Sandbox>, Information), Failure> {
    if name.starts_with("http://") {
        let information = Information::of(name).await.map_err(|error| {
            Failure::usage(format!("ask the sandbox at `{name}`"), Some(error.into()))
        })?;
        return Ok((None, information));
    }
    let fixture = if name.is_empty() {
        let pipeline = pipeline_name(spec, text).unwrap_or_default();
        beside.join("sandbox").join(format!("{pipeline}.yaml"))
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

/// The variables that are text; others can't be named in a spec.
pub(crate) fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// The clock in whole seconds, since many APIs take no finer times.
pub(super) fn whole_seconds() -> Timestamp {
    let now = clock();
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}
