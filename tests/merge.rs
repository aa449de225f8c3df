//! The strategies of a merge, from the spec to the files, over several loads.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::{Finished, Reply, Request, Scripted, Workspace, rows};

/// A lake of one resource, whose records change from load to load.
struct Lake {
    workspace: Workspace,
    /// Keys of the resource.
    keys: &'static str,
}

impl Lake {
    fn new(keys: &'static str) -> Self {
        Self {
            workspace: Workspace::new(),
            keys,
        }
    }

    fn load(&self, records: &str) -> Finished {
        let finished = self.run(records);
        finished.assert_code(0);
        finished
    }

    fn run(&self, records: &str) -> Finished {
        self.run_with(records, &[])
    }

    fn run_with(&self, records: &str, more: &[&str]) -> Finished {
        let client = "client: { base_url: \"http://localhost:9\" }";
        let keys = self.keys;
        let spec = format!(
            "name: lake\n{client}\nresources:\n- {{ name: people, {keys}, data: {records} }}\n"
        );
        self.workspace.write("lake.yaml", &spec);
        let run = ["run", "lake.yaml"].iter().chain(more);
        self.workspace.engine(run.copied())
    }

    fn folder(&self) -> std::path::PathBuf {
        self.workspace.path().join("data/lake")
    }

    /// The rows of a table, sorted, without what tells loads apart.
    fn shown(&self, table: &str) -> Vec<String> {
        let rows = rows(&self.folder(), table).rows;
        let shown = |row: &BTreeMap<String, String>| {
            let own = row.iter().filter(|(column, _)| !column.starts_with('_'));
            let fields = own.map(|(column, value)| format!("{column}={value}"));
            fields.collect::<Vec<_>>().join(" ")
        };
        let mut shown: Vec<String> = rows.iter().map(shown).collect();
        shown.sort();
        shown
    }

    /// Which names have a version that is valid, and how many versions in all.
    fn valid(&self) -> (Vec<String>, usize) {
        let rows = rows(&self.folder(), "people").rows;
        let valid = rows.iter().filter(|row| !row.contains_key("_dlt_valid_to"));
        let mut names: Vec<String> = valid.map(|row| row["name"].clone()).collect();
        names.sort();
        (names, rows.len())
    }
}

#[test]
fn deleted_records_go_with_what_is_in_their_lists() {
    let lake = Lake::new(
        "nested: tables, primary_key: id, write_disposition: merge, columns: { gone: { hard_delete: true } }",
    );
    lake.load("[{ id: 1, tags: [a, b] }, { id: 2, tags: [c] }, { id: 3, tags: [d] }]");
    let second = lake.load(
        "[{ id: 1, gone: true, tags: [x] }, { id: 2, gone: false, tags: [c, e] }, { id: 4, gone: true, tags: [y] }]",
    );
    assert!(second.stdout.contains("1 updated"), "{second:?}");
    assert_eq!(lake.shown("people"), ["gone=false id=2", "id=3"]);
    assert_eq!(
        lake.shown("people__tags"),
        ["value=c", "value=d", "value=e"]
    );
}

#[test]
fn what_is_in_lists_of_records_that_the_table_holds_is_left_out() {
    let lake = Lake::new(
        "nested: tables, primary_key: id, write_disposition: { disposition: merge, strategy: insert-only }",
    );
    lake.load("[{ id: 1, tags: [a] }, { id: 1, tags: [z] }]");
    lake.load("[{ id: 1, tags: [b] }, { id: 2, tags: [c] }]");
    assert_eq!(lake.shown("people"), ["id=1", "id=2"]);
    assert_eq!(lake.shown("people__tags"), ["value=a", "value=c"]);
}

/// What starts over is held against nothing that was there.
#[test]
fn a_fresh_start_brings_the_rows_anew_whatever_the_strategy() {
    for strategy in ["delete-insert", "upsert", "insert-only", "scd2"] {
        for tables in ["", "nested: tables, "] {
            if strategy == "scd2" && !tables.is_empty() {
                continue;
            }
            let keys = format!(
                "{tables}primary_key: id, write_disposition: {{ disposition: merge, strategy: {strategy} }}"
            );
            let keys: &str = keys.leak();
            let lake = Lake::new(keys);
            lake.load("[{ id: 1, tags: [a] }, { id: 2, tags: [b] }]");
            let records = "[{ id: 1, tags: [c] }, { id: 4, tags: [d] }]";
            let fresh = lake.run_with(records, &["--fresh"]);
            fresh.assert_code(0);
            assert!(
                fresh.stdout.contains("added, 0 updated, 0 unchanged"),
                "{fresh:#?}"
            );
            let rows = rows(&lake.folder(), "people").rows;
            let mut ids: Vec<&str> = rows.iter().map(|row| row["id"].as_str()).collect();
            ids.sort_unstable();
            assert_eq!(ids, ["1", "4"], "{keys}");
            if !tables.is_empty() {
                assert_eq!(lake.shown("people__tags"), ["value=c", "value=d"]);
            }
        }
    }
}

