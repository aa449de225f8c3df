//! A run that is stopped loses nothing and doubles nothing.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support::{
    Reply, Scripted, Served, Workspace, assembled, assembled_fixture, files, rows,
};

fn stopped_and_run_again(signal: &str, expected_code: Option<i32>) {
    let served = Served::start(assembled_fixture());
    let workspace = Workspace::new();
    let spec = assembled();
    let origin = served.origin();
    let arguments = ["run", spec.to_str().unwrap(), "--sandbox", &origin];
    let mut child = workspace
        .command(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // The reports take their time, so the run is in the middle once some hundred requests have been answered.
    while served.requests().len() < 300 {
        assert!(
            child.try_wait().unwrap().is_none(),
            "the run ended before it was stopped"
        );
        std::thread::yield_now();
    }
    let process = child.id().to_string();
    let sent = std::process::Command::new("kill")
        .args([signal, &process])
        .status()
        .unwrap();
    assert!(sent.success());
    assert_eq!(child.wait().unwrap().code(), expected_code);

    let destination = workspace.path().join("data/assembled");
    workspace.engine(arguments).assert_code(0);
    let tables: [(&str, &[&str]); 3] = [
        ("people", &["id"]),
        ("agent_states", &["agent_id", "platform", "start_time"]),
        ("activities", &["id_with_timestamps"]),
    ];
    for (table, key) in tables {
        let expected = served.collections()[table];
        let rows = rows(&destination, table);
        assert_eq!(
            (rows.len(), rows.distinct(key)),
            (expected, expected),
            "{table}"
        );
    }
    let staging = destination.join("_engine/staging");
    let left = std::fs::read_dir(&staging).map_or(0, Iterator::count);
    assert_eq!(left, 0, "the killed run's spool is swept");
}

#[test]
fn a_killed_run_is_swept_by_the_next() {
    stopped_and_run_again("-KILL", None);
}

#[test]
fn an_interrupted_run_ends_with_130() {
    stopped_and_run_again("-INT", Some(130));
}

#[test]
fn a_terminated_run_ends_with_130() {
    stopped_and_run_again("-TERM", Some(130));
}

/// A large slice is encoded while it is read; what was encoded before the commit is nothing.
#[test]
fn a_run_that_is_killed_while_it_encodes_leaves_nothing() {
    const RECORDS: usize = 40_000;
    let hurry = Arc::new(AtomicBool::new(false));
    let hurries = Arc::clone(&hurry);
    let server = Scripted::start(move |request| {
        let offset: usize = request.parameter("offset").unwrap_or("0").parse().unwrap();
        let record = |id| format!(r#"{{"id":{id},"text":"{id:0>300}"}}"#);
        let records: Vec<String> = (offset..RECORDS.min(offset + 1000)).map(record).collect();
        if offset > RECORDS / 2 && !hurries.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(200));
        }
        Reply::json(format!(
            r#"{{"items":[{}],"total":{RECORDS}}}"#,
            records.join(",")
        ))
    });
    let workspace = Workspace::new();
    let paginator = "{ type: offset, limit: 1000, total_path: total, concurrency: 1 }";
    workspace.write(
        "items.yaml",
        &format!(
            "client: {{ base_url: {} }}\nresources:\n  - name: items\n    endpoint: {{ data_selector: items, paginator: {paginator} }}\ndestination: {{ url: lake }}\n",
            server.url()
        ),
    );
    let mut run = workspace.command(["run", "items.yaml"]);
    let mut run = run
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lake = workspace.path().join("lake");
    while !is_encoding(&lake) {
        assert!(
            run.try_wait().unwrap().is_none(),
            "the run ended before it was killed"
        );
        std::thread::sleep(Duration::from_millis(1));
    }
    run.kill().unwrap();
    run.wait().unwrap();
    assert!(
        files(&lake, "items").is_empty(),
        "published before the commit"
    );
    hurry.store(true, Ordering::Relaxed);
    workspace.engine(["run", "items.yaml"]).assert_code(0);
    let rows = rows(&lake, "items");
    assert_eq!(
        (rows.len(), rows.distinct(&["id"])),
        (RECORDS as u64, RECORDS as u64)
    );
    let staging = std::fs::read_dir(lake.join("_engine/staging"));
    assert_eq!(
        staging.map_or(0, Iterator::count),
        0,
        "what was encoded is swept"
    );
}

/// Whether there is a Parquet file of a run that has not committed.
fn is_encoding(lake: &Path) -> bool {
    let staged = std::fs::read_dir(lake.join("_engine/staging"))
        .into_iter()
        .flatten();
    staged
        .flatten()
        .any(|file| file.path().extension().is_some_and(|end| end == "parquet"))
}
