//! A spec and the API that it leads to, which may be a simulated one.

use std::path::{Path, PathBuf};

use engine::extract::cassette::Cassette;
use engine::plan::Plan;
use engine::spec::{Auth, Pipeline, RateLimit, TimeSpan, pipeline_name};
use engine_sandbox::{Information, Sandbox};
use jiff::Timestamp;
use url::Url;

use super::run::whole_seconds;
use super::sandbox::start;
use super::spec::SpecFile;
use crate::failure::Failure;

/// What a command line says of a spec and its API.
pub(super) struct SessionArguments<'a> {
    pub(super) spec: &'a Path,
    /// The fixture or the URL of a sandbox; empty for the fixture beside the spec.
    pub(super) sandbox: Option<&'a str>,
    pub(super) destination: Option<&'a str>,
    pub(super) vars: &'a [(String, String)],
    /// In place of the clock.
    pub(super) now: Option<Timestamp>,
}

/// A spec that is ready to be read.
pub(super) struct Session {
    pub(super) plan: Plan,
    /// The API, as the commit log names it.
    pub(super) api: String,
    /// When what is done begins.
    pub(super) now: Timestamp,
    /// Serves the API until it is stopped.
    sandbox: Option<Sandbox>,
}

impl Session {
    /// Reads the spec. Under a sandbox its base URL, variables, clock and rate limit take the place of the spec's.
    pub(super) async fn open(arguments: SessionArguments<'_>) -> Result<Self, Failure> {
        Self::open_read(SpecFile::read(arguments.spec)?, arguments).await
    }

    /// The same for a spec that is read already.
    pub(super) async fn open_read(
        mut spec: SpecFile,
        arguments: SessionArguments<'_>,
    ) -> Result<Self, Failure> {
        let (sandbox, information) = match arguments.sandbox {
            None => (None, None),
            Some(name) => {
                let (sandbox, information) = open_sandbox(name, &spec).await?;
                spec.variables.set(information.variables.clone());
                (sandbox, Some(information))
            }
        };
        let adapt = |pipeline: &mut Pipeline| {
            if let Some(information) = &information {
                point_at(pipeline, information);
            }
        };
        let plan = spec.plan(arguments.vars, arguments.destination, adapt)?;
        let simulated = information.as_ref();
        let now = arguments
            .now
            .or(simulated.map(|information| information.now));
        Ok(Self {
            api: match simulated {
                Some(_) => "sandbox".to_owned(),
                None => plan.client.base_url.origin().ascii_serialization(),
            },
            now: now.unwrap_or_else(whole_seconds),
            plan,
            sandbox,
        })
    }

    /// Reads the spec for a run from a cassette: credentials may be missing, and base URL, API and clock are the recorded ones.
    pub(super) fn replay(
        mut spec: SpecFile,
        arguments: &SessionArguments<'_>,
        cassette: &Cassette,
    ) -> Result<Self, Failure> {
        spec.variables = spec.variables.without_the_api();
        let adapt = |pipeline: &mut Pipeline| {
            cassette
                .base_url()
                .clone_into(&mut pipeline.client.base_url);
        };
        Ok(Self {
            api: cassette.api().to_owned(),
            now: arguments.now.unwrap_or(cassette.now()),
            plan: spec.plan(arguments.vars, arguments.destination, adapt)?,
            sandbox: None,
        })
    }

    /// Moves the clock of the sandbox to the session's, where one was started.
    pub(super) fn move_sandbox_clock(&self) {
        if let Some(sandbox) = &self.sandbox {
            sandbox.set_now(self.now);
        }
    }

    /// Stops the sandbox, where one was started.
    pub(super) async fn close(self) {
        if let Some(sandbox) = self.sandbox {
            sandbox.stop().await;
        }
    }
}

fn point_at(pipeline: &mut Pipeline, information: &Information) {
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
async fn open_sandbox(
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
