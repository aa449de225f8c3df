//! Paging by a cursor in the body.

use serde_json::Value;

use super::has_more::has_more;
use super::{Answer, Next, PagerError, scalar};
use crate::plan::{CursorPlan, Placement};

/// The cursor at the path; null, missing, `false` or empty ends the slice, 0 is a cursor.
pub(super) fn next(plan: &CursorPlan, answer: &Answer<'_>) -> Result<Next, PagerError> {
    if answer.records.is_empty() && plan.stop_after_empty_page {
        return Ok(Next::Done);
    }
    let raw = match answer.value(&plan.cursor_path) {
        None | Some(b"null" | b"false" | b"\"\"") => return Ok(Next::Done),
        Some(raw) => raw,
    };
    if has_more(plan.has_more_path.as_ref(), answer)? == Some(false) {
        return Ok(Next::Done);
    }
    let wrong = || PagerError::Cursor {
        path: plan.cursor_path.as_str().to_owned(),
        found: scalar::kind(Some(raw)),
    };
    let cursor = scalar::text(raw).ok_or_else(wrong)?;
    let cursor_param = Placement::Query(plan.cursor_param.clone());
    Ok(Next::Values(vec![(cursor_param, Value::String(cursor))]))
}
