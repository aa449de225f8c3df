//! A request that didn't succeed: whether it is sent again, and what the user is told.

use http::{StatusCode, header};

use super::error::{Answered, Error, Tried};
use super::http::{MAXIMUM_BODY_BYTES, REDIRECT_LIMIT, Response, SendError};
use super::redact::Redactor;
use super::request::Request;
use super::retry;
use crate::flow::Exchange;
use crate::plan::RetryPlan;
use crate::plan::selector::BodyError;

/// Why a request didn't succeed.
pub(super) enum Failure {
    /// No whole answer came.
    Send(SendError),
    /// The status is no success.
    Status(Response),
    /// The body of a success can't be used.
    Body(Response, BodyError),
    /// `response_actions` say that it is one.
    Action(Response),
}

/// What an error says besides the failure itself.
pub(super) struct Teller<'a> {
    pub(super) redactor: Redactor,
    pub(super) request: &'a Request,
    /// How often the request was sent.
    pub(super) sent: u32,
    /// Where the spec has the credentials.
    pub(super) auth: &'static str,
}

impl Failure {
    /// Whether the next try may fare better.
    pub(super) fn is_transient(&self, plan: &RetryPlan) -> bool {
        match self {
            Self::Send(SendError::Transport(error)) => !error.is_builder(),
            Self::Send(_)
            | Self::Body(_, BodyError::TooDeep { .. } | BodyError::Unusable { .. }) => false,
            Self::Status(response) => retry::is_listed(plan, response.status),
            Self::Body(..) | Self::Action(_) => true,
        }
    }

    /// Whether the server may have done what was asked.
    pub(super) fn may_have_been_carried_out(&self) -> bool {
        match self {
            Self::Send(SendError::Transport(error)) => !error.is_connect(),
            Self::Send(_) | Self::Body(..) => true,
            // These refuse a request before it is carried out.
            Self::Status(response) | Self::Action(response) => {
                !matches!(response.status.as_u16(), 400..=499 | 503)
            }
        }
    }

    /// The answer, where a whole one came.
    pub(super) fn response(&self) -> Option<&Response> {
        match self {
            Self::Send(_) => None,
            Self::Status(response) | Self::Body(response, _) | Self::Action(response) => {
                Some(response)
            }
        }
    }

    /// Whether the status says that the whole API is overloaded.
    pub(super) fn concerns_everybody(&self) -> bool {
        matches!(
            self,
            Self::Status(response) if matches!(
                response.status,
                StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
            )
        )
    }

    /// Why, in a few words.
    pub(super) fn reason(&self) -> String {
        match self {
            Self::Send(error) => error.reason(),
            Self::Status(response) => format!("the server answered {}", response.status.as_u16()),
            Self::Body(response, _) if is_html(response) => {
                "the answer looks like an HTML page".to_owned()
            }
            Self::Body(_, error) => error.to_string(),
            Self::Action(response) => format!(
                "the server answered {}, which `response_actions` name",
                response.status.as_u16()
            ),
        }
    }

    /// The error that the user sees.
    pub(super) fn into_error(self, teller: &Teller<'_>) -> Error {
        let tried = Box::new(teller.tried(self.response()));
        match self {
            Self::Send(SendError::Transport(source)) => Error::Unreachable { tried, source },
            Self::Send(SendError::TooLarge) => Error::BodyTooLarge {
                tried,
                limit: MAXIMUM_BODY_BYTES,
            },
            Self::Send(SendError::Disk(source)) => Error::BodyNotKept { tried, source },
            Self::Send(SendError::OtherOrigin { host, outside }) => Error::OtherOrigin {
                tried,
                host,
                outside,
            },
            Self::Send(SendError::TooManyRedirects) => Error::TooManyRedirects {
                tried,
                limit: REDIRECT_LIMIT,
            },
            Self::Send(SendError::Unrecorded(unrecorded)) => Error::NotRecorded {
                tried,
                problem: teller.redactor.text(&unrecorded.0),
            },
            Self::Body(response, source) => Error::InvalidBody {
                answered: Box::new(teller.answered(&response)),
                is_html: is_html(&response),
                source,
            },
            Self::Status(response) | Self::Action(response) => {
                let answered = Box::new(teller.answered(&response));
                match answered.status {
                    200..=299 => Error::Failed {
                        answered,
                        message: "`response_actions` name it, and it stayed so".to_owned(),
                    },
                    401 | 403 => Error::Unauthorized {
                        answered,
                        auth: teller.auth,
                    },
                    404 | 410 => Error::NotFound(answered),
                    429 => Error::RateLimited(answered),
                    500.. => Error::ServerFailed(answered),
                    _ => Error::BadRequest(answered),
                }
            }
        }
    }
}

