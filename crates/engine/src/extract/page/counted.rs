//! Pages that are asked for by a number, an offset or a page number, several at a time once their end is known.

use std::collections::VecDeque;

use serde_json::Value;

use super::stop::Stops;
use super::{Answer, Ask, Keep, PagerError, scalar};
use crate::plan::{CountedPlan, PageUnit, Placement, Selector};

/// How often pages are thrown away that were asked for at the wrong offset, until reading goes on one by one.
const MOST_RESTARTS: u8 = 3;

/// Where a slice stands.
///
/// Offsets are asked for ahead in steps of what the newest page gave. A page that gives another number of records moves
/// the true offset away from them: what was asked for behind it is thrown away, and reading goes on from the true one.
pub(super) struct Counted {
    plan: CountedPlan,
    /// Numbers that were asked for and not answered yet, the oldest first.
    asked: VecDeque<u64>,
    /// The number that is asked for next.
    next: u64,
    /// How far apart the pages lie that are asked for ahead; `None`: none are.
    stride: Option<u64>,
    /// No page at or behind this number is asked for ahead; `None`: none are.
    bound: Option<u64>,
    first_count: Option<u64>,
    last_count: Option<u64>,
    restarts: u8,
    base: Base,
    /// Where the body may repeat the limit that the server used.
    echoed_limit: Option<Selector>,
}

/// What is known of the number of the API's first page.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Base {
    Known,
    /// Page 0 was empty, and nobody said that it is the first one; page 1 shows it.
    Doubtful {
        /// An empty page ends the slice.
        ends: bool,
    },
    /// The first page was asked for without a number; whether page 1 is the same shows where the API begins to count.
    Unknown {
        /// The hash of the first page's records.
        first: Option<u128>,
    },
}

/// Where a page leads.
pub(super) struct Step {
    /// The next number; `None` at the end.
    pub(super) next: Option<u64>,
    /// What has been asked for behind the page lies elsewhere than was thought.
    pub(super) restart: bool,
    /// What to tell where the greatest number that may be asked for is the end.
    pub(super) stopped_at_maximum: Option<String>,
}

/// What a page without records means.
pub(super) struct Empty {
    pub(super) ended: bool,
    /// What may be wrong with the total.
    pub(super) warning: Option<String>,
    /// Why more was to be expected.
    pub(super) cut_short: Option<String>,
}

impl Counted {
    /// Stands before the first page.
    pub(super) fn new(plan: CountedPlan) -> Self {
        let limit = plan.page_size.as_ref();
        let echoed_limit = match limit.and_then(|size| size.placement.as_ref()) {
            Some(Placement::Query(name)) => Some(Selector::from_keys(vec![name.clone()])),
            _ => None,
        };
        Self {
            next: plan.first,
            plan,
            asked: VecDeque::new(),
            stride: None,
            bound: None,
            first_count: None,
            last_count: None,
            restarts: 0,
            base: Base::Known,
            echoed_limit,
        }
    }

    /// The first page has been asked for, without a number.
    pub(super) fn behind_first(plan: CountedPlan, base_is_known: bool) -> Self {
        let mut counted = Self::new(plan);
        counted.asked.push_back(counted.next);
        if !base_is_known {
            counted.base = Base::Unknown { first: None };
        }
        counted
    }

    pub(super) fn ask(&mut self) -> Option<Ask> {
        if !self.asked.is_empty() {
            let (bound, _) = (self.bound?, self.stride?);
            if self.asked.len() >= self.plan.concurrency || self.next >= bound {
                return None;
            }
        }
        let number = self.next;
        self.asked.push_back(number);
        self.next = number.saturating_add(self.stride.unwrap_or(0));
        let size = self.plan.page_size.as_ref();
        let size = size.and_then(|size| Some((size.placement.clone()?, Value::from(size.size))));
        let position = (self.plan.position.clone(), Value::from(number));
        Some(Ask {
            link: None,
            values: size.into_iter().chain([position]).collect(),
        })
    }

    /// Whether this page shows if page 0 was really the first one.
    pub(super) fn is_probing(&self) -> bool {
        self.base == Base::Doubtful { ends: true }
    }

