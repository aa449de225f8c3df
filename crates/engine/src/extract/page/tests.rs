use http::{HeaderValue, header::LINK};
use serde_json::{Value, json};

use super::*;
use crate::plan::{CursorPlan, OffsetPlan, PageNumberPlan};

fn selector(text: &str) -> Selector {
    Selector::parse(text).unwrap()
}

/// Takes a pager one step on; the records lie under `items`.
fn turn_with(pager: &mut Pager, body: &Value, headers: &HeaderMap) -> Result<Turn, PagerError> {
    let text = body.to_string();
    let wanted: Vec<Selector> = pager.selectors().into_iter().cloned().collect();
    let reading = selector("items")
        .read(&wanted.iter().collect::<Vec<_>>(), text.as_bytes())
        .unwrap();
    let values: Vec<_> = wanted.into_iter().zip(reading.values).collect();
    pager.turn(&Answer {
        url: &"https://a.b/v0/x?page=1".parse().unwrap(),
        headers,
        body: text.as_bytes(),
        records: &reading.selection.records,
        values: &values,
    })
}

fn turn(pager: &mut Pager, body: &Value) -> Result<Turn, PagerError> {
    turn_with(pager, body, &HeaderMap::new())
}

/// The next step in one line.
fn next(pager: &mut Pager, body: &Value) -> String {
    turn(pager, body).map_or_else(|error| format!("error: {error}"), |turn| shown(&turn.next))
}

fn shown(next: &Next) -> String {
    match next {
        Next::Done => "done".to_owned(),
        Next::Link(url) => url.to_string(),
        Next::Values(values) => values
            .iter()
            .map(|(place, value)| {
                let text = value.as_str().map_or(value.to_string(), str::to_owned);
                match place {
                    Placement::Query(name) => format!("{name}={text}"),
                    Placement::Header(name) => format!("{name}: {text}"),
                    Placement::Body(keys) => format!("{}={value}", keys.join(".")),
                }
            })
            .collect::<Vec<_>>()
            .join(" "),
    }
}

/// Records that differ from page to page.
fn items(count: usize, seed: u64) -> Value {
    (0..count)
        .map(|position| json!(seed * 10_000 + position as u64))
        .collect()
}

fn offset_plan() -> OffsetPlan {
    OffsetPlan {
        limit: 500,
        offset: 0,
        offset_param: "offset".to_owned(),
        limit_param: "limit".to_owned(),
        total_path: Some(selector("total")),
        maximum_offset: None,
        stop_after_empty_page: true,
        has_more_path: None,
    }
}

fn offset(change: impl FnOnce(&mut OffsetPlan)) -> Pager {
    let mut plan = offset_plan();
    change(&mut plan);
    Pager::new(&PaginatorPlan::Offset(plan))
}

#[test]
fn offset_counts_the_records_that_came() {
    let mut pager = offset(|_| {});
    assert_eq!(shown(&pager.first()), "limit=500 offset=0");
    assert_eq!(
        next(&mut pager, &json!({"items": items(100, 1), "total": 250})),
        "limit=500 offset=100"
    );
    assert_eq!(
        next(&mut pager, &json!({"items": items(100, 2), "total": "250"})),
        "limit=500 offset=200"
    );
    assert_eq!(
        next(&mut pager, &json!({"items": items(50, 3), "total": 250})),
        "done"
    );
}

#[test]
fn offset_reads_every_record_of_a_server_that_clamps() {
    let mut pager = offset(|_| {});
    let (mut read, mut at) = (0, 0);
    for page in 1.. {
        let body = json!({"items": items(100.min(2000 - at), page), "total": 2000});
        read += 100.min(2000 - at);
        match turn(&mut pager, &body).unwrap().next {
            Next::Values(values) => at = usize::try_from(values[1].1.as_u64().unwrap()).unwrap(),
            _ => break,
        }
    }
    assert_eq!(read, 2000);
}

#[test]
fn offset_names_a_total_that_is_missing() {
    let missing = next(&mut offset(|_| {}), &json!({"items": [1]}));
    insta::assert_snapshot!(missing, @"error: read the total at `total`: found nothing instead of a whole number; where the API gives no total, write `total_path: null`");
    assert!(
        next(&mut offset(|_| {}), &json!({"items": [1], "total": null})).contains("found null")
    );
    assert!(
        next(&mut offset(|_| {}), &json!({"items": [1], "total": "many"})).contains("found a text")
    );
    // An empty page ends before the total is looked at.
    assert_eq!(next(&mut offset(|_| {}), &json!({"items": []})), "done");
}