impl SendError {
    /// Why there is no answer, in a few words.
    pub(super) fn reason(&self) -> String {
        match self {
            Self::Transport(error) if error.is_timeout() => "the server took too long".to_owned(),
            Self::Transport(error) if error.is_connect() => {
                format!("no connection: {}", innermost(error))
            }
            Self::Transport(error) => format!("the connection broke: {}", innermost(error)),
            Self::TooLarge | Self::Disk(_) | Self::OtherOrigin { .. } | Self::TooManyRedirects => {
                "the answer can't be taken".to_owned()
            }
            Self::Unrecorded(_) => "the recording has no answer to it".to_owned(),
        }
    }
}

impl Teller<'_> {
    pub(super) fn tried(&self, response: Option<&Response>) -> Tried {
        let redirected = response.filter(|response| response.url != self.request.url);
        Tried {
            method: self.request.method.to_string(),
            url: self.redactor.url(&self.request.url),
            attempts: self.sent,
            redirected_to: redirected.map(|response| self.redactor.url(&response.url)),
        }
    }

    /// What is told of a request that came to its end. An answer that may hold a token is not shown.
    pub(super) fn exchange(
        &self,
        resource: &str,
        curl: String,
        answer: &Result<Response, SendError>,
        shows_body: bool,
    ) -> Exchange {
        let mut exchange = Exchange {
            resource: resource.to_owned(),
            curl,
            ..Exchange::default()
        };
        match answer {
            Err(error) => exchange.failure = Some(self.redactor.text(&error.reason())),
            Ok(response) => {
                let content_type = response.headers.get(header::CONTENT_TYPE);
                let content_type = content_type.and_then(|value| value.to_str().ok());
                exchange.content_type = content_type.map(|value| self.redactor.text(value));
                exchange.redirected_to = self.tried(Some(response)).redirected_to;
                exchange.status = Some(response.status.as_u16());
                exchange.bytes = match &response.file {
                    Some(file) => file.bytes,
                    None => u64::try_from(response.body.len()).unwrap_or(u64::MAX),
                };
                exchange.milliseconds =
                    u64::try_from(response.took.as_millis()).unwrap_or(u64::MAX);
                exchange.body_start = if shows_body {
                    self.redactor.excerpt(&response.body)
                } else {
                    "(not shown: it may hold a token)".to_owned()
                };
            }
        }
        exchange
    }

    pub(super) fn answered(&self, response: &Response) -> Answered {
        Answered {
            tried: self.tried(Some(response)),
            status: response.status.as_u16(),
            body: self.redactor.excerpt(&response.body),
        }
    }
}

/// Whether a body that is no JSON is an HTML page, by its type or its beginning.
fn is_html(response: &Response) -> bool {
    let kind = response.headers.get(header::CONTENT_TYPE);
    let says_so = kind.is_some_and(|kind| {
        let kind = kind.as_bytes().to_ascii_lowercase();
        kind.starts_with(b"text/html") || kind.starts_with(b"application/xhtml")
    });
    let start = response.body.trim_ascii_start();
    let start = start
        .get(..start.len().min(9))
        .unwrap_or_default()
        .to_ascii_lowercase();
    says_so || start.starts_with(b"<html") || start.starts_with(b"<!doctype")
}

/// The last cause, which says what the system said.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
