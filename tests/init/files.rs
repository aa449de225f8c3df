//! What `init` writes, and what it leaves alone.

use crate::support::{Reply, Scripted, Workspace, root};

const THINGS: &str =
    r#"[{"id": 1, "updated_at": 1714557600}, {"id": 2, "updated_at": 1714557601}]"#;

/// `init shop` against a server that takes any credentials.
fn arguments<'a>(url: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let given = ["init", "shop", "--base-url", url, "--endpoint", "things"];
    given.into_iter().chain(more.iter().copied()).collect()
}

#[test]
fn the_files_as_they_are_written() {
    let server = Scripted::start(|_| Reply::json(THINGS));
    let workspace = Workspace::new();
    let url = server.url();
    let output = workspace
        .command(arguments(&url, &["--auth", "bearer"]))
        .env("SHOP_TOKEN", "s3cret of 'mine' $HOME \"x\" \\")
        .output()
        .unwrap();
    let finished = crate::support::Finished::from(output);
    finished.assert_code(0);
    let read = |name: &str| {
        let text = std::fs::read_to_string(workspace.path().join(name)).unwrap();
        text.replace(&url, "http://127.0.0.1:1")
    };
    insta::assert_snapshot!("shop_yaml", read("shop.yaml"));
    insta::assert_snapshot!(
        "output",
        finished.stdout.replace(&url, "http://127.0.0.1:1")
    );
    insta::assert_snapshot!(read(".env.example"), @r"
    # Copy this file to `.env`, and fill it in.
    # the token
    SHOP_TOKEN=
    ");
    insta::assert_snapshot!(read(".gitignore"), @r"
    .env
    data/
    ");
    let schema = std::fs::read_to_string(root().join("schemas/pipeline.schema.json")).unwrap();
    assert_eq!(read("pipeline.schema.json"), schema);
    let all = [&finished.stdout, &finished.stderr, &read("shop.yaml")]
        .map(String::as_str)
        .concat();
    assert!(!all.contains("s3cret"), "{all}");

    // The secret comes back from `.env` as it was, and nobody else may read it.
    workspace.engine(["run", "shop.yaml"]).assert_code(0);
    let requests = server.requests();
    assert_eq!(
        requests.last().unwrap().headers["authorization"],
        "Bearer s3cret of 'mine' $HOME \"x\" \\"
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let metadata = std::fs::metadata(workspace.path().join(".env")).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_spec_that_is_there_is_not_replaced_unasked() {
    let server = Scripted::start(|_| Reply::json(THINGS));
    let workspace = Workspace::new();
    let url = server.url();
    workspace.write("shop.yaml", "mine");
    let refused = workspace.engine(arguments(&url, &[]));
    refused.assert_code(2);
    assert!(
        refused.stderr.contains("add a resource to it"),
        "{}",
        refused.stderr
    );
    let spec = || std::fs::read_to_string(workspace.path().join("shop.yaml")).unwrap();
    assert_eq!(spec(), "mine");
    assert!(server.requests().is_empty());
    workspace
        .engine(arguments(&url, &["--force"]))
        .assert_code(0);
    assert!(spec().contains("name: shop"));
}

#[test]
fn files_that_are_there_get_the_lines_that_they_lack() {
    let server = Scripted::start(|_| Reply::json(THINGS));
    let workspace = Workspace::new();
    let url = server.url();
    workspace.write(".env", "export OTHER=1\nSHOP_TOKEN=kept");
    workspace.write(".gitignore", "/data\ntarget");
    let finished = workspace.engine(arguments(&url, &["--auth", "bearer", "--quiet"]));
    finished.assert_code(0);
    let read = |name: &str| std::fs::read_to_string(workspace.path().join(name)).unwrap();
    assert_eq!(read(".env"), "export OTHER=1\nSHOP_TOKEN=kept");
    assert_eq!(read(".gitignore"), "/data\ntarget\n.env\n");
    assert_eq!(server.requests()[0].headers["authorization"], "Bearer kept");

    // Another pipeline in the same folder.
    let second = [
        "init",
        "other",
        "--base-url",
        &url,
        "--endpoint",
        "things",
        "--auth",
        "bearer",
        "--token-env",
        "OTHER",
    ];
    workspace.engine(second).assert_code(0);
    assert_eq!(read(".env.example").matches("TOKEN=").count(), 1);
    assert!(
        read(".env.example").ends_with("# the token\nOTHER=\n"),
        "{}",
        read(".env.example")
    );
    assert_eq!(read(".gitignore"), "/data\ntarget\n.env\n");
}

#[test]
fn a_skeleton_asks_nothing_and_is_a_spec() {
    let workspace = Workspace::new();
    let offline = [
        "--offline",
        "--auth",
        "oauth2",
        "--token-url",
        "http://127.0.0.1:1/token",
        "--endpoint",
        "b/c?x=1&x=2",
    ];
    let finished = workspace.engine(arguments("http://127.0.0.1:1", &offline));
    finished.assert_code(0);
    assert!(!workspace.path().join(".env").exists());
    let yaml = std::fs::read_to_string(workspace.path().join("shop.yaml")).unwrap();
    insta::assert_snapshot!("skeleton_yaml", yaml);
    insta::assert_snapshot!("skeleton_output", finished.stdout);
    let check = workspace.engine(["check", "shop.yaml", "--offline"]);
    check.assert_code(2);
    assert!(
        check.stderr.contains("`SHOP_CLIENT_SECRET` is not set"),
        "{}",
        check.stderr
    );
    workspace.write(".env", "SHOP_CLIENT_SECRET=a\nSHOP_CLIENT_ID=b\n");
    workspace
        .engine(["check", "shop.yaml", "--offline"])
        .assert_code(0);
}

#[test]
fn what_is_commented_out_can_be_uncommented() {
    let server = Scripted::start(|_| Reply::json(THINGS));
    let workspace = Workspace::new();
    workspace
        .engine(arguments(&server.url(), &[]))
        .assert_code(0);
    let yaml = std::fs::read_to_string(workspace.path().join("shop.yaml")).unwrap();
    let keys = [
        "# incremental:",
        "#   cursor_path:",
        "#   initial_value:",
        "#   format:",
        "#   start_param:",
        "# rate_limit:",
    ];
    let mut uncommented = yaml.replace("write_disposition: replace", "write_disposition: merge");
    for key in keys {
        assert!(uncommented.contains(key), "{key}\n{yaml}");
        uncommented = uncommented.replace(key, key.strip_prefix("# ").unwrap());
    }
    workspace.write("shop.yaml", &uncommented);
    workspace.engine(["run", "shop.yaml"]).assert_code(0);
    assert_eq!(server.targets().last().unwrap(), "/things?since=1704067200");
}
