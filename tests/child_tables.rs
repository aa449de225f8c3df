//! Lists that become tables of their own, from the spec to the files, over several loads.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use engine_sandbox::Fixture;

use crate::support::{Finished, Served, Workspace, files, python_of_the_readers, root, rows};

/// A lake of one resource, whose records change from load to load.
struct Shop {
    workspace: Workspace,
    /// Keys of the resource.
    keys: &'static str,
}

impl Shop {
    fn new(keys: &'static str) -> Self {
        Self {
            workspace: Workspace::new(),
            keys,
        }
    }

    fn run(&self, records: &str) -> Finished {
        self.run_spec(&format!(
            "- {{ name: orders, {}, data: {records} }}",
            self.keys
        ))
    }

    fn run_spec(&self, resources: &str) -> Finished {
        let client = "client: { base_url: \"http://localhost:9\" }";
        let spec = format!("name: shop\n{client}\nresources:\n{resources}\n");
        self.workspace.write("shop.yaml", &spec);
        self.workspace.engine(["run", "shop.yaml"])
    }

    fn load(&self, records: &str) -> Finished {
        let finished = self.run(records);
        finished.assert_code(0);
        finished
    }

    fn lake(&self) -> PathBuf {
        self.workspace.path().join("data/shop")
    }

    /// The rows of a table in the order of their positions, without what tells rows and loads apart.
    fn shown(&self, table: &str) -> Vec<String> {
        let rows = rows(&self.lake(), table).rows;
        let shown = |row: &BTreeMap<String, String>| {
            let position = row.get("_dlt_list_idx").map(|index| index.parse::<u64>());
            let own = row.iter().filter(|(column, _)| !column.starts_with('_'));
            let fields = own.map(|(column, value)| format!("{column}={value}"));
            (
                position.transpose().unwrap(),
                fields.collect::<Vec<_>>().join(" "),
            )
        };
        let mut shown: Vec<_> = rows.iter().map(shown).collect();
        shown.sort();
        shown.into_iter().map(|(_, row)| row).collect()
    }

    /// The values of a column, in order.
    fn values(&self, table: &str, column: &str) -> Vec<String> {
        let rows = rows(&self.lake(), table).rows;
        let mut values: Vec<String> = rows.iter().map(|row| row[column].clone()).collect();
        values.sort();
        values
    }

    /// Each row of a child table has its parent, and only one.
    fn assert_joined(&self, table: &str, parent: &str) {
        let ids = self.values(parent, "_dlt_id");
        for id in self.values(table, "_dlt_parent_id") {
            let parents = ids.iter().filter(|parent| **parent == id);
            assert_eq!(parents.count(), 1, "{id} of {table} in {parent}");
        }
    }
}

const MERGE: &str = "nested: tables, primary_key: id, write_disposition: merge";

#[test]
fn a_merge_puts_new_elements_in_the_place_of_all_earlier_ones() {
    let shop = Shop::new(MERGE);
    let first = shop.load(
        r"[{ id: 1, items: [{ sku: a, parts: [{ p: 1 }, { p: 2 }] }, { sku: b }] }, { id: 2, items: [{ sku: c }] }]",
    );
    assert!(first.stdout.contains("orders__items__parts"), "{first:?}");
    assert!(first.stdout.contains("7 rows added"), "{first:?}");
    let ids = shop.values("orders", "_dlt_id");
    let second =
        shop.load(r"[{ id: 1, items: [{ sku: a, parts: [{ p: 9 }] }] }, { id: 3, items: [] }]");
    assert!(
        second
            .stdout
            .contains("1 rows added, 1 updated, 2 unchanged, 2 removed"),
        "{second:?}"
    );
    assert_eq!(shop.shown("orders"), ["id=1", "id=2", "id=3"]);
    assert_eq!(shop.shown("orders__items"), ["sku=a", "sku=c"]);
    assert_eq!(shop.shown("orders__items__parts"), ["p=9"]);
    shop.assert_joined("orders__items", "orders");
    shop.assert_joined("orders__items__parts", "orders__items");
    // The same row has the same id, from load to load.
    let later = shop.values("orders", "_dlt_id");
    assert!(ids.iter().all(|id| later.contains(id)), "{ids:?} {later:?}");

    // Nothing new changes no file.
    let before = files(&shop.lake(), "orders__items");
    let again =
        shop.load(r"[{ id: 1, items: [{ sku: a, parts: [{ p: 9 }] }] }, { id: 3, items: [] }]");
    assert!(
        again
            .stdout
            .contains("0 rows added, 0 updated, 4 unchanged"),
        "{again:?}"
    );
    assert_eq!(files(&shop.lake(), "orders__items"), before);

    // The last element of all goes as well, whether its list is empty, null or not there.
    shop.load("[{ id: 1, items: null }, { id: 2 }]");
    assert_eq!(shop.shown("orders__items"), [""; 0]);
    assert_eq!(shop.shown("orders__items__parts"), [""; 0]);
    assert_eq!(shop.shown("orders"), ["id=1", "id=2", "id=3"]);
}

