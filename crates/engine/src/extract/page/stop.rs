//! The rules that end the pages of a slice, whatever the way of paging.

use std::collections::VecDeque;

use serde_json::{Map, Value};

use super::fullness::is_usual_limit;
use super::{Answer, Keep, PagerError, scalar};
use crate::plan::{PageSizePlan, PageUnit, Selector, StopPlan, TotalPlan, TotalSource};

/// What has been read of a slice, and the rules that it is held against.
#[derive(Default)]
pub(super) struct Stops {
    plan: StopPlan,
    /// Records of a full page; what the server really gives once it has shown that.
    page_size: Option<u64>,
    pages: u64,
    records: u64,
    /// The totals of the newest pages, as many as are asked for at the same time: an answer may be older than the one
    /// before it.
    totals: VecDeque<u64>,
    concurrency: usize,
    /// Something was told of the total.
    change_is_told: bool,
    /// The largest total of all pages.
    largest_total: u64,
    /// The newest page said at `has_more_path` that more follows.
    more_is_promised: bool,
}

/// What the rules say.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Verdict {
    GoOn {
        /// The answer itself says that more follows.
        promised: bool,
    },
    /// The API says that all has come.
    Complete {
        /// How it does.
        reason: String,
    },
    /// A rule of the spec ends the pages.
    Stop {
        /// Which rule.
        reason: String,
        /// Why the rule cuts the pages short, where more would have followed.
        cut_short: Option<String>,
        keep: Keep,
    },
}

impl Stops {
    pub(super) fn new(
        plan: &StopPlan,
        page_size: Option<&PageSizePlan>,
        concurrency: usize,
    ) -> Self {
        Self {
            plan: plan.clone(),
            page_size: page_size.map(|size| size.size),
            concurrency,
            ..Self::default()
        }
    }

    pub(super) fn plan(&self) -> &StopPlan {
        &self.plan
    }

    /// The largest total of the newest pages.
    pub(super) fn total(&self) -> Option<u64> {
        self.totals.iter().max().copied()
    }

    pub(super) fn pages(&self) -> u64 {
        self.pages
    }

    pub(super) fn records(&self) -> u64 {
        self.records
    }

    /// Counts a page; gives its records.
    pub(super) fn see(&mut self, answer: &Answer<'_>) -> u64 {
        let count = answer.count();
        self.pages += 1;
        self.records = self.records.saturating_add(count);
        count
    }

    /// The declared total, where the answer has it.
    pub(super) fn total_if_there(&self, answer: &Answer<'_>) -> Option<u64> {
        let total = self.plan.total.as_ref()?;
        total_of(total, answer).ok().or(self.total())
    }

    /// Remembers the declared total, and tells once where it isn't what it was before.
    pub(super) fn read_total(&mut self, answer: &Answer<'_>) -> Result<Option<String>, PagerError> {
        let Some(plan) = &self.plan.total else {
            return Ok(None);
        };
        let total = total_of(plan, answer)?;
        let earlier = self
            .totals
            .back()
            .copied()
            .filter(|earlier| *earlier != total);
        self.largest_total = self.largest_total.max(total);
        self.totals.push_back(total);
        while self.totals.len() > self.concurrency.max(1) {
            self.totals.pop_front();
        }
        if self.change_is_told {
            return Ok(None);
        }
        let notice = match earlier {
            None => self.contradiction(total),
            Some(earlier) => Some(format!(
                "the total changed from {earlier} to {total} while the pages were read: records may have moved from \
                 page to page"
            )),
        };
        self.change_is_told = notice.is_some();
        Ok(notice)
    }

    /// Reads what a page without records, which ends the pages, says of the total: the first page has to have it where it is
    /// declared, a later one may be bare.
    pub(super) fn read_total_at_end(
        &mut self,
        answer: &Answer<'_>,
    ) -> Result<Option<String>, PagerError> {
        let declared = self.plan.total.as_ref();
        let is_bare = declared.is_some_and(|plan| total_of(plan, answer).is_err());
        if is_bare && self.pages > 1 {
            return Ok(None);
        }
        self.read_total(answer)
    }

    /// Why more was to be expected, where a page without records ends the pages and says itself that more follows.
    pub(super) fn more_behind_the_end(
        &self,
        answer: &Answer<'_>,
    ) -> Result<Option<String>, PagerError> {
        let more = match self.has_more(answer) {
            Err(_) if self.pages > 1 => None,
            more => more?,
        };
        let more = more == Some(true);
        let path = self.plan.has_more_path.as_ref().filter(|_| more);
        Ok(path.map(|path| {
            format!(
                "stopped at an empty page, which says at `{}` that more follows",
                path.as_str()
            )
        }))
    }

