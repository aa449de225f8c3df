//! The commit log and the files of one destination, opened by one run.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use object_store::buffered::BufWriter;
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

use super::commit_log::{self, AddedFile, COMMITS, CommitRecord, Log, Run, STAGING, staging_of};
use super::destination::off_the_async_threads;
use super::prepare::{Prepared, prepare};
use super::publish::publish;
use super::rejected::RejectedFile;
use super::report::LoadReport;
use super::spool::{SpoolFolder, Target};
use super::{
    CommitReport, DataFile, Destination, Error, RejectedSpool, SpoolSettings, State, TableCommit,
    TableSpool, durable,
};

/// The commit log and the files of one destination, for the length of one run.
///
/// Several runs may have the same lake open. The first that commits, or that sweeps what another left, takes the next
/// place in the log; each of the others fails at its next commit with [`Error::LostPlace`] and has published nothing.
#[derive(Debug)]
pub struct Lake {
    destination: Destination,
    run: Run,
    state: State,
    folder: Arc<SpoolFolder>,
    /// Committed, and not marked as published yet.
    pending: Option<CommitRecord>,
    standing: Standing,
    /// Number of the newest file in each folder, in this run.
    file_numbers: BTreeMap<String, u64>,
    report: LoadReport,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Open,
    /// Another run has the next place.
    Lost,
    /// The newest commit may exist or not.
    Unsettled,
}

/// What a commit is made of.
enum Part {
    /// Rows that join a table.
    Rows(TableCommit),
    /// Files that are written already.
    Files(Box<Prepared>),
}

impl Lake {
    /// Reads the log, publishes what is committed, and sweeps what runs before left behind.
    ///
    /// `load_id` names the run's files; the log must not hold it yet. `pipeline` and `api` say whose tables these are:
    /// those of another pipeline, or of another API, are refused.
    pub async fn open(
        destination: Destination,
        pipeline: &str,
        api: &str,
        load_id: &str,
        now: Timestamp,
    ) -> Result<Self, Error> {
        create_folders(&destination).await?;
        let log = commit_log::read(&destination).await?;
        Self::with_log(destination, log, pipeline, api, load_id, now).await
    }

    /// The same for work on the files of a lake that is there, whoever's tables they are.
    ///
    /// # Errors
    /// [`Error::NoTables`] where nothing was committed yet.
    pub async fn open_for_upkeep(
        destination: Destination,
        load_id: &str,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let log = commit_log::read(&destination).await?;
        let newest = log.commits.last().ok_or(Error::NoTables)?;
        let (pipeline, api) = (newest.pipeline.clone(), newest.api.clone());
        create_folders(&destination).await?;
        Self::with_log(destination, log, &pipeline, &api, load_id, now).await
    }

    async fn with_log(
        destination: Destination,
        log: Log,
        pipeline: &str,
        api: &str,
        load_id: &str,
        now: Timestamp,
    ) -> Result<Self, Error> {
        check_name(load_id)?;
        let run = Run {
            id: Uuid::now_v7(),
            load_id: load_id.to_owned(),
            pipeline: pipeline.to_owned(),
            api: api.to_owned(),
        };
        if log.commits.iter().any(|commit| commit.load_id == load_id) {
            return Err(Error::LoadIdTaken {
                load_id: load_id.to_owned(),
            });
        }
        if let Some(other) = log.commits.last().filter(|commit| !commit.is_of(&run)) {
            return Err(Error::OtherPipeline {
                pipeline: other.pipeline.clone(),
                api: other.api.clone(),
            });
        }
        for commit in log.unpublished() {
            publish(&destination, commit).await?;
        }
        let mut state = State::fold(&log.commits);
        sweep(&destination, &run, &mut state, now).await?;
        let folder = SpoolFolder::new(destination.local_path(&run.staging()));
        Ok(Self {
            report: LoadReport::new(&run, now),
            destination,
            run,
            state,
            folder: Arc::new(folder),
            pending: None,
            standing: Standing::Open,
            file_numbers: BTreeMap::new(),
        })
    }

    /// What the lake holds, this run's own commits included.
    pub fn state(&self) -> &State {
        &self.state
    }

    pub(super) fn destination(&self) -> &Destination {
        &self.destination
    }

    pub(super) fn spool_folder(&self) -> &Arc<SpoolFolder> {
        &self.folder
    }

    /// Begins to collect rows for a table.
    pub fn spool(&self, table: &str, settings: SpoolSettings) -> Result<TableSpool, Error> {
        check_name(table)?;
        let committed = self.state.tables.get(table);
        let committed = committed.and_then(|table| table.schema.as_ref());
        Ok(TableSpool::new(Target {
            table: table.to_owned(),
            folder: Arc::clone(&self.folder),
            settings: Arc::new(settings),
            committed: committed.cloned().map(Arc::new),
        }))
    }

