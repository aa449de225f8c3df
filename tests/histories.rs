//! Runs, ranges and clocks in an order that someone really took: no row is lost, none comes twice, none gets old.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crate::support::{Finished, Reply, Request, Scripted, Workspace, rows};

/// Events that the API holds: each with its time, the channel that it belongs to, and a number.
type Events = Vec<(String, String, u64)>;

/// A lake, and an API of events that are asked for by `from` and `to`.
struct History {
    workspace: Workspace,
    server: Scripted,
    events: Arc<Mutex<Events>>,
    /// Requests that hold one of these texts are refused.
    refused: Arc<Mutex<Vec<&'static str>>>,
}

impl History {
    fn new() -> Self {
        let events = Arc::new(Mutex::new(Events::new()));
        let refused = Arc::new(Mutex::new(Vec::new()));
        let (held, bad) = (Arc::clone(&events), Arc::clone(&refused));
        let server = Scripted::start(move |request| {
            if bad
                .lock()
                .unwrap()
                .iter()
                .any(|text| request.target.contains(text))
            {
                // Slices beside it get time to end.
                std::thread::sleep(std::time::Duration::from_millis(300));
                return Reply::status(400, "no");
            }
            if request.target.contains("slow") {
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            answer(request, &held.lock().unwrap())
        });
        Self {
            workspace: Workspace::new(),
            server,
            events,
            refused,
        }
    }

    fn add(&self, at: &str, channel: &str, id: u64) {
        self.events
            .lock()
            .unwrap()
            .push((at.to_owned(), channel.to_owned(), id));
    }

    /// An event for each day of January, at noon.
    fn add_days(&self, days: std::ops::RangeInclusive<u64>) {
        for day in days {
            self.add(&format!("2024-01-{day:02}T12:00:00Z"), "phone", day);
        }
    }

    fn refuse(&self, texts: &[&'static str]) {
        *self.refused.lock().unwrap() = texts.to_vec();
    }

    /// Writes the spec: keys of the resource, and those of `incremental` beside the cursor.
    fn spec(&self, resource: &str, incremental: &str) {
        let incremental = match incremental {
            "" => String::new(),
            more => format!("incremental: {{ cursor_path: at, start_param: from, {more} }}"),
        };
        let spec = format!(
            "client: {{ base_url: '{}', retry: {{ max_attempts: 1 }} }}\nresources:\n- name: events\n{resource}  endpoint:\n    \
             path: events\n    paginator: single_page\n    data_selector: $\n    {incremental}\ndestination: {{ url: lake }}\n",
            self.server.url()
        );
        self.workspace.write("events.yaml", &spec);
    }

    /// Lets the spec ask for the events of each partition.
    fn ask_by_channel(&self) {
        let path = self.workspace.path().join("events.yaml");
        let text = std::fs::read_to_string(&path).unwrap();
        let asked = "path: events\n    params: { channel: '{partition.channel}' }\n";
        std::fs::write(path, text.replace("path: events\n", asked)).unwrap();
    }

    fn engine(&self, arguments: &[&str]) -> Finished {
        self.workspace.engine(arguments.iter().copied())
    }

    fn run(&self, now: &str, more: &[&str]) -> Finished {
        self.engine(&[&["run", "events.yaml", "--now", now], more].concat())
    }

    /// How often each event is there.
    fn found(&self) -> BTreeMap<u64, usize> {
        let mut counted = BTreeMap::new();
        for row in rows(&self.workspace.path().join("lake"), "events").rows {
            *counted.entry(row["id"].parse().unwrap()).or_default() += 1;
        }
        counted
    }

    /// Each of these is there once, and nothing else.
    #[track_caller]
    fn assert_once(&self, ids: impl IntoIterator<Item = u64>) {
        let expected: BTreeMap<u64, usize> = ids.into_iter().map(|id| (id, 1)).collect();
        assert_eq!(self.found(), expected);
    }
}

fn answer(request: &Request, events: &Events) -> Reply {
    let edge = |name: &str| {
        let value = request.parameter(name)?.replace("%3A", ":");
        value.parse::<jiff::Timestamp>().ok()
    };
    let (from, to) = (edge("from"), edge("to"));
    let channel = request.parameter("channel");
    let fits = |(at, of, _): &&(String, String, u64)| {
        let at: jiff::Timestamp = at.parse().unwrap();
        from.is_none_or(|from| at >= from)
            && to.is_none_or(|to| at < to)
            && channel.is_none_or(|channel| channel == of)
    };
    let record = |(at, channel, id): &(String, String, u64)| {
        format!(r#"{{"id": {id}, "at": "{at}", "channel": "{channel}"}}"#)
    };
    let records: Vec<String> = events.iter().filter(fits).map(record).collect();
    Reply::json(format!("[{}]", records.join(",")))
}

const DAILY: &str = "initial_value: '2024-01-01', end_param: to, window: 1d";
const ONE_WINDOW: &str = "initial_value: '2024-01-01', end_param: to, end_value: now";

#[test]
fn a_range_of_one_window_replaces_that_range_alone() {
    let history = History::new();
    history.spec("", ONE_WINDOW);
    history.add_days(1..=10);
    history.run("2024-01-11", &[]).assert_code(0);
    history.add_days(11..=14);
    history.run("2024-01-15", &[]).assert_code(0);
    for range in [
        ["--until", "2024-01-05"],
        ["--since", "2024-01-01"],
        ["--since", "2024-01-11"],
        ["--until", "2024-01-13"],
    ] {
        history.run("2024-01-15", &range).assert_code(0);
        history.assert_once(1..=14);
    }
    history.run("2024-01-16", &[]).assert_code(0);
    history.assert_once(1..=14);
}

#[test]
fn a_range_in_a_window_that_is_not_over_is_replaced_by_the_next_run() {
    for lag in ["", ", lag: 3d"] {
        let history = History::new();
        history.spec("", &format!("{DAILY}{lag}"));
        history.add_days(1..=5);
        // The sixth day has nothing yet.
        history.run("2024-01-06T06:00:00Z", &[]).assert_code(0);
        history.add_days(6..=6);
        let range = ["--since", "2024-01-05"];
        history.run("2024-01-08", &range).assert_code(0);
        history.assert_once(1..=6);
        history.add_days(7..=7);
        history.run("2024-01-08", &[]).assert_code(0);
        history.assert_once(1..=7);
    }
}

#[test]
fn a_range_leaves_rows_of_partitions_that_are_gone() {
    let history = History::new();
    let spec = |history: &History, names: &str| {
        history.spec(&format!("  for_each: {{ channel: [{names}] }}\n"), DAILY);
        history.ask_by_channel();
    };
    history.add_days(1..=4);
    history.add("2024-01-03T12:00:00Z", "email", 103);
    spec(&history, "phone, email");
    history.run("2024-01-05", &[]).assert_code(0);
    let all = [1, 2, 3, 4, 103];
    history.assert_once(all);
    spec(&history, "phone");
    let refused = history.run("2024-01-05", &["--since", "2024-01-03"]);
    refused.assert_code(2);
    assert!(
        refused.stderr.contains(r#"channel="email""#),
        "{refused:#?}"
    );
    history.assert_once(all);
}

#[test]
fn a_clock_that_went_back_takes_no_rows_away() {
    let history = History::new();
    history.spec("", DAILY);
    history.add_days(1..=3);
    history.add("2024-01-04T15:00:00Z", "phone", 4);
    history.run("2024-01-04T20:00:00Z", &[]).assert_code(0);
    for more in [&[][..], &["--since", "2024-01-04"]] {
        history.run("2024-01-04T10:00:00Z", more).assert_code(0);
        history.assert_once(1..=4);
    }
}

#[test]
fn an_append_that_gets_a_cursor_or_loses_it_is_refused() {
    let history = History::new();
    history.add_days(1..=5);
    history.spec("", "");
    history.run("2024-01-06", &[]).assert_code(0);
    history.spec("", DAILY);
    let refused = history.run("2024-01-06", &[]);
    refused.assert_code(1);
    assert!(
        refused.stderr.contains("it was read as a whole"),
        "{refused:#?}"
    );
    assert!(refused.stderr.contains("--fresh -r events"), "{refused:#?}");
    history.run("2024-01-06", &["--fresh"]).assert_code(0);
    history.assert_once(1..=5);
    history.spec("", "");
    history.run("2024-01-06", &[]).assert_code(1);
    history.assert_once(1..=5);
    // Back to the start: that is asked for, and the rows come again.
    history.spec("", DAILY);
    history
        .engine(&["state", "reset", "events.yaml", "events"])
        .assert_code(0);
    history.run("2024-01-06", &[]).assert_code(0);
    assert_eq!(history.found().values().sum::<usize>(), 10);
}

#[test]
fn the_cursor_is_set_only_where_it_means_what_it_meant() {
    let history = History::new();
    history.spec("", DAILY);
    history.add_days(1..=11);
    history.run("2024-01-12", &[]).assert_code(0);
    let set = [
        "state",
        "set",
        "events.yaml",
        "events",
        "--cursor",
        "2024-01-12",
    ];
    history.spec("", &DAILY.replace("1d", "7d"));
    let refused = history.engine(&set);
    refused.assert_code(2);
    assert!(
        refused.stderr.contains("rows would come twice"),
        "{refused:#?}"
    );
    history.spec("", DAILY);
    let part = history.engine(&[&set[..], &["--part", "phone"]].concat());
    part.assert_code(2);
    history.engine(&set).assert_code(0);
    history.run("2024-01-12", &[]).assert_code(0);
    history.assert_once(1..=11);
}

/// The last window in which a record lies decides, also where an earlier one was read after it.
#[test]
fn a_window_that_is_read_late_brings_nothing_old_back() {
    let history = History::new();
    history.spec(
        "  write_disposition: merge\n  primary_key: id\n  concurrency: 4\n",
        DAILY,
    );
    for day in 1..=10 {
        history.add(
            &format!("2024-01-{day:02}T12:00:00Z"),
            &format!("v{day}"),
            1,
        );
    }
    history.refuse(&["from=2024-01-02"]);
    history.run("2024-01-11", &[]).assert_code(3);
    history.refuse(&[]);
    history.run("2024-01-11", &[]).assert_code(0);
    let found = rows(&history.workspace.path().join("lake"), "events");
    assert_eq!(found.len(), 1);
    assert_eq!(found.rows[0]["channel"], "v10");
}

/// One slice that always fails doesn't keep the others as they once were.
#[test]
fn what_can_be_read_is_read_anew_though_a_part_always_fails() {
    let history = History::new();
    let keys = "  write_disposition: merge\n  primary_key: id\n  for_each: { channel: [good, bad] }\n  concurrency: 1\n";
    history.spec(keys, "");
    history.ask_by_channel();
    history.refuse(&["channel=bad"]);
    let at = |hour: u64| format!("2024-01-01T{hour:02}:00:00Z");
    let newest = || {
        let found = rows(&history.workspace.path().join("lake"), "events");
        found.rows[0]["at"].clone()
    };
    let mut seen = Vec::new();
    for hour in 0..6 {
        *history.events.lock().unwrap() = vec![(at(hour), "good".to_owned(), 1)];
        let run = history.run("2024-01-11", &[]);
        assert_ne!(run.code, Some(0));
        seen.push(newest());
    }
    assert!(seen[5] > seen[3] && seen[3] > seen[1], "{seen:?}");
}

#[test]
fn a_resource_that_is_whole_is_read_by_the_next_run_though_another_one_never_ends() {
    let history = History::new();
    history.add_days(1..=3);
    let spec = format!(
        "checkpoint: {{ size: 1b }}\nclient: {{ base_url: '{}', retry: {{ max_attempts: 1 }} }}\n\
         resource_defaults: {{ write_disposition: merge, primary_key: id, endpoint: {{ paginator: single_page, \
         data_selector: $ }} }}\nresources:\n- events\n- {{ name: failing, endpoint: bad }}\n- name: slow\n  \
         concurrency: 1\n  for_each: {{ n: [{}] }}\n  endpoint: {{ path: 'slow/{{partition.n}}' }}\n\
         destination: {{ url: lake }}\n",
        history.server.url(),
        (0..1_000)
            .map(|n| n.to_string())
            .collect::<Vec<_>>()
            .join(", "),
    );
    history.workspace.write("events.yaml", &spec);
    for _ in 0..3 {
        history.refuse(&["bad"]);
        let asked = |target: &str| {
            history
                .server
                .requests()
                .iter()
                .filter(|request| request.target == target)
                .count()
        };
        let before = asked("/events");
        history.run("2024-01-11", &["--fail-fast"]).assert_code(1);
        assert_eq!(asked("/events"), before + 1);
    }
}

/// A spec whose resources are `events`, followed from the last value, and these.
fn family(history: &History, resources: &str) {
    history.spec("", "initial_value: '2024-01-01T00:00:00Z'");
    let path = history.workspace.path().join("events.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    let text = text.replace("destination:", &format!("{resources}destination:"));
    std::fs::write(&path, text).unwrap();
}

/// A resource that is read for each record of others, with these keys of its endpoint.
fn child(name: &str, path: &str, endpoint: &str) -> String {
    format!(
        "- name: {name}\n  include_from_parent: [id]\n  endpoint: {{ path: '{name}/{path}', data_selector: $, paginator: \
         single_page, {endpoint} }}\n"
    )
}

const FOLLOWED: &str =
    "incremental: { cursor_path: at, initial_value: '2024-01-01T00:00:00Z', start_param: from }";

/// A parent whose child failed is read again, and all below it with it: nothing comes twice, and nothing is missing.
#[test]
fn the_relatives_of_a_failed_child_wait_with_it() {
    let of_events = "{resources.events.id}";
    let whole = child("whole", of_events, "");
    let followed = child("followed", of_events, FOLLOWED);
    let below = child("below", "{resources.followed.id}", "");
    let bad = child("bad", of_events, "");
    let others = format!(
        "- name: others\n  endpoint: {{ path: others, data_selector: $, paginator: single_page, {FOLLOWED} }}\n"
    );
    let both = "- name: both\n  endpoint: { path: 'both/{resources.events.id}/{resources.others.id}', data_selector: $, \
                paginator: single_page }\n";
    let shapes = [
        (format!("{whole}{bad}"), "whole", 9),
        (format!("{followed}{below}{bad}"), "below", 9),
        (format!("{others}{both}{bad}"), "both", 27),
    ];
    for (resources, table, count) in shapes {
        let history = History::new();
        history.add_days(1..=3);
        family(&history, &resources);
        history.refuse(&["bad/2"]);
        let failed = history.run("2024-01-11", &[]);
        assert_ne!(failed.code, Some(0), "{failed:#?}");
        history.refuse(&[]);
        history.run("2024-01-11", &[]).assert_code(0);
        history.run("2024-01-11", &[]).assert_code(0);
        let found = rows(&history.workspace.path().join("lake"), table);
        assert_eq!(found.len(), count, "{table}");
        history.assert_once(1..=3);
    }
}

/// What a run that ends early has read to its end is not kept where the next one reads it again, and then it is read again.
#[test]
fn children_that_were_whole_are_not_lost_to_a_run_that_ends_early() {
    let history = History::new();
    history.add_days(1..=3);
    let slow = "- name: slow\n  concurrency: 1\n  for_each: { n: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20] }\n  \
                endpoint: { path: 'slow/{partition.n}', data_selector: $, paginator: single_page }\n\
                - { name: failing, endpoint: bad }\n";
    let whole = child("whole", "{resources.events.id}", "");
    family(&history, &format!("{whole}{slow}"));
    history.refuse(&["bad"]);
    let stopped = history.run("2024-01-11", &["--fail-fast"]);
    stopped.assert_code(1);
    history.refuse(&[]);
    for _ in 0..2 {
        let run = history.run("2024-01-11", &["-r", "events", "-r", "whole"]);
        run.assert_code(0);
    }
    let found = rows(&history.workspace.path().join("lake"), "whole");
    // Without a cursor, each record of `events` that comes is asked for once.
    assert_eq!(found.len(), 9, "{stopped:#?}");
    history.assert_once(1..=3);
}
