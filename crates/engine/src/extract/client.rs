//! The one loop that sends requests and tries them again.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use url::Url;

use super::error::{Answered, Error, Tried};
use super::http::{Http, REDIRECT_LIMIT, Response, SendError};
use super::redact::Redactor;
use super::request::Request;
use super::retry::{self, Random};
use crate::flow::{Event, MAXIMUM_PAGE_BYTES, Observer};
use crate::plan::selector::BodyError;
use crate::plan::{ClientPlan, RetryPlan};

/// Bodies longer than this are looked through on a blocking thread, in bytes.
const LONGEST_INLINE_BODY: usize = 512 * 1024;

/// The way to one API: connections, credentials, pacing and retries, shared by all resources of a pipeline.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    http: Http,
    base_url: Url,
    retry: RetryPlan,
    redactor: Redactor,
    clock: Clock,
    random: Box<Random>,
    observer: Observer,
}

type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Looks through a body; runs on a blocking thread where the body is long.
pub(super) type Inspect<T> = Arc<dyn Fn(&[u8]) -> Result<T, BodyError> + Send + Sync>;

/// What happens where a request may have been carried out although its answer didn't come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Repetition {
    /// It is sent again: it changes nothing.
    Harmless,
    /// It is sent again once, and what it may have left behind is reported.
    Creates,
}

/// A success and what was found in its body.
pub(super) struct Fetched<T> {
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) value: T,
    pub(super) arrived_at: Timestamp,
}

enum Failure {
    Send(SendError),
    Status(Response),
    Body(Bytes, BodyError),
}

impl Client {
    /// Sets up the client of a pipeline; nothing is sent yet.
    pub fn new(plan: ClientPlan, clock: Clock, observer: Observer) -> Result<Self, Error> {
        let http = Http::new(&plan)?;
        let redactor = Redactor::new(&plan);
        let random = Box::new(|bound| fastrand::u64(0..=bound));
        let (base_url, retry) = (plan.base_url, plan.retry);
        Ok(Self {
            inner: Arc::new(Inner {
                http,
                base_url,
                retry,
                redactor,
                clock,
                random,
                observer,
            }),
        })
    }

    pub(super) fn base_url(&self) -> &Url {
        &self.inner.base_url
    }

    pub(super) fn observe(&self, event: Event) {
        (self.inner.observer)(event);
    }

    /// What the run's clock shows.
    pub(super) fn now(&self) -> Timestamp {
        (self.inner.clock)()
    }

    pub(super) fn notice(&self, resource: &str, text: &str) {
        self.observe(Event::Notice {
            resource: resource.to_owned(),
            text: self.inner.redactor.text(text),
        });
    }

    pub(super) fn warn(&self, resource: &str, text: &str) {
        self.observe(Event::Warning {
            resource: resource.to_owned(),
            text: self.inner.redactor.text(text),
        });
    }