#[test]
fn of_records_with_one_key_the_elements_of_the_last_one_stay() {
    let shop = Shop::new(MERGE);
    shop.load("[{ id: 1, tags: [a, b, c] }, { id: 1, tags: [d] }]");
    assert_eq!(shop.shown("orders"), ["id=1"]);
    assert_eq!(shop.shown("orders__tags"), ["value=d"]);
    shop.assert_joined("orders__tags", "orders");
}

#[test]
fn an_append_adds_elements_and_keeps_equal_rows_apart() {
    let shop = Shop::new("nested: tables");
    shop.load("[{ n: 1, tags: [a, b] }, { n: 1, tags: [a, b] }]");
    shop.load("[{ n: 1, tags: [a, b] }]");
    assert_eq!(shop.shown("orders"), ["n=1"; 3]);
    assert_eq!(shop.shown("orders__tags").len(), 6);
    shop.assert_joined("orders__tags", "orders");
    assert_eq!(
        shop.values("orders__tags", "_dlt_root_id"),
        shop.values("orders__tags", "_dlt_parent_id")
    );
}

#[test]
fn a_replace_empties_a_child_table_of_which_nothing_comes() {
    let shop = Shop::new("nested: tables, write_disposition: replace");
    shop.load("[{ id: 1, tags: [a, b] }, { id: 2, tags: [c] }]");
    let ids = shop.values("orders__tags", "_dlt_id");
    shop.load("[{ id: 1, tags: [a, b] }, { id: 2, tags: [c] }]");
    assert_eq!(shop.values("orders__tags", "_dlt_id"), ids);
    shop.load("[{ id: 1 }]");
    assert_eq!(shop.shown("orders__tags"), [""; 0]);
    assert_eq!(files(&shop.lake(), "orders__tags").len(), 0);
}

#[test]
fn every_kind_of_value_finds_its_place() {
    let shop = Shop::new("nested: tables");
    shop.load(
        r"[{ id: 1, either: [q, null], matrix: [[1, 2], [], [3]], mixed: [1, a, { k: true, value: x }, [5]], at: { tags: [t], city: u } },
            { id: 2, either: s, matrix: [], at: null },
            { id: 3, either: { inner: [1] }, at: { tags: [] } }]",
    );
    assert_eq!(
        shop.shown("orders"),
        ["at__city=u id=1", "either=s id=2", "id=3"]
    );
    assert_eq!(shop.shown("orders__either"), ["value=q", ""]);
    assert_eq!(shop.shown("orders__either__inner"), ["value=1"]);
    assert_eq!(shop.shown("orders__matrix"), ["", "", ""]);
    assert_eq!(
        shop.shown("orders__matrix__list"),
        ["value=1", "value=3", "value=2"]
    );
    assert_eq!(
        shop.shown("orders__mixed"),
        ["value__v_number=1", "value=a", "k=true value_=x", ""]
    );
    assert_eq!(shop.shown("orders__mixed__list"), ["value=5"]);
    assert_eq!(shop.shown("orders__at__tags"), ["value=t"]);
}