    /// Begins to collect what a table's schema contract discards, for files below a folder of the destination.
    pub fn rejected(&self, table: &str, folder: &str) -> RejectedSpool {
        RejectedSpool::new(table, folder, Arc::clone(&self.folder))
    }

    /// Makes rows and progress part of the lake, all of them or none.
    ///
    /// With `last`, the load is complete. Where this fails, the rows that were handed in are gone and their slices have
    /// to be read again, except for [`Error::NotPublished`], where the commit exists. After [`Error::LostPlace`] and
    /// [`Error::CommitUnsettled`] no commit is possible any more; after all other errors it is, for other tables say.
    pub async fn commit(
        &mut self,
        tables: Vec<TableCommit>,
        now: Timestamp,
        last: bool,
    ) -> Result<CommitReport, Error> {
        let parts = tables.into_iter().map(Part::Rows).collect();
        self.commit_parts(parts, now, last, false).await
    }

    /// Commits files in the place of others, as work on the lake that is no load. The run is complete with it.
    pub(super) async fn commit_upkeep(
        &mut self,
        tables: Vec<Prepared>,
        now: Timestamp,
    ) -> Result<CommitReport, Error> {
        let parts = tables.into_iter().map(|table| Part::Files(Box::new(table)));
        self.commit_parts(parts.collect(), now, true, true).await
    }

    async fn commit_parts(
        &mut self,
        tables: Vec<Part>,
        now: Timestamp,
        last: bool,
        upkeep: bool,
    ) -> Result<CommitReport, Error> {
        if self.standing != Standing::Open {
            return Err(Error::Ended);
        }
        self.publish_pending().await?;
        let mut commit = CommitRecord::new(&self.run, self.state.sequence + 1, now);
        commit.last = last;
        commit.upkeep = upkeep;
        let mut report = CommitReport {
            sequence: commit.sequence,
            tables: BTreeMap::new(),
        };
        let created = match self.assemble(tables, &mut commit, &mut report).await {
            Ok(()) => commit_log::create(&self.destination, &commit).await,
            // What is missing may be what another run has swept.
            Err(error) => Err(commit_log::lost_place(&self.destination, &commit)
                .await
                .unwrap_or(error)),
        };
        if let Err(error) = created {
            self.note_failure(&error).await;
            return Err(error);
        }
        self.state.apply(&commit);
        self.pending = Some(commit);
        self.finish_commit(&report, now, last)
            .await
            .map_err(|source| Error::NotPublished {
                sequence: report.sequence,
                source: Box::new(source),
            })?;
        Ok(report)
    }

    /// Ends the run: what it has not committed is removed. Needed unless the newest commit was the last.
    pub async fn abandon(mut self) -> Result<(), Error> {
        if self.standing == Standing::Unsettled {
            // If the commit exists after all, the next run needs what is staged.
            return Ok(());
        }
        self.publish_pending().await?;
        remove_staging(&self.destination, &self.run.load_id).await
    }

    /// Prepares and stages all that a commit names.
    async fn assemble(
        &mut self,
        tables: Vec<Part>,
        commit: &mut CommitRecord,
        report: &mut CommitReport,
    ) -> Result<(), Error> {
        for part in tables {
            let tables = match part {
                Part::Rows(table) => prepare(&self.destination, &self.state, table).await?,
                Part::Files(table) => vec![*table],
            };
            for mut prepared in tables {
                let name = prepared.table.clone();
                if commit.tables.contains_key(&name) {
                    return Err(Error::TableTwice { table: name });
                }
                self.stage(&mut prepared).await?;
                report.tables.insert(name.clone(), prepared.report);
                commit.tables.insert(name, prepared.change);
            }
        }
        self.sync_staging(commit).await
    }

    /// Notes whether the run can't commit any more.
    async fn note_failure(&mut self, error: &Error) {
        match error {
            Error::CommitUnsettled { .. } => self.standing = Standing::Unsettled,
            Error::LostPlace { .. } => {
                self.standing = Standing::Lost;
                // The next run sweeps what stays here.
                if let Err(error) = remove_staging(&self.destination, &self.run.load_id).await {
                    tracing::warn!(%error, "remove the staging folder of a run that lost its place");
                }
            }
            _ => {}
        }
    }

    async fn finish_commit(
        &mut self,
        report: &CommitReport,
        now: Timestamp,
        last: bool,
    ) -> Result<(), Error> {
        self.publish_pending().await?;
        self.report.add(report, now, last);
        self.report.write(&self.destination).await?;
        if last {
            remove_staging(&self.destination, &self.run.load_id).await?;
        }
        Ok(())
    }

    async fn publish_pending(&mut self) -> Result<(), Error> {
        if let Some(commit) = &self.pending {
            publish(&self.destination, commit).await?;
            self.pending = None;
        }
        Ok(())
    }

