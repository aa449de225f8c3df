//! `engine preview`: what is asked for, what is shown, and that nothing is written.

use serde_json::Value;

use crate::support::{
    Finished, Reply, Request, Scripted, Served, Workspace, assembled, assembled_fixture,
};

const SECRET: &str = "sk_hunter2_hunter2";

/// Previews a resource of a spec whose API is the server; the result must not show the secret.
fn preview(server: &Scripted, resources: &str, arguments: &[&str]) -> (Workspace, Finished) {
    let workspace = Workspace::new();
    let spec = format!(
        "version: 1\nname: shop\nclient:\n  base_url: {}\n  auth: {{ type: bearer, token: \"${{SHOP_TOKEN}}\" }}\n  \
         retry: {{ max_backoff: 10ms }}\nresources:\n{resources}",
        server.url()
    );
    workspace.write("shop.yaml", &spec);
    let mut command = workspace.command(["preview", "shop.yaml"]);
    command.args(arguments);
    let finished = Finished::from(
        command
            .env("SHOP_TOKEN", SECRET)
            .env("COLUMNS", "100")
            .output()
            .unwrap(),
    );
    for text in [&finished.stdout, &finished.stderr] {
        assert!(!text.contains("hunter2"), "a secret is shown: {text}");
        assert!(!text.contains('\u{1b}'), "the terminal is moved: {text}");
    }
    let left = std::fs::read_dir(workspace.path()).unwrap().count();
    assert_eq!(left, 1, "something was written beside the spec");
    (workspace, finished)
}

/// The text with the server's address, times and ids that differ from run to run made the same.
fn shown(server: &Scripted, text: &str) -> String {
    let lines = text.replace(&server.url(), "http://shop");
    let lines = lines.lines().map(|line| match line.split_once(" in ") {
        Some((before, behind)) if behind.ends_with(" ms") => format!("{before} in 3 ms"),
        Some((before, behind)) if before.ends_with("sent again") => {
            let (_, reason) = behind.split_once(": ").unwrap();
            format!("{before} in 3 ms: {reason}")
        }
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn json(finished: &Finished) -> Value {
    serde_json::from_str(&finished.stdout).unwrap()
}

#[test]
fn a_preview_shows_requests_records_columns_and_reasons() {
    let server = Scripted::start(|request: &Request| {
        match request.parameter("page") {
        None => Reply::json(
            r#"{"items": [
                {"id": 1, "name": "Ann", "born": "1990-01-31", "score": 1.5, "seen": "2024-01-02T03:04:05Z", "tags": ["a"],
                 "password": "p", "echo": "sk_hunter2_hunter2", "address": {"city": "Bonn", "token": "t"}, "nothing": null},
                {"id": 2, "name": "\u001b[31mBo\nb", "born": null, "score": 12345678901234567890.5, "mixed": "x"}
            ], "next": "/people?page=2"}"#,
        )
        .with("Content-Type", "application/json"),
        Some(_) => Reply::json(r#"{"items": [{"id": 3, "mixed": 7}], "next": "/people?page=3"}"#)
            .with("Content-Type", "application/json"),
    }
    });
    let (_, finished) = preview(&server, "  - people\n", &["people"]);
    finished.assert_code(0);
    insta::assert_snapshot!("preview_text", shown(&server, &finished.stdout));
    assert_eq!(finished.stderr, "");
    let asked: Vec<String> = server
        .requests()
        .into_iter()
        .map(|one| one.target)
        .collect();
    assert_eq!(asked, ["/people", "/people?page=2"]);

    let (_, finished) = preview(
        &server,
        "  - people\n",
        &["people", "--output", "json", "--records", "1"],
    );
    finished.assert_code(0);
    let told = json(&finished);
    assert_eq!(told["rows"], 3);
    assert_eq!(told["records"].as_array().unwrap().len(), 1);
    assert_eq!(told["records"][0]["password"], "***");
    assert_eq!(told["records"][0]["echo"], "***");
    assert_eq!(told["records"][0]["address"]["token"], "***");
    assert_eq!(told["data_selector"]["found"], true);
    assert_eq!(told["steps"].as_array().unwrap().len(), 4);
    assert_eq!(told["keys_without_values"][0], "nothing");
    let score = &told["columns"][3];
    assert_eq!(score["name"], "score");
    assert_eq!(score["type"], "decimal(38, 1)");
    assert_eq!(score["nulls"], 1);
}

#[test]
fn a_curl_line_asks_what_was_asked() {
    let server = Scripted::start(|_: &Request| Reply::json("[]"));
    let resources = "  - { name: people, endpoint: { path: \"people?q=it's\", method: POST, json: { a: \"$b \\\"c\\\"\" }, \
                     headers: { X-Api-Key: \"${SHOP_TOKEN}\" }, paginator: single_page } }\n";
    let (workspace, finished) = preview(&server, resources, &["people", "--output", "json"]);
    finished.assert_code(0);
    let curl = json(&finished)["steps"][0]["curl"]
        .as_str()
        .unwrap()
        .to_owned();
    // The shell takes the line for just these words.
    let script = curl.replacen("curl ", "printf '%s\\n' ", 1);
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &script]).env("SHOP_TOKEN", SECRET);
    let words = Finished::from(shell.current_dir(workspace.path()).output().unwrap()).stdout;
    let seen = server.requests().remove(0);
    let words: Vec<&str> = words.lines().collect();
    assert!(
        words.contains(&format!("{}{}", server.url(), seen.target).as_str()),
        "{words:?}"
    );
    assert!(words.contains(&seen.body.as_str()), "{words:?}");
    for name in ["authorization", "x-api-key", "content-type"] {
        let header = format!("{name}: {}", seen.headers[name]);
        assert!(words.contains(&header.as_str()), "{header} in {words:?}");
    }
}

