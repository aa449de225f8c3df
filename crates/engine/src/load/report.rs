//! What a commit did, and the report of a load for people.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::commit_log::Run;
use super::{Destination, Error};

/// What a commit did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitReport {
    /// Position in the commit log, from 1.
    pub sequence: u64,
    /// What happened to each table of the commit.
    pub tables: BTreeMap<String, TableReport>,
}

/// What happened to one table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableReport {
    /// Rows that came into the table without taking the place of another.
    pub rows_added: u64,
    /// Rows of a merge that took the place of an earlier one with other content.
    pub rows_updated: u64,
    /// Rows of a merge that the table held already; they were not written.
    pub rows_unchanged: u64,
    /// Rows of a child table that left, since their list has fewer elements now; the record was read anew.
    #[serde(default)]
    pub rows_removed: u64,
    /// Rows of a merge whose key came again later in the same commit; they were not written.
    pub duplicates_dropped: u64,
    /// Records that the schema contract left out.
    pub rows_discarded: u64,
    /// Values that the schema contract left out of records that were kept otherwise.
    pub values_discarded: u64,
    /// Files that hold what the schema contract left out, relative to the destination.
    pub rejected_files: Vec<String>,
    /// Files that joined the table.
    pub files_added: u64,
    /// Files that left the table.
    pub files_removed: u64,
    /// Size of the files that joined, in bytes.
    pub bytes_added: u64,
    /// Columns that the table did not have before.
    pub new_columns: Vec<String>,
}

impl TableReport {
    /// Adds what a later commit did.
    pub fn add(&mut self, later: &Self) {
        self.rows_added += later.rows_added;
        self.rows_updated += later.rows_updated;
        self.rows_unchanged += later.rows_unchanged;
        self.rows_removed += later.rows_removed;
        self.duplicates_dropped += later.duplicates_dropped;
        self.rows_discarded += later.rows_discarded;
        self.values_discarded += later.values_discarded;
        self.rejected_files
            .extend(later.rejected_files.iter().cloned());
        self.files_added += later.files_added;
        self.files_removed += later.files_removed;
        self.bytes_added += later.bytes_added;
        self.new_columns.extend(later.new_columns.iter().cloned());
    }
}

/// All commits of one load together.
#[derive(Debug, Serialize)]
pub(super) struct LoadReport {
    version: u32,
    load_id: String,
    pipeline: String,
    started_at: Timestamp,
    committed_at: Timestamp,
    complete: bool,
    commits: Vec<u64>,
    tables: BTreeMap<String, TableReport>,
}

impl LoadReport {
    pub(super) fn new(run: &Run, started_at: Timestamp) -> Self {
        Self {
            version: 1,
            load_id: run.load_id.clone(),
            pipeline: run.pipeline.clone(),
            started_at,
            committed_at: started_at,
            complete: false,
            commits: Vec::new(),
            tables: BTreeMap::new(),
        }
    }

    /// Adds one more commit.
    pub(super) fn add(&mut self, commit: &CommitReport, now: Timestamp, last: bool) {
        self.committed_at = now;
        self.complete = last;
        self.commits.push(commit.sequence);
        for (name, table) in &commit.tables {
            self.tables.entry(name.clone()).or_default().add(table);
        }
    }

    /// Whether there is a report of a load of this id.
    pub(super) async fn is_written(&self, destination: &Destination) -> Result<bool, Error> {
        destination.holds(&self.path()).await
    }

    fn path(&self) -> String {
        format!("_engine/loads/{}.json", self.load_id)
    }

    pub(super) async fn write(&self, destination: &Destination) -> Result<(), Error> {
        let content = serde_json::to_vec_pretty(self)
            .expect("a report has string keys and plain values only");
        destination.write(&self.path(), content).await
    }
}
