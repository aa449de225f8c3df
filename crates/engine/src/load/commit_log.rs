//! The commit log: one object for each commit, each written once.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::destination::off_the_async_threads;
use super::rejected::RejectedFile;
use super::{DataFile, Destination, Error, durable};
use crate::flow::Progress;
use crate::schema::TableSchema;

pub(super) const COMMITS: &str = "_engine/commits";
pub(super) const STAGING: &str = "_engine/staging";

/// The format that is written; older ones are converted when they are read.
const FORMAT_VERSION: u32 = 1;

/// Commits that are read side by side when a log is opened.
const COMMITS_READ_AT_ONCE: usize = 16;

/// One commit as it is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct CommitRecord {
    version: u32,
    /// Position in the log, from 1.
    pub(super) sequence: u64,
    /// Random id of the run, by which a run knows its own commit.
    pub(super) run: Uuid,
    pub(super) load_id: String,
    pub(super) pipeline: String,
    pub(super) api: String,
    pub(super) created_at: Timestamp,
    /// Only takes the next place, so that a run that was before can't commit any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) opening: bool,
    /// Only changes which files hold the rows, or erases some: no load, so that the load before it may still be resumed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) upkeep: bool,
    /// The load is complete with this commit.
    pub(super) last: bool,
    pub(super) tables: BTreeMap<String, TableChange>,
}

/// What a commit does to one table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct TableChange {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) add: Vec<AddedFile>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) remove: BTreeSet<String>,
    /// Files of what the schema contract left out; no part of the table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) rejected: Vec<RejectedFile>,
    /// Only where it changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) schema: Option<VersionedSchema>,
    pub(super) progress: Progress,
}

/// A schema and its version; the version grows when the layout of files changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct VersionedSchema {
    pub(super) version: u32,
    pub(super) schema: TableSchema,
}

/// A file that a commit adds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct AddedFile {
    /// Where it waits until it is published, relative to the destination.
    pub(super) staged: String,
    /// The removed file whose rows it holds and whose place in the order of the table's files it takes; without one it
    /// comes behind all others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) in_place_of: Option<String>,
    #[serde(flatten)]
    pub(super) file: DataFile,
}

/// A log as it was read.
pub(super) struct Log {
    /// In order, without a hole.
    pub(super) commits: Vec<CommitRecord>,
    /// The newest commit that is marked as published; 0 without one.
    published: u64,
}

impl Log {
    /// The commits that are not published yet, or not for sure.
    ///
    /// A run publishes what is there before it creates the next commit, so all before a mark are published.
    pub(super) fn unpublished(&self) -> impl Iterator<Item = &CommitRecord> {
        self.commits
            .iter()
            .filter(|commit| commit.sequence > self.published)
    }
}

impl CommitRecord {
    /// A commit without tables.
    pub(super) fn new(run: &Run, sequence: u64, created_at: Timestamp) -> Self {
        Self {
            version: FORMAT_VERSION,
            sequence,
            run: run.id,
            load_id: run.load_id.clone(),
            pipeline: run.pipeline.clone(),
            api: run.api.clone(),
            created_at,
            opening: false,
            upkeep: false,
            last: false,
            tables: BTreeMap::new(),
        }
    }
}

impl CommitRecord {
    /// Where the files wait that it adds, relative to the destination.
    pub(super) fn staged(&self) -> impl Iterator<Item = &str> {
        self.tables.values().flat_map(|change| {
            let added = change.add.iter().map(|file| file.staged.as_str());
            added.chain(change.rejected.iter().map(|file| file.staged.as_str()))
        })
    }

    /// The files that it takes away, relative to the destination.
    pub(super) fn removed(&self) -> impl Iterator<Item = &str> {
        let removed = self.tables.values().flat_map(|change| &change.remove);
        removed.map(String::as_str)
    }

    /// Whether the commit is of the same pipeline and API.
    pub(super) fn is_of(&self, run: &Run) -> bool {
        self.pipeline == run.pipeline && self.api == run.api
    }
}

/// Who writes commits.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) id: Uuid,
    pub(super) load_id: String,
    pub(super) pipeline: String,
    /// The API that is read: the origin of its base URL, or `sandbox`.
    pub(super) api: String,
}

impl Run {
    /// The folder of what this run has not committed, relative to the destination.
    pub(super) fn staging(&self) -> String {
        staging_of(&self.load_id)
    }
}

pub(super) fn staging_of(load_id: &str) -> String {
    format!("{STAGING}/{load_id}")
}

/// Reads the whole log.
pub(super) async fn read(destination: &Destination) -> Result<Log, Error> {
    let mut sequences = BTreeSet::new();
    let mut published = 0;
    for name in destination.list(COMMITS).await? {
        // Anything else was put there by someone else, or is a store's own temporary file.
        if let Some(sequence) = name.strip_suffix(".json").and_then(sequence_of) {
            sequences.insert(sequence);
        } else if let Some(sequence) = name.strip_suffix(".published").and_then(sequence_of) {
            published = published.max(sequence);
        }
    }
    for (expected, found) in (1..).zip(&sequences) {
        if expected != *found {
            return Err(Error::CommitMissing { sequence: expected });
        }
    }
    let commits = stream::iter(sequences)
        .map(|sequence| async move {
            let found = read_commit(destination, sequence).await?;
            found.ok_or(Error::CommitMissing { sequence })
        })
        .buffered(COMMITS_READ_AT_ONCE)
        .try_collect()
        .await?;
    Ok(Log { commits, published })
}

