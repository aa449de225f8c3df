//! Links and cursors.

use http::header::LINK;

use super::*;

#[test]
fn json_link_resolves_against_the_answer() {
    let path = selector("meta.next");
    let mut pager = chained(NextPlan::JsonLink { path: path.clone() }, |_| {});
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
    for end in [json!(null), json!("")] {
        let mut pager = chained(NextPlan::JsonLink { path: path.clone() }, |_| {});
        let body = json!({"items": [1], "meta": {"next": end}});
        assert_eq!(next(&mut pager, &body), "done");
    }
    let mut pager = chained(NextPlan::JsonLink { path }, |_| {});
    insta::assert_snapshot!(next(&mut pager, &json!({"items": [1], "meta": {"next": 7}})), @"error: read the next link at `meta.next`: it isn't a URL");
}

#[test]
fn a_link_is_complete_but_for_the_page_size_outside_of_it() {
    let with_size = |placement: Placement| {
        let next_plan = NextPlan::JsonLink {
            path: selector("next"),
        };
        let size = PageSizePlan {
            size: 5,
            placement: Some(placement),
        };
        let mut pager = chained(next_plan, |plan| plan.page_size = Some(size));
        next(&mut pager, &json!({"items": [1], "next": "/y"}))
    };
    assert_eq!(with_size(query("size")), "https://a.b/y");
    let header = Placement::Header(HeaderName::from_static("x-size"));
    assert_eq!(with_size(header), "https://a.b/y x-size: 5");
}

#[test]
fn header_link_follows_its_relation() {
    let relation = "next".to_owned();
    let mut pager = chained(NextPlan::HeaderLink { relation }, |_| {});
    let mut headers = HeaderMap::new();
    headers.append(LINK, HeaderValue::from_static("</first>; rel=first"));
    headers.append(LINK, HeaderValue::from_static("<?page=2>; rel=\"next\""));
    turn_with(&mut pager, &json!({"items": [1]}), &headers).unwrap();
    assert_eq!(asked(&mut pager), "https://a.b/v0/x?page=2");
    let empty = HeaderMap::from_iter([(LINK, HeaderValue::from_static("<>; rel=next"))]);
    turn_with(&mut pager, &json!({"items": [2]}), &empty).unwrap();
    assert_eq!(asked(&mut pager), "done");
}

#[test]
fn header_cursor_is_sent_back() {
    let header = HeaderName::from_static("next");
    let cursor = query("cursor");
    let mut pager = chained(NextPlan::HeaderCursor { header, cursor }, |_| {});
    let headers = |value: &'static str| {
        HeaderMap::from_iter([(
            HeaderName::from_static("next"),
            HeaderValue::from_static(value),
        )])
    };
    turn_with(&mut pager, &json!({"items": [1]}), &headers("c 1")).unwrap();
    assert_eq!(asked(&mut pager), "cursor=c 1");
    turn_with(&mut pager, &json!({"items": [2]}), &headers("")).unwrap();
    assert_eq!(asked(&mut pager), "done");
}

#[test]
fn cursor_goes_on_while_there_is_one() {
    let mut pager = cursor(|_| {});
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
        json!({"items": [5], "next": false}),
    ] {
        assert_eq!(next(&mut cursor(|_| {}), &end), "done");
    }
    insta::assert_snapshot!(next(&mut pager, &json!({"items": [5], "next": {}})), @"error: read the next cursor at `next`: found an object instead of a text or number");
    let empty = json!({"items": [], "next": 1});
    let mut pager = cursor(|plan| plan.stop.stop_after_empty_page = true);
    assert_eq!(next(&mut pager, &empty), "done");
}

#[test]
fn a_cursor_in_the_body_keeps_its_type() {
    let in_body = |value: &str| {
        let next_plan = NextPlan::BodyCursor {
            path: selector("next"),
            cursor: Placement::Body(vec!["after".to_owned()]),
        };
        let mut pager = chained(next_plan, |_| {});
        let body = format!(r#"{{"items": [1], "next": {value}}}"#);
        let turn = pager.turn(&Answer {
            url: &"https://a.b".parse().unwrap(),
            headers: &HeaderMap::new(),
            body: body.as_bytes(),
            records: std::slice::from_ref(&(11..12)),
            elsewhere: None,
            values: &[],
        });
        turn.unwrap();
        asked(&mut pager)
    };
    assert_eq!(in_body("7"), "after=7");
    assert_eq!(in_body("\"7\""), "after=\"7\"");
    assert_eq!(
        in_body("123456789012345678901234567890"),
        "after=\"123456789012345678901234567890\""
    );
}

#[test]
fn the_last_record_can_be_the_cursor() {
    let pager = || {
        let next_plan = NextPlan::RecordCursor {
            path: selector("meta.id"),
            cursor: query("starting_after"),
        };
        chained(next_plan, |plan| {
            let placement = Some(query("limit"));
            plan.page_size = Some(PageSizePlan { size: 2, placement });
            plan.stop.has_more_path = Some(selector("more"));
        })
    };
    let record = |id: u64| json!({"meta": {"id": id}});
    let mut going_on = pager();
    assert_eq!(
        next(
            &mut going_on,
            &json!({"items": [record(1), record(2)], "more": true})
        ),
        "limit=2 starting_after=2"
    );
    assert_eq!(
        next(&mut going_on, &json!({"items": [record(3)], "more": false})),
        "done"
    );
    insta::assert_snapshot!(next(&mut pager(), &json!({"items": [{"id": 1}], "more": true})), @"error: read the next cursor at `meta.id`: found nothing instead of a text or number");
    insta::assert_snapshot!(next(&mut pager(), &json!({"items": [], "more": true})), @"error: read the next page: `has_more_path` says that more follows, and there is no record whose field would be the cursor; where the API's word on it can't be trusted, leave `has_more_path` out");
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
        next(&mut pager, &json!({"items": [item], "next": cursor}));
    }
    assert_eq!(
        turn(&mut pager, &json!({"items": [3], "next": "a"})),
        Err(PagerError::Repeated)
    );
}
