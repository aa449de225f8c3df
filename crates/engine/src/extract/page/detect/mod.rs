//! Finding the way of paging from the first answer.
//!
//! The first request carried no paging parameters, so that the answer is the first page of any of them. What the answer
//! doesn't prove is not guessed: a wrong guess would read the first page twice or leave out the last one.

mod chains;
mod numbers;
mod suggest;

use super::chained::Chained;
use super::counted::Counted;
use super::members::{MORE_NAMES, Member, TOTAL_NAMES};
use super::stop::Stops;
use super::{Answer, PagerError, Way, fullness};
use crate::plan::{AutoPlan, ChainedPlan, CountedPlan, StopPlan};
pub(in crate::extract) use suggest::suggest;
pub(crate) use suggest::{Suggestion, Suggestions};

/// What was found.
pub(super) struct Found {
    pub(super) way: Way,
    pub(super) stops: Stops,
    /// What was chosen.
    pub(super) detected: super::Detection,
    /// What may mean that records are missing.
    pub(super) warning: Option<String>,
}

/// A way of paging, and the spec that says it.
enum Detected {
    Chain {
        plan: ChainedPlan,
        spec: String,
        reason: String,
    },
    Numbers {
        plan: CountedPlan,
        /// Whether the answer shows the number of the first page.
        base_is_known: bool,
        spec: String,
        reason: String,
    },
}

/// Chooses the way of paging, and says what it chose.
pub(super) fn detect(auto: &AutoPlan, answer: &Answer<'_>) -> Result<Found, PagerError> {
    let members = Member::all(answer.body, answer.records);
    let Some(detected) = detected(auto.counts_records, answer, &members) else {
        refuse_more(answer, &members)?;
        let told = fullness::of_list(answer, &members);
        let asked = true;
        let of_record = false;
        return Ok(Found {
            way: Way::Single { asked, of_record },
            stops: Stops::default(),
            detected: super::Detection {
                spec: "single_page".to_owned(),
                reason: "nothing in the answer tells of more pages".to_owned(),
            },
            warning: told,
        });
    };
    Ok(match detected {
        Detected::Chain {
            mut plan,
            spec,
            reason,
        } => {
            plan.stop = joined(plan.stop, &auto.stop);
            Found {
                stops: Stops::new(&plan.stop, None, 1),
                way: Way::Chained(Chained::behind_first(plan)),
                detected: super::Detection { spec, reason },
                warning: None,
            }
        }
        Detected::Numbers {
            mut plan,
            base_is_known,
            spec,
            reason,
        } => {
            plan.stop = joined(plan.stop, &auto.stop);
            plan.concurrency = auto.concurrency;
            Found {
                stops: Stops::new(&plan.stop, plan.page_size.as_ref(), plan.concurrency),
                way: Way::Counted(Counted::behind_first(plan, base_is_known)),
                detected: super::Detection { spec, reason },
                warning: None,
            }
        }
    })
}

fn detected(counts_records: bool, answer: &Answer<'_>, members: &[Member<'_>]) -> Option<Detected> {
    chains::link(answer, members)
        .or_else(|| numbers::offset(answer, members).filter(|_| counts_records))
        .or_else(|| numbers::page_number(members, counts_records))
        .or_else(|| chains::cursor(answer, members))
}

/// The rules that were found, and those of the spec, which come first.
fn joined(found: StopPlan, spec: &StopPlan) -> StopPlan {
    StopPlan {
        total: spec.total.clone().or(found.total),
        has_more_path: spec.has_more_path.clone().or(found.has_more_path),
        stop_after_empty_page: spec.stop_after_empty_page || found.stop_after_empty_page,
        ..spec.clone()
    }
}

/// Headers in which APIs give the number of all records.
const TOTAL_HEADERS: [&str; 3] = ["x-total-count", "x-total", "x-total-records"];

/// The header that gives a total of more records than came.
fn total_header(answer: &Answer<'_>) -> Option<&'static str> {
    TOTAL_HEADERS.into_iter().find(|name| {
        let total = answer
            .headers
            .get(*name)
            .and_then(|total| total.to_str().ok());
        let total = total.and_then(|total| total.trim().parse::<u64>().ok());
        total.is_some_and(|total| total > answer.count())
    })
}

/// Fails where an answer without a way of paging says that there is more.
fn refuse_more(answer: &Answer<'_>, members: &[Member<'_>]) -> Result<(), PagerError> {
    let count = answer.count();
    let exceeds = |names: &[&str], least: u64| {
        let more = |member: &&Member<'_>| {
            member.is_named(names) && member.number().is_some_and(|number| number > least)
        };
        members.iter().find(more)
    };
    let more = exceeds(&TOTAL_NAMES, count).or_else(|| exceeds(&numbers::PAGES_NAMES, 1));
    if let Some(member) = more {
        return Err(PagerError::Undetected {
            path: member.selector().as_str().to_owned(),
            records: count,
        });
    }
    if let Some(name) = total_header(answer) {
        return Err(PagerError::Undetected {
            path: name.to_owned(),
            records: count,
        });
    }
    let promised = |member: &&Member<'_>| member.is_named(&MORE_NAMES) && member.is_true();
    match members.iter().find(promised) {
        Some(member) => Err(PagerError::UndetectedMore {
            path: member.selector().as_str().to_owned(),
        }),
        None => Ok(()),
    }
}
