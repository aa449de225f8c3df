//! Places at which a test may end the process, as a power cut or `kill -9` would, or let it stand still.
//!
//! A release build has none of it.

use std::sync::OnceLock;

/// A step of a commit, behind which the process may end or stand still.
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

    /// Ends or stops the process where a test asked for it.
    pub(super) fn pass(self) {
        if cfg!(debug_assertions)
            && let Some((point, halt)) = CHOSEN.get()
            && *point == self
        {
            match halt {
                Halt::End => std::process::abort(),
                Halt::Freeze => freeze(),
            }
        }
    }
}

/// What happens to the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Halt {
    End,
    Freeze,
}

static CHOSEN: OnceLock<(FailPoint, Halt)> = OnceLock::new();

/// Ends the process when it passes a point for the first time. With `:freeze` behind the point's name the process stands
/// still there instead, until it gets `SIGCONT`. A release build passes it by.
///
/// # Errors
/// No point has the name, or one was chosen before.
pub fn halt_process_at(text: &str) -> Result<(), String> {
    let (name, halt) = match text.strip_suffix(":freeze") {
        Some(name) => (name, Halt::Freeze),
        None => (text, Halt::End),
    };
    let mut all = FailPoint::ALL.into_iter();
    let point = all
        .find(|point| point.name() == name)
        .ok_or_else(|| format!("no fail point is called `{name}`"))?;
    CHOSEN
        .set((point, halt))
        .map_err(|_| "a fail point was chosen before".to_owned())
}

/// All threads stand still, as on a host that is suspended.
fn freeze() {
    let process = std::process::id().to_string();
    let stopped = std::process::Command::new("kill")
        .args(["-STOP", &process])
        .status();
    assert!(
        stopped.is_ok_and(|status| status.success()),
        "`kill` stops this process"
    );
}