/// Rows of a group that doesn't come stay, with what is in their lists, also where groups lie in a window that is read
/// again.
#[test]
fn rows_of_other_groups_keep_what_is_in_their_lists() {
    let load = Arc::new(std::sync::atomic::AtomicU32::new(1));
    let number = Arc::clone(&load);
    let server = Scripted::start(move |_| {
        Reply::json(match number.load(Ordering::Relaxed) {
            1 => {
                r#"[{"day": "a", "at": "2024-01-01T01:00:00Z", "tags": ["a1", "a2"]},
                    {"day": "b", "at": "2024-01-01T02:00:00Z", "tags": ["b1"]}]"#
            }
            _ => r#"[{"day": "b", "at": "2024-01-01T02:00:00Z", "tags": ["b9"]}]"#,
        })
    });
    let workspace = Workspace::new();
    let spec = format!(
        "client: {{ base_url: {} }}\nresources:\n- name: people\n  merge_key: day\n  write_disposition: merge\n  \
         nested: tables\n  endpoint:\n    paginator: single_page\n    data_selector: $\n    incremental: {{ cursor_path: at, \
         initial_value: '2024-01-01', window: 1d, lag: 1d, start_param: from, end_param: to }}\n\
         destination: {{ url: data/lake }}\n",
        server.url()
    );
    workspace.write("lake.yaml", &spec);
    let run = ["run", "lake.yaml", "--now", "2024-01-02"];
    workspace.engine(run).assert_code(0);
    load.store(2, Ordering::Relaxed);
    workspace.engine(run).assert_code(0);
    let lake = workspace.path().join("data/lake");
    let people = rows(&lake, "people");
    assert_eq!((people.len(), people.distinct(&["_dlt_id"])), (2, 2));
    let tags = rows(&lake, "people__tags").rows;
    let mut values: Vec<&str> = tags.iter().map(|row| row["value"].as_str()).collect();
    values.sort_unstable();
    assert_eq!(values, ["a1", "a2", "b9"]);
}

#[test]
fn groups_are_replaced_with_what_is_in_their_lists() {
    let lake = Lake::new("nested: tables, merge_key: day, write_disposition: merge");
    lake.load("[{ day: 1, tags: [a] }, { day: 1, tags: [b] }, { day: 2, tags: [c] }]");
    lake.load("[{ day: 1, tags: [d] }, { day: 1, tags: [d] }]");
    assert_eq!(lake.shown("people"), ["day=1", "day=1", "day=2"]);
    assert_eq!(
        lake.shown("people__tags"),
        ["value=c", "value=d", "value=d"]
    );
}

#[test]
fn a_group_may_lie_in_several_folders() {
    let lake = Lake::new(
        "merge_key: day, primary_key: id, partition_by: [city], write_disposition: merge",
    );
    lake.load("[{ id: 1, day: 1, city: rome }, { id: 2, day: 1, city: oslo }, { id: 3, day: 2, city: oslo }]");
    // One moves, one goes, one comes.
    lake.load("[{ id: 1, day: 1, city: bern }, { id: 4, day: 1, city: rome }]");
    assert_eq!(lake.shown("people/city=bern"), ["city=bern day=1 id=1"]);
    assert_eq!(lake.shown("people/city=oslo"), ["city=oslo day=2 id=3"]);
    assert_eq!(lake.shown("people/city=rome"), ["city=rome day=1 id=4"]);
}

#[test]
fn a_history_is_kept() {
    let lake = Lake::new("write_disposition: { disposition: merge, strategy: scd2 }");
    lake.load("[{ id: 1, name: ann }, { id: 2, name: bob }]");
    lake.load("[{ id: 1, name: ann }, { id: 2, name: bea }]");
    assert_eq!(lake.valid(), (vec!["ann".to_owned(), "bea".to_owned()], 3));
    // A new column that is null everywhere makes no new version.
    let third = lake.load("[{ id: 1, name: ann, city: null }, { id: 2, name: bea }]");
    assert!(third.stdout.contains("2 unchanged"), "{third:?}");
    lake.load("[{ id: 2, name: bea, city: bern }]");
    assert_eq!(lake.valid(), (vec!["bea".to_owned()], 4));
    // What ends is valid until the instant at which the next version begins.
    let rows = rows(&lake.folder(), "people").rows;
    let ends: Vec<_> = rows
        .iter()
        .filter_map(|row| row.get("_dlt_valid_to"))
        .collect();
    let begins: Vec<_> = rows.iter().map(|row| &row["_dlt_valid_from"]).collect();
    assert_eq!(ends.len(), 3);
    assert!(ends.iter().all(|end| begins.contains(end)), "{rows:?}");
    lake.load("[]");
    assert_eq!(lake.valid(), (vec![], 4));
}

