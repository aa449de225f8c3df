//! How many requests a run needs, as far as that is known before it.

use serde::Serialize;

use super::ResourceOutlook;
use crate::plan::{
    ChainedPlan, CountedPlan, PageUnit, PaginatorPlan, Plan, RateLimitPlan, ResourcePlan, StopPlan,
};

/// A number of requests, without tries that fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Requests {
    /// The least.
    pub least: u64,
    /// The most; `None` where only the answers tell.
    pub most: Option<u64>,
}

impl Requests {
    /// Those of one slice.
    pub(super) fn of(resource: &ResourcePlan) -> Self {
        if resource.seeds.is_some() {
            return Self {
                least: 0,
                most: Some(0),
            };
        }
        if resource.job.is_some() {
            // It is created, asked for, and read.
            return Self {
                least: 3,
                most: None,
            };
        }
        Self {
            least: 1,
            most: most_pages(&resource.paginator),
        }
    }

    pub(super) fn times(self, count: u64) -> Self {
        Self {
            least: self.least.saturating_mul(count),
            most: match count {
                0 => Some(0),
                count => self.most.map(|most| most.saturating_mul(count)),
            },
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            least: self.least.saturating_add(other.least),
            most: self
                .most
                .zip(other.most)
                .map(|(one, other)| one.saturating_add(other)),
        }
    }
}

/// The most pages that a slice can have by its rules.
fn most_pages(paginator: &PaginatorPlan) -> Option<u64> {
    let of_rules = |stop: &StopPlan| stop.max_pages;
    match paginator {
        PaginatorPlan::Auto(plan) => of_rules(&plan.stop),
        PaginatorPlan::SinglePage | PaginatorPlan::SingleRecord => Some(1),
        PaginatorPlan::Chained(ChainedPlan { stop, .. }) => of_rules(stop),
        PaginatorPlan::Counted(plan) => [of_rules(&plan.stop), most_numbers(plan)]
            .into_iter()
            .flatten()
            .min(),
    }
}

/// The most pages up to the greatest page number.
fn most_numbers(plan: &CountedPlan) -> Option<u64> {
    let maximum = plan.maximum.filter(|_| plan.unit == PageUnit::Pages)?;
    Some(maximum.saturating_sub(plan.first).max(1))
}

/// Those of all resources whose slices are known.
pub(super) fn total(resources: &[ResourceOutlook]) -> Requests {
    let none = Requests {
        least: 0,
        most: Some(0),
    };
    let of = |one: &ResourceOutlook| match one.parents.as_slice() {
        [] => one.requests,
        _ => Requests::default(),
    };
    resources.iter().map(of).fold(none, Requests::plus)
}

/// The least number, with as many parent records as the tables hold now; `None` where there are no children, or no table
/// tells of their parents.
pub(super) fn expected(resources: &[ResourceOutlook]) -> Option<u64> {
    let children: Vec<&ResourceOutlook> = resources
        .iter()
        .filter(|one| !one.parents.is_empty())
        .collect();
    if children.is_empty() {
        return None;
    }
    let mut sum = total(resources).least;
    for child in children {
        let each = child.requests.least;
        sum = sum.saturating_add(each.saturating_mul(child.parent_records?));
    }
    Some(sum)
}

/// How many records, or batches of records, a child is read for, if its only parent gives all that its table holds now.
pub(super) fn parent_records(
    plan: &Plan,
    resource: &ResourcePlan,
    earlier: &[ResourceOutlook],
) -> Option<u64> {
    let mut parents = resource.parents.iter().filter(|parent| parent.is_parent());
    let (parent, None) = (parents.next()?, parents.next()) else {
        return None;
    };
    let planned = plan
        .resources
        .iter()
        .find(|one| one.name == parent.resource)?;
    let records = match &planned.seeds {
        Some(seeds) => u64::try_from(seeds.records.len()).unwrap_or(u64::MAX),
        // Of a parent with a cursor only what is new comes.
        None if planned.incremental.is_some() => return None,
        None => {
            let told = earlier.iter().find(|one| one.resource == parent.resource)?;
            Some(told.rows).filter(|rows| *rows > 0)?
        }
    };
    let batch = resource.parents_per_request.unwrap_or(1);
    Some(records.div_ceil(u64::try_from(batch).unwrap_or(u64::MAX).max(1)))
}

/// The least time between the first and the last of so many requests, in seconds: a burst goes out at once.
pub(super) fn least_seconds(limit: &RateLimitPlan, requests: u64) -> f64 {
    let waiting = requests.saturating_sub(u64::from(limit.burst));
    let waiting = u32::try_from(waiting).unwrap_or(u32::MAX);
    let interval = limit.per.as_secs_f64() / f64::from(limit.requests.max(1));
    interval * f64::from(waiting)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_costs_no_time() {
        let limit = RateLimitPlan {
            requests: 300,
            per: Duration::from_mins(1),
            burst: 20,
        };
        let seconds = |requests| least_seconds(&limit, requests);
        assert!(seconds(20) < 0.001);
        assert!((seconds(320) - 60.0).abs() < 0.001);
    }

    #[test]
    fn what_is_not_known_of_one_is_not_known_of_all() {
        let known = Requests {
            least: 2,
            most: Some(2),
        };
        let open = Requests {
            least: 1,
            most: None,
        };
        let both = known.times(3).plus(open);
        assert_eq!((both.least, both.most), (7, None));
        assert_eq!(open.times(0).most, Some(0));
    }
}
