//! One request and its whole answer.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use url::Url;

use super::address::{host, same_origin};
use super::auth;
use super::error::Error;
use super::rate::Pacer;
use super::request::Request;
use crate::flow::MAXIMUM_PAGE_BYTES;
use crate::plan::ClientPlan;

/// Wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Wait for the next bytes of an answer.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Wait for a whole answer, so that a server that drips doesn't hold a slice for ever.
const TOTAL_TIMEOUT: Duration = Duration::from_mins(15);

/// Redirects followed within the origin.
pub(super) const REDIRECT_LIMIT: usize = 10;

/// Room made for a body at once, whatever its announced length, in bytes.
const LARGEST_FIRST_ALLOCATION: u64 = 16 * 1024 * 1024;

/// A whole answer.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// Behind redirects.
    pub(super) url: Url,
    pub(super) body: Bytes,
}

/// Why there is no whole answer.
#[derive(Debug)]
pub(super) enum SendError {
    /// The connection failed, timed out or broke.
    Transport(reqwest::Error),
    TooLarge,
    OtherOrigin {
        host: String,
    },
    TooManyRedirects,
}

/// Sends requests to one origin.
pub(super) struct Http {
    client: reqwest::Client,
    origin: Url,
    /// The client's headers, credentials included.
    headers: HeaderMap,
    pub(super) pacer: Pacer,
    body_limit: usize,
}

impl Http {
    pub(super) fn new(plan: &ClientPlan) -> Result<Self, Error> {
        // It fails where a provider is installed already, which is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
        let mut headers =
            HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static("application/json"))]);
        headers.extend(plan.headers.iter().cloned());
        let authorization = auth::authorization(&plan.auth).map_err(|_| Error::Setup {
            problem: "a credential holds a character that a header can't carry".to_owned(),
        })?;
        headers.extend(authorization.map(|value| (header::AUTHORIZATION, value)));
        let client = reqwest::Client::builder()
            .user_agent(concat!("engine/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .timeout(TOTAL_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|cause| Error::Setup {
                problem: cause.without_url().to_string(),
            })?;
        let pacer = Pacer::new(plan.rate_limit);
        Ok(Self {
            client,
            origin: plan.base_url.clone(),
            headers,
            pacer,
            body_limit: MAXIMUM_PAGE_BYTES,
        })
    }

    /// The same with another limit, for tests.
    #[cfg(test)]
    pub(super) fn with_body_limit(self, body_limit: usize) -> Self {
        Self { body_limit, ..self }
    }

    /// Sends a request when the rate limit allows, follows redirects within the origin, and reads the whole answer.
    pub(super) async fn send(&self, mut request: Request) -> Result<Response, SendError> {
        for _ in 0..=REDIRECT_LIMIT {
            let response = self.send_once(&request).await?;
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

    async fn send_once(&self, request: &Request) -> Result<Response, SendError> {
        if !same_origin(&request.url, &self.origin) {
            return Err(SendError::OtherOrigin {
                host: host(&request.url),
            });
        }
        let mut headers = self.headers.clone();
        for (name, value) in &request.headers {
            headers.insert(name.clone(), value.clone());
        }
        let mut builder = self
            .client
            .request(request.method.clone(), request.url.clone())
            .headers(headers);
        if let Some(body) = &request.body {
            builder = builder.body(body.clone());
        }
        let departure = self.pacer.acquire().await;
        let transport = |error: reqwest::Error| SendError::Transport(error.without_url());
        let mut response = builder.send().await.map_err(transport)?;
        drop(departure);
        let announced = response.content_length().unwrap_or(0);
        if usize::try_from(announced).map_or(true, |length| length > self.body_limit) {
            return Err(SendError::TooLarge);
        }
        let room = usize::try_from(announced.min(LARGEST_FIRST_ALLOCATION)).unwrap_or(0);
        let mut body = BytesMut::with_capacity(room);
        while let Some(chunk) = response.chunk().await.map_err(transport)? {
            if body.len() + chunk.len() > self.body_limit {
                return Err(SendError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let body = without_byte_order_mark(body.freeze());
        let headers = std::mem::take(response.headers_mut());
        Ok(Response {
            status: response.status(),
            headers,
            url: request.url.clone(),
            body,
        })
    }
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
    if body.starts_with(b"\xef\xbb\xbf") {
        body.slice(3..)
    } else {
        body
    }
}
