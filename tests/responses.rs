//! Answers that need something else than usual.

use crate::support::{Finished, Reply, Request, Scripted, Workspace, files, rows};

fn run(server: &Scripted, endpoint: &str) -> (Workspace, Finished) {
    let workspace = Workspace::new();
    let spec = format!(
        "client: {{ base_url: {}, retry: {{ max_attempts: 3, max_backoff: 10ms }} }}\n\
         resources:\n  - name: items\n    endpoint:\n      data_selector: items\n      \
         paginator: {{ type: page_number, base_page: 1, total_path: null }}\n{endpoint}",
        server.url()
    );
    workspace.write("shop.yaml", &spec);
    let finished = workspace.engine(["run", "shop.yaml"]);
    (workspace, finished)
}

fn count(workspace: &Workspace) -> u64 {
    rows(&workspace.path().join("data/shop"), "items").len()
}

/// Three pages of one record, and what comes in place of the third.
fn third(reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Scripted {
    Scripted::start(move |request| match request.parameter("page") {
        Some(page @ ("1" | "2")) => Reply::json(format!(r#"{{"items": [{{"id": {page}}}]}}"#)),
        _ => reply(request),
    })
}

fn actions(entry: &str) -> String {
    format!("      response_actions: [{entry}]\n")
}

#[test]
fn an_ignored_answer_ends_the_pages_quietly() {
    let server = third(|_| Reply::status(404, "no such page"));
    let (workspace, finished) = run(
        &server,
        &actions("{ status_code: \"404\", action: ignore }"),
    );
    finished.assert_code(0);
    assert_eq!(count(&workspace), 2);
    assert_eq!(
        finished.stderr.matches("404").count(),
        1,
        "{}",
        finished.stderr
    );
    // dlt acts at the first answer, also on a status that is otherwise tried again.
    let server = third(|_| Reply::status(500, "too far"));
    let entry = "{ status_code: 500-599, content: far, action: ignore }";
    let (workspace, finished) = run(&server, &actions(entry));
    finished.assert_code(0);
    assert_eq!(count(&workspace), 2);
    assert_eq!(server.targets().len(), 3);
}

#[test]
fn an_error_in_a_body_is_never_the_end() {
    let error = |_: &Request| Reply::json(r#"{"error": {"code": "busy"}}"#);
    let (workspace, finished) = run(&third(error), "");
    finished.assert_code(1);
    assert!(finished.stderr.contains("page 3"), "{}", finished.stderr);
    assert!(files(&workspace.path().join("data/shop"), "items").is_empty());

    let failing =
        "{ when: \"body.error.code == 'busy'\", action: fail, message: the account is busy }";
    let (_, finished) = run(&third(error), &actions(failing));
    finished.assert_code(1);
    assert!(
        finished.stderr.contains("the account is busy"),
        "{}",
        finished.stderr
    );
}

#[test]
fn a_body_may_ask_for_another_try() {
    let server = third(|request| match (request.time, request.parameter("page")) {
        (1, _) => Reply::json(r#"{"error": "busy"}"#).with("X-Wait-Ms", "20"),
        (_, Some("3")) => Reply::json(r#"{"items": [{"id": 3}]}"#),
        _ => Reply::json(r#"{"items": []}"#),
    });
    let entry = "{ when: body.error == 'busy', action: rate_limited, wait: { header: X-Wait-Ms, format: milliseconds } }";
    let (workspace, finished) = run(&server, &actions(entry));
    finished.assert_code(0);
    assert_eq!(count(&workspace), 3);
    // The header asks for 20 ms, and `max_backoff` allows 10.
    let retries = finished.stderr.matches("next in 10 ms").count();
    assert_eq!(retries, 2, "{}", finished.stderr);
}

#[test]
fn a_stop_keeps_what_came_with_it() {
    let server = third(|_| Reply::json(r#"{"items": [{"id": 3}], "last": true}"#));
    let (workspace, finished) = run(&server, &actions("{ when: body.last, action: stop }"));
    finished.assert_code(0);
    assert_eq!(count(&workspace), 3);
    assert_eq!(server.targets().len(), 3);
}

#[test]
fn an_answer_without_a_body_is_an_empty_page() {
    let server = third(|_| Reply::status(204, ""));
    let (workspace, finished) = run(&server, "");
    finished.assert_code(0);
    assert_eq!(count(&workspace), 2);
    let server = Scripted::start(|_: &Request| Reply::status(204, ""));
    let (workspace, finished) = run(&server, "");
    finished.assert_code(0);
    assert_eq!(count(&workspace), 0);
    assert_eq!(server.targets().len(), 1);
}

#[test]
fn an_empty_body_is_no_answer_unless_the_spec_says_so() {
    for body in ["", " \n"] {
        let server = third(move |_| Reply::status(200, body));
        let (workspace, finished) = run(&server, "");
        finished.assert_code(1);
        let action = r#"{ when: "text | trim == ''", action: stop }"#;
        assert!(finished.stderr.contains(action), "{finished:#?}");
        assert_eq!(count(&workspace), 0);
        let (workspace, finished) = run(&server, &actions(action));
        finished.assert_code(0);
        assert_eq!(count(&workspace), 2);
    }
}

#[test]
fn a_server_that_stalls_is_given_up() {
    let server = third(|_| {
        std::thread::sleep(std::time::Duration::from_millis(400));
        Reply::json("{}")
    });
    let workspace = Workspace::new();
    let spec = format!(
        "client: {{ base_url: {}, timeout: {{ read: 100ms }}, retry: {{ max_attempts: 1 }} }}\n\
         resources: [{{ name: items, endpoint: {{ params: {{ page: 3 }} }} }}]\n",
        server.url()
    );
    workspace.write("shop.yaml", &spec);
    let finished = workspace.engine(["run", "shop.yaml"]);
    finished.assert_code(1);
    assert!(finished.stderr.contains("timed out"), "{}", finished.stderr);
    assert!(
        finished.stderr.contains("/items?page=3"),
        "{}",
        finished.stderr
    );
}

#[test]
fn rows_of_different_parents_with_one_key_are_told() {
    let server = Scripted::start(|request| match request.target.as_str() {
        "/teams" => Reply::json(r#"[{"id": "a"}, {"id": "b"}, {"id": "c"}]"#),
        "/plain" => Reply::json(r#"[{"line": 1, "v": 1}, {"line": 1, "v": 2}]"#),
        _ => Reply::json(r#"[{"line": 1}, {"line": 2}]"#),
    });
    let workspace = Workspace::new();
    let spec = |key: &str| {
        format!(
            "client: {{ base_url: {} }}\n\
             resource_defaults: {{ write_disposition: merge, endpoint: {{ paginator: single_page, data_selector: $ }} }}\n\
             resources:\n  - {{ name: teams, primary_key: id }}\n  - {{ name: plain, primary_key: line }}\n  \
             - {{ name: lines, primary_key: {key}, include_from_parent: [id], endpoint: 'teams/{{resources.teams.id}}/lines' }}\n",
            server.url()
        )
    };
    workspace.write("shop.yaml", &spec("line"));
    let finished = workspace.engine(["run", "shop.yaml"]);
    finished.assert_code(0);
    let told = "warning: lines: 4 rows had the same `line` as another row of this run";
    assert!(finished.stdout.contains(told), "{}", finished.stdout);
    assert!(
        finished
            .stderr
            .contains("plain: 1 rows had the same `line`"),
        "{}",
        finished.stderr
    );
    assert_eq!(rows(&workspace.path().join("data/shop"), "lines").len(), 2);

    let workspace = Workspace::new();
    workspace.write("shop.yaml", &spec("[_teams_id, line]"));
    let finished = workspace.engine(["run", "shop.yaml"]);
    finished.assert_code(0);
    assert!(!finished.stdout.contains("warning"), "{}", finished.stdout);
    assert_eq!(rows(&workspace.path().join("data/shop"), "lines").len(), 6);
}

#[test]
fn what_a_failed_resource_took_is_counted() {
    let server = third(|request| match request.target.as_str() {
        "/other" => Reply::json("[]"),
        _ => Reply::status(500, "broken"),
    });
    let other = "  - { name: other, endpoint: { data_selector: $, paginator: single_page } }\n";
    let (_, finished) = run(&server, other);
    finished.assert_code(3);
    let row = finished
        .stdout
        .lines()
        .find(|line| line.trim_start().starts_with("items"))
        .unwrap();
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(cells[1..3], ["5", "2"], "{}", finished.stdout);
}

#[test]
fn a_bare_page_of_a_round_number_may_not_be_all() {
    for (count, warned) in [(100, true), (20, true), (7, false), (93, false)] {
        let server = Scripted::start(move |_| {
            let records: Vec<String> = (0..count).map(|id| format!(r#"{{"id": {id}}}"#)).collect();
            Reply::json(format!("[{}]", records.join(",")))
        });
        let workspace = Workspace::new();
        let spec = format!(
            "client: {{ base_url: {} }}\nresources: [items]\n",
            server.url()
        );
        workspace.write("shop.yaml", &spec);
        let finished = workspace.engine(["run", "shop.yaml"]);
        finished.assert_code(0);
        let told = format!(
            "warning: items: only one page was read, and it may be full: it has {count} records"
        );
        assert_eq!(
            finished.stdout.contains(&told),
            warned,
            "{}",
            finished.stdout
        );
    }
}

#[test]
fn parents_that_lead_to_one_request_keep_rows_of_their_own() {
    let server = Scripted::start(|request| match request.target.as_str() {
        "/parents" => Reply::json(
            r#"[{"org": "x", "id": 1}, {"org": "y", "id": 1}, {"org": "x", "id": 2}, {"org": "x", "id": 2}]"#,
        ),
        _ => Reply::json(r#"[{"c": 7}]"#),
    });
    let workspace = Workspace::new();
    let spec = format!(
        "client: {{ base_url: {} }}\n\
         resource_defaults: {{ write_disposition: merge, endpoint: {{ paginator: single_page, data_selector: $ }} }}\n\
         resources:\n  - {{ name: parents, primary_key: [org, id] }}\n  - name: children\n    \
         endpoint: 'parents/{{resources.parents.id}}'\n    include_from_parent: [org, id]\n    \
         primary_key: [_parents_org, _parents_id, c]\n",
        server.url()
    );
    workspace.write("shop.yaml", &spec);
    workspace.engine(["run", "shop.yaml"]).assert_code(0);
    let children = rows(&workspace.path().join("data/shop"), "children");
    assert_eq!(children.len(), 3);
    assert_eq!(children.distinct(&["_parents_org", "_parents_id"]), 3);
    // A record that comes twice is asked for once.
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn twins_of_a_parent_are_read_and_remembered_apart() {
    let is_broken = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let broken = std::sync::Arc::clone(&is_broken);
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let server = Scripted::start(move |request| {
        if request.target.starts_with("/parents?") || request.target == "/parents" {
            return Reply::json(r#"[{"org": "x", "id": 1}, {"org": "y", "id": 1}]"#);
        }
        let is_second = asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 1;
        if is_second && broken.load(std::sync::atomic::Ordering::SeqCst) {
            return Reply::status(500, "broken");
        }
        Reply::json(r#"[{"c": 7, "at": 1}, {"c": 8, "at": 2}]"#)
    });
    let workspace = Workspace::new();
    let spec = format!(
        "client: {{ base_url: {}, retry: {{ max_attempts: 1 }} }}\n\
         resource_defaults: {{ endpoint: {{ paginator: single_page, data_selector: $ }} }}\n\
         resources:\n  - {{ name: parents, write_disposition: replace }}\n  - name: children\n    \
         include_from_parent: [org]\n    endpoint:\n      path: 'parents/{{resources.parents.id}}'\n      \
         incremental: {{ cursor_path: at, start_param: since }}\n",
        server.url()
    );
    workspace.write("shop.yaml", &spec);
    workspace.engine(["run", "shop.yaml"]).assert_code(3);
    is_broken.store(false, std::sync::atomic::Ordering::SeqCst);
    for _ in 0..2 {
        workspace.engine(["run", "shop.yaml"]).assert_code(0);
        let children = rows(&workspace.path().join("data/shop"), "children");
        assert_eq!(children.len(), 4);
        assert_eq!(children.distinct(&["_parents_org", "c"]), 4);
    }
}
