//! A run's HTTP, kept in a folder and read back from it.
//!
//! ```text
//! cassette.json     what was recorded: pipeline, API, base URL, and when the run began
//! requests.jsonl    a request and its answer a line, in an order that doesn't depend on who came first
//! bodies/           their bodies, each once, named by hash
//! ```
//!
//! A request is known by its resource, method, URL, own headers and body. Where one was asked several times, its answers
//! come in their order.
//!
//! **Invariant:** no credential is written, in any spelling that the redactor knows.

mod files;
mod nearest;
mod recorder;
mod replay;
mod scrub;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

pub(super) use nearest::Unrecorded;
pub use recorder::{Recorded, Recorder};
pub use replay::Cassette;

use super::http::Response;
use super::redact::Redactor;
use super::request::Request;
use crate::spec::{STAND_IN, Secret};
use replay::Answer;
use scrub::Scrubber;

/// The version of the format that is written, and the only one that is read.
const VERSION: u32 = 1;

/// How requests reach the API.
#[derive(Clone, Default)]
pub enum Traffic {
    /// Through the network.
    #[default]
    Network,
    /// Through the network, and what is asked and answered is kept.
    Recorded(Arc<Recorder>),
    /// Not at all: what was recorded answers. Nothing is waited for.
    Replayed(Arc<Cassette>),
}

/// What was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Name of the pipeline.
    pub pipeline: String,
    /// The API, as the commit log names it.
    pub api: String,
    /// The run's start.
    pub now: Timestamp,
}

/// `cassette.json`.
#[derive(Serialize, Deserialize)]
struct Label {
    version: u32,
    #[serde(flatten)]
    about: About,
    /// Without secrets.
    base_url: String,
}

/// A line of `requests.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Entry {
    #[serde(flatten)]
    asked: Asked,
    status: u16,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    answer_headers: BTreeMap<String, String>,
    /// The file of the body; `None` for an empty one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<String>,
}

/// What a request is known by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
struct Asked {
    /// `None` for a token, which all resources share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resource: Option<String>,
    method: String,
    /// From the path on, where it is at the origin of the base URL, and for a token.
    url: String,
    /// Without those that every request has, and without credentials.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
    /// The file of the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<String>,
}

/// Why a cassette can't be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CassetteError {
    /// The folder holds something else, which is not written over.
    #[error("record into `{}`: it is neither empty nor a cassette; name another folder", .0.display())]
    Taken(PathBuf),
    /// A file of it can't be written or read.
    #[error("{action} `{}`", path.display())]
    File {
        /// `read` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// It is not a cassette, or a damaged one.
    #[error("read `{}`: {problem}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

/// The traffic of one client, and what no text of it may show.
pub(super) struct Tape {
    traffic: Traffic,
    redactor: Arc<RwLock<Redactor>>,
    base_url: Url,
}

/// One request, before it leaves.
#[derive(Clone, Copy)]
pub(super) struct Outgoing<'a> {
    pub(super) resource: &'a str,
    pub(super) request: &'a Request,
    /// It asks for a token.
    pub(super) is_for_token: bool,
}

impl Tape {
    pub(super) fn new(traffic: Traffic, redactor: Arc<RwLock<Redactor>>, base_url: Url) -> Self {
        match &traffic {
            Traffic::Network => {}
            Traffic::Recorded(recorder) => {
                let redactor = redactor.read().unwrap_or_else(PoisonError::into_inner);
                recorder.set_base_url(redactor.recorded_url(&base_url));
            }
            Traffic::Replayed(_) => redactor
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .learn(&Secret::new(STAND_IN)),
        }
        Self {
            traffic,
            redactor,
            base_url,
        }
    }

    /// Whether nothing is waited for, since no server is spared by it.
    pub(super) fn is_replayed(&self) -> bool {
        matches!(self.traffic, Traffic::Replayed(_))
    }

    /// The recorded answer; `None` where the network is to be asked.
    pub(super) async fn replay(
        &self,
        outgoing: Outgoing<'_>,
    ) -> Option<Result<Answer, Unrecorded>> {
        let Traffic::Replayed(cassette) = &self.traffic else {
            return None;
        };
        let (asked, _) = self.scrubber(outgoing).asked(outgoing, &self.base_url);
        Some(cassette.answer(asked).await)
    }

    /// Keeps a request and its answer, where that is wanted.
    pub(super) async fn record(&self, outgoing: Outgoing<'_>, response: &Response) {
        let Traffic::Recorded(recorder) = &self.traffic else {
            return;
        };
        let scrubber = self.scrubber(outgoing);
        let (asked, body) = scrubber.asked(outgoing, &self.base_url);
        recorder
            .keep(asked, body, response, scrubber, outgoing.is_for_token)
            .await;
    }

    fn scrubber(&self, outgoing: Outgoing<'_>) -> Scrubber {
        let redactor = self.redactor.read().unwrap_or_else(PoisonError::into_inner);
        // Values of the query that only look like secrets may be marks of pages, which answers hold too.
        let mut without_query = outgoing.request.url.clone();
        without_query.set_query(None);
        Scrubber::new(redactor.with_request(&without_query, &outgoing.request.headers))
    }
}
