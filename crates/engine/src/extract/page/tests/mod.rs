mod chained;
mod counted;
mod detect;
mod parallel;
mod stop;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::*;
use crate::plan::{
    ChainedPlan, CountedPlan, Expression, NextPlan, PageSizePlan, PageUnit, StopPlan, TotalPlan,
    TotalSource,
};

fn selector(text: &str) -> Selector {
    Selector::parse(text).unwrap()
}

fn query(name: &str) -> Placement {
    Placement::Query(name.to_owned())
}

/// Takes a pager one step on; the records lie under `items`.
fn turn_with(pager: &mut Pager, body: &Value, headers: &HeaderMap) -> Result<Turn, PagerError> {
    let text = body.to_string();
    let wanted: Vec<Selector> = pager.selectors().into_iter().cloned().collect();
    let reading = selector("items")
        .read(&wanted.iter().collect::<Vec<_>>(), text.as_bytes(), None)
        .unwrap();
    let values: Vec<_> = wanted.into_iter().zip(reading.values).collect();
    pager.turn(&Answer {
        url: &"https://a.b/v0/x?page=1".parse().unwrap(),
        headers,
        body: text.as_bytes(),
        records: &reading.selection.records,
        elsewhere: None,
        values: &values,
    })
}

fn turn(pager: &mut Pager, body: &Value) -> Result<Turn, PagerError> {
    turn_with(pager, body, &HeaderMap::new())
}

/// The requests that follow an answer, in one line.
fn next(pager: &mut Pager, body: &Value) -> String {
    match turn(pager, body) {
        Err(error) => format!("error: {error}"),
        Ok(_) => asked(pager),
    }
}

/// What a pager tells of an answer.
fn notice(pager: &mut Pager, body: &Value) -> String {
    let turn = turn(pager, body).unwrap();
    let told: Vec<String> = turn
        .warnings
        .into_iter()
        .chain(turn.cut_short)
        .chain(turn.missing)
        .collect();
    told.join("; ")
}

/// The requests that may go out now, in one line.
fn asked(pager: &mut Pager) -> String {
    let mut asks = Vec::new();
    while let Some(ask) = pager.ask() {
        asks.push(shown(&ask));
    }
    if asks.is_empty() {
        "done".to_owned()
    } else {
        asks.join(" | ")
    }
}

fn shown(ask: &Ask) -> String {
    let link = ask.link.iter().map(Url::to_string);
    let values = ask.values.iter().map(|(place, value)| {
        let text = value.as_str().map_or(value.to_string(), str::to_owned);
        match place {
            Placement::Query(name) => format!("{name}={text}"),
            Placement::Header(name) => format!("{name}: {text}"),
            Placement::Body(keys) => format!("{}={value}", keys.join(".")),
        }
    });
    link.chain(values).collect::<Vec<_>>().join(" ")
}

/// Records that differ from page to page.
fn items(count: usize, seed: u64) -> Value {
    (0..count)
        .map(|position| json!(seed * 10_000 + position as u64))
        .collect()
}

fn total(path: &str, unit: PageUnit) -> TotalPlan {
    let source = TotalSource::Body(selector(path));
    TotalPlan { source, unit }
}

fn offset_plan() -> CountedPlan {
    CountedPlan {
        unit: PageUnit::Records,
        position: query("offset"),
        first: 0,
        base: 0,
        base_is_assumed: false,
        maximum: None,
        page_size: Some(PageSizePlan {
            size: 500,
            placement: Some(query("limit")),
        }),
        concurrency: 1,
        stop: StopPlan {
            total: Some(total("total", PageUnit::Records)),
            stop_after_empty_page: true,
            ..StopPlan::default()
        },
    }
}

/// A pager that stands behind its first request.
fn started(plan: &PaginatorPlan) -> Pager {
    let mut pager = Pager::new(plan);
    pager.ask().unwrap();
    pager
}

fn offset(change: impl FnOnce(&mut CountedPlan)) -> Pager {
    let mut plan = offset_plan();
    change(&mut plan);
    started(&PaginatorPlan::Counted(plan))
}

fn page_number(change: impl FnOnce(&mut CountedPlan)) -> Pager {
    let mut plan = CountedPlan {
        unit: PageUnit::Pages,
        position: query("page"),
        first: 1,
        base: 1,
        page_size: None,
        ..offset_plan()
    };
    plan.stop.total = Some(total("pages", PageUnit::Pages));
    change(&mut plan);
    started(&PaginatorPlan::Counted(plan))
}

fn chained(next: NextPlan, change: impl FnOnce(&mut ChainedPlan)) -> Pager {
    let mut plan = ChainedPlan {
        next,
        page_size: None,
        stop: StopPlan::default(),
    };
    change(&mut plan);
    started(&PaginatorPlan::Chained(plan))
}