/// Another strategy would end versions, or take them for rows with one key.
#[test]
fn a_history_is_not_lost_to_another_strategy() {
    const HISTORY: &str =
        "primary_key: id, write_disposition: { disposition: merge, strategy: scd2 }";
    const PLAIN: &str = "primary_key: id, write_disposition: merge";
    const RENAMED: &str = "primary_key: id, write_disposition: { disposition: merge, strategy: scd2, \
                           validity_column_names: [since, until] }";
    for (before, after) in [
        (HISTORY, PLAIN),
        (PLAIN, HISTORY),
        (HISTORY, RENAMED),
        (HISTORY, ""),
    ] {
        let mut lake = Lake::new(before);
        lake.load("[{ id: 1, name: ann }, { id: 2, name: bob }]");
        lake.load("[{ id: 1, name: ann }, { id: 2, name: bea }]");
        let kept = rows(&lake.folder(), "people").rows;
        lake.keys = if after.is_empty() {
            "write_disposition: append"
        } else {
            after
        };
        let refused = lake.run("[{ id: 1, name: ann }]");
        refused.assert_code(1);
        assert!(refused.stderr.contains("--fresh -r people"), "{refused:#?}");
        assert_eq!(rows(&lake.folder(), "people").rows, kept);
        lake.run_with("[{ id: 1, name: ann }]", &["--fresh"])
            .assert_code(0);
        assert_eq!(rows(&lake.folder(), "people").len(), 1);
    }
}

#[test]
fn a_merge_key_is_never_null() {
    let lake = Lake::new("merge_key: day, write_disposition: merge");
    let finished = lake.run("[{ day: 1 }, { day: null }]");
    finished.assert_code(1);
    assert!(finished.stderr.contains("`day`"), "{finished:?}");
}

/// A lake of what a server answers in the first run, and in the second.
fn run_twice(
    resource: &str,
    answer: impl Fn(&Request, bool) -> Reply + Send + Sync + 'static,
) -> (Workspace, Finished) {
    let workspace = Workspace::new();
    let is_second = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&is_second);
    let server = Scripted::start(move |request| answer(request, seen.load(Ordering::SeqCst)));
    let url = server.url();
    let spec = format!(
        "name: lake\nclient: {{ base_url: {url}, retry: {{ max_attempts: 1 }} }}\nresources:\n{resource}"
    );
    workspace.write("lake.yaml", &spec);
    workspace.engine(["run", "lake.yaml"]).assert_code(0);
    is_second.store(true, Ordering::SeqCst);
    let second = workspace.engine(["run", "lake.yaml"]);
    (workspace, second)
}

#[test]
fn what_was_not_read_is_not_taken_for_deleted() {
    let resource = "- name: people\n  primary_key: id\n  \
         write_disposition: { disposition: merge, strategy: cdc }\n  endpoint:\n    data_selector: items\n    \
         paginator: { type: page_number, base_page: 1, total_path: null, concurrency: 1 }\n    \
         response_actions: [{ status_code: 503, action: ignore }]\n";
    let (workspace, cut) = run_twice(resource, |request, is_second| {
        match request.parameter("page") {
            Some("2") if is_second => Reply::status(503, "{}"),
            Some("2") => Reply::json(r#"{"items": [{"id": 2, "name": "bob"}]}"#),
            Some("3") => Reply::json(r#"{"items": []}"#),
            _ => Reply::json(r#"{"items": [{"id": 1, "name": "ann"}]}"#),
        }
    });
    cut.assert_code(1);
    let told = cut.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        told.contains("takes records that are not in a load for deleted"),
        "{told}"
    );
    let rows = rows(&workspace.path().join("data/lake"), "people");
    assert_eq!(rows.len(), 2);
}

#[test]
fn an_incremental_merge_by_groups_reads_its_last_records_again() {
    let resource = "- name: visits\n  merge_key: day\n  write_disposition: merge\n  endpoint:\n    \
         paginator: single_page\n    \
         incremental: { cursor_path: at, initial_value: 0, start_param: since }\n";
    let (workspace, second) = run_twice(resource, |_, is_second| {
        Reply::json(if is_second {
            r#"[{"id": 2, "day": 1, "at": 2}, {"id": 3, "day": 1, "at": 3}]"#
        } else {
            r#"[{"id": 1, "day": 1, "at": 1}, {"id": 2, "day": 1, "at": 2}]"#
        })
    });
    second.assert_code(0);
    let rows = rows(&workspace.path().join("data/lake"), "visits");
    let mut ids: Vec<&str> = rows.rows.iter().map(|row| row["id"].as_str()).collect();
    ids.sort_unstable();
    assert_eq!(
        ids,
        ["2", "3"],
        "the day is what the last load says that it is"
    );
}
