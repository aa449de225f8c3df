//! The types of a plan.

use std::collections::BTreeMap;
use std::time::Duration;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::auth::AuthPlan;
use super::checkpoint::CheckpointPlan;
use super::client::{AllowedHost, Timeouts};
use super::exchange::ExchangePlan;
use super::memory::MemoryPlan;
use super::{
    CursorColumn, CursorScope, FollowRules, IncrementalMode, IncrementalPlan, PaginatorPlan,
    RangeEdge, Selector,
};
use crate::cursor::CursorValue;
use crate::schema::Form;

/// How a resource's rows join those that the table already holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WriteDisposition {
    /// Adds the rows; earlier ones stay.
    Append,
    /// The rows of this run take the place of all earlier ones.
    Replace,
    /// A row takes the place of an earlier one with the same primary key; the last one read wins.
    Merge,
    /// The resource is read for its children only; nothing is written.
    Skip,
}

/// How a time is written in requests and read in records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeFormat {
    /// RFC 3339 text, such as `2024-01-31T12:00:00Z`.
    Rfc3339,
    /// A calendar date in UTC, `2024-01-31`.
    Date,
    /// Whole seconds since 1970-01-01T00:00:00Z, as a number.
    Unix,
    /// Whole milliseconds since 1970-01-01T00:00:00Z, as a number.
    UnixMs,
}

/// What is done with each record before it becomes a row: first the filter, then fields are set, renamed, left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepPlan {
    /// True for the records to keep; `None` keeps all.
    pub filter: Option<super::Expression>,
    /// Fields to set, in order.
    pub map: Vec<(String, super::Expression)>,
    /// Fields to rename, from and to.
    pub rename: Vec<(String, String)>,
    /// Fields to leave out.
    pub drop: Vec<String>,
}

impl StepPlan {
    /// Whether it does more than keep or leave out whole records.
    pub fn changes(&self) -> bool {
        !(self.map.is_empty() && self.rename.is_empty() && self.drop.is_empty())
    }
}

/// All that decoding a resource's pages needs to know.
#[derive(Clone, Debug, Default)]
pub struct DecodePlan {
    /// Name of the resource, for messages.
    pub resource: String,
    /// Column hints by source name, in the order of the spec.
    pub columns: IndexMap<String, super::ColumnHint>,
    /// The form of objects and lists, unless a hint says otherwise.
    pub nested: Form,
    /// Name of the table that the records go to.
    pub table: String,
    /// How rows are told apart, where lists in them become tables.
    pub row_ids: RowIds,
    /// The cursor whose values must lie in the slice's window; `None` where there is none in the records.
    pub cursor: Option<CursorColumn>,
    /// What is done with each record first.
    pub steps: Vec<StepPlan>,
    /// Rows whose key came before in the same slice are left out.
    pub drops_duplicates: bool,
    /// Source names of the primary key's columns; null or missing values in them are an error.
    pub primary_key: Vec<String>,
    /// Source names of the columns by which a merge takes groups of rows away; the same holds for them.
    pub merge_key: Vec<String>,
    /// The fields of each record that other resources use.
    pub parent_fields: Vec<ParentField>,
    /// What the records may change of the table's schema.
    pub contract: super::ContractPlan,
}

/// What the id of a row follows from, beside its table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RowIds {
    /// The primary key.
    Key,
    /// The slice, and the position among its rows: those of an earlier load are gone.
    Place,
    /// The same and the load, unless the slice is a window, whose earlier rows are gone.
    #[default]
    PlaceInLoad,
    /// The load, the slice, and the position among its rows: any earlier row may stay.
    Load,
}

impl RowIds {
    pub(super) fn of(write_disposition: WriteDisposition, primary_key: &[String]) -> Self {
        match write_disposition {
            WriteDisposition::Merge if !primary_key.is_empty() => Self::Key,
            WriteDisposition::Merge => Self::Load,
            WriteDisposition::Replace => Self::Place,
            WriteDisposition::Append | WriteDisposition::Skip => Self::PlaceInLoad,
        }
    }
}

impl DecodePlan {
    /// Whether lists in some column may become tables.
    pub fn has_tables(&self) -> bool {
        let mut hints = self.columns.values();
        self.nested == Form::Tables || hints.any(|hint| hint.nested == Some(Form::Tables))
    }
}

