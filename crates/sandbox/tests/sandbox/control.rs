//! What a person or a test asks of the sandbox itself.

use engine_sandbox::{Information, SeenRequest};

use super::support::{Api, json};

const GROWING: &str = "  states: { series: { from: 2024-01-22T00:00:00Z, every: 1h }, fields: { at: { instant: unix } } }
variables: { SHOP_KEY: secret-key }
auth: { http_basic: { username: secret-key } }
rate_limit: { requests: 300, per: 1m, burst: 20 }
routes:
  - { path: orders, answer: { list: { collection: orders } } }
  - { path: states, answer: { list: { collection: states } } }
";

fn origin(api: &Api) -> String {
    api.sandbox.url().strip_suffix("/api").unwrap().to_owned()
}

#[tokio::test]
async fn information_says_what_a_client_needs() {
    let api = Api::shop(GROWING).await;
    let response = api
        .client
        .get(format!("{}/_sandbox", origin(&api)))
        .send()
        .await
        .unwrap();
    let (_, body) = json(response).await;
    assert_eq!(
        body["rate_limit"],
        serde_json::json!({ "requests": 300, "per": 60, "burst": 20 })
    );
    let information: Information = serde_json::from_value(body).unwrap();
    assert_eq!(information, api.sandbox.information());
    assert_eq!(information.name, "shop");
    assert_eq!(information.base_url, api.sandbox.url());
    assert_eq!(information.now.to_string(), "2024-01-22T12:30:00Z");
    assert_eq!(information.variables["SHOP_KEY"], "secret-key");
    assert_eq!(information.collections["states"], 13);
}

#[tokio::test]
async fn the_clock_moves_what_is_served() {
    let api = Api::shop(GROWING).await;
    assert_eq!(api.get("states").await.as_array().unwrap().len(), 13);
    let clock = api.client.post(format!("{}/_sandbox/clock", origin(&api)));
    let clock = clock
        .body(r#"{"now": "2024-01-22T14:00:00Z"}"#)
        .send()
        .await
        .unwrap();
    assert_eq!(json(clock).await.1["collections"]["states"], 15);
    assert_eq!(api.get("states").await.as_array().unwrap().len(), 15);
    api.sandbox.set_now("2024-01-22T01:00:00Z".parse().unwrap());
    assert_eq!(api.get("states").await.as_array().unwrap().len(), 2);
    let clock = api.client.post(format!("{}/_sandbox/clock", origin(&api)));
    let refused = clock.body(r#"{"now": "noon"}"#).send().await.unwrap();
    assert_eq!(refused.status(), 400);
}

#[tokio::test]
async fn the_log_has_every_request_of_the_api_and_no_credentials() {
    let api = Api::shop(GROWING).await;
    api.get("orders?b=2&a=1%202").await;
    api.client
        .get(origin(&api))
        .send()
        .await
        .unwrap()
        .error_for_status()
        .unwrap();
    let refused = api
        .client
        .get(format!("{}/orders", api.sandbox.url()))
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), 401);
    let response = api
        .client
        .get(format!("{}/_sandbox/requests", origin(&api)))
        .send()
        .await
        .unwrap();
    let (_, body) = json(response).await;
    assert!(!body.to_string().contains("secret-key"));
    let seen: Vec<SeenRequest> = serde_json::from_value(body).unwrap();
    assert_eq!(seen, api.sandbox.requests());
    assert_eq!(seen.len(), 2);
    assert_eq!(
        (
            seen[0].method.as_str(),
            seen[0].path.as_str(),
            seen[0].status
        ),
        ("GET", "/api/orders", 200)
    );
    let query = [
        ("b".to_owned(), "2".to_owned()),
        ("a".to_owned(), "1 2".to_owned()),
    ];
    assert_eq!(seen[0].query, query);
    assert_eq!(seen[1].status, 401);
}

#[tokio::test]
async fn a_stopped_sandbox_answers_no_more() {
    let api = Api::shop(GROWING).await;
    let url = format!("{}/orders", api.sandbox.url());
    api.get("orders").await;
    api.sandbox.stop().await;
    assert!(api.client.get(url).send().await.is_err());
}

#[tokio::test]
async fn a_dropped_sandbox_answers_no_more() {
    let api = Api::shop(GROWING).await;
    let url = format!("{}/orders", api.sandbox.url());
    let address = url.split('/').nth(2).unwrap().to_owned();
    drop(api.sandbox);
    // The task ends at its next turn, so the address comes free a moment later.
    while tokio::net::TcpListener::bind(&address).await.is_err() {
        tokio::task::yield_now().await;
    }
    assert!(api.client.get(url).send().await.is_err());
}
