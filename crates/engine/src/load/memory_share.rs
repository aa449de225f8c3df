//! What the tables of a load take in memory together.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Memory that all tables of a load share, for one purpose.
#[derive(Clone, Debug, Default)]
pub(super) struct SharedMemory {
    /// In bytes.
    used: Arc<AtomicU64>,
}

/// What one of them takes; given back when it is dropped.
#[derive(Debug)]
pub(super) struct MemoryShare {
    memory: SharedMemory,
    /// In bytes.
    own: u64,
}

impl SharedMemory {
    /// A share that takes nothing yet.
    pub(super) fn share(&self) -> MemoryShare {
        MemoryShare {
            memory: self.clone(),
            own: 0,
        }
    }
}

impl MemoryShare {
    /// Takes so many bytes now, and tells how many all take together.
    pub(super) fn take(&mut self, bytes: usize) -> u64 {
        let bytes = bytes as u64;
        let used = &self.memory.used;
        let before = std::mem::replace(&mut self.own, bytes);
        if bytes >= before {
            used.fetch_add(bytes - before, Ordering::Relaxed) + (bytes - before)
        } else {
            used.fetch_sub(before - bytes, Ordering::Relaxed) - (before - bytes)
        }
    }
}

impl Drop for MemoryShare {
    fn drop(&mut self) {
        self.take(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_shares_count() {
        let memory = SharedMemory::default();
        let (mut one, mut other) = (memory.share(), memory.share());
        assert_eq!(one.take(10), 10);
        assert_eq!(other.take(5), 15);
        assert_eq!(one.take(2), 7);
        drop(one);
        assert_eq!(other.take(6), 6);
    }
}