/// A field of a resource's records that another resource uses.
#[derive(Clone, Debug, PartialEq)]
pub struct ParentField {
    /// Where the field lies in the record.
    pub path: super::FieldPath,
    /// A request needs it: where it is null or missing, the record can't be read.
    pub required: bool,
}

/// How to reach the API.
#[derive(Clone, Debug)]
pub struct ClientPlan {
    /// Where relative paths start; no trailing slash.
    pub base_url: url::Url,
    /// Origins at which the API was before.
    pub moved_from: Vec<String>,
    /// Sent with every request to the base URL's origin.
    pub headers: Vec<(http::HeaderName, http::HeaderValue)>,
    /// Credentials.
    pub auth: AuthPlan,
    /// Other hosts that get the headers and the credentials too.
    pub allowed_hosts: Vec<AllowedHost>,
    /// Pacing shared by all resources.
    pub rate_limit: Option<RateLimitPlan>,
    /// What is tried again, and how often.
    pub retry: RetryPlan,
    /// How long an answer may take.
    pub timeouts: Timeouts,
    /// How much memory answers may take.
    pub memory: MemoryPlan,
    /// Other values that no text may show: what variables have put into the spec. Set by whoever read it.
    pub secrets: Vec<crate::spec::SecretVariable>,
}

/// A token bucket: `burst` tokens, refilled at `requests` each `per`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateLimitPlan {
    /// Requests in each period; at least 1.
    pub requests: u32,
    /// The period.
    pub per: Duration,
    /// Requests that may go out at once; at least 1.
    pub burst: u32,
}

/// What is tried again after a failure.
#[derive(Clone, Debug, PartialEq)]
pub struct RetryPlan {
    /// Tries in all, the first one included; at least 1.
    pub max_attempts: u32,
    /// Ranges of HTTP statuses that are tried again, both ends included.
    pub statuses: Vec<(u16, u16)>,
    /// The longest wait between two tries, and the most of a server's `Retry-After` that is honoured.
    pub max_backoff: Duration,
}

/// A request with placeholders in it.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestTemplate {
    /// HTTP method.
    pub method: http::Method,
    /// Path below the base URL, or a whole URL.
    pub path: super::template::Template,
    /// Names and values of the query parameters, in order.
    pub params: Vec<(super::template::Template, super::template::ParamTemplate)>,
    /// Header names and values, in order.
    pub headers: Vec<(super::template::Template, super::template::Template)>,
    /// The body; `None` sends none.
    pub body: Option<BodyTemplate>,
}

/// A body with placeholders in it.
#[derive(Clone, Debug, PartialEq)]
pub enum BodyTemplate {
    /// JSON, sent as `application/json`.
    Json(super::template::JsonTemplate),
    /// Fields in order, sent as `application/x-www-form-urlencoded`.
    Form(Vec<(super::template::Template, super::template::ParamTemplate)>),
    /// Text, sent as it is and without a content type.
    Text(super::template::Template),
}

/// Where a value goes in a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Placement {
    /// A query parameter.
    Query(String),
    /// A header.
    Header(http::HeaderName),
    /// A member of the JSON body by its keys from the root, or the field of a form that has them as its name, joined by
    /// dots.
    Body(Vec<String>),
}

impl Placement {
    /// The name of the parameter, header or member; the keys of a member joined by dots.
    pub fn name(&self) -> String {
        match self {
            Self::Query(name) => name.clone(),
            Self::Header(name) => name.to_string(),
            Self::Body(keys) => keys.join("."),
        }
    }
}

/// An asynchronous job: create it, ask until it is done, then read its result.
#[derive(Clone, Debug, PartialEq)]
pub struct JobPlan {
    /// The request that creates the job.
    pub create: RequestTemplate,
    /// Path of the job's id in the answer to `create`.
    pub id: Selector,
    /// The request that asks how far the job is.
    pub poll: RequestTemplate,
    /// Path of the status in the answer to `poll`.
    pub status: Selector,
    /// Statuses that mean done.
    pub done: Vec<String>,
    /// Statuses that mean failed.
    pub failed: Vec<String>,
    /// Wait between two polls.
    pub every: Duration,
    /// Longest wait for one job.
    pub timeout: Duration,
}

