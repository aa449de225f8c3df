//! Asynchronous jobs: create one, and wait until its result can be read.

use std::ops::ControlFlow;
use std::sync::Arc;

use serde_json::Value;
use tokio::time::Instant;

use super::client::{Body, Client, Fetched, Inspect, Repetition};
use super::error::Error;
use super::judge::Ending;
use super::request::PageRequests;
use crate::plan::selector::BodyError;
use crate::plan::template::Bindings;
use crate::plan::{JobPlan, Selector};

/// Creates a job for a slice and waits until it is done; gives its id.
///
/// Breaks where `response_actions` say that the slice ends here.
pub(super) async fn run(
    client: &Client,
    resource: &str,
    plan: &JobPlan,
    bindings: Bindings<'_>,
    requests: &mut u64,
) -> Result<ControlFlow<Ending, Value>, Error> {
    let create = PageRequests::render(&plan.create, client.base_url(), &bindings)?.with(&[])?;
    let created = client
        .fetch(
            resource,
            &create,
            Repetition::Creates,
            scalar(&plan.id),
            requests,
        )
        .await?;
    let created = match value(created) {
        ControlFlow::Continue(created) => created,
        ControlFlow::Break(ending) => return Ok(ControlFlow::Break(ending)),
    };
    let missing = |action, path: &Selector| Error::JobAnswer {
        action,
        path: path.as_str().to_owned(),
    };
    let id = created.ok_or_else(|| missing("create", &plan.id))?;
    let poll_bindings = Bindings {
        job_id: Some(&id),
        ..bindings
    };
    let poll = PageRequests::render(&plan.poll, client.base_url(), &poll_bindings)?.with(&[])?;
    let deadline = Instant::now() + plan.timeout;
    loop {
        let polled = client
            .fetch(
                resource,
                &poll,
                Repetition::Harmless,
                scalar(&plan.status),
                requests,
            )
            .await?;
        let polled = match value(polled) {
            ControlFlow::Continue(polled) => polled,
            ControlFlow::Break(ending) => return Ok(ControlFlow::Break(ending)),
        };
        let status = text(&polled.ok_or_else(|| missing("poll", &plan.status))?);
        if plan.done.contains(&status) {
            return Ok(ControlFlow::Continue(id));
        }
        if plan.failed.contains(&status) {
            return Err(Error::JobFailed {
                id: text(&id),
                status,
            });
        }
        let next = Instant::now() + plan.every;
        if next > deadline {
            return Err(Error::JobTimedOut {
                id: text(&id),
                status,
                timeout: plan.timeout,
            });
        }
        if !client.is_replayed() {
            tokio::time::sleep_until(next).await;
        }
    }
}

/// What was found in an answer; breaks where the answer ends the slice.
fn value(
    answer: ControlFlow<Ending, Fetched<Option<Value>>>,
) -> ControlFlow<Ending, Option<Value>> {
    match answer {
        ControlFlow::Continue(fetched) if fetched.is_last => ControlFlow::Break(Ending {
            status: fetched.status,
            is_stop: true,
        }),
        ControlFlow::Continue(fetched) => ControlFlow::Continue(fetched.value),
        ControlFlow::Break(ending) => ControlFlow::Break(ending),
    }
}

/// Finds a text, number or boolean.
fn scalar(path: &Selector) -> Inspect<Option<Value>> {
    let path = path.clone();
    Arc::new(move |body| {
        let Body::InMemory(body) = body else {
            let reason = "an answer about a job is expected to be short".to_owned();
            return Err(BodyError::Unusable { reason });
        };
        let raw = path.value(body)?;
        let value: Option<Value> = raw.and_then(|raw| serde_json::from_slice(raw).ok());
        Ok(value.filter(|value| value.is_string() || value.is_number() || value.is_boolean()))
    })
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
