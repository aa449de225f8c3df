//! Recording a run, and running from what was recorded.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::{
    Finished, Reply, Request, Scripted, Served, Workspace, assembled, assembled_fixture, rows,
};

const SECRETS: [(&str, &str); 2] = [("KEY", "hunter2-key"), ("SECRET", "hunter2-secret")];

/// Runs a spec with variables that hold secrets.
fn record(workspace: &Workspace, client: &str, resources: &str) -> Finished {
    let spec = format!("client:\n{client}\nresources:\n{resources}");
    workspace.write("shop.yaml", &spec);
    let arguments = [
        "run",
        "shop.yaml",
        "--record",
        "tape",
        "--now",
        "2024-01-31T12:00:00Z",
    ];
    let mut command = workspace.command(arguments);
    Finished::from(command.envs(SECRETS).output().unwrap())
}

/// Runs from the cassette, without any variable.
fn replay(workspace: &Workspace) -> Finished {
    workspace.engine([
        "run",
        "shop.yaml",
        "--replay",
        "tape",
        "--destination",
        "again",
    ])
}

/// Every file of a cassette, by its path.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.display().to_string(), std::fs::read(&path).unwrap());
        }
    }
    found
}

fn text(folder: &Path) -> String {
    let files = files(folder).into_values();
    files
        .map(|bytes| String::from_utf8(bytes).unwrap())
        .collect::<Vec<_>>()
        .join("\n")
}

const ITEMS: &str =
    "  - { name: items, endpoint: { data_selector: items, paginator: json_link } }\n";

/// A server that tells back, in each body and header, what it was sent, and asks for a token at `/token`.
fn echo() -> Scripted {
    Scripted::start(|request: &Request| {
        if request.target.starts_with("/token") {
            let answer =
                r#"{"access_token": "hunter2-token", "token_type": "bearer", "expires_in": 3600}"#;
            return Reply::json(answer).with("set-cookie", "session=hunter2-cookie");
        }
        let next = if request.target.contains("page=2") {
            "null".to_owned()
        } else {
            let key = request
                .target
                .split_once("X-Key=")
                .map_or("", |(_, key)| key);
            format!("\"/items?page=2&X-Key={key}\"")
        };
        let headers: Vec<String> = request
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        let sent = headers.join(" ").replace(['"', '\\'], "");
        Reply::json(format!(
            r#"{{"items": [{{"id": {}, "sent": "{sent} {}", "coded": "aHVudGVyMi1rZXk= aHVudGVyMi1zZWNyZXQ="}}], "next": {next}}}"#,
            request.time, request.target
        ))
        .with("x-echo", sent)
    })
}

#[test]
fn no_credential_of_any_kind_is_recorded() {
    let kinds = [
        "{ token: \"${KEY}\" }",
        "{ type: http_basic, username: \"${KEY}\", password: \"${SECRET}\" }",
        "{ type: http_basic, api_key: \"${KEY}\" }",
        "{ type: api_key, name: X-Key, api_key: \"${KEY}\", location: header }",
        "{ type: api_key, name: X-Key, api_key: \"${KEY}\", location: query }",
        "{ type: api_key, name: X-Key, api_key: \"${KEY}\", location: cookie }",
        "{ type: oauth2_client_credentials, access_token_url: URL/token, client_id: \"${KEY}\", client_secret: \"${SECRET}\" }",
        "{ type: oauth2_client_credentials, access_token_url: URL/token, client_id: \"${KEY}\", client_secret: \"${SECRET}\", \
         client_auth: basic }",
    ];
    for auth in kinds {
        let server = echo();
        let workspace = Workspace::new();
        let auth = auth.replace("URL", &server.url());
        let client = format!(
            "  base_url: {}\n  auth: {auth}\n  headers: {{ X-Other: \"${{SECRET}}\" }}",
            server.url()
        );
        record(&workspace, &client, ITEMS).assert_code(0);
        let kept = text(&workspace.path().join("tape"));
        for secret in [
            "hunter2",
            // The same in Base64: alone, behind `name:` and in front of a password.
            "aHVudGVyMi",
            "aHVudGVyMi1rZXk6",
        ] {
            assert!(!kept.contains(secret), "{auth}: `{secret}` in\n{kept}");
        }
        assert!(
            kept.contains("***"),
            "{auth}: the server echoes nothing:\n{kept}"
        );
        drop(server);
        replay(&workspace).assert_code(0);
        let again = rows(&workspace.path().join("again"), "items");
        assert_eq!(again.len(), 2, "{auth}");
    }
}

