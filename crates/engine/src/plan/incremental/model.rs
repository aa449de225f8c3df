//! How a resource is read incrementally, compiled.

use std::fmt;

use jiff::{Span, Timestamp};
use serde_json::Value;

use crate::cursor::{CursorValue, Lag};
use crate::plan::{CursorFormat, Selector};

/// How only what is new is read of a resource.
#[derive(Clone, Debug)]
pub struct IncrementalPlan {
    /// The cursor in the records; `None` where the window itself is the cursor (`cursor: request`).
    pub cursor: Option<CursorColumn>,
    /// Query parameter of the start.
    pub start_param: Option<String>,
    /// Query parameter of the end.
    pub end_param: Option<String>,
    /// What one state is kept for.
    pub scope: CursorScope,
    /// Windows of time, or one slice from the last value on.
    pub mode: IncrementalMode,
    /// The lag as placeholders write it.
    pub lag_value: Option<Value>,
}

/// What one state of an incremental resource is kept for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CursorScope {
    /// Each parent record and each partition.
    Part,
    /// The whole resource.
    Resource,
}

/// How an incremental resource is divided.
#[derive(Clone, Debug)]
pub enum IncrementalMode {
    /// Into windows of time.
    Windows(WindowsPlan),
    /// Not at all: it is followed from the last value on.
    Follow(FollowPlan),
}

/// Reading along a time, window by window.
#[derive(Clone, Debug)]
pub struct WindowsPlan {
    /// How times are written in requests.
    pub format: CursorFormat,
    /// Where the first run starts, and where the grid of windows starts.
    pub initial_value: Timestamp,
    /// Where reading ends; `None`: at the run's start plus `ahead`.
    pub end_value: Option<Timestamp>,
    /// Length of a window, a calendar step in UTC; `None`: one slice for all.
    pub window: Option<Span>,
    /// How far before the watermark the next run starts.
    pub lag: Option<Span>,
    /// How far past the run's start windows reach.
    pub ahead: Option<Span>,
}

/// Reading from the last value on.
#[derive(Clone, Debug)]
pub struct FollowPlan {
    /// Where the first run starts; `None`: nowhere.
    pub initial_value: Option<CursorValue>,
    /// Where reading ends; `None`: nowhere.
    pub end_value: Option<CursorValue>,
    /// How far before the last value the next run starts.
    pub lag: Option<Lag>,
    /// How times are written in requests; `None`: values are sent as they are spelled.
    pub format: Option<CursorFormat>,
    /// Where values are followed to.
    pub direction: Direction,
    /// Whether a record may equal both the start and the end.
    pub end: RangeEdge,
    /// What is followed, as the state names it.
    pub subject: String,
}

/// The cursor that an incremental resource has in its records.
#[derive(Clone, Debug, PartialEq)]
pub struct CursorColumn {
    /// Where the value lies in a record.
    pub path: CursorPath,
    /// How times are read, the first that fits; empty: values are compared as they are spelled.
    pub formats: Vec<CursorFormat>,
    /// What becomes of records in which it is null or missing.
    pub missing: MissingCursor,
    /// How values are followed; `None` where the resource is read in windows.
    pub follow: Option<FollowRules>,
}

/// The way from a record to its cursor.
#[derive(Clone, Debug, PartialEq)]
pub enum CursorPath {
    /// Keys: `["start_time"]`, `["meta", "updated_at"]`.
    Keys(Vec<String>),
    /// Any other JSONPath; of several matches the one that is followed furthest counts.
    Selector(Selector),
}

impl fmt::Display for CursorPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keys(keys) => formatter.write_str(&keys.join(".")),
            Self::Selector(selector) => selector.fmt(formatter),
        }
    }
}

/// What becomes of a record whose cursor is null or missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingCursor {
    /// It is an error.
    Raise,
    /// It is kept, and moves nothing.
    Include,
    /// It is left out.
    Exclude,
}

/// Which records of a followed resource belong to a slice, and which value is remembered.
#[derive(Clone, Debug, PartialEq)]
pub struct FollowRules {
    /// Where values are followed to.
    pub direction: Direction,
    /// Whether records that equal the start belong to the slice.
    pub start: RangeEdge,
    /// Whether records that equal the end belong to the slice.
    pub end: RangeEdge,
    /// The order in which the API gives records, where reading may stop early.
    pub row_order: Option<RowOrder>,
    /// How a record at the start is known to have been loaded.
    pub boundary: BoundaryKey,
}

impl FollowRules {
    /// Whether records are declared to come in the order in which the cursor moves.
    pub fn comes_forward(&self) -> bool {
        match self.direction {
            Direction::Up => self.row_order == Some(RowOrder::Ascending),
            Direction::Down => self.row_order == Some(RowOrder::Descending),
        }
    }
}

/// Where the values of a cursor are followed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To larger values; the largest is remembered.
    Up,
    /// To smaller values; the smallest is remembered.
    Down,
}

/// Whether the edge of a range belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeEdge {
    /// It does.
    Closed,
    /// It does not.
    Open,
}

/// The order in which an API gives records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowOrder {
    /// The smallest cursor first.
    Ascending,
    /// The largest cursor first.
    Descending,
}

/// By what a record at a slice's start is known to have been loaded by an earlier run.
#[derive(Clone, Debug, PartialEq)]
pub enum BoundaryKey {
    /// By nothing: it is loaded again.
    None,
    /// By all of the record.
    WholeRecord,
    /// By these top-level fields.
    Fields(Vec<String>),
}
