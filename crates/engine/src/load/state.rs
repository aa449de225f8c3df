//! What the lake holds: the fold of its commit log.

use std::collections::BTreeMap;

use arrow::datatypes::SchemaRef;
use serde::{Deserialize, Serialize};

use super::commit_log::{self, CommitRecord, TableChange};
use super::renaming::{Rename, renamed};
use super::spool::child_table_name;
use super::{Destination, Error, Owner};
use crate::flow::Progress;
use crate::plan::{ResourcePlan, StoreSettings, WriteDisposition};
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
    /// How versions of a record are told apart, where they are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub versions: Option<VersionsBasis>,
}

/// What the rows of a table with versions mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionsBasis {
    /// Name of the column that says from when a version is valid.
    pub valid_from: String,
    /// Name of the column that says until when.
    pub valid_to: String,
    /// What `valid_to` holds while a version is valid, in microseconds since 1970 in UTC; `None`: null.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<i64>,
}

impl Basis {
    /// How a resource's rows are put together.
    pub fn of(resource: &ResourcePlan) -> Self {
        let is_merge = resource.write_disposition == WriteDisposition::Merge;
        Self {
            write_disposition: resource.write_disposition,
            primary_key: resource.primary_key.clone(),
            versions: is_merge
                .then(|| resource.merge.versions())
                .flatten()
                .map(|plan| VersionsBasis {
                    valid_from: plan.valid_from.clone(),
                    valid_to: plan.valid_to.clone(),
                    active: plan.active,
                }),
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

    /// What a run of this owner would find, under the names that it gives to tables. Nothing is created or changed.
    ///
    /// # Errors
    /// The destination can't be read, or holds the tables of another owner.
    pub async fn found_by(
        owner: &Owner,
        renames: &[Rename],
        url: &str,
        settings: &StoreSettings,
    ) -> Result<Self, Error> {
        if Destination::is_absent_folder(url) {
            return Ok(Self::default());
        }
        let destination = Destination::open_with(url, settings)?;
        let log = commit_log::read(&destination).await?;
        if let Some(newest) = &log.newest {
            owner.check(newest)?;
        }
        let mut state = log.state;
        for renamed in renamed(&state, renames)? {
            renamed.apply(&mut state.tables);
        }
        Ok(state)
    }

    /// Whether all of its paths lie in the destination.
    pub(super) fn leads_nowhere_else(&self) -> bool {
        let files = self.tables.values().flat_map(|table| &table.files);
        let mut paths = files.map(|file| &file.path).chain(self.tables.keys());
        !paths.any(|path| commit_log::leads_elsewhere(path))
    }

    /// Reads the log as it was behind an earlier commit; the files of that time may be gone.
    ///
    /// # Errors
    /// [`Error::NoSuchCommit`] where the log doesn't reach that far.
    pub async fn read_at(destination: &Destination, sequence: u64) -> Result<Self, Error> {
        let newest = Self::read(destination).await?.sequence;
        if sequence == 0 || sequence > newest {
            return Err(Error::NoSuchCommit { sequence, newest });
        }
        let mut state = Self::default();
        for commit in commit_log::read_up_to(destination, sequence).await? {
            state.apply(&commit);
        }
        Ok(state)
    }

    /// The state behind one more commit.
    pub(super) fn apply(&mut self, commit: &CommitRecord) {
        self.sequence = commit.sequence;
        // What is no load leaves the one before it to be resumed.
        if !commit.opening {
            self.unfinished_load = (!commit.last).then(|| commit.load_id.clone());
        }
        for renamed in &commit.renamed {
            renamed.apply(&mut self.tables);
        }
        for (name, change) in &commit.tables {
            let table = self.tables.entry(name.clone()).or_default();
            table.replace_files(change);
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
    /// The same with no file, as for rows that take the place of all.
    pub(super) fn without_files(&self) -> Self {
        Self {
            files: Vec::new(),
            ..self.clone()
        }
    }

    /// The names of the child tables, the table's own name being this.
    pub fn child_tables(&self, table: &str) -> Vec<String> {
        let children = self.schema.iter().flat_map(TableSchema::child_tables);
        children
            .map(|(name, _)| child_table_name(table, name))
            .collect()
    }

    /// The columns that a file of the table has.
    ///
    /// # Errors
    /// [`Error::SchemaMissing`] where the log doesn't hold the file's schema.
    pub fn layout_of(&self, file: &DataFile) -> Result<SchemaRef, Error> {
        self.schema_of(file).map(TableSchema::arrow_schema)
    }

    /// The schema that lays out a file of the table.
    pub(super) fn schema_of(&self, file: &DataFile) -> Result<&TableSchema, Error> {
        let schema = self.schemas.get(&file.schema_version);
        schema.ok_or_else(|| Error::SchemaMissing {
            path: file.path.clone(),
            version: file.schema_version,
        })
    }

    /// Takes files away and adds others, each in its place.
    fn replace_files(&mut self, change: &TableChange) {
        let mut in_place: BTreeMap<&str, Vec<&DataFile>> = BTreeMap::new();
        let mut behind = Vec::new();
        for added in &change.add {
            match &added.in_place_of {
                Some(path) => in_place.entry(path).or_default().push(&added.file),
                None => behind.push(&added.file),
            }
        }
        let mut files = Vec::with_capacity(self.files.len() + change.add.len());
        for file in std::mem::take(&mut self.files) {
            let added = in_place.remove(file.path.as_str()).into_iter().flatten();
            files.extend(added.cloned());
            if !change.remove.contains(&file.path) {
                files.push(file);
            }
        }
        let lost_place = in_place.into_values().flatten();
        files.extend(lost_place.chain(behind).cloned());
        self.files = files;
    }

    /// Rows in all files.
    pub fn rows(&self) -> u64 {
        self.files.iter().map(|file| file.rows).sum()
    }
}