#[test]
fn what_goes_wrong_is_shown_with_the_request_and_the_answer() {
    let server = Scripted::start(|request: &Request| match request.target.as_str() {
        "/denied" => Reply::status(
            401,
            format!("{{\"no\": {:?}}}", request.headers["authorization"]),
        )
        .with("Content-Type", "application/json"),
        "/html" => {
            Reply::json("<!doctype html><p>\u{1b}[2J Sign in").with("Content-Type", "text/html")
        }
        "/cut" => Reply::json("{\"items\": [{\"id\": 1}], \"next\": \"/html\"}"),
        "/dropped" => Reply::Dropped,
        _ => Reply::json("{\"data\": {\"rows\": [{\"id\": 1}]}}"),
    });
    let resources = "  - denied\n  - html\n  - cut\n  - dropped\n  - { name: other, endpoint: { path: other, data_selector: items } }\n  \
                     - { name: child, endpoint: \"child/{resources.denied.id}\" }\n";
    let mut all = String::new();
    for resource in ["denied", "html", "cut", "dropped", "other", "child"] {
        let (_, finished) = preview(&server, resources, &[resource]);
        finished.assert_code(1);
        let text = shown(
            &server,
            &format!("{}\n{}", finished.stdout, finished.stderr),
        );
        all = format!("{all}── {resource}\n{text}\n");
    }
    // What a system says of a broken connection differs.
    let all: Vec<&str> = all
        .lines()
        .filter(|line| {
            !line.contains("because: error sending") && !line.contains("because: connection")
        })
        .collect();
    insta::assert_snapshot!("preview_failures", all.join("\n"));

    let (_, finished) = preview(&server, resources, &["cut", "--output", "json"]);
    finished.assert_code(1);
    let told = json(&finished);
    assert_eq!(told["rows"], 1);
    assert!(
        told["error"].as_str().unwrap().contains("HTML page"),
        "{told:#}"
    );
    let (_, finished) = preview(&server, resources, &["nobody"]);
    finished.assert_code(2);
    let (_, finished) = preview(&server, resources, &["other", "--pages", "0"]);
    finished.assert_code(2);
}

