//! `response_actions`: what is done about answers that need something else than usual.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};

use super::value::{StatusRanges, TimeSpan};

/// What is done about an answer. The first entry whose conditions all hold decides; without one, a success is read,
/// the statuses of `retry` are tried again, and any other is an error.
///
/// The entries are held against every answer, successes too: an API may write an error into a body with status 200.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResponseAction {
    /// The answer's status: a number, a range such as `500-599`, or a list of both. Default: any.
    pub status_code: Option<StatusRanges>,
    /// Text that the body holds. Default: any body.
    pub content: Option<String>,
    /// A condition over `status` (a number), `headers` (texts by lower-case name), `body` (the JSON, else undefined)
    /// and `text` (the body as text), such as `body.error.code == 'busy'`. Default: none.
    pub when: Option<String>,
    /// What is done.
    pub action: Action,
    /// How long `retry` and `rate_limited` wait: a length of time, which is taken as it is, or a header of the answer that
    /// says it, up to `retry.max_backoff` unless it has a `max`. Default: what `Retry-After` says, else a growing time.
    pub wait: Option<Wait>,
    /// Tries of a request in all, the first one included, for `retry`, `rate_limited` and `refresh_token`. Default:
    /// `retry.max_attempts`; 2 for `refresh_token`.
    #[schemars(range(min = 1))]
    pub max_attempts: Option<u32>,
    /// What the error of `fail` says. Default: that `response_actions` say so.
    pub message: Option<String>,
}

/// What is done about an answer that fits.
///
/// Where pages end early though more may follow, a warning says so, and the cursor of an incremental resource stays
/// where it was, so that the next run reads the same records again; an incremental append fails instead, since its rows
/// would come twice. Only where `row_order` says that records come in the order of the cursor, and no other parent or
/// partition shares it (`per: resource`), does the cursor move on to where reading ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// The answer brings no records and is no error: the pages end, and records of earlier pages stay. More may follow
    /// where a total or `has_more_path` promised it, where the page before gave a link or cursor, and at statuses 401,
    /// 402, 403, 408, 429 and 500 to 599.
    Ignore,
    /// Sends the request again after a wait, as a failure that may heal.
    Retry,
    /// Is an error at once.
    Fail,
    /// The answer is the last one: the pages end, and its records are kept if it is a success. More may follow as with
    /// `ignore`, but a link or cursor promises nothing.
    Stop,
    /// Holds all requests back for the wait, and then sends this one again.
    RateLimited,
    /// Sends the request again with a fresh token; for `oauth2_client_credentials`.
    RefreshToken,
}

const ACTIONS: [&str; 6] = [
    "ignore",
    "retry",
    "fail",
    "stop",
    "rate_limited",
    "refresh_token",
];

impl<'de> Deserialize<'de> for Action {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ActionVisitor;

        impl<'de> Visitor<'de> for ActionVisitor {
            type Value = Action;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("the name of an action, such as `ignore` or `retry`")
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Action, E> {
                Ok(match value {
                    "ignore" => Action::Ignore,
                    "retry" => Action::Retry,
                    "fail" => Action::Fail,
                    "stop" => Action::Stop,
                    "rate_limited" => Action::RateLimited,
                    "refresh_token" => Action::RefreshToken,
                    other => return Err(E::unknown_variant(other, &ACTIONS)),
                })
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, _: A) -> Result<Action, A::Error> {
                Err(de::Error::custom(format!(
                    "a list of functions can't be named in YAML: write one of {}, and what the functions decide into \
                     `when`",
                    ACTIONS.map(|name| format!("`{name}`")).join(", ")
                )))
            }
        }

        deserializer.deserialize_any(ActionVisitor)
    }
}

/// How long to wait.
#[derive(Clone, Debug)]
pub enum Wait {
    /// That long.
    Fixed(TimeSpan),
    /// As long as a header of the answer says.
    Header(HeaderWait),
}

/// A wait that a header of the answer says. Where it can't be read, the wait is a growing time.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeaderWait {
    /// The header's name, such as `X-RateLimit-Reset`.
    pub header: String,
    /// How the header says it. Default: seconds or an HTTP date, as in `Retry-After`.
    pub format: Option<WaitFormat>,
    /// A regular expression whose first group, else its whole match, is the value. Default: the whole header.
    pub regex: Option<String>,
    /// The longest wait. Default: `retry.max_backoff`.
    pub max: Option<TimeSpan>,
}

/// How a header says how long to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WaitFormat {
    /// Seconds from now; decimals are allowed.
    Seconds,
    /// Milliseconds from now.
    Milliseconds,
    /// A Unix time in seconds.
    Timestamp,
    /// A date as in `Wed, 21 Oct 2015 07:28:00 GMT`.
    HttpDate,
}

impl<'de> Deserialize<'de> for Wait {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WaitVisitor;

        impl<'de> Visitor<'de> for WaitVisitor {
            type Value = Wait;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a length of time such as `30s`, or a mapping with `header`")
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Wait, E> {
                TimeSpan::deserialize(de::value::StrDeserializer::new(value)).map(Wait::Fixed)
            }

            fn visit_map<A: de::MapAccess<'de>>(self, entries: A) -> Result<Wait, A::Error> {
                HeaderWait::deserialize(de::value::MapAccessDeserializer::new(entries))
                    .map(Wait::Header)
            }
        }

        deserializer.deserialize_any(WaitVisitor)
    }
}

impl JsonSchema for Wait {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Wait".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let span = generator.subschema_for::<TimeSpan>();
        let header = generator.subschema_for::<HeaderWait>();
        json_schema!({ "anyOf": [span, header] })
    }
}
