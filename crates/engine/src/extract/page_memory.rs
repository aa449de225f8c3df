//! Memory for pages that are asked for ahead of their turn, shared by all resources of a run.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::flow::PageMemory;
use crate::plan::MemoryPlan;

/// What a permit stands for, in bytes.
const PERMIT_BYTES: u64 = 64 << 10;

/// The memory that is left.
pub(super) struct PagesMemory {
    pub(super) plan: MemoryPlan,
    /// One for each [`PERMIT_BYTES`].
    permits: Arc<Semaphore>,
}

impl PagesMemory {
    pub(super) fn new(plan: MemoryPlan) -> Self {
        Self {
            plan,
            permits: Arc::new(Semaphore::new(permits(plan.pages_bytes() as u64))),
        }
    }

    /// Memory for a page of about so many bytes; `None` where there is none left now.
    pub(super) fn take(&self, bytes: u64) -> Option<PageMemory> {
        let permits = u32::try_from(permits(bytes)).unwrap_or(u32::MAX);
        let taken = Arc::clone(&self.permits).try_acquire_many_owned(permits);
        taken.ok()
    }

    /// The memory of a page that turned out to have so many bytes, as far as there is some.
    pub(super) fn fit(&self, mut memory: PageMemory, bytes: u64) -> PageMemory {
        let (had, needed) = (memory.num_permits(), permits(bytes));
        if had > needed {
            drop(memory.split(had - needed));
        } else if let Some(more) = self.take((needed - had) as u64 * PERMIT_BYTES) {
            memory.merge(more);
        }
        memory
    }
}

fn permits(bytes: u64) -> usize {
    let permits = usize::try_from(bytes.div_ceil(PERMIT_BYTES)).unwrap_or(usize::MAX);
    permits.clamp(1, Semaphore::MAX_PERMITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_page_does_not_need_is_given_back() {
        let pages = PagesMemory::new(MemoryPlan::of(4 << 20));
        let first = pages.take(1 << 20).unwrap();
        assert!(pages.take(1).is_none());
        let first = pages.fit(first, 100_000);
        let second = pages.take(900_000).unwrap();
        assert!(pages.take(1).is_none());
        // It grows as far as there is room, and is no reason to wait.
        let first = pages.fit(first, 1 << 20);
        drop(second);
        let first = pages.fit(first, 1 << 20);
        assert!(pages.take(1).is_none());
        drop(first);
        assert!(pages.take(1 << 20).is_some());
    }
}
