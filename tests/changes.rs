//! A pipeline that changes over the data that it has written.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::support::{Finished, Reply, Scripted, Workspace, files, rows};

/// A lake that specs of changing text write to, from one server.
struct Changing {
    workspace: Workspace,
    server: Scripted,
    /// Records of `/people` beyond the first two.
    more: Arc<AtomicU64>,
}

impl Changing {
    fn new() -> Self {
        let more = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&more);
        let server = Scripted::start(move |request| {
            if request.target.ends_with("/notes") {
                return Reply::json(r#"[{"note": "a"}]"#);
            }
            let people = (1..=2 + count.load(Ordering::Relaxed)).map(|id| {
                format!(r#"{{"id": {id}, "at": "2024-01-0{id}T00:00:00Z", "tags": ["x"]}}"#)
            });
            Reply::json(format!("[{}]", people.collect::<Vec<_>>().join(",")))
        });
        Self {
            workspace: Workspace::new(),
            server,
            more,
        }
    }

    fn run(&self, head: &str, resources: &str) -> Finished {
        let spec = format!(
            "name: shop\nclient: {{ base_url: {} }}\ndestination: {{ url: lake }}\n{head}resources:\n{resources}",
            self.server.url()
        );
        self.workspace.write("shop.yaml", &spec);
        self.workspace.engine(["run", "shop.yaml"])
    }

    fn rows(&self, table: &str) -> u64 {
        rows(&self.workspace.path().join("lake"), table).len()
    }
}

const PEOPLE: &str = "  - { name: people, primary_key: id, write_disposition: merge, nested: tables, endpoint: people }\n";

#[test]
fn a_renamed_resource_keeps_its_rows_and_its_progress() {
    let shop = Changing::new();
    let people = "endpoint: { path: people, incremental: { cursor_path: at, initial_value: '2020-01-01T00:00:00Z' } }, nested: tables";
    let notes = |parent: &str| {
        format!(
            "  - name: notes\n    endpoint: {{ path: 'p/{{resources.{parent}.id}}/notes' }}\n    include_from_parent: [id]\n"
        )
    };
    let before = format!("  - {{ name: people, {people} }}\n{}", notes("people"));
    shop.run("", &before).assert_code(0);
    assert_eq!(
        (
            shop.rows("people"),
            shop.rows("people__tags"),
            shop.rows("notes")
        ),
        (2, 2, 2)
    );

    shop.more.store(1, Ordering::Relaxed);
    let after = format!(
        "  - {{ name: persons, renamed_from: people, {people} }}\n{}",
        notes("persons")
    );
    for _ in 0..2 {
        shop.run("", &after).assert_code(0);
        assert_eq!((shop.rows("persons"), shop.rows("persons__tags")), (3, 3));
    }
    let lake = shop.workspace.path().join("lake");
    assert!(files(&lake, "people").is_empty(), "all files have moved");
    assert!(
        files(&lake, "people__tags").is_empty(),
        "all files have moved"
    );
}

/// An ancestor whose record is only looked at is in the name of no part.
#[test]
fn an_included_ancestor_is_no_other_parent() {
    let shop = Changing::new();
    let spec = "  - { name: people, primary_key: id, write_disposition: merge }\n  \
                - { name: visits, primary_key: id, write_disposition: merge, endpoint: { path: 'of/{resources.people.id}' } }\n  \
                - name: steps\n    include_from_parent: [{ resource: people, field: id }]\n    endpoint: { path: \
                'steps/{resources.visits.id}', incremental: { cursor_path: at, start_param: since } }\n";
    for _ in 0..3 {
        shop.run("", spec).assert_code(0);
    }
}

/// What is at the last value is known, also where it was read under the parent's earlier name.
#[test]
fn children_of_a_renamed_parent_go_on_where_they_were() {
    let shop = Changing::new();
    let spec = |name: &str, rest: &str| {
        format!(
            "  - {{ name: {name}, primary_key: id, write_disposition: merge, {rest} endpoint: people }}\n  - name: visits\n    \
             endpoint: {{ path: 'of/{{resources.{name}.id}}', incremental: {{ cursor_path: at, start_param: since }} }}\n"
        )
    };
    for _ in 0..2 {
        shop.run("", &spec("people", "")).assert_code(0);
        assert_eq!(shop.rows("visits"), 4);
    }
    let unsaid = shop.run("", &spec("persons", ""));
    unsaid.assert_code(1);
    assert!(unsaid.stderr.contains("renamed_from"), "{unsaid:#?}");
    for _ in 0..2 {
        shop.run("", &spec("persons", "renamed_from: people,"))
            .assert_code(0);
        assert_eq!(shop.rows("visits"), 4);
    }
}

#[test]
fn tables_of_both_names_are_not_put_together() {
    let shop = Changing::new();
    shop.run("", PEOPLE).assert_code(0);
    let renamed = PEOPLE.replace("people,", "persons,");
    let told = shop.run("", &renamed);
    told.assert_code(0);
    assert!(
        told.stderr
            .contains("`people`, which the spec names no more"),
        "{told:#?}"
    );
    let refused = shop.run(
        "",
        &renamed.replace("name: persons", "name: persons, renamed_from: people"),
    );
    refused.assert_code(1);
    assert!(
        refused.stderr.contains("the destination holds both"),
        "{refused:#?}"
    );
    assert_eq!((shop.rows("people"), shop.rows("persons")), (2, 2));
}

#[test]
fn another_primary_key_is_refused_before_anything_is_asked() {
    let shop = Changing::new();
    shop.run("", PEOPLE).assert_code(0);
    let asked = shop.server.requests().len();
    let refused = shop.run(
        "",
        &PEOPLE.replace("primary_key: id", "primary_key: [id, at]"),
    );
    refused.assert_code(1);
    let message = "`people` was merged by `id`, and the spec says `id`, `at`";
    assert!(refused.stderr.contains(message), "{refused:#?}");
    assert_eq!(shop.server.requests().len(), asked);
    shop.run("", PEOPLE).assert_code(0);
    assert_eq!(shop.rows("people"), 2);
}

#[test]
fn another_write_disposition_is_told() {
    let shop = Changing::new();
    shop.run("", PEOPLE).assert_code(0);
    let append = shop.run("", &PEOPLE.replace("merge", "append"));
    append.assert_code(0);
    assert!(
        append
            .stderr
            .contains("`write_disposition` was `merge` and is `append`"),
        "{append:#?}"
    );
    assert_eq!(shop.rows("people"), 4);
    let replace = shop.run("", &PEOPLE.replace("merge", "replace"));
    replace.assert_code(0);
    assert!(
        !replace.stderr.contains("write_disposition"),
        "{replace:#?}"
    );
    assert_eq!(shop.rows("people"), 2);
}

#[test]
fn another_cursor_of_an_append_is_refused() {
    let shop = Changing::new();
    let windows = |cursor: &str| {
        format!(
            "  - name: people\n    endpoint:\n      path: people\n      incremental: {{ cursor_path: {cursor}, \
             initial_value: '2024-01-01', end_value: '2024-02-01', start_param: from, end_param: to }}\n"
        )
    };
    shop.run("", &windows("at")).assert_code(0);
    let refused = shop.run("", &windows("changed_at"));
    refused.assert_code(1);
    assert!(refused.stderr.contains("changed_at"), "{refused:#?}");
    assert_eq!(shop.rows("people"), 2);
}

#[test]
fn another_address_or_name_is_refused_until_the_spec_says_that_it_is_the_same() {
    let shop = Changing::new();
    shop.run("", PEOPLE).assert_code(0);
    let other = Changing::new();
    let spec = |client: &str, name: &str| {
        format!(
            "{name}\nclient: {{ base_url: {}{client} }}\ndestination: {{ url: lake }}\nresources:\n{PEOPLE}",
            other.server.url()
        )
    };
    let run = |client: &str, name: &str| {
        shop.workspace.write("shop.yaml", &spec(client, name));
        shop.workspace.engine(["run", "shop.yaml"])
    };
    let refused = run("", "name: shop");
    refused.assert_code(1);
    assert!(refused.stderr.contains("moved_from"), "{refused:#?}");
    assert!(other.server.requests().is_empty());
    let moved = format!(", moved_from: {}", shop.server.url());
    run(&moved, "name: shop").assert_code(0);
    let refused = run("", "name: store");
    refused.assert_code(1);
    assert!(refused.stderr.contains("renamed_from"), "{refused:#?}");
    run("", "name: store\nrenamed_from: shop").assert_code(0);
    run("", "name: store").assert_code(0);
    assert_eq!(shop.rows("people"), 2);
}
