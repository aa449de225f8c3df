//! Finding the way of paging from the first answer.

use http::header::LINK;

use super::*;
use crate::plan::AutoPlan;

fn auto() -> Pager {
    started(&PaginatorPlan::Auto(AutoPlan::default()))
}

/// What was chosen, and the requests that follow.
fn found(body: &Value) -> String {
    let mut pager = auto();
    match turn(&mut pager, body) {
        Err(error) => format!("error: {error}"),
        Ok(turn) => {
            let detected = turn.detected.map(|detected| format!("`{}`", detected.spec));
            let told: Vec<String> = detected.into_iter().chain(turn.warnings).collect();
            format!("{} <- {}", asked(&mut pager), told.join("; "))
        }
    }
}

#[test]
fn links_are_followed() {
    insta::assert_snapshot!(found(&json!({"items": [1], "next": "/x?p=2"})), @"https://a.b/x?p=2 <- `{ type: json_link, next_url_path: next }`");
    insta::assert_snapshot!(found(&json!({"items": [1], "_links": {"next": {"href": "http://c.d/"}}})), @"http://c.d/ <- `{ type: json_link, next_url_path: _links.next.href }`");
    insta::assert_snapshot!(found(&json!({"items": [1], "links": {"next": "/y"}})), @"https://a.b/y <- `{ type: json_link, next_url_path: links.next }`");
    insta::assert_snapshot!(found(&json!({"items": [1], "@odata.nextLink": "http://c.d/?$skip=2"})), @r#"http://c.d/?$skip=2 <- `{ type: json_link, next_url_path: "['@odata.nextLink']" }`"#);
}

#[test]
fn the_header_comes_first_and_is_kept_to() {
    let mut pager = auto();
    let headers = HeaderMap::from_iter([(LINK, HeaderValue::from_static("</x>; rel=next"))]);
    let step = turn_with(&mut pager, &json!({"items": [1], "next": "/y"}), &headers).unwrap();
    assert_eq!(step.detected.unwrap().spec, "header_link");
    assert_eq!(asked(&mut pager), "https://a.b/x");
    assert_eq!(
        next(&mut pager, &json!({"items": [2], "next": "/y"})),
        "done"
    );
}

#[test]
fn offsets_are_counted() {
    insta::assert_snapshot!(found(&json!({"items": [1, 2], "total": 5, "limit": 2, "offset": 0})), @"limit=2 offset=2 | limit=2 offset=4 <- `{ type: offset, limit: 2 }`");
    insta::assert_snapshot!(found(&json!({"items": [1, 2], "meta": {"total": 3, "limit": 100}})), @"limit=100 offset=2 <- `{ type: offset, limit: 100, total_path: meta.total }`");
    insta::assert_snapshot!(found(&json!({"items": [1, 2], "startAt": 0, "maxResults": 2, "total": 3})), @"maxResults=2 startAt=2 <- `{ type: offset, limit: 2, offset_param: startAt, limit_param: maxResults }`");
    insta::assert_snapshot!(found(&json!({"items": [1, 2], "total": 2, "offset": 0})), @"done <- `{ type: offset, limit: 2 }`");
}

#[test]
fn page_numbers_begin_where_the_answer_says() {
    insta::assert_snapshot!(found(&json!({"items": [1], "page": 1, "total_pages": 3})), @"page=2 | page=3 <- `{ type: page_number, base_page: 1, total_path: total_pages }`");
    insta::assert_snapshot!(found(&json!({"items": [1], "page": 0, "total_pages": 2})), @"page=1 <- `{ type: page_number, base_page: 0, total_path: total_pages }`");
    insta::assert_snapshot!(found(&json!({"items": [1, 2], "current_page": 1, "total": 3, "limit": 2})), @"page=2 <- `{ type: page_number, base_page: 1, total_items_path: total }`");
    insta::assert_snapshot!(found(&json!({"items": [1], "page": 4, "total_pages": 9})), @"error: find the paginator: `total_pages` says that there is more than the 1 records that came, and nothing says how to ask for it; set `paginator`");
}

#[test]
fn without_a_word_the_next_page_shows_where_page_numbers_begin() {
    let first = json!({"items": [1], "total_pages": 3});
    insta::assert_snapshot!(found(&first), @"page=1 <- `{ type: page_number, total_path: total_pages }`");
    let mut from_one = auto();
    assert_eq!(next(&mut from_one, &first), "page=1");
    let again = turn(&mut from_one, &first).unwrap();
    assert_eq!(again.keep, Keep::Nothing);
    assert_eq!(
        again.notices,
        ["page 1 is the same as the first page: write `base_page: 1`"]
    );
    assert_eq!(asked(&mut from_one), "page=2");
    let second = json!({"items": [2], "total_pages": 3});
    assert_eq!(next(&mut from_one, &second), "page=3");
    let third = json!({"items": [3], "total_pages": 3});
    assert_eq!(next(&mut from_one, &third), "done");

    let mut from_zero = auto();
    assert_eq!(next(&mut from_zero, &first), "page=1");
    let other = turn(&mut from_zero, &second).unwrap();
    assert_eq!(other.keep, Keep::All);
    assert_eq!(
        other.notices,
        ["page 1 is another than the first page: write `base_page: 0`"]
    );
    assert_eq!(asked(&mut from_zero), "page=2");
    assert_eq!(next(&mut from_zero, &third), "done");

    // Where the parameter isn't heeded, every page is the first one.
    let mut deaf = auto();
    next(&mut deaf, &first);
    assert_eq!(next(&mut deaf, &first), "page=2");
    assert_eq!(turn(&mut deaf, &first), Err(PagerError::SamePage));
}

#[test]
fn cursors_are_sent_back() {
    insta::assert_snapshot!(found(&json!({"items": [1], "meta": {"next_cursor": "c1"}})), @"cursor=c1 <- `{ type: cursor, cursor_path: meta.next_cursor, cursor_param: cursor }`");
    insta::assert_snapshot!(found(&json!({"items": [1], "nextPageToken": "t"})), @"pageToken=t <- `{ type: cursor, cursor_path: nextPageToken, cursor_param: pageToken }`");
    insta::assert_snapshot!(found(&json!({"items": [1], "next_page": 2})), @"page=2 <- `{ type: cursor, cursor_path: next_page, cursor_param: page }`");
    insta::assert_snapshot!(found(&json!({"items": [1], "paging": {"next": {"after": "NQ"}}})), @"after=NQ <- `{ type: cursor, cursor_path: paging.next.after, cursor_param: after }`");
    insta::assert_snapshot!(found(&json!({"items": [1], "has_more": true, "cursor": "c"})), @"cursor=c <- `{ type: cursor, cursor_path: cursor, cursor_param: cursor, has_more_path: has_more }`");
    insta::assert_snapshot!(found(&json!({"items": [{"id": "x1"}], "object": "list", "has_more": true})), @"starting_after=x1 <- `{ type: cursor, cursor_record_path: id, cursor_param: starting_after, has_more_path: has_more }`");
    insta::assert_snapshot!(found(&json!({"items": [{"id": "x1"}], "has_more": true})), @"error: find the paginator: `has_more` says that more follows, and nothing says how to ask for it; set `paginator`, such as `{ type: cursor, cursor_record_path: id, cursor_param: starting_after, has_more_path: has_more }`");
}

#[test]
fn a_full_only_page_is_told() {
    insta::assert_snapshot!(found(&json!({"items": [{"next": "/x"}], "next": null})), @"done <- `single_page`");
    insta::assert_snapshot!(found(&json!({"items": [1, 2], "per_page": 2})), @"done <- `single_page`; only one page was read, and it is full: it has 2 records, as many as `per_page` says; if the API has more, set `paginator`, otherwise write `paginator: single_page`");
    insta::assert_snapshot!(found(&json!({"items": [1], "total": 9})), @"error: find the paginator: `total` says that there is more than the 1 records that came, and nothing says how to ask for it; set `paginator`");
    let mut pager = auto();
    let url = "https://a.b/x?limit=2".parse().unwrap();
    let turn = pager.turn(&Answer {
        url: &url,
        headers: &HeaderMap::new(),
        body: b"[1,2]",
        records: &[1..2, 3..4],
        elsewhere: None,
        values: &[],
    });
    assert!(turn.unwrap().warnings[0].contains("as many as `limit` says"));
}

#[test]
fn a_total_in_a_header_is_no_end() {
    let headers = |total: &'static str| {
        HeaderMap::from_iter([(
            HeaderName::from_static("x-total-count"),
            HeaderValue::from_static(total),
        )])
    };
    let body = json!([1, 2]);
    let turn = |total| {
        auto().turn(&Answer {
            url: &"https://a.b/x".parse().unwrap(),
            headers: &headers(total),
            body: body.to_string().as_bytes(),
            records: &[1..2, 3..4],
            elsewhere: None,
            values: &[],
        })
    };
    assert!(turn("2").is_ok());
    let more = turn("5").unwrap_err().to_string();
    assert!(more.contains("`x-total-count`"), "{more}");
}

