//! Compiling `paginator`.

mod model;
mod placement;
mod selected;
mod stop;
mod words;

pub use model::{
    AutoPlan, ChainedPlan, CountedPlan, NextPlan, PageSizePlan, PageUnit, PaginatorPlan,
    STOP_NAMES, StopPlan, TotalPlan, TotalSource,
};

pub(super) use placement::check_body;
use placement::{Places, page_size};
pub(super) use selected::check_selector;

use super::Selector;
use super::client::header_name;
use super::mistakes::{Mistakes, Place, Reported};
use crate::spec::{self, DEFAULT_PAGE_CONCURRENCY, Paginator};

/// Query parameter of the offset, unless the spec says otherwise.
pub const DEFAULT_OFFSET_PARAM: &str = "offset";
/// Query parameter of the limit, unless the spec says otherwise.
pub const DEFAULT_LIMIT_PARAM: &str = "limit";
/// Query parameter of the page number, unless the spec says otherwise.
pub const DEFAULT_PAGE_PARAM: &str = "page";
/// Number of the first page, unless the spec says otherwise.
pub const DEFAULT_BASE_PAGE: u64 = 0;
/// Query parameter of the cursor, unless the spec says otherwise.
pub const DEFAULT_CURSOR_PARAM: &str = "cursor";
/// Path of the next cursor, unless the spec says otherwise.
pub const DEFAULT_CURSOR_PATH: &str = "cursors.next";
/// Header of the next cursor, unless the spec says otherwise.
pub const DEFAULT_CURSOR_KEY: &str = "next";
/// Path of the next page's URL, unless the spec says otherwise.
pub const DEFAULT_NEXT_URL_PATH: &str = "next";
/// Relation type of the next page, unless the spec says otherwise.
pub const DEFAULT_LINKS_NEXT_KEY: &str = "next";

