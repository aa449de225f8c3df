//! A second run goes on where the first one ended.

use crate::support::{Served, Workspace, assembled, assembled_fixture, files, rows};

const KEY: [&str; 3] = ["agent_id", "platform", "start_time"];

#[test]
fn a_second_run_changes_nothing_but_what_was_edited() {
    let served = Served::start(assembled_fixture());
    let workspace = Workspace::new();
    let spec = assembled();
    let origin = served.origin();
    let run = || {
        let arguments = [
            "run",
            spec.to_str().unwrap(),
            "--sandbox",
            &origin,
            "-r",
            "agent_states",
        ];
        let finished = workspace.engine(arguments);
        finished.assert_code(0);
        finished
    };
    let destination = workspace.path().join("data/assembled");
    run();
    let first = rows(&destination, "agent_states").by_key(&KEY);
    let first_files = files(&destination, "agent_states");

    // Nothing has changed: the look-back reads three days again, and writes nothing.
    let again = run();
    assert!(
        again.stdout.contains(" 0 rows added, 0 updated"),
        "{}",
        again.stdout
    );
    assert_eq!(files(&destination, "agent_states"), first_files);
    let asked_first = served.requests().len();

    // A day later some states were edited, and some appeared late.
    served.set_now("2024-01-23T12:31:00Z");
    run();
    let asked: Vec<_> = served.requests().split_off(asked_first);
    let starts = asked.iter().filter_map(|request| {
        let (_, value) = request
            .query
            .iter()
            .find(|(name, _)| name == "start_time")?;
        value.parse::<i64>().ok()
    });
    let look_back = "2024-01-19T00:00:00Z".parse::<jiff::Timestamp>().unwrap();
    assert_eq!(
        starts.min(),
        Some(look_back.as_second()),
        "the third day before the watermark"
    );

    let second = rows(&destination, "agent_states");
    assert_eq!(second.len(), served.collections()["agent_states"]);
    let second = second.by_key(&KEY);
    let mut edited = 0;
    for (key, before) in &first {
        let after = &second[key];
        if before != after {
            assert_eq!(
                after.get("ticket_status").map(String::as_str),
                Some("closed"),
                "{key}"
            );
            edited += 1;
        }
    }
    assert!(edited > 0, "the fixture edits states late");
    let first_day = "2024-01-22T12:31:00Z";
    let appeared_late = second
        .iter()
        .filter(|(key, row)| !first.contains_key(*key) && row["start_time"].as_str() < first_day);
    assert!(appeared_late.count() > 0, "the fixture adds states late");
}

#[test]
fn windows_that_reach_ahead_are_replaced_not_doubled() {
    let served = Served::start(assembled_fixture());
    let workspace = Workspace::new();
    let spec = assembled();
    let origin = served.origin();
    let destination = workspace.path().join("data/assembled");
    for now in [
        "2024-01-22T12:31:00Z",
        "2024-01-22T12:31:00Z",
        "2024-01-30T00:01:00Z",
    ] {
        served.set_now(now);
        let arguments = [
            "run",
            spec.to_str().unwrap(),
            "--sandbox",
            &origin,
            "-r",
            "activities",
            "-r",
            "forecasts",
        ];
        workspace.engine(arguments).assert_code(0);
        let activities = rows(&destination, "activities");
        assert_eq!(
            activities.len(),
            served.collections()["activities"],
            "{now}"
        );
        assert_eq!(
            activities.distinct(&["id_with_timestamps"]),
            activities.len(),
            "{now}"
        );
        let forecasts = rows(&destination, "forecasts");
        assert_eq!(forecasts.len(), served.collections()["forecasts"], "{now}");
        assert_eq!(
            forecasts.distinct(&["channel", "start_time"]),
            forecasts.len(),
            "{now}"
        );
    }
}
