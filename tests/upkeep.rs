//! `engine compact`, `engine forget` and `engine vacuum`.

use crate::support::{Workspace, files, rows};

const LAKE: &str = "data/shop";

fn run(workspace: &Workspace, keys: &str, records: &str) {
    let spec = format!(
        "name: shop\nclient: {{ base_url: \"http://localhost:9\" }}\nresources:\n  - {{ name: orders, {keys}, data: {records} }}\n"
    );
    workspace.write("shop.yaml", &spec);
    workspace.engine(["run", "shop.yaml"]).assert_code(0);
}

fn order(id: u32) -> String {
    format!(
        "[{{id: {id}, email: 'p{}@example.com', items: [{{sku: s{id}}}, {{sku: t{id}}}]}}]",
        id % 2
    )
}

#[test]
fn compacting_by_the_spec_keeps_rows_and_says_what_it_did() {
    let workspace = Workspace::new();
    for id in 0..5 {
        run(
            &workspace,
            "primary_key: id, write_disposition: merge, nested: tables",
            &order(id),
        );
    }
    let lake = workspace.path().join(LAKE);
    let before = (rows(&lake, "orders"), rows(&lake, "orders__items"));
    assert_eq!(files(&lake, "orders").len(), 5);
    // Named alone, a table brings its child tables along.
    let done = workspace.engine(["compact", "shop.yaml", "orders"]);
    done.assert_code(0);
    assert!(
        done.stdout
            .contains("orders: 5 files became 1; 5 rows written again"),
        "{done:#?}"
    );
    assert!(
        done.stdout
            .contains("orders__items: 5 files became 1; 10 rows written again")
    );
    for (table, before) in [("orders", &before.0), ("orders__items", &before.1)] {
        assert_eq!(files(&lake, table).len(), 1);
        assert_eq!(rows(&lake, table).rows, before.rows);
    }
    let again = workspace.engine(["compact", LAKE]);
    again.assert_code(0);
    assert!(again.stdout.starts_with("nothing to do"), "{again:#?}");
    // The next merge finds the rows where they are now.
    run(
        &workspace,
        "primary_key: id, write_disposition: merge, nested: tables",
        &order(3),
    );
    assert_eq!(
        (
            rows(&lake, "orders").len(),
            rows(&lake, "orders__items").len()
        ),
        (5, 10)
    );
}

#[test]
fn forgetting_takes_a_person_out_of_every_file_and_table() {
    let workspace = Workspace::new();
    for id in 0..4 {
        run(
            &workspace,
            "write_disposition: append, nested: tables",
            &order(id),
        );
    }
    let lake = workspace.path().join(LAKE);
    let condition = "email == 'p1@example.com'";
    let counted = workspace.engine(["forget", LAKE, "orders", "--where", condition, "--dry-run"]);
    counted.assert_code(0);
    assert_eq!(rows(&lake, "orders").len(), 4);
    let done = workspace.engine(["forget", LAKE, "orders", "--where", condition]);
    done.assert_code(0);
    assert_eq!(done.stdout, counted.stdout);
    assert_eq!(
        done.stdout,
        "orders: 2 rows, in 2 of 4 files\norders__items: 4 rows, in 2 of 4 files\n"
    );
    assert!(
        done.stderr
            .contains("A later run brings back what the API still has.")
    );
    let left = rows(&lake, "orders");
    assert!(left.rows.iter().all(|row| row["email"] == "p0@example.com"));
    assert_eq!((left.len(), rows(&lake, "orders__items").len()), (2, 4));
    // Not even the bytes are there.
    for table in ["orders", "orders__items"] {
        for file in files(&lake, table) {
            let content = std::fs::read(&file).unwrap();
            for erased in ["p1@example.com", "s1", "t3"] {
                let found = content
                    .windows(erased.len())
                    .any(|bytes| bytes == erased.as_bytes());
                assert!(!found, "{erased} in {}", file.display());
            }
        }
    }
    let nobody = workspace.engine(["forget", LAKE, "orders", "--where", condition]);
    nobody.assert_code(0);
    assert!(
        nobody
            .stderr
            .contains("no row meets the condition; nothing was changed")
    );
}

/// A name alone is no condition that someone meant for every row.
#[test]
fn what_is_neither_true_nor_false_erases_nothing() {
    let workspace = Workspace::new();
    run(&workspace, "write_disposition: append", &order(1));
    let refused = workspace.engine(["forget", LAKE, "orders", "--where", "id"]);
    refused.assert_code(2);
    assert!(refused.stderr.contains("not true or false"), "{refused:#?}");
    assert_eq!(rows(&workspace.path().join(LAKE), "orders").len(), 1);
}

