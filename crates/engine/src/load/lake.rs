//! The commit log and the files of one destination, opened by one run.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use super::commit_log::{self, AddedFile, COMMITS, CommitRecord, Run};
use super::destination::off_the_async_threads;
use super::fail_point::FailPoint;
use super::prepare::{Prepared, prepare};
use super::probe::require_create_if_absent;
use super::publish::{make_durable, publish};
use super::rejected::RejectedFile;
use super::report::LoadReport;
use super::spool::{SpoolFolder, Target};
use super::{
    CommitReport, DataFile, Destination, Error, Owner, RejectedSpool, Rename, RunSummary,
    SpoolSettings, State, TableCommit, TableSpool, durable, renaming, snapshot, staging,
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
    newest: Option<Newest>,
    /// Sequence of the newest snapshot; 0 without one.
    snapshot: u64,
    standing: Standing,
    /// Number of the newest file in each folder, in this run.
    file_numbers: BTreeMap<String, u64>,
    report: LoadReport,
}

/// The newest commit of the log.
#[derive(Debug)]
struct Newest {
    commit: CommitRecord,
    is_published: bool,
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
    Rows(Box<TableCommit>),
    /// Files that are written already.
    Files(Box<Prepared>),
}

impl Lake {
    /// Reads the log, publishes what is committed, and sweeps what runs before left behind.
    ///
    /// `load_id` names the run's files; the log must not hold it yet. The tables of any other owner are refused.
    pub async fn open(
        destination: Destination,
        owner: &Owner,
        load_id: &str,
        now: Timestamp,
    ) -> Result<Self, Error> {
        check_name(load_id)?;
        let run = Run {
            id: Uuid::now_v7(),
            load_id: load_id.to_owned(),
            pipeline: owner.pipeline.clone(),
            api: owner.api.clone(),
        };
        require_create_if_absent(&destination).await?;
        let log = commit_log::read(&destination).await?;
        if log.newest.is_none() {
            create_folders(&destination).await?;
        }
        let report = LoadReport::new(&run, now);
        if log.recent_loads.contains(load_id) || report.is_written(&destination).await? {
            return Err(Error::LoadIdTaken {
                load_id: load_id.to_owned(),
            });
        }
        if let Some(newest) = &log.newest {
            owner.check(newest)?;
        }
        let folder = SpoolFolder::new(destination.local_path(staging::STAGING), load_id);
        let newest = log.newest.map(|commit| Newest {
            commit,
            is_published: false,
        });
        let mut lake = Self {
            report,
            destination,
            run,
            state: log.state,
            folder: Arc::new(folder),
            newest,
            snapshot: log.snapshot,
            standing: Standing::Open,
            file_numbers: BTreeMap::new(),
        };
        if let Err(error) = lake.publish_newest().await {
            // What is missing may be what a later commit has replaced, which the store doesn't list yet.
            let next = CommitRecord::new(&lake.run, lake.state.sequence + 1, now);
            if let Some(lost) = commit_log::lost_place(&lake.destination, &next).await {
                return Err(lost);
            }
            match (error, &mut lake.newest) {
                // Someone has removed it: nothing can bring it back, and other tables have no need of it.
                (error @ Error::FileMissing { .. }, Some(newest)) => {
                    lake.destination.note_failure(&error);
                    newest.is_published = true;
                }
                (error, _) => return Err(error),
            }
        }
        lake.sweep(now).await?;
        Ok(lake)
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
        let newest = commit_log::read(&destination).await?.newest;
        let newest = newest.ok_or(Error::NoTables)?;
        let owner = Owner::new(&newest.pipeline, &newest.api);
        Self::open(destination, &owner, load_id, now).await
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

    /// Gives tables other names, with all that is known of them, before anything is read.
    ///
    /// Files move to the folders of the new names. A table that isn't there, or that has its new name already, is passed
    /// over.
    ///
    /// # Errors
    /// [`Error::BothNames`] where there are tables of both names.
    pub async fn rename(&mut self, renames: &[Rename], now: Timestamp) -> Result<(), Error> {
        let tables = renaming::renamed(&self.state, renames)?;
        if tables.is_empty() {
            return Ok(());
        }
        self.settle_newest().await?;
        let mut commit = CommitRecord::opening(&self.run, self.state.sequence + 1, now);
        commit.renamed = tables;
        if let Err(error) = commit_log::create(&self.destination, &commit).await {
            self.note_failure(&error).await;
            return Err(error);
        }
        self.take(commit);
        FailPoint::CommitCreated.pass();
        self.publish_newest().await
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
        let parts = tables.into_iter().map(|table| Part::Rows(Box::new(table)));
        Box::pin(self.commit_parts(parts.collect(), now, last, false)).await
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
        self.settle_newest().await?;
        let mut commit = CommitRecord::new(&self.run, self.state.sequence + 1, now);
        commit.last = last;
        commit.opening = upkeep;
        let mut report = CommitReport {
            sequence: commit.sequence,
            tables: BTreeMap::new(),
        };
        let created = match self.assemble(tables, &mut commit, &mut report).await {
            Ok(()) => {
                FailPoint::AllStaged.pass();
                commit_log::create(&self.destination, &commit).await
            }
            // What is missing may be what another run has swept.
            Err(error) => Err(commit_log::lost_place(&self.destination, &commit)
                .await
                .unwrap_or(error)),
        };
        if let Err(error) = created {
            self.note_failure(&error).await;
            return Err(error);
        }
        self.take(commit);
        FailPoint::CommitCreated.pass();
        self.finish_commit(&report, now, last)
            .await
            .map_err(|source| Error::NotPublished {
                sequence: report.sequence,
                source: Box::new(source),
            })?;
        Ok(report)
    }

    /// Writes into the load's report how the run went. Nothing depends on it: where it can't be written, nothing is told.
    pub async fn report_run(&mut self, run: RunSummary, now: Timestamp) {
        self.report.end(run, now);
        if let Err(error) = self.report.write(&self.destination).await {
            tracing::warn!(%error, "write the report of a load");
        }
    }

    /// Ends the run: what it has not committed is removed. Needed unless the newest commit was the last.
    pub async fn abandon(mut self) -> Result<(), Error> {
        if self.standing == Standing::Unsettled {
            // If the commit exists after all, the next run needs what is staged.
            return Ok(());
        }
        self.publish_newest().await?;
        staging::remove_load(&self.destination, &self.run.load_id).await
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
                Part::Rows(table) => prepare(&self.destination, &self.state, *table).await?,
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
        staging::sync(&self.destination, commit).await
    }

    /// Notes whether the run can't commit any more.
    async fn note_failure(&mut self, error: &Error) {
        match error {
            Error::CommitUnsettled { .. } => self.standing = Standing::Unsettled,
            Error::LostPlace { .. } => {
                self.standing = Standing::Lost;
                // The next run sweeps what stays here.
                let removed = staging::remove_load(&self.destination, &self.run.load_id).await;
                if let Err(error) = removed {
                    tracing::warn!(%error, "remove what a run staged that lost its place");
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
        self.publish_newest().await?;
        // The rows are where they belong: what is left helps people and later commits, which can do without.
        if let Err(error) = self.note_commit(report, now, last).await {
            self.destination.note_failure(&Error::NotTidied {
                sequence: report.sequence,
                source: Box::new(error),
            });
        }
        Ok(())
    }

    /// What follows a commit that is published.
    async fn note_commit(
        &mut self,
        report: &CommitReport,
        now: Timestamp,
        last: bool,
    ) -> Result<(), Error> {
        self.report.add(report, now, last);
        self.report.write(&self.destination).await?;
        FailPoint::ReportWritten.pass();
        self.snapshot =
            snapshot::write_if_due(&self.destination, &self.state, self.snapshot).await?;
        if last {
            staging::remove_load(&self.destination, &self.run.load_id).await?;
        }
        Ok(())
    }

    /// Takes over a commit that was created.
    fn take(&mut self, commit: CommitRecord) {
        self.state.apply(&commit);
        self.newest = Some(Newest {
            commit,
            is_published: false,
        });
    }

    async fn publish_newest(&mut self) -> Result<(), Error> {
        if let Some(newest) = self.newest.as_mut().filter(|newest| !newest.is_published) {
            let missing = publish(&self.destination, &newest.commit).await?;
            if let Some(missing) = missing.into_iter().next() {
                return Err(missing.into());
            }
            newest.is_published = true;
            FailPoint::Published.pass();
        }
        Ok(())
    }

    /// Completes what the newest commit says, so that the next one may be created.
    async fn settle_newest(&mut self) -> Result<(), Error> {
        self.publish_newest().await?;
        match &self.newest {
            Some(newest) => make_durable(&self.destination, &newest.commit).await,
            None => Ok(()),
        }
    }

    /// Removes what other runs staged and never committed.
    ///
    /// One of them may be alive. An empty commit takes the next place first, so that it can't commit what goes here.
    async fn sweep(&mut self, now: Timestamp) -> Result<(), Error> {
        let left_behind = staging::list(&self.destination).await?;
        if left_behind.is_empty() {
            return Ok(());
        }
        self.settle_newest().await?;
        let opening = CommitRecord::opening(&self.run, self.state.sequence + 1, now);
        commit_log::create(&self.destination, &opening).await?;
        self.take(opening);
        FailPoint::PlaceTaken.pass();
        staging::remove(&self.destination, left_behind).await
    }

    /// Brings files to the staging folder and gives them their final names.
    async fn stage(&mut self, prepared: &mut Prepared) -> Result<(), Error> {
        let table = &prepared.table;
        let number = self.file_numbers.entry(table.clone()).or_default();
        for file in std::mem::take(&mut prepared.files) {
            *number += 1;
            let staged = staging::stage(&self.destination, &file.path).await?;
            FailPoint::FileStaged.pass();
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
                staged: staging::stage(&self.destination, &file.path).await?,
                path,
                lines: file.lines,
                bytes: file.bytes,
            });
        }
        prepared.report.files_removed = prepared.change.remove.len() as u64;
        Ok(())
    }
}

/// Creates the local folders of the log, so that what is put into them can be found after a power cut.
///
/// Some may be there, without anyone having waited for the disk.
async fn create_folders(destination: &Destination) -> Result<(), Error> {
    let folder = |relative| destination.local_path(relative);
    let (Some(commits), Some(staging)) = (folder(COMMITS), folder(staging::STAGING)) else {
        return Ok(());
    };
    let above: Vec<_> = ["", "_engine"].into_iter().filter_map(folder).collect();
    off_the_async_threads(move || {
        durable::create_folder_names(&[commits, staging])?;
        above
            .iter()
            .try_for_each(|folder| durable::sync_folder(folder))
    })
    .await
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
