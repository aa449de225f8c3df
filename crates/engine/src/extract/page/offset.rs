//! Paging by offset and limit.

use serde_json::Value;

use super::has_more::has_more;
use super::{Answer, Next, PagerError, Turn, scalar};
use crate::plan::{OffsetPlan, Placement, Selector};

/// Where a slice stands.
pub(super) struct Offset {
    plan: OffsetPlan,
    next: u64,
    total: Option<u64>,
    /// Where the body may repeat the limit that the server used.
    echoed_limit: Selector,
}

impl Offset {
    pub(super) fn new(plan: OffsetPlan) -> Self {
        let echoed_limit = Selector::from_keys(vec![plan.limit_param.clone()]);
        Self {
            next: plan.offset,
            total: None,
            echoed_limit,
            plan,
        }
    }

    pub(super) fn values(&self) -> Vec<(Placement, Value)> {
        let query =
            |name: &String, value: u64| (Placement::Query(name.clone()), Value::from(value));
        vec![
            query(&self.plan.limit_param, self.plan.limit),
            query(&self.plan.offset_param, self.next),
        ]
    }

    pub(super) fn selectors(&self) -> Vec<&Selector> {
        self.plan
            .total_path
            .iter()
            .chain(&self.plan.has_more_path)
            .collect()
    }

    /// Moves on by the records that came, so that a server that gives fewer than asked for loses nothing.
    pub(super) fn turn(&mut self, answer: &Answer<'_>) -> Result<Turn, PagerError> {
        let count = u64::try_from(answer.records.len()).unwrap_or(u64::MAX);
        if count == 0 && self.plan.stop_after_empty_page {
            return self.stop_at_empty_page(answer);
        }
        let earlier_total = self.total;
        if let Some(path) = &self.plan.total_path {
            self.total = Some(total(path, answer)?);
        }
        let step = if count > 0 {
            count
        } else {
            self.server_limit(answer)
        };
        self.next = self.next.saturating_add(step);
        let bounds = [self.total, self.plan.maximum_offset];
        let inside = bounds.iter().flatten().all(|bound| self.next < *bound);
        let more = has_more(self.plan.has_more_path.as_ref(), answer)?;
        // Without any other bound, an empty page is the end whatever the spec says of empty pages.
        let endless = count == 0 && more.is_none() && bounds.iter().all(Option::is_none);
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

    /// An empty page is the end, unless the total says that there is more.
    fn stop_at_empty_page(&self, answer: &Answer<'_>) -> Result<Turn, PagerError> {
        let total = match &self.plan.total_path {
            Some(path) => total(path, answer).ok().or(self.total),
            None => None,
        };
        match total.filter(|total| *total > self.next && self.plan.maximum_offset.is_none()) {
            Some(total) => Err(PagerError::EmptyBeforeTotal {
                offset: self.next,
                total,
            }),
            None => Ok(Turn {
                next: Next::Done,
                notice: None,
            }),
        }
    }

    /// The limit that the body repeats, else the one asked for; at least 1.
    fn server_limit(&self, answer: &Answer<'_>) -> u64 {
        let echoed = scalar::whole_number(answer.value(&self.echoed_limit));
        echoed
            .filter(|limit| *limit > 0)
            .unwrap_or(self.plan.limit.max(1))
    }
}

/// The declared total of an answer.
pub(super) fn total(path: &Selector, answer: &Answer<'_>) -> Result<u64, PagerError> {
    let raw = answer.value(path);
    let missing = || PagerError::Total {
        path: path.as_str().to_owned(),
        found: scalar::kind(raw),
    };
    scalar::whole_number(raw).ok_or_else(missing)
}

/// What to say where the total isn't what it was a page earlier.
pub(super) fn changed_total(earlier: Option<u64>, now: Option<u64>) -> Option<String> {
    let (earlier, now) = (earlier?, now?);
    (earlier != now)
        .then(|| format!("the total changed from {earlier} to {now} while the pages were read"))
}