/// Commands that don't ask the API need none of its secrets, and those of the destination all the same.
#[test]
fn the_apis_variables_are_not_needed_where_it_is_not_asked() {
    let workspace = Workspace::new();
    run(&workspace, "write_disposition: append", &order(1));
    let spec = |url: &str| {
        let spec = format!(
            "name: shop\nclient: {{ base_url: '${{SHOP}}/v1', auth: {{ type: bearer, token: '${{TOKEN}}' }} }}\n\
             resources: [orders]\ndestination: {{ url: '{url}' }}\n"
        );
        workspace.write("shop.yaml", &spec);
    };
    spec(LAKE);
    for command in [
        &["files", "shop.yaml", "orders"][..],
        &["sql", "shop.yaml", "orders", "--for", "duckdb"],
        &["state", "show", "shop.yaml"],
        &["compact", "shop.yaml"],
    ] {
        workspace.engine(command.iter().copied()).assert_code(0);
    }
    // What fits nowhere is told by its name.
    workspace.write(
        "shop.yaml",
        &format!(
            "name: shop\nclient: {{ base_url: 'http://localhost:9' }}\nresources: [{{ name: orders, endpoint: {{ incremental: \
             {{ cursor_path: at, initial_value: '${{START}}', window: 1d, start_param: from }} }} }}]\ndestination: {{ url: \
             '{LAKE}' }}\n"
        ),
    );
    let missing = workspace.engine(["files", "shop.yaml", "orders"]);
    missing.assert_code(2);
    assert!(
        missing.stderr.contains("`START` is not set"),
        "{missing:#?}"
    );
    spec("${LAKE}");
    let missing = workspace.engine(["files", "shop.yaml", "orders"]);
    missing.assert_code(2);
    assert!(missing.stderr.contains("`LAKE` is not set"), "{missing:#?}");
}

/// Whoever removes a file of the newest commit loses its rows, and no other table waits for them.
#[test]
fn a_file_that_someone_removed_is_told_and_blocks_nothing() {
    let workspace = Workspace::new();
    run(&workspace, "write_disposition: replace", &order(1));
    std::fs::remove_dir_all(workspace.path().join(LAKE).join("orders")).unwrap();
    let again = workspace.engine(["run", "shop.yaml"]);
    again.assert_code(0);
    assert!(
        again.stdout.contains("of the newest commit is gone"),
        "{again:#?}"
    );
    assert_eq!(rows(&workspace.path().join(LAKE), "orders").len(), 1);
}

/// A merge that needs a file which is gone says so, and the files that it was to replace stay.
#[test]
fn a_merge_into_a_file_that_is_gone_is_refused_with_the_way_out() {
    let workspace = Workspace::new();
    let merge = "primary_key: id, write_disposition: merge";
    run(&workspace, merge, &order(1));
    run(&workspace, merge, &order(2));
    let lake = workspace.path().join(LAKE);
    for file in files(&lake, "orders") {
        std::fs::remove_file(file).unwrap();
    }
    let refused = workspace.engine(["run", "shop.yaml"]);
    refused.assert_code(1);
    assert!(refused.stderr.contains("--fresh -r"), "{refused:#?}");
    workspace
        .engine(["run", "shop.yaml", "--fresh"])
        .assert_code(0);
    assert_eq!(rows(&lake, "orders").len(), 1);
}

#[test]
fn vacuuming_leaves_what_is_not_ours_and_what_is_young() {
    let workspace = Workspace::new();
    run(&workspace, "write_disposition: append", "[{id: 1}]");
    let lake = workspace.path().join(LAKE);
    let unknown = lake.join("orders/20240131T120000000000Z-0123abcd-000001.parquet");
    let own = lake.join("orders/export.parquet");
    for path in [&unknown, &own] {
        std::fs::write(path, "x").unwrap();
    }
    let young = workspace.engine(["vacuum", LAKE]);
    young.assert_code(0);
    assert!(young.stderr.contains("1 more are too young"), "{young:#?}");
    let told = workspace.engine(["vacuum", LAKE, "--older-than", "0s", "--dry-run"]);
    assert!(
        told.stdout
            .contains("orders/20240131T120000000000Z-0123abcd-000001.parquet")
    );
    assert!(unknown.exists());
    workspace
        .engine(["vacuum", LAKE, "--older-than", "0s"])
        .assert_code(0);
    assert!(!unknown.exists() && own.exists());
    std::fs::remove_file(own).unwrap();
    assert_eq!(rows(&lake, "orders").len(), 1);
}
