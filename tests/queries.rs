//! `engine files` and `engine sql`: what a table consists of, and what readers make of the printed queries.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use crate::support::{Finished, Workspace, files, python_of_the_readers, root};

/// A folder whose name means something to shells, SQL, Python and globs.
const LAKE: &str = "la'ke [1] *";

/// Loads of one table: a number that becomes a fraction, a column and a key of an object that are new, and folders by a text
/// that looks like a number.
const LOADS: [&str; 2] = [
    r#"[{"id": 1, "shop": "05", "n": 7, "o": {"a": 1}, "odd \"name": "x"}, {"id": 2, "shop": null, "n": 8}]"#,
    r#"[{"id": 3, "shop": "a/b", "n": 0.5, "o": {"a": 2.5, "b": "y"}, "new": "2024-01-31"}]"#,
];

const ROWS: [&str; 3] = [
    r#"{"id": 1, "n": 7.0, "new": null, "o": {"a": 1.0, "b": null}, "odd \"name": "x", "shop": "05"}"#,
    r#"{"id": 2, "n": 8.0, "new": null, "o": null, "odd \"name": null, "shop": null}"#,
    r#"{"id": 3, "n": 0.5, "new": "2024-01-31", "o": {"a": 2.5, "b": "y"}, "odd \"name": null, "shop": "a/b"}"#,
];

fn run(workspace: &Workspace, keys: &str, records: &str) {
    let spec = format!(
        "name: shop\nclient: {{ base_url: \"http://localhost:9\" }}\nresources:\n  - {{ name: orders, {keys}, data: {records} }}\n"
    );
    workspace.write("shop.yaml", &spec);
    workspace
        .engine(["run", "shop.yaml", "--destination", LAKE])
        .assert_code(0);
}

fn loaded() -> Workspace {
    let workspace = Workspace::new();
    for records in LOADS {
        run(
            &workspace,
            "write_disposition: append, partition_by: [shop]",
            records,
        );
    }
    workspace
}

/// What a reader makes of the printed query: its columns, and its rows in the order of their text.
fn read(workspace: &Workspace, python: &OsStr, reader: &str) -> (String, Vec<String>) {
    let query = workspace.engine(["sql", LAKE, "orders", "--for", reader]);
    query.assert_code(0);
    let path = workspace.write(&format!("query.{reader}"), &query.stdout);
    let output = Command::new(python)
        .arg(root().join("tests/readers/queries.py"))
        .arg(reader)
        .arg(path)
        .output()
        .unwrap();
    let finished = Finished::from(output);
    finished.assert_code(0);
    let mut lines = finished.stdout.lines().map(str::to_owned);
    let columns = lines.next().unwrap();
    let mut rows: Vec<String> = lines.collect();
    rows.sort();
    (columns, rows)
}

#[test]
fn printed_queries_see_one_commit_whole_with_the_types_of_today() {
    let Some(python) = python_of_the_readers() else {
        return;
    };
    let workspace = loaded();
    // A copy beside the files is no part of the table.
    let folder = workspace.path().join(LAKE).join("orders/shop=05");
    let file = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap();
    std::fs::copy(file.path(), folder.join("copy.parquet")).unwrap();
    for reader in ["duckdb", "polars"] {
        let (columns, rows) = read(&workspace, &python, reader);
        assert_eq!(rows, ROWS, "{reader}: {columns}");
    }
    let newest = "id == 3";
    let older = loaded();
    older
        .engine(["forget", LAKE, "orders", "--where", newest])
        .assert_code(0);
    for reader in ["duckdb", "polars"] {
        let (columns, rows) = read(&older, &python, reader);
        assert_eq!(
            rows,
            ROWS[..2],
            "{reader}, the older files alone: {columns}"
        );
    }
    workspace.engine(["compact", LAKE]).assert_code(0);
    for reader in ["duckdb", "polars"] {
        let (columns, rows) = read(&workspace, &python, reader);
        assert_eq!(rows, ROWS, "{reader}, compacted: {columns}");
    }
    // Without its rows the table has no file: it stays a relation with its columns.
    workspace
        .engine(["forget", LAKE, "orders", "--where", "true"])
        .assert_code(0);
    for reader in ["duckdb", "polars"] {
        let (columns, rows) = read(&workspace, &python, reader);
        assert!(rows.is_empty(), "{rows:?}");
        for name in ["id", "shop", "n ", "o ", "odd \"name", "new", "_load_id"] {
            assert!(columns.contains(name), "{reader}: {columns}");
        }
    }
}

