//! Paging by a URL in the body.

use super::{Answer, Next, PagerError};
use crate::plan::Selector;

/// The link at the path; null, missing or empty ends the slice.
pub(super) fn next(path: &Selector, answer: &Answer<'_>) -> Result<Next, PagerError> {
    let wrong = || PagerError::Link {
        place: path.as_str().to_owned(),
    };
    let link = match answer.value(path) {
        None | Some(b"null") => return Ok(Next::Done),
        Some(raw) => serde_json::from_slice::<String>(raw).map_err(|_| wrong())?,
    };
    if link.is_empty() {
        return Ok(Next::Done);
    }
    answer.url.join(&link).map(Next::Link).map_err(|_| wrong())
}