    /// Sends a request until it succeeds with a body that passes inspection; counts each try.
    pub(super) async fn fetch<T: Send + 'static>(
        &self,
        resource: &str,
        request: &Request,
        repetition: Repetition,
        inspect: Inspect<T>,
        requests: &mut u64,
    ) -> Result<Fetched<T>, Error> {
        let plan = &self.inner.retry;
        let mut orphaned = false;
        let mut attempt = 1;
        loop {
            *requests += 1;
            self.observe(Event::Requested {
                resource: resource.to_owned(),
            });
            let failure = match self.inner.http.send(request.clone()).await {
                Ok(response) if response.status.is_success() => {
                    let arrived_at = (self.inner.clock)();
                    match inspect_off_thread(response.body.clone(), Arc::clone(&inspect)).await? {
                        Ok(value) => {
                            let Response {
                                headers, url, body, ..
                            } = response;
                            return Ok(Fetched {
                                url,
                                headers,
                                body,
                                value,
                                arrived_at,
                            });
                        }
                        Err(error) => Failure::Body(response.body, error),
                    }
                }
                Ok(response) => Failure::Status(response),
                Err(error) => Failure::Send(error),
            };
            let retry_after = self.retry_after(&failure);
            let creates_twice =
                repetition == Repetition::Creates && failure.may_have_been_carried_out();
            if !failure.is_transient(plan)
                || attempt >= plan.max_attempts
                || (creates_twice && orphaned)
            {
                return Err(self.error(request, failure, attempt));
            }
            let redactor = self
                .inner
                .redactor
                .with_request(&request.url, &request.headers);
            if creates_twice {
                orphaned = true;
                let url = redactor.url(&request.url);
                let text = format!(
                    "`{} {url}` may have created a job whose answer was lost; it is created again, and the first one \
                     stays behind unread",
                    request.method
                );
                self.notice(resource, &text);
            }
            let wait = retry::wait(plan, attempt, retry_after, &*self.inner.random);
            self.observe(Event::Retrying {
                resource: resource.to_owned(),
                attempt,
                wait_milliseconds: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
                reason: redactor.text(&failure.reason()),
            });
            tokio::time::sleep(wait).await;
            attempt += 1;
        }
    }

    /// What the server asked for; where it is overloaded, everybody waits.
    fn retry_after(&self, failure: &Failure) -> Option<Duration> {
        let Failure::Status(response) = failure else {
            return None;
        };
        let asked = retry::retry_after(&response.headers, (self.inner.clock)())?;
        if matches!(
            response.status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        ) {
            self.inner
                .http
                .pacer
                .pause(asked.min(self.inner.retry.max_backoff));
        }
        Some(asked)
    }

    fn error(&self, request: &Request, failure: Failure, attempts: u32) -> Error {
        let redactor = self
            .inner
            .redactor
            .with_request(&request.url, &request.headers);
        let method = request.method.to_string();
        let tried = Tried {
            method,
            url: redactor.url(&request.url),
            attempts,
        };
        match failure {
            Failure::Send(SendError::Transport(source)) => Error::Unreachable {
                tried: Box::new(tried),
                source,
            },
            Failure::Send(SendError::TooLarge) => Error::BodyTooLarge {
                tried: Box::new(tried),
                limit: MAXIMUM_PAGE_BYTES,
            },
            Failure::Send(SendError::OtherOrigin { host }) => Error::OtherOrigin {
                tried: Box::new(tried),
                host,
            },
            Failure::Send(SendError::TooManyRedirects) => Error::TooManyRedirects {
                tried: Box::new(tried),
                limit: REDIRECT_LIMIT,
            },
            Failure::Body(body, source) => Error::InvalidBody {
                tried: Box::new(tried),
                excerpt: redactor.excerpt(&body),
                source,
            },
            Failure::Status(response) => {
                let status = response.status.as_u16();
                let answered = Box::new(Answered {
                    tried,
                    status,
                    body: redactor.excerpt(&response.body),
                });
                match status {
                    401 | 403 => Error::Unauthorized(answered),
                    404 | 410 => Error::NotFound(answered),
                    429 => Error::RateLimited(answered),
                    500.. => Error::ServerFailed(answered),
                    _ => Error::BadRequest(answered),
                }
            }
        }
    }
}

#[cfg(test)]
impl Client {
    /// The same with fixed waits and a small body limit.
    pub(super) fn for_tests(plan: ClientPlan, observer: Observer, body_limit: usize) -> Self {
        let clock: Clock = Arc::new(|| Timestamp::UNIX_EPOCH);
        let inner = Self::new(plan, clock, observer).unwrap().inner;
        let inner = Arc::into_inner(inner).unwrap();
        let http = inner.http.with_body_limit(body_limit);
        Self {
            inner: Arc::new(Inner {
                http,
                random: Box::new(|bound| bound),
                ..inner
            }),
        }
    }
}

impl Failure {
    /// Whether the next try may fare better.
    fn is_transient(&self, plan: &RetryPlan) -> bool {
        match self {
            Self::Send(SendError::Transport(error)) => !error.is_builder(),
            Self::Send(_) | Self::Body(_, BodyError::TooDeep { .. }) => false,
            Self::Status(response) => retry::is_listed(plan, response.status),
            Self::Body(..) => true,
        }
    }

    /// Whether the server may have done what was asked.
    fn may_have_been_carried_out(&self) -> bool {
        match self {
            Self::Send(SendError::Transport(error)) => !error.is_connect(),
            Self::Send(_) | Self::Body(..) => true,
            // These refuse a request before it is carried out.
            Self::Status(response) => !matches!(response.status.as_u16(), 400..=499 | 503),
        }
    }

    fn reason(&self) -> String {
        match self {
            Self::Send(SendError::Transport(error)) if error.is_timeout() => {
                "the server took too long".to_owned()
            }
            Self::Send(SendError::Transport(error)) if error.is_connect() => {
                format!("no connection: {}", innermost(error))
            }
            Self::Send(SendError::Transport(error)) => {
                format!("the connection broke: {}", innermost(error))
            }
            Self::Send(_) => "the answer can't be taken".to_owned(),
            Self::Status(response) => format!("the server answered {}", response.status.as_u16()),
            Self::Body(_, error) => error.to_string(),
        }
    }
}

/// The last cause, which says what the system said.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

async fn inspect_off_thread<T: Send + 'static>(
    body: Bytes,
    inspect: Inspect<T>,
) -> Result<Result<T, BodyError>, Error> {
    if body.len() <= LONGEST_INLINE_BODY {
        return Ok(inspect(&body));
    }
    match tokio::task::spawn_blocking(move || inspect(&body)).await {
        Ok(result) => Ok(result),
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // The runtime is shutting down.
        Err(_) => Err(Error::Stopped),
    }
}
