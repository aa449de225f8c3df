//! Pagination: which requests follow an answer.
//!
//! Pagers are plain values without a socket: answers in, the next requests out.

mod chained;
mod counted;
mod detect;
mod error;
pub(super) mod fullness;
mod guard;
mod header_link;
mod members;
mod scalar;
mod stop;

#[cfg(test)]
mod tests;

use std::ops::Range;

use http::HeaderMap;
use serde_json::Value;
use url::Url;

use crate::plan::{AutoPlan, PaginatorPlan, Placement, Selector};
use chained::Chained;
use counted::Counted;
pub(super) use detect::suggest;
pub(crate) use detect::{Suggestion, Suggestions};
pub use error::PagerError;
use guard::LoopGuard;
use stop::{Stops, Verdict};

/// What a pager knows of an answer.
#[derive(Clone, Copy)]
pub(super) struct Answer<'a> {
    /// The URL that gave it, behind redirects.
    pub(super) url: &'a Url,
    pub(super) headers: &'a HeaderMap,
    /// A whole JSON document.
    pub(super) body: &'a [u8],
    /// Where the records lie in the body.
    pub(super) records: &'a [Range<usize>],
    /// Of a large page, whose body here holds the last record alone.
    pub(super) elsewhere: Option<AllRecords>,
    /// First matches that were found when the body was read.
    pub(super) values: &'a [(Selector, Option<Range<usize>>)],
}

/// What is known of records that are not in memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct AllRecords {
    /// How many there are.
    pub(super) records: u64,
    /// A hash of all of them.
    pub(super) hash: u128,
}

/// A request of a page.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Ask {
    /// The URL to ask in place of the slice's own.
    pub(super) link: Option<Url>,
    /// Values in place of those that the slice's request has.
    pub(super) values: Vec<(Placement, Value)>,
}

/// What a pager makes of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) keep: Keep,
    /// Why more pages follow, or none.
    pub(super) reason: String,
    /// The way of paging that was found.
    pub(super) detected: Option<Detection>,
    /// What has been asked for behind this page lies elsewhere than was thought; its answers are not for this pager.
    pub(super) restart: bool,
    /// What a person should know.
    pub(super) notices: Vec<String>,
    /// What may mean that records are missing.
    pub(super) warnings: Vec<String>,
    /// Why the pages end here though more may follow.
    pub(super) cut_short: Option<String>,
    /// Why records may be missing anywhere among those that came.
    pub(super) missing: Option<String>,
}

/// A way of paging that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Detection {
    /// The value of `paginator` that says it.
    pub(super) spec: String,
    /// What in the answer led to it.
    pub(super) reason: String,
}

/// How much of a page belongs to the slice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Keep {
    #[default]
    All,
    /// The first so many records.
    First(usize),
    /// Nothing: the page is the one before it, asked for to learn where the API begins to count.
    Nothing,
}

/// The pagination of one slice.
///
/// `ask` gives the requests that may go out, until there are none for now; `turn` takes their answers in the order in
/// which they were asked for. The slice is read once no request is out and `ask` gives none.
pub(super) struct Pager {
    way: Way,
    stops: Stops,
    guard: LoopGuard,
    ended: bool,
}

enum Way {
    /// Not found yet.
    Auto {
        plan: AutoPlan,
        asked: bool,
    },
    Single {
        asked: bool,
        of_record: bool,
    },
    Counted(Counted),
    Chained(Chained),
}

impl Pager {
    /// Stands before the first page.
    pub(super) fn new(plan: &PaginatorPlan) -> Self {
        let (way, stops) = match plan {
            PaginatorPlan::Auto(plan) => {
                let plan = plan.clone();
                (Way::Auto { plan, asked: false }, Stops::default())
            }
            PaginatorPlan::SinglePage | PaginatorPlan::SingleRecord => {
                let of_record = matches!(plan, PaginatorPlan::SingleRecord);
                let asked = false;
                (Way::Single { asked, of_record }, Stops::default())
            }
            PaginatorPlan::Counted(plan) => {
                let stops = Stops::new(&plan.stop, plan.page_size.as_ref(), plan.concurrency);
                (Way::Counted(Counted::new(plan.clone())), stops)
            }
            PaginatorPlan::Chained(plan) => {
                let stops = Stops::new(&plan.stop, plan.page_size.as_ref(), 1);
                (Way::Chained(Chained::new(plan.clone())), stops)
            }
        };
        Self {
            way,
            stops,
            guard: LoopGuard::default(),
            ended: false,
        }
    }

    /// Whether it looks at the whole body of each answer.
    pub(super) fn looks_at_body(&self) -> bool {
        let plan = match &self.way {
            Way::Auto { plan, .. } => &plan.stop,
            _ => self.stops.plan(),
        };
        plan.stop_when
            .as_ref()
            .is_some_and(|expression| expression.names().iter().any(|name| name == "body"))
    }

