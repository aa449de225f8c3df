//! What a commit did, and the report of a load for people.

use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt, stream};
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

/// How the run of a load went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSummary {
    /// Wall time of the run.
    pub elapsed_milliseconds: u64,
    /// Of that, the time in which requests were held back by the rate limit, or by a server that asked for a pause.
    pub rate_limited_milliseconds: u64,
    /// Why the run came to no end of its own: the chain of causes, in one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Each resource, in the order of the run.
    pub resources: Vec<ResourceSummary>,
}

/// How the reading of one resource went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceSummary {
    /// Name of the resource.
    pub name: String,
    /// Requests sent, retries included.
    pub requests: u64,
    /// Requests that were sent again.
    pub retries: u64,
    /// Time spent waiting before they were; several may wait at once.
    pub retry_milliseconds: u64,
    /// Records that came.
    pub records: u64,
    /// From the first slice to the last.
    pub elapsed_milliseconds: u64,
    /// What may mean that records are missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Why it was not read to its end: the chain of causes, in one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// All commits of one load together, and how its run went.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LoadReport {
    version: u32,
    /// The load's id.
    pub load_id: String,
    /// Name of the pipeline.
    pub pipeline: String,
    /// The run's start, which a simulated API may set.
    pub started_at: Timestamp,
    /// When its newest commit was written; the start where there is none.
    pub committed_at: Timestamp,
    /// When the run ended; `None` where it was killed, or is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// The load came to its end.
    pub complete: bool,
    /// Positions of its commits in the log.
    pub commits: Vec<u64>,
    /// What happened to each table.
    pub tables: BTreeMap<String, TableReport>,
    /// How the run went; `None` as long as [`Self::ended_at`] is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunSummary>,
}

/// The folder of reports, relative to the destination.
const LOADS: &str = "_engine/loads";

/// The format that is written; reports of another one are passed over.
const FORMAT_VERSION: u32 = 1;

/// Reports that are read side by side.
const READ_AT_ONCE: usize = 16;

impl LoadReport {
    /// The reports of the newest loads, the newest last; those that can't be read are passed over.
    pub async fn newest(destination: &Destination, most: usize) -> Result<Vec<Self>, Error> {
        let mut names = destination.list(LOADS).await?;
        names.retain(|name| name.strip_suffix(".json").is_some());
        names.sort_unstable();
        let newest = names.split_off(names.len().saturating_sub(most));
        let contents = stream::iter(newest)
            .map(|name| async move { destination.read(&format!("{LOADS}/{name}")).await });
        let contents: Vec<_> = contents.buffered(READ_AT_ONCE).try_collect().await?;
        let parse = |content: bytes::Bytes| -> Option<Self> {
            let report: Self = serde_json::from_slice(&content).ok()?;
            (report.version == FORMAT_VERSION).then_some(report)
        };
        Ok(contents.into_iter().flatten().filter_map(parse).collect())
    }

    pub(super) fn new(run: &Run, started_at: Timestamp) -> Self {
        Self {
            version: FORMAT_VERSION,
            load_id: run.load_id.clone(),
            pipeline: run.pipeline.clone(),
            started_at,
            committed_at: started_at,
            ended_at: None,
            complete: false,
            commits: Vec::new(),
            tables: BTreeMap::new(),
            run: None,
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

    /// Adds how the run went.
    pub(super) fn end(&mut self, run: RunSummary, now: Timestamp) {
        self.ended_at = Some(now);
        self.run = Some(run);
    }

    /// Whether there is a report of a load of this id.
    pub(super) async fn is_written(&self, destination: &Destination) -> Result<bool, Error> {
        destination.holds(&self.path()).await
    }

    fn path(&self) -> String {
        format!("{LOADS}/{}.json", self.load_id)
    }

    pub(super) async fn write(&self, destination: &Destination) -> Result<(), Error> {
        let content = serde_json::to_vec_pretty(self)
            .expect("a report has string keys and plain values only");
        destination.write(&self.path(), content).await
    }
}
