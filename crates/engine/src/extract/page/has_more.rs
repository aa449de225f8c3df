//! Whether the answer itself says that more pages follow.

use super::{Answer, PagerError, scalar};
use crate::plan::Selector;

/// The value at the path; `None` where no path is declared.
pub(super) fn has_more(
    path: Option<&Selector>,
    answer: &Answer<'_>,
) -> Result<Option<bool>, PagerError> {
    let Some(path) = path else { return Ok(None) };
    let raw = answer.value(path);
    let missing = || PagerError::HasMore {
        path: path.as_str().to_owned(),
        found: scalar::kind(raw),
    };
    scalar::boolean(raw).ok_or_else(missing).map(Some)
}
