//! `incremental`: reading only what is new, along a time.

use schemars::JsonSchema;
use serde::Deserialize;

use super::cursor::{CursorFormats, CursorLag, CursorPoint};
use super::value::{OneOrMany, TimeSpan};

/// Reads only what is new: each run goes on where the last one ended.
///
/// With `cursor_path` alone a resource is *followed*: a run starts at the largest value that earlier runs have seen, and
/// reads to the end. With `window`, `ahead`, `end_value: now` or `cursor: request` it is read in *windows* of time, up to
/// the start of the run.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Incremental {
    /// The field of each record that is followed, such as `updated_at`, `meta.updated_at` or `changes[*].at`; of several
    /// matches the largest counts. It holds times, numbers or texts; in windows times only. Records outside the range
    /// that was asked for are left out. Required, unless `cursor` is `request`.
    pub cursor_path: Option<String>,
    /// What is followed: a `field` of the records, or the `request`'s own window, for answers that hold no such
    /// field. Default: `field`.
    #[serde(default)]
    pub cursor: CursorSource,
    /// Where the first run starts, and where the grid of windows starts. Default: none, the first run then reads all and
    /// names no start in its requests. Windows need it.
    pub initial_value: Option<CursorPoint>,
    /// Where reading ends, itself not included unless `range_end` is `closed`. Default: nowhere; with windows `now`, the
    /// start of the run, plus `ahead`.
    pub end_value: Option<CursorPoint>,
    /// How times are written in requests and read in records: `rfc3339`, `date`, `unix` (seconds), `unix_ms`, or a pattern
    /// of strftime such as `%Y-%m-%d %H:%M:%S`, in UTC. Of a list each is read, and the first is written. Default: values
    /// are compared and sent as they are spelled; with windows `rfc3339`.
    #[serde(default)]
    pub format: CursorFormats,
    /// Query parameter that gets the start.
    pub start_param: Option<String>,
    /// Query parameter that gets the end. Left out where there is no end.
    pub end_param: Option<String>,
    /// Length of a window, such as `1d`, `7d` or `1mo`: each window is asked for, finished and remembered by itself.
    /// Default: one window for all that is new, where windows are read at all.
    pub window: Option<TimeSpan>,
    /// How far back the next run looks for records that were added or edited late: a length of time, or a number of
    /// seconds (days of dates, units of a cursor of numbers). Never before `initial_value`. Default: not at all.
    pub lag: Option<CursorLag>,
    /// How far past the start of the run to read, for schedules and forecasts. Default: not at all.
    pub ahead: Option<TimeSpan>,
    /// Which value of all that were seen is remembered: `max`, or `min` for a cursor that is followed downwards, whose
    /// start is an upper bound then. Default: `max`.
    pub last_value_func: Option<LastValueFunction>,
    /// Whether records that equal the start belong to the range: `closed` or `open`. Where it is closed, those that
    /// earlier runs have loaded are left out. Default: `closed`.
    pub range_start: Option<RangeEdge>,
    /// Whether records that equal `end_value` belong to the range: `closed` or `open`. Default: `open`.
    pub range_end: Option<RangeEdge>,
    /// The fields by which a record at the start is known to have been loaded. Default: the resource's `primary_key`, or the
    /// whole record where it has none or is merged. An empty list keeps all records at the start.
    pub primary_key: Option<OneOrMany>,
    /// What becomes of a record whose cursor is null or missing: `raise` is an error, `include` keeps it, `exclude` leaves
    /// it out. Each run that gets such a record again keeps it again, so that an `append` has it several times; a `merge`
    /// has it once. Default: `raise`.
    pub on_cursor_value_missing: Option<MissingCursor>,
    /// The order in which the API gives the records: reading stops behind the page with the first record outside the range.
    /// `asc` stops at the `end_value`, `desc` at the start. If records come in another order, all pages are read. Default:
    /// none, all pages are read.
    pub row_order: Option<RowOrder>,
    /// Whether how far the resource was read is remembered for each `parent` record and each partition, so that a later one
    /// starts at `initial_value`, or once for the whole `resource`, so that a later one starts where the others are; that
    /// value advances only in runs that finish everything. Default: `parent`.
    pub per: Option<CursorScope>,
}

/// Which of the values that were seen is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LastValueFunction {
    /// The largest.
    Max,
    /// The smallest.
    Min,
}

/// Whether the edge of a range belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RangeEdge {
    /// It does.
    Closed,
    /// It does not.
    Open,
}

/// What becomes of a record without a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MissingCursor {
    /// The run of the resource ends with an error.
    Raise,
    /// The record is kept; how far the resource was read doesn't change.
    Include,
    /// The record is left out, and counted.
    Exclude,
}

/// The order in which an API gives records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RowOrder {
    /// The smallest cursor first.
    Asc,
    /// The largest cursor first.
    Desc,
}

/// What one state is kept for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CursorScope {
    /// Each parent record and each partition.
    Parent,
    /// The whole resource.
    Resource,
}

/// What an incremental resource follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CursorSource {
    /// A field of each record.
    #[default]
    Field,
    /// The window that was asked for.
    Request,
}
