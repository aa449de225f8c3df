//! One request and its whole answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use url::Url;

use super::address::{host, same_origin};
use super::auth::Authorization;
use super::cassette::{self, Tape, Unrecorded};
use super::connections::Connections;
use super::curl::Outgoing;
use super::error::Error;
use super::large::{Arriving, BYTE_ORDER_MARK, BodyFile};
use super::proxy;
use super::rate::Pacer;
use super::redact::Redactor;
use super::request::Request;
use crate::plan::{AllowedHost, ClientPlan};

/// Redirects followed to where the request may go.
pub(super) const REDIRECT_LIMIT: usize = 10;

/// Size of the largest body that is read, decompressed. In bytes.
pub(super) const MAXIMUM_BODY_BYTES: u64 = 1 << 30;

/// A whole answer.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// Behind redirects.
    pub(super) url: Url,
    /// The body, or the beginning of one that is on disk.
    pub(super) body: Bytes,
    /// The whole body, where it is too large for memory.
    pub(super) file: Option<Arc<BodyFile>>,
    /// From the request's departure to the end of the body; of the last request, where there were redirects.
    pub(super) took: Duration,
}

/// Where a request and its redirects may lead, and what they take along.
#[derive(Clone, Copy)]
pub(super) enum Scope<'a> {
    /// The base URL's origin and the allowed hosts, with the client's headers and these credentials.
    Api(&'a Authorization),
    /// The origin of this URL, with nothing but the request itself.
    Only(&'a Url),
}

/// Why there is no whole answer.
#[derive(Debug)]
pub(super) enum SendError {
    /// The connection failed, timed out or broke.
    Transport(reqwest::Error),
    TooLarge,
    /// A large body can't be kept on disk.
    Disk(std::io::Error),
    OtherOrigin {
        host: String,
        /// What the host is not, in terms of the spec.
        outside: &'static str,
    },
    TooManyRedirects,
    /// The cassette that is played has no answer to it.
    Unrecorded(Unrecorded),
}

/// Sends requests where they may go.
pub(super) struct Http {
    connections: Connections,
    origin: Url,
    allowed_hosts: Vec<AllowedHost>,
    /// The client's headers, without credentials.
    headers: HeaderMap,
    pub(super) pacer: Pacer,
    pub(super) tape: Tape,
    /// In bytes.
    body_limit: u64,
    /// Size from which on a body is kept on disk, in bytes.
    in_memory: usize,
}

impl Http {
    pub(super) fn new(plan: &ClientPlan, tape: Tape) -> Result<Self, Error> {
        proxy::check(plan.base_url.scheme()).map_err(|problem| Error::Setup { problem })?;
        // It fails where a provider is installed already, which is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
        let mut headers =
            HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static("application/json"))]);
        headers.extend(plan.headers.iter().cloned());
        let setup = |cause: reqwest::Error| Error::Setup {
            problem: cause.without_url().to_string(),
        };
        let connections = Connections::new(&plan.timeouts, proxy::is_named()).map_err(setup)?;
        connections.to(&plan.base_url).map_err(setup)?;
        let pacer = Pacer::new(plan.rate_limit);
        Ok(Self {
            connections,
            origin: plan.base_url.clone(),
            allowed_hosts: plan.allowed_hosts.clone(),
            headers,
            pacer,
            tape,
            body_limit: MAXIMUM_BODY_BYTES,
            in_memory: plan.memory.body_bytes(),
        })
    }

    /// The same with another limit, for tests.
    #[cfg(test)]
    pub(super) fn with_body_limit(self, body_limit: u64) -> Self {
        Self { body_limit, ..self }
    }

    /// Sends a request when the rate limit allows, follows redirects within its scope, and reads the whole answer.
    pub(super) async fn send(
        &self,
        resource: &str,
        mut request: Request,
        scope: Scope<'_>,
    ) -> Result<Response, SendError> {
        for _ in 0..=REDIRECT_LIMIT {
            // On the heap, so that the futures of whoever sends stay small.
            let response = Box::pin(self.send_once(resource, &request, scope)).await?;
            let Some(target) = redirect_target(&response) else {
                return Ok(response);
            };
            if response.status == StatusCode::SEE_OTHER
                || (request.method == Method::POST && matches!(response.status.as_u16(), 301 | 302))
            {
                request.method = Method::GET;
                request.body = None;
                request.headers.remove(header::CONTENT_TYPE);
            }
            request.url = target;
        }
        Err(SendError::TooManyRedirects)
    }

    /// The request as a line for a shell.
    pub(super) fn curl(&self, request: &Request, scope: Scope<'_>, redactor: &Redactor) -> String {
        let (url, headers) = self.with_credentials(request, scope);
        let outgoing = Outgoing {
            method: &request.method,
            url: &url,
            headers: &headers,
            body: request.body.as_deref(),
        };
        outgoing.curl(redactor)
    }

    /// The URL and the headers of a request as they go on the wire.
    fn with_credentials(&self, request: &Request, scope: Scope<'_>) -> (Url, HeaderMap) {
        let mut url = request.url.clone();
        let mut headers = HeaderMap::new();
        match scope {
            Scope::Api(authorization) => {
                headers.clone_from(&self.headers);
                authorization.apply(&mut url, &mut headers);
            }
            Scope::Only(_) => {
                let json = HeaderValue::from_static("application/json");
                headers.insert(header::ACCEPT, json);
            }
        }
        for (name, value) in &request.headers {
            headers.insert(name.clone(), value.clone());
        }
        (url, headers)
    }

    fn permits(&self, url: &Url, scope: Scope<'_>) -> bool {
        match scope {
            Scope::Only(origin) => same_origin(url, origin),
            Scope::Api(_) => {
                let is_as_safe = url.scheme() == "https" || self.origin.scheme() == "http";
                same_origin(url, &self.origin)
                    || (is_as_safe && self.allowed_hosts.iter().any(|host| host.includes(url)))
            }
        }
    }

    async fn send_once(
        &self,
        resource: &str,
        request: &Request,
        scope: Scope<'_>,
    ) -> Result<Response, SendError> {
        if !self.permits(&request.url, scope) {
            return Err(SendError::OtherOrigin {
                host: host(&request.url),
                outside: match scope {
                    Scope::Api(_) => "neither the origin of `base_url` nor one of `allowed_hosts`",
                    Scope::Only(_) => "not the origin of `access_token_url`",
                },
            });
        }
        let outgoing = cassette::Outgoing {
            resource,
            request,
            is_for_token: matches!(scope, Scope::Only(_)),
        };
        if let Some(answer) = self.tape.replay(outgoing).await {
            let answer = answer.map_err(SendError::Unrecorded)?;
            let mut arriving = Arriving::new(self.in_memory, answer.body.len() as u64);
            arriving.push(&answer.body).await.map_err(SendError::Disk)?;
            return respond(
                request,
                answer.status,
                answer.headers,
                arriving,
                Duration::ZERO,
            )
            .await;
        }
        let (url, headers) = self.with_credentials(request, scope);
        let transport = |error: reqwest::Error| SendError::Transport(error.without_url());
        let client = self.connections.to(&url).map_err(transport)?;
        let mut builder = client.request(request.method.clone(), url).headers(headers);
        if let Some(body) = &request.body {
            builder = builder.body(body.clone());
        }
        let departure = self.pacer.acquire().await;
        let departed = Instant::now();
        let mut response = builder.send().await.map_err(transport)?;
        drop(departure);
        let announced = response.content_length().unwrap_or(0);
        if announced > self.body_limit {
            return Err(SendError::TooLarge);
        }
        let mut arriving = Arriving::new(self.in_memory, announced);
        while let Some(chunk) = response.chunk().await.map_err(transport)? {
            if arriving.length() + chunk.len() as u64 > self.body_limit {
                return Err(SendError::TooLarge);
            }
            arriving.push(&chunk).await.map_err(SendError::Disk)?;
        }
        let headers = std::mem::take(response.headers_mut());
        let took = departed.elapsed();
        let response = respond(request, response.status(), headers, arriving, took).await?;
        self.tape.record(outgoing, &response).await;
        Ok(response)
    }
}

async fn respond(
    request: &Request,
    status: StatusCode,
    headers: HeaderMap,
    arriving: Arriving,
    took: Duration,
) -> Result<Response, SendError> {
    let (body, file) = arriving.finish().await.map_err(SendError::Disk)?;
    Ok(Response {
        status,
        headers,
        url: request.url.clone(),
        body: without_byte_order_mark(body),
        file: file.map(Arc::new),
        took,
    })
}

fn redirect_target(response: &Response) -> Option<Url> {
    if !matches!(response.status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = response.headers.get(header::LOCATION)?;
    response
        .url
        .join(&String::from_utf8_lossy(location.as_bytes()))
        .ok()
}

fn without_byte_order_mark(body: Bytes) -> Bytes {
    if body.starts_with(BYTE_ORDER_MARK) {
        body.slice(BYTE_ORDER_MARK.len()..)
    } else {
        body
    }
}
