//! `engine check`: the spec, each endpoint, and the destination.

use serde_json::Value;

use crate::support::{
    Finished, Reply, Request, Scripted, Served, Workspace, assembled, assembled_fixture,
};

fn check(server: &Scripted, resources: &str, arguments: &[&str]) -> Finished {
    let workspace = Workspace::new();
    let spec = format!(
        "version: 1\nname: shop\nclient:\n  base_url: {}\n  auth: {{ type: bearer, token: \"${{SHOP_TOKEN}}\" }}\n  \
         retry: {{ max_backoff: 10ms }}\nresources:\n{resources}",
        server.url()
    );
    workspace.write("shop.yaml", &spec);
    let mut command = workspace.command(["check", "shop.yaml"]);
    command
        .args(arguments)
        .env("SHOP_TOKEN", "sk_hunter2_hunter2");
    let finished = Finished::from(command.output().unwrap());
    assert!(
        !format!("{finished:?}").contains("hunter2"),
        "{finished:#?}"
    );
    Finished {
        stdout: finished.stdout.replace(&server.url(), "http://shop"),
        ..finished
    }
}

#[test]
fn every_endpoint_of_the_shipped_pipeline_answers_once() {
    let served = Served::start(assembled_fixture());
    let workspace = Workspace::new();
    let (spec, origin) = (assembled(), served.origin());
    let arguments = ["check", spec.to_str().unwrap(), "--sandbox", &origin];
    let finished = workspace.engine(arguments.into_iter().chain(["--destination", "lake"]));
    finished.assert_code(0);
    let text = finished
        .stdout
        .replace(spec.to_str().unwrap(), "assembled.yaml");
    insta::assert_snapshot!("check_assembled", text);
    assert_eq!(served.requests().len(), 15);
}

#[test]
fn what_could_change_something_is_not_tried() {
    let server = Scripted::start(|request: &Request| match request.target.as_str() {
        "/empty" => Reply::json("[]"),
        "/people" => Reply::json("[{\"id\": 1}]"),
        _ => Reply::json("{\"id\": 1}"),
    });
    let resources = "  - people\n  - { name: again, endpoint: people }\n  - { name: person, endpoint: \"people/{resources.people.id}\" }\n  \
                     - { name: search, endpoint: { path: search, method: POST, json: {}, data_selector: $ } }\n  \
                     - { name: found, endpoint: \"found/{resources.search.id}\" }\n  \
                     - empty\n  - { name: child, endpoint: \"child/{resources.empty.id}\" }\n  \
                     - { name: report, endpoint: { path: \"reports/{job.id}\", data_selector: $, job: { create: { path: reports, json: {} }, id: id, \
                     poll: { path: \"reports/{job.id}\", status: status, done: [ok] } } } }\n";
    let finished = check(&server, resources, &["--destination", "memory://"]);
    finished.assert_code(0);
    insta::assert_snapshot!("check_not_tried", finished.stdout);
    let asked: Vec<String> = server
        .requests()
        .into_iter()
        .map(|one| one.target)
        .collect();
    assert_eq!(asked, ["/people", "/people/1", "/empty"]);
}

#[test]
fn what_fails_is_told_with_what_to_do() {
    let server = Scripted::start(|request: &Request| match request.target.as_str() {
        "/missing" => Reply::status(404, "{}"),
        "/busy" => Reply::status(500, "{}"),
        _ => Reply::json("{\"rows\": [{\"id\": 1}]}"),
    });
    let resources = "  - missing\n  - busy\n  - { name: other, endpoint: { path: other, data_selector: items } }\n  - good\n";
    let finished = check(&server, resources, &["--destination", "memory://"]);
    finished.assert_code(1);
    insta::assert_snapshot!("check_failures", finished.stdout);

    let arguments = [
        "--destination",
        "memory://",
        "--output",
        "json",
        "-r",
        "good",
        "-r",
        "other",
    ];
    let finished = check(&server, resources, &arguments);
    finished.assert_code(1);
    let told: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(told["ok"], false);
    let outcomes: Vec<&Value> = told["api"]["resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["outcome"])
        .collect();
    assert_eq!(outcomes, ["failed", "ok"]);
    assert_eq!(told["destination"]["ok"], true);

    let finished = check(&server, resources, &["-r", "nobody"]);
    finished.assert_code(2);
}

#[test]
fn refused_credentials_are_tried_once() {
    let server = Scripted::start(|_: &Request| Reply::status(401, "{}"));
    let finished = check(
        &server,
        "  - people\n  - teams\n",
        &["--destination", "memory://"],
    );
    finished.assert_code(1);
    assert!(
        finished
            .stdout
            .contains("teams     not tried  `people` shows that the credentials are refused"),
        "{}",
        finished.stdout
    );
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn all_missing_variables_are_named_and_nothing_is_asked() {
    let server = Scripted::start(|_: &Request| Reply::json("[]"));
    let workspace = Workspace::new();
    workspace.write(
        "shop.yaml",
        &format!(
            "version: 1\nclient: {{ base_url: {}, auth: {{ type: http_basic, username: \"${{A}}\", password: \"${{B}}\" }} }}\n\
             resources: [ {{ name: a, endpoint: \"${{C}}\" }} ]\n",
            server.url()
        ),
    );
    let finished = workspace.engine(["check", "shop.yaml", "--output", "json"]);
    finished.assert_code(2);
    let told: Value = serde_json::from_str(&finished.stdout).unwrap();
    let mistakes = told["spec"]["mistakes"].as_array().unwrap();
    let mistakes: Vec<&str> = mistakes.iter().filter_map(Value::as_str).collect();
    for name in ["A", "B", "C"] {
        let told = format!("the variable `{name}` is not set");
        assert!(
            mistakes.iter().any(|one| one.ends_with(&told)),
            "{mistakes:?}"
        );
    }
    assert_eq!(server.requests().len(), 0);
    let left = std::fs::read_dir(workspace.path()).unwrap().count();
    assert_eq!(left, 1);
}

#[test]
fn offline_asks_nobody() {
    let server = Scripted::start(|_: &Request| Reply::json("[]"));
    let finished = check(&server, "  - people\n", &["--offline"]);
    finished.assert_code(0);
    assert_eq!(finished.stdout, "shop.yaml: no mistakes in 1 resource\n");
    assert_eq!(server.requests().len(), 0);
}
