//! Answers the requests to the simulated API.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use axum::{
    body::to_bytes,
    extract::{Query, Request, State},
    http::{HeaderMap, Uri, header},
    response::Response,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;

use super::{
    Shared, lock,
    log::{SeenRequest, remembered},
    reply,
};
use crate::{
    answer::{Asked, BadParameter, Parameters, Reply, Snapshot},
    fixture::{Answer, Auth, Fault, Route},
};

/// The longest request body that is read, in bytes.
const MAXIMUM_BODY_BYTES: usize = 1 << 20;

/// Answers a request to the API and remembers it.
pub(super) async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let arrived = shared.started.elapsed();
    let (head, body) = request.into_parts();
    let Query(query): Query<Vec<(String, String)>> =
        Query::try_from_uri(&head.uri).unwrap_or_default();
    let Ok(body) = to_bytes(body, MAXIMUM_BODY_BYTES).await else {
        return reply::response(Reply::error(413, "The body is too long"), None);
    };
    let incoming = Incoming {
        method: head.method.as_str(),
        uri: &head.uri,
        headers: &head.headers,
        query: &query,
        body: &body,
    };
    let outcome = shared.answer(&incoming, arrived);
    lock(&shared.log).push(SeenRequest {
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: query.clone(),
        status: outcome.reply.status,
        body: remembered(&body),
        milliseconds: u64::try_from(arrived.as_millis()).unwrap_or(u64::MAX),
    });
    let delay = outcome
        .fault
        .and_then(|fault| fault.delay)
        .unwrap_or_default()
        .duration();
    let held_back = shared.fixture.latency.duration() + delay;
    if !held_back.is_zero() {
        tokio::time::sleep(held_back).await;
    }
    reply::response(
        outcome.reply,
        outcome.fault.and_then(|fault| fault.truncate),
    )
}

/// A request, read whole.
struct Incoming<'a> {
    method: &'a str,
    uri: &'a Uri,
    headers: &'a HeaderMap,
    query: &'a [(String, String)],
    body: &'a [u8],
}

/// An answer, and what goes wrong with it.
struct Outcome<'a> {
    reply: Reply,
    fault: Option<&'a Fault>,
}

impl From<Reply> for Outcome<'_> {
    fn from(reply: Reply) -> Self {
        Self { reply, fault: None }
    }
}

impl Shared {
    fn answer(&self, incoming: &Incoming, arrived: Duration) -> Outcome<'_> {
        if !self
            .fixture
            .auth
            .as_ref()
            .is_none_or(|auth| is_let_in(auth, incoming.headers))
        {
            return Reply::error(401, "Invalid credentials").into();
        }
        let taken = self
            .bucket
            .as_ref()
            .map_or(Ok(()), |bucket| lock(bucket).take(arrived));
        if let Err(wait) = taken {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            let mut reply = Reply::error(429, "Rate limit exceeded");
            reply
                .headers
                .push(("retry-after".to_owned(), seconds.max(1).to_string()));
            return reply.into();
        }
        let path = incoming
            .uri
            .path()
            .strip_prefix(self.fixture.base_path.as_str());
        let Some(path) = path.and_then(|path| path.strip_prefix('/')) else {
            return Reply::error(404, "Not found").into();
        };
        let mut has_path = false;
        for (position, route) in self.fixture.routes.iter().enumerate() {
            let Some(mut parameters) = matched(&route.path, path) else {
                continue;
            };
            has_path = true;
            if route.method() != incoming.method {
                continue;
            }
            let number = self.asked[position].fetch_add(1, Ordering::Relaxed);
            let fault = fault_of(&route.faults, number);
            if let Some(reply) = fault.and_then(error_of) {
                return Outcome { reply, fault };
            }
            parameters.0.extend_from_slice(incoming.query);
            let reply = self.route(position, route, path, parameters, incoming.body);
            let reply = reply.unwrap_or_else(|BadParameter(message)| Reply::error(400, &message));
            return Outcome { reply, fault };
        }
        let (status, message) = if has_path {
            (405, "Method not allowed")
        } else {
            (404, "Not found")
        };
        Reply::error(status, message).into()
    }

    fn route(
        &self,
        position: usize,
        route: &Route,
        path: &str,
        parameters: Parameters,
        body: &[u8],
    ) -> Result<Reply, BadParameter> {
        let required = &route.required_parameters;
        match &route.answer {
            Answer::List(list) => {
                let mut parameters = parameters;
                if route.method() == "POST" {
                    parameters.0.extend(Parameters::from_body(body)?.0);
                }
                parameters.require(required)?;
                self.snapshot().list(
                    list,
                    &Asked {
                        path,
                        parameters: &parameters,
                    },
                )
            }
            Answer::Record(record) => {
                parameters.require(required)?;
                Ok(self.snapshot().record(record, &parameters))
            }
            Answer::CreateJob(create) => {
                let mut job_parameters = parameters;
                job_parameters.0.extend(Parameters::from_json(body)?.0);
                job_parameters.require(required)?;
                Snapshot::check_job(create, &job_parameters)?;
                let identifier =
                    lock(&self.jobs).create(self.fixture.seed, position, create, job_parameters);
                Ok(Reply::json(
                    200,
                    &serde_json::json!({ &create.identifier: identifier }),
                ))
            }
            Answer::JobResult(result) => {
                parameters.require(required)?;
                let identifier = parameters.get(&result.parameter).unwrap_or_default();
                let polled = lock(&self.jobs).poll(identifier);
                let created = polled.and_then(|(progress, position, job_parameters)| {
                    match &self.fixture.routes.get(position)?.answer {
                        Answer::CreateJob(create) => Some((progress, create, job_parameters)),
                        _ => None,
                    }
                });
                let Some((progress, create, job_parameters)) = created else {
                    return Ok(Reply::error(404, "No such job"));
                };
                let asked = Asked {
                    path,
                    parameters: &parameters,
                };
                self.snapshot()
                    .job_result(result, create, progress, &job_parameters, &asked)
            }
        }
    }
}

