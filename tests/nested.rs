//! Forms of nested values and declared columns, from the spec to the files, over two loads.

use std::process::Command;

use crate::support::{Finished, Workspace, python_of_the_readers, root, rows};

/// Four tables of the same records, and one of declared columns.
fn spec(loads: &str) -> String {
    format!(
        r#"
version: 1
name: shop
client: {{ base_url: "http://localhost:9" }}
x-records: &records
{loads}
resource_defaults: {{ primary_key: id, write_disposition: merge }}
resources:
  - {{ name: inferred, data: *records }}
  - {{ name: as_json, data: *records, nested: json }}
  - {{ name: flat, data: *records, nested: flatten }}
  - name: mixed
    data: *records
    columns:
      prices: {{ nested: struct }}
      owner: {{ nested: map, description: "who has it" }}
      tags: {{ nested: json }}
  - name: declared
    write_disposition: append
    data:
      - {{ id: 1, fee: "12.50", at: "31.01.2024 12:30", exact: "2024-01-31T12:30:00.123456789Z", opens: "08:30:00", raw: AP8=, gas: "1000000000000000000000", note: "", token: 5 }}
      - {{ id: 2, fee: "n/a", at: 1706702400, opens: noon, raw: "0x00ff", note: "too long", token: secret-token-value }}
    columns:
      id: {{ data_type: bigint, nullable: false }}
      fee: {{ data_type: decimal, precision: 10, scale: 2, description: "in EUR" }}
      at: {{ data_type: timestamp, format: ["%d.%m.%Y %H:%M", unix] }}
      exact: {{ data_type: timestamp, precision: 9 }}
      opens: {{ data_type: time }}
      raw: {{ data_type: binary }}
      gas: {{ data_type: wei }}
      note: {{ data_type: text, precision: 3, empty_as_null: true, description: "free text" }}
      token: {{ data_type: bigint }}
"#
    )
}

const FIRST: &str = r#"
  - { id: 1, prices: { "2024-01-01": 1.5, "2024-01-02": 2 }, owner: { name: Ann, address: { city: Ulm } }, tags: [{ k: a }, { k: b }], maker: { id: 1 } }
  - { id: 2, prices: {}, owner: { name: Ben, address: null }, tags: [], maker: { id: 1 } }
"#;

const SECOND: &str = r#"
  - { id: 2, prices: { latest: 3 }, owner: { name: Ben, address: { city: Bonn, zip: 53111 } }, tags: null, maker: { id: 2 } }
  - { id: 3, prices: { "2024-01-03": "n/a" }, owner: { name: 7 }, tags: [{ k: c }] }
"#;

#[test]
fn nested_values_are_read_in_every_form() {
    let workspace = Workspace::new();
    let mut told = String::new();
    // What lies in an object is no key, whatever it is called: the second run updates one row of each table.
    for (records, counts) in [
        (FIRST, "10 rows added, 0 updated, 0 unchanged"),
        (SECOND, "6 rows added, 4 updated, 0 unchanged"),
    ] {
        workspace.write("shop.yaml", &spec(records));
        let finished = workspace.engine(["run", "shop.yaml"]);
        finished.assert_code(0);
        assert!(finished.stdout.contains(counts), "{finished:?}");
        told = finished.stderr.clone();
    }
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    for warning in [
        "1 value of the column `fee` doesn't fit its `data_type`, and is kept in a column of its own (`fee__v_…`), such as `\"n/a\"`",
        "1 value of the column `note` is larger than its `precision`, and is kept whole, such as `\"too long\"`",
        "1 value of the column `token` doesn't fit its `data_type`, and is kept in a column of its own (`token__v_…`)",
    ] {
        assert!(told.contains(warning), "{warning} in {told}");
    }
    assert!(!told.contains("secret-token-value"), "{told}");
    // The third run brings nothing new to a merged table: maps and JSON text compare as they are.
    let again = workspace.engine(["run", "shop.yaml"]);
    again.assert_code(0);
    let counts = "2 rows added, 0 updated, 8 unchanged";
    assert!(again.stdout.contains(counts), "{again:?}");
    let Some(python) = python_of_the_readers() else {
        return;
    };
    let output = Command::new(python)
        .arg(root().join("tests/readers/read_nested.py"))
        .arg(workspace.path().join("data/shop"))
        .output()
        .unwrap();
    Finished::from(output).assert_code(0);
}

/// Tables of the same records under one contract, and one of declared columns.
fn under_contract(mode: &str, loads: &str) -> String {
    format!(
        r#"
version: 1
name: shop
client: {{ base_url: "http://localhost:9" }}
x-records: &records
{loads}
resource_defaults: {{ schema_contract: {{ columns: {mode}, data_type: {mode} }}, rejected: _rejected }}
resources:
  - {{ name: maps, data: *records }}
  - {{ name: flat, data: *records, nested: flatten }}
  - {{ name: as_json, data: *records, nested: json }}
  - name: declared
    data:
      - {{ id: 1, opens: "08:30:00", exact: "2024-01-31T12:30:00.123456789Z", raw: AP8= }}
      - {{ id: 2, opens: noon, exact: soon, raw: "?" }}
    columns:
      id: {{ data_type: bigint }}
      opens: {{ data_type: time }}
      exact: {{ data_type: timestamp, precision: 9 }}
      raw: {{ data_type: binary }}
"#
    )
}

#[test]
fn a_contract_judges_nested_values_in_every_form() {
    let workspace = Workspace::new();
    let lake = workspace.path().join("data/shop");
    let known = r#"  - { id: 1, rates: { "2024-01-01": 5 }, at: { zip: x } }"#;
    let changed =
        r#"  - { id: 2, rates: { "2024-01-02": 7, "2024-01-03": n/a }, at: { zip: y, city: b } }"#;
    let run = |mode: &str, loads: &str| {
        workspace.write("shop.yaml", &under_contract(mode, loads));
        workspace.engine(["run", "shop.yaml"])
    };
    run("discard_value", known).assert_code(0);
    let finished = run("discard_value", changed);
    finished.assert_code(0);
    let shown = |table: &str| {
        let mut changed = rows(&lake, table).rows;
        changed.retain(|row| row["id"] == "2");
        let mut row = changed.pop().unwrap();
        row.retain(|column, _| !column.starts_with('_'));
        let fields = row
            .iter()
            .map(|(column, value)| format!("{column}={value}"));
        fields.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(shown("maps"), "at={zip: y} id=2 rates={2024-01-02: 7}");
    // The days of a flattened object are columns, of which the second load brings new ones.
    assert_eq!(shown("flat"), "at__zip=y id=2");
    let text = r#"at={"city":"b","zip":"y"} id=2 rates={"2024-01-02":7,"2024-01-03":"n/a"}"#;
    assert_eq!(shown("as_json"), text);
    assert_eq!(shown("declared"), "id=2");
    let told = finished
        .stderr
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    for warning in [
        "1 value was discarded, since values of `rates.2024-01-03` don't fit their column",
        "since the table has no column `at.city`",
        "since values of `exact`, `opens`, `raw` don't fit their column",
    ] {
        assert!(told.contains(warning), "{warning} in {told}");
    }
    // What was discarded is in no column of its own, and isn't told to be.
    assert!(!told.contains("a column of its own"), "{told}");
    // What is kept as text was not looked into.
    assert!(!lake.join("_rejected/as_json").exists());
    let frozen = run("freeze", changed);
    frozen.assert_code(3);
    assert!(frozen.stdout.contains("map `rates`"), "{frozen:?}");
}
