//! What `DuckDB`, `pyarrow` and Polars make of a table whose schema changed from one load to the next.
//!
//! `docs/readers.md` says it in a table, which is what the readers do today.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Command;

use serde_json::value::RawValue;

use crate::support::{Finished, Reply, Scripted, Workspace, root};

/// A change by name: under `loads` what the API gives in each load, and under `rows` what must come out where that is
/// something else.
type Changes = BTreeMap<String, BTreeMap<String, Vec<Box<RawValue>>>>;

#[test]
fn every_change_of_a_schema_is_read_as_the_docs_say() {
    let Some(python) = std::env::var_os("ENGINE_TEST_PYTHON") else {
        let word = "left out: ENGINE_TEST_PYTHON names no Python with duckdb, pyarrow and polars; see CONTRIBUTING.md";
        writeln!(std::io::stderr(), "{word}").unwrap();
        return;
    };
    let changes_path = root().join("tests/readers/across_loads.json");
    let changes = std::fs::read_to_string(&changes_path).unwrap();
    let changes: Changes = serde_json::from_str(&changes).unwrap();
    let mut spec = "version: 1\nname: changes\nresources:\n".to_owned();
    for name in changes.keys() {
        writeln!(spec, "  - {{ name: {name}, endpoint: {{ path: {name}, data_selector: $, paginator: single_page }} }}").unwrap();
    }
    let loads = changes.values().map(|change| change["loads"].len()).max();
    let served = Scripted::start(move |request| {
        let loads = &changes[request.target.trim_start_matches('/')]["loads"];
        Reply::json(loads[request.time - 1].get())
    });
    let client = format!("client: {{ base_url: '{}' }}\n", served.url());
    let workspace = Workspace::new();
    let spec = workspace.write("changes.yaml", &(spec + &client));
    for _ in 0..loads.unwrap() {
        workspace
            .engine(["run", spec.to_str().unwrap()])
            .assert_code(0);
    }
    let output = Command::new(python)
        .arg(root().join("tests/readers/across_loads.py"))
        .arg(workspace.path().join("data/changes"))
        .arg(changes_path)
        .output()
        .unwrap();
    let finished = Finished::from(output);
    finished.assert_code(0);
    let docs = std::fs::read_to_string(root().join("docs/readers.md")).unwrap();
    let (_, told) = docs.split_once("<!-- readers -->\n").unwrap();
    let (told, _) = told.split_once("<!-- end -->").unwrap();
    assert_eq!(finished.stdout, told, "docs/readers.md holds another table");
}
