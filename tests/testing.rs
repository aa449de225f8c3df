//! `engine test`: cases, what is printed, and what is accepted.

use crate::support::{Finished, Reply, Request, Scripted, Workspace, root};

const SPEC: &str = "client: { base_url: \"URL\", auth: { token: \"${KEY}\" } }\nresources:\n  - name: items\n    primary_key: id\n    \
    endpoint: { paginator: single_page }\n";

/// A workspace with a spec and a recorded run of it, whose server has gone.
fn recorded() -> Workspace {
    let server = Scripted::start(|_: &Request| {
        Reply::json(
            r#"[{"id": 1, "name": "Ada", "price": 1.5, "at": "2024-01-01T00:00:00Z"}, {"id": 2, "name": null}]"#,
        )
    });
    let workspace = Workspace::new();
    workspace.write("shop.yaml", &SPEC.replace("URL", &server.url()));
    let mut command = workspace.command(["run", "shop.yaml", "--record", "tape"]);
    Finished::from(command.env("KEY", "hunter2").output().unwrap()).assert_code(0);
    workspace
}

fn expecting(expect: &str) -> String {
    format!(
        "version: 1\ncases:\n  - name: first\n    runs:\n      - cassette: tape\n        expect: {expect}\n"
    )
}

#[test]
fn what_is_as_expected_passes() {
    let workspace = recorded();
    let expect = "{ requests_at_most: 1, tables: { items: { rows: 2, columns: { id: bigint, name: text, price: double, at: timestamp }, \
                  unique: [id], values: [{ where: { id: 1 }, is: { name: Ada, price: 1.5, at: \"2024-01-01T00:00:00Z\" } }, \
                  { where: { id: 2 }, is: { name: null } }] } } }";
    workspace.write("shop.test.yaml", &expecting(expect));
    let finished = workspace.engine(["test", "shop.yaml"]);
    finished.assert_code(0);
    assert_eq!(
        finished.stdout,
        "ok    first (1 run)\n1 of 1 cases passed\n"
    );
    assert_eq!(finished.stderr, "");
}

#[test]
fn what_is_not_as_expected_is_told() {
    let workspace = recorded();
    let expect = "{ requests_at_most: 0, warnings: [odd], tables: { items: { rows: 3, columns: { id: text, gone: text }, unique: [gone], \
                  cursor: \"7\", values: [{ where: { id: 1 }, is: { name: Bob } }, { where: { id: 9 }, is: { name: x } }] }, nowhere: {} } }";
    workspace.write("other.yaml", &expecting(expect));
    let finished = workspace.engine(["test", "shop.yaml", "--file", "other.yaml"]);
    finished.assert_code(1);
    insta::assert_snapshot!(finished.stdout, @r"
    FAIL  first
          warnings: expected one with `odd`, found none
          requests: expected at most 0, found 1
          items: rows: expected 3, found 2
          items: column `id`: expected text, found bigint
          items: column `gone`: expected text, found no such column
          items: cursor: expected 7, found none
          items: unique gone: expected no two rows alike, found two with null
          items where id = 1: name: expected Bob, found Ada
          items where id = 9: expected one row, found 0 rows
          tables: expected `nowhere`, found only items
    0 of 1 cases passed
    ");
    let finished = workspace.engine([
        "test",
        "shop.yaml",
        "--file",
        "other.yaml",
        "--output",
        "json",
    ]);
    finished.assert_code(1);
    assert!(
        finished
            .stdout
            .contains(r#"{"expected":"3","found":"2","run":1,"what":"items: rows"}"#)
            || finished
                .stdout
                .contains(r#"{"run":1,"what":"items: rows","expected":"3","found":"2"}"#),
        "{}",
        finished.stdout
    );
}

#[test]
fn a_run_that_asks_for_something_else_fails_its_case() {
    let workspace = recorded();
    workspace.write(
        "shop.test.yaml",
        &expecting("{ tables: { items: { rows: 2 } } }"),
    );
    let spec = std::fs::read_to_string(workspace.path().join("shop.yaml")).unwrap();
    workspace.write(
        "shop.yaml",
        &spec.replace("endpoint: {", "endpoint: { params: { a: 1 },"),
    );
    let finished = workspace.engine(["test", "shop.yaml"]);
    finished.assert_code(1);
    assert!(
        finished.stdout.contains("`a` is `1` here and absent there"),
        "{}",
        finished.stdout
    );
    let finished = workspace.engine(["test", "shop.yaml", "--accept"]);
    finished.assert_code(1);
    assert!(
        finished.stderr.contains("nothing was accepted"),
        "{}",
        finished.stderr
    );
}

#[test]
fn what_was_found_is_accepted_and_then_passes() {
    let workspace = recorded();
    let test =
        "# About these tests\nversion: 1\ncases: [{ name: first, runs: [{ cassette: tape }] }]\n";
    workspace.write("shop.test.yaml", test);
    workspace
        .engine(["test", "shop.yaml", "--accept"])
        .assert_code(0);
    let accepted = std::fs::read_to_string(workspace.path().join("shop.test.yaml")).unwrap();
    insta::assert_snapshot!(accepted, @r"
    # About these tests
    version: 1
    cases:
    - name: first
      runs:
      - cassette: tape
        expect:
          requests_at_most: 1
          tables:
            items:
              rows: 2
              columns:
                id: bigint
                name: text
                price: double
                at: timestamp
    ");
    workspace.engine(["test", "shop.yaml"]).assert_code(0);

    // What was asked for stays all that is asked for.
    workspace.write(
        "shop.test.yaml",
        &expecting(
            "{ tables: { items: { rows: 7, values: [{ where: { id: 1 }, is: { name: x } }] } } }",
        ),
    );
    workspace
        .engine(["test", "shop.yaml", "--accept"])
        .assert_code(0);
    let accepted = std::fs::read_to_string(workspace.path().join("shop.test.yaml")).unwrap();
    assert!(
        accepted.contains("rows: 2") && accepted.contains("name: Ada"),
        "{accepted}"
    );
    assert!(!accepted.contains("columns"), "{accepted}");
}

#[test]
fn bad_test_files_are_refused() {
    let workspace = recorded();
    let check = |arguments: &[&str], expected: &str| {
        let finished = workspace.engine(
            ["test", "shop.yaml"]
                .into_iter()
                .chain(arguments.iter().copied()),
        );
        finished.assert_code(2);
        assert!(finished.stderr.contains(expected), "{}", finished.stderr);
    };
    check(&[], "engine test --accept");
    workspace.write(
        "shop.test.yaml",
        "version: 1\ncases: [{ name: a, runs: [{ casette: tape }] }]\n",
    );
    check(&[], "unknown field `casette`");
    workspace.write(
        "shop.test.yaml",
        "version: 1\ncases: [{ name: a, runs: [{ cassette: gone }] }]\n",
    );
    check(&[], "read `gone/cassette.json`");
    check(&["--case", "b"], "there is no case `b`; there are a");
    workspace.write(
        "shop.test.yaml",
        "version: 1\ncases: [{ name: a, resources: [no], runs: [{ cassette: tape }] }]\n",
    );
    check(&[], "`no`");
}

/// The environment has no part in a test.
#[test]
fn shipped_tests_pass() {
    let spec = root().join("pipelines/assembled.yaml");
    let workspace = Workspace::new();
    let mut command = workspace.command(["test", spec.to_str().unwrap()]);
    let finished = Finished::from(command.env("ASSEMBLED_SINCE", "soon").output().unwrap());
    finished.assert_code(0);
    assert!(
        finished.stdout.ends_with("2 of 2 cases passed\n"),
        "{}",
        finished.stdout
    );
}
