//! What can go wrong while a slice is read.

use std::fmt;
use std::time::Duration;

use super::page::PagerError;
use crate::plan::ExpressionError;
use crate::plan::selector::BodyError;
use crate::plan::template::RenderError;

/// Where a spec has the credentials of all resources.
pub(super) const CLIENT_AUTH: &str = "client.auth";

/// Where a spec has the credentials of one resource.
pub(super) const ENDPOINT_AUTH: &str = "endpoint.auth";

const LOOKS_LIKE_HTML: &str =
    "it looks like an HTML page instead of JSON: a login page, or one of a proxy?";

/// Characters of a selector that would have matched which an error shows, at most.
const LONGEST_CANDIDATE: usize = 100;

/// A failure that ends the reading of a slice. What can be tried again has been, as often as the plan allows.
///
/// No text in it holds a credential.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The HTTP client can't be set up from the plan.
    #[error("set up the HTTP client: {problem}")]
    Setup {
        /// What is wrong.
        problem: String,
    },
    /// 401 or 403, with a fresh token too where there is one.
    #[error("{answered}: check `{auth}`")]
    Unauthorized {
        /// The request and its answer.
        answered: Box<Answered>,
        /// Where the spec has the credentials: `client.auth` or `endpoint.auth`.
        auth: &'static str,
    },
    /// There is no access token to be had.
    #[error("get an access token for `{auth}`")]
    Token {
        /// Where the spec has the credentials: `client.auth` or `endpoint.auth`.
        auth: &'static str,
        /// Why.
        source: Box<Self>,
    },
    /// The token endpoint answered without a token that can be sent.
    #[error("{tried}: the answer has no `access_token` that a header can carry")]
    NoToken {
        /// The request.
        tried: Box<Tried>,
    },
    /// `response_actions` say that the answer is an error.
    #[error("{answered}: {message}")]
    Failed {
        /// The request and its answer.
        answered: Box<Answered>,
        /// What the spec says about it.
        message: String,
    },
    /// A condition of `response_actions` can't be evaluated for the answer.
    #[error("{answered}: it can't be held against `response_actions`")]
    Condition {
        /// The request and its answer.
        answered: Box<Answered>,
        /// Why.
        source: ExpressionError,
    },
    /// 404 or 410.
    #[error(
        "{0}: check `path`; what isn't there for some parents or pages, \
         `response_actions: [{{ status_code: {status}, action: ignore }}]` passes over",
        status = .0.status
    )]
    NotFound(Box<Answered>),
    /// 429, as long as it was tried.
    #[error("{0}: check `client.rate_limit`")]
    RateLimited(Box<Answered>),
    /// Another status that says that the request is wrong: other 4xx, and 3xx without a target.
    #[error("{0}")]
    BadRequest(Box<Answered>),
    /// 5xx, as long as it was tried.
    #[error("{0}")]
    ServerFailed(Box<Answered>),
    /// No whole answer came, as long as it was tried: no connection, a timeout, or a broken one.
    #[error("{tried}: no whole answer came")]
    Unreachable {
        /// The request.
        tried: Box<Tried>,
        /// The cause, without the URL.
        source: reqwest::Error,
    },
    /// The answer is not one whole JSON document, as often as it was tried.
    #[error("{answered}: {}", if *is_html { LOOKS_LIKE_HTML } else { "it can't be used" })]
    InvalidBody {
        /// The request and its answer.
        answered: Box<Answered>,
        /// The body looks like an HTML page.
        is_html: bool,
        /// What is wrong with it.
        source: BodyError,
    },
    /// The answer is larger than a body may be. Not tried again.
    #[error("{tried}: the answer is larger than {limit} bytes; ask for smaller pages")]
    BodyTooLarge {
        /// The request.
        tried: Box<Tried>,
        /// The limit in bytes.
        limit: u64,
    },
    /// A large answer can't be kept on disk while it is read. Not tried again.
    #[error(
        "{tried}: the answer is too large for memory, and can't be kept in the folder for temporary files; make room \
         there, or raise `memory_budget`"
    )]
    BodyNotKept {
        /// The request.
        tried: Box<Tried>,
        /// The cause.
        source: std::io::Error,
    },
    /// A large answer can't be read back from disk.
    #[error("read the records of a large answer back from the folder for temporary files")]
    BodyLost {
        /// The cause.
        source: std::io::Error,
    },
    /// A path, link or redirect leads where credentials may not go. Nothing was sent there.
    #[error("{tried}: it leads to `{host}`, which is {outside}: credentials go nowhere else")]
    OtherOrigin {
        /// The request.
        tried: Box<Tried>,
        /// The other host, with its port where it is unusual.
        host: String,
        /// What it is not, in terms of the spec.
        outside: &'static str,
    },
    /// More redirects than are followed.
    #[error("{tried}: more than {limit} redirects")]
    TooManyRedirects {
        /// The request.
        tried: Box<Tried>,
        /// How many are followed.
        limit: usize,
    },
    /// The cassette that is played has no answer to the request. Nothing was sent.
    #[error("{tried}: it was not recorded: {problem}; record again, or change the spec back")]
    NotRecorded {
        /// The request.
        tried: Box<Tried>,
        /// The nearest recorded request, and what differs.
        problem: String,
    },
    /// The slice gives no fitting value for a placeholder.
    #[error("build the request")]
    Fill(#[from] RenderError),
    /// The request can't be built from the values of the slice.
    #[error("build the request: {problem}")]
    InvalidRequest {
        /// What is wrong.
        problem: String,
    },
    /// The selector of the records matches nothing on a page.
    #[error(
        "find the records on page {page}: `{selector}` matches nothing; {}",
        would_match(candidates)
    )]
    SelectorMissing {
        /// The page, from 1.
        page: u64,
        /// The selector.
        selector: String,
        /// Selectors that would have matched records.
        candidates: Vec<String>,
    },
    /// The answer leaves unclear which page follows.
    #[error("go on behind page {page}")]
    Paging {
        /// The page, from 1.
        page: u64,
        /// What is unclear.
        source: PagerError,
    },
    /// An answer about a job lacks the value that the spec says it has.
    #[error("{action} the job: there is no text or number at `{path}`")]
    JobAnswer {
        /// `create` or `poll`.
        action: &'static str,
        /// The path in the body.
        path: String,
    },
    /// The job ended with a status that means failure.
    #[error("wait for job `{id}`: it ended with status `{status}`")]
    JobFailed {
        /// The job's id.
        id: String,
        /// Its last status.
        status: String,
    },
    /// The job was not done in time.
    #[error("wait for job `{id}`: still `{status}` after {} s", timeout.as_secs())]
    JobTimedOut {
        /// The job's id.
        id: String,
        /// Its last status.
        status: String,
        /// The longest wait.
        timeout: Duration,
    },
    /// Nobody takes the pages any more: the run was torn down. The slice is not read to its end.
    #[error("hand over a page: nobody takes it any more")]
    Stopped,
}