#[test]
fn offset_ends_at_an_empty_page_or_the_maximum() {
    let mut pager = offset(|plan| plan.total_path = None);
    assert_eq!(
        next(&mut pager, &json!({"items": [1]})),
        "limit=500 offset=1"
    );
    assert_eq!(next(&mut pager, &json!({"items": []})), "done");
    let mut pager =
        offset(|plan| (plan.total_path, plan.maximum_offset, plan.limit) = (None, Some(15), 10));
    assert_eq!(
        next(&mut pager, &json!({"items": items(10, 1)})),
        "limit=10 offset=10"
    );
    assert_eq!(next(&mut pager, &json!({"items": items(10, 2)})), "done");
    let mut pager = offset(|plan| (plan.total_path, plan.stop_after_empty_page) = (None, false));
    assert_eq!(next(&mut pager, &json!({"items": []})), "done");
    let mut pager = offset(|plan| plan.stop_after_empty_page = false);
    assert_eq!(
        next(
            &mut pager,
            &json!({"items": [], "total": 1200, "limit": 100})
        ),
        "limit=500 offset=100"
    );
    assert_eq!(
        next(&mut pager, &json!({"items": [], "total": 1200})),
        "limit=500 offset=600"
    );
}

#[test]
fn offset_tells_of_totals_that_do_not_fit() {
    let mut pager = offset(|_| {});
    let notice =
        |pager: &mut Pager, body: Value| turn(pager, &body).unwrap().notice.unwrap_or_default();
    assert_eq!(notice(&mut pager, json!({"items": [1], "total": 5})), "");
    insta::assert_snapshot!(notice(&mut pager, json!({"items": [2], "total": 6})), @"the total changed from 5 to 6 while the pages were read");
    let early_end = turn(&mut pager, &json!({"items": [], "total": 6}));
    insta::assert_snapshot!(early_end.unwrap_err(), @"read the next page: there are no records at offset 2, though the total is 6");
}

#[test]
fn has_more_ends_the_slice_and_must_be_a_boolean() {
    let more = |value: Value| {
        let mut pager =
            offset(|plan| (plan.total_path, plan.has_more_path) = (None, Some(selector("more"))));
        next(&mut pager, &json!({"items": [1], "more": value}))
    };
    assert_eq!(more(json!(true)), "limit=500 offset=1");
    assert_eq!(more(json!("Yes")), "limit=500 offset=1");
    assert_eq!(more(json!(false)), "done");
    insta::assert_snapshot!(more(json!(null)), @"error: read `has_more_path` at `more`: found null instead of a boolean");
}

fn page_number(change: impl FnOnce(&mut PageNumberPlan)) -> Pager {
    let mut plan = PageNumberPlan {
        base_page: 1,
        page: 1,
        page_param: "page".to_owned(),
        total_path: Some(selector("pages")),
        maximum_page: None,
        stop_after_empty_page: true,
        has_more_path: None,
    };
    change(&mut plan);
    Pager::new(&PaginatorPlan::PageNumber(plan))
}

#[test]
fn page_number_counts_pages_from_its_base() {
    let mut pager = page_number(|_| {});
    assert_eq!(shown(&pager.first()), "page=1");
    assert_eq!(
        next(&mut pager, &json!({"items": [1], "pages": 2})),
        "page=2"
    );
    assert_eq!(next(&mut pager, &json!({"items": [2], "pages": 2})), "done");
    let mut pager = page_number(|plan| (plan.base_page, plan.page) = (0, 0));
    assert_eq!(
        next(&mut pager, &json!({"items": [1], "pages": 2})),
        "page=1"
    );
    assert_eq!(next(&mut pager, &json!({"items": [2], "pages": 2})), "done");
    let mut pager = page_number(|plan| (plan.total_path, plan.maximum_page) = (None, Some(3)));
    assert_eq!(next(&mut pager, &json!({"items": [1]})), "page=2");
    assert_eq!(next(&mut pager, &json!({"items": [2]})), "done");
    assert!(
        next(&mut page_number(|_| {}), &json!({"items": [1]}))
            .starts_with("error: read the total at `pages`")
    );
    let stopped = turn(&mut page_number(|_| {}), &json!({"items": [], "pages": 3})).unwrap();
    assert_eq!(
        stopped.notice.as_deref(),
        Some("stopped at page 1, which is empty, though the total is 3 pages")
    );
}

