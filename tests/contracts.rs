//! Schema contracts: what a load may change of a table, and where what is discarded goes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::support::{Finished, Reply, Scripted, Workspace, files, rows};

/// An API whose pages change from run to run, and the lake that it is read into.
struct Shop {
    workspace: Workspace,
    served: Scripted,
    pages: Arc<Mutex<Vec<String>>>,
}

impl Shop {
    fn new() -> Self {
        let pages = Arc::new(Mutex::new(Vec::<String>::new()));
        let answers = Arc::clone(&pages);
        let served = Scripted::start(move |request| {
            if request.target.starts_with("/teams") {
                return Reply::json(r#"[{"id":1}]"#);
            }
            if let Some(order) = request.target.strip_prefix("/lines/") {
                let number = order.parse::<u64>();
                let order = number.map_or_else(|_| format!("\"{order}\""), |id| id.to_string());
                return Reply::json(format!(r#"[{{"line":1,"of":{order}}}]"#));
            }
            let page = request.parameter("page").unwrap_or("1");
            let page: usize = page.parse().unwrap();
            let pages = answers.lock().unwrap();
            Reply::json(pages.get(page - 1).cloned().unwrap_or("[]".to_owned()))
        });
        Self {
            workspace: Workspace::new(),
            served,
            pages,
        }
    }

    /// Runs resources; `orders` is read from these pages.
    fn run(&self, resources: &str, pages: &[&str]) -> Finished {
        *self.pages.lock().unwrap() = pages.iter().map(|page| (*page).to_owned()).collect();
        let paginator = "{ type: page_number, base_page: 1, total_path: null }";
        let spec = format!(
            "client: {{ base_url: {}, paginator: {paginator} }}\nresources:\n{resources}\n",
            self.served.url()
        );
        self.workspace.write("shop.yaml", &spec);
        self.workspace.engine(["run", "shop.yaml"])
    }

    fn orders(&self, keys: &str, pages: &[&str]) -> Finished {
        self.run(&format!("- {{ name: orders, {keys} }}"), pages)
    }

    fn lake(&self) -> PathBuf {
        self.workspace.path().join("data/shop")
    }

    /// The rows of the table, each as `column=value` in the order of columns.
    fn shown(&self) -> Vec<String> {
        let show = |mut row: BTreeMap<String, String>| {
            row.retain(|column, _| !["_load_id", "_extracted_at"].contains(&column.as_str()));
            let fields = row
                .iter()
                .map(|(column, value)| format!("{column}={value}"));
            fields.collect::<Vec<_>>().join(" ")
        };
        let rows = rows(&self.lake(), "orders").rows;
        let mut shown: Vec<String> = rows.into_iter().map(show).collect();
        shown.sort();
        shown
    }

    /// What was rejected, without the load's id: file by file, and line by line.
    fn rejected(&self, folder: &str) -> Vec<String> {
        let mut shown = Vec::new();
        for path in entries(&self.lake().join(folder)) {
            for line in std::fs::read_to_string(&path).unwrap().lines() {
                let mut line: BTreeMap<String, Value> = serde_json::from_str(line).unwrap();
                let load_id = line.remove("load_id").unwrap();
                let name = path.file_name().unwrap().to_string_lossy();
                assert_eq!(name, format!("{}-000001.jsonl", load_id.as_str().unwrap()));
                assert_eq!(line.remove("resource").unwrap(), "orders");
                shown.push(serde_json::to_string(&line).unwrap());
            }
        }
        shown
    }

    /// The report of the newest load.
    fn report(&self) -> Value {
        let reports = entries(&self.lake().join("_engine/loads"));
        let read = |path: &PathBuf| -> Value {
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
        };
        let reports = reports.iter().map(read);
        reports
            .max_by_key(|report| report["commits"][0].as_u64())
            .unwrap()
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[test]
fn a_frozen_table_refuses_what_would_change_it() {
    let shop = Shop::new();
    let frozen = "primary_key: id, schema_contract: { columns: freeze, data_type: freeze }";
    shop.orders(frozen, &[r#"[{"id":1,"at":{"zip":"a"}}]"#])
        .assert_code(0);
    let pages = [
        r#"[{"id":2,"at":{"zip":"b"}}]"#,
        r#"[{"id":3},{"id":4,"at":{"zip":"c","city":"Oslo"}}]"#,
    ];
    let finished = shop.orders(frozen, &pages);
    finished.assert_code(1);
    let stderr = &finished.stderr;
    for told in [
        "page 2 of `orders`, slice `all`",
        "`at.city` of record `1`, the value `\"Oslo\"`",
        "`columns: freeze`",
        "`columns: evolve`",
    ] {
        assert!(stderr.contains(told), "{told}: {stderr}");
    }
    let finished = shop.orders(frozen, &[r#"[{"id":2},{"id":"three"}]"#]);
    finished.assert_code(1);
    assert!(
        finished
            .stderr
            .contains("`id` of record `1`, the value `\"three\"`"),
        "{finished:?}"
    );
    assert_eq!(shop.shown(), ["at={zip: a} id=1"]);
    shop.orders(frozen, &[r#"[{"id":2,"at":{"zip":null}}]"#])
        .assert_code(0);
    assert_eq!(shop.shown().len(), 2);
}

#[test]
fn a_broken_contract_concerns_its_resource_alone() {
    let shop = Shop::new();
    let resources = "
- { name: teams, endpoint: { paginator: single_page } }
- name: orders
  schema_contract: { columns: freeze }
  primary_key: id
  write_disposition: merge
  endpoint: { incremental: { cursor_path: n } }
- { name: lines, endpoint: { path: 'lines/{resources.orders.id}', paginator: single_page } }";
    shop.run(resources, &[r#"[{"id":1,"n":1}]"#]).assert_code(0);
    let finished = shop.run(
        resources,
        &[r#"[{"id":2,"n":2}]"#, r#"[{"id":3,"n":3,"new":true}]"#],
    );
    finished.assert_code(3);
    assert_eq!(shop.shown(), ["id=1 n=1"]);
    assert_eq!(rows(&shop.lake(), "teams").len(), 2);
    // The cursor is where it was, and the children are asked for again.
    let finished = shop.run(resources, &[r#"[{"id":2,"n":2}]"#]);
    finished.assert_code(0);
    assert_eq!(shop.shown(), ["id=1 n=1", "id=2 n=2"]);
    assert_eq!(rows(&shop.lake(), "lines").len(), 2);
}

#[test]
fn what_is_discarded_is_counted_told_and_kept() {
    let shop = Shop::new();
    let keys = "schema_contract: { columns: discard_row, data_type: discard_value }, rejected: _rejected/of";
    shop.orders(keys, &[r#"[{"id":1,"amount":10}]"#])
        .assert_code(0);
    assert_eq!(shop.rejected("_rejected/of/orders"), Vec::<String>::new());
    let pages = [
        r#"[{"id":2,"amount":"ten"},{"id":3,"amount":30}]"#,
        "[{\"id\":4,\n \"new\": 1},{\"id\":5.5,\"amount\":50}]",
    ];
    let finished = shop.orders(keys, &pages);
    finished.assert_code(0);
    assert_eq!(
        shop.shown(),
        ["amount=10 id=1", "amount=30 id=3", "amount=50", "id=2"]
    );
    assert_eq!(
        shop.rejected("_rejected/of/orders"),
        [
            r#"{"column":"amount","discarded":"value","page":1,"reason":"a string doesn't fit column `amount`, which holds 64-bit integers","record":0,"slice":"all","value":"ten"}"#,
            r#"{"column":"new","discarded":"row","page":2,"reason":"the table has no column `new`","record":0,"slice":"all","value":{"id":4,"new":1}}"#,
            r#"{"column":"id","discarded":"value","page":2,"reason":"a number doesn't fit column `id`, which holds 64-bit integers","record":1,"slice":"all","value":5.5}"#,
        ]
    );
    let table = &shop.report()["tables"]["orders"];
    assert_eq!(
        (&table["rows_discarded"], &table["values_discarded"]),
        (&1.into(), &2.into())
    );
    let kept = table["rejected_files"][0].as_str().unwrap();
    assert!(shop.lake().join(kept).is_file(), "{kept}");
    for told in [
        "1 of 4 records were discarded, since the table has no column `new`",
        "2 values were discarded, since values of `amount`, `id` don't fit their column",
        "`_rejected/of/orders` keeps them",
    ] {
        assert!(
            finished.stderr.contains(told),
            "{told}: {}",
            finished.stderr
        );
    }
    // Nothing of it is left where it waited.
    assert_eq!(
        entries(&shop.lake().join("_engine/staging")),
        Vec::<PathBuf>::new()
    );
}

/// What other failures leave of the windows that were finished before them.
#[test]
fn a_broken_contract_keeps_no_window() {
    let shop = Shop::new();
    let keys = "concurrency: 1, columns: { id: {}, at: {} }, schema_contract: { columns: freeze }, endpoint: { \
                incremental: { cursor_path: at, initial_value: '2024-01-01', end_value: '2024-01-03', window: 1d, \
                start_param: from, end_param: to } }";
    let first = r#"{"id":1,"at":"2024-01-01T01:00:00Z"}"#;
    let second = r#"{"id":2,"at":"2024-01-02T01:00:00Z""#;
    let broken = format!(r#"[{first},{second},"new":1}}]"#);
    shop.orders(keys, &[&broken]).assert_code(1);
    assert!(files(&shop.lake(), "orders").is_empty());
    let whole = format!("[{first},{second}}}]");
    shop.orders(keys, &[&whole]).assert_code(0);
    assert_eq!(shop.shown().len(), 2);
}

#[test]
fn a_discarded_record_is_a_parent_all_the_same() {
    let shop = Shop::new();
    let resources = "
- { name: orders, schema_contract: { columns: discard_row } }
- name: lines
  schema_contract: { data_type: discard_row }
  rejected: _rejected
  include_from_parent: [name]
  endpoint: { path: 'lines/{resources.orders.id}', paginator: single_page }";
    shop.run(resources, &[r#"[{"id":1,"name":"a"}]"#])
        .assert_code(0);
    let page = r#"[{"id":2,"name":"b","new":1},{"id":"x","name":"c"}]"#;
    shop.run(resources, &[page]).assert_code(0);
    assert_eq!(rows(&shop.lake(), "orders").len(), 2);
    assert_eq!(rows(&shop.lake(), "lines").by_key(&["of"]).len(), 2);
    let lines = entries(&shop.lake().join("_rejected/lines"));
    let line: Value = serde_json::from_str(&std::fs::read_to_string(&lines[0]).unwrap()).unwrap();
    assert_eq!(line["slice"], r#"orders.id="x""#);
    assert_eq!(line["from_parent"]["_orders_name"], "c");
    assert_eq!(line["value"]["line"], 1);
}

#[test]
fn slices_side_by_side_reject_into_one_file() {
    let shop = Shop::new();
    let keys = "for_each: { shop: [a, b, c] }, schema_contract: { columns: discard_value }, rejected: _rejected, \
                processing_steps: [{ map: { shop: partition.shop } }], endpoint: { params: { of: '{partition.shop}' } }";
    shop.orders(keys, &[r#"[{"id":1}]"#]).assert_code(0);
    let pages = [r#"[{"id":2}]"#, r#"[{"id":3,"new":true}]"#];
    shop.orders(keys, &pages).assert_code(0);
    assert_eq!(shop.shown().len(), 9);
    let mut rejected = shop.rejected("_rejected/orders");
    rejected.sort();
    assert_eq!(rejected.len(), 3);
    for (line, name) in rejected.iter().zip(["a", "b", "c"]) {
        assert!(
            line.contains(&format!(r#""slice":"shop=\"{name}\"""#)),
            "{line}"
        );
        assert!(line.contains(r#""page":2,"#), "{line}");
    }
}

#[test]
fn a_merge_and_a_replace_discard_too() {
    for (disposition, expected) in [
        ("merge", vec!["a=x id=1", "id=2"]),
        ("replace", vec!["id=2"]),
    ] {
        let shop = Shop::new();
        let keys = format!(
            "primary_key: id, write_disposition: {disposition}, schema_contract: {{ columns: discard_value, data_type: \
             discard_value }}, rejected: _rejected"
        );
        shop.orders(&keys, &[r#"[{"id":1,"a":"x"},{"id":2,"a":"y"}]"#])
            .assert_code(0);
        let pages = [r#"[{"id":2,"a":7,"new":1},{"id":"3","a":"z"}]"#];
        shop.orders(&keys, &pages).assert_code(0);
        assert_eq!(shop.shown(), expected, "{disposition}");
        assert_eq!(shop.rejected("_rejected/orders").len(), 3);
    }
}

#[test]
fn a_table_that_may_not_be_created_is_not() {
    let shop = Shop::new();
    let finished = shop.orders("schema_contract: freeze", &[r#"[{"id":1}]"#]);
    finished.assert_code(1);
    assert!(
        finished.stderr.contains("create table `orders`"),
        "{finished:?}"
    );
    assert!(finished.stderr.contains("`tables: evolve`"), "{finished:?}");
    assert_eq!(shop.served.requests().len(), 0);

    let keys = "rejected: _rejected, primary_key: id, write_disposition: merge, \
                endpoint: { incremental: { cursor_path: id } }";
    for mode in ["discard_row", "discard_value"] {
        let contract = format!("{keys}, schema_contract: {{ tables: {mode} }}");
        let finished = shop.orders(&contract, &[r#"[{"id":1},{"id":2}]"#]);
        finished.assert_code(0);
        let told = "2 of 2 records were discarded, since the table isn't there";
        assert!(finished.stderr.contains(told), "{finished:?}");
        assert!(files(&shop.lake(), "orders").is_empty());
        assert_eq!(shop.report()["tables"]["orders"]["rows_discarded"], 2);
    }
    assert_eq!(shop.rejected("_rejected/orders").len(), 4);
    // Once it may be, it gets all records, whatever the cursor.
    shop.orders(keys, &[r#"[{"id":1},{"id":2}]"#])
        .assert_code(0);
    assert_eq!(shop.shown(), ["id=1", "id=2"]);
    let frozen = format!("{keys}, schema_contract: freeze");
    shop.orders(&frozen, &[r#"[{"id":3}]"#]).assert_code(0);
    assert_eq!(shop.shown().len(), 3);
}

#[test]
fn columns_that_are_declared_are_the_baseline_of_the_first_load() {
    let shop = Shop::new();
    let keys = "primary_key: id, columns: { name: {}, amount: { data_type: double } }";
    let pages = [r#"[{"id":1,"name":"a","amount":1.5,"more":[1]},{"id":2,"amount":"x"}]"#];
    let frozen = format!("{keys}, schema_contract: {{ columns: freeze }}");
    let finished = shop.orders(&frozen, &pages);
    finished.assert_code(1);
    assert!(finished.stderr.contains("no column `more`"), "{finished:?}");
    let discarding =
        format!("{keys}, schema_contract: {{ columns: discard_value, data_type: discard_value }}");
    let finished = shop.orders(&discarding, &pages);
    finished.assert_code(0);
    assert_eq!(shop.shown(), ["amount=1.5 id=1 name=a", "id=2"]);
    assert!(
        finished.stderr.contains("`rejected: <folder>`"),
        "{finished:?}"
    );
}

#[test]
fn a_first_load_says_itself_what_is_new() {
    let mixed = [r#"[{"id":1,"a":1}]"#, r#"[{"id":2,"a":"n/a"}]"#];
    let shop = Shop::new();
    let finished = shop.orders(
        "schema_contract: { columns: freeze, data_type: freeze }",
        &mixed,
    );
    finished.assert_code(1);
    for told in [
        "page 2 of `orders`",
        "`a` of record `0`, the value `\"n/a\"`",
        "string, number",
    ] {
        assert!(finished.stderr.contains(told), "{told}: {finished:?}");
    }
    assert!(files(&shop.lake(), "orders").is_empty());
    // A list of several kinds is JSON text, so that what lies in it is known at the end.
    let lists = [
        r#"[{"id":1,"a":[{"b":1}]}]"#,
        r#"[{"id":2,"a":[{"b":"x"}]}]"#,
        r#"[{"id":3,"a":[7]}]"#,
    ];
    let finished = shop.orders("schema_contract: { data_type: freeze }", &lists[..2]);
    finished.assert_code(1);
    assert!(
        finished
            .stderr
            .contains("the values of `a[].b` are of several kinds"),
        "{finished:?}"
    );
    assert!(files(&shop.lake(), "orders").is_empty());
    let other = Shop::new();
    other
        .orders("schema_contract: { data_type: freeze }", &lists)
        .assert_code(0);
    assert_eq!(other.shown().len(), 3);
    let finished = shop.orders(
        "schema_contract: { columns: discard_row, data_type: discard_row }",
        &mixed,
    );
    finished.assert_code(0);
    assert!(
        finished
            .stderr
            .contains("`a` holds values of several kinds"),
        "{finished:?}"
    );
    assert_eq!(shop.shown(), ["a=n/a id=2", "a__v_number=1 id=1"]);
}

#[test]
fn defaults_hold_for_every_resource() {
    let shop = Shop::new();
    let resources = "- orders\n- { name: teams, schema_contract: null, endpoint: { paginator: single_page } }\n\
                     resource_defaults: { schema_contract: { columns: freeze } }";
    shop.run(resources, &[r#"[{"id":1}]"#]).assert_code(0);
    let finished = shop.run(resources, &[r#"[{"id":1,"b":2}]"#]);
    finished.assert_code(3);
    assert!(finished.stdout.contains("no column `b`"), "{finished:?}");
}

#[test]
fn a_mode_that_is_none_is_told_once() {
    let shop = Shop::new();
    let finished = shop.orders("schema_contract: frozen", &[]);
    finished.assert_code(2);
    assert_eq!(
        finished.stderr.matches("frozen").count(),
        2,
        "{}",
        finished.stderr
    );
    assert!(
        finished.stderr.contains("`discard_row`"),
        "{}",
        finished.stderr
    );
    let finished = shop.orders("schema_contract: { column: freeze }", &[]);
    finished.assert_code(2);
    assert!(finished.stderr.contains("`columns`"), "{}", finished.stderr);
}
