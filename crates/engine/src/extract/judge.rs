//! What an answer means: a success, the end of a series, or a failure and how it is sent again.

use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;

use super::auth::Credentials;
use super::client::{Attempt, Body, Client, Fetched, Inspect};
use super::error::Error;
use super::failure::Failure;
use super::http::Response;
use super::large::BodyFile;
use super::reaction::{self, Seen};
use crate::plan::selector::BodyError;
use crate::plan::{Reaction, WaitPlan};

/// Bodies longer than this are looked through on a blocking thread, in bytes.
pub const LONGEST_INLINE_BODY: usize = 512 * 1024;

/// What an empty body is read as: a page without records.
const EMPTY_PAGE: &[u8] = b"null";

/// Tokens that are tried for a request: the one at hand, and a fresh one.
const TOKENS_TRIED: u32 = 2;

/// What an answer means.
pub(super) enum Verdict<T> {
    Success(Fetched<T>),
    /// The series ends without it.
    Ended(Ending),
    Failure(Failure, Repeat),
}

/// An answer at which `response_actions` end a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ending {
    pub(super) status: StatusCode,
    /// `stop` says that nothing follows; `ignore` only that this answer brings nothing.
    pub(super) is_stop: bool,
}

impl Ending {
    /// Why more may follow though the series ends here.
    pub(super) fn doubt(self) -> Option<String> {
        let is_refusal = matches!(
            self.status,
            StatusCode::UNAUTHORIZED
                | StatusCode::PAYMENT_REQUIRED
                | StatusCode::FORBIDDEN
                | StatusCode::REQUEST_TIMEOUT
                | StatusCode::TOO_MANY_REQUESTS
        );
        let status = self.status.as_u16();
        (is_refusal || self.status.is_server_error()).then(|| {
            format!("`response_actions` let the pages end at status {status}: more may follow")
        })
    }
}

/// How a failed request is sent again.
pub(super) enum Repeat {
    /// As the retry plan says.
    Usual,
    /// As an entry of `response_actions` says.
    Action {
        wait: WaitPlan,
        max_attempts: Option<u32>,
        everybody: bool,
    },
    /// With a fresh token, so many tokens in all.
    FreshToken { tokens: u32 },
}