impl Error {
    /// Whether the client's credentials are refused (401) or not to be had, so that no other resource would fare better.
    pub fn refuses_credentials(&self) -> bool {
        match self {
            Self::Unauthorized { answered, auth } => answered.status == 401 && *auth == CLIENT_AUTH,
            Self::Token { auth, .. } => *auth == CLIENT_AUTH,
            _ => false,
        }
    }

    /// Whether it was a matter of the moment: the connection, the load of the server, or an answer that broke off.
    pub fn may_heal(&self) -> bool {
        matches!(
            self,
            Self::RateLimited(_)
                | Self::ServerFailed(_)
                | Self::Unreachable { .. }
                | Self::InvalidBody { .. }
                | Self::JobTimedOut { .. }
        )
    }
}

/// A failure that ended the reading of a slice, and the page at which it did.
#[derive(Debug)]
pub struct SliceError {
    /// Position of the page within the slice, from 1; `None` where it failed before the first page was asked for.
    pub page: Option<u64>,
    /// What failed.
    pub source: Box<Error>,
}

impl From<Error> for SliceError {
    fn from(source: Error) -> Self {
        Self {
            page: None,
            source: Box::new(source),
        }
    }
}

/// A request that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// The HTTP method.
    pub method: String,
    /// The URL, without secrets.
    pub url: String,
    /// How often it was tried, from 1.
    pub attempts: u32,
    /// Where redirects led, without secrets.
    pub redirected_to: Option<String>,
}

/// A request and the answer that it can't go on with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The request.
    pub tried: Tried,
    /// The status of the last answer.
    pub status: u16,
    /// The first characters of its body, without secrets.
    pub body: String,
}

impl fmt::Display for Tried {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "request `{} {}`", self.method, self.url)?;
        if self.attempts > 1 {
            write!(formatter, " ({} tries)", self.attempts)?;
        }
        if let Some(url) = &self.redirected_to {
            write!(formatter, ", redirected to `{url}`")?;
        }
        Ok(())
    }
}

impl fmt::Display for Answered {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}: the server answered {}",
            self.tried, self.status
        )?;
        if !self.body.is_empty() {
            write!(formatter, " `{}`", self.body)?;
        }
        Ok(())
    }
}

fn would_match(candidates: &[String]) -> String {
    if candidates.is_empty() {
        return "nothing in the answer looks like records".to_owned();
    }
    let quoted: Vec<String> = candidates
        .iter()
        .map(
            |candidate| match candidate.char_indices().nth(LONGEST_CANDIDATE) {
                // Cut, it is no selector to copy, so that the mark stands outside.
                Some((end, _)) => format!("`{}`…", candidate.get(..end).unwrap_or_default()),
                None => format!("`{candidate}`"),
            },
        )
        .collect();
    format!("these would: {}", quoted.join(", "))
}
