//! Forms of nested values and declared columns, from the spec to the files, over two loads.

use std::process::Command;

use crate::support::{Finished, Workspace, python_of_the_readers, root};

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
