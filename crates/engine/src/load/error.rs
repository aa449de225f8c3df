//! What can go wrong between a batch and its commit.

use std::io;
use std::path::{Path, PathBuf};

use arrow::error::ArrowError;
use parquet::errors::ParquetError;

use crate::plan::ExpressionError;
use crate::schema::ConformError;

/// A failure of the destination, of the spool, or of the commit log.
///
/// Unless a variant says otherwise nothing was committed, and the same run may be started again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Rows of a range are to be replaced, and a row doesn't tell whether it lies there.
    #[error(
        "replace a range of table `{table}`: a row has no time in its column `{column}`, so that it can't be told whether it \
         lies there; `run --fresh` reads all of it again"
    )]
    NoCursorInRow {
        /// Name of the table.
        table: String,
        /// The column of the cursor.
        column: String,
    },
    /// The destination's URL can't be used; not retried.
    #[error("open the destination: {reason}")]
    UnusableDestination {
        /// What is wrong with the URL, without its credentials.
        reason: String,
    },
    /// The store replaces objects that it was asked to create; not retried.
    #[error(
        "open the destination: the store has no create-if-absent (it ignores `If-None-Match: *`), so that one run could \
         overwrite the commit of another; use a store with conditional writes"
    )]
    NoCreateIfAbsent,
    /// A name that becomes part of a path would lead elsewhere; not retried.
    #[error(
        "use `{name}` as a file name: letters, digits, `_`, `-` and `.` are possible, and no `.` or `_` in front"
    )]
    UnusableName {
        /// The table's name or the load's id.
        name: String,
    },
    /// The log holds a load of this id already; a new id is needed.
    #[error("begin load `{load_id}`: the commit log holds it already")]
    LoadIdTaken {
        /// The load's id.
        load_id: String,
    },
    /// The destination holds the tables of another pipeline.
    #[error(
        "open the destination: it holds the tables of pipeline `{pipeline}`, and those of `{own}` must not mix with them; \
         choose another `--destination`, or, where it is the same pipeline under a new name, write `renamed_from` into the \
         spec with that name"
    )]
    OtherPipeline {
        /// The other pipeline.
        pipeline: String,
        /// The one that runs.
        own: String,
    },
    /// The destination holds tables that were read from another API.
    #[error(
        "open the destination: its tables were read from `{api}`, and what comes from `{own}` must not mix with them; \
         choose another `--destination`, or, where it is the same API at a new address, write `moved_from: {api}` under \
         `client`"
    )]
    OtherApi {
        /// The other API.
        api: String,
        /// The one that is read.
        own: String,
    },
    /// A table can't get a new name, since the destination holds tables of both names; the spec needs a change.
    #[error(
        "rename the table `{from}` to `{to}`: the destination holds both, and their rows can't be put together; leave out \
         `renamed_from`, or write `table_name: {from}` to go on with that table"
    )]
    BothNames {
        /// The earlier name.
        from: String,
        /// The new name.
        to: String,
    },
    /// Another run works on the destination.
    #[error(
        "begin to work on the destination: {holder} is at it; let it end, or say `--wait` to begin when it has ended"
    )]
    Held {
        /// The other run: its process, host and load.
        holder: String,
    },
    /// There is no commit log where one is needed.
    #[error("read the commit log: nothing was committed at this destination yet")]
    NoTables,
    /// A table is named that no commit has.
    #[error("find the table `{table}`: {help}")]
    UnknownTable {
        /// The name that was given.
        table: String,
        /// What is there.
        help: String,
    },
    /// Rows can't be judged by the condition that was given.
    #[error("judge the rows of `{table}`")]
    Condition {
        /// The table.
        table: String,
        /// Why it failed.
        source: ExpressionError,
    },
    /// A local file or folder can't be read or written.
    #[error("{action} `{}`", path.display())]
    LocalFile {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// An object of the destination can't be read or written; the store has retried what is worth it.
    #[error("{action} `{path}`")]
    Store {
        /// What was tried.
        action: &'static str,
        /// The object, relative to the destination.
        path: String,
        /// Why it failed.
        source: object_store::Error,
    },
    /// A Parquet file can't be read or written; not retried.
    #[error("{action} the Parquet file `{path}`")]
    Parquet {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: String,
        /// Why it failed.
        source: ParquetError,
    },
    /// A file of the spool can't be read or written; not retried.
    #[error("{action} the spool's file `{path}`")]
    Spool {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: String,
        /// Why it failed.
        source: ArrowError,
    },
    /// Rows can't be brought into the table's schema; not retried.
    #[error("bring rows of `{table}` into the table's schema")]
    Conform {
        /// The table.
        table: String,
        /// Why it failed.
        source: ConformError,
    },
    /// Rows of a table can't be put together, filtered or compared; not retried.
    #[error("{action} rows of `{table}`")]
    Rows {
        /// What was tried.
        action: &'static str,
        /// The table.
        table: String,
        /// Why it failed.
        source: ArrowError,
    },
    /// A merge is asked for without a key; the spec needs a change.
    #[error("merge into `{table}` without a primary key")]
    KeyMissing {
        /// The table.
        table: String,
    },
    /// A merge is asked for and a column of the key is in no record; the spec needs a change.
    #[error("merge into `{table}`: no record has the key column `{column}`")]
    KeyColumnMissing {
        /// The table.
        table: String,
        /// The column of the primary key.
        column: String,
    },
    /// The table can't be divided into folders as `partition_by` says; the spec needs a change.
    #[error("divide `{table}` by `{column}` (`partition_by`): {reason}")]
    Partition {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// A commit names a table twice; a defect of the caller.
    #[error("commit `{table}` once: it is named twice")]
    TableTwice {
        /// The table.
        table: String,
    },
    /// An earlier write of this spool failed; the run must end without a commit of it.
    #[error("go on with the spool of `{table}` after a failed write")]
    SpoolBroken {
        /// The table.
        table: String,
    },
    /// A commit of the log can't be read; a person has to look at it.
    #[error("read the commit `{path}`")]
    CommitUnreadable {
        /// The commit's object, relative to the destination.
        path: String,
        /// Where it stops being a commit.
        source: serde_json::Error,
    },
    /// A commit was written by a version of the engine that has another format; use that one.
    #[error(
        "read the commit `{path}`: its format is version `{version}`, and this engine knows version `{known}`; use an \
         engine of the version that wrote it"
    )]
    CommitFormat {
        /// The commit's object, relative to the destination.
        path: String,
        /// Its format version.
        version: u32,
        /// The version that can be read.
        known: u32,
    },
    /// Commits must follow each other without a hole; a person has to look at the log.
    #[error("read the commit log: commit `{sequence}` is missing, later ones are there")]
    CommitMissing {
        /// The sequence that is missing.
        sequence: u64,
    },
    /// A commit is asked for that the log doesn't have.
    #[error("read the commit log: there is no commit `{sequence}`; the newest is `{newest}`")]
    NoSuchCommit {
        /// The sequence that was given.
        sequence: u64,
        /// The newest one.
        newest: u64,
    },
    /// A load is asked for that has no commit in the log.
    #[error(
        "read the commit log: no commit is of the load `{load_id}`; the newest is of `{newest}`"
    )]
    NoSuchLoad {
        /// The id that was given.
        load_id: String,
        /// The newest load.
        newest: String,
    },
    /// The log names something that is not there; a person has to look at it.
    #[error(
        "`{path}` of the newest commit is gone, and so is `{staged}`, where it waited: the log counts its rows, and no reader \
         sees them; put it back, or read the resource anew with `engine run --fresh -r <resource>`"
    )]
    FileMissing {
        /// Where readers look for it.
        path: String,
        /// Where it waited to be published.
        staged: String,
    },
    /// A file that the log names is not there; nothing was changed.
    #[error(
        "read `{path}`: it is gone, and the log counts its rows; put it back, or read the resource anew with \
         `engine run --fresh -r <resource>`"
    )]
    FileGone {
        /// Where it was.
        path: String,
    },
    /// The log doesn't hold the schema of one of its files; a person has to look at it.
    #[error(
        "read the commit log: version {version} of the table's schema, which lays out `{path}`, is missing"
    )]
    SchemaMissing {
        /// The file.
        path: String,
        /// The version of the schema.
        version: u32,
    },
    /// A file does not hold what the log says of it; a person has to look at it.
    #[error("read `{path}`: it has {rows} rows, and the commit log says {expected}")]
    RowsDiffer {
        /// The file.
        path: String,
        /// Rows that it has.
        rows: u64,
        /// Rows that the log says.
        expected: u64,
    },
    /// Another run took the next place in the log; this one has published nothing and must start again.
    #[error("create commit `{sequence}`: load `{holder}` has taken the place")]
    LostPlace {
        /// The sequence both wanted.
        sequence: u64,
        /// The load that has it.
        holder: String,
    },
    /// Whether the commit exists can't be known now; the next [`super::Lake::open`] finds out and goes on from there.
    #[error("create commit `{sequence}`, which may have been written nevertheless")]
    CommitUnsettled {
        /// The sequence of the commit.
        sequence: u64,
        /// Why the write, or reading it back, failed.
        #[source]
        source: Box<Self>,
    },
    /// The commit exists, and the next commit or [`super::Lake::open`] completes its publishing. Nothing is lost.
    #[error("publish commit `{sequence}`, which is safe in the log")]
    NotPublished {
        /// The sequence of the commit.
        sequence: u64,
        /// Why it failed.
        #[source]
        source: Box<Self>,
    },
    /// The commit is published. Its report, or the snapshot that it was to bring, is missing, or leftovers stay until the
    /// next run.
    #[error("finish what follows commit `{sequence}`, which is published")]
    NotTidied {
        /// Its position in the log.
        sequence: u64,
        /// The cause.
        source: Box<Self>,
    },
    /// An earlier commit of this run lost its place or is unsettled; the run must end.
    #[error("commit after a commit that lost its place or is unsettled")]
    Ended,
}

