//! A run that is stopped loses nothing and doubles nothing.

use std::process::Stdio;

use crate::support::{Served, Workspace, assembled, assembled_fixture, files, rows};

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
    for table in ["people", "agent_states", "activities"] {
        assert!(
            files(&destination, table).is_empty(),
            "{table} was published before the commit"
        );
    }
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
