//! The main job: the shipped pipeline against the embedded sandbox.

use std::time::{Duration, Instant};

use arrow::datatypes::{DataType, TimeUnit};

use crate::support::{Served, Workspace, assembled, assembled_fixture, files, rows};

/// Tables whose every record the pipeline reads, with the fixture's collection and the key.
const TABLES: [(&str, &str, &[&str]); 18] = [
    ("people", "people", &["id"]),
    ("person", "people", &["id"]),
    ("roles", "roles", &["id"]),
    ("teams", "teams", &["id"]),
    ("sites", "sites", &["id"]),
    ("queues", "queues", &["id"]),
    ("skills", "skills", &["id"]),
    ("activity_types", "activity_types", &["id"]),
    ("requirement_types", "requirement_types", &["id"]),
    (
        "agent_states",
        "agent_states",
        &["agent_id", "platform", "start_time"],
    ),
    ("event_changes", "event_changes", &["id"]),
    ("activities", "activities", &["id_with_timestamps"]),
    (
        "requirements",
        "requirements",
        &["requirement_type_id", "start_time"],
    ),
    ("forecasts", "forecasts", &["channel", "start_time"]),
    ("assist_conversations", "conversations", &["id"]),
    (
        "adherence",
        "adherence_metrics",
        &["agent_id", "start_time"],
    ),
    (
        "agent_ticket_stats",
        "ticket_metrics",
        &["agent_id", "start_time"],
    ),
    (
        "agent_state_handle_times",
        "handle_time_metrics",
        &["agent_id", "start_time"],
    ),
];

#[test]
fn the_readme_command_reads_everything_within_30_seconds() {
    let workspace = Workspace::new();
    let spec = assembled();
    let started = Instant::now();
    let finished = workspace.engine(["run", spec.to_str().unwrap(), "--sandbox"]);
    assert!(
        started.elapsed() < Duration::from_secs(30),
        "{:?}",
        started.elapsed()
    );
    finished.assert_code(0);
    for column in [
        "resource",
        "requests",
        "pages",
        "rows",
        "bytes",
        "files",
        "new columns",
        "time",
    ] {
        assert!(finished.stdout.contains(column), "{}", finished.stdout);
    }
    let destination = workspace.path().join("data/assembled");
    for (table, _, _) in TABLES {
        assert!(
            !files(&destination, table).is_empty(),
            "{table} has no files"
        );
    }
}

#[test]
fn every_record_is_there_once() {
    let served = Served::start(assembled_fixture());
    let workspace = Workspace::new();
    let spec = assembled();
    let origin = served.origin();
    let arguments = [
        "run",
        spec.to_str().unwrap(),
        "--sandbox",
        &origin,
        "--destination",
        "lake",
    ];
    workspace.engine(arguments).assert_code(0);
    let destination = workspace.path().join("lake");
    let collections = served.collections();
    for (table, collection, key) in TABLES {
        let rows = rows(&destination, table);
        let expected = collections[collection];
        assert_eq!(rows.len(), expected, "rows of {table}");
        let distinct = rows.distinct(key);
        // A metric has no key of its own; two of an agent may begin at the same time.
        if !collection.ends_with("_metrics") {
            assert_eq!(distinct, expected, "distinct keys of {table}");
        }
    }
    assert!(
        served
            .requests()
            .iter()
            .all(|request| request.status == 200)
    );

    let states = rows(&destination, "agent_states");
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    for column in ["start_time", "end_time", "modified_at"] {
        assert_eq!(states.types[column], time, "{column}");
    }
    let people = rows(&destination, "people");
    assert!(matches!(people.types["platforms"], DataType::Struct(_)));
    assert!(matches!(people.types["teams"], DataType::List(_)));
    let person = rows(&destination, "person");
    let emails =
        |row: &std::collections::BTreeMap<String, String>| row["email"] == row["_people_email"];
    assert!(person.rows.iter().all(emails));
}
