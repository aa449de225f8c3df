//! `endpoint`: the requests of a resource.

use std::borrow::Cow;

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

use super::auth::Auth;
use super::client::Retry;
use super::incremental::Incremental;
use super::paginator::Paginator;
use super::response_action::ResponseAction;
use super::value::{TemplateText, TemplateValue, TimeSpan};

/// The requests of a resource, and where the records lie in the answers.
///
/// Placeholders may stand in `path`, and in the keys and values of `params`, `headers`, `json` and `data`:
/// `{resources.<parent>.<field>}`, `{incremental.start_value}`, `{incremental.end_value}`,
/// `{incremental.initial_value}`, `{partition.<key>}` and `{job.id}`. Filters come behind a bar:
/// `{incremental.start_value | strftime('%Y-%m')}`. Doubled braces stand for literal ones.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(transform = super::schema::absent_or_null)]
pub struct Endpoint {
    /// Path below the base URL, or a whole URL. Default: the resource's name.
    pub path: Option<TemplateText>,
    /// The HTTP method. Default: `GET`.
    pub method: Option<Method>,
    /// Query parameters, in order. Null leaves a parameter out; for lists and booleans see `list_encoding` and
    /// `boolean_encoding`.
    pub params: IndexMap<String, TemplateValue>,
    /// How lists are written in `params` and in a form, those that placeholders bring too. Default: `repeat`.
    pub list_encoding: ListEncoding,
    /// How booleans are written in `params` and in a form. Default: `lower`.
    pub boolean_encoding: BooleanEncoding,
    /// The JSON body. A string that is exactly one placeholder becomes the value itself, with its type.
    pub json: Option<TemplateValue>,
    /// Another body than JSON: a mapping or a list of pairs is sent as a form, in order; a text as it is. Not together
    /// with `json`.
    #[schemars(schema_with = "super::schema::form_or_text")]
    pub data: Option<TemplateValue>,
    /// Headers, beside those of the client; these win. Names and values may hold placeholders, unlike the client's.
    pub headers: IndexMap<String, TemplateText>,
    /// JSONPath of the records, such as `data.items`, or `people.*` for an object keyed by id. Default: found from the
    /// first page.
    pub data_selector: Option<String>,
    /// Whether a selector that matches nothing means an empty page. Default: false, it is an error.
    pub allow_missing: bool,
    /// How pages follow each other. Default: the client's, else found from the first answer.
    pub paginator: Option<Paginator>,
    /// Reading only what is new, along a time.
    pub incremental: Option<Incremental>,
    /// An asynchronous job that must be done before the endpoint's own path holds the result.
    pub job: Option<Job>,
    /// The credentials of the endpoint's requests, in place of the client's; null sends none. Default: the client's.
    pub auth: Option<Auth>,
    /// What is tried again after a failure; each key takes the place of the client's. Default: the client's.
    pub retry: Option<Retry>,
    /// What is done about answers that need something else than usual; the first entry that fits decides. They hold for
    /// the requests of a `job` too. Default: none.
    pub response_actions: Vec<ResponseAction>,
}

/// An HTTP method: a token of RFC 9110, such as `GET`, `POST`, `PUT`, `PATCH` or `QUERY`. The usual ones may be written
/// in any case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Method(String);

impl Method {
    /// The usual methods, whose case doesn't matter.
    const USUAL: [&str; 9] = [
        "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "QUERY",
    ];

    /// Reads.
    pub fn get() -> Self {
        Self("GET".to_owned())
    }

    /// Asks with a body, or creates.
    pub fn post() -> Self {
        Self("POST".to_owned())
    }

    /// The method as it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Method {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let is_token_character = |character: char| {
            character.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(character)
        };
        if text.is_empty() || !text.chars().all(is_token_character) {
            return Err(de::Error::custom(format!(
                "`{text}` is not an HTTP method; write one such as `GET` or `POST`"
            )));
        }
        let usual = Self::USUAL
            .into_iter()
            .find(|usual| usual.eq_ignore_ascii_case(&text));
        Ok(Self(usual.map_or(text, ToOwned::to_owned)))
    }
}

impl JsonSchema for Method {
    fn schema_name() -> Cow<'static, str> {
        "Method".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "An HTTP method: a token of RFC 9110. The usual ones may be written in any case.",
            "type": "string",
            "pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$",
            "examples": ["GET", "POST", "PUT", "PATCH", "QUERY"]
        })
    }
}

/// How lists are written in the query and in forms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ListEncoding {
    /// One after the other: `ids=1&ids=2`.
    #[default]
    Repeat,
    /// Joined by commas: `ids=1,2`.
    Comma,
    /// One after the other, with brackets: `ids[]=1&ids[]=2`.
    Brackets,
    /// As JSON text: `ids=[1,2]`.
    Json,
}

/// How booleans are written in the query and in forms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BooleanEncoding {
    /// `true` and `false`.
    #[default]
    Lower,
    /// `True` and `False`.
    Title,
    /// `1` and `0`.
    Number,
}

/// An asynchronous job: it is created, asked for until it is done, and then its result is read page by page.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// The request that creates the job.
    pub create: JobRequest,
    /// JSONPath of the job's id in the answer; requests name it `{job.id}`.
    pub id: String,
    /// How to see that the job is done.
    pub poll: Poll,
}

/// The request that creates a job.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JobRequest {
    /// Path below the base URL.
    pub path: TemplateText,
    /// The HTTP method. Default: `POST`.
    pub method: Option<Method>,
    /// Query parameters, in order.
    #[serde(default)]
    pub params: IndexMap<String, TemplateValue>,
    /// The JSON body.
    pub json: Option<TemplateValue>,
    /// Headers, beside those of the client.
    #[serde(default)]
    pub headers: IndexMap<String, TemplateText>,
}

/// How to see that a job is done.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Poll {
    /// Path below the base URL, such as `reports/{job.id}`.
    pub path: TemplateText,
    /// JSONPath of the status in the answer.
    pub status: String,
    /// The statuses that mean done.
    pub done: Vec<String>,
    /// The statuses that mean failed. Default: none.
    #[serde(default)]
    pub failed: Vec<String>,
    /// The wait between two looks. Default: `2s`.
    pub every: Option<TimeSpan>,
    /// The longest wait for one job. Default: `10m`.
    pub timeout: Option<TimeSpan>,
}

/// The wait between two looks at a job.
pub const DEFAULT_POLL_EVERY: std::time::Duration = std::time::Duration::from_secs(2);

/// The longest wait for one job.
pub const DEFAULT_POLL_TIMEOUT: std::time::Duration = std::time::Duration::from_mins(10);