    /// What to tell of a total that is less than what came.
    fn contradiction(&self, total: u64) -> Option<String> {
        let (read, unit) = self.read(self.plan.total.as_ref()?.unit);
        (total < read).then(|| {
            format!(
                "the total is {total}, and {read} {unit} have come already: it seems to count something else; if more is \
                 missing, leave the total out (`total_path: null`)"
            )
        })
    }

    /// Holds the rules against a page that has been counted; `next` is how the next one would be asked for.
    pub(super) fn decide(
        &mut self,
        answer: &Answer<'_>,
        next: Option<&Value>,
    ) -> Result<Verdict, PagerError> {
        let more = self.has_more(answer)?;
        self.more_is_promised = more == Some(true);
        if more == Some(false) {
            let path = self.plan.has_more_path.as_ref();
            let path = path.map_or("has_more", Selector::as_str);
            return Ok(Verdict::Complete {
                reason: format!("`{path}` says that no more follows"),
            });
        }
        if self.has_all() {
            return Ok(Verdict::Complete {
                reason: format!("all {} have come", self.so_far()),
            });
        }
        if self.plan.stop_after_short_page && self.is_short(answer.count()) {
            let missing = self.missing_of(self.total());
            return Ok(Verdict::Stop {
                reason: "the page has fewer records than a full one".to_owned(),
                cut_short: missing.map(|missing| format!("stopped at a short page: {missing}")),
                keep: Keep::All,
            });
        }
        if let Some(most) = self.plan.max_records.filter(|most| *most <= self.records) {
            return Ok(self.stop_at_records(most, answer.count()));
        }
        if let Some(most) = self.plan.max_pages.filter(|most| *most <= self.pages) {
            return Ok(Verdict::Stop {
                reason: format!("`max_pages: {most}` is reached"),
                cut_short: Some(format!(
                    "stopped at `max_pages: {most}`: more pages may follow"
                )),
                keep: Keep::All,
            });
        }
        if self.stop_when(answer, next)? {
            return Ok(Verdict::Stop {
                reason: "`stop_when` holds for the page".to_owned(),
                cut_short: None,
                keep: Keep::All,
            });
        }
        Ok(Verdict::GoOn {
            promised: self.more_is_promised,
        })
    }

    fn has_more(&self, answer: &Answer<'_>) -> Result<Option<bool>, PagerError> {
        let Some(path) = &self.plan.has_more_path else {
            return Ok(None);
        };
        let raw = answer.value(path);
        let missing = || PagerError::HasMore {
            path: path.as_str().to_owned(),
            found: scalar::kind(raw),
        };
        scalar::boolean(raw).ok_or_else(missing).map(Some)
    }

    /// As many records or pages came as the total says there are.
    fn has_all(&self) -> bool {
        let (Some(total), Some(plan)) = (self.total(), &self.plan.total) else {
            return false;
        };
        match plan.unit {
            PageUnit::Records => self.records >= total,
            PageUnit::Pages => self.pages >= total,
        }
    }

    /// Fewer records than a full page has. What a first page shows to be the server's own limit becomes the page size.
    fn is_short(&mut self, count: u64) -> bool {
        let Some(size) = self.page_size.filter(|size| count < *size) else {
            return false;
        };
        if self.pages == 1 && is_usual_limit(count) {
            self.page_size = Some(count);
            return false;
        }
        count < size
    }

    fn stop_at_records(&self, most: u64, count: u64) -> Verdict {
        let too_many = self.records - most;
        let kept = usize::try_from(count - too_many.min(count)).unwrap_or(usize::MAX);
        Verdict::Stop {
            reason: format!("`max_records: {most}` is reached"),
            cut_short: Some(format!(
                "stopped at `max_records: {most}`: more records may follow"
            )),
            keep: if too_many == 0 {
                Keep::All
            } else {
                Keep::First(kept)
            },
        }
    }

    fn stop_when(&self, answer: &Answer<'_>, next: Option<&Value>) -> Result<bool, PagerError> {
        let Some(expression) = &self.plan.stop_when else {
            return Ok(false);
        };
        let mut variables = Map::new();
        for name in expression.names().iter().cloned() {
            let value = match name.as_str() {
                "body" => json(answer.body),
                "headers" => headers(answer),
                "records" => answer.count().into(),
                "page" => self.pages.into(),
                "total" => self.total().into(),
                "next" => next.cloned().unwrap_or_default(),
                "last_record" => match answer.records.last() {
                    Some(last) => json(&answer.body[last.clone()]),
                    None => Value::Null,
                },
                _ => continue,
            };
            variables.insert(name, value);
        }
        expression.holds(&variables).map_err(PagerError::StopWhen)
    }

