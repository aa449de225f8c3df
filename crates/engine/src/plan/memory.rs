//! How much memory a run may take, and what it is for.

use super::mistakes::{Mistakes, Place, Reported};
use crate::flow::MAXIMUM_PAGE_BYTES;
use crate::spec::ByteSize;

/// Below this a run would do little else but wait, in bytes.
const SMALLEST: u64 = 128 << 20;

/// In bytes.
const DEFAULT: u64 = 256 << 20;

/// More memory makes nothing faster that is read at once, in bytes.
const LARGEST_PART: usize = 64 << 20;

/// The memory of a run. Its parts together leave room for what is not counted: code, connections, schemas, columns that are
/// being filled.
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
            let help = "give at least `128MiB`; the default is `256MiB`".to_owned();
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
        self.part(8).min(LARGEST_PART)
    }

    /// Size of such a part, in bytes.
    pub fn part_bytes(self) -> usize {
        self.part(32).min(LARGEST_PART)
    }

    /// Size of the longest record of such a body, and of what stands around its records, in bytes.
    pub fn value_bytes(self) -> usize {
        self.part(8)
    }

    /// Size of a body that has to be held in memory as a whole, in bytes.
    pub fn whole_body_bytes(self) -> usize {
        self.part(4).min(MAXIMUM_PAGE_BYTES)
    }

    /// Size of all pages that are asked for ahead of their turn, until they are decoded. In bytes.
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
