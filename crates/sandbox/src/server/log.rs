//! The requests that the sandbox has seen.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// How many requests are remembered.
const MAXIMUM_REQUESTS: usize = 100_000;
/// The most characters of a request's body that are remembered.
const MAXIMUM_BODY_CHARACTERS: usize = 4_096;

/// A request to the simulated API; its headers, and so its credentials, are not kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenRequest {
    /// The method, in capitals.
    pub method: String,
    /// The path, with the base path.
    pub path: String,
    /// The names and values of the query, decoded, in their order.
    pub query: Vec<(String, String)>,
    /// The status that it was answered with.
    pub status: u16,
    /// The first 4,096 characters of its body.
    pub body: String,
    /// When it came, in milliseconds since the sandbox's start.
    pub milliseconds: u64,
}

/// The last requests, oldest first.
#[derive(Default)]
pub(super) struct RequestLog(VecDeque<SeenRequest>);

impl RequestLog {
    pub(super) fn push(&mut self, request: SeenRequest) {
        if self.0.len() >= MAXIMUM_REQUESTS {
            self.0.pop_front();
        }
        self.0.push_back(request);
    }

    pub(super) fn requests(&self) -> Vec<SeenRequest> {
        self.0.iter().cloned().collect()
    }
}

/// As much of a body as is remembered.
pub(super) fn remembered(body: &[u8]) -> String {
    String::from_utf8_lossy(body)
        .chars()
        .take(MAXIMUM_BODY_CHARACTERS)
        .collect()
}
