//! `client`: how to reach the API.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::auth::Auth;
use super::paginator::Paginator;
use super::value::{OneOrMany, StatusRange, TimeSpan};

/// How to reach the API: shared by all resources.
///
/// Proxies come from the environment: `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, and `NO_PROXY` for hosts that are reached
/// without one.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// Where every relative `path` starts, such as `https://api.example.com/v1`.
    #[schemars(example = "https://api.example.com/v1")]
    pub base_url: String,
    /// Base URLs at which the same API was before. Tables that were read there are gone on with; those of any other API are
    /// refused, so that two never mix. Default: none.
    #[serde(default)]
    pub moved_from: OneOrMany,
    /// Headers of every request to the base URL's origin and to `allowed_hosts`. Placeholders are not replaced here.
    #[serde(default)]
    pub headers: IndexMap<String, String>,
    /// The credentials of every request to the base URL's origin and to `allowed_hosts`. Default: none.
    pub auth: Option<Auth>,
    /// Other hosts to which next links, redirects and whole URLs may lead: `cdn.example.com`, with the port where it is
    /// unusual, or `*.example.com` for every host below it. They get the credentials and the headers too, and are never
    /// asked over `http` where the base URL is `https`. Default: none, such a link is an error.
    #[serde(default)]
    pub allowed_hosts: Vec<String>,
    /// How pages follow each other, where a resource says nothing else.
    pub paginator: Option<Paginator>,
    /// How many requests may go out. Default: no limit.
    pub rate_limit: Option<RateLimit>,
    /// What is tried again after a failure, and how often.
    #[serde(default)]
    pub retry: Retry,
    /// How long an answer may take.
    #[serde(default)]
    pub timeout: Timeout,
}

/// How long an answer may take; a request that takes longer is tried again.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Timeout {
    /// The longest wait for a connection. Default: `10s`.
    pub connect: Option<TimeSpan>,
    /// The longest wait for the answer's beginning, and between two of its parts. Default: `30s`.
    pub read: Option<TimeSpan>,
    /// The longest wait for a whole answer, so that a server that drips holds nothing up for ever. Default: `15m`.
    pub total: Option<TimeSpan>,
}

/// A token bucket, shared by all resources: requests are paced so that a server with the same limit never refuses one.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// Requests allowed in each period.
    #[schemars(range(min = 1))]
    pub requests: u32,
    /// The period, such as `1s` or `1m`. Default: `1m`.
    pub per: Option<TimeSpan>,
    /// Requests that may go out at once. Default: 1.
    #[schemars(range(min = 1))]
    pub burst: Option<u32>,
}

/// What is tried again after a failure. Broken connections, timeouts and truncated or invalid bodies always are.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Retry {
    /// Tries in all, the first one included. Default: 8.
    #[schemars(range(min = 1))]
    pub max_attempts: Option<u32>,
    /// HTTP statuses that are tried again: numbers and ranges. Default: `[408, 429, 500-599]`.
    pub statuses: Option<Vec<StatusRange>>,
    /// The longest wait between two tries, and the most of a server's `Retry-After` that is honoured. Default: `2m`.
    pub max_backoff: Option<TimeSpan>,
}

/// Tries in all, unless the spec says otherwise: with the backoff below, about four minutes of an API's absence.
pub const DEFAULT_MAX_ATTEMPTS: u32 = 8;

/// Statuses that are tried again: timeouts, rate limits and the server's own failures.
pub const DEFAULT_RETRY_STATUSES: [StatusRange; 3] = [
    StatusRange {
        first: 408,
        last: 408,
    },
    StatusRange {
        first: 429,
        last: 429,
    },
    StatusRange {
        first: 500,
        last: 599,
    },
];

/// The longest wait between two tries.
pub const DEFAULT_MAX_BACKOFF: std::time::Duration = std::time::Duration::from_mins(2);

/// The longest wait for a connection.
pub const DEFAULT_CONNECT_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

/// The longest wait for the next bytes of an answer.
pub const DEFAULT_READ_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(30);

/// The longest wait for a whole answer.
pub const DEFAULT_TOTAL_TIMEOUT: std::time::Duration = std::time::Duration::from_mins(15);

/// The period of a rate limit that names none.
pub const DEFAULT_RATE_LIMIT_PERIOD: std::time::Duration = std::time::Duration::from_mins(1);