    /// Moves on by the records that came, so that a server that gives fewer than asked for loses nothing.
    pub(super) fn turn(
        &mut self,
        count: u64,
        answer: &Answer<'_>,
        stops: &Stops,
    ) -> Result<Step, PagerError> {
        let number = self.answered();
        self.check_base(number, count)?;
        let step = match self.plan.unit {
            PageUnit::Pages => 1,
            PageUnit::Records if count > 0 => count,
            PageUnit::Records => self.server_limit(answer),
        };
        let next = number.saturating_add(step);
        let restart = self.asked.front().is_some_and(|ahead| *ahead != next);
        if restart {
            self.asked.clear();
            self.restarts = self.restarts.saturating_add(1);
        }
        if self.asked.is_empty() {
            self.next = next;
        }
        self.first_count.get_or_insert(count);
        self.stride = self.stride_behind(count);
        self.last_count = Some(count);
        self.bound = self.bound(stops);
        let inside = |end: Option<u64>| end.is_none_or(|end| next < end);
        let inside_total = inside(self.end(stops));
        let stopped_at_maximum = self
            .plan
            .maximum
            .filter(|maximum| inside_total && count > 0 && next >= *maximum)
            .map(|maximum| {
                let key = match self.plan.unit {
                    PageUnit::Pages => "maximum_page",
                    PageUnit::Records => "maximum_offset",
                };
                format!("stopped at `{key}: {maximum}`: more may follow")
            });
        let inside = inside_total && inside(self.plan.maximum);
        // Without any other bound, a page without records is the end whatever the spec says of empty pages.
        let rules = stops.plan();
        let bounded = self.plan.maximum.is_some()
            || rules.total.is_some()
            || rules.has_more_path.is_some()
            || rules.max_pages.is_some();
        Ok(Step {
            next: (inside && (count > 0 || bounded)).then_some(next),
            restart,
            stopped_at_maximum,
        })
    }

    /// How the page with a number is asked for: `offset=500`.
    pub(super) fn shown(&self, number: u64) -> String {
        format!("next is `{}={number}`", self.plan.position.name())
    }

    /// Whether reading starts where the API begins to count.
    pub(super) fn starts_at_base(&self) -> bool {
        self.plan.first == self.plan.base
    }

    /// A page without records where such a page is the end.
    pub(super) fn turn_empty(
        &mut self,
        count: u64,
        total: Option<u64>,
        stops: &Stops,
    ) -> Result<Empty, PagerError> {
        let number = self.answered();
        self.check_base(number, count)?;
        let unit = stops.plan().total.as_ref().map(|total| total.unit);
        // Some APIs say that an empty list has one page.
        let least = u64::from(unit == Some(PageUnit::Pages));
        let total = total.filter(|total| *total > 0);
        let promised = total.filter(|total| *total > least);
        if self.is_probing() && promised.is_none() {
            self.next = 1;
            return Ok(Empty {
                ended: false,
                warning: None,
                cut_short: None,
            });
        }
        let is_first = stops.pages() == 1 && self.plan.first == self.plan.base;
        let cut_short = match promised {
            Some(total) if is_first && self.plan.unit == PageUnit::Pages => {
                return Err(PagerError::EmptyFirstPage {
                    page: number,
                    total,
                    other: u64::from(number == 0),
                });
            }
            Some(total) if unit == Some(PageUnit::Records) && self.plan.unit == PageUnit::Records => {
                if total > number {
                    return Err(PagerError::EmptyBeforeTotal {
                        offset: number,
                        total,
                    });
                }
                None
            }
            Some(total) if total == stops.records() && unit == Some(PageUnit::Pages) => None,
            Some(total) if self.plan.unit == PageUnit::Pages && unit == Some(PageUnit::Pages) => {
                (number < total.saturating_add(self.plan.base)).then(|| {
                    format!("stopped at page {number}, which is empty, though the total is {total} pages")
                })
            }
            Some(total) if unit == Some(PageUnit::Records) && total > stops.records() => {
                let records = stops.records();
                Some(format!(
                    "stopped at an empty page: {records} records were read, and the total is {total}"
                ))
            }
            _ => None,
        };
        let counts_records = unit == Some(PageUnit::Pages) && promised == Some(stops.records());
        Ok(Empty {
            ended: true,
            warning: counts_records.then(|| {
                "the total seems to count records instead of pages: write `total_items_path`"
                    .to_owned()
            }),
            cut_short,
        })
    }

