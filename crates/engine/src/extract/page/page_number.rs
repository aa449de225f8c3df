//! Paging by page number.

use serde_json::Value;

use super::has_more::has_more;
use super::offset::{changed_total, total};
use super::{Answer, Next, PagerError, Turn};
use crate::plan::{PageNumberPlan, Placement, Selector};

/// Where a slice stands.
pub(super) struct PageNumber {
    plan: PageNumberPlan,
    page: u64,
    total: Option<u64>,
}

impl PageNumber {
    pub(super) fn new(plan: PageNumberPlan) -> Self {
        Self {
            page: plan.page,
            total: None,
            plan,
        }
    }

    pub(super) fn values(&self) -> Vec<(Placement, Value)> {
        let page = Placement::Query(self.plan.page_param.clone());
        vec![(page, Value::from(self.page))]
    }

    pub(super) fn selectors(&self) -> Vec<&Selector> {
        self.plan
            .total_path
            .iter()
            .chain(&self.plan.has_more_path)
            .collect()
    }

    pub(super) fn turn(&mut self, answer: &Answer<'_>) -> Result<Turn, PagerError> {
        let empty = answer.records.is_empty();
        if empty && self.plan.stop_after_empty_page {
            return Ok(self.stop_at_empty_page(answer));
        }
        let earlier_total = self.total;
        if let Some(path) = &self.plan.total_path {
            self.total = Some(total(path, answer)?);
        }
        self.page = self.page.saturating_add(1);
        let bounds = [self.end(self.total), self.plan.maximum_page];
        let inside = bounds.iter().flatten().all(|bound| self.page < *bound);
        let more = has_more(self.plan.has_more_path.as_ref(), answer)?;
        // Without any other bound, an empty page is the end whatever the spec says of empty pages.
        let endless = empty && more.is_none() && bounds.iter().all(Option::is_none);
        let next = if inside && more.unwrap_or(true) && !endless {
            Next::Values(self.values())
        } else {
            Next::Done
        };
        Ok(Turn {
            next,
            notice: changed_total(earlier_total, self.total),
        })
    }

    fn stop_at_empty_page(&self, answer: &Answer<'_>) -> Turn {
        let pages = self
            .plan
            .total_path
            .as_ref()
            .and_then(|path| total(path, answer).ok())
            .or(self.total);
        let short =
            self.end(pages).is_some_and(|end| self.page < end) && self.plan.maximum_page.is_none();
        let page = self.page;
        let notice = pages.filter(|_| short).map(|pages| {
            format!("stopped at page {page}, which is empty, though the total is {pages} pages")
        });
        Turn {
            next: Next::Done,
            notice,
        }
    }

    /// The first page number behind the last page.
    fn end(&self, pages: Option<u64>) -> Option<u64> {
        pages.map(|pages| pages.saturating_add(self.plan.base_page))
    }
}