/// What a resource uses of another one's records: of a parent or of an ancestor further up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParentPlan {
    /// Name of the other resource.
    pub resource: String,
    /// The parents through which its values come: the resource itself where it is a parent.
    ///
    /// Where there are several, only records that agree in these values are put together.
    pub through: Vec<String>,
    /// Paths into its records that the requests name.
    pub key_paths: Vec<String>,
    /// Fields of its records that are copied into each record.
    pub included: Vec<IncludedField>,
    /// Paths into its records that are kept for resources further down, or to put parents together.
    pub carried: Vec<String>,
}

impl ParentPlan {
    /// Whether it is a parent, and no ancestor further up.
    pub fn is_parent(&self) -> bool {
        self.through == [self.resource.as_str()]
    }
}

/// A field of another resource's record that becomes a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncludedField {
    /// Path of the field in that record.
    pub path: String,
    /// Name of the column.
    pub column: String,
}

/// Records that the spec itself gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seeds {
    /// A JSON list of the records.
    pub body: bytes::Bytes,
    /// The byte range of each record in the body.
    pub records: Vec<std::ops::Range<usize>>,
}

/// One resource, ready to be read.
#[derive(Clone, Debug)]
pub struct ResourcePlan {
    /// The resource's name.
    pub name: String,
    /// Name of its table, and of the table's folder.
    pub table: String,
    /// The name that the resource had before.
    pub renamed_from: Option<String>,
    /// The resources whose records this one depends on, its parents and what it names of their ancestors.
    pub parents: Vec<ParentPlan>,
    /// Whether its rows go into its table, unless a run names the resources to read.
    pub selected: bool,
    /// How rows join the table.
    pub write_disposition: WriteDisposition,
    /// Source names of the key's columns.
    pub primary_key: Vec<String>,
    /// Which rows a merge takes away and which it adds.
    pub merge: super::MergePlan,
    /// What divides the table's files into folders, the outermost first.
    pub partition_by: Vec<super::PartitionField>,
    /// The folder below the destination that keeps what the schema contract discards.
    pub rejected: Option<String>,
    /// Every combination of `for_each`; one empty map where there is none.
    pub partitions: Vec<BTreeMap<String, Value>>,
    /// Parent records that one request asks for; `None`: one, and its values are no lists.
    pub parents_per_request: Option<usize>,
    /// The records, where the spec itself gives them: then nothing is requested.
    pub seeds: Option<Seeds>,
    /// The request of each page.
    pub request: RequestTemplate,
    /// The job that must be done first.
    pub job: Option<JobPlan>,
    /// Where the records lie; `None`: found from the first page of each slice.
    pub data_selector: Option<Selector>,
    /// A selector that matches nothing means an empty page instead of an error.
    pub allow_missing: bool,
    /// Each page of several is taken for one record, which was concluded from the path alone.
    pub guessed_records: bool,
    /// How pages follow each other.
    pub paginator: PaginatorPlan,
    /// How its requests and answers are dealt with, where that is not the client's way.
    pub exchange: ExchangePlan,
    /// How only what is new is read.
    pub incremental: Option<IncrementalPlan>,
    /// What decoding needs.
    pub decode: DecodePlan,
    /// Slices read at the same time; at least 1.
    pub concurrency: usize,
}

impl ResourcePlan {
    /// Whether what a load doesn't hold goes from the table: a load of which a part is missing must not be committed.
    pub fn concerns_absent(&self) -> bool {
        match self.write_disposition {
            WriteDisposition::Replace => true,
            WriteDisposition::Merge => self.merge.concerns_absent(),
            WriteDisposition::Append | WriteDisposition::Skip => false,
        }
    }

    /// Whether a run commits the table once, with all of its rows: commits of parts would come to another result.
    pub fn is_committed_once(&self) -> bool {
        let merges = self.write_disposition == WriteDisposition::Merge;
        self.concerns_absent() || merges && self.merge.dedup_sort.is_some()
    }

    /// Whether reading a slice may end before its last page.
    pub fn stops_early(&self) -> bool {
        let rules = self.follow_rules();
        rules.is_some_and(|rules| rules.row_order.is_some())
    }

    /// Whether the cursor may move to where the pages of a slice were cut short: nothing before it can be missing, since
    /// records come in the order in which the cursor moves, those that share the last value are asked for again, and no
    /// other slice moves the same cursor.
    pub fn goes_on_behind_a_cut(&self) -> bool {
        let rules = self.follow_rules();
        !self.shares_state()
            && rules.is_some_and(|rules| rules.comes_forward() && rules.start == RangeEdge::Closed)
    }