#[test]
fn secrets_in_bodies_paths_and_numbers_go_too() {
    let server = Scripted::start(|request: &Request| {
        Reply::json(format!(
            r#"[{{"id": 1, "account": 4711471147, "path": "{}", "length": {}}}]"#,
            request.target,
            request.body.len()
        ))
    });
    let workspace = Workspace::new();
    let spec = format!(
        "client: {{ base_url: {} }}\nresources:\n  - name: items\n    endpoint: {{ path: \"bot${{BOT_TOKEN}}/items\", method: post, \
         json: {{ account_key: \"${{ACCOUNT_KEY}}\", password: literal-words, page: 1 }}, paginator: single_page }}\n",
        server.url()
    );
    workspace.write("shop.yaml", &spec);
    let mut command = workspace.command(["run", "shop.yaml", "--record", "tape"]);
    let command = command
        .env("BOT_TOKEN", "hunter2/bot")
        .env("ACCOUNT_KEY", "4711471147");
    Finished::from(command.output().unwrap()).assert_code(0);
    let kept = text(&workspace.path().join("tape"));
    for secret in ["hunter2", "4711471147", "literal-words"] {
        assert!(!kept.contains(secret), "`{secret}` in\n{kept}");
    }
    drop(server);
    replay(&workspace).assert_code(0);
    assert_eq!(rows(&workspace.path().join("again"), "items").len(), 1);
}

#[test]
fn a_sandbox_run_is_played_again_to_the_same_rows() {
    let served = Served::start(assembled_fixture());
    let workspace = Workspace::new();
    let spec = assembled();
    let spec = spec.to_str().unwrap();
    let origin = served.origin();
    let resources = ["-r", "teams", "-r", "event_changes", "-r", "requirements"];
    let recording = [
        "run",
        spec,
        "--sandbox",
        &origin,
        "--destination",
        "lake",
        "--record",
        "tape",
    ];
    workspace
        .engine(recording.into_iter().chain(resources))
        .assert_code(0);
    let asked = served.requests().len();
    let tape = workspace.path().join("tape");
    let before = files(&tape);

    let replaying = ["run", spec, "--replay", "tape", "--destination", "again"];
    workspace
        .engine(replaying.into_iter().chain(resources))
        .assert_code(0);
    assert_eq!(served.requests().len(), asked, "a request went out");
    assert_eq!(files(&tape), before, "playing changes nothing");
    for (table, key) in [
        ("teams", "id"),
        ("event_changes", "id"),
        ("requirements", "start_time"),
    ] {
        let recorded = rows(&workspace.path().join("lake"), table);
        let again = rows(&workspace.path().join("again"), table);
        assert_eq!(recorded.len(), again.len(), "{table}");
        assert_eq!(recorded.by_key(&[key]), again.by_key(&[key]), "{table}");
        for row in &again.rows {
            assert_eq!(
                row["_extracted_at"], "2024-01-22T12:31:00Z",
                "the clock is the recorded one"
            );
        }
    }

    // Recorded again, the list and the bodies are the same: neither order nor port shows.
    workspace
        .engine(recording.into_iter().chain(resources).chain(["--fresh"]))
        .assert_code(0);
    assert_eq!(files(&tape), before);
}

