//! What the user sees where `init` finds nothing, and that nothing is written then.

use crate::support::{Finished, Reply, Scripted, Workspace};

/// Runs `init` against one answer and gives what it says.
fn refused(answer: Reply) -> String {
    let server = Scripted::start(move |_| answer.clone());
    let workspace = Workspace::new();
    let url = server.url();
    let given = [
        "init",
        "shop",
        "--base-url",
        &url,
        "--endpoint",
        "v1/things",
        "--auth",
        "bearer",
        "--quiet",
    ];
    let output = workspace
        .command(given)
        .env("SHOP_TOKEN", "s3cret-token")
        .output()
        .unwrap();
    let finished = Finished::from(output);
    finished.assert_code(1);
    assert_eq!(
        std::fs::read_dir(workspace.path()).unwrap().count(),
        0,
        "{finished:#?}"
    );
    assert!(!finished.stderr.contains("s3cret"), "{}", finished.stderr);
    assert_eq!(finished.stdout, "");
    finished.stderr.replace(&url, "http://127.0.0.1:1")
}

#[test]
fn what_came_is_shown_with_what_to_try() {
    insta::assert_snapshot!(
        "what_came_is_shown_with_what_to_try",
        [
            refused(Reply::status(
                401,
                r#"{"message": "bad token s3cret-token"}"#
            )),
            refused(Reply::status(
                403,
                r#"{"message": "User-Agent is missing"}"#
            )),
            refused(Reply::status(404, r#"{"message": "Not Found"}"#)),
            refused(Reply::status(400, r#"{"error": "start_time is required"}"#)),
            refused(Reply::json("<!doctype html><title>Sign in</title>")),
        ]
        .join("\n")
    );
}

#[test]
fn an_answer_without_records_is_no_table() {
    insta::assert_snapshot!(
        "an_answer_without_records_is_no_table",
        [
            refused(Reply::json(r#"{"data": [], "total": 0}"#)),
            refused(Reply::json(r#"{"ok": false, "error": "invalid_auth"}"#)),
            refused(Reply::json(r#"["a", "b"]"#)),
            refused(Reply::json("")),
        ]
        .join("\n")
    );
}

/// Runs `init` with arguments that can't be right, and no terminal to ask at.
fn misused<'a>(arguments: impl IntoIterator<Item = &'a str>) -> String {
    let workspace = Workspace::new();
    let finished = workspace.engine(["init"].into_iter().chain(arguments));
    finished.assert_code(2);
    assert_eq!(std::fs::read_dir(workspace.path()).unwrap().count(), 0);
    finished.stderr
}

#[test]
fn without_a_terminal_what_is_missing_is_named() {
    let all = [
        "shop",
        "--base-url",
        "http://127.0.0.1:1",
        "--endpoint",
        "things",
    ];
    insta::assert_snapshot!(
        "without_a_terminal_what_is_missing_is_named",
        [
            misused([]),
            misused(["shop", "--endpoint", "things"]),
            misused(all.into_iter().chain([
                "--auth",
                "oauth2",
                "--token-url",
                "http://127.0.0.1:1"
            ])),
            misused(all.into_iter().chain(["--auth", "oauth2"])),
            misused(all.into_iter().chain(["--token-env", "TOKEN"])),
            misused(all.into_iter().chain(["--key-name", "X-Key"])),
        ]
        .join("\n")
    );
}

#[test]
fn secrets_and_placeholders_have_no_place_in_the_flags() {
    let at = |url: &'static str, endpoint: &'static str| {
        ["shop", "--base-url", url, "--endpoint", endpoint]
    };
    let local = "http://127.0.0.1:1";
    insta::assert_snapshot!(
        "secrets_and_placeholders_have_no_place_in_the_flags",
        [
            misused(at(local, "things?api_key=s3cret")),
            misused(at(local, "things/{id}")),
            misused(at(local, "https://u:s3cret@api.example.com/things")),
            misused(at("http://u:s3cret@127.0.0.1:1", "things")),
            misused(
                at("http://u:s3cret@127.0.0.1:1", "things")
                    .into_iter()
                    .chain(["--offline"])
            ),
            misused(at(local, "things").into_iter().chain([
                "--auth",
                "oauth2",
                "--offline",
                "--token-url",
                "http://u:s3cret@127.0.0.1:1/token"
            ])),
            misused(at("ftp://127.0.0.1", "things")),
            misused(
                at(local, "things")
                    .into_iter()
                    .chain(["--header", "X-Api-Key: s3cret"])
            ),
            misused(
                at(local, "a/things")
                    .into_iter()
                    .chain(["--endpoint", "b/things"])
            ),
        ]
        .join("\n")
    );
}
