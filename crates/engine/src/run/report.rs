//! What a run did.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::error::Error;
use super::expectation::Expectation;
use super::resource::Outcome;
use crate::load::{ResourceSummary, TableReport};

/// What a run did.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Name of the pipeline.
    pub pipeline: String,
    /// Name of the load: part of each data file's name.
    pub load_id: String,
    /// Position of the newest commit in the log.
    pub sequence: u64,
    /// How the run ended.
    pub end: End,
    /// Each resource, in the order of the run.
    pub resources: Vec<ResourceReport>,
    /// What was not as it should be and concerns no single resource; nothing was lost.
    pub warnings: Vec<String>,
    /// Wall time of the whole run.
    pub elapsed: Duration,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// All was read, but for what failed.
    Complete,
    /// The run was told to stop; what was whole is committed, and the next run goes on from there.
    Interrupted,
    /// A resource failed, and the run was to stop there; what was whole is committed.
    FailedFast,
}

impl End {
    pub(super) fn of(outcomes: &[Outcome]) -> Self {
        let errors = || outcomes.iter().filter_map(|outcome| outcome.error.as_ref());
        if errors().any(|error| matches!(error, Error::Interrupted)) {
            Self::Interrupted
        } else if errors().any(|error| matches!(error, Error::FailedFast { .. })) {
            Self::FailedFast
        } else {
            Self::Complete
        }
    }
}

impl Report {
    /// Whether the load is complete; some resources may have failed.
    pub fn is_complete(&self) -> bool {
        self.end == End::Complete
    }

    /// Whether some resource failed; the others are committed.
    pub fn has_failures(&self) -> bool {
        self.resources
            .iter()
            .any(|resource| resource.error.is_some())
    }
}

/// What a run did for one resource.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ResourceReport {
    /// Name of the resource.
    pub name: String,
    /// Slices read to their end.
    pub slices: u64,
    /// Requests sent, retries included.
    pub requests: u64,
    /// Requests that were sent again.
    pub retries: u64,
    /// Time spent waiting before they were; several may wait at once.
    pub retry_wait: Duration,
    /// Pages read.
    pub pages: u64,
    /// Records that came, before the table's keys were compared.
    pub records: u64,
    /// Records that lay outside the range that was asked for, and were left out.
    pub outside_window: u64,
    /// Records that a filter of the spec left out.
    pub filtered: u64,
    /// Records at the start of the range that earlier runs have loaded, and were left out.
    pub already_loaded: u64,
    /// Records without a cursor that were left out.
    pub without_cursor: u64,
    /// Records that came twice within one slice, by their primary key, and were left out the second time.
    pub duplicates: u64,
    /// Records that the schema contract left out.
    pub rows_discarded: u64,
    /// Values that the schema contract left out of records that were kept otherwise.
    pub values_discarded: u64,
    /// Bytes of the decompressed bodies.
    pub body_bytes: u64,
    /// What the commit changed in the table.
    pub table: TableReport,
    /// The same for the tables that lists in its records have become, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub child_tables: BTreeMap<String, TableReport>,
    /// From the resource's first slice to its last.
    pub elapsed: Duration,
    /// What may mean that records are missing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// What the spec expects of the table, and what was found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expectations: Vec<Expectation>,
    /// Why the resource was not read to its end, or what is not as expected behind it: the whole chain of causes, in one line.
    pub error: Option<String>,
    /// Whether nothing is wrong with it: the run was told to stop, or stopped since another resource failed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_stopped: bool,
}

impl ResourceReport {
    /// Records that were not left out.
    pub fn rows(&self) -> u64 {
        let left_out = self.outside_window
            + self.filtered
            + self.already_loaded
            + self.without_cursor
            + self.duplicates
            + self.rows_discarded;
        self.records.saturating_sub(left_out)
    }

    /// What the report of the load keeps of it.
    pub(super) fn summary(&self) -> ResourceSummary {
        ResourceSummary {
            name: self.name.clone(),
            requests: self.requests,
            retries: self.retries,
            retry_milliseconds: milliseconds(self.retry_wait),
            records: self.records,
            elapsed_milliseconds: milliseconds(self.elapsed),
            warnings: self.warnings.clone(),
            error: self.error.clone(),
        }
    }

    /// What the commit changed in its tables.
    pub fn tables(&self) -> impl Iterator<Item = &TableReport> {
        std::iter::once(&self.table).chain(self.child_tables.values())
    }
}

/// A length of time as reports keep it.
pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