#[test]
fn single_page_is_one_request() {
    let mut pager = Pager::new(&PaginatorPlan::SinglePage);
    assert_eq!(shown(&pager.first()), "");
    assert_eq!(
        next(&mut pager, &json!({"items": [1], "next": "/x"})),
        "done"
    );
}

#[test]
fn json_link_resolves_against_the_answer() {
    let mut pager = Pager::new(&PaginatorPlan::JsonLink {
        next_url_path: selector("meta.next"),
    });
    let mut link = |next_link: Value, item: u64| {
        next(
            &mut pager,
            &json!({"items": [item], "meta": {"next": next_link}}),
        )
    };
    assert_eq!(link(json!("?page=2"), 1), "https://a.b/v0/x?page=2");
    assert_eq!(link(json!("/y?page=3"), 2), "https://a.b/y?page=3");
    assert_eq!(link(json!("https://c.d/"), 3), "https://c.d/");
    insta::assert_snapshot!(link(json!("https://c.d/"), 4), @"error: read the next page: the API gave a cursor or link again that it had given before");
    assert_eq!([link(json!(null), 5), link(json!(""), 6)], ["done", "done"]);
    insta::assert_snapshot!(link(json!(7), 7), @"error: read the next link at `meta.next`: it isn't a URL");
}

#[test]
fn header_link_follows_its_relation() {
    let mut pager = Pager::new(&PaginatorPlan::HeaderLink {
        links_next_key: "next".to_owned(),
    });
    let mut headers = HeaderMap::new();
    headers.append(LINK, HeaderValue::from_static("</first>; rel=first"));
    headers.append(LINK, HeaderValue::from_static("<?page=2>; rel=\"next\""));
    let step = turn_with(&mut pager, &json!({"items": [1]}), &headers).unwrap();
    assert_eq!(shown(&step.next), "https://a.b/v0/x?page=2");
    assert_eq!(next(&mut pager, &json!({"items": [2]})), "done");
}

fn cursor(change: impl FnOnce(&mut CursorPlan)) -> Pager {
    let mut plan = CursorPlan {
        cursor_path: selector("next"),
        cursor_param: "cursor".to_owned(),
        stop_after_empty_page: false,
        has_more_path: None,
    };
    change(&mut plan);
    Pager::new(&PaginatorPlan::Cursor(plan))
}

#[test]
fn cursor_goes_on_while_there_is_one() {
    let mut pager = cursor(|_| {});
    assert_eq!(shown(&pager.first()), "");
    assert_eq!(
        next(&mut pager, &json!({"items": [1], "next": 0})),
        "cursor=0"
    );
    assert_eq!(
        next(&mut pager, &json!({"items": [], "next": "a b"})),
        "cursor=a b"
    );
    for end in [
        json!({"items": [2]}),
        json!({"items": [3], "next": null}),
        json!({"items": [4], "next": ""}),
    ] {
        assert_eq!(next(&mut pager, &end), "done");
    }
    insta::assert_snapshot!(next(&mut pager, &json!({"items": [5], "next": {}})), @"error: read the next cursor at `next`: found an object instead of a text or number");
    assert_eq!(
        next(
            &mut cursor(|plan| plan.stop_after_empty_page = true),
            &json!({"items": [], "next": 1})
        ),
        "done"
    );
    let mut pager = cursor(|plan| plan.has_more_path = Some(selector("more")));
    assert_eq!(
        next(&mut pager, &json!({"items": [1], "next": 1, "more": true})),
        "cursor=1"
    );
    assert_eq!(
        next(&mut pager, &json!({"items": [2], "next": 2, "more": false})),
        "done"
    );
}

