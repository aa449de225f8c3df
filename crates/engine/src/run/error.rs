//! Why a run stopped.

use serde::{Serialize, Serializer};
use tokio::task::JoinError;

use crate::{decode, extract, load};

/// Why a resource, or the whole run, stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A slice could not be fetched.
    #[error("read {}`{resource}`, slice `{slice}`", page_of(*page))]
    Extract {
        /// Name of the resource.
        resource: String,
        /// Name of the slice.
        slice: String,
        /// Position of the page in the slice, from 1; `None` before the first one.
        page: Option<u64>,
        /// The cause.
        source: Box<extract::Error>,
    },
    /// A page could not be decoded.
    #[error("decode page {page} of `{resource}`, slice `{slice}`")]
    Decode {
        /// Name of the resource.
        resource: String,
        /// Name of the slice.
        slice: String,
        /// Position of the page in the slice, from 1.
        page: u64,
        /// The cause.
        source: Box<decode::Error>,
    },
    /// The slices of a resource can't be planned.
    #[error(transparent)]
    Slices(#[from] extract::slice::SlicesError),
    /// The destination can't be read or written, or another run took this one's place.
    #[error(transparent)]
    Load(#[from] load::Error),
    /// The client can't be set up.
    #[error("set up the HTTP client")]
    Client(#[source] Box<extract::Error>),
    /// A name given to select resources isn't one.
    #[error("no resource is called `{0}`")]
    UnknownResource(String),
    /// How far a resource was read can't be changed so.
    #[error("change how far `{resource}` was read: {reason}")]
    NoEdit {
        /// Name of the resource.
        resource: String,
        /// Why, and what to do.
        reason: String,
    },
    /// The range to read again ends where it starts, or before.
    #[error("read a range again: `--until` must be later than `--since`")]
    RangeEmpty,
    /// No range of a resource can be read again.
    #[error("read a range of `{resource}` again: {reason}")]
    NoRange {
        /// Name of the resource.
        resource: String,
        /// Why, and what to do.
        reason: String,
    },
    /// The parent was not read to its end, so that some of the resource's records are unknown.
    #[error("its parent `{parent}` was not read to its end")]
    ParentFailed {
        /// Name of the parent.
        parent: String,
    },
    /// The records of several parents can't be combined: all but one of them must be held in memory.
    #[error(
        "combine the records of `{parents}` for `{resource}`: more than {limit} came while others were still to come; let \
         fewer through with a filter, or make one of them the parent of the other"
    )]
    TooManyParents {
        /// Name of the resource.
        resource: String,
        /// Names of its parents.
        parents: String,
        /// Records that can be held.
        limit: usize,
    },
    /// Nothing of a child can be asked for without a record of its parent.
    #[error(
        "ask for `{resource}`: no record of its parent `{parent}` is on the pages that were read, and its requests need one"
    )]
    NoParentRecord {
        /// Name of the resource.
        resource: String,
        /// Name of the parent.
        parent: String,
    },
    /// A child was not read to its end, so that it must get this resource's records again.
    #[error(
        "its child `{child}` was not read to its end, and needs its records again: nothing of it was kept"
    )]
    ChildFailed {
        /// Name of the child.
        child: String,
    },
    /// The pages of an incremental append were cut short, and records may come in any order: those that were read would
    /// come twice, or those that were not read never.
    #[error(
        "read `{resource}`, slice `{slice}`: {reason}. Nothing of the slice was kept, since an append can't go on from \
         there: which records are missing isn't known. Write `write_disposition: merge` with a `primary_key`, or take away \
         what cuts the pages short; without windows, `row_order` helps where records come in the order of their cursor"
    )]
    CutShort {
        /// Name of the resource.
        resource: String,
        /// Name of the slice.
        slice: String,
        /// What cut the pages short.
        reason: String,
    },
    /// The pages of a merge that takes away what is not in the load were cut short: what was not read would go.
    #[error(
        "read `{resource}`: {reason}. Nothing was kept, since this merge takes records that are not in a load for deleted, \
         and which ones were not read isn't known. Take away what cuts the pages short, or use the strategy `upsert`"
    )]
    AbsentUnknown {
        /// Name of the resource.
        resource: String,
        /// What cut the pages short.
        reason: String,
    },
    /// A parent's pages were cut short, and the child is an append with one cursor for all parents: it can't move, and rows
    /// would come twice.
    #[error(
        "the pages of its parent `{parent}` were cut short, so that some of the parent's records are unknown and the cursor \
         can't move; write `write_disposition: merge` with a `primary_key`, or `per: parent` under `incremental`"
    )]
    ParentCut {
        /// Name of the parent.
        parent: String,
    },
    /// The windows of an append lie elsewhere than those that were written, so that rows would come twice.
    #[error(
        "read `{resource}`: it was read {before} and is now read {now}, so that rows would come twice; give `incremental` \
         its earlier settings (`initial_value`, `window`, `cursor_path`, `format`, `per`), start over with \
         `--fresh -r {resource}`, or choose another `--destination`"
    )]
    GridChanged {
        /// Name of the resource.
        resource: String,
        /// The grid of the windows that were written.
        before: String,
        /// The grid that the spec gives now.
        now: String,
    },
    /// Tables whose rows don't go together with what the spec says now; it needs a change.
    #[error("go on with the tables of the destination: {changes}")]
    TablesChanged {
        /// What has changed, and what to do, of each table.
        changes: String,
    },
    /// The table isn't there, and its schema contract freezes the tables.
    #[error(
        "create table `{table}`: the destination has none of that name, and `schema_contract` of `{resource}` has `tables: \
         freeze`; write `tables: evolve` for the load that creates it"
    )]
    TableFrozen {
        /// Name of the resource.
        resource: String,
        /// Name of the table.
        table: String,
    },
    /// A list would become a table that another resource has, or that was not made of lists of this one.
    #[error(
        "load `{resource}`: a list becomes table `{table}`, and that is the name of another table; give one of them a \
         `table_name`, or the list another form with `nested` under `columns`"
    )]
    ChildTableTaken {
        /// Name of the resource.
        resource: String,
        /// Name of the table.
        table: String,
    },
    /// The resource's table was made of lists of another one.
    #[error(
        "load `{resource}`: its table `{table}` holds elements of lists in the rows of `{parent}`; give the resource another \
         `table_name`"
    )]
    TableOfLists {
        /// Name of the resource.
        resource: String,
        /// Name of the table.
        table: String,
        /// Name of the table whose lists it holds.
        parent: String,
    },
    /// Values of several kinds came where nothing says which is right, and the schema contract freezes the types.
    #[error(
        "load `{resource}`: the values of {columns} are of several kinds, and nothing says which is right, and \
         `schema_contract` has `data_type: freeze`; declare the `data_type` under `columns`, or let the first load have \
         `data_type: evolve`"
    )]
    MixedColumns {
        /// Name of the resource.
        resource: String,
        /// Paths of their keys.
        columns: String,
    },
    /// The run was told to stop before the resource was read to its end.
    #[error("not read to its end: the run was interrupted")]
    Interrupted,
    /// The resource was read to its end; committed before the run's end, its rows would come twice.
    #[error("read, and not kept: the run ended early, and the next one reads it again")]
    ReadAgain,
    /// The resource was read to its end; committed now, its rows would come twice.
    #[error(
        "read, and not kept: its parent `{parent}` is read again by the next run, and its rows would come twice"
    )]
    ParentReadAgain {
        /// Name of the parent.
        parent: String,
    },
    /// Another resource failed, and the run was to stop there.
    #[error("not read to its end: the run stopped when `{failed}` failed (`--fail-fast`)")]
    FailedFast {
        /// Name of the resource that failed.
        failed: String,
    },
    /// The run was told to stop at once.
    #[error(
        "the run was stopped at once: what it had committed stays, and the next run goes on from there"
    )]
    StoppedAtOnce,
}

