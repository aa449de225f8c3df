//! The rules that end any way of paging.

use super::*;

#[test]
fn has_more_ends_the_slice_and_must_be_a_boolean() {
    let more = |value: Value| {
        let mut pager = offset(|plan| {
            plan.stop.total = None;
            plan.stop.has_more_path = Some(selector("more"));
        });
        next(&mut pager, &json!({"items": [1], "more": value}))
    };
    assert_eq!(more(json!(true)), "limit=500 offset=1");
    assert_eq!(more(json!("Yes")), "limit=500 offset=1");
    assert_eq!(more(json!(false)), "done");
    insta::assert_snapshot!(more(json!(null)), @"error: read `has_more_path` at `more`: found null instead of a boolean");
    let more = |body: Value| {
        let mut pager = cursor(|plan| plan.stop.has_more_path = Some(selector("more")));
        next(&mut pager, &body)
    };
    assert_eq!(
        more(json!({"items": [1], "next": 1, "more": true})),
        "cursor=1"
    );
    assert_eq!(
        more(json!({"items": [2], "next": 2, "more": false})),
        "done"
    );
    assert!(more(json!({"items": [2], "more": true})).contains("there is no next cursor"));
}

#[test]
fn a_total_ends_cursors_and_is_held_against_their_end() {
    let with_total = || cursor(|plan| plan.stop.total = Some(total("total", PageUnit::Records)));
    let mut pager = with_total();
    assert_eq!(
        next(&mut pager, &json!({"items": [1, 2], "next": 2, "total": 3})),
        "cursor=2"
    );
    assert_eq!(
        next(&mut pager, &json!({"items": [3], "next": 3, "total": 3})),
        "done"
    );
    assert_eq!(
        notice(&mut with_total(), &json!({"items": [1], "total": 3})),
        "the pages ended early: 1 records were read, and the total is 3; if it counts something else, leave it out (`total_path: null`)"
    );
    let mut pager = cursor(|plan| plan.stop.total = Some(total("pages", PageUnit::Pages)));
    assert_eq!(
        next(&mut pager, &json!({"items": [1], "next": 2, "pages": 1})),
        "done"
    );
}

#[test]
fn a_total_may_be_a_header() {
    let total = |text: &'static str| {
        let name = HeaderName::from_static("x-total-count");
        let source = TotalSource::Header(name.clone());
        let unit = PageUnit::Records;
        let mut pager = offset(|plan| plan.stop.total = Some(TotalPlan { source, unit }));
        let headers = HeaderMap::from_iter([(name, HeaderValue::from_static(text))]);
        match turn_with(&mut pager, &json!({"items": [1]}), &headers) {
            Ok(_) => asked(&mut pager),
            Err(error) => error.to_string(),
        }
    };
    assert_eq!(total("2"), "limit=500 offset=1");
    assert_eq!(total("1"), "done");
    insta::assert_snapshot!(total("many"), @"read the total at `x-total-count`: found a text instead of a whole number; where the API gives no total, write `total_path: null`");
}

#[test]
fn a_short_page_is_the_last() {
    let short = |size: u64| {
        offset(|plan| {
            plan.stop.total = None;
            plan.stop.stop_after_short_page = true;
            let placement = Some(query("limit"));
            plan.page_size = Some(PageSizePlan { size, placement });
        })
    };
    let mut pager = short(3);
    assert_eq!(
        next(&mut pager, &json!({"items": items(3, 1)})),
        "limit=3 offset=3"
    );
    assert_eq!(next(&mut pager, &json!({"items": items(2, 2)})), "done");
    assert_eq!(next(&mut short(3), &json!({"items": items(2, 2)})), "done");
    // The server may give no more than 100 at once.
    let mut pager = short(500);
    assert_eq!(
        next(&mut pager, &json!({"items": items(100, 1)})),
        "limit=500 offset=100"
    );
    assert_eq!(
        next(&mut pager, &json!({"items": items(100, 2)})),
        "limit=500 offset=200"
    );
    assert_eq!(next(&mut pager, &json!({"items": items(50, 3)})), "done");
}