#[test]
fn a_childs_pages_are_those_of_the_first_parent_record() {
    let server = Scripted::start(|request: &Request| match request.target.as_str() {
        "/orgs" => Reply::json("[{\"id\": 1}, {\"id\": 2}]"),
        "/orgs/1/teams" => Reply::json("[{\"id\": 10, \"name\": \"a\"}, {\"id\": 11}]"),
        "/orgs/1/teams/10" => Reply::json("{\"size\": 3}"),
        _ => Reply::status(404, "{}"),
    });
    let resources = "  - orgs\n  - { name: teams, endpoint: { path: \"orgs/{resources.orgs.id}/teams\", data_selector: $ } }\n  \
                     - { name: team, include_from_parent: [name], endpoint: \"orgs/{resources.orgs.id}/teams/{resources.teams.id}\" }\n";
    let (_, finished) = preview(&server, resources, &["team", "--output", "json"]);
    finished.assert_code(0);
    let told = json(&finished);
    assert_eq!(told["slice"], "orgs.id=1 teams.id=10");
    assert_eq!(told["records"][0]["_teams_name"], "a");
    let asked: Vec<String> = server
        .requests()
        .into_iter()
        .map(|one| one.target)
        .collect();
    assert_eq!(asked, ["/orgs", "/orgs/1/teams", "/orgs/1/teams/10"]);

    let empty = Scripted::start(|_: &Request| Reply::json("[]"));
    let (_, finished) = preview(&empty, resources, &["teams"]);
    finished.assert_code(1);
    insta::assert_snapshot!(finished.stderr, @"error: ask for `teams`: no record of its parent `orgs` is on the pages that were read, and its requests need one");
}

#[test]
fn a_preview_goes_on_where_the_last_run_has_ended_and_changes_nothing() {
    let served = Served::start(assembled_fixture());
    let workspace = Workspace::new();
    let spec = assembled();
    let sandbox = format!("--sandbox={}", served.origin());
    let lake = ["--destination", "lake"];
    let of = |command: &str, more: &[&str]| {
        let arguments = [command, spec.to_str().unwrap()];
        let arguments = arguments.iter().chain(more).chain(&lake).copied();
        workspace.engine(arguments.chain([sandbox.as_str()]))
    };
    let preview = |more: &[&str]| {
        let finished = of(
            "preview",
            &[&["agent_states", "--output", "json"], more].concat(),
        );
        finished.assert_code(0);
        json(&finished)
    };
    let first = preview(&[]);
    assert_eq!(first["slice"], "from=2024-01-01T00:00:00Z");
    assert_eq!(first["state_after"]["watermark"], "2024-01-22T12:31:00Z");
    assert!(!workspace.path().join("lake").exists());
    let spec = spec.to_str().unwrap();
    let run = [
        "run",
        spec,
        "-r",
        "agent_states",
        "--destination",
        "lake",
        "--sandbox",
    ];
    let origin = served.origin();
    let run = run.iter().copied().chain([origin.as_str()]);
    workspace.engine(run).assert_code(0);
    let state = || workspace.engine(["state", "show", "--destination", "lake", "--output", "json"]);
    let before = state().stdout;
    let second = preview(&[]);
    assert_eq!(second["slice"], "from=2024-01-19T00:00:00Z");
    assert_eq!(second["state_before"]["watermark"], "2024-01-22T12:31:00Z");
    let fresh = preview(&["--fresh"]);
    assert_eq!(fresh["slice"], "from=2024-01-01T00:00:00Z");
    assert_eq!(state().stdout, before);
}

#[test]
fn the_last_slice_is_shown_where_the_first_has_no_records() {
    let server = Scripted::start(|request: &Request| match request.parameter("from") {
        Some("2024-01-03") => Reply::json("[{\"id\": 1, \"day\": \"2024-01-03\"}]"),
        _ => Reply::json("[]"),
    });
    let resources = "  - { name: days, endpoint: { path: days, data_selector: $, paginator: single_page, incremental: { cursor_path: day, \
                     initial_value: 2024-01-01, format: date, start_param: from, end_param: to, window: 1d } } }\n";
    let arguments = ["days", "--now", "2024-01-04", "--output", "json"];
    let (_, finished) = preview(&server, resources, &arguments);
    finished.assert_code(0);
    let told = json(&finished);
    assert_eq!(told["slices"], 3);
    assert_eq!(told["slice"], "from=2024-01-03T00:00:00Z");
    assert_eq!(
        told["notes"][0],
        "the first slice has no records: this is the last one"
    );
    assert_eq!(server.requests().len(), 2);
}