    /// A request that may go out now; it counts as sent.
    pub(super) fn ask(&mut self) -> Option<Ask> {
        if self.ended {
            return None;
        }
        match &mut self.way {
            Way::Auto { asked, .. } | Way::Single { asked, .. } => {
                (!std::mem::replace(asked, true)).then(Ask::default)
            }
            Way::Counted(counted) => counted.ask(),
            Way::Chained(chained) => chained.ask(),
        }
    }

    /// Ends the slice: the next answer that is taken is the last one, whatever it says.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    /// Whether nothing more is read, whatever is still out.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Ends the slice behind the pages that came, and says where they told that more follows.
    ///
    /// `stopped`: the spec says that nothing follows.
    pub(super) fn end_here(&mut self, stopped: bool) -> Option<String> {
        self.ended = true;
        let was_linked = || {
            let was_linked = matches!(self.way, Way::Chained(_)) && self.stops.pages() > 0;
            (was_linked && !stopped).then(|| {
                "`response_actions` ignored a page to which the page before it leads: more may follow; where such an \
                 answer is the end, write `action: stop`"
                    .to_owned()
            })
        };
        self.stops.unkept_promise().or_else(was_linked)
    }

    /// Why records may be missing among those that came so far.
    pub(super) fn moved_records(&self) -> Option<String> {
        match self.way {
            Way::Counted(_) => self.stops.moved_records(),
            _ => None,
        }
    }

    /// Ends the slice with this answer, whatever it says.
    pub(super) fn end_with(&mut self, answer: &Answer<'_>) -> Turn {
        self.stops.see_last(answer);
        Turn {
            reason: "`response_actions` end the pages with this answer".to_owned(),
            cut_short: self.end_here(true),
            ..Turn::default()
        }
    }

    /// The values that the turns will ask for, so that they can be found while the body is read.
    pub(super) fn selectors(&self) -> Vec<&Selector> {
        let mut selectors = match &self.way {
            Way::Auto { plan, .. } => stop::selectors(&plan.stop),
            _ => stop::selectors(self.stops.plan()),
        };
        if let Way::Chained(chained) = &self.way {
            selectors.extend(chained.selector());
        }
        selectors
    }

    /// Takes the answer to the oldest request that is out.
    pub(super) fn turn(&mut self, answer: &Answer<'_>) -> Result<Turn, PagerError> {
        let mut turn = Turn::default();
        if self.ended {
            "the answer has no body".clone_into(&mut turn.reason);
            return Ok(turn);
        }
        if let Way::Auto { plan, .. } = &self.way {
            let found = detect::detect(plan, answer)?;
            turn.detected = Some(found.detected);
            turn.warnings.extend(found.warning);
            (self.way, self.stops) = (found.way, found.stops);
        }
        match &mut self.way {
            Way::Auto { .. } => self.ended = true,
            Way::Single { of_record, .. } => {
                self.ended = true;
                turn.reason = match (&turn.detected, *of_record) {
                    (Some(detected), _) => detected.reason.clone(),
                    (None, true) => "the path names one record".to_owned(),
                    (None, false) => "the paginator is `single_page`".to_owned(),
                };
                let told = of_record.then(|| fullness::of_record(answer)).flatten();
                turn.warnings.extend(told);
            }
            Way::Counted(_) => self.turn_counted(answer, &mut turn)?,
            Way::Chained(_) => self.turn_chained(answer, &mut turn)?,
        }
        Ok(turn)
    }

    fn turn_counted(&mut self, answer: &Answer<'_>, turn: &mut Turn) -> Result<(), PagerError> {
        let Way::Counted(counted) = &mut self.way else {
            return Ok(());
        };
        let records = guard::records_hash(answer);
        if let Some(notice) = counted.compare_with_first(records) {
            let (keep, text) = notice;
            turn.keep = keep;
            turn.reason.clone_from(&text);
            turn.notices.push(text);
            if keep == Keep::Nothing {
                return Ok(());
            }
        }
        let same = self.guard.see_page(records);
        same.map_err(|same| counted.explain_same_page(same))?;
        let count = self.stops.see(answer);
        if count == 0 && self.stops.plan().stop_after_empty_page || counted.is_probing() {
            let total = self.stops.total_if_there(answer);
            let end = counted.turn_empty(count, total, &self.stops)?;
            self.ended = end.ended;
            turn.reason = if end.ended {
                "the page has no records".to_owned()
            } else {
                "page 0 has no records, and page 1 shows whether it is the first one".to_owned()
            };
            turn.warnings.extend(end.warning);
            turn.cut_short = end.cut_short;
            if end.ended {
                turn.warnings.extend(self.stops.read_total_at_end(answer)?);
                let more = self.stops.more_behind_the_end(answer)?;
                turn.cut_short = turn.cut_short.take().or(more);
            }
            return Ok(());
        }
        turn.warnings.extend(self.stops.read_total(answer)?);
        let step = counted.turn(count, answer, &self.stops)?;
        let next = step.next.map(Value::from);
        let verdict = self.stops.decide(answer, next.as_ref())?;
        turn.restart = step.restart;
        let more = step.next.is_some() || step.stopped_at_maximum.is_some();
        // Where the first pages are skipped, the total counts more than can come.
        if matches!(verdict, Verdict::Complete { .. }) && counted.starts_at_base() {
            turn.missing = self.stops.missing_records(answer);
        }
        turn.reason = match step.next {
            Some(next) => self.stops.next_of(&counted.shown(next)),
            None if count == 0 => "the page has no records".to_owned(),
            None => "the total says that it is the last page".to_owned(),
        };
        self.apply(verdict, more, turn);
        if let Some(reason) = step.stopped_at_maximum.filter(|_| !self.ended) {
            self.ended = true;
            turn.reason.clone_from(&reason);
            turn.cut_short = Some(reason);
        }
        Ok(())
    }

