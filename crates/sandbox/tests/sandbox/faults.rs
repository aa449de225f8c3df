//! What goes wrong on purpose: faults and the rate limit.

use engine_sandbox::Sandbox;
use serde_json::json;

use super::support::{Api, ids};

fn faulty(faults: &str) -> String {
    format!(
        "routes: [{{ path: orders, faults: {faults}, answer: {{ list: {{ collection: orders }} }} }}]\n"
    )
}

#[tokio::test]
async fn a_status_fault_hits_its_requests_only() {
    let faults = "[{ after: 1, status: 500, times: 2, retry_after: 3 }]";
    let api = Api::shop(&faulty(faults)).await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        let response = api.request("orders").send().await.unwrap();
        statuses.push(response.status().as_u16());
        let has_wait = response
            .headers()
            .get("retry-after")
            .is_some_and(|value| value == "3");
        assert_eq!(has_wait, response.status() == 500);
    }
    assert_eq!(statuses, [200, 500, 500, 200]);
    let seen: Vec<u16> = api
        .sandbox
        .requests()
        .iter()
        .map(|request| request.status)
        .collect();
    assert_eq!(seen, statuses);
}

#[tokio::test]
async fn a_broken_connection_shows_as_an_error_of_the_body() {
    let api = Api::shop(&faulty("[{ truncate: connection }]")).await;
    let response = api.request("orders").send().await;
    let body = match response {
        Ok(response) => response.bytes().await,
        Err(error) => Err(error),
    };
    assert!(body.is_err());
    assert_eq!(ids(&api.get("orders").await).len(), 25);
}

#[tokio::test]
async fn a_cut_off_body_is_no_json() {
    let api = Api::shop(&faulty("[{ truncate: json }]")).await;
    let response = api.request("orders").send().await.unwrap();
    assert_eq!(response.status(), 200);
    let body = response.bytes().await.unwrap();
    assert!(body.starts_with(b"[{"));
    assert!(serde_json::from_slice::<serde_json::Value>(&body).is_err());
}

#[tokio::test]
async fn a_delay_holds_the_answer_back() {
    let api = Api::shop(&faulty("[{ delay: 40ms }]")).await;
    let started = std::time::Instant::now();
    assert_eq!(ids(&api.get("orders").await).len(), 25);
    assert!(started.elapsed().as_millis() >= 40);
}

#[tokio::test]
async fn requests_past_the_limit_are_told_when_to_come_back() {
    let limit = "rate_limit: { requests: 1, per: 1h, burst: 2 }\n";
    let api = Api::shop(&format!("{limit}{}", faulty("[]"))).await;
    api.get("orders").await;
    api.get("orders").await;
    let response = api.request("orders").send().await.unwrap();
    assert_eq!(response.status(), 429);
    let wait: u64 = response.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((3_000..=3_600).contains(&wait), "{wait}");
}

#[tokio::test]
async fn a_job_can_fail() {
    let api = Api::shop(
        "routes:
  - path: exports
    answer: { create_job: { collection: orders, filter: { equal: { kind: kind } }, identifier: id, failing: 1 } }
  - path: exports/{id}
    answer: { job_result: { parameter: id, status: state, body: { records_at: rows } } }
",
    )
    .await;
    let mut states = Vec::new();
    for _ in 0..2 {
        let response = api
            .post("exports", &json!({ "kind": "a" }))
            .send()
            .await
            .unwrap();
        let job = super::support::json(response).await.1;
        let result = api
            .get(&format!("exports/{}", job["id"].as_str().unwrap()))
            .await;
        states.push((
            result["state"].clone(),
            result["rows"].as_array().map(Vec::len),
        ));
    }
    assert_eq!(
        states,
        [(json!("failed"), None), (json!("complete"), Some(13))]
    );
    assert_eq!(api.error("exports/unknown").await.0, 404);
}

#[tokio::test]
async fn only_loopback_addresses_are_served() {
    let fixture =
        "version: 1\nname: shop\nnow: 2024-01-22T12:30:00Z\ncollections: {}\nroutes: []\n";
    let fixture = engine_sandbox::Fixture::parse(fixture).unwrap();
    let refused = Sandbox::start(fixture, "0.0.0.0:0".parse().unwrap()).await;
    let error = refused.err().unwrap().to_string();
    assert_eq!(error, "listen on `0.0.0.0:0`: not a loopback address");
}
