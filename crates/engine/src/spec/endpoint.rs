//! `endpoint`: the requests of a resource.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::incremental::Incremental;
use super::paginator::Paginator;
use super::value::{TemplateText, TemplateValue, TimeSpan};

/// The requests of a resource, and where the records lie in the answers.
///
/// Placeholders may stand in `path`, `params`, `headers` and `json`: `{resources.<parent>.<field>}`,
/// `{incremental.start_value}`, `{incremental.end_value}`, `{incremental.initial_value}`, `{partition.<key>}` and
/// `{job.id}`. Doubled braces stand for literal ones.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(transform = super::schema::absent_or_null)]
pub struct Endpoint {
    /// Path below the base URL, or a whole URL. Default: the resource's name.
    pub path: Option<TemplateText>,
    /// The HTTP method. Default: `GET`.
    pub method: Option<Method>,
    /// Query parameters, in order. A list repeats the parameter; null leaves it out.
    pub params: IndexMap<String, TemplateValue>,
    /// The JSON body. A string that is exactly one placeholder becomes the value itself, with its type.
    pub json: Option<TemplateValue>,
    /// Another body than JSON: a mapping or a list of pairs is sent as a form, in order; a text as it is. Not together
    /// with `json`.
    #[schemars(schema_with = "super::schema::form_or_text")]
    pub data: Option<TemplateValue>,
    /// Headers, beside those of the client; these win.
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
}

/// An HTTP method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Reads.
    #[serde(alias = "get")]
    Get,
    /// Asks with a body, or creates.
    #[serde(alias = "post")]
    Post,
    /// Replaces.
    #[serde(alias = "put")]
    Put,
    /// Changes.
    #[serde(alias = "patch")]
    Patch,
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