    /// Takes note of what an answer that ends the pages says of more. What can't be read there is no error.
    pub(super) fn see_last(&mut self, answer: &Answer<'_>) {
        self.see(answer);
        self.more_is_promised = matches!(self.has_more(answer), Ok(Some(true)));
        if let Some(total) = self.total_if_there(answer) {
            self.totals = [total].into();
        }
    }

    /// What the pages that came said of more, where reading ends behind them.
    pub(super) fn unkept_promise(&self) -> Option<String> {
        let promised = || {
            let path = self.plan.has_more_path.as_ref()?;
            let text = || {
                format!(
                    "the last page that was read says at `{}` that more follows",
                    path.as_str()
                )
            };
            self.more_is_promised.then(text)
        };
        let what = self.missing_of(self.total()).or_else(promised)?;
        Some(format!("`response_actions` ended the pages early: {what}"))
    }

    /// Why records may be missing where pages are asked for by number: of a total that has become less, what lies behind
    /// moved to the front. An answer may be older than the one before it, so that the newest one decides.
    pub(super) fn moved_records(&self) -> Option<String> {
        let (total, before) = (self.totals.back()?, self.largest_total);
        (*total < before).then(|| {
            format!(
                "the total fell from {before} to {total} while the pages were read: records may have moved to a page that had \
                 been read"
            )
        })
    }

    /// What to tell where a slice ends by itself before the total has been reached.
    pub(super) fn missing_records(&self, answer: &Answer<'_>) -> Option<String> {
        let missing = self.missing_of(self.total_if_there(answer))?;
        Some(format!(
            "the pages ended early: {missing}; if it counts something else, leave it out (`total_path: null`)"
        ))
    }

    /// How the next page is asked for, and how much of all has come.
    pub(super) fn next_of(&self, next: &str) -> String {
        match self.total() {
            Some(_) => format!("{next}; {} so far", self.so_far()),
            None => next.to_owned(),
        }
    }

    /// How much was read of what there is: `500 of 620 records`.
    fn so_far(&self) -> String {
        let unit = self.plan.total.as_ref();
        let (read, unit) = self.read(unit.map_or(PageUnit::Records, |total| total.unit));
        match self.total() {
            Some(total) => format!("{read} of {total} {unit}"),
            None => format!("{read} {unit}"),
        }
    }

    /// How much was read, and the word for it.
    fn read(&self, unit: PageUnit) -> (u64, &'static str) {
        match unit {
            PageUnit::Records => (self.records, "records"),
            PageUnit::Pages => (self.pages, "pages"),
        }
    }

    fn missing_of(&self, total: Option<u64>) -> Option<String> {
        let (read, unit) = self.read(self.plan.total.as_ref()?.unit);
        let total = total.filter(|total| *total > read)?;
        Some(format!("{read} {unit} were read, and the total is {total}"))
    }
}

/// The declared total of an answer.
fn total_of(plan: &TotalPlan, answer: &Answer<'_>) -> Result<u64, PagerError> {
    let (place, number, found) = match &plan.source {
        TotalSource::Body(path) => {
            let raw = answer.value(path);
            (
                path.as_str().to_owned(),
                scalar::whole_number(raw),
                scalar::kind(raw),
            )
        }
        TotalSource::Header(name) => {
            let text = answer.headers.get(name);
            let number = text.and_then(|text| text.to_str().ok()?.trim().parse().ok());
            let found = if text.is_some() { "a text" } else { "nothing" };
            (name.to_string(), number, found)
        }
    };
    number.ok_or(PagerError::Total { place, found })
}

/// The value of a text that is known to be JSON.
fn json(text: &[u8]) -> Value {
    serde_json::from_slice(text).unwrap_or_default()
}

/// The headers by their names in lower case; those that are no text are left out.
fn headers(answer: &Answer<'_>) -> Value {
    let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        Some((name.to_string(), Value::from(value.to_str().ok()?)))
    };
    Value::Object(answer.headers.iter().filter_map(header).collect())
}

/// What the rules look for in each body.
pub(super) fn selectors(plan: &StopPlan) -> Vec<&Selector> {
    let total = match &plan.total {
        Some(TotalPlan {
            source: TotalSource::Body(path),
            ..
        }) => Some(path),
        _ => None,
    };
    total.into_iter().chain(&plan.has_more_path).collect()
}