#[test]
fn a_column_alone_may_become_a_table() {
    let shop = Shop::new("columns: { items: { nested: tables } }");
    shop.load("[{ id: 1, items: [{ sku: a, sizes: [1, 2] }], tags: [x], at: { tags: [y] } }]");
    assert_eq!(shop.shown("orders"), ["at={tags: [y]} id=1 tags=[x]"]);
    assert_eq!(shop.shown("orders__items"), ["sku=a"]);
    assert_eq!(shop.shown("orders__items__sizes"), ["value=1", "value=2"]);
    // And a column alone may stay one.
    let shop = Shop::new("nested: tables, columns: { tags: { nested: struct } }");
    shop.load("[{ id: 1, tags: [x], items: [y] }]");
    assert_eq!(shop.shown("orders"), ["id=1 tags=[x]"]);
    assert_eq!(shop.shown("orders__items"), ["value=y"]);
}

#[test]
fn what_is_committed_keeps_its_form() {
    let shop = Shop::new(MERGE);
    shop.load("[{ id: 1, items: [{ n: 1, at: { zip: 5 } }] }]");
    let merged = |keys: &str, records: &str| {
        let keys = format!("primary_key: id, write_disposition: merge{keys}");
        let finished = shop.run_spec(&format!("- {{ name: orders, {keys}, data: {records} }}"));
        finished.assert_code(0);
    };
    // A table that is there goes on, with wider types and new columns; a new list has the form that is asked for now.
    merged(
        "",
        "[{ id: 1, items: [{ n: 1.5, at: { zip: 6 }, more: yes }], tags: [a] }, { id: 2, items: [{ n: many }] }]",
    );
    assert_eq!(shop.shown("orders"), ["id=1 tags=[a]", "id=2"]);
    assert_eq!(
        shop.shown("orders__items"),
        ["at__zip=6 more=yes n=1.5", "n__v_string=many"]
    );
    // And so does a column.
    merged(
        ", nested: tables",
        "[{ id: 3, items: [{ n: 2 }], tags: [b], other: [c] }]",
    );
    assert_eq!(
        shop.shown("orders"),
        ["id=1 tags=[a]", "id=2", "id=3 tags=[b]"]
    );
    assert_eq!(shop.shown("orders__other"), ["value=c"]);
    shop.assert_joined("orders__items", "orders");
}

#[test]
fn a_contract_concerns_child_tables() {
    let shop = Shop::new("nested: tables");
    shop.load("[{ id: 1, items: [{ n: 1 }] }]");
    let under = |keys: &'static str, records: &str| {
        let keys = format!("nested: tables, rejected: _rejected, schema_contract: {keys}");
        shop.run_spec(&format!("- {{ name: orders, {keys}, data: {records} }}"))
    };
    let frozen = under(
        "{ tables: freeze }",
        "[{ id: 2, items: [{ n: 2, new: 1 }], tags: [a] }]",
    );
    frozen.assert_code(1);
    assert!(
        frozen
            .stderr
            .contains("there is no table of the elements of `tags`"),
        "{frozen:?}"
    );
    under(
        "{ tables: freeze }",
        "[{ id: 2, items: [{ n: 2 }], tags: [] }]",
    )
    .assert_code(0);
    let told = under(
        "{ tables: discard_value, columns: discard_value, data_type: discard_value }",
        "[{ id: 3, items: [{ n: 3, new: 1 }, { n: x }, y], tags: [a] }, { id: 4, items: [{ n: 4, new: 1 }, { n: x }] }]",
    );
    told.assert_code(0);
    let stderr = told.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    for warning in [
        "there is no table of the elements of `tags`",
        "`items[].new`",
        "values of `items[].n`",
        "no column `items[]`",
    ] {
        assert!(stderr.contains(warning), "{warning} in {stderr}");
    }
    assert_eq!(shop.values("orders", "id"), ["1", "2", "3", "4"]);
    // A list of which one element has no place is left out whole; an object stays without the key that has none.
    assert_eq!(shop.shown("orders__items"), ["n=1", "n=2", "n=4", ""]);
    under(
        "{ columns: freeze }",
        "[{ id: 5, items: [{ n: 5, new: 1 }] }]",
    )
    .assert_code(1);
    let rows = under(
        "{ columns: discard_row }",
        "[{ id: 6, items: [{ n: 6, new: 1 }] }, { id: 7, items: [{ n: 7 }] }]",
    );
    rows.assert_code(0);
    assert_eq!(shop.values("orders", "id"), ["1", "2", "3", "4", "7"]);
    assert_eq!(files(&shop.lake(), "orders__tags").len(), 0);
}