impl Client {
    /// Says what an answer means: the first action that fits decides, else its status and its body.
    pub(super) async fn judge<T: Send + 'static>(
        &self,
        response: Response,
        attempt: &Attempt<'_>,
        inspect: &Inspect<T>,
    ) -> Result<Verdict<T>, Error> {
        let fitting = match self.fitting(&response, attempt).await? {
            Ok(fitting) => fitting,
            Err(unusable) => {
                return Ok(Verdict::Failure(
                    Failure::Body(response, unusable),
                    Repeat::Usual,
                ));
            }
        };
        let reaction = fitting.map(|index| &self.actions[index].reaction);
        let is_success = response.status.is_success();
        match reaction {
            Some(Reaction::Ignore) => {
                self.tell_once(attempt, fitting, &response, "is ignored");
                Ok(Verdict::Ended(Ending {
                    status: response.status,
                    is_stop: false,
                }))
            }
            Some(Reaction::Stop) if !is_success => {
                self.tell_once(attempt, fitting, &response, "ends the pages");
                Ok(Verdict::Ended(Ending {
                    status: response.status,
                    is_stop: true,
                }))
            }
            Some(Reaction::Stop) => {
                self.tell_once(attempt, fitting, &response, "ends the pages");
                self.read(response, inspect, true).await
            }
            Some(Reaction::Fail { message }) => Err(Error::Failed {
                answered: Box::new(self.teller(attempt).answered(&response)),
                message: message
                    .clone()
                    .unwrap_or_else(|| "`response_actions` say that this is an error".to_owned()),
            }),
            Some(Reaction::Retry {
                wait,
                max_attempts,
                everybody,
            }) => {
                let repeat = Repeat::Action {
                    wait: wait.clone(),
                    max_attempts: *max_attempts,
                    everybody: *everybody,
                };
                Ok(Verdict::Failure(Failure::Action(response), repeat))
            }
            Some(Reaction::RefreshToken { max_attempts }) => {
                let repeat = Repeat::FreshToken {
                    tokens: *max_attempts,
                };
                Ok(Verdict::Failure(Failure::Action(response), repeat))
            }
            None if is_success => self.read(response, inspect, false).await,
            None => {
                let renews = matches!(*self.credentials, Credentials::Token(_));
                let repeat = if renews && response.status == StatusCode::UNAUTHORIZED {
                    Repeat::FreshToken {
                        tokens: TOKENS_TRIED,
                    }
                } else {
                    Repeat::Usual
                };
                Ok(Verdict::Failure(Failure::Status(response), repeat))
            }
        }
    }

    /// The position of the action that an answer fits; an error of the body where it can't be looked through.
    async fn fitting(
        &self,
        response: &Response,
        attempt: &Attempt<'_>,
    ) -> Result<Result<Option<usize>, BodyError>, Error> {
        if self.actions.is_empty() {
            return Ok(Ok(None));
        }
        let body = match &response.file {
            Some(file) if self.actions.iter().any(reaction::looks_at_body) => {
                let limit = self.pages.plan.whole_body_bytes();
                let file = Arc::clone(file);
                match off_thread(usize::MAX, move || whole_body(&file, limit)).await? {
                    Ok(body) => body,
                    Err(unusable) => return Ok(Err(unusable)),
                }
            }
            _ => response.body.clone(),
        };
        let seen = Seen {
            status: response.status,
            headers: response.headers.clone(),
            body,
        };
        let actions = Arc::clone(&self.actions);
        let length = seen.body.len();
        let find = move || reaction::first_fitting(&actions, &seen);
        off_thread(length, find)
            .await?
            .map(Ok)
            .map_err(|source| Error::Condition {
                answered: Box::new(self.teller(attempt).answered(response)),
                source,
            })
    }

    /// Reads a success. An answer that is to have no body is a page without records, and so is an empty one that the spec says
    /// is the last; an empty body in another one may be the
    /// work of a proxy or a server that broke off, and is no answer.
    async fn read<T: Send + 'static>(
        &self,
        response: Response,
        inspect: &Inspect<T>,
        is_last: bool,
    ) -> Result<Verdict<T>, Error> {
        let arrived_at = self.now();
        let is_bodiless = matches!(
            response.status,
            StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT
        );
        let is_blank = response.file.is_none() && response.body.trim_ascii().is_empty();
        let is_empty = is_bodiless || is_last && is_blank;
        let body = if is_empty {
            Bytes::from_static(EMPTY_PAGE)
        } else {
            response.body.clone()
        };
        let inspection = {
            let (body, inspect) = (body.clone(), Arc::clone(inspect));
            let file = response.file.clone();
            let length = file.as_ref().map_or(body.len(), |_| usize::MAX);
            off_thread(length, move || match &file {
                None => inspect(Body::InMemory(&body)),
                Some(file) => inspect(Body::OnDisk(file)),
            })
            .await?
        };
        Ok(match inspection {
            Ok(value) => Verdict::Success(Fetched {
                url: response.url,
                status: response.status,
                headers: response.headers,
                value,
                arrived_at,
                is_empty,
                is_last,
            }),
            Err(error) => Verdict::Failure(Failure::Body(response, error), Repeat::Usual),
        })
    }
}

/// A body on disk that is looked through for text.
fn whole_body(file: &BodyFile, limit: usize) -> Result<Bytes, BodyError> {
    let unusable = |reason| BodyError::Unusable { reason };
    if file.bytes > limit as u64 {
        return Err(unusable(format!(
            "`response_actions` look at its text, and its {} bytes are too much to be held in memory; raise `memory_budget`",
            file.bytes
        )));
    }
    let body = file.load();
    body.map_err(|error| unusable(format!("its temporary file can't be read: {error}")))
}

/// Looks through a body of that length; away from the async threads where it is long.
pub(super) async fn off_thread<T: Send + 'static>(
    length: usize,
    look: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    if length <= LONGEST_INLINE_BODY {
        return Ok(look());
    }
    match tokio::task::spawn_blocking(look).await {
        Ok(result) => Ok(result),
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // The runtime is shutting down.
        Err(_) => Err(Error::Stopped),
    }
}
