//! What fails in the middle of a run is read by a later one: nothing is skipped, nothing comes twice.

use engine_sandbox::Fixture;

use crate::support::{Served, Workspace, rows};

/// Ten days of events, one an hour; the request numbers that fail are put in where `FAULTS` stands.
const FIXTURE: &str = "
version: 1
name: events
now: 2024-01-11T12:31:00Z
collections:
  events: { series: { from: 2024-01-01T00:00:00Z, every: 1h }, fields: { id: uuid, at: { instant: unix } } }
  lines: { records: 3, fields: { line: { increment: { start: 1 } } } }
routes:
  - path: events
    EVENT_FAULTS
    required_parameters: [from, to]
    answer: { list: { collection: events, filter: { time: { field: at, from: from, to: to } }, body: { records_at: events } } }
  - path: 'events/{id}/lines'
    LINE_FAULTS
    answer: { list: { collection: lines, body: { records_at: lines } } }
";

const SPEC: &str = "
version: 1
name: events
client: { base_url: https://api.example.com, retry: { max_attempts: 1 } }
resource_defaults: { endpoint: { paginator: single_page } }
resources:
  - name: events
    write_disposition: DISPOSITION
    primary_key: id
    concurrency: 1
    endpoint:
      data_selector: events
      incremental:
        { cursor_path: at, initial_value: 2024-01-01, format: unix, start_param: from, end_param: to, window: 1d, lag: 2d }
";

const CHILD: &str = "
  - name: lines
    write_disposition: merge
    primary_key: [_events_id, line]
    include_from_parent: [id]
    endpoint: { path: 'events/{resources.events.id}/lines', data_selector: lines }
";

fn fixture(event_faults: &str, line_faults: &str) -> Fixture {
    let text = FIXTURE
        .replace("EVENT_FAULTS", event_faults)
        .replace("LINE_FAULTS", line_faults);
    Fixture::parse(&text).unwrap()
}

#[test]
fn a_window_that_failed_is_read_by_the_next_run() {
    for disposition in ["append", "merge"] {
        // The fourth day fails; later, in the second run, the last but one does.
        let served = Served::start(fixture(
            "faults: [{ after: 3, status: 500 }, { after: 7, status: 500 }]",
            "",
        ));
        let workspace = Workspace::new();
        let spec = workspace.write("spec.yaml", &SPEC.replace("DISPOSITION", disposition));
        let arguments = ["run", spec.to_str().unwrap(), "--sandbox", &served.origin()];
        let destination = workspace.path().join("data/events");

        let first = workspace.engine(arguments);
        first.assert_code(3);
        assert_eq!(
            rows(&destination, "events").len(),
            3 * 24,
            "the days before the hole are kept"
        );
        workspace.engine(arguments).assert_code(3);
        workspace.engine(arguments).assert_code(0);
        let events = rows(&destination, "events");
        assert_eq!(
            events.len(),
            served.collections()["events"],
            "{disposition}"
        );
        assert_eq!(events.distinct(&["id"]), events.len(), "{disposition}");
    }
}

#[test]
fn a_failed_child_gets_its_parents_records_again() {
    let served = Served::start(fixture("", "faults: [{ after: 40, status: 500 }]"));
    let workspace = Workspace::new();
    let spec = format!("{}{CHILD}", SPEC.replace("DISPOSITION", "merge"));
    let spec = workspace.write("spec.yaml", &spec);
    let arguments = ["run", spec.to_str().unwrap(), "--sandbox", &served.origin()];
    let destination = workspace.path().join("data/events");
    workspace.engine(arguments).assert_code(1);
    assert_eq!(
        rows(&destination, "events").len(),
        0,
        "else the child would never see these events"
    );
    workspace.engine(arguments).assert_code(0);
    let events = served.collections()["events"];
    assert_eq!(rows(&destination, "events").len(), events);
    let lines = rows(&destination, "lines");
    assert_eq!(lines.len(), 3 * events);
    assert_eq!(lines.distinct(&["_events_id", "line"]), 3 * events);
}

#[test]
fn a_parent_that_is_asked_for_alone_brings_its_children() {
    let served = Served::start(fixture("", ""));
    let workspace = Workspace::new();
    let spec = format!("{}{CHILD}", SPEC.replace("DISPOSITION", "merge"));
    let spec = workspace.write("spec.yaml", &spec);
    let arguments = [
        "run",
        spec.to_str().unwrap(),
        "--sandbox",
        &served.origin(),
        "-r",
        "events",
    ];
    workspace.engine(arguments).assert_code(0);
    let lines = rows(&workspace.path().join("data/events"), "lines");
    assert_eq!(lines.len(), 3 * served.collections()["events"]);
}

#[test]
fn windows_that_would_double_rows_are_refused() {
    let served = Served::start(fixture("", ""));
    let workspace = Workspace::new();
    let spec = SPEC.replace("DISPOSITION", "append");
    let path = workspace.write("spec.yaml", &spec);
    let arguments = ["run", path.to_str().unwrap(), "--sandbox", &served.origin()];
    workspace.engine(arguments).assert_code(0);
    workspace.write("spec.yaml", &spec.replace("window: 1d", "window: 2d"));
    let refused = workspace.engine(arguments);
    refused.assert_code(1);
    assert!(
        refused.stderr.contains("initial_value"),
        "{}",
        refused.stderr
    );
    // A longer look-back is no reason to read settled windows again.
    workspace.write("spec.yaml", &spec.replace("lag: 2d", "lag: 5d"));
    workspace.engine(arguments).assert_code(0);
    let events = rows(&workspace.path().join("data/events"), "events");
    assert_eq!(events.len(), served.collections()["events"]);
}

#[test]
fn the_demonstration_and_the_real_account_do_not_mix() {
    let served = Served::start(fixture("", ""));
    let workspace = Workspace::new();
    let spec = SPEC.replace("DISPOSITION", "append");
    let path = workspace.write("spec.yaml", &spec);
    workspace
        .engine(["run", path.to_str().unwrap(), "--sandbox", &served.origin()])
        .assert_code(0);
    workspace.write(
        "spec.yaml",
        &spec.replace("https://api.example.com", &served.url()),
    );
    let refused = workspace.engine(["run", path.to_str().unwrap()]);
    refused.assert_code(1);
    assert!(
        refused.stderr.contains("read from `sandbox`"),
        "{}",
        refused.stderr
    );
}
