//! Offsets and page numbers, one page after another.

use super::*;

#[test]
fn offset_counts_the_records_that_came() {
    let mut pager = Pager::new(&PaginatorPlan::Counted(offset_plan()));
    assert_eq!(asked(&mut pager), "limit=500 offset=0");
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
fn offset_names_a_total_that_is_missing() {
    let missing = next(&mut offset(|_| {}), &json!({"items": [1]}));
    insta::assert_snapshot!(missing, @"error: read the total at `total`: found nothing instead of a whole number; where the API gives no total, write `total_path: null`");
    assert!(
        next(&mut offset(|_| {}), &json!({"items": [1], "total": null})).contains("found null")
    );
    assert!(
        next(&mut offset(|_| {}), &json!({"items": [1], "total": "many"})).contains("found a text")
    );
    // No more does an empty first page say by itself that there is nothing.
    assert_eq!(next(&mut offset(|_| {}), &json!({"items": []})), missing);
    assert_eq!(
        next(&mut offset(|_| {}), &json!({"items": [], "total": 0})),
        "done"
    );
}

#[test]
fn offset_ends_at_an_empty_page_or_the_maximum() {
    let mut pager = offset(|plan| plan.stop.total = None);
    assert_eq!(
        next(&mut pager, &json!({"items": [1]})),
        "limit=500 offset=1"
    );
    assert_eq!(next(&mut pager, &json!({"items": []})), "done");
    let mut pager = offset(|plan| (plan.stop.total, plan.maximum) = (None, Some(15)));
    assert_eq!(
        next(&mut pager, &json!({"items": items(10, 1)})),
        "limit=500 offset=10"
    );
    assert_eq!(next(&mut pager, &json!({"items": items(10, 2)})), "done");
    let mut pager = offset(|plan| {
        plan.stop.total = None;
        plan.stop.stop_after_empty_page = false;
    });
    assert_eq!(next(&mut pager, &json!({"items": []})), "done");
    let mut pager = offset(|plan| plan.stop.stop_after_empty_page = false);
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
    assert_eq!(notice(&mut pager, &json!({"items": [1], "total": 5})), "");
    pager.ask().unwrap();
    insta::assert_snapshot!(notice(&mut pager, &json!({"items": [2], "total": 6})), @"the total changed from 5 to 6 while the pages were read: records may have moved from page to page");
    pager.ask().unwrap();
    assert_eq!(notice(&mut pager, &json!({"items": [3], "total": 7})), "");
    pager.ask().unwrap();
    let early_end = turn(&mut pager, &json!({"items": [], "total": 6}));
    insta::assert_snapshot!(early_end.unwrap_err(), @"read the next page: there are no records at offset 3, though the total is 6");
}

#[test]
fn a_total_below_what_came_is_told() {
    insta::assert_snapshot!(notice(&mut offset(|_| {}), &json!({"items": [1, 2], "total": 0})), @"the total is 0, and 2 records have come already: it seems to count something else; if more is missing, leave the total out (`total_path: null`)");
}

#[test]
fn values_go_where_the_plan_says() {
    let mut plan = offset_plan();
    plan.position = Placement::Body(vec!["page".to_owned(), "from".to_owned()]);
    plan.page_size = Some(PageSizePlan {
        size: 5,
        placement: Some(Placement::Header(HeaderName::from_static("x-size"))),
    });
    let mut pager = Pager::new(&PaginatorPlan::Counted(plan));
    assert_eq!(asked(&mut pager), "x-size: 5 page.from=0");
}

#[test]
fn page_number_counts_pages_from_its_base() {
    let mut pager = page_number(|_| {});
    assert_eq!(
        next(&mut pager, &json!({"items": [1], "pages": 2})),
        "page=2"
    );
    assert_eq!(next(&mut pager, &json!({"items": [2], "pages": 2})), "done");
    let mut pager = page_number(|plan| (plan.base, plan.first) = (0, 0));
    assert_eq!(
        next(&mut pager, &json!({"items": [1], "pages": 2})),
        "page=1"
    );
    assert_eq!(next(&mut pager, &json!({"items": [2], "pages": 2})), "done");
    let mut pager = page_number(|plan| (plan.stop.total, plan.maximum) = (None, Some(3)));
    assert_eq!(next(&mut pager, &json!({"items": [1]})), "page=2");
    assert_eq!(next(&mut pager, &json!({"items": [2]})), "done");
    assert!(
        next(&mut page_number(|_| {}), &json!({"items": [1]}))
            .starts_with("error: read the total at `pages`")
    );
}

#[test]
fn page_number_tells_of_totals_that_do_not_fit() {
    let stop = |body: Value| {
        let mut pager = page_number(|_| {});
        next(&mut pager, &json!({"items": items(2, 1), "pages": 4}));
        notice(&mut pager, &body)
    };
    assert_eq!(
        stop(json!({"items": [], "pages": 3})),
        "the total changed from 4 to 3 while the pages were read: records may have moved from page to page; stopped at page 2, \
         which is empty, though the total is 3 pages"
    );
    assert_eq!(
        stop(json!({"items": [], "pages": 2})),
        "the total seems to count records instead of pages: write `total_items_path`; the total changed from 4 to 2 while the \
         pages were read: records may have moved from page to page"
    );
}

#[test]
fn page_number_may_count_a_total_of_records() {
    let mut pager = page_number(|plan| plan.stop.total = Some(total("count", PageUnit::Records)));
    assert_eq!(
        next(&mut pager, &json!({"items": [1, 2], "count": 5})),
        "page=2"
    );
    assert_eq!(
        next(&mut pager, &json!({"items": [3, 4], "count": 5})),
        "page=3"
    );
    assert_eq!(next(&mut pager, &json!({"items": [5], "count": 5})), "done");
}

#[test]
fn an_empty_first_page_is_not_taken_for_an_empty_list() {
    insta::assert_snapshot!(next(&mut page_number(|_| {}), &json!({"items": [], "pages": 3})), @"error: read the first page: page 1 has no records, though the total is 3; if the API counts its pages from 0, write `base_page: 0`");
    assert_eq!(
        next(&mut page_number(|_| {}), &json!({"items": [], "pages": 0})),
        "done"
    );
    // An API that says that an empty list has one page.
    let one_page = json!({"items": [], "pages": 1});
    assert_eq!(next(&mut page_number(|_| {}), &one_page), "done");
    let mut assumed = page_number(|plan| {
        (plan.first, plan.base, plan.base_is_assumed) = (0, 0, true);
    });
    assert_eq!(next(&mut assumed, &one_page), "page=1");
    assert_eq!(next(&mut assumed, &one_page), "done");
    for stops in [true, false] {
        let from_zero = || {
            let mut pager = page_number(|plan| {
                (plan.first, plan.base, plan.base_is_assumed) = (0, 0, true);
                plan.stop.stop_after_empty_page = stops;
                plan.stop.total = None;
                plan.stop.max_pages = Some(9);
            });
            assert_eq!(next(&mut pager, &json!({"items": []})), "page=1");
            pager
        };
        insta::allow_duplicates! {
            insta::assert_snapshot!(next(&mut from_zero(), &json!({"items": [1]})), @"error: read the first page: page 0 is empty and page 1 is not, so the API seems to count its pages from 1; write `base_page: 1`, or `base_page: 0` if page 0 is really there");
        }
        let behind = if stops { "done" } else { "page=2" };
        assert_eq!(next(&mut from_zero(), &json!({"items": []})), behind);
    }
    // Where the spec says that page 0 is the first one, it may be empty.
    let mut pager = page_number(|plan| {
        (plan.first, plan.base, plan.stop.total) = (0, 0, None);
    });
    assert_eq!(next(&mut pager, &json!({"items": []})), "done");
}

#[test]
fn a_repeated_page_is_an_error() {
    let mut pager = offset(|_| {});
    next(&mut pager, &json!({"items": [1], "total": 2, "request": 1}));
    let same = turn(&mut pager, &json!({"items": [1], "total": 2, "request": 2}));
    assert_eq!(same, Err(PagerError::SamePage));
    let mut pager = page_number(|plan| (plan.base, plan.first) = (0, 0));
    next(&mut pager, &json!({"items": [1], "pages": 2}));
    insta::assert_snapshot!(next(&mut pager, &json!({"items": [1], "pages": 2})), @"error: read the first page: page 0 is the same as page 1, so the API seems to count its pages from 1; write `base_page: 1`, or `base_page: 0` if page 0 is really there");
}
