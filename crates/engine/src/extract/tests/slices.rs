//! Slices of a server that behaves.

use serde_json::json;

use super::server::{answer, json as body};
use super::*;
use crate::flow::{ParentRecord, Window};
use crate::plan::{
    AutoPlan, ChainedPlan, CountedPlan, CursorFormat, CursorScope, IncrementalMode,
    IncrementalPlan, JobPlan, NextPlan, PageSizePlan, PageUnit, Placement, StopPlan, TimeFormat,
    TotalPlan, TotalSource, WindowsPlan,
};

fn selector(text: &str) -> Selector {
    Selector::parse(text).unwrap()
}

pub(super) fn offset() -> PaginatorPlan {
    let query = |name: &str| Placement::Query(name.to_owned());
    PaginatorPlan::Counted(CountedPlan {
        unit: PageUnit::Records,
        position: query("offset"),
        first: 0,
        base: 0,
        base_is_assumed: false,
        maximum: None,
        page_size: Some(PageSizePlan {
            size: 2,
            placement: Some(query("limit")),
        }),
        concurrency: 1,
        stop: StopPlan {
            total: Some(TotalPlan {
                source: TotalSource::Body(selector("total")),
                unit: PageUnit::Records,
            }),
            stop_after_empty_page: true,
            ..StopPlan::default()
        },
    })
}

pub(super) fn chained(next: NextPlan) -> PaginatorPlan {
    PaginatorPlan::Chained(ChainedPlan {
        next,
        page_size: None,
        stop: StopPlan::default(),
    })
}