    /// Brings files to the staging folder and gives them their final names.
    async fn stage(&mut self, prepared: &mut Prepared) -> Result<(), Error> {
        let table = &prepared.table;
        let number = self.file_numbers.entry(table.clone()).or_default();
        for file in std::mem::take(&mut prepared.files) {
            *number += 1;
            let staged = stage_file(&self.destination, &self.run, &file.path).await?;
            let folder = match file.folder.as_str() {
                "" => table.clone(),
                folder => format!("{table}/{folder}"),
            };
            prepared.report.files_added += 1;
            prepared.report.bytes_added += file.bytes;
            prepared.change.add.push(AddedFile {
                staged,
                in_place_of: file.in_place_of,
                file: DataFile {
                    path: format!("{folder}/{}-{number:06}.parquet", self.run.load_id),
                    rows: file.rows,
                    bytes: file.bytes,
                    schema_version: prepared.schema_version,
                    slice: file.slice,
                },
            });
        }
        if let Some(file) = prepared.rejected.take() {
            let number = self.file_numbers.entry(file.target.clone()).or_default();
            *number += 1;
            let path = format!("{}/{}-{number:06}.jsonl", file.target, self.run.load_id);
            prepared.report.rejected_files.push(path.clone());
            prepared.change.rejected.push(RejectedFile {
                staged: stage_file(&self.destination, &self.run, &file.path).await?,
                path,
                lines: file.lines,
                bytes: file.bytes,
            });
        }
        prepared.report.files_removed = prepared.change.remove.len() as u64;
        Ok(())
    }

    /// Makes the files of a commit durable, before the commit that names them exists.
    async fn sync_staging(&self, commit: &CommitRecord) -> Result<(), Error> {
        let added = commit.tables.values().flat_map(|change| &change.add);
        let added = added.map(|file| &file.staged);
        let rejected = commit.tables.values().flat_map(|change| &change.rejected);
        let staged = added.chain(rejected.map(|file| &file.staged));
        let files: Vec<_> = staged
            .filter_map(|path| self.destination.local_path(path))
            .collect();
        let folder = self.destination.local_path(&self.run.staging());
        let Some(folder) = folder.filter(|_| !files.is_empty()) else {
            return Ok(());
        };
        off_the_async_threads(move || {
            files.iter().try_for_each(|file| durable::sync_file(file))?;
            durable::sync_folder(&folder)
        })
        .await
    }
}

/// Creates the local folders of the log, so that what is put into them can be found after a power cut.
async fn create_folders(destination: &Destination) -> Result<(), Error> {
    let folders = [COMMITS, STAGING].map(|folder| destination.local_path(folder));
    off_the_async_threads(move || {
        folders
            .iter()
            .flatten()
            .try_for_each(|folder| durable::create_folder(folder))
    })
    .await
}

/// Removes what other runs staged and never committed.
///
/// One of them may be alive. An empty commit takes the next place first, so that it can't commit what goes here.
async fn sweep(
    destination: &Destination,
    run: &Run,
    state: &mut State,
    now: Timestamp,
) -> Result<(), Error> {
    let left_behind = destination.list_folders(STAGING).await?;
    if left_behind.is_empty() {
        return Ok(());
    }
    let mut opening = CommitRecord::new(run, state.sequence + 1, now);
    opening.opening = true;
    commit_log::create(destination, &opening).await?;
    state.apply(&opening);
    commit_log::mark_published(destination, opening.sequence).await?;
    for load_id in left_behind {
        remove_staging(destination, &load_id).await?;
    }
    Ok(())
}

async fn remove_staging(destination: &Destination, load_id: &str) -> Result<(), Error> {
    let staging = staging_of(load_id);
    for name in destination.list(&staging).await? {
        destination.remove(&format!("{staging}/{name}")).await?;
    }
    if let Some(folder) = destination.local_path(&staging) {
        off_the_async_threads(move || durable::remove_folder(&folder)).await?;
    }
    Ok(())
}

/// Brings a file to the staging folder, if it was not written there; the path is relative to the destination.
async fn stage_file(destination: &Destination, run: &Run, file: &Path) -> Result<String, Error> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let staged = format!("{}/{name}", run.staging());
    if destination.local_path(&staged).is_some() {
        return Ok(staged);
    }
    let mut source = tokio::fs::File::open(file)
        .await
        .map_err(Error::local_file("open", file))?;
    let mut upload = BufWriter::new(Arc::clone(&destination.store), destination.object(&staged));
    let uploaded = async {
        tokio::io::copy(&mut source, &mut upload).await?;
        upload.shutdown().await
    };
    uploaded.await.map_err(Error::local_file("upload", file))?;
    durable::remove_file(file)?;
    Ok(staged)
}

/// Names become parts of paths: none may lead out of its folder or hide a file from readers.
fn check_name(name: &str) -> Result<(), Error> {
    let mut bytes = name.bytes();
    let starts_well = bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_alphanumeric());
    if starts_well && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)) {
        return Ok(());
    }
    Err(Error::UnusableName {
        name: name.to_owned(),
    })
}
