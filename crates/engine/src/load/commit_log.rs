//! The commit log: one object for each commit, each written once.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::destination::off_the_async_threads;
use super::progress_change::ProgressChange;
use super::rejected::RejectedFile;
use super::renaming::RenamedTable;
use super::{Basis, Cause, DataFile, Destination, Error, State, durable, snapshot, staging};
use crate::schema::TableSchema;

pub(super) const COMMITS: &str = "_engine/commits";

/// The format that is written; others are refused.
const FORMAT_VERSION: u32 = 2;

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
    /// No part of a load: it takes the next place, so that a run that was before can't commit any more, changes
    /// names, or which files hold the rows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) opening: bool,
    /// The load is complete with this commit.
    pub(super) last: bool,
    /// Tables that get another name, before all other changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) renamed: Vec<RenamedTable>,
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
    /// The records that the schema changed for, as far as that is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) causes: Vec<Cause>,
    /// Only where it changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) basis: Option<Basis>,
    /// Only where it changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) progress: Option<ProgressChange>,
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
    /// The fold of all commits.
    pub(super) state: State,
    /// The newest commit. It alone may wait to be published: a run publishes what is there before it creates the next.
    pub(super) newest: Option<CommitRecord>,
    /// Ids of the loads of the commits behind the snapshot.
    pub(super) recent_loads: BTreeSet<String>,
    /// Sequence of the snapshot that was read; 0 without one.
    pub(super) snapshot: u64,
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
            last: false,
            renamed: Vec::new(),
            tables: BTreeMap::new(),
        }
    }

    /// A commit that is no part of a load.
    pub(super) fn opening(run: &Run, sequence: u64, created_at: Timestamp) -> Self {
        Self {
            opening: true,
            ..Self::new(run, sequence, created_at)
        }
    }

    /// Where each file waits or lies, and where it goes.
    pub(super) fn moves(&self) -> impl Iterator<Item = (&str, &str)> {
        let renamed = self.renamed.iter().flat_map(|table| &table.files);
        let renamed = renamed.map(|file| (&*file.from, &*file.to));
        let changes = self.tables.values();
        renamed.chain(changes.flat_map(|change| {
            let added = change.add.iter();
            let added = added.map(|added| (&*added.staged, &*added.file.path));
            let rejected = change.rejected.iter();
            added.chain(rejected.map(|file| (&*file.staged, &*file.path)))
        }))
    }

    /// The files of what schema contracts left out.
    pub(super) fn rejected(&self) -> impl Iterator<Item = &RejectedFile> {
        self.tables.values().flat_map(|change| &change.rejected)
    }

    /// The files that leave their tables.
    pub(super) fn removals(&self) -> impl Iterator<Item = &str> {
        let changes = self.tables.values();
        changes.flat_map(|change| change.remove.iter().map(String::as_str))
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

/// Reads the log: the newest snapshot, and the commits behind it.
pub(super) async fn read(destination: &Destination) -> Result<Log, Error> {
    let mut state = snapshot::newest(destination).await?;
    let snapshot = state.sequence;
    // The newest commit is read also where the snapshot covers it.
    let first = snapshot.max(1);
    let names = destination
        .list_after(COMMITS, &file_name(first - 1))
        .await?;
    // Anything else was put there by someone else, or is a store's own temporary file.
    let sequences = names
        .iter()
        .filter_map(|name| sequence_of(name.strip_suffix(".json")?));
    let last = sequences.max().unwrap_or_default().max(snapshot);
    // A listing may lack one that is there.
    let mut commits = stream::iter(first..=last)
        .map(|sequence| async move {
            let found = read_commit(destination, sequence).await?;
            found.ok_or(Error::CommitMissing { sequence })
        })
        .buffered(COMMITS_READ_AT_ONCE);
    let mut newest = None;
    let mut recent_loads = BTreeSet::new();
    while let Some(commit) = commits.try_next().await? {
        if commit.sequence > snapshot {
            state.apply(&commit);
        }
        recent_loads.insert(commit.load_id.clone());
        newest = Some(commit);
    }
    drop(commits);
    Ok(Log {
        state,
        newest,
        recent_loads,
        snapshot,
    })
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
        let staged = staging::path(&commit.load_id, &file_name(sequence));
        destination.write(&staged, content).await?;
        sync(destination, &staged, durable::sync_file).await?;
        let from = destination.object(&staged);
        destination.store.rename_if_not_exists(&from, &to).await
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
    if version != FORMAT_VERSION {
        return Err(Error::CommitFormat {
            path: path.to_owned(),
            version,
            known: FORMAT_VERSION,
        });
    }
    let commit: CommitRecord = serde_json::from_slice(content).map_err(unreadable)?;
    let moved = commit.moves().flat_map(|(from, to)| [from, to]);
    let names = commit.tables.keys().map(String::as_str);
    let renamed = commit.renamed.iter().map(|table| &*table.to);
    let mut paths = moved.chain(commit.removals()).chain(names).chain(renamed);
    let elsewhere = paths.find(|path| leads_elsewhere(path)).map(str::to_owned);
    drop(paths);
    match elsewhere {
        Some(name) => Err(Error::UnusableName { name }),
        None => Ok(commit),
    }
}

/// Whether a path of the log would lead out of the destination.
pub(super) fn leads_elsewhere(path: &str) -> bool {
    path.starts_with('/') || path.split(['/', '\\']).any(|part| part == "..")
}

fn commit_path(sequence: u64) -> String {
    format!("{COMMITS}/{}", file_name(sequence))
}

fn file_name(sequence: u64) -> String {
    format!("{sequence:020}.json")
}

pub(super) fn sequence_of(digits: &str) -> Option<u64> {
    let plain = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}
