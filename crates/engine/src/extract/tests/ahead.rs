//! Pages that are asked for before their turn has come.

use std::time::Instant;

use super::server::{answer, json};
use super::slices::{chained, offset};
use super::*;
use crate::plan::{NextPlan, Placement};

/// Records in all; their pages fit into the channel of `read`.
const TOTAL: u64 = 24;

/// The value of a query parameter in a request's first line.
fn parameter(line: &str, name: &str) -> Option<u64> {
    let (_, query) = line.split_once('?')?;
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .filter(|(key, _)| *key == name)
        .find_map(|(_, value)| value.parse().ok())
}

/// Pages of two records by offset.
fn by_offset(line: &str) -> Vec<u8> {
    let offset = parameter(line, "offset").unwrap_or(0);
    json(&format!(
        r#"{{"items": [{offset}, {}], "total": {TOTAL}}}"#,
        offset + 1
    ))
}

pub(super) fn with_concurrency(concurrency: usize) -> ResourcePlan {
    let mut resource = resource("people");
    resource.paginator = offset();
    if let PaginatorPlan::Counted(plan) = &mut resource.paginator {
        plan.concurrency = concurrency;
    }
    resource
}

/// Reads into a channel for one page that nobody empties; gives the number of requests once there are no more.
async fn requests_of_a_stuck_reader(
    server: &Server,
    resource: &ResourcePlan,
    most: usize,
) -> usize {
    let client = Client::for_tests(client_plan(server), Arc::new(|_| {}), BODY_LIMIT);
    let (sender, _receiver) = tokio::sync::mpsc::channel(1);
    let slice = Slice::default();
    let watch = async {
        let start = Instant::now();
        while server.requests().len() < most && start.elapsed() < Duration::from_secs(20) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // What should not be asked for gets its chance.
        tokio::time::sleep(Duration::from_millis(100)).await;
        server.requests().len()
    };
    tokio::select! {
        result = read_slice(&client, resource, &slice, None, sender, None) => panic!("nobody takes the pages: {result:?}"),
        requests = watch => requests,
    }
}

#[tokio::test]
async fn a_stuck_reader_holds_the_pages_back() {
    // One page waits in the channel, one to get there, and as many as may be ahead are there or on their way.
    let server = Server::answering(by_offset);
    let resource = with_concurrency(4);
    assert_eq!(requests_of_a_stuck_reader(&server, &resource, 6).await, 6);
    let server = Server::answering(by_offset);
    let resource = with_concurrency(1);
    assert_eq!(requests_of_a_stuck_reader(&server, &resource, 3).await, 3);
}

#[tokio::test]
async fn the_page_behind_a_cursor_is_asked_for_at_once() {
    let server = Server::answering(|line| {
        let after = parameter(line, "cursor").unwrap_or(0);
        json(&format!(r#"{{"items": [{after}], "next": {}}}"#, after + 1))
    });
    let mut resource = resource("people");
    resource.paginator = chained(NextPlan::BodyCursor {
        path: Selector::parse("next").unwrap(),
        cursor: Placement::Query("cursor".to_owned()),
    });
    assert_eq!(requests_of_a_stuck_reader(&server, &resource, 3).await, 3);
}

#[tokio::test]
async fn answers_behind_the_end_are_no_errors() {
    // The end comes at 6, though the maximum is 20; behind it the server fails.
    let server = Server::answering(|line| match parameter(line, "offset") {
        Some(offset) if offset > 6 => answer(400, "", b"too far"),
        Some(6) => json(r#"{"items": []}"#),
        _ => by_offset(line),
    });
    let mut resource = with_concurrency(8);
    if let PaginatorPlan::Counted(plan) = &mut resource.paginator {
        (plan.stop.total, plan.maximum) = (None, Some(20));
    }
    let outcome = read(&server, &resource).await;
    assert_eq!(outcome.records(), ["0", "1", "2", "3", "4", "5"]);
    let statistics = outcome.result.unwrap();
    assert_eq!(statistics.pages, 4);
    assert!(statistics.requests >= 4);
}

#[tokio::test]
async fn an_error_belongs_to_its_page() {
    let server = Server::answering(|line| match parameter(line, "offset") {
        Some(8) => answer(400, "", b"no"),
        _ => by_offset(line),
    });
    let outcome = read(&server, &with_concurrency(8)).await;
    assert_eq!(outcome.records().len(), 8);
    assert!(outcome.error().contains("offset=8"), "{}", outcome.error());
}

#[tokio::test]
async fn a_page_of_another_size_leads_to_the_true_offset() {
    let server = Server::answering(|line| match parameter(line, "offset") {
        Some(4) => json(&format!(r#"{{"items": [4], "total": {TOTAL}}}"#)),
        Some(offset) if offset == TOTAL - 1 => {
            json(&format!(r#"{{"items": [{offset}], "total": {TOTAL}}}"#))
        }
        _ => by_offset(line),
    });
    let outcome = read(&server, &with_concurrency(8)).await;
    let expected: Vec<String> = (0..TOTAL).map(|record| record.to_string()).collect();
    assert_eq!(outcome.records(), expected);
}
