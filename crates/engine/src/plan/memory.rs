//! How much memory a run may take, and what it is for.

use super::mistakes::{Mistakes, Place, Reported};
use crate::spec::ByteSize;

/// Below this a run would do little else but wait, in bytes.
const SMALLEST: u64 = 96 << 20;

/// In bytes.
const DEFAULT: u64 = 256 << 20;

/// The memory of a run. Its parts together leave room for what is not counted: code, connections, schemas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryPlan {
    /// In bytes.
    budget: u64,
}

impl Default for MemoryPlan {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl MemoryPlan {
    /// What a run may take where nothing is said.
    pub const DEFAULT: Self = Self { budget: DEFAULT };

    pub(super) fn compile(
        budget: Option<ByteSize>,
        place: &Place,
        mistakes: &mut Mistakes,
    ) -> Result<Self, Reported> {
        let budget = budget.map_or(DEFAULT, |size| size.0);
        if budget < SMALLEST {
            let message = format!("{budget} bytes are too little memory for a run");
            let help = "give at least `96MiB`; the default is `256MiB`".to_owned();
            return Err(mistakes.add("plan::memory_budget", place, message, help));
        }
        Ok(Self { budget })
    }

    /// A budget of any size, for tests.
    #[cfg(test)]
    pub(crate) fn of(budget: u64) -> Self {
        Self { budget }
    }

    /// Size from which on a body is kept on disk and read in parts, in bytes.
    pub fn body_bytes(self) -> usize {
        self.part(16)
    }

    /// Size of such a part, in bytes.
    pub fn part_bytes(self) -> usize {
        self.part(32)
    }

    /// Size of the longest record of such a body, and of what stands around its records, in bytes.
    pub fn value_bytes(self) -> usize {
        self.part(8)
    }

    /// Size of a body that has to be held in memory as a whole, in bytes.
    pub fn whole_body_bytes(self) -> usize {
        self.part(4)
    }

    /// Size of all pages between the API and their rows, in bytes.
    pub fn pages_bytes(self) -> usize {
        self.part(4)
    }

    /// Size of all decoded rows that wait to be written, in bytes.
    pub fn rows_bytes(self) -> usize {
        self.part(4)
    }

    /// Size of all row groups that are being encoded, in bytes.
    pub fn row_groups_bytes(self) -> usize {
        self.part(4)
    }

    fn part(self, divisor: u64) -> usize {
        usize::try_from(self.budget / divisor).unwrap_or(usize::MAX)
    }
}