/// Reads the first commits, up to this one.
pub(super) async fn read_up_to(
    destination: &Destination,
    sequence: u64,
) -> Result<Vec<CommitRecord>, Error> {
    let commits = stream::iter(1..=sequence).map(|sequence| async move {
        let found = read_commit(destination, sequence).await?;
        found.ok_or(Error::CommitMissing { sequence })
    });
    commits.buffered(COMMITS_READ_AT_ONCE).try_collect().await
}

/// Writes the next commit: the one moment at which a load comes to be.
///
/// A write that ends in an error is settled by reading the commit back.
pub(super) async fn create(destination: &Destination, commit: &CommitRecord) -> Result<(), Error> {
    let sequence = commit.sequence;
    let path = commit_path(sequence);
    let content = serde_json::to_vec_pretty(commit).map_err(|source| Error::CommitUnreadable {
        path: path.clone(),
        source,
    })?;
    let to = destination.object(&path);
    let written = if destination.is_local() {
        // The content is durable before the name exists: a power cut leaves a whole commit or none.
        let staged = format!("{}/{sequence:020}.json", staging_of(&commit.load_id));
        destination.write(&staged, content).await?;
        sync(destination, &staged, durable::sync_file).await?;
        let from = destination.object(&staged);
        destination.store.copy_if_not_exists(&from, &to).await
    } else {
        let options = PutOptions::from(PutMode::Create);
        let payload = PutPayload::from(content);
        let put = destination.store.put_opts(&to, payload, options).await;
        put.map(drop)
    };
    if let Err(source) = written {
        let failure = Error::store("write", &path)(source);
        settle(destination, commit, failure).await?;
    }
    sync(destination, COMMITS, durable::sync_folder)
        .await
        .map_err(|error| unsettled(sequence, error))
}

/// Notes that a commit needs no publishing any more.
pub(super) async fn mark_published(destination: &Destination, sequence: u64) -> Result<(), Error> {
    let path = format!("{COMMITS}/{sequence:020}.published");
    destination.write(&path, Vec::new()).await
}

/// Runs a local sync, where the destination is a local folder.
async fn sync(
    destination: &Destination,
    relative: &str,
    how: fn(&std::path::Path) -> Result<(), Error>,
) -> Result<(), Error> {
    match destination.local_path(relative) {
        Some(path) => off_the_async_threads(move || how(&path)).await,
        None => Ok(()),
    }
}

/// The error of a commit whose place another run has; `None` if that is not known.
pub(super) async fn lost_place(destination: &Destination, commit: &CommitRecord) -> Option<Error> {
    let found = read_commit(destination, commit.sequence).await.ok()??;
    (found.run != commit.run).then(|| taken(found))
}

async fn settle(
    destination: &Destination,
    commit: &CommitRecord,
    failure: Error,
) -> Result<(), Error> {
    let sequence = commit.sequence;
    match read_commit(destination, sequence).await {
        Ok(Some(found)) if found.run == commit.run => Ok(()),
        Ok(Some(found)) => Err(taken(found)),
        // A write that timed out may still arrive.
        Ok(None) => Err(unsettled(sequence, failure)),
        Err(error) => Err(unsettled(sequence, error)),
    }
}

fn taken(holder: CommitRecord) -> Error {
    Error::LostPlace {
        sequence: holder.sequence,
        holder: holder.load_id,
    }
}

fn unsettled(sequence: u64, source: Error) -> Error {
    Error::CommitUnsettled {
        sequence,
        source: Box::new(source),
    }
}

async fn read_commit(
    destination: &Destination,
    sequence: u64,
) -> Result<Option<CommitRecord>, Error> {
    let path = commit_path(sequence);
    match destination.read(&path).await? {
        Some(content) => parse(&path, &content).map(Some),
        None => Ok(None),
    }
}

fn parse(path: &str, content: &[u8]) -> Result<CommitRecord, Error> {
    #[derive(Deserialize)]
    struct Format {
        version: u32,
    }
    let unreadable = |source| Error::CommitUnreadable {
        path: path.to_owned(),
        source,
    };
    let Format { version } = serde_json::from_slice(content).map_err(unreadable)?;
    if version > FORMAT_VERSION {
        return Err(Error::CommitTooNew {
            path: path.to_owned(),
            version,
            known: FORMAT_VERSION,
        });
    }
    let commit: CommitRecord = serde_json::from_slice(content).map_err(unreadable)?;
    for (table, change) in &commit.tables {
        let added = change.add.iter();
        let paths = added.flat_map(|added| [&added.staged, &added.file.path]);
        let rejected = change.rejected.iter();
        let rejected = rejected.flat_map(|file| [&file.staged, &file.path]);
        for path in paths.chain(rejected).chain(&change.remove).chain([table]) {
            // What a log says must not lead out of the destination.
            if path.starts_with('/') || path.split(['/', '\\']).any(|part| part == "..") {
                return Err(Error::UnusableName { name: path.clone() });
            }
        }
    }
    Ok(commit)
}

fn commit_path(sequence: u64) -> String {
    format!("{COMMITS}/{sequence:020}.json")
}

fn sequence_of(digits: &str) -> Option<u64> {
    let plain = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}
