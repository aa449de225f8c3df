//! How often a run commits.

use std::time::Duration;

use super::mistakes::{Mistakes, Place, Reported};
use crate::spec::{Checkpoint, DEFAULT_CHECKPOINT_BYTES, DEFAULT_CHECKPOINT_SECONDS};

/// After how much a run commits what is finished; whichever comes first counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckpointPlan {
    /// Size in memory of the rows that wait for a commit, in bytes; at least 1.
    pub bytes: u64,
    /// Time since the last commit; not 0.
    pub every: Duration,
}

impl Default for CheckpointPlan {
    fn default() -> Self {
        Self {
            bytes: DEFAULT_CHECKPOINT_BYTES,
            every: Duration::from_secs(DEFAULT_CHECKPOINT_SECONDS),
        }
    }
}

impl CheckpointPlan {
    pub(super) fn compile(
        checkpoint: Checkpoint,
        place: &Place,
        mistakes: &mut Mistakes,
    ) -> Result<Self, Reported> {
        let default = Self::default();
        let bytes = checkpoint.size.map_or(default.bytes, |size| size.0);
        let every = match checkpoint.every {
            None => Some(default.every),
            Some(span) => span.fixed(),
        };
        let problem = match every {
            _ if bytes == 0 => "a checkpoint of no bytes is none",
            None => "months and years differ in length",
            Some(Duration::ZERO) => "a checkpoint after no time is none",
            Some(every) => return Ok(Self { bytes, every }),
        };
        let help = "write a size such as `256MiB`, a length of time such as `5m`, or a mapping of both: `{ size: 1GiB, every: \
                    10m }`";
        Err(mistakes.add("plan::checkpoint", place, problem, help.to_owned()))
    }
}
