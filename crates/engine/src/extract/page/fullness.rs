//! Signs that a page that is taken for the only one is not.

use super::Answer;
use super::members::{MORE_NAMES, Member, TOTAL_NAMES};
use crate::plan::Selector;

/// The names under which requests and answers give the size of a page.
const SIZE_NAMES: [&str; 12] = [
    "limit",
    "per_page",
    "perpage",
    "page_size",
    "pagesize",
    "page[size]",
    "size",
    "max_results",
    "maxresults",
    "$top",
    "top",
    "first",
];

/// What to tell of the only page of a list that was found to have no pages.
pub(super) fn of_list(answer: &Answer<'_>, members: &[Member<'_>]) -> Option<String> {
    let count = answer.count();
    let is_size = |name: &str, number: Option<u64>| {
        number == Some(count)
            && SIZE_NAMES
                .iter()
                .any(|size| name.eq_ignore_ascii_case(size))
    };
    let mut query = answer.url.query_pairs();
    let asked = query.find(|(name, value)| is_size(name, value.parse().ok()));
    let asked = asked.map(|(name, _)| name.into_owned());
    let told = || {
        let member = members
            .iter()
            .find(|one| is_size(one.key(), one.number()))?;
        Some(member.selector().as_str().to_owned())
    };
    let is_all = members
        .iter()
        .any(|member| member.is_named(&TOTAL_NAMES) && member.number() == Some(count));
    if count == 0 || is_all {
        return None;
    }
    let reason = match asked.or_else(told) {
        Some(name) => format!("it is full: it has {count} records, as many as `{name}` says"),
        None if is_usual_limit(count) => {
            format!(
                "it may be full: it has {count} records, a number to which APIs limit their pages"
            )
        }
        None => return None,
    };
    Some(format!(
        "only one page was read, and {reason}; if the API has more, set `paginator`, otherwise write \
         `paginator: single_page`"
    ))
}

/// Whether an API may give no more than that at once: round numbers.
pub(super) fn is_usual_limit(count: u64) -> bool {
    count > 0 && (count.is_multiple_of(10) || count.is_multiple_of(25))
}

/// What to tell of an answer that is taken for one record, since the path names one.
pub(in crate::extract) fn of_record(answer: &Answer<'_>) -> Option<String> {
    let members = Member::all(answer.body, &[]);
    let more = members.iter().find(|member| {
        (member.is_next(&["href", "url"]) && member.is_link())
            || (member.is_named(&MORE_NAMES) && member.is_true())
    });
    let candidates = || Selector::candidates(answer.body).into_iter().next();
    if let Some((more, list)) = more.zip(candidates()) {
        return Some(format!(
            "the answer is taken for one record, since the path ends with a placeholder, but it has a list (`{list}`) \
             and says that more follows (`{}`): set `data_selector` and `paginator`",
            more.selector().as_str()
        ));
    }
    let list = Selector::list_within(answer.body).filter(|_| is_whole(answer))?;
    Some(format!(
        "the answer is taken for one record, since the path ends with a placeholder, but it has nothing of its own beside \
         a list (`{list}`): set `data_selector`, or write `data_selector: $`"
    ))
}

/// Whether the only record is the body itself.
fn is_whole(answer: &Answer<'_>) -> bool {
    let starts = |record: &std::ops::Range<usize>| {
        let before = answer.body.get(..record.start).unwrap_or_default();
        before.iter().all(u8::is_ascii_whitespace)
    };
    matches!(answer.records, [record] if starts(record))
}