#[tokio::test]
async fn reads_pages_in_order_with_credentials() {
    let server = Server::play(vec![
        body(r#"{"items": [1, 2.50], "total": 3}"#),
        body(r#"{"items": [3], "total": 3}"#),
    ]);
    let mut resource = resource("people");
    resource.paginator = offset();
    let outcome = read(&server, &resource).await;
    let statistics = SliceStatistics {
        requests: 2,
        pages: 2,
        records: 3,
        bytes: 58,
        cut_short: None,
        missing: None,
    };
    assert_eq!(outcome.result.as_ref().unwrap(), &statistics);
    assert_eq!(outcome.records(), ["1", "2.50", "3"]);
    assert_eq!(
        outcome
            .pages
            .iter()
            .map(|page| page.number)
            .collect::<Vec<_>>(),
        [1, 2]
    );
    assert_eq!(
        server.asked(),
        [
            "GET /v0/people?limit=2&offset=0",
            "GET /v0/people?limit=2&offset=2"
        ]
    );
    let request = server.requests()[0].to_ascii_lowercase();
    for line in [
        "authorization: basic c2tfbgl2zto=",
        "api-version: 2019",
        "accept: application/json",
    ] {
        assert!(request.contains(line), "{line} in {request}");
    }
    let agent = concat!("user-agent: engine/", env!("CARGO_PKG_VERSION"), "\r\n");
    assert!(request.contains(agent), "{request}");
}

#[tokio::test]
async fn fills_in_the_slice() {
    let server = Server::play(vec![body(r#"{"items": []}"#)]);
    let mut resource = resource("people/{resources.people.id}");
    resource.request.params = vec![(
        Template::parse("c", ALL).unwrap(),
        ParamTemplate::parse(&json!("{partition.c}"), ALL).unwrap(),
    )];
    resource.incremental = Some(IncrementalPlan {
        cursor: None,
        start_param: Some("start".to_owned()),
        end_param: Some("end".to_owned()),
        scope: CursorScope::Part,
        mode: IncrementalMode::Windows(WindowsPlan {
            format: CursorFormat::Named(TimeFormat::Unix),
            initial_value: "2024-01-01T00:00:00Z".parse().unwrap(),
            end_value: None,
            window: None,
            lag: None,
            ahead: None,
        }),
        lag_value: None,
    });
    let slice = Slice {
        resource: "things".to_owned(),
        parents: vec![ParentRecord {
            resource: "people".to_owned(),
            key: BTreeMap::from([("id".to_owned(), json!("a/b c?d#e"))]),
            ..ParentRecord::default()
        }],
        partition: BTreeMap::from([("c".to_owned(), json!("phone"))]),
        window: Some(Window {
            start: "1970-01-01T00:00:01Z".parse().unwrap(),
            end: "1970-01-01T00:00:05Z".parse().unwrap(),
        }),
        range: None,
    };
    let outcome = read_with(client_plan(&server), &resource, &slice).await;
    assert_eq!(outcome.result.unwrap().records, 0);
    assert_eq!(
        server.asked(),
        ["GET /v0/people/a%2Fb%20c%3Fd%23e?c=phone&start=1&end=5"]
    );
}

#[tokio::test]
async fn detects_selector_and_paginator_once() {
    let server = Server::play(vec![
        body(r#"{"x": [7], "items": [1, 2], "total": 3, "limit": 2, "offset": 0}"#),
        body(r#"{"items": [3], "x": [], "total": 3, "limit": 2, "offset": 2}"#),
    ]);
    let mut resource = resource("people");
    (resource.data_selector, resource.paginator) = (None, PaginatorPlan::Auto(AutoPlan::default()));
    let outcome = read(&server, &resource).await;
    assert_eq!(outcome.records(), ["1", "2", "3"]);
    assert_eq!(
        outcome.detected(),
        [
            "data_selector: items (a list under a usual name, `items`)",
            "paginator: { type: offset, limit: 2 } (a total (`total`) beside an offset or a limit)"
        ]
    );
    assert_eq!(outcome.result.unwrap().pages, 2);
    assert_eq!(
        server.asked(),
        ["GET /v0/people", "GET /v0/people?limit=2&offset=2"]
    );
}

#[tokio::test]
async fn reads_compressed_bodies_and_follows_redirects_within_the_origin() {
    let zipped = [
        31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 171, 86, 202, 44, 73, 205, 45, 86, 178, 82, 136, 54, 212,
        81, 48, 138, 173, 5, 0, 174, 203, 88, 200, 17, 0, 0, 0,
    ];
    let server = Server::play(vec![
        answer(302, "Location: /v0/moved?x=1\r\n", b""),
        answer(200, "Content-Encoding: gzip\r\n", &zipped),
    ]);
    let outcome = read(&server, &resource("people")).await;
    assert_eq!(outcome.records(), ["1", "2"]);
    assert_eq!(server.asked(), ["GET /v0/people", "GET /v0/moved?x=1"]);
}

#[tokio::test]
async fn takes_long_bodies_and_a_byte_order_mark() {
    let long = format!(
        "\u{feff}{{\"items\": [\"{}\"], \"next\": null}}",
        "x".repeat(700_000)
    );
    let server = Server::play(vec![body(&long)]);
    let mut resource = resource("people");
    resource.paginator = chained(NextPlan::BodyCursor {
        path: selector("next"),
        cursor: Placement::Query("cursor".to_owned()),
    });
    let outcome = read(&server, &resource).await;
    assert_eq!(outcome.records()[0].len(), 700_002);
}

#[tokio::test]
async fn stops_where_nobody_takes_the_pages() {
    let server = Server::play(vec![body(r#"{"items": [1]}"#)]);
    let client = Client::for_tests(client_plan(&server), Arc::new(|_| {}), BODY_LIMIT);
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    drop(receiver);
    let result = read_slice(
        &client,
        &resource("people"),
        &Slice::default(),
        None,
        sender,
        None,
    )
    .await;
    assert!(matches!(*result.unwrap_err().source, Error::Stopped));
}

fn with_job() -> ResourcePlan {
    let mut resource = resource("reports/{job.id}");
    resource.job = Some(JobPlan {
        create: request(
            Method::POST,
            "reports",
            &[],
            Some(json!({"interval": "30m"})),
        ),
        id: selector("report_id"),
        poll: request(Method::GET, "reports/{job.id}", &[("peek", json!(1))], None),
        status: selector("status"),
        done: vec!["complete".to_owned()],
        failed: vec!["failed".to_owned()],
        every: Duration::from_millis(1),
        timeout: Duration::from_secs(20),
    });
    resource
}

#[tokio::test]
async fn creates_polls_and_reads_a_job() {
    let server = Server::play(vec![
        body(r#"{"report_id": "r/1"}"#),
        body(r#"{"status": "in_progress"}"#),
        body(r#"{"status": "complete"}"#),
        body(r#"{"status": "complete", "items": [1]}"#),
    ]);
    let outcome = read(&server, &with_job()).await;
    assert_eq!(outcome.records(), ["1"]);
    assert_eq!(outcome.result.unwrap().requests, 4);
    let asked = [
        "POST /v0/reports",
        "GET /v0/reports/r%2F1?peek=1",
        "GET /v0/reports/r%2F1?peek=1",
        "GET /v0/reports/r%2F1",
    ];
    assert_eq!(server.asked(), asked);
    assert!(server.requests()[0].ends_with(r#"{"interval":"30m"}"#));
}

#[tokio::test]
async fn gives_up_on_a_job_that_fails_or_takes_too_long() {
    let server = Server::play(vec![
        body(r#"{"report_id": 7}"#),
        body(r#"{"status": "failed"}"#),
    ]);
    insta::assert_snapshot!(read(&server, &with_job()).await.error(), @"wait for job `7`: it ended with status `failed`");
    let server = Server::play(vec![
        body(r#"{"report_id": 7}"#),
        body(r#"{"status": "queued"}"#),
    ]);
    let mut resource = with_job();
    resource.job.as_mut().unwrap().timeout = Duration::ZERO;
    insta::assert_snapshot!(read(&server, &resource).await.error(), @"wait for job `7`: still `queued` after 0 s");
    let server = Server::play(vec![body(r#"{"id": 7}"#)]);
    insta::assert_snapshot!(read(&server, &with_job()).await.error(), @"create the job: there is no text or number at `report_id`");
}

#[tokio::test]
async fn creates_a_job_again_at_most_once() {
    let server = Server::play(vec![
        Vec::new(),
        body(r#"{"report_id": 7}"#),
        body(r#"{"status": "complete"}"#),
        body(r#"{"items": [1]}"#),
    ]);
    let outcome = read(&server, &with_job()).await;
    assert_eq!(outcome.records(), ["1"]);
    assert_eq!(outcome.notices().len(), 1);
    assert!(
        outcome.notices()[0].contains("/v0/reports` may have created a job"),
        "{:?}",
        outcome.notices()
    );

    let server = Server::play(vec![Vec::new(), Vec::new(), body(r#"{"report_id": 7}"#)]);
    let outcome = read(&server, &with_job()).await;
    assert!(matches!(outcome.result, Err(Error::Unreachable { .. })));
    assert_eq!(server.asked().len(), 2);

    // A refusal creates nothing, so that it doesn't count.
    let refusal = || answer(429, "", b"");
    let done = [
        body(r#"{"report_id": 7}"#),
        body(r#"{"status": "complete"}"#),
        body(r#"{"items": []}"#),
    ];
    let server = Server::play([refusal(), refusal()].into_iter().chain(done).collect());
    let outcome = read(&server, &with_job()).await;
    assert!(outcome.result.is_ok() && outcome.notices().is_empty());
}
