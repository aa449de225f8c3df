//! What the lake holds: the fold of its commit log.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::commit_log::{self, CommitRecord};
use super::spool::child_table_name;
use super::{Destination, Error};
use crate::flow::Progress;
use crate::plan::{ResourcePlan, WriteDisposition};
use crate::schema::TableSchema;

/// The fold of the commit log: what every table holds, and how far each was read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The tables, by name.
    pub tables: BTreeMap<String, TableState>,
    /// Id of the load whose commits are the newest, if that load has not said that it was complete.
    pub unfinished_load: Option<String>,
    /// Position of the newest commit; 0 for an empty log.
    pub sequence: u64,
}

/// What one table holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TableState {
    /// The newest schema; `None` until a commit has one.
    pub schema: Option<TableSchema>,
    /// Version of `schema`, from 1; 0 without a schema.
    pub schema_version: u32,
    /// Every version that the table had: a file is laid out by the version that it names.
    pub schemas: BTreeMap<u32, TableSchema>,
    /// The current files, in the order in which they were added.
    pub files: Vec<DataFile>,
    /// How its rows were put together; `None` until a commit says so.
    #[serde(default)]
    pub basis: Option<Basis>,
    /// How far the resource was read.
    pub progress: Progress,
}

/// How the rows of a table were put together, as far as a change of it could mix what doesn't belong together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    /// How rows joined the table.
    pub write_disposition: WriteDisposition,
    /// Source names of the key's columns.
    pub primary_key: Vec<String>,
}

impl Basis {
    /// How a resource's rows are put together.
    pub fn of(resource: &ResourcePlan) -> Self {
        Self {
            write_disposition: resource.write_disposition,
            primary_key: resource.primary_key.clone(),
        }
    }
}

/// One Parquet file of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataFile {
    /// Path relative to the destination.
    pub path: String,
    /// Rows; at least 1.
    pub rows: u64,
    /// Size in bytes.
    pub bytes: u64,
    /// The version in [`TableState::schemas`] that lays out the file.
    pub schema_version: u32,
    /// The slice that the file was kept apart for; it alone fills the file, and reading it again replaces the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slice: Option<String>,
}

impl State {
    /// Reads the log and changes nothing, for commands that only look.
    pub async fn read(destination: &Destination) -> Result<Self, Error> {
        Ok(commit_log::read(destination).await?.state)
    }

    /// Whether all of its paths lie in the destination.
    pub(super) fn leads_nowhere_else(&self) -> bool {
        let files = self.tables.values().flat_map(|table| &table.files);
        let mut paths = files.map(|file| &file.path).chain(self.tables.keys());
        !paths.any(|path| commit_log::leads_elsewhere(path))
    }

    /// The state behind one more commit.
    pub(super) fn apply(&mut self, commit: &CommitRecord) {
        self.sequence = commit.sequence;
        // An opening commit only takes a place: the load before it may still be resumed.
        if !commit.opening {
            self.unfinished_load = (!commit.last).then(|| commit.load_id.clone());
        }
        for renamed in &commit.renamed {
            renamed.apply(&mut self.tables);
        }
        for (name, change) in &commit.tables {
            let table = self.tables.entry(name.clone()).or_default();
            table
                .files
                .retain(|file| !change.remove.contains(&file.path));
            table
                .files
                .extend(change.add.iter().map(|added| added.file.clone()));
            if let Some(versioned) = &change.schema {
                table.schema = Some(versioned.schema.clone());
                table.schema_version = versioned.version;
                table
                    .schemas
                    .insert(versioned.version, versioned.schema.clone());
            }
            if let Some(basis) = &change.basis {
                table.basis = Some(basis.clone());
            }
            if let Some(progress) = &change.progress {
                progress.apply(&mut table.progress);
            }
        }
    }
}

impl TableState {
    /// The names of the child tables, the table's own name being this.
    pub fn child_tables(&self, table: &str) -> Vec<String> {
        let children = self.schema.iter().flat_map(TableSchema::child_tables);
        children
            .map(|(name, _)| child_table_name(table, name))
            .collect()
    }

    /// Rows in all files.
    pub fn rows(&self) -> u64 {
        self.files.iter().map(|file| file.rows).sum()
    }
}
