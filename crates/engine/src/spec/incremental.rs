//! `incremental`: reading only what is new, along a time.

use schemars::JsonSchema;
use serde::Deserialize;

use super::value::{TimePoint, TimeSpan};

/// Reads a resource piece by piece along a time, and goes on in the next run where this one ended.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Incremental {
    /// The field of each record that holds its time, such as `updated_at` or `meta.updated_at`. Records outside the
    /// window that was asked for are left out. Required, unless `cursor` is `request`.
    pub cursor_path: Option<String>,
    /// What is followed: a `field` of the records, or the `request`'s own window, for answers that hold no such
    /// field. Default: `field`.
    #[serde(default)]
    pub cursor: CursorSource,
    /// Where the first run starts, and where the grid of windows starts.
    pub initial_value: TimePoint,
    /// Where reading ends, itself not included. Default: `now`, the start of the run, plus `ahead`.
    pub end_value: Option<TimePoint>,
    /// How times are written in requests and read in records. Default: `rfc3339`.
    #[serde(default)]
    pub format: TimeFormat,
    /// Query parameter that gets the window's start.
    pub start_param: Option<String>,
    /// Query parameter that gets the window's end.
    pub end_param: Option<String>,
    /// Length of a window, such as `1d`, `7d` or `1mo`: each window is asked for, finished and remembered by itself.
    /// Default: one window for all that is new.
    pub window: Option<TimeSpan>,
    /// How far back the next run looks for records that were added or edited late. Default: not at all.
    pub lag: Option<TimeSpan>,
    /// How far past the start of the run to read, for schedules and forecasts. Default: not at all.
    pub ahead: Option<TimeSpan>,
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

/// How a time is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimeFormat {
    /// RFC 3339 text: `2024-01-31T12:00:00Z`.
    #[default]
    Rfc3339,
    /// A calendar date in UTC: `2024-01-31`.
    Date,
    /// Seconds since 1970-01-01T00:00:00Z, as a number.
    Unix,
    /// Milliseconds since 1970-01-01T00:00:00Z, as a number.
    UnixMs,
}
