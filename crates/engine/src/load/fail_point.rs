//! Places at which a test may end the process, as a power cut or `kill -9` would.
//!
//! A release build has none of it.

use std::sync::atomic::{AtomicU64, Ordering};

/// A step of a commit, behind which the process may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailPoint {
    /// The lease is this run's.
    LeaseTaken,
    /// The place in the log was taken before leftovers are removed.
    PlaceTaken,
    /// A leftover is removed, others may be there.
    LeftoverRemoved,
    /// A file lies in the staging folder.
    FileStaged,
    /// All files of a commit lie there, on disk.
    AllStaged,
    /// The commit exists.
    CommitCreated,
    /// A file came where readers look, others may wait.
    FilePublished,
    /// All new files are there, none of the old ones has gone.
    AllPublished,
    /// An old file has gone, others may be there.
    FileRemoved,
    /// The commit is published.
    Published,
    /// The report of the load is written.
    ReportWritten,
    /// A snapshot of the log is written.
    SnapshotWritten,
}

impl FailPoint {
    /// All of them, in the order in which a load passes them.
    pub const ALL: [Self; 12] = [
        Self::LeaseTaken,
        Self::PlaceTaken,
        Self::LeftoverRemoved,
        Self::FileStaged,
        Self::AllStaged,
        Self::CommitCreated,
        Self::FilePublished,
        Self::AllPublished,
        Self::FileRemoved,
        Self::Published,
        Self::ReportWritten,
        Self::SnapshotWritten,
    ];

    /// Its name, such as `CommitCreated`.
    pub fn name(self) -> String {
        format!("{self:?}")
    }

    /// Ends the process where a test asked for it.
    pub(super) fn pass(self) {
        if cfg!(debug_assertions) && self as u64 == FATAL.load(Ordering::Relaxed) {
            std::process::abort();
        }
    }
}

/// No point at all.
const NONE: u64 = u64::MAX;

static FATAL: AtomicU64 = AtomicU64::new(NONE);

/// Ends the process when it passes a point for the first time. A release build passes it by.
///
/// # Errors
/// No point has the name.
pub fn end_process_at(name: &str) -> Result<(), String> {
    let mut all = FailPoint::ALL.into_iter();
    let point = all
        .find(|point| point.name() == name)
        .ok_or_else(|| format!("no fail point is called `{name}`"))?;
    FATAL.store(point as u64, Ordering::Relaxed);
    Ok(())
}
