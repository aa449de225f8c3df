//! `engine docs`: a page about a pipeline.

use std::path::Path;

use crate::support::{Served, Workspace, assembled, assembled_fixture, root};

/// `UPDATE_SCHEMAS=1` writes it anew.
#[test]
fn the_page_of_the_shipped_pipeline_schema_is_current() {
    let served = Served::start(assembled_fixture());
    let workspace = Workspace::new();
    let spec = assembled();
    let spec = spec.to_str().unwrap();
    workspace
        .engine([
            "run",
            spec,
            "--sandbox",
            &served.origin(),
            "--destination",
            "lake",
        ])
        .assert_code(0);
    let page = workspace.engine(["docs", spec, "--destination", "lake"]);
    page.assert_code(0);
    let path = root().join("docs/pipelines/assembled.md");
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(&path, &page.stdout).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page.stdout,
        "docs/pipelines/assembled.md is out of date: `UPDATE_SCHEMAS=1 cargo test --workspace schema` writes it anew"
    );
}

fn loaded(workspace: &Workspace) -> String {
    let spec = r#"
name: shop
client: { base_url: "http://localhost:9" }
resources:
  - name: users
    nested: struct
    data:
      - { id: 1, name: "Ann <b>|`", api_token: hunter2, account: { password: hunter2, plan: "gold" }, note: "" }
  - { name: orders, nested: tables, data: [{ id: 7, items: [{ sku: x }] }] }
"#;
    workspace.write("shop.yaml", spec);
    workspace
        .engine(["run", "shop.yaml", "--destination", "lake"])
        .assert_code(0);
    page(workspace, &["--destination", "lake"])
}

fn page(workspace: &Workspace, arguments: &[&str]) -> String {
    let finished = workspace.engine(["docs", "shop.yaml"].iter().chain(arguments).copied());
    finished.assert_code(0);
    finished.stdout
}

#[test]
fn columns_have_examples_but_for_those_that_look_secret() {
    let workspace = Workspace::new();
    let page = loaded(&workspace);
    assert!(!page.contains("hunter2"), "{page}");
    assert!(page.contains("| `api_token` | text | yes |  |"), "{page}");
    assert!(
        page.contains("| `account.plan` | text | yes | `gold` |"),
        "{page}"
    );
    assert!(
        page.contains(r"| `name` | text | yes | `` Ann <b>\|` `` |"),
        "{page}"
    );
    assert!(
        page.contains("### orders__items\n\n| column | type | null | example |"),
        "{page}"
    );
    let plain = self::page(&workspace, &["--destination", "lake", "--no-examples"]);
    assert!(
        !plain.contains("gold") && !plain.contains("example"),
        "{plain}"
    );
    self::page(&workspace, &["--to", "shop.md"]);
    assert!(workspace.path().join("shop.md").is_file());
}

#[test]
fn a_destination_without_tables_is_an_error_and_makes_none() {
    let workspace = Workspace::new();
    loaded(&workspace);
    let nowhere = workspace.engine(["docs", "shop.yaml", "--destination", "nowhere"]);
    nowhere.assert_code(2);
    assert!(
        nowhere.stderr.contains("there is no folder"),
        "{nowhere:#?}"
    );
    assert!(!Path::new(&workspace.path().join("nowhere")).exists());
    std::fs::create_dir(workspace.path().join("empty")).unwrap();
    let empty = workspace.engine(["docs", "shop.yaml", "--destination", "empty"]);
    empty.assert_code(1);
    assert_eq!(empty.stdout, "");
}
