use super::ahead::with_concurrency;
use super::server::{answer, json};
use super::*;
use crate::plan::{
    AnswerCondition, Expression, PageUnit, Reaction, ResponseActionPlan, StopPlan, TotalPlan,
    TotalSource,
};

/// Bodies from 2 KiB on are on disk, in parts of half a KiB; values in memory have 2 KiB, whole bodies 4 KiB.
const LITTLE: u64 = 16 << 10;

async fn read_with_memory(server: &Server, resource: &ResourcePlan, memory: u64) -> Outcome {
    let plan = ClientPlan {
        memory: MemoryPlan::of(memory),
        ..client_plan(server)
    };
    read_with(plan, resource, &Slice::default()).await
}

fn records(count: usize) -> Vec<String> {
    let record = |id: usize| format!(r#"{{"id": {id}, "text": "line\n\"{id}\" é 😀", "n": 1.50}}"#);
    (0..count).map(record).collect()
}

#[tokio::test]
async fn a_large_body_gives_the_same_records_in_parts() {
    let list = records(200).join(" , ");
    let members: Vec<String> = records(200)
        .into_iter()
        .enumerate()
        .map(|(key, record)| format!(r#""k{key}" : {record}"#))
        .collect();
    let members = members.join(",");
    let bodies = [
        (
            "items",
            format!(r#"{{"total": 200, "items": [{list}], "more": {{"a": [1]}}}}"#),
        ),
        ("items[*]", format!(r#"{{"items":[{list}]}}"#)),
        ("$", format!("[{list}]")),
        (
            "a.b",
            format!(r#" {{"b": [1], "a": {{"x": 1e3, "b": [{list}]}}}} "#),
        ),
        (
            "people.*",
            format!(r#"{{"people": {{{members}}}, "total": 200}}"#),
        ),
        // Not in one place that is known beforehand: read as a whole, where there is room.
        ("$..id", format!("[{}]", records(30).join(","))),
        // Nothing, with much around it.
        (
            "items",
            format!(
                r#"{{"items": [], "note": "{0}", "more": "{0}"}}"#,
                "x".repeat(1200)
            ),
        ),
        (
            "items",
            format!(
                r#"{{"items": null, "note": "{0}", "more": "{0}"}}"#,
                "x".repeat(1200)
            ),
        ),
    ];
    for (selector, body) in bodies {
        let mut resource = resource("people");
        resource.data_selector = Some(Selector::parse(selector).unwrap());
        let whole = read(&Server::play(vec![json(&body)]), &resource).await;
        let server = Server::play(vec![json(&body)]);
        let parts = read_with_memory(&server, &resource, LITTLE).await;
        assert_eq!(parts.records(), whole.records(), "{selector}");
        assert_eq!(parts.result.unwrap(), whole.result.unwrap(), "{selector}");
        assert!(parts.pages.iter().all(|page| page.number == 1));
        let is_split = whole.pages[0].records.len() == 200;
        assert_eq!(parts.pages.len() > 10, is_split, "{selector}");
    }
}

#[tokio::test]
async fn where_the_records_of_a_large_body_are_is_found() {
    let list = records(100).join(",");
    for (found, body) in [
        ("data", format!(r#"{{"tags": [1, 2], "data": [{list}]}}"#)),
        ("$", format!("[{list}]")),
        ("a.b", format!(r#"{{"n": "x", "a": {{"b": [{list}]}}}}"#)),
    ] {
        let mut resource = resource("people");
        resource.data_selector = None;
        let server = Server::play(vec![json(&body)]);
        let outcome = read_with_memory(&server, &resource, LITTLE).await;
        assert_eq!(
            outcome.records().len(),
            100,
            "{found}: {:?}",
            outcome.result
        );
        let told = format!("data_selector: {found} (");
        let detected = outcome.detected();
        assert!(detected[0].starts_with(&told), "{detected:?}");
    }
}

#[tokio::test]
async fn what_a_large_body_can_not_be_is_told() {
    let told = async |selector: &str, body: String| {
        let mut resource = resource("people");
        resource.data_selector = Some(Selector::parse(selector).unwrap());
        let server = Server::play(vec![json(&body); 3]);
        let outcome = read_with_memory(&server, &resource, LITTLE).await;
        let error = outcome.error();
        error
            .rsplit_once("`: ")
            .map_or_else(|| error.clone(), |(_, what)| what.to_owned())
    };
    let list = records(200).join(",");
    let error = told("$..id", format!("[{list}]")).await;
    insta::assert_snapshot!(error, @"it can't be used: the body can't be read in parts: `data_selector: $..id` is no chain of keys to a list, and its 1 MiB are too much to be held in memory; ask for smaller pages, or set `memory_budget: 12MiB`");
    let surrogate = format!(r#"{{"items": [{list}, {{"id": "\ud800"}}]}}"#);
    insta::assert_snapshot!(told("items", surrogate).await, @"it can't be used: the body can't be read in parts: a record in it is no JSON: lone leading surrogate in hex escape, and its 1 MiB are too much to be held in memory; ask for smaller pages, or set `memory_budget: 4MiB`");
    let long = format!(r#"{{"items": [{{"text": "{}"}}]}}"#, "x".repeat(6000));
    insta::assert_snapshot!(told("items", long).await, @"it can't be used: the body can't be read in parts: a value in it is longer than 2048 bytes, and its 1 MiB are too much to be held in memory; ask for smaller pages, or set `memory_budget: 4MiB`");
    let twice = format!(r#"{{"items": [{list}], "items": [1]}}"#);
    insta::assert_snapshot!(told("items", twice).await, @"it can't be used: the body can't be read in parts: the key `items` comes twice, and its 1 MiB are too much to be held in memory; ask for smaller pages, or set `memory_budget: 4MiB`");
    let object = format!(r#"{{"items": {{"a": [{list}]}}}}"#);
    insta::assert_snapshot!(told("items", object).await, @"it can't be used: the body can't be read in parts: where its records should be is no list: name a list in `data_selector`, or the members of an object with `.*`, and its 1 MiB are too much to be held in memory; ask for smaller pages, or set `memory_budget: 4MiB`");
    let cut = format!(r#"{{"items": [{list}"#);
    insta::assert_snapshot!(told("items", cut).await, @"it can't be used: the body is not valid JSON at byte 10990: EOF while parsing a list");
    let elsewhere = format!(r#"{{"people": [{list}]}}"#);
    insta::assert_snapshot!(told("people.items", elsewhere).await, @"find the records on page 1: `people.items` matches nothing; nothing in the answer looks like records");
}

#[tokio::test]
async fn a_large_body_that_broke_is_asked_for_again() {
    let list = records(100).join(",");
    let body = format!(r#"{{"items": [{list}]}}"#);
    let whole = json(&body);
    let cut = whole[..whole.len() / 2].to_vec();
    let broken = json(&format!(r#"{{"items": [{list}, {{"id": tru}}]}}"#));
    let server = Server::play(vec![cut, broken, whole]);
    let outcome = read_with_memory(&server, &resource("people"), LITTLE).await;
    assert_eq!(outcome.records(), records(100));
    assert_eq!(outcome.retries().len(), 2);
}

#[tokio::test]
async fn large_pages_are_counted_and_cut_as_small_ones() {
    let pages = |line: &str| {
        let offset = line.split("offset=").nth(1).unwrap_or("0");
        let offset: usize = offset.split('&').next().unwrap().parse().unwrap();
        let list = records(350)[offset.min(350)..(offset + 100).min(350)].join(",");
        answer(
            200,
            "",
            format!(r#"{{"total": 350, "items": [{list}]}}"#).as_bytes(),
        )
    };
    let mut resource = with_concurrency(2);
    if let PaginatorPlan::Counted(plan) = &mut resource.paginator {
        plan.stop = StopPlan {
            total: Some(TotalPlan {
                source: TotalSource::Body(Selector::parse("total").unwrap()),
                unit: PageUnit::Records,
            }),
            max_records: Some(225),
            ..plan.stop.clone()
        };
    }
    let whole = read(&Server::answering(pages), &resource).await;
    let parts = read_with_memory(&Server::answering(pages), &resource, LITTLE).await;
    assert_eq!(parts.records(), whole.records());
    assert_eq!(parts.records().len(), 225);
    let (parts, whole) = (parts.result.unwrap(), whole.result.unwrap());
    assert_eq!(
        (parts.pages, parts.records, parts.bytes),
        (whole.pages, whole.records, whole.bytes)
    );
    assert_eq!(parts.cut_short, whole.cut_short);
}

#[tokio::test]
async fn a_large_page_that_comes_again_is_noticed() {
    let list = records(100).join(",");
    let body = json(&format!(r#"{{"items": [{list}], "total": 1000}}"#));
    let server = Server::answering(move |_| body.clone());
    let outcome = read_with_memory(&server, &with_concurrency(1), LITTLE).await;
    assert!(outcome.error().contains("identical"), "{}", outcome.error());
}

#[tokio::test]
async fn what_can_not_be_read_in_parts_is_read_as_a_whole_where_there_is_room() {
    let list = records(30).join(",");
    for (selector, body) in [
        ("$", format!(r#"{{"a": [{list}]}}"#)),
        ("items", format!(r#"{{"items": {{"a": [{list}]}}}}"#)),
        ("items.*", format!(r#"{{"items": {{"a": [{list}]}}}}"#)),
        (
            "items",
            format!(
                r#"{{"items": [1], "x": "{}", "items": [{list}]}}"#,
                "x".repeat(900)
            ),
        ),
        (
            "items",
            format!(
                r#"{{"items": 5, "x": "{0}", "y": "{0}"}}"#,
                "x".repeat(1200)
            ),
        ),
        (
            "items",
            format!(r#"{{"items": [{{"text": "{}"}}]}}"#, "x".repeat(3000)),
        ),
    ] {
        let mut resource = resource("people");
        resource.data_selector = Some(Selector::parse(selector).unwrap());
        let whole = read(&Server::play(vec![json(&body)]), &resource).await;
        let server = Server::play(vec![json(&body)]);
        let parts = read_with_memory(&server, &resource, LITTLE).await;
        assert!(!whole.records().is_empty(), "{selector}");
        assert_eq!(parts.records(), whole.records(), "{selector}");
        assert_eq!(parts.result.unwrap(), whole.result.unwrap(), "{selector}");
    }
}

#[tokio::test]
async fn a_byte_order_mark_is_no_part_of_a_large_body() {
    let list = records(100).join(",");
    let body = format!("\u{feff}{{\"items\": [{list}]}}");
    let server = Server::play(vec![json(&body)]);
    let outcome = read_with_memory(&server, &resource("people"), LITTLE).await;
    assert_eq!(outcome.records(), records(100));
}

#[tokio::test]
async fn actions_look_at_the_whole_of_a_large_body() {
    let fails_where = |content: &str, when: Option<&str>| {
        let mut resource = resource("people");
        resource.exchange.response_actions = vec![ResponseActionPlan {
            condition: AnswerCondition {
                content: (!content.is_empty()).then(|| content.to_owned()),
                when: when.map(|when| {
                    Expression::parse(when, &["status", "headers", "body", "text"]).unwrap()
                }),
                ..AnswerCondition::default()
            },
            reaction: Reaction::Fail { message: None },
        }];
        resource
    };
    let small = format!(
        r#"{{"items": [{}], "state": "partial"}}"#,
        records(30).join(",")
    );
    for resource in [
        fails_where("partial", None),
        fails_where("", Some("body.state == 'partial'")),
    ] {
        let server = Server::play(vec![json(&small)]);
        let outcome = read_with_memory(&server, &resource, LITTLE).await;
        assert!(matches!(outcome.result, Err(Error::Failed { .. })));
    }
    let large = format!(r#"{{"items": [{}]}}"#, records(200).join(","));
    let server = Server::play(vec![json(&large)]);
    let outcome = read_with_memory(&server, &fails_where("partial", None), LITTLE).await;
    assert!(
        outcome
            .error()
            .contains("`response_actions` look at its text"),
        "{}",
        outcome.error()
    );
    // What looks at the status alone needs none of it.
    let server = Server::play(vec![json(&large)]);
    let outcome = read_with_memory(&server, &fails_where("", Some("status == 500")), LITTLE).await;
    assert_eq!(outcome.records().len(), 200);
}

#[tokio::test]
async fn a_page_whose_turn_it_is_never_waits_for_memory() {
    let server = Server::answering(|line| {
        let offset = line.split("offset=").nth(1).unwrap_or("0");
        let offset: usize = offset.split('&').next().unwrap().parse().unwrap();
        let list = records(300)[offset.min(300)..(offset + 10).min(300)].join(",");
        answer(
            200,
            "",
            format!(r#"{{"total": 300, "items": [{list}]}}"#).as_bytes(),
        )
    });
    let plan = ClientPlan {
        memory: MemoryPlan::of(LITTLE),
        ..client_plan(&server)
    };
    let client = Client::for_tests(plan, Arc::new(|_| {}), BODY_LIMIT);
    // All of the memory is taken, by a parent that waits for this slice, say.
    let taken = client.pages.take(1);
    assert!(taken.is_some() && client.pages.take(1).is_none());
    let (sender, mut receiver) = tokio::sync::mpsc::channel::<FetchedPage>(1);
    let mut count = 0;
    let take = async {
        while let Some(page) = receiver.recv().await {
            count += page.page.records.len();
        }
    };
    let (resource, slice) = (with_concurrency(4), Slice::default());
    let read = read_slice(&client, &resource, &slice, None, sender, None);
    let both = async { tokio::join!(read, take) };
    let (result, ()) = tokio::time::timeout(Duration::from_mins(1), both)
        .await
        .unwrap();
    result.unwrap();
    assert_eq!(count, 300);
    drop(taken);
}