    fn follow_rules(&self) -> Option<&FollowRules> {
        self.decode.cursor.as_ref()?.follow.as_ref()
    }

    /// Whether one state is kept for all of several parent records or partitions.
    pub fn shares_state(&self) -> bool {
        let scope = self
            .incremental
            .as_ref()
            .map(|incremental| incremental.scope);
        self.is_divided() && scope == Some(CursorScope::Resource)
    }

    /// Whether it is read for each of several parent records or partitions.
    pub fn is_divided(&self) -> bool {
        !self.parents.is_empty() || self.partitions.iter().any(|one| !one.is_empty())
    }

    /// Whether a run reads it in one slice.
    pub fn is_one_slice(&self) -> bool {
        let in_windows = |incremental: &IncrementalPlan| match &incremental.mode {
            IncrementalMode::Windows(windows) => windows.window.is_some(),
            IncrementalMode::Follow(_) => false,
        };
        !self.is_divided() && !self.incremental.as_ref().is_some_and(in_windows)
    }

    /// Whether slices that were finished are worth keeping while others are not, or fail: a later run leaves out just these.
    pub fn keeps_finished_slices(&self) -> bool {
        let keeps_parts = self.keeps_rows() && !self.is_committed_once();
        let Some(incremental) = &self.incremental else {
            // A batch of parent records is made up anew in every run, and an append can't take its rows back.
            let told_apart = self.parents_per_request.is_none()
                || self.write_disposition == WriteDisposition::Merge;
            return told_apart && keeps_parts;
        };
        // One state for all can't tell which parents or partitions were read: all of them are read again.
        let told_apart = match &incremental.mode {
            IncrementalMode::Windows(_) => !self.shares_state() || self.parents.is_empty(),
            IncrementalMode::Follow(_) => !self.shares_state(),
        };
        told_apart && keeps_parts
    }

    /// Whether the cursor is followed from a number on.
    pub fn has_numbers_as_cursor(&self) -> bool {
        let incremental = self.incremental.as_ref();
        incremental.is_some_and(|incremental| match &incremental.mode {
            IncrementalMode::Follow(follow) => matches!(
                follow.initial_value,
                Some(CursorValue::Number(_) | CursorValue::Written(_))
            ),
            IncrementalMode::Windows(_) => false,
        })
    }

    /// Whether the rows of earlier runs stay in its table.
    pub fn keeps_rows(&self) -> bool {
        match self.write_disposition {
            WriteDisposition::Append | WriteDisposition::Merge => true,
            WriteDisposition::Replace | WriteDisposition::Skip => false,
        }
    }

    /// Whether its windows lie on a grid, so that each has a name that stays.
    pub fn has_grid(&self) -> bool {
        let mode = self.incremental.as_ref().map(|plan| &plan.mode);
        matches!(mode, Some(IncrementalMode::Windows(plan)) if plan.window.is_some())
    }

    /// Whether how far the resource was read is kept for each parent record and partition.
    pub fn has_parts(&self) -> bool {
        let scope = self
            .incremental
            .as_ref()
            .map(|incremental| incremental.scope);
        self.is_divided() && scope == Some(CursorScope::Part)
    }
}

/// The whole pipeline, ready to run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Name of the pipeline.
    pub name: String,
    /// The name, and what tells one account from another: tables of another identity are never written to.
    pub identity: String,
    /// What `identity` was under the names that the pipeline had before.
    pub earlier_identities: Vec<String>,
    /// How to reach the API.
    pub client: ClientPlan,
    /// Resources, each after its parents.
    pub resources: Vec<ResourcePlan>,
    /// How often a run commits.
    pub checkpoint: CheckpointPlan,
    /// Where the tables are written.
    pub destination: DestinationPlan,
}

/// Where and how tables are written.
#[derive(Clone, Debug, PartialEq)]
pub struct DestinationPlan {
    /// A path or URL.
    pub url: String,
    /// How the store that it leads to is reached.
    pub store: super::StoreSettings,
    /// Compression of the Parquet pages.
    pub compression: super::Compression,
    /// Encoded size at which a row group ends, in bytes.
    pub row_group_bytes: u64,
    /// Size at which a data file is closed and the next one begun, in bytes.
    pub file_size_bytes: u64,
    /// How much memory the rows may take.
    pub memory: MemoryPlan,
}
