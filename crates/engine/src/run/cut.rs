//! What a slice may lack, and whether its cursor may move all the same.

use std::cmp::Ordering;

use super::error::Error;
use crate::decode::SliceMemory;
use crate::extract::SliceStatistics;
use crate::flow::{Event, Observer, Slice};
use crate::plan::{ResourcePlan, WriteDisposition};

/// Why records of a slice may be missing.
pub(super) struct Cut {
    reason: String,
    /// They may lie anywhere, not only behind those that came.
    is_hole: bool,
    /// Pages that came.
    pages: u64,
}

impl Cut {
    /// `None` where nothing says that records are missing.
    pub(super) fn of(statistics: &SliceStatistics) -> Option<Self> {
        let reason = statistics
            .missing
            .as_ref()
            .or(statistics.cut_short.as_ref())?;
        Some(Self {
            reason: reason.clone(),
            is_hole: statistics.missing.is_some(),
            pages: statistics.pages,
        })
    }

    /// Whether nothing came for one of many parents or partitions. This is what `response_actions` are often for: a parent
    /// whose children are forbidden.
    pub(super) fn is_refusal(&self, resource: &ResourcePlan) -> bool {
        self.pages == 0 && resource.is_divided()
    }

    /// Tells of it, and says whether the cursor may move. Fails where rows would come twice if it doesn't.
    pub(super) fn judge(
        &self,
        resource: &ResourcePlan,
        slice: &Slice,
        memory: &SliceMemory,
        observer: &Observer,
    ) -> Result<bool, Error> {
        let is_incremental = resource.incremental.is_some();
        if self.is_refusal(resource) && !is_incremental {
            return Ok(true);
        }
        let is_merge = resource.write_disposition == WriteDisposition::Merge;
        if is_merge && resource.concerns_absent() {
            return Err(Error::AbsentUnknown {
                resource: resource.name.clone(),
                reason: self.reason.clone(),
            });
        }
        let goes_on =
            resource.goes_on_behind_a_cut() && memory.disorder().is_none() && !self.is_hole;
        let moves_cursor = !is_incremental || goes_on;
        let is_append = resource.write_disposition == WriteDisposition::Append;
        // A slice with a cursor of its own that brought nothing can be read again.
        let can_be_read_again =
            self.pages == 0 && slice.window.is_none() && !resource.shares_state();
        if !moves_cursor && is_append && !can_be_read_again {
            return Err(Error::CutShort {
                resource: resource.name.clone(),
                slice: slice.id(),
                reason: self.reason.clone(),
            });
        }
        let consequence = if self.pages > 0 && moves_cursor && stands_still(slice, memory) {
            "; no record that was read lies behind the cursor's value at which reading began, so that every run would read \
             the same ones: let more pages through"
        } else if moves_cursor || resource.write_disposition == WriteDisposition::Replace {
            ""
        } else {
            "; the cursor stays where it was, and the next run reads the same records again"
        };
        let name = if resource.is_divided() || slice.window.is_some() {
            format!("slice `{}`: ", slice.id())
        } else {
            String::new()
        };
        observer(Event::Warning {
            resource: resource.name.clone(),
            text: format!("{name}{}{consequence}", self.reason),
        });
        Ok(moves_cursor)
    }
}

/// Whether no record lies behind the value at which reading began.
fn stands_still(slice: &Slice, memory: &SliceMemory) -> bool {
    let start = slice
        .range
        .as_ref()
        .and_then(|range| range.start.as_ref()?.key());
    let last = memory.last_key();
    start.is_some_and(|start| last.is_none_or(|last| start.compare(last) == Some(Ordering::Equal)))
}
