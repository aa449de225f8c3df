//! A clock that jumps between runs.

use crate::support::{Reply, Scripted, Workspace, rows};

/// Events, one for each hour; the API gives those between `from` and `to`.
fn answer(from: &str, to: &str) -> Reply {
    let instant = |text: &str| -> jiff::Timestamp { text.replace("%3A", ":").parse().unwrap() };
    let (mut at, to) = (instant(from), instant(to));
    let mut records = Vec::new();
    while at < to {
        records.push(format!(r#"{{"at": "{at}"}}"#));
        at += jiff::SignedDuration::from_hours(1);
    }
    Reply::json(format!("[{}]", records.join(",")))
}

#[test]
fn a_clock_that_jumps_neither_loses_nor_doubles_rows() {
    let server = Scripted::start(|request| {
        let edge = |name| request.parameter(name).unwrap();
        answer(edge("from"), edge("to"))
    });
    let workspace = Workspace::new();
    let spec = format!(
        "client: {{ base_url: {} }}\nresources:\n- name: events\n  endpoint:\n    paginator: single_page\n    \
         incremental: {{ cursor_path: at, initial_value: '2024-01-01', window: 1d, start_param: from, end_param: to }}\n\
         destination: {{ url: lake }}\n",
        server.url()
    );
    workspace.write("events.yaml", &spec);
    let lake = workspace.path().join("lake");
    // Back behind the last run, before the first window, and on again.
    for day in [
        "2024-01-05",
        "2024-01-03",
        "2023-12-01",
        "2024-01-06",
        "2024-01-04",
        "2024-01-09",
    ] {
        let now = format!("{day}T12:00:00Z");
        let run = workspace.engine(["run", "events.yaml", "--now", &now]);
        run.assert_code(0);
    }
    let found = rows(&lake, "events");
    let hours = 8 * 24 + 12;
    assert_eq!((found.len(), found.distinct(&["at"])), (hours, hours));
}
