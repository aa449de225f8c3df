//! Page styles, envelopes and filters.

use serde_json::Value;

use super::support::{Api, ids, json};

fn route(list: &str) -> String {
    format!("routes: [{{ path: orders, answer: {{ list: {{ collection: orders, {list} }} }} }}]\n")
}

#[tokio::test]
async fn a_list_without_a_body_is_an_array_at_the_top() {
    let api = Api::shop(&route("page: { style: single }")).await;
    assert_eq!(ids(&api.get("orders").await), (1..=25).collect::<Vec<_>>());
}

#[tokio::test]
async fn offsets_go_on_to_the_total() {
    let list = "body: { records_at: data.items, members: { data.total: total, data.limit: limit, \
                data.offset: offset, meta.more: has_more, meta.count: count, version: { constant: 3 } } }, \
                page: { style: offset, default_size: 10, maximum_size: 20 }";
    let api = Api::shop(&route(list)).await;
    let first = api.get("orders").await;
    assert_eq!(ids(&first["data"]["items"]), (1..=10).collect::<Vec<_>>());
    assert_eq!(first["data"]["total"], 25);
    assert_eq!(first["meta"]["more"], true);
    assert_eq!(first["version"], 3);
    let end = api.get("orders?offset=20&limit=100").await;
    assert_eq!(ids(&end["data"]["items"]), (21..=25).collect::<Vec<_>>());
    assert_eq!(end["data"]["limit"], 20);
    assert_eq!(end["data"]["offset"], 20);
    assert_eq!(end["meta"]["count"], 5);
    assert_eq!(end["meta"]["more"], false);
    assert_eq!(
        ids(&api.get("orders?offset=25").await["data"]["items"]),
        Vec::<u64>::new()
    );
}

#[tokio::test]
async fn page_numbers_count_from_one() {
    let list = "body: { records_at: items, members: { page: page, pages: pages } }, \
                page: { style: page_number, size_parameter: per_page, default_size: 10 }";
    let api = Api::shop(&route(list)).await;
    let page = api.get("orders?page=2&per_page=12").await;
    assert_eq!(ids(&page["items"]), (13..=24).collect::<Vec<_>>());
    assert_eq!(page["page"], 2);
    assert_eq!(page["pages"], 3);
}

#[tokio::test]
async fn cursors_lead_to_the_end() {
    let list = "body: { records_at: items }, page: { style: cursor, default_size: 10, next_at: meta.next }";
    let api = Api::shop(&route(list)).await;
    let mut seen = Vec::new();
    let mut path = "orders".to_owned();
    loop {
        let page = api.get(&path).await;
        seen.push(ids(&page["items"]));
        let Some(cursor) = page["meta"]["next"].as_str() else {
            assert_eq!(page["meta"]["next"], Value::Null);
            break;
        };
        path = format!("orders?cursor={cursor}");
    }
    assert_eq!(seen.len(), 3);
    assert_eq!(seen.concat(), (1..=25).collect::<Vec<_>>());
    assert_eq!(api.error("orders?cursor=nonsense").await.0, 400);
}

#[tokio::test]
async fn links_in_the_body_keep_the_other_parameters() {
    let list = "filter: { equal: { kind: kind } }, body: { records_at: items }, \
                page: { style: json_link, default_size: 5, next_at: next }";
    let api = Api::shop(&route(list)).await;
    let mut seen = Vec::new();
    let mut page = api.get("orders?kind=a&trace=x%20y").await;
    loop {
        seen.extend(ids(&page["items"]));
        let Some(url) = page["next"].as_str() else {
            break;
        };
        assert!(url.contains("trace=x%20y"), "{url}");
        page = json(api.client.get(url).send().await.unwrap()).await.1;
    }
    assert_eq!(seen, (1..=25).step_by(2).collect::<Vec<_>>());
}

#[tokio::test]
async fn links_in_the_header_end_with_the_last_page() {
    let api = Api::shop(&route("page: { style: link_header, default_size: 20 }")).await;
    let response = api.request("orders").send().await.unwrap();
    let link = response.headers()["link"].to_str().unwrap().to_owned();
    let url = link
        .strip_prefix('<')
        .and_then(|rest| rest.strip_suffix(">; rel=\"next\""))
        .unwrap();
    let response = api.client.get(url).send().await.unwrap();
    assert!(!response.headers().contains_key("link"));
    assert_eq!(ids(&json(response).await.1), (21..=25).collect::<Vec<_>>());
}

#[tokio::test]
async fn cursors_in_a_header_end_with_the_last_page() {
    let page = "page: { style: header_cursor, default_size: 20, next_at: X-Next }";
    let api = Api::shop(&route(page)).await;
    let response = api.request("orders").send().await.unwrap();
    let cursor = response.headers()["x-next"].to_str().unwrap().to_owned();
    let path = format!("orders?cursor={cursor}");
    let response = api.request(&path).send().await.unwrap();
    assert!(!response.headers().contains_key("x-next"));
    assert_eq!(ids(&json(response).await.1), (21..=25).collect::<Vec<_>>());
}

#[tokio::test]
async fn pages_go_on_behind_a_record() {
    let page = "filter: { equal: { kind: kind } }, \
                page: { style: starting_after, key_field: id, default_size: 10 }";
    let api = Api::shop(&route(page)).await;
    let behind = api.get("orders?kind=a&starting_after=19").await;
    assert_eq!(ids(&behind), [21, 23, 25]);
    assert_eq!(api.error("orders?starting_after=99").await.0, 400);
}

#[tokio::test]
async fn a_post_has_its_parameters_in_the_body() {
    let api = Api::shop(
        "routes: [{ path: search, method: POST, answer: { list: { collection: orders, \
         page: { style: offset, size_parameter: page.size, position_parameter: page.from } } } }]\n",
    )
    .await;
    let body = serde_json::json!({"page": {"from": 3, "size": 2}, "q": null});
    let (status, records) = json(api.post("search", &body).send().await.unwrap()).await;
    assert_eq!(status, 200, "{records}");
    assert_eq!(ids(&records), [4, 5]);
    let form = api.request("search").build().unwrap().url().clone();
    let form = api.client.post(form).body("page.from=5&page.size=1&q=a+b");
    assert_eq!(ids(&json(form.send().await.unwrap()).await.1), [6]);
    assert_eq!(api.error("search").await.0, 405);
}

#[tokio::test]
async fn records_can_be_keyed_and_found_one_by_one() {
    let api = Api::shop(
        "routes:
  - path: orders
    answer: { list: { collection: orders, body: { records_at: orders, keyed_by: id } } }
  - path: orders/{order}
    answer: { record: { collection: orders, parameter: order, field: id } }
",
    )
    .await;
    let orders = api.get("orders").await;
    assert_eq!(orders["orders"]["7"]["id"], 7);
    assert_eq!(orders["orders"].as_object().unwrap().len(), 25);
    assert_eq!(api.get("orders/7").await, orders["orders"]["7"]);
    assert_eq!(api.error("orders/26").await.0, 404);
    assert_eq!(api.error("orders/7/lines").await.0, 404);
}