/// Whether a request shows what it must.
fn is_let_in(auth: &Auth, headers: &HeaderMap) -> bool {
    let shown = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let credentials = |scheme: &str| {
        let (shown_scheme, rest) = shown(header::AUTHORIZATION.as_str())?.split_once(' ')?;
        shown_scheme
            .eq_ignore_ascii_case(scheme)
            .then_some(rest.trim())
    };
    match auth {
        Auth::HttpBasic(expected) => {
            let expected = format!("{}:{}", expected.username, expected.password);
            let decoded = credentials("basic").and_then(|text| STANDARD.decode(text).ok());
            decoded.is_some_and(|decoded| decoded == expected.as_bytes())
        }
        Auth::Bearer(expected) => credentials("bearer") == Some(expected.token.as_str()),
        Auth::Header(expected) => shown(&expected.name) == Some(expected.value.as_str()),
    }
}

/// The parameters of a path that fits a route's; none if it doesn't.
fn matched(template: &str, path: &str) -> Option<Parameters> {
    let mut parameters = Parameters::default();
    let mut segments = path.split('/');
    for expected in template.split('/') {
        let segment = percent_decode_str(segments.next()?).decode_utf8().ok()?;
        match expected
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
        {
            Some(name) => parameters.0.push((name.to_owned(), segment.into_owned())),
            None if segment == expected => {}
            None => return None,
        }
    }
    segments.next().is_none().then_some(parameters)
}

/// What goes wrong with a route's request of this number, counted from 0.
fn fault_of(faults: &[Fault], number: u64) -> Option<&Fault> {
    faults.iter().find(|fault| {
        let end = fault.after.saturating_add(fault.times.unwrap_or(1));
        (fault.after..end).contains(&number)
    })
}

/// The error that a fault puts in place of the answer.
fn error_of(fault: &Fault) -> Option<Reply> {
    let mut reply = Reply::error(fault.status?, "Injected fault");
    if let Some(seconds) = fault.retry_after {
        reply
            .headers
            .push(("retry-after".to_owned(), seconds.to_string()));
    }
    Some(reply)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_fit_segment_by_segment() {
        let value = |template, path| {
            matched(template, path).map(|found| found.get("id").unwrap_or_default().to_owned())
        };
        assert_eq!(value("people/{id}", "people/a%20b"), Some("a b".to_owned()));
        assert_eq!(value("people", "people"), Some(String::new()));
        assert_eq!(value("people/{id}", "people"), None);
        assert_eq!(value("people", "people/7"), None);
    }

    #[test]
    fn faults_happen_to_their_requests_only() {
        let fault = Fault {
            after: 2,
            times: Some(2),
            status: Some(500),
            ..Fault::default()
        };
        let faults = [fault];
        let hit: Vec<u64> = (0..6)
            .filter(|number| fault_of(&faults, *number).is_some())
            .collect();
        assert_eq!(hit, [2, 3]);
    }
}