impl Serialize for Error {
    /// The whole chain of causes in one line.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.chain().serialize(serializer)
    }
}

/// What a task gave. A panic goes on here; a task is cancelled only where the whole run is.
pub(super) fn joined<T>(result: Result<T, JoinError>) -> Result<T, Error> {
    result.map_err(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => Error::Interrupted,
    })
}

fn page_of(page: Option<u64>) -> String {
    page.map_or_else(String::new, |page| format!("page {page} of "))
}

impl Error {
    /// Whether the API refuses the client's credentials.
    pub(super) fn refuses_credentials(&self) -> bool {
        matches!(self, Self::Extract { source, .. } if source.refuses_credentials())
    }

    /// Whether every other resource would fail in the same way.
    pub(super) fn concerns_all(&self) -> bool {
        match self {
            Self::Extract { .. } => self.refuses_credentials(),
            Self::Load(_)
            | Self::Client(_)
            | Self::UnknownResource(_)
            | Self::NoEdit { .. }
            | Self::RangeEmpty
            | Self::NoRange { .. }
            | Self::TableOfLists { .. }
            | Self::GridChanged { .. }
            | Self::TablesChanged { .. }
            | Self::StoppedAtOnce => true,
            Self::Decode { .. }
            | Self::Slices(_)
            | Self::TooManyParents { .. }
            | Self::CutShort { .. }
            | Self::AbsentUnknown { .. }
            | Self::TableFrozen { .. }
            | Self::MixedColumns { .. }
            | Self::ChildTableTaken { .. }
            | Self::ParentFailed { .. }
            | Self::NoParentRecord { .. }
            | Self::ParentCut { .. }
            | Self::ChildFailed { .. }
            | Self::Interrupted
            | Self::ReadAgain
            | Self::ParentReadAgain { .. }
            | Self::FailedFast { .. } => false,
        }
    }

    /// Whether the caller asked for what can't be.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::UnknownResource(_)
                | Self::NoEdit { .. }
                | Self::RangeEmpty
                | Self::NoRange { .. }
        )
    }

    /// Whether the run was told to stop, and nothing is wrong with the resource.
    pub(super) fn is_stop(&self) -> bool {
        matches!(
            self,
            Self::Interrupted | Self::ReadAgain | Self::FailedFast { .. }
        )
    }

    /// Whether the next run may well succeed though nothing is done about it.
    pub(super) fn may_heal(&self) -> bool {
        match self {
            Self::Extract { source, .. } => source.may_heal(),
            other => other.is_stop() || other.follows_from_relative(),
        }
    }

    /// Whether another resource's failure is the cause.
    pub(super) fn follows_from_relative(&self) -> bool {
        matches!(
            self,
            Self::ParentFailed { .. } | Self::ChildFailed { .. } | Self::ParentReadAgain { .. }
        )
    }

    /// Whether a frozen schema contract is the cause.
    pub(super) fn breaks_contract(&self) -> bool {
        match self {
            Self::TableFrozen { .. } | Self::MixedColumns { .. } => true,
            Self::Decode { source, .. } => matches!(**source, decode::Error::ContractBroken { .. }),
            _ => false,
        }
    }

    /// The whole chain of causes in one line.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        text
    }
}