impl Error {
    /// For `map_err` around local files.
    pub(super) fn local_file(
        action: &'static str,
        path: &Path,
    ) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::LocalFile {
            action,
            path,
            source,
        }
    }

    /// For `map_err` around object stores.
    pub(super) fn store(
        action: &'static str,
        path: &str,
    ) -> impl FnOnce(object_store::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Store {
            action,
            path,
            source,
        }
    }

    /// For `map_err` around Parquet files.
    pub(super) fn parquet(
        action: &'static str,
        path: &Path,
    ) -> impl FnOnce(ParquetError) -> Self + use<> {
        let path = path.display().to_string();
        move |source| Self::Parquet {
            action,
            path,
            source,
        }
    }

    /// For `map_err` around files of the spool.
    pub(super) fn spool(
        action: &'static str,
        path: &Path,
    ) -> impl FnOnce(ArrowError) -> Self + use<> {
        let path = path.display().to_string();
        move |source| Self::Spool {
            action,
            path,
            source,
        }
    }

    /// For `map_err` around work on batches.
    pub(super) fn rows(
        action: &'static str,
        table: &str,
    ) -> impl FnOnce(ArrowError) -> Self + use<> {
        let table = table.to_owned();
        move |source| Self::Rows {
            action,
            table,
            source,
        }
    }
}
