//! Noticing that a slice would never end.

use std::collections::HashSet;

use xxhash_rust::xxh3::xxh3_128;

use super::{Answer, Next, PagerError};

/// Remembers the hashes of what was asked for and of the last page.
#[derive(Default)]
pub(super) struct LoopGuard {
    requests: HashSet<u128>,
    last_page: Option<u128>,
}

impl LoopGuard {
    /// Fails where a page with records is the same as the one before it.
    pub(super) fn see_page(&mut self, answer: &Answer<'_>) -> Result<(), PagerError> {
        let page = (!answer.records.is_empty()).then(|| xxh3_128(answer.body));
        let same = page.is_some() && page == self.last_page;
        self.last_page = page;
        if same {
            Err(PagerError::SamePage)
        } else {
            Ok(())
        }
    }

    /// Fails where the next request was asked for before.
    pub(super) fn see_request(&mut self, next: &Next) -> Result<(), PagerError> {
        let request = match next {
            Next::Done => return Ok(()),
            // The debugging form shows every character of the names and values.
            Next::Values(values) => xxh3_128(format!("{values:?}").as_bytes()),
            Next::Link(url) => xxh3_128(url.as_str().as_bytes()),
        };
        if self.requests.insert(request) {
            Ok(())
        } else {
            Err(PagerError::Repeated)
        }
    }
}