    /// Learns from the pages of a detected page number where the API begins to count.
    pub(super) fn compare_with_first(&mut self, records: Option<u128>) -> Option<(Keep, String)> {
        let Base::Unknown { first } = self.base else {
            return None;
        };
        if self.asked.front() == Some(&self.plan.first) {
            self.base = Base::Unknown { first: records };
            return None;
        }
        self.base = Base::Known;
        if records.is_some() && records == first {
            let number = self.answered();
            self.plan.base = number;
            self.next = number.saturating_add(1);
            let text = "page 1 is the same as the first page: write `base_page: 1`";
            return Some((Keep::Nothing, text.to_owned()));
        }
        let text = "page 1 is another than the first page: write `base_page: 0`";
        Some((Keep::All, text.to_owned()))
    }

    /// Says what it means where a page repeats the one before it.
    pub(super) fn explain_same_page(&self, error: PagerError) -> PagerError {
        let from_zero = self.plan.unit == PageUnit::Pages && self.plan.first == 0;
        if from_zero && self.asked.front() == Some(&1) {
            PagerError::CountsFromOne {
                zero: "is the same as page 1",
            }
        } else {
            error
        }
    }

    /// The number of the page at hand.
    fn answered(&mut self) -> u64 {
        self.asked.pop_front().unwrap_or(self.next)
    }

    /// Page 0 without records in front of a page 1 with some is not the first page.
    fn check_base(&mut self, number: u64, count: u64) -> Result<(), PagerError> {
        if matches!(self.base, Base::Doubtful { .. }) {
            self.base = Base::Known;
            if count > 0 {
                return Err(PagerError::CountsFromOne {
                    zero: "is empty and page 1 is not",
                });
            }
        } else if self.plan.base_is_assumed && number == 0 && count == 0 {
            let ends = self.plan.stop.stop_after_empty_page;
            self.base = Base::Doubtful { ends };
        }
        Ok(())
    }

    /// How far apart pages may be asked for ahead, behind a page with so many records.
    fn stride_behind(&self, count: u64) -> Option<u64> {
        let base_is_known = self.base == Base::Known;
        match self.plan.unit {
            PageUnit::Pages => base_is_known.then_some(1),
            PageUnit::Records => {
                let regular = self.last_count.is_none_or(|last| last == count);
                (count > 0 && regular && self.restarts < MOST_RESTARTS).then_some(count)
            }
        }
    }

    /// The first number that isn't worth asking for, as far as that is known.
    fn bound(&self, stops: &Stops) -> Option<u64> {
        let stop = stops.plan();
        let stride = self.stride?;
        let total = stop.total.as_ref().zip(stops.total());
        let by_total = total.map(|(plan, total)| match (self.plan.unit, plan.unit) {
            (PageUnit::Records, PageUnit::Records) => total,
            (PageUnit::Pages, PageUnit::Pages) => total.saturating_add(self.plan.base),
            (PageUnit::Records, PageUnit::Pages) => self.behind_pages(total, stride),
            (PageUnit::Pages, PageUnit::Records) => {
                let per_page = self.first_count.unwrap_or(1).max(1);
                self.plan.base.saturating_add(total.div_ceil(per_page))
            }
        });
        let by_pages = stop.max_pages.map(|pages| self.behind_pages(pages, stride));
        [by_total, by_pages, self.plan.maximum]
            .into_iter()
            .flatten()
            .min()
    }

    fn behind_pages(&self, pages: u64, stride: u64) -> u64 {
        self.plan.first.saturating_add(pages.saturating_mul(stride))
    }

    /// The first number behind the last page, where the total counts what the numbers count.
    fn end(&self, stops: &Stops) -> Option<u64> {
        let unit = stops.plan().total.as_ref()?.unit;
        let total = stops.total().filter(|_| unit == self.plan.unit)?;
        Some(total.saturating_add(self.plan.base))
    }

    /// The limit that the body repeats, else the one asked for; at least 1.
    fn server_limit(&self, answer: &Answer<'_>) -> u64 {
        let echoed = self.echoed_limit.as_ref();
        let echoed = echoed.and_then(|path| scalar::whole_number(answer.value(path)));
        let asked = self.plan.page_size.as_ref().map_or(1, |size| size.size);
        echoed.filter(|limit| *limit > 0).unwrap_or(asked.max(1))
    }
}