#[test]
fn records_are_not_looked_into() {
    let body = json!({"items": {"a": {"next": "/x", "total": 7, "offset": 1}}}).to_string();
    let records = selector("items.*")
        .records(body.as_bytes())
        .unwrap()
        .records;
    let mut pager = auto();
    let turn = pager.turn(&Answer {
        url: &"https://a.b".parse().unwrap(),
        headers: &HeaderMap::new(),
        body: body.as_bytes(),
        records: &records,
        elsewhere: None,
        values: &[],
    });
    assert!(turn.unwrap().detected.unwrap().spec == "single_page");
}

#[test]
fn a_selector_that_leaves_records_out_is_not_counted_with() {
    let filtering = |body: &Value| {
        let plan = AutoPlan {
            counts_records: false,
            ..AutoPlan::default()
        };
        next(&mut started(&PaginatorPlan::Auto(plan)), body)
    };
    let by_offset = json!({"items": [1], "total": 5, "limit": 2, "offset": 0});
    assert!(filtering(&by_offset).contains("set `paginator`"));
    let mut pager = started(&PaginatorPlan::Auto(AutoPlan {
        counts_records: false,
        concurrency: 1,
        ..AutoPlan::default()
    }));
    let page = |items: Value| json!({"items": items, "page": 1, "total_pages": 3});
    assert_eq!(next(&mut pager, &page(json!([1]))), "page=2");
    assert_eq!(next(&mut pager, &page(json!([]))), "page=3");
    assert_eq!(next(&mut pager, &page(json!([2]))), "done");
}

#[test]
fn the_rules_of_the_spec_hold_for_what_is_found() {
    let mut plan = AutoPlan::default();
    plan.stop.max_pages = Some(1);
    let mut pager = started(&PaginatorPlan::Auto(plan));
    assert_eq!(
        next(&mut pager, &json!({"items": [1], "next": "/x"})),
        "done"
    );
}
