//! The examples of the reference page run, and ask for what they say.

use std::collections::BTreeSet;
use std::path::PathBuf;

use engine_sandbox::Fixture;

use crate::support::{Reply, Request, Scripted, Served, Workspace, root, rows};

/// What the API of each example is like: how it answers `orders`, and what it asks for.
const APIS: &[(&str, &str, &str)] = &[
    (
        "auth-api_key",
        "",
        "{ header: { name: X-Api-Key, value: k-1 } }",
    ),
    ("auth-bearer", "", "{ bearer: { token: t-1 } }"),
    (
        "auth-http_basic",
        "",
        "{ http_basic: { username: reader, password: p-1 } }",
    ),
    ("auth-none", "", "null"),
    (
        "auth-oauth2_client_credentials",
        "",
        "{ bearer: { token: t-1 } }",
    ),
    (
        "paginator-auto",
        "page: { style: link_header, default_size: 20 }",
        "null",
    ),
    (
        "paginator-cursor",
        "body: { records_at: orders }, page: { style: cursor, default_size: 20, next_at: paging.next, position_parameter: after }",
        "null",
    ),
    (
        "paginator-header_cursor",
        "page: { style: header_cursor, default_size: 20, next_at: Next-Cursor, position_parameter: after }",
        "null",
    ),
    (
        "paginator-header_link",
        "page: { style: link_header, default_size: 20 }",
        "null",
    ),
    (
        "paginator-json_link",
        "body: { records_at: orders }, page: { style: json_link, default_size: 20, next_at: links.next }",
        "null",
    ),
    (
        "paginator-offset",
        "body: { records_at: orders, members: { total: total } }, page: { style: offset, default_size: 20 }",
        "null",
    ),
    (
        "paginator-page_number",
        "body: { records_at: orders, members: { pages: pages } }, page: { style: page_number, default_size: 20 }",
        "null",
    ),
    (
        "paginator-single_page",
        "body: { records_at: orders }",
        "null",
    ),
];

fn fixture(answer: &str, auth: &str, token_url: &str) -> Fixture {
    let separator = if answer.is_empty() { "" } else { ", " };
    let fixture = format!(
        "
version: 1
name: example
base_path: /v1
now: 2024-01-22T12:31:00Z
auth: {auth}
variables: {{ API_TOKEN: t-1, API_PASSWORD: p-1, API_KEY: k-1, CLIENT_SECRET: s-1, TOKEN_URL: {token_url} }}
collections:
  orders: {{ records: 53, fields: {{ id: {{ increment: {{ start: 1 }} }} }} }}
routes:
  - {{ path: orders, answer: {{ list: {{ collection: orders{separator}{answer} }} }} }}
"
    );
    Fixture::parse(&fixture).unwrap()
}

#[test]
fn the_examples_run() {
    let tokens = Scripted::start(|_: &Request| Reply::json(r#"{"access_token": "t-1"}"#));
    let mut asked: Vec<String> = Vec::new();
    for (name, answer, auth) in APIS {
        let served = Served::start(fixture(answer, auth, &tokens.url()));
        let workspace = Workspace::new();
        let spec = root()
            .join("docs/reference/examples")
            .join(name)
            .with_extension("yaml");
        let finished =
            workspace.engine(["run", spec.to_str().unwrap(), "--sandbox", &served.origin()]);
        finished.assert_code(0);
        let orders = rows(&workspace.path().join("data/example"), "orders");
        assert_eq!((orders.len(), orders.distinct(&["id"])), (53, 53), "{name}");

        let mut requests: Vec<String> = served
            .requests()
            .into_iter()
            .map(|request| {
                let query: Vec<String> = request
                    .query
                    .iter()
                    .map(|(key, value)| format!("{key}={value}"))
                    .collect();
                format!(
                    "  {} {} {} {}",
                    request.method,
                    request.path,
                    query.join("&"),
                    request.body
                )
            })
            .collect();
        requests.sort();
        asked.push((*name).to_owned());
        asked.extend(requests.iter().map(|request| request.trim_end().to_owned()));
    }
    insta::assert_snapshot!(asked.join("\n"), @"
    auth-api_key
      GET /v1/orders
    auth-bearer
      GET /v1/orders
    auth-http_basic
      GET /v1/orders
    auth-none
      GET /v1/orders
    auth-oauth2_client_credentials
      GET /v1/orders
    paginator-auto
      GET /v1/orders
      GET /v1/orders limit=20&offset=20
      GET /v1/orders limit=20&offset=40
    paginator-cursor
      GET /v1/orders
      GET /v1/orders after=YWZ0ZXI6MjA
      GET /v1/orders after=YWZ0ZXI6NDA
    paginator-header_cursor
      GET /v1/orders
      GET /v1/orders after=YWZ0ZXI6MjA
      GET /v1/orders after=YWZ0ZXI6NDA
    paginator-header_link
      GET /v1/orders
      GET /v1/orders limit=20&offset=20
      GET /v1/orders limit=20&offset=40
    paginator-json_link
      GET /v1/orders
      GET /v1/orders limit=20&offset=20
      GET /v1/orders limit=20&offset=40
    paginator-offset
      GET /v1/orders limit=20&offset=0
      GET /v1/orders limit=20&offset=20
      GET /v1/orders limit=20&offset=40
    paginator-page_number
      GET /v1/orders page=1
      GET /v1/orders page=2
      GET /v1/orders page=3
    paginator-single_page
      GET /v1/orders
    ");
}

#[test]
fn each_example_is_run() {
    let examples = std::fs::read_dir(root().join("docs/reference/examples")).unwrap();
    let name = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let examples: BTreeSet<String> = examples.map(|entry| name(entry.unwrap().path())).collect();
    let run: BTreeSet<String> = APIS.iter().map(|(name, ..)| (*name).to_owned()).collect();
    assert_eq!(examples, run);
}
