//! APIs of well-known shapes, each with 25 records in pages of 10: where `init` finds them, a run reads them all.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Finished, Reply, Request, Scripted, Workspace, rows};

/// Records of each API.
const ALL: usize = 25;

/// Records of a page, unless the request says otherwise.
const PAGE: usize = 10;

/// Runs `init` against a server, then `check` and `run` as they are, and holds the table's rows against the records.
fn check(
    path: &str,
    findings: [&str; 3],
    answer: impl Fn(&Request) -> Reply + Send + Sync + 'static,
) {
    let server = Scripted::start(answer);
    let workspace = Workspace::new();
    let finished = init(&workspace, &server, path);
    finished.assert_code(0);
    for finding in findings {
        assert!(
            finished.stdout.contains(finding),
            "{finding}\n{}",
            finished.stdout
        );
    }
    workspace
        .engine(["check", "shop.yaml", "--offline"])
        .assert_code(0);
    workspace.engine(["run", "shop.yaml"]).assert_code(0);
    let table = rows(&workspace.path().join("data/shop"), "things");
    assert_eq!(table.len(), ALL as u64, "{}", finished.stdout);
    let ids: BTreeSet<&str> = table.rows.iter().map(|row| row["id"].as_str()).collect();
    assert_eq!(ids.len(), ALL);
}

fn init(workspace: &Workspace, server: &Scripted, path: &str) -> Finished {
    let endpoint = format!("things={path}");
    workspace.engine([
        "init",
        "shop",
        "--base-url",
        &server.url(),
        "--endpoint",
        &endpoint,
    ])
}

fn record(number: usize) -> Value {
    json!({"id": format!("t{number:03}"), "name": format!("thing {number}"), "updated_at": "2024-05-01T10:00:00Z"})
}

/// The records of a page that begins there.
fn records(from: usize, count: usize) -> Vec<Value> {
    (from..ALL.min(from + count)).map(record).collect()
}

fn number(request: &Request, parameter: &str) -> Option<usize> {
    request.parameter(parameter)?.parse().ok()
}

fn reply(body: &Value) -> Reply {
    Reply::json(body.to_string())
}

#[test]
fn links_in_a_header() {
    check(
        "repos/x/y/issues",
        [
            "records  $            certain",
            "pages    header_link  certain  the `Link` header",
            "key      id           certain",
        ],
        |request| {
            let page = number(request, "page").unwrap_or(1);
            let body = reply(&Value::from(records((page - 1) * PAGE, PAGE)));
            if page * PAGE >= ALL {
                return body;
            }
            let host = &request.headers["host"];
            let next = format!(
                "<http://{host}/repos/x/y/issues?page={}>; rel=\"next\"",
                page + 1
            );
            body.with("Link", next)
        },
    );
}

#[test]
fn a_url_in_the_body() {
    check(
        "pokemon",
        [
            "records  results",
            "{ type: json_link, next_url_path: next }  certain",
            "page 2 brought 10 other records",
        ],
        |request| {
            let from = number(request, "offset").unwrap_or(0);
            let next = (from + PAGE < ALL).then(|| {
                format!(
                    "http://{}/pokemon?offset={}",
                    request.headers["host"],
                    from + PAGE
                )
            });
            reply(
                &json!({"count": ALL, "next": next, "previous": null, "results": records(from, PAGE)}),
            )
        },
    );
}

#[test]
fn the_last_id_goes_back() {
    check(
        "v1/customers",
        [
            "records  data",
            "cursor_record_path: id, cursor_param: starting_after",
            "certain",
        ],
        |request| {
            let from = request.parameter("starting_after").map_or(0, |id| {
                id.trim_start_matches('t').parse::<usize>().unwrap() + 1
            });
            reply(
                &json!({"object": "list", "url": "/v1/customers", "has_more": from + PAGE < ALL, "data": records(from, PAGE)}),
            )
        },
    );
}

#[test]
fn a_cursor_whose_name_tells_its_parameter() {
    check(
        "crm/v3/objects/contacts",
        [
            "records  results",
            "cursor_path: paging.next.after, cursor_param: after",
            "certain",
        ],
        |request| {
            let from = number(request, "after").unwrap_or(0);
            let mut body = json!({"results": records(from, PAGE)});
            if from + PAGE < ALL {
                body["paging"] = json!({"next": {"after": (from + PAGE).to_string(), "link": "https://elsewhere.example/?after=1"}});
            }
            reply(&body)
        },
    );
}

#[test]
fn a_cursor_whose_parameter_is_tried_out() {
    check(
        "v1/users",
        [
            "records  results",
            "cursor_path: next_cursor, cursor_param: start_cursor",
            "certain",
        ],
        |request| {
            if request.parameter("cursor").is_some() {
                return Reply::status(
                    400,
                    r#"{"object":"error","message":"cursor is no parameter"}"#,
                );
            }
            let from = number(request, "start_cursor").unwrap_or(0);
            let more = from + PAGE < ALL;
            let next = more.then(|| (from + PAGE).to_string());
            reply(
                &json!({"object": "list", "results": records(from, PAGE), "next_cursor": next, "has_more": more, "type": "user", "user": {}}),
            )
        },
    );
}

