//! A cache with a bound in bytes; what came first goes first.

use std::collections::{HashMap, VecDeque};

/// Values by key, up to a number of bytes.
pub(super) struct BoundedCache<V> {
    values: HashMap<String, (V, usize)>,
    order: VecDeque<String>,
    bytes: usize,
    maximum_bytes: usize,
}

impl<V: Clone> BoundedCache<V> {
    pub(super) fn new(maximum_bytes: usize) -> Self {
        Self {
            values: HashMap::new(),
            order: VecDeque::new(),
            bytes: 0,
            maximum_bytes,
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<V> {
        self.values.get(key).map(|(value, _)| value.clone())
    }

    /// Keeps a value of this many bytes; one that is there already stays.
    pub(super) fn insert(&mut self, key: String, value: V, bytes: usize) {
        let bytes = bytes + 2 * key.len();
        if bytes > self.maximum_bytes || self.values.contains_key(&key) {
            return;
        }
        while self.bytes + bytes > self.maximum_bytes {
            let Some(oldest) = self.order.pop_front() else {
                break;
            };
            let freed = self.values.remove(&oldest).map_or(0, |(_, bytes)| bytes);
            self.bytes = self.bytes.saturating_sub(freed);
        }
        self.bytes += bytes;
        self.order.push_back(key.clone());
        self.values.insert(key, (value, bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_value_goes_when_the_bytes_run_out() {
        let mut cache = BoundedCache::new(25);
        for key in ["a", "b", "c"] {
            cache.insert(key.to_owned(), key, 10);
        }
        assert_eq!(cache.get("a"), None);
        assert_eq!(cache.get("b"), Some("b"));
        assert_eq!(cache.get("c"), Some("c"));
    }

    #[test]
    fn a_value_beyond_the_bound_is_not_kept() {
        let mut cache = BoundedCache::new(25);
        cache.insert("a".to_owned(), 1, 26);
        assert_eq!(cache.get("a"), None);
    }
}
