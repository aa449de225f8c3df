//! Offsets and page numbers.

use super::Detected;
use super::chains::quoted;
use crate::extract::page::Answer;
use crate::extract::page::members::{Member, TOTAL_NAMES};
use crate::plan::{
    CountedPlan, PageSizePlan, PageUnit, Placement, StopPlan, TotalPlan, TotalSource,
};

/// The names under which APIs give a total of pages.
pub(super) const PAGES_NAMES: [&str; 6] = [
    "total_pages",
    "pages",
    "totalpages",
    "page_count",
    "pagecount",
    "last_page",
];

const OFFSET_NAMES: [&str; 4] = ["offset", "skip", "startat", "start"];
const LIMIT_NAMES: [&str; 3] = ["limit", "maxresults", "max_results"];
const PAGE_NAMES: [&str; 4] = ["page", "current_page", "page_number", "currentpage"];

/// A total of records beside an offset or a limit.
pub(super) fn offset(answer: &Answer<'_>, members: &[Member<'_>]) -> Option<Detected> {
    let total = named(members, &TOTAL_NAMES)?;
    let offset = beside(members, total, &OFFSET_NAMES);
    let limit = beside(members, total, &LIMIT_NAMES);
    let by_page =
        named(members, &PAGES_NAMES).is_some() || beside(members, total, &PAGE_NAMES).is_some();
    if offset.is_none() && (limit.is_none() || by_page) {
        return None;
    }
    let first = offset.and_then(Member::number).unwrap_or(0);
    let size = limit.and_then(Member::number).filter(|limit| *limit > 0);
    let size = size.unwrap_or_else(|| answer.count().max(1));
    let position = offset.map_or("offset", Member::key);
    let limit = limit.map_or("limit", Member::key);
    let mut spec = format!("{{ type: offset, limit: {size}");
    if position != "offset" {
        spec = format!("{spec}, offset_param: {position}");
    }
    if limit != "limit" {
        spec = format!("{spec}, limit_param: {limit}");
    }
    let path = total.selector();
    if path.as_str() != "total" {
        spec = format!("{spec}, total_path: {}", quoted(&path));
    }
    Some(Detected::Numbers {
        plan: CountedPlan {
            unit: PageUnit::Records,
            position: Placement::Query(position.to_owned()),
            first,
            base: 0,
            base_is_assumed: false,
            maximum: None,
            page_size: Some(PageSizePlan {
                size,
                placement: Some(Placement::Query(limit.to_owned())),
            }),
            concurrency: 1,
            stop: stop(total, PageUnit::Records),
        },
        base_is_known: true,
        spec: format!("{spec} }}"),
        reason: format!("a total (`{}`) beside an offset or a limit", path.as_str()),
    })
}

/// A total of pages, or of records beside the number of this page.
///
/// The number of this page tells where the API begins to count. Where there is none, the next page does: it is either
/// the first one again or another.
pub(super) fn page_number(members: &[Member<'_>], counts_records: bool) -> Option<Detected> {
    let pages = named(members, &PAGES_NAMES);
    let page_beside = |total: &Member<'_>| {
        let page = beside(members, total, &PAGE_NAMES)?;
        page.number().filter(|page| *page <= 1)
    };
    let (total, unit, base) = if let Some(pages) = pages {
        // A page that can't be the first one shows that something else is meant.
        if beside(members, pages, &PAGE_NAMES).is_some() && page_beside(pages).is_none() {
            return None;
        }
        (pages, PageUnit::Pages, page_beside(pages))
    } else {
        let total = named(members, &TOTAL_NAMES).filter(|_| counts_records)?;
        (total, PageUnit::Records, Some(page_beside(total)?))
    };
    let path = total.selector();
    let key = match unit {
        PageUnit::Pages => "total_path",
        PageUnit::Records => "total_items_path",
    };
    let base_spec = base.map_or(String::new(), |base| format!("base_page: {base}, "));
    let spec = format!(
        "{{ type: page_number, {base_spec}{key}: {} }}",
        quoted(&path)
    );
    Some(Detected::Numbers {
        plan: CountedPlan {
            unit: PageUnit::Pages,
            position: Placement::Query("page".to_owned()),
            first: base.unwrap_or(0),
            base: base.unwrap_or(0),
            base_is_assumed: false,
            maximum: None,
            page_size: None,
            concurrency: 1,
            stop: StopPlan {
                stop_after_empty_page: counts_records,
                ..stop(total, unit)
            },
        },
        base_is_known: base.is_some(),
        spec,
        reason: match unit {
            PageUnit::Pages => format!("`{}` counts pages", path.as_str()),
            PageUnit::Records => {
                format!(
                    "a total (`{}`) beside the number of this page",
                    path.as_str()
                )
            }
        },
    })
}

fn named<'a, 'b>(members: &'a [Member<'b>], names: &[&str]) -> Option<&'a Member<'b>> {
    let fits = |member: &&Member<'_>| member.is_named(names) && member.number().is_some();
    members.iter().find(fits)
}

fn beside<'a, 'b>(
    members: &'a [Member<'b>],
    other: &Member<'_>,
    names: &[&str],
) -> Option<&'a Member<'b>> {
    members.iter().find(|member| {
        member.is_beside(other) && member.is_named(names) && member.number().is_some()
    })
}

fn stop(total: &Member<'_>, unit: PageUnit) -> StopPlan {
    StopPlan {
        total: Some(TotalPlan {
            source: TotalSource::Body(total.selector()),
            unit,
        }),
        stop_after_empty_page: true,
        ..StopPlan::default()
    }
}