#[test]
fn a_repeated_cursor_never_loops() {
    for items in [json!([]), json!([1])] {
        let mut pager = cursor(|_| {});
        assert_eq!(
            next(&mut pager, &json!({"items": items, "next": "a"})),
            "cursor=a"
        );
        assert!(turn(&mut pager, &json!({"items": items, "next": "a"})).is_err());
    }
    let mut pager = cursor(|_| {});
    for (item, cursor) in [(1, "a"), (2, "b")] {
        turn(&mut pager, &json!({"items": [item], "next": cursor})).unwrap();
    }
    assert_eq!(
        turn(&mut pager, &json!({"items": [3], "next": "a"})),
        Err(PagerError::Repeated)
    );
}

#[test]
fn a_repeated_page_is_an_error() {
    let mut pager = offset(|_| {});
    let body = json!({"items": [1], "total": 2});
    turn(&mut pager, &body).unwrap();
    assert_eq!(turn(&mut pager, &body), Err(PagerError::SamePage));
}

#[test]
fn auto_finds_the_way_of_paging() {
    let auto = |body: Value| {
        let mut pager = Pager::new(&PaginatorPlan::Auto);
        let turn = turn(&mut pager, &body).unwrap();
        format!(
            "{} -> {}: {}",
            pager.name(),
            shown(&turn.next),
            turn.notice.unwrap()
        )
    };
    insta::assert_snapshot!(auto(json!({"items": [1], "next": "/x?p=2"})), @"json_link -> https://a.b/x?p=2: detected paginator: `json_link`, from `next`");
    insta::assert_snapshot!(auto(json!({"items": [1], "links": {"next": {"href": "http://c.d/"}}})), @"json_link -> http://c.d/: detected paginator: `json_link`, from `links.next.href`");
    insta::assert_snapshot!(auto(json!({"items": [1, 2], "total": 5, "limit": 2, "offset": 0})), @"offset -> limit=2 offset=2: detected paginator: `offset`, from `total`");
    insta::assert_snapshot!(auto(json!({"items": [1, 2], "meta": {"total": 5, "limit": 100}})), @"offset -> limit=100 offset=2: detected paginator: `offset`, from `meta.total`");
    insta::assert_snapshot!(auto(json!({"items": [1, 2], "total": 2, "offset": 0})), @"offset -> done: detected paginator: `offset`, from `total`");
    insta::assert_snapshot!(auto(json!({"items": [1], "page": 1, "total_pages": 3})), @"page_number -> page=2: detected paginator: `page_number`, from `total_pages`");
    insta::assert_snapshot!(auto(json!({"items": [1], "meta": {"next_cursor": "c1"}})), @"cursor -> cursor=c1: detected paginator: `cursor`, from `meta.next_cursor`");
    let more = turn(
        &mut Pager::new(&PaginatorPlan::Auto),
        &json!({"items": [1], "total": 9}),
    );
    insta::assert_snapshot!(more.unwrap_err(), @"find the paginator: `total` says that there is more than the 1 records that came, and nothing says how to ask for it; set `paginator`");
    insta::assert_snapshot!(auto(json!({"items": [{"next": "/x"}], "next": null})), @"single_page -> done: detected paginator: `single_page`");
}

#[test]
fn auto_prefers_the_header_and_keeps_to_it() {
    let mut pager = Pager::new(&PaginatorPlan::Auto);
    let headers = HeaderMap::from_iter([(LINK, HeaderValue::from_static("</x>; rel=next"))]);
    let step = turn_with(&mut pager, &json!({"items": [1], "next": "/y"}), &headers).unwrap();
    assert_eq!(
        (pager.name(), shown(&step.next)),
        ("header_link", "https://a.b/x".to_owned())
    );
    assert_eq!(
        next(&mut pager, &json!({"items": [2], "next": "/y"})),
        "done"
    );
}

#[test]
fn auto_does_not_look_into_records() {
    let body = json!({"items": {"a": {"next": "/x", "total": 7, "offset": 1}}}).to_string();
    let records = selector("items.*")
        .records(body.as_bytes())
        .unwrap()
        .records;
    let url = "https://a.b".parse().unwrap();
    let headers = HeaderMap::new();
    let answer = Answer {
        url: &url,
        headers: &headers,
        body: body.as_bytes(),
        records: &records,
        values: &[],
    };
    let mut pager = Pager::new(&PaginatorPlan::Auto);
    assert_eq!(pager.turn(&answer).unwrap().next, Next::Done);
    assert_eq!(pager.name(), "single_page");
}