pub(super) fn compile(
    paginator: &Paginator,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<PaginatorPlan, Reported> {
    Ok(match paginator {
        Paginator::Auto(auto) => {
            let concurrency = concurrency(auto.concurrency, place, mistakes);
            let stop = stop::compile(&auto.stop_keys(), PageUnit::Records, place, mistakes);
            check_short_page(&auto.stop_keys(), None, place, mistakes);
            PaginatorPlan::Auto(AutoPlan {
                stop: stop?,
                concurrency: concurrency?,
                counts_records: true,
            })
        }
        Paginator::SinglePage(_) => PaginatorPlan::SinglePage,
        Paginator::Offset(offset) => PaginatorPlan::Counted(by_offset(offset, place, mistakes)?),
        Paginator::PageNumber(page) => {
            PaginatorPlan::Counted(by_page_number(page, place, mistakes)?)
        }
        Paginator::JsonLink(link) => {
            let path = link.next_url_path.as_deref();
            let path = path.unwrap_or(DEFAULT_NEXT_URL_PATH);
            let next = selector(path, &place.key("next_url_path"), mistakes)
                .map(|path| NextPlan::JsonLink { path });
            chained(
                next,
                &link.stop_keys(),
                &link.page_size_keys(),
                place,
                mistakes,
            )?
        }
        Paginator::HeaderLink(link) => {
            let relation = link.links_next_key.as_deref();
            let relation = relation.unwrap_or(DEFAULT_LINKS_NEXT_KEY).to_owned();
            let next = Ok(NextPlan::HeaderLink { relation });
            chained(
                next,
                &link.stop_keys(),
                &link.page_size_keys(),
                place,
                mistakes,
            )?
        }
        Paginator::HeaderCursor(cursor) => {
            let next = header_cursor(cursor, place, mistakes);
            chained(
                next,
                &cursor.stop_keys(),
                &cursor.page_size_keys(),
                place,
                mistakes,
            )?
        }
        Paginator::Cursor(cursor) => {
            let next = body_cursor(cursor, place, mistakes);
            chained(
                next,
                &cursor.stop_keys(),
                &cursor.page_size_keys(),
                place,
                mistakes,
            )?
        }
    })
}

fn by_offset(
    offset: &spec::Offset,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<CountedPlan, Reported> {
    if offset.limit == 0 {
        let message = "`limit` must be at least 1";
        mistakes.add("plan::limit", &place.key("limit"), message, None);
    }
    let position = Places {
        value: "offset",
        param: offset.offset_param.as_ref(),
        body_path: offset.offset_body_path.as_ref(),
        header: offset.offset_header.as_ref(),
    };
    let position = position.compile_or(DEFAULT_OFFSET_PARAM, place, mistakes);
    let limit = Places {
        value: "limit",
        param: offset.limit_param.as_ref(),
        body_path: offset.limit_body_path.as_ref(),
        header: offset.limit_header.as_ref(),
    };
    let limit = limit.compile_or(DEFAULT_LIMIT_PARAM, place, mistakes);
    let concurrency = concurrency(offset.concurrency, place, mistakes);
    let stop = stop::compile(&offset.stop_keys(), PageUnit::Records, place, mistakes);
    let plan = CountedPlan {
        unit: PageUnit::Records,
        position: position?,
        first: offset.offset,
        base: 0,
        base_is_assumed: false,
        maximum: offset.maximum_offset,
        page_size: Some(PageSizePlan {
            size: offset.limit,
            placement: Some(limit?),
        }),
        concurrency: concurrency?,
        stop: stop?,
    };
    check_end(&plan, "maximum_offset", place, mistakes);
    Ok(plan)
}

fn by_page_number(
    page: &spec::PageNumber,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<CountedPlan, Reported> {
    let position = Places {
        value: "page",
        param: page.page_param.as_ref(),
        body_path: page.page_body_path.as_ref(),
        header: page.page_header.as_ref(),
    };
    let position = position.compile_or(DEFAULT_PAGE_PARAM, place, mistakes);
    let base = page.base_page.unwrap_or(DEFAULT_BASE_PAGE);
    let page_size = page_size(&page.page_size_keys(), place, mistakes);
    let concurrency = concurrency(page.concurrency, place, mistakes);
    let stop = stop::compile(&page.stop_keys(), PageUnit::Pages, place, mistakes);
    check_short_page(&page.stop_keys(), page.page_size, place, mistakes);
    let plan = CountedPlan {
        unit: PageUnit::Pages,
        position: position?,
        first: page.page.unwrap_or(base),
        base,
        base_is_assumed: page.base_page.is_none() && page.page.is_none(),
        maximum: page.maximum_page,
        page_size: page_size?,
        concurrency: concurrency?,
        stop: stop?,
    };
    check_end(&plan, "maximum_page", place, mistakes);
    Ok(plan)
}

fn header_cursor(
    cursor: &spec::HeaderCursor,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<NextPlan, Reported> {
    let key = cursor.cursor_key.as_deref().unwrap_or(DEFAULT_CURSOR_KEY);
    let header = header_name(key, &place.key("cursor_key"), mistakes);
    let places = Places {
        value: "cursor",
        param: cursor.cursor_param.as_ref(),
        body_path: cursor.cursor_body_path.as_ref(),
        header: cursor.cursor_header.as_ref(),
    };
    let cursor = places.compile_or(DEFAULT_CURSOR_PARAM, place, mistakes)?;
    Ok(NextPlan::HeaderCursor {
        header: header?,
        cursor,
    })
}

fn body_cursor(
    cursor: &spec::Cursor,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<NextPlan, Reported> {
    let places = Places {
        value: "cursor",
        param: cursor.cursor_param.as_ref(),
        body_path: cursor.cursor_body_path.as_ref(),
        header: cursor.cursor_header.as_ref(),
    };
    let placement = places.compile_or(DEFAULT_CURSOR_PARAM, place, mistakes);
    let (cursor_path, record_path) = (&cursor.cursor_path, &cursor.cursor_record_path);
    if let Some(path) = record_path {
        if cursor_path.is_some() {
            return Err(mistakes.add(
                "plan::two_cursor_paths",
                &place.key("cursor_record_path"),
                "`cursor_path` and `cursor_record_path` both give the cursor",
                "keep one of them".to_owned(),
            ));
        }
        let path = selector(path, &place.key("cursor_record_path"), mistakes);
        return Ok(NextPlan::RecordCursor {
            path: path?,
            cursor: placement?,
        });
    }
    let path = cursor_path.as_deref().unwrap_or(DEFAULT_CURSOR_PATH);
    let path = selector(path, &place.key("cursor_path"), mistakes);
    Ok(NextPlan::BodyCursor {
        path: path?,
        cursor: placement?,
    })
}

fn chained(
    next: Result<NextPlan, Reported>,
    stop: &spec::StopKeys<'_>,
    size: &spec::PageSizeKeys<'_>,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<PaginatorPlan, Reported> {
    check_short_page(stop, size.size, place, mistakes);
    let page_size = page_size(size, place, mistakes);
    let stop = stop::compile(stop, PageUnit::Records, place, mistakes);
    Ok(PaginatorPlan::Chained(ChainedPlan {
        next: next?,
        page_size: page_size?,
        stop: stop?,
    }))
}

fn concurrency(
    value: Option<usize>,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<usize, Reported> {
    match value.unwrap_or(DEFAULT_PAGE_CONCURRENCY) {
        0 => {
            let message = "`concurrency` must be at least 1";
            Err(mistakes.add(
                "plan::concurrency",
                &place.key("concurrency"),
                message,
                None,
            ))
        }
        concurrency => Ok(concurrency),
    }
}

/// Numbers never end by themselves.
fn check_end(plan: &CountedPlan, maximum: &str, place: &Place, mistakes: &mut Mistakes) {
    let stop = &plan.stop;
    let ends = plan.maximum.is_some()
        || stop.total.is_some()
        || stop.has_more_path.is_some()
        || stop.stop_after_empty_page
        || stop.stop_after_short_page
        || stop.max_pages.is_some()
        || stop.max_records.is_some()
        || stop.stop_when.is_some();
    if !ends {
        mistakes.add(
            "plan::endless_paginator",
            place,
            "nothing says when the pages end",
            format!(
                "give `total_path`, `has_more_path` or `{maximum}`, or leave `stop_after_empty_page` on"
            ),
        );
    }
}

fn check_short_page(
    stop: &spec::StopKeys<'_>,
    page_size: Option<u64>,
    place: &Place,
    mistakes: &mut Mistakes,
) {
    if stop.stop_after_short_page && page_size.is_none() {
        mistakes.add(
            "plan::short_page",
            &place.key("stop_after_short_page"),
            "nothing says how many records a full page has",
            "give `page_size`, or `limit` with `type: offset`".to_owned(),
        );
    }
}

/// A selector that the spec gives.
pub(super) fn selector(
    text: &str,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<Selector, Reported> {
    Selector::parse(text).map_err(|error| {
        mistakes.add(
            "plan::selector",
            place,
            error.to_string(),
            "a selector is a JSONPath (RFC 9535), such as `data.items` or `people.*`".to_owned(),
        )
    })
}

fn optional_selector(
    text: Option<&str>,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<Option<Selector>, Reported> {
    text.map(|text| selector(text, place, mistakes)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Placement;

    /// Compiles what a spec says, without mistakes.
    fn compiled(yaml: &str) -> PaginatorPlan {
        let (kind, keys) = yaml.split_once(' ').unwrap_or((yaml, "{}"));
        let keys = keys.to_owned();
        let read = |error: serde_yaml::Error| format!("{keys}: {error}");
        let paginator = match kind {
            "offset" => Paginator::Offset(serde_yaml::from_str(&keys).map_err(read).unwrap()),
            "page_number" => {
                Paginator::PageNumber(serde_yaml::from_str(&keys).map_err(read).unwrap())
            }
            "cursor" => Paginator::Cursor(serde_yaml::from_str(&keys).map_err(read).unwrap()),
            _ => Paginator::HeaderCursor(serde_yaml::from_str(&keys).map_err(read).unwrap()),
        };
        let mut mistakes = Mistakes::default();
        let plan = compile(&paginator, &Place::root(), &mut mistakes);
        mistakes.into_result(plan).unwrap()
    }

    fn counted(yaml: &str) -> CountedPlan {
        match compiled(yaml) {
            PaginatorPlan::Counted(plan) => plan,
            other => panic!("{other:?}"),
        }
    }

    fn chained(yaml: &str) -> ChainedPlan {
        match compiled(yaml) {
            PaginatorPlan::Chained(plan) => plan,
            other => panic!("{other:?}"),
        }
    }

    fn total(path: &str, unit: PageUnit) -> TotalPlan {
        let source = TotalSource::Body(Selector::parse(path).unwrap());
        TotalPlan { source, unit }
    }

    #[test]
    fn the_defaults_are_those_of_dlt() {
        let plan = counted("offset {limit: 10}");
        assert_eq!(plan.position, Placement::Query("offset".to_owned()));
        let size = plan.page_size.unwrap();
        assert_eq!(size.placement, Some(Placement::Query("limit".to_owned())));
        assert_eq!((plan.first, size.size), (0, 10));
        assert_eq!(plan.stop.total, Some(total("total", PageUnit::Records)));
        assert!(plan.stop.stop_after_empty_page);
        let plan = counted("page_number");
        assert_eq!(plan.position, Placement::Query("page".to_owned()));
        assert_eq!((plan.first, plan.base), (0, 0));
        assert_eq!(plan.stop.total, Some(total("total", PageUnit::Pages)));
        let plan = counted("page_number {base_page: 1}");
        assert_eq!((plan.first, plan.base_is_assumed), (1, false));
        let plan = chained("cursor");
        let path = Selector::parse("cursors.next").unwrap();
        let cursor = Placement::Query("cursor".to_owned());
        assert_eq!(plan.next, NextPlan::BodyCursor { path, cursor });
        assert_eq!(plan.stop, StopPlan::default());
        let plan = chained("header_cursor");
        let header = http::HeaderName::from_static("next");
        let cursor = Placement::Query("cursor".to_owned());
        assert_eq!(plan.next, NextPlan::HeaderCursor { header, cursor });
    }

    #[test]
    fn values_may_go_elsewhere() {
        let plan = counted("offset {limit: 10, offset_body_path: page.from, limit_header: X-Size}");
        let keys = vec!["page".to_owned(), "from".to_owned()];
        assert_eq!(plan.position, Placement::Body(keys));
        let header = Placement::Header(http::HeaderName::from_static("x-size"));
        assert_eq!(plan.page_size.unwrap().placement, Some(header));
    }

    #[test]
    fn another_total_stands_in_for_the_default() {
        let total_of = |yaml: &str| counted(yaml).stop.total;
        assert_eq!(total_of("page_number {total_path: null}"), None);
        assert_eq!(
            total_of("page_number {total_items_path: total}"),
            Some(total("total", PageUnit::Records))
        );
        assert_eq!(
            total_of("offset {limit: 10, total_pages_path: pages}"),
            Some(total("pages", PageUnit::Pages))
        );
        let header = total_of("offset {limit: 10, total_items_header: X-Total-Count}");
        let name = http::HeaderName::from_static("x-total-count");
        assert_eq!(header.unwrap().source, TotalSource::Header(name));
    }
}
