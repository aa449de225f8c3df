//! Compiling `paginator`.

use super::Selector;
use super::mistakes::{Mistakes, Place, Reported};
use super::model::{CursorPlan, OffsetPlan, PageNumberPlan, PaginatorPlan};
use crate::spec::{self, Paginator};

/// Query parameter of the offset, unless the spec says otherwise.
pub const DEFAULT_OFFSET_PARAM: &str = "offset";
/// Query parameter of the limit, unless the spec says otherwise.
pub const DEFAULT_LIMIT_PARAM: &str = "limit";
/// Query parameter of the page number, unless the spec says otherwise.
pub const DEFAULT_PAGE_PARAM: &str = "page";
/// Query parameter of the cursor, unless the spec says otherwise.
pub const DEFAULT_CURSOR_PARAM: &str = "cursor";
/// Path of the next cursor, unless the spec says otherwise.
pub const DEFAULT_CURSOR_PATH: &str = "cursors.next";
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
        Paginator::Auto(_) => PaginatorPlan::Auto,
        Paginator::SinglePage(_) => PaginatorPlan::SinglePage,
        Paginator::Offset(offset) => {
            PaginatorPlan::Offset(compile_offset(offset, place, mistakes)?)
        }
        Paginator::PageNumber(page) => {
            PaginatorPlan::PageNumber(compile_page_number(page, place, mistakes)?)
        }
        Paginator::JsonLink(link) => PaginatorPlan::JsonLink {
            next_url_path: selector(
                link.next_url_path
                    .as_deref()
                    .unwrap_or(DEFAULT_NEXT_URL_PATH),
                &place.key("next_url_path"),
                mistakes,
            )?,
        },
        Paginator::HeaderLink(link) => PaginatorPlan::HeaderLink {
            links_next_key: text(link.links_next_key.as_ref(), DEFAULT_LINKS_NEXT_KEY),
        },
        Paginator::Cursor(cursor) => PaginatorPlan::Cursor(CursorPlan {
            cursor_path: selector(
                cursor.cursor_path.as_deref().unwrap_or(DEFAULT_CURSOR_PATH),
                &place.key("cursor_path"),
                mistakes,
            )?,
            cursor_param: text(cursor.cursor_param.as_ref(), DEFAULT_CURSOR_PARAM),
            stop_after_empty_page: cursor.stop_after_empty_page,
            has_more_path: optional_selector(
                cursor.has_more_path.as_deref(),
                &place.key("has_more_path"),
                mistakes,
            )?,
        }),
    })
}

fn compile_offset(
    offset: &spec::Offset,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<OffsetPlan, Reported> {
    if offset.limit == 0 {
        mistakes.add(
            "plan::limit",
            &place.key("limit"),
            "`limit` must be at least 1",
            None,
        );
    }
    let plan = OffsetPlan {
        limit: offset.limit,
        offset: offset.offset,
        offset_param: text(offset.offset_param.as_ref(), DEFAULT_OFFSET_PARAM),
        limit_param: text(offset.limit_param.as_ref(), DEFAULT_LIMIT_PARAM),
        total_path: optional_selector(
            offset.total_path.as_deref(),
            &place.key("total_path"),
            mistakes,
        )?,
        maximum_offset: offset.maximum_offset,
        stop_after_empty_page: offset.stop_after_empty_page,
        has_more_path: optional_selector(
            offset.has_more_path.as_deref(),
            &place.key("has_more_path"),
            mistakes,
        )?,
    };
    if plan.total_path.is_none()
        && plan.maximum_offset.is_none()
        && plan.has_more_path.is_none()
        && !plan.stop_after_empty_page
    {
        endless(place, "maximum_offset", mistakes);
    }
    Ok(plan)
}

fn compile_page_number(
    page: &spec::PageNumber,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<PageNumberPlan, Reported> {
    let plan = PageNumberPlan {
        base_page: page.base_page,
        page: page.page.unwrap_or(page.base_page),
        page_param: text(page.page_param.as_ref(), DEFAULT_PAGE_PARAM),
        total_path: optional_selector(
            page.total_path.as_deref(),
            &place.key("total_path"),
            mistakes,
        )?,
        maximum_page: page.maximum_page,
        stop_after_empty_page: page.stop_after_empty_page,
        has_more_path: optional_selector(
            page.has_more_path.as_deref(),
            &place.key("has_more_path"),
            mistakes,
        )?,
    };
    if plan.total_path.is_none()
        && plan.maximum_page.is_none()
        && plan.has_more_path.is_none()
        && !plan.stop_after_empty_page
    {
        endless(place, "maximum_page", mistakes);
    }
    Ok(plan)
}

fn endless(place: &Place, maximum: &str, mistakes: &mut Mistakes) {
    mistakes.add(
        "plan::endless_paginator",
        place,
        "nothing says when the pages end",
        format!(
            "give `total_path`, `has_more_path` or `{maximum}`, or leave `stop_after_empty_page` on"
        ),
    );
}

fn text(value: Option<&String>, default: &str) -> String {
    value.map_or(default, String::as_str).to_owned()
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
