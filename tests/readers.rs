//! `DuckDB` and `pyarrow` read what was written.

use std::process::Command;

use crate::support::{
    Finished, Served, Workspace, assembled, assembled_fixture, python_of_the_readers, root,
};

#[test]
fn duckdb_and_pyarrow_read_every_file() {
    let Some(python) = python_of_the_readers() else {
        return;
    };
    let served = Served::start(assembled_fixture());
    let workspace = Workspace::new();
    let spec = assembled();
    let origin = served.origin();
    let mut expected = Vec::new();
    for now in ["2024-01-22T12:31:00Z", "2024-01-23T12:31:00Z"] {
        served.set_now(now);
        workspace
            .engine(["run", spec.to_str().unwrap(), "--sandbox", &origin])
            .assert_code(0);
        expected = served
            .collections()
            .into_iter()
            .map(|(name, count)| format!("{name}={count}"))
            .collect();
    }
    let output = Command::new(python)
        .arg(root().join("tests/readers/read_all.py"))
        .arg(workspace.path().join("data/assembled"))
        .args(expected)
        .output()
        .unwrap();
    Finished::from(output).assert_code(0);
}