#[test]
fn an_offset_that_is_a_text() {
    check(
        "v0/base/Table",
        [
            "records  records",
            "{ type: cursor, cursor_path: offset, cursor_param: offset }  certain",
            "key      id",
        ],
        |request| {
            let from = request
                .parameter("offset")
                .map_or(0, |text| text.trim_start_matches("itr").parse().unwrap());
            let mut body = json!({"records": records(from, PAGE)});
            if from + PAGE < ALL {
                body["offset"] = json!(format!("itr{}", from + PAGE));
            }
            reply(&body)
        },
    );
}

#[test]
fn an_offset_with_a_total_of_objects_under_their_ids() {
    check(
        "v0/people",
        [
            "records  people.*",
            "`people` has 10 objects, each under its own id",
            "{ type: offset, limit: 10 }  certain",
        ],
        |request| {
            let from = number(request, "offset").unwrap_or(0);
            let limit = number(request, "limit").unwrap_or(PAGE);
            let people: serde_json::Map<String, Value> = records(from, limit)
                .into_iter()
                .map(|record| (record["id"].as_str().unwrap().to_owned(), record))
                .collect();
            reply(&json!({"people": people, "total": ALL, "limit": limit, "offset": from}))
        },
    );
}

/// Page numbers with a total of pages, counted from the base; where another page is asked for there is nothing.
fn numbered(base: usize) -> impl Fn(&Request) -> Reply {
    move |request| {
        let page = number(request, "page").unwrap_or(base);
        let things = page
            .checked_sub(base)
            .map_or_else(Vec::new, |page| records(page * PAGE, PAGE));
        reply(&json!({"things": things, "total_pages": ALL.div_ceil(PAGE)}))
    }
}

#[test]
fn page_numbers_from_1() {
    check(
        "things",
        [
            "records  things",
            "{ type: page_number, base_page: 1, total_path: total_pages }  certain",
            "key      id",
        ],
        numbered(1),
    );
}

#[test]
fn page_numbers_from_0() {
    check(
        "things",
        [
            "records  things",
            "{ type: page_number, base_page: 0, total_path: total_pages }  certain",
            "key      id",
        ],
        numbered(0),
    );
}

#[test]
fn page_numbers_that_nothing_tells_of() {
    check(
        "things",
        [
            "records  $",
            "{ type: page_number, base_page: 1, total_path: null }  certain",
            "10 records came, a number to which APIs limit their pages",
        ],
        |request| {
            let page = number(request, "page").unwrap_or(1);
            reply(&Value::from(records((page - 1) * PAGE, PAGE)))
        },
    );
}

#[test]
fn a_total_in_a_header_and_an_offset_that_is_tried_out() {
    check(
        "things",
        [
            "records  $",
            "{ type: offset, limit: 10, total_items_header: x-total-count }  certain",
            "the answer tells of more",
        ],
        |request| {
            let from = number(request, "offset").unwrap_or(0);
            reply(&Value::from(records(from, PAGE))).with("X-Total-Count", ALL.to_string())
        },
    );
}

#[test]
fn a_round_number_of_records_that_is_all() {
    let server = Scripted::start(|_| reply(&Value::from(records(0, PAGE))));
    let workspace = Workspace::new();
    let finished = init(&workspace, &server, "things");
    finished.assert_code(0);
    assert!(
        finished
            .stdout
            .contains("unknown  nothing tells of more than the 10 records that came"),
        "{}",
        finished.stdout
    );
    workspace.engine(["run", "shop.yaml"]).assert_code(0);
    assert_eq!(
        rows(&workspace.path().join("data/shop"), "things").len(),
        10
    );
}

#[test]
fn more_that_nobody_knows_how_to_ask_for() {
    let server = Scripted::start(|_| reply(&json!({"data": records(0, PAGE), "total": ALL})));
    let workspace = Workspace::new();
    let finished = init(&workspace, &server, "things");
    finished.assert_code(0);
    assert!(
        finished
            .stdout
            .contains("set `paginator` of `things` in shop.yaml"),
        "{}",
        finished.stdout
    );
    workspace
        .engine(["check", "shop.yaml", "--offline"])
        .assert_code(0);
    // A run says so too, rather than read a part.
    let run = workspace.engine(["run", "shop.yaml"]);
    run.assert_code(1);
    assert!(run.stderr.contains("set `paginator`"), "{}", run.stderr);
}

#[test]
fn a_link_to_another_host_is_not_followed() {
    let elsewhere = Scripted::start(|_| reply(&json!([])));
    let link = format!("{}/things?page=2", elsewhere.url());
    let server = Scripted::start(move |_| reply(&json!({"data": records(0, PAGE), "next": link})));
    let workspace = Workspace::new();
    let finished = init(&workspace, &server, "things");
    finished.assert_code(0);
    assert!(elsewhere.requests().is_empty());
    for said in [
        "guess    `next` has the URL of the next page; but trying it out failed",
        "neither the origin of `base_url` nor one of `allowed_hosts`",
        "look at `paginator` of `things` in shop.yaml",
    ] {
        assert!(
            finished.stdout.contains(said),
            "{said}\n{}",
            finished.stdout
        );
    }
}

#[test]
fn an_api_that_fails_for_a_while_is_asked_again() {
    let server = Scripted::start(|request| match request.time {
        1 => Reply::status(503, "busy").with("Retry-After", "0"),
        _ => reply(&Value::from(records(0, 3))),
    });
    let workspace = Workspace::new();
    let finished = init(&workspace, &server, "things");
    finished.assert_code(0);
    assert!(
        finished
            .stderr
            .contains("retry: things: try 1 failed (the server answered 503)"),
        "{}",
        finished.stderr
    );
}
