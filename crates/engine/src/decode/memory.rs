//! What the pages of a slice have in common.

use std::collections::{BTreeSet, HashSet};

use crate::cursor::{CursorKey, CursorValue};
use crate::flow::Slice;

/// What decoding remembers from one page of a slice to the next: 16 bytes and some for each row whose key is compared.
#[derive(Debug, Default)]
pub struct SliceMemory {
    /// Hashes of the keys that came.
    pub(super) keys: HashSet<u128>,
    /// The value that was followed furthest.
    pub(super) reached: Option<Reached>,
    /// The cursor of the record before.
    pub(super) previous: Option<(CursorValue, CursorKey)>,
    /// The first two records that are not in the declared order.
    pub(super) disorder: Option<(CursorValue, CursorValue)>,
    /// A record came that lies where reading may stop.
    pub(super) passed: bool,
    /// Rows so far.
    pub(super) rows: u64,
}

/// A value, and the records that have it.
#[derive(Debug)]
pub(super) struct Reached {
    pub(super) value: CursorValue,
    pub(super) key: CursorKey,
    pub(super) records: BTreeSet<String>,
}

impl SliceMemory {
    /// The value of the slice's records that was followed furthest, and hashes of the records that have it.
    pub fn last_value(self) -> Option<(CursorValue, BTreeSet<String>)> {
        self.reached.map(|reached| (reached.value, reached.records))
    }

    /// What the value that was followed furthest is compared by.
    pub fn last_key(&self) -> Option<&CursorKey> {
        self.reached.as_ref().map(|reached| &reached.key)
    }

    /// Whether all records behind those that came lie outside the slice, since they come in a declared order.
    pub fn is_enough(&self) -> bool {
        self.passed && self.disorder.is_none()
    }

    /// Two records that did not come in the declared order.
    pub fn disorder(&self) -> Option<&(CursorValue, CursorValue)> {
        self.disorder.as_ref()
    }
}

/// A hash of a record within its resource; `content` is canonical.
pub(super) fn hash(slice: &Slice, content: &str) -> u128 {
    let part = slice.nameless_part();
    xxhash_rust::xxh3::xxh3_128(format!("{part}\n{content}").as_bytes())
}
