//! A way of paging in a few words.

use crate::plan::{
    ChainedPlan, CountedPlan, NextPlan, PageSizePlan, PageUnit, PaginatorPlan, StopPlan,
    TotalSource,
};

impl PaginatorPlan {
    /// What is known of it before the first answer; `None` where that is nothing.
    pub fn in_words(&self) -> Option<String> {
        match self {
            Self::Auto(_) => None,
            Self::SinglePage | Self::SingleRecord => Some("one request".to_owned()),
            Self::Counted(plan) => Some(counted(plan)),
            Self::Chained(plan) => Some(chained(plan)),
        }
    }
}

fn counted(plan: &CountedPlan) -> String {
    let name = match plan.unit {
        PageUnit::Records => "offset",
        PageUnit::Pages => "page_number",
    };
    let position = format!("`{}` from {}", plan.position.name(), plan.first);
    [
        Some(format!("{name}: {position}")),
        page_size(plan.page_size.as_ref()),
    ]
    .into_iter()
    .flatten()
    .chain(ends(&plan.stop))
    .collect::<Vec<_>>()
    .join(", ")
}

fn chained(plan: &ChainedPlan) -> String {
    let next = match &plan.next {
        NextPlan::JsonLink { path } => format!("json_link: the link at `{}`", path.as_str()),
        NextPlan::HeaderLink { relation } => {
            format!("header_link: the `Link` header with `rel={relation}`")
        }
        NextPlan::HeaderCursor { header, cursor } => {
            format!(
                "header_cursor: `{}` from the header `{header}`",
                cursor.name()
            )
        }
        NextPlan::BodyCursor { path, cursor } => {
            format!("cursor: `{}` from `{}`", cursor.name(), path.as_str())
        }
        NextPlan::RecordCursor { path, cursor } => format!(
            "cursor: `{}` from `{}` of the last record",
            cursor.name(),
            path.as_str()
        ),
    };
    [Some(next), page_size(plan.page_size.as_ref())]
        .into_iter()
        .flatten()
        .chain(ends(&plan.stop))
        .collect::<Vec<_>>()
        .join(", ")
}

fn page_size(plan: Option<&PageSizePlan>) -> Option<String> {
    plan.map(|plan| format!("{} a page", plan.size))
}

fn ends(stop: &StopPlan) -> Vec<String> {
    let total = stop.total.as_ref().map(|total| {
        let what = match total.unit {
            PageUnit::Records => "records",
            PageUnit::Pages => "pages",
        };
        match &total.source {
            TotalSource::Body(path) => {
                format!("until as many {what} came as `{}` says", path.as_str())
            }
            TotalSource::Header(header) => {
                format!("until as many {what} came as the header `{header}` says")
            }
        }
    });
    let more = stop.has_more_path.as_ref();
    let more = more.map(|path| format!("as long as `{}` is true", path.as_str()));
    let pages = stop.max_pages.map(|most| format!("{most} pages at most"));
    let records = stop
        .max_records
        .map(|most| format!("{most} records at most"));
    let when = stop
        .stop_when
        .as_ref()
        .map(|_| "or until `stop_when` holds".to_owned());
    [total, more, pages, records, when]
        .into_iter()
        .flatten()
        .collect()
}