#[test]
fn a_name_that_another_table_has_is_refused() {
    let shop = Shop::new("nested: tables");
    let taken = shop.run_spec(
        "- { name: orders, nested: tables, data: [{ id: 1, items: [{ n: 1 }] }] }\n- { name: orders__items, data: [{ id: 1 }] }",
    );
    taken.assert_code(3);
    assert!(
        taken
            .stdout
            .contains("a list becomes table `orders__items`"),
        "{taken:?}"
    );
    assert_eq!(shop.shown("orders__items"), ["id=1"]);
    let other = Shop::new("nested: tables");
    other.load("[{ id: 1, items: [{ n: 1 }] }]");
    let taken = other.run_spec("- { name: orders__items, data: [{ id: 1 }] }");
    assert_ne!(taken.code, Some(0));
    assert!(
        taken.stderr.contains("holds elements of lists"),
        "{taken:?}"
    );
    assert_eq!(other.shown("orders__items"), ["n=1"]);
}

#[test]
fn tables_join_as_the_records_were() {
    let Some(python) = python_of_the_readers() else {
        return;
    };
    let shop = Shop::new(MERGE);
    shop.load(
        r"[{ id: 1, items: [{ sku: a, parts: [{ p: 1 }, { p: 2 }] }, { sku: b }] }, { id: 2, items: [{ sku: c }, { sku: d }], tags: [x, y] }]",
    );
    shop.load(
        "[{ id: 2, items: [{ sku: e, parts: [{ p: 3 }] }], tags: [z] }, { id: 3, tags: [] }]",
    );
    let output = Command::new(python)
        .arg(root().join("tests/readers/read_child_tables.py"))
        .arg(shop.lake())
        .output()
        .unwrap();
    Finished::from(output).assert_code(0);
}

#[test]
fn joins_give_the_lists_of_every_page() {
    let fixture = "
version: 1
name: people
now: 2024-01-22T12:31:00Z
collections:
  people:
    records: 95
    fields:
      id: { increment: { start: 1 } }
      channels: { list: { minimum: 0, maximum: 3, item: { choice: [phone, email, chat] } } }
routes:
  - path: people
    answer: { list: { collection: people, body: { records_at: people, members: { total: total } }, page: { style: offset, default_size: 10, maximum_size: 10 } } }
";
    let served = Served::start(Fixture::parse(fixture).unwrap());
    let workspace = Workspace::new();
    let spec = r#"
name: people
client: { base_url: "https://api.example.com" }
resource_defaults:
  primary_key: id
  write_disposition: merge
  endpoint: { data_selector: people, paginator: { type: offset, limit: 10, total_path: total } }
resources:
  - { name: lists, endpoint: people }
  - { name: tables, nested: tables, endpoint: people }
"#;
    workspace.write("people.yaml", spec);
    let arguments = ["run", "people.yaml", "--sandbox", &served.origin()];
    workspace.engine(arguments).assert_code(0);
    let lake = workspace.path().join("data/people");
    let mut elements: BTreeMap<String, BTreeMap<u64, String>> = BTreeMap::new();
    for row in rows(&lake, "tables__channels").rows {
        let list = elements.entry(row["_dlt_parent_id"].clone()).or_default();
        list.insert(row["_dlt_list_idx"].parse().unwrap(), row["value"].clone());
    }
    let mut joined = BTreeMap::new();
    for row in rows(&lake, "tables").rows {
        let list = elements.remove(&row["_dlt_id"]).unwrap_or_default();
        let values: Vec<String> = list.into_values().collect();
        joined.insert(row["id"].clone(), format!("[{}]", values.join(", ")));
    }
    let lists = rows(&lake, "lists").rows.into_iter();
    let lists: BTreeMap<String, String> = lists
        .map(|row| (row["id"].clone(), row["channels"].clone()))
        .collect();
    assert_eq!(joined, lists);
    assert_eq!((joined.len(), elements.len()), (95, 0));
}
