//! Noticing that a slice would never end.

use std::collections::HashSet;

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use super::{Answer, Ask, PagerError};

/// Remembers the hashes of what was asked for and of the last page.
#[derive(Default)]
pub(super) struct LoopGuard {
    requests: HashSet<u128>,
    last_page: Option<u128>,
}

impl LoopGuard {
    /// Fails where a page with records is the same as the one before it.
    pub(super) fn see_page(&mut self, page: Option<u128>) -> Result<(), PagerError> {
        let same = page.is_some() && page == self.last_page;
        self.last_page = page;
        if same {
            Err(PagerError::SamePage)
        } else {
            Ok(())
        }
    }

    /// Fails where the next request was asked for before.
    pub(super) fn see_request(&mut self, next: &Ask) -> Result<(), PagerError> {
        // The debugging form shows every character of the names and values.
        let request = xxh3_128(format!("{next:?}").as_bytes());
        if self.requests.insert(request) {
            Ok(())
        } else {
            Err(PagerError::Repeated)
        }
    }
}

/// The hash of a whole body with records, for pages that lead to each other: the body holds the way on.
pub(super) fn body_hash(answer: &Answer<'_>) -> Option<u128> {
    let mut hash = Xxh3::new();
    hash.update(answer.body);
    if let Some(all) = answer.elsewhere {
        hash.update(&all.hash.to_le_bytes());
    }
    (!answer.records.is_empty()).then(|| hash.digest128())
}

/// The hash of a page's records and of what stands between them, for pages that are asked for by number: what stands around
/// the records may differ although the API gives the same page again.
pub(super) fn records_hash(answer: &Answer<'_>) -> Option<u128> {
    if let Some(all) = answer.elsewhere {
        return (all.records > 0).then_some(all.hash);
    }
    let (first, last) = (answer.records.first()?, answer.records.last()?);
    answer.body.get(first.start..last.end).map(xxh3_128)
}