#[test]
fn the_files_of_a_table_are_listed_in_order_with_what_is_known_of_them() {
    let workspace = loaded();
    let listed = workspace.engine(["files", LAKE, "orders"]);
    listed.assert_code(0);
    let paths: Vec<&Path> = listed.stdout.lines().map(Path::new).collect();
    assert_eq!(paths.len(), 3);
    assert!(
        paths
            .iter()
            .all(|path| path.is_file() && path.is_absolute())
    );
    let json = workspace.engine(["files", LAKE, "orders", "--output", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((&json["sequence"], &json["rows"]), (&2.into(), &3.into()));
    assert_eq!(json["files"][2]["schema_version"], 2);
    assert_eq!(json["files"][2]["path"], *paths[2].to_str().unwrap());
    let first = workspace.engine(["files", LAKE, "orders", "--at", "1"]);
    assert_eq!(first.stdout.lines().count(), 2);
    // The spec says where its tables are.
    let spec = std::fs::read_to_string(workspace.path().join("shop.yaml")).unwrap();
    let url = format!("destination: {{ url: \"{LAKE}\" }}\n");
    workspace.write("there.yml", &(spec + &url));
    let by_spec = workspace.engine(["files", "there.yml", "orders"]);
    assert_eq!(by_spec.stdout, listed.stdout);
}

#[test]
fn files_that_later_commits_replaced_are_not_promised() {
    let workspace = Workspace::new();
    for records in ["[{id: 1}]", "[{id: 2}]"] {
        run(&workspace, "write_disposition: replace", records);
    }
    for command in [
        &["files", LAKE, "orders", "--at", "1"][..],
        &["sql", LAKE, "orders", "--for", "duckdb", "--at", "1"],
    ] {
        let gone = workspace.engine(command.iter().copied());
        gone.assert_code(1);
        assert_eq!(gone.stdout, "");
        assert!(
            gone.stderr
                .contains("1 of the 1 files of `orders` behind commit 1 are not there")
        );
        assert!(
            gone.stderr
                .contains("later commits have put others in their place")
        );
    }
}

#[test]
fn a_wrong_name_is_told_with_the_right_one() {
    let workspace = loaded();
    for (command, message) in [
        (
            &["files", LAKE, "order"][..],
            "find the table `order`: did you mean `orders`?",
        ),
        (&["files", "nowhere", "orders"], "there is no folder `"),
        (
            &["files", LAKE, "orders", "--at", "9"],
            "there is no commit `9`; the newest is `2`",
        ),
        (
            &["forget", LAKE, "orders", "--where", "id = 1"],
            "values are compared with `==`",
        ),
        (
            &["forget", LAKE, "orders", "--where", "idd == 1"],
            "`idd` isn't known here; there are `id`",
        ),
        (
            &["sql", LAKE, "orders", "--for", "athena"],
            "Athena: it reads from `s3://` alone",
        ),
        (
            &["vacuum", LAKE, "--older-than", "soon"],
            "expected a duration such as `7d`",
        ),
    ] {
        let finished = workspace.engine(command.iter().copied());
        finished.assert_code(2);
        assert!(finished.stderr.contains(message), "{finished:#?}");
    }
    assert!(!workspace.path().join("nowhere").exists());
    assert_eq!(
        files(&workspace.path().join(LAKE), "orders/shop=05").len(),
        1
    );
}