    fn turn_chained(&mut self, answer: &Answer<'_>, turn: &mut Turn) -> Result<(), PagerError> {
        let Way::Chained(chained) = &mut self.way else {
            return Ok(());
        };
        self.guard.see_page(guard::body_hash(answer))?;
        let count = self.stops.see(answer);
        if count == 0 && self.stops.plan().stop_after_empty_page {
            self.ended = true;
            "the page has no records".clone_into(&mut turn.reason);
            turn.warnings.extend(self.stops.read_total_at_end(answer)?);
            turn.missing = self.stops.missing_records(answer);
            turn.cut_short = self.stops.more_behind_the_end(answer)?;
            return Ok(());
        }
        turn.warnings.extend(self.stops.read_total(answer)?);
        let next = chained.find(answer)?;
        let missing = next.is_none().then(|| chained.missing());
        let shown = next.as_ref().map(chained::shown);
        turn.reason = match &next {
            Some(next) => self.stops.next_of(&chained.told(next)),
            None => format!("the answer has no {}", chained.missing_where()),
        };
        let verdict = self.stops.decide(answer, shown.as_ref())?;
        if let (Verdict::GoOn { promised: true }, Some(missing)) = (&verdict, missing) {
            return Err(PagerError::MoreWithoutNext { missing });
        }
        let more = next.is_some();
        if let (Verdict::GoOn { .. }, Some(next)) = (&verdict, next) {
            self.guard.see_request(&next)?;
            chained.go_on(next);
        }
        let is_end = !more || matches!(verdict, Verdict::Complete { .. });
        self.apply(verdict, more, turn);
        if is_end && turn.cut_short.is_none() {
            turn.missing = self.stops.missing_records(answer);
        }
        Ok(())
    }

    /// Ends the slice where a rule or the way itself says so.
    fn apply(&mut self, verdict: Verdict, more: bool, turn: &mut Turn) {
        match verdict {
            Verdict::GoOn { .. } => self.ended = !more,
            Verdict::Complete { reason } => {
                self.ended = true;
                turn.reason = reason;
            }
            Verdict::Stop {
                cut_short,
                keep,
                reason,
            } => {
                self.ended = true;
                turn.reason = reason;
                turn.keep = keep;
                turn.cut_short = cut_short.filter(|_| more || keep != Keep::All);
            }
        }
    }
}

impl Answer<'_> {
    /// How many records it has.
    fn count(&self) -> u64 {
        match &self.elsewhere {
            Some(all) => all.records,
            None => u64::try_from(self.records.len()).unwrap_or(u64::MAX),
        }
    }

    /// The JSON text of a selector's first match.
    fn value(&self, selector: &Selector) -> Option<&[u8]> {
        match self.values.iter().find(|(known, _)| known == selector) {
            Some((_, range)) => range.clone().map(|range| &self.body[range]),
            // The body is known to be JSON, so that an error can only mean that nothing is there.
            None => selector.value(self.body).ok().flatten(),
        }
    }
}

/// Looks for the next link in a header of any bytes.
#[cfg(any(test, feature = "fuzzing"))]
pub(super) fn fuzz_link_header(data: &[u8]) {
    let Ok(value) = http::HeaderValue::from_bytes(data) else {
        return;
    };
    let headers = HeaderMap::from_iter([(http::header::LINK, value)]);
    let url = Url::parse("https://a.example/x").expect("a URL");
    let answer = Answer {
        url: &url,
        headers: &headers,
        body: b"{}",
        records: &[],
        elsewhere: None,
        values: &[],
    };
    drop(header_link::next("next", &answer));
}