#[test]
fn maxima_cut_and_tell() {
    let mut pager = cursor(|plan| plan.stop.max_pages = Some(2));
    assert_eq!(
        next(&mut pager, &json!({"items": [1], "next": 1})),
        "cursor=1"
    );
    let second = turn(&mut pager, &json!({"items": [2], "next": 2})).unwrap();
    assert_eq!(
        second.cut_short.as_deref(),
        Some("stopped at `max_pages: 2`: more pages may follow")
    );
    assert_eq!(asked(&mut pager), "done");
    // The last page is no reason to tell.
    let mut pager = cursor(|plan| plan.stop.max_pages = Some(1));
    assert_eq!(notice(&mut pager, &json!({"items": [1], "next": null})), "");

    let mut pager = cursor(|plan| plan.stop.max_records = Some(3));
    assert_eq!(
        next(&mut pager, &json!({"items": [1, 2], "next": 1})),
        "cursor=1"
    );
    let second = turn(&mut pager, &json!({"items": [3, 4, 5]})).unwrap();
    assert_eq!(second.keep, Keep::First(1));
    assert_eq!(
        second.cut_short.as_deref(),
        Some("stopped at `max_records: 3`: more records may follow")
    );
    let mut pager = cursor(|plan| plan.stop.max_records = Some(1));
    let all = turn(&mut pager, &json!({"items": [1]})).unwrap();
    assert_eq!((all.keep, all.cut_short), (Keep::All, None));
}

#[test]
fn an_expression_ends_where_it_holds() {
    let ends = |text: &str, body: &Value| {
        let expression = Expression::parse(text, &crate::plan::STOP_NAMES).unwrap();
        let mut pager = offset(|plan| plan.stop.stop_when = Some(expression));
        let headers = HeaderMap::from_iter([(
            HeaderName::from_static("x-last"),
            HeaderValue::from_static("yes"),
        )]);
        match turn_with(&mut pager, body, &headers) {
            Ok(_) => asked(&mut pager) == "done",
            Err(error) => panic!("{error}"),
        }
    };
    let body = json!({"items": [{"id": 1}, {"id": 7}], "total": 9, "last": 7});
    for holds in [
        "last_record.id == body.last",
        "headers['x-last'] == 'yes'",
        "records < 3 and page == 1",
        "total == 9 and next == 2",
    ] {
        assert!(ends(holds, &body), "{holds}");
    }
    assert!(!ends("body.nothing", &body));
    let broken = Expression::parse("records + []", &crate::plan::STOP_NAMES).unwrap();
    let mut pager = offset(|plan| plan.stop.stop_when = Some(broken));
    insta::assert_snapshot!(turn(&mut pager, &body).unwrap_err(), @"decide with `stop_when` whether more pages follow: evaluate `records + []`: invalid operation: tried to use + operator on unsupported types number and sequence");
}

#[test]
fn an_end_that_the_total_speaks_against_is_cut_short() {
    let total = || {
        Some(TotalPlan {
            source: TotalSource::Body(selector("total")),
            unit: PageUnit::Records,
        })
    };
    let flagged = |more: bool, next: Value| {
        let mut pager = cursor(|plan| {
            plan.stop.total = total();
            plan.stop.has_more_path = Some(selector("more"));
            plan.stop.max_pages = Some(1);
        });
        let body = json!({"items": [1], "next": next, "more": more, "total": 10});
        turn(&mut pager, &body).unwrap().missing.unwrap_or_default()
    };
    let missing = "the pages ended early: 1 records were read, and the total is 10; if it counts something else, leave it out (`total_path: null`)";
    assert_eq!(flagged(false, Value::Null), missing);
    assert_eq!(flagged(false, json!("a")), missing);
    // Where two rules end the pages at once, one of them is told.
    let mut pager = offset(|plan| {
        plan.stop.total = None;
        plan.stop.max_records = Some(2);
        plan.maximum = Some(2);
    });
    let cut = turn(&mut pager, &json!({"items": [1, 2]}))
        .unwrap()
        .cut_short;
    assert_eq!(
        cut.as_deref(),
        Some("stopped at `max_records: 2`: more records may follow")
    );
    assert_eq!(asked(&mut pager), "done");
}