fn cursor(change: impl FnOnce(&mut ChainedPlan)) -> Pager {
    let next = NextPlan::BodyCursor {
        path: selector("next"),
        cursor: query("cursor"),
    };
    chained(next, change)
}

#[test]
fn single_page_is_one_request() {
    let mut pager = Pager::new(&PaginatorPlan::SinglePage);
    assert_eq!(pager.ask(), Some(Ask::default()));
    assert_eq!(pager.ask(), None);
    let step = turn(&mut pager, &json!({"items": [1], "next": "/x"})).unwrap();
    assert_eq!(step.reason, "the paginator is `single_page`");
    assert!(pager.has_ended());
}

#[test]
fn a_single_record_that_looks_like_a_list_is_told() {
    let of_record = |body: &str| {
        let mut pager = started(&PaginatorPlan::SingleRecord);
        let url = "https://a.b/repos/x".parse().unwrap();
        let turn = pager.turn(&Answer {
            url: &url,
            headers: &HeaderMap::new(),
            body: body.as_bytes(),
            records: std::slice::from_ref(&(0..body.len())),
            elsewhere: None,
            values: &[],
        });
        turn.unwrap().warnings.join("; ")
    };
    insta::assert_snapshot!(of_record(r#"{"commits": [{"id": 1}], "next": "/x?page=2"}"#), @"the answer is taken for one record, since the path ends with a placeholder, but it has a list (`commits`) and says that more follows (`next`): set `data_selector` and `paginator`");
    insta::assert_snapshot!(of_record(r#"{"commits": [{"id": 1}], "next": null}"#), @"the answer is taken for one record, since the path ends with a placeholder, but it has nothing of its own beside a list (`commits`): set `data_selector`, or write `data_selector: $`");
    assert_eq!(of_record(r#"{"sha": 1, "files": [{"id": 1}]}"#), "");
    assert_eq!(of_record(r#"{"id": 1, "next": "/x?page=2"}"#), "");
}

/// Why more pages follow an answer, or none.
fn reason(pager: &mut Pager, body: &Value) -> String {
    let turn = turn(pager, body).unwrap();
    let verdict = if pager.has_ended() { "ends" } else { "goes on" };
    while pager.ask().is_some() {}
    format!("{verdict}: {}", turn.reason)
}

#[test]
fn each_turn_says_why() {
    let total = || {
        let mut plan = CountedPlan {
            unit: PageUnit::Records,
            position: query("offset"),
            first: 0,
            base: 0,
            base_is_assumed: false,
            maximum: None,
            page_size: None,
            concurrency: 1,
            stop: StopPlan::default(),
        };
        plan.stop.stop_after_empty_page = true;
        plan.stop.total = Some(TotalPlan {
            source: TotalSource::Body(selector("total")),
            unit: PageUnit::Records,
        });
        started(&PaginatorPlan::Counted(plan))
    };
    let mut pager = total();
    insta::assert_snapshot!(reason(&mut pager, &json!({"items": [1, 2], "total": 3})), @"goes on: next is `offset=2`; 2 of 3 records so far");
    insta::assert_snapshot!(reason(&mut pager, &json!({"items": [3], "total": 3})), @"ends: all 3 of 3 records have come");
    insta::assert_snapshot!(reason(&mut total(), &json!({"items": [], "total": 0})), @"ends: the page has no records");

    let next = || NextPlan::BodyCursor {
        path: selector("next"),
        cursor: query("after"),
    };
    let mut pager = chained(next(), |plan| {
        plan.stop.has_more_path = Some(selector("more"));
    });
    insta::assert_snapshot!(reason(&mut pager, &json!({"items": [1], "next": "b", "more": true})), @"goes on: next is `after=b`, from `next`");
    insta::assert_snapshot!(reason(&mut pager, &json!({"items": [2], "next": "c", "more": false})), @"ends: `more` says that no more follows");
    insta::assert_snapshot!(reason(&mut chained(next(), |_| {}), &json!({"items": [1]})), @"ends: the answer has no cursor at `next`");
    let mut pager = chained(next(), |plan| plan.stop.max_pages = Some(1));
    insta::assert_snapshot!(reason(&mut pager, &json!({"items": [1], "next": "b"})), @"ends: `max_pages: 1` is reached");
    // A cursor by the name of a secret is not shown.
    let token = NextPlan::BodyCursor {
        path: selector("next"),
        cursor: query("page_token"),
    };
    insta::assert_snapshot!(reason(&mut chained(token, |_| {}), &json!({"items": [1], "next": "b"})), @"goes on: next is `page_token=…`, from `next`");
}