#[test]
fn answers_come_in_their_order_and_nothing_is_waited_for() {
    let server =
        Scripted::start(
            |request: &Request| match (request.target.as_str(), request.time) {
                ("/jobs", _) => Reply::json(r#"{"id": "j1"}"#),
                ("/jobs/j1", 1 | 2) => Reply::json(r#"{"status": "running"}"#),
                ("/jobs/j1", _) => Reply::json(r#"{"status": "done"}"#),
                ("/jobs/j1/rows", 1) => Reply::status(503, "busy"),
                _ => Reply::json(r#"[{"id": 1}]"#),
            },
        );
    let workspace = Workspace::new();
    let client = format!(
        "  base_url: {}\n  retry: {{ max_backoff: 10ms }}",
        server.url()
    );
    let job = |every: &str| {
        format!(
            "  - name: rows\n    endpoint:\n      path: \"jobs/{{job.id}}/rows\"\n      paginator: single_page\n      job:\n        \
             create: {{ path: jobs }}\n        id: id\n        poll: {{ path: \"jobs/{{job.id}}\", status: status, done: [done], \
             every: {every} }}\n"
        )
    };
    record(&workspace, &client, &job("10ms")).assert_code(0);
    drop(server);
    // The minutes between the polls are not spent.
    let spec = std::fs::read_to_string(workspace.path().join("shop.yaml")).unwrap();
    let patient = spec.replace("every: 10ms", "every: 2m");
    workspace.write("shop.yaml", &patient);
    let begun = std::time::Instant::now();
    let finished = replay(&workspace);
    finished.assert_code(0);
    assert!(begun.elapsed().as_secs() < 60, "it waited");
    assert_eq!(rows(&workspace.path().join("again"), "rows").len(), 1);
}

#[test]
fn a_request_that_was_not_recorded_is_told_with_the_nearest() {
    let server = Scripted::start(|_: &Request| Reply::json(r#"[{"id": 1}]"#));
    let workspace = Workspace::new();
    let client = format!("  base_url: {}", server.url());
    let items = "  - { name: items, endpoint: { params: { limit: 2 }, paginator: single_page } }\n";
    record(&workspace, &client, items).assert_code(0);
    let spec = std::fs::read_to_string(workspace.path().join("shop.yaml")).unwrap();
    workspace.write("shop.yaml", &spec.replace("limit: 2", "limit: 3"));
    let finished = replay(&workspace);
    finished.assert_code(1);
    let expected = "it was not recorded: `tape` doesn't hold it; the nearest request there is `GET /items?limit=2`: `limit` is `3` \
                    here and `2` there; record again, or change the spec back";
    assert!(finished.stderr.contains(expected), "{}", finished.stderr);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn damaged_cassettes_and_taken_folders_are_refused() {
    let server = Scripted::start(|_: &Request| Reply::json(r#"[{"id": 1}]"#));
    let workspace = Workspace::new();
    let client = format!("  base_url: {}", server.url());
    let items = "  - { name: items, endpoint: { paginator: single_page } }\n";
    workspace.write(
        "shop.yaml",
        &format!("client:\n{client}\nresources:\n{items}"),
    );
    let check = |arguments: &[&str], expected: &str| {
        let arguments = ["run", "shop.yaml"]
            .into_iter()
            .chain(arguments.iter().copied());
        let finished = workspace.engine(arguments);
        finished.assert_code(2);
        assert!(finished.stderr.contains(expected), "{}", finished.stderr);
    };
    check(&["--record", "."], "it is neither empty nor a cassette");
    check(&["--replay", "nowhere"], "read `nowhere/cassette.json`");
    check(
        &["--replay", "tape", "--record", "tape"],
        "cannot be used with",
    );
    record(&workspace, &client, items).assert_code(0);
    let list = std::fs::read_to_string(workspace.path().join("tape/requests.jsonl")).unwrap();
    workspace.write("tape/requests.jsonl", &list.replace("200", "9"));
    check(&["--replay", "tape"], "line 1: 9 is no status");
    workspace.write("tape/requests.jsonl", "{");
    check(&["--replay", "tape"], "line 1: EOF");
    workspace.write(
        "tape/requests.jsonl",
        &list.replace("bodies/", "../shop.yaml"),
    );
    let finished = replay(&workspace);
    finished.assert_code(1);
    assert!(
        finished.stderr.contains("no file of a cassette's `bodies`"),
        "{}",
        finished.stderr
    );
    let label = std::fs::read_to_string(workspace.path().join("tape/cassette.json")).unwrap();
    workspace.write(
        "tape/cassette.json",
        &label.replace("\"version\": 1", "\"version\": 7"),
    );
    check(&["--replay", "tape"], "it has version 7");
}

#[test]
fn long_and_broken_bodies_come_back_as_they_were() {
    let long = format!(r#"[{{"id": 1, "text": "{}"}}]"#, "é".repeat(400_000));
    let answer = long.clone();
    let server = Scripted::start(move |request: &Request| match request.target.as_str() {
        "/long" => Reply::json(answer.clone()),
        _ => Reply::json("[{\"id\": 1}"),
    });
    let workspace = Workspace::new();
    let client = format!(
        "  base_url: {}\n  retry: {{ max_attempts: 2, max_backoff: 10ms }}",
        server.url()
    );
    let resources = "  - { name: long, endpoint: { paginator: single_page } }\n  - { name: cut, endpoint: { paginator: single_page } }\n";
    let recorded = record(&workspace, &client, resources);
    recorded.assert_code(3);
    drop(server);
    let again = replay(&workspace);
    again.assert_code(3);
    let reason = |finished: &Finished| {
        let all = format!("{}{}", finished.stdout, finished.stderr);
        all.lines()
            .find(|line| line.starts_with("failed: cut"))
            .map(str::to_owned)
    };
    assert!(reason(&again).is_some());
    assert_eq!(reason(&again), reason(&recorded));
    let text = &rows(&workspace.path().join("again"), "long").rows[0]["text"];
    assert_eq!(text.chars().count(), 400_000);
}
