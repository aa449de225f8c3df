//! A long run commits while it goes on, and the next one goes on from there.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support::{Finished, Reply, Request, Scripted, Workspace, rows};

/// An API that stands still at some request until it is let go.
struct Halting {
    server: Scripted,
    goes_on: Arc<AtomicBool>,
}

impl Halting {
    /// `halts` says which requests wait.
    fn start(
        halts: impl Fn(&Request) -> bool + Send + Sync + 'static,
        answer: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let goes_on = Arc::new(AtomicBool::new(false));
        let goes = Arc::clone(&goes_on);
        let server = Scripted::start(move |request| {
            while halts(request) && !goes.load(Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(5));
            }
            answer(request)
        });
        Self { server, goes_on }
    }

    fn go_on(&self) {
        self.goes_on.store(true, Ordering::SeqCst);
    }

    /// How often each path and query was asked for from the `first` request on.
    fn asked(&self, first: usize) -> BTreeMap<String, usize> {
        let mut asked = BTreeMap::new();
        for target in self.server.targets().split_off(first) {
            *asked.entry(target).or_default() += 1;
        }
        asked
    }
}

fn begin(workspace: &Workspace, arguments: &[&str]) -> Child {
    let mut run = workspace.command(arguments.iter().copied());
    let run = run.stdout(Stdio::null()).stderr(Stdio::piped());
    run.spawn().unwrap()
}

/// Waits until the table has so many rows where readers look.
fn wait_for_rows(run: &mut Child, lake: &Path, table: &str, count: u64) {
    loop {
        // A file may come or go while it is looked at.
        let found = std::panic::catch_unwind(|| rows(lake, table).len()).unwrap_or(0);
        if found >= count {
            return;
        }
        let ended = run.try_wait().unwrap();
        assert!(
            ended.is_none(),
            "the run ended with {found} rows: {ended:?}"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// One event a day, for thirty days.
fn events(request: &Request) -> Reply {
    let from: i64 = request.parameter("from").unwrap().parse().unwrap();
    let day = from / 86_400;
    Reply::json(format!(r#"{{"items":[{{"id":{day},"at":{from}}}]}}"#))
}

fn events_spec(server: &Scripted, rest: &str) -> String {
    let url = server.url();
    format!(
        "\
client: {{ base_url: {url} }}
checkpoint: 1b
resources:
  - name: events
    endpoint:
      path: events
      data_selector: items
      paginator: single_page
      incremental: {{ cursor_path: at, format: unix, initial_value: 2024-01-01, start_param: from, end_param: to, window: 1d }}
    concurrency: 1
{rest}destination: {{ url: lake }}
"
    )
}

const END_OF_JANUARY: [&str; 4] = ["run", "spec.yaml", "--now", "2024-01-31"];

/// The window that starts on a day of January.
fn window(day: i64) -> String {
    let first = 1_704_067_200;
    let start = first + (day - 1) * 86_400;
    format!("/events?from={start}&to={}", start + 86_400)
}

fn killed_and_run_again(rest: &str) {
    let api = Halting::start(|request| request.target == window(11), events);
    let workspace = Workspace::new();
    workspace.write("spec.yaml", &events_spec(&api.server, rest));
    let lake = workspace.path().join("lake");
    let mut run = begin(&workspace, &END_OF_JANUARY);
    wait_for_rows(&mut run, &lake, "events", 10);
    run.kill().unwrap();
    run.wait().unwrap();
    let before = api.server.targets().len();
    assert_eq!(before, 11);

    api.go_on();
    workspace.engine(END_OF_JANUARY).assert_code(0);
    let expected: BTreeMap<String, usize> = (11..=30).map(|day| (window(day), 1)).collect();
    assert_eq!(api.asked(before), expected, "only what was not committed");
    let found = rows(&lake, "events");
    assert_eq!((found.len(), found.distinct(&["id"])), (30, 30));

    workspace.engine(END_OF_JANUARY).assert_code(0);
    assert_eq!(rows(&lake, "events").len(), 30, "nothing is left to read");
}

#[test]
fn a_killed_append_goes_on_behind_its_last_checkpoint() {
    killed_and_run_again("");
}

#[test]
fn a_killed_merge_goes_on_behind_its_last_checkpoint() {
    killed_and_run_again("    write_disposition: merge\n    primary_key: id\n");
}

/// Ten users, and one answer for the posts of each.
fn users(request: &Request) -> Reply {
    match request.target.strip_prefix("/users/") {
        None => {
            let users: Vec<String> = (1..=10).map(|id| format!(r#"{{"id":{id}}}"#)).collect();
            Reply::json(format!(r#"{{"items":[{}]}}"#, users.join(",")))
        }
        Some(rest) => {
            let user = rest.trim_end_matches("/posts");
            Reply::json(format!(
                r#"{{"items":[{{"user":{user}}},{{"user":{user}}}]}}"#
            ))
        }
    }
}

fn users_spec(server: &Scripted, disposition: &str) -> String {
    let url = server.url();
    format!(
        "\
client: {{ base_url: {url} }}
checkpoint: {{ size: 1b }}
resource_defaults: {{ endpoint: {{ data_selector: items, paginator: single_page }} }}
resources:
  - {{ name: users, write_disposition: {disposition}, primary_key: id }}
  - {{ name: posts, endpoint: \"users/{{resources.users.id}}/posts\", concurrency: 1 }}
destination: {{ url: lake }}
"
    )
}

fn posts(users: impl Iterator<Item = u32>) -> BTreeMap<String, usize> {
    let mut asked: BTreeMap<String, usize> = users
        .map(|user| (format!("/users/{user}/posts"), 1))
        .collect();
    asked.insert("/users".to_owned(), 1);
    asked
}

#[test]
fn a_resource_without_a_cursor_goes_on_with_the_load_and_then_starts_anew() {
    for disposition in ["replace", "merge", "append"] {
        let api = Halting::start(|request| request.target == "/users/6/posts", users);
        let workspace = Workspace::new();
        workspace.write("spec.yaml", &users_spec(&api.server, disposition));
        let lake = workspace.path().join("lake");
        let run = ["run", "spec.yaml"];
        let mut killed = begin(&workspace, &run);
        wait_for_rows(&mut killed, &lake, "posts", 10);
        killed.kill().unwrap();
        killed.wait().unwrap();
        assert_eq!(
            rows(&lake, "users").len(),
            0,
            "the parent waits for its children"
        );
        let before = api.server.targets().len();

        api.go_on();
        workspace.engine(run).assert_code(0);
        assert_eq!(api.asked(before), posts(6..=10), "{disposition}");
        assert_eq!(rows(&lake, "users").len(), 10, "{disposition}");
        assert_eq!(rows(&lake, "posts").len(), 20, "{disposition}");

        // The load has come to its end: an append gets all of it again.
        let before = api.server.targets().len();
        workspace.engine(run).assert_code(0);
        assert_eq!(api.asked(before), posts(1..=10), "{disposition}");
        assert_eq!(rows(&lake, "posts").len(), 40, "{disposition}");
    }
}

#[test]
fn a_replaced_table_keeps_its_rows_until_the_new_ones_are_whole() {
    let api = Halting::start(
        |request| request.target == "/numbers?part=3" && request.time == 2,
        |request| {
            let part = request.parameter("part").unwrap();
            Reply::json(format!(
                r#"{{"items":[{{"part":{part},"time":{}}}]}}"#,
                request.time
            ))
        },
    );
    let workspace = Workspace::new();
    let url = api.server.url();
    workspace.write(
        "spec.yaml",
        &format!(
            "\
client: {{ base_url: {url} }}
checkpoint: 1b
resources:
  - name: numbers
    write_disposition: replace
    for_each: {{ part: [1, 2, 3, 4] }}
    endpoint: {{ params: {{ part: \"{{partition.part}}\" }}, data_selector: items, paginator: single_page }}
    concurrency: 1
destination: {{ url: lake }}
"
        ),
    );
    let lake = workspace.path().join("lake");
    let times = || rows(&lake, "numbers").distinct(&["part", "time"]);
    workspace.engine(["run", "spec.yaml"]).assert_code(0);
    assert_eq!(times(), 4);
    let mut killed = begin(&workspace, &["run", "spec.yaml"]);
    while api.server.targets().len() < 7 {
        std::thread::sleep(Duration::from_millis(5));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    let old = rows(&lake, "numbers").by_key(&["part"]);
    assert!(old.values().all(|row| row["time"] == "1"), "{old:?}");
    assert_eq!(old.len(), 4);
    api.go_on();
    workspace.engine(["run", "spec.yaml"]).assert_code(0);
    let new = rows(&lake, "numbers").by_key(&["part"]);
    assert_eq!(new.len(), 4);
    assert!(new.values().all(|row| row["time"] != "1"), "{new:?}");
}

fn signal(run: &Child, name: &str) {
    let process = run.id().to_string();
    let sent = std::process::Command::new("kill")
        .args([name, &process])
        .status();
    assert!(sent.unwrap().success());
}

#[test]
fn an_interrupted_run_keeps_what_is_whole_and_says_so() {
    for name in ["-INT", "-TERM"] {
        let api = Halting::start(|request| request.target == window(11), events);
        let workspace = Workspace::new();
        let spec = events_spec(&api.server, "").replace("checkpoint: 1b\n", "");
        workspace.write("spec.yaml", &spec);
        let lake = workspace.path().join("lake");
        let mut run = workspace.command(END_OF_JANUARY);
        let run = run.stdout(Stdio::piped()).stderr(Stdio::piped());
        let run = run.spawn().unwrap();
        while api.server.targets().len() < 11 {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(rows(&lake, "events").len(), 0, "no checkpoint was due");
        signal(&run, name);
        // The slice that is being read ends soon, and is waited for.
        std::thread::sleep(Duration::from_millis(300));
        api.go_on();
        let finished = Finished::from(run.wait_with_output().unwrap());
        finished.assert_code(130);
        assert!(
            finished
                .stdout
                .contains("interrupted: 11 rows are kept; the next run goes on from there"),
            "{}",
            finished.stdout
        );
        let before = api.server.targets().len();
        assert_eq!(before, 11, "no slice was begun any more");
        assert_eq!(rows(&lake, "events").len(), 11);

        workspace.engine(END_OF_JANUARY).assert_code(0);
        let expected: BTreeMap<String, usize> = (12..=30).map(|day| (window(day), 1)).collect();
        assert_eq!(api.asked(before), expected);
        let found = rows(&lake, "events");
        assert_eq!((found.len(), found.distinct(&["id"])), (30, 30));
    }
}

#[test]
fn a_second_signal_stops_at_once_and_loses_nothing() {
    let api = Halting::start(|request| request.target == window(11), events);
    let workspace = Workspace::new();
    workspace.write("spec.yaml", &events_spec(&api.server, ""));
    let lake = workspace.path().join("lake");
    let mut run = begin(&workspace, &END_OF_JANUARY);
    wait_for_rows(&mut run, &lake, "events", 10);
    signal(&run, "-INT");
    std::thread::sleep(Duration::from_millis(300));
    assert!(run.try_wait().unwrap().is_none(), "it waits for the slice");
    signal(&run, "-INT");
    let finished = Finished::from(run.wait_with_output().unwrap());
    finished.assert_code(130);
    assert!(
        finished.stderr.contains("stopped at once"),
        "{}",
        finished.stderr
    );
    api.go_on();
    workspace.engine(END_OF_JANUARY).assert_code(0);
    let found = rows(&lake, "events");
    assert_eq!((found.len(), found.distinct(&["id"])), (30, 30));
}

#[test]
fn the_first_failure_ends_a_run_that_is_to_fail_fast() {
    let api = Halting::start(
        |request| request.target.starts_with("/slow"),
        |request| match request.target.as_str() {
            "/broken" => Reply::status(404, "{}"),
            _ => Reply::json(r#"{"items":[{"id":1}]}"#),
        },
    );
    let workspace = Workspace::new();
    let url = api.server.url();
    workspace.write(
        "spec.yaml",
        &format!(
            "\
client: {{ base_url: {url} }}
resource_defaults: {{ write_disposition: replace, endpoint: {{ data_selector: items, paginator: single_page }} }}
resources: [quick, broken, slow]
destination: {{ url: lake }}
"
        ),
    );
    // The one that is quick is whole, whichever comes first.
    let finished = workspace.engine(["run", "spec.yaml", "--fail-fast"]);
    finished.assert_code(1);
    assert!(rows(&workspace.path().join("lake"), "slow").len() == 0);
    let told = format!("{}{}", finished.stdout, finished.stderr);
    assert!(told.contains("broken"), "{told}");
    assert!(
        told.contains("the run stopped when `broken` failed"),
        "{told}"
    );
}

#[test]
fn a_fresh_append_replaces_the_rows_and_the_progress_in_one_commit() {
    fresh("");
}

#[test]
fn a_fresh_merge_replaces_the_rows_and_the_progress_in_one_commit() {
    fresh("    write_disposition: merge\n    primary_key: at\n");
}

fn fresh(rest: &str) {
    let api = Halting::start(
        |request| request.target == window(11) && request.time == 2,
        |request| {
            let from: i64 = request.parameter("from").unwrap().parse().unwrap();
            let time = request.time;
            Reply::json(format!(r#"{{"items":[{{"at":{from},"time":{time}}}]}}"#))
        },
    );
    let workspace = Workspace::new();
    workspace.write("spec.yaml", &events_spec(&api.server, rest));
    let lake = workspace.path().join("lake");
    let times = || {
        let found = rows(&lake, "events").by_key(&["at"]);
        assert_eq!(found.len(), 30);
        let times = found.into_values().map(|row| row["time"].clone());
        times.collect::<std::collections::BTreeSet<String>>()
    };
    workspace.engine(END_OF_JANUARY).assert_code(0);
    let fresh = [&END_OF_JANUARY[..], &["--fresh"]].concat();
    let mut killed = begin(&workspace, &fresh);
    while api.server.targets().len() < 41 {
        std::thread::sleep(Duration::from_millis(5));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert_eq!(
        times(),
        ["1".to_owned()].into(),
        "the old rows stay until then"
    );
    let asked = api.server.targets().len();
    workspace.engine(END_OF_JANUARY).assert_code(0);
    assert_eq!(api.server.targets().len(), asked, "and so does the cursor");

    api.go_on();
    workspace.engine(fresh.iter().copied()).assert_code(0);
    assert!(!times().contains("1"), "all rows are new");
    let asked = api.server.targets().len();
    workspace.engine(END_OF_JANUARY).assert_code(0);
    assert_eq!(api.server.targets().len(), asked);
}

fn read_again(rest: &str) {
    let api = Halting::start(
        |_| false,
        |request| {
            let from: i64 = request.parameter("from").unwrap().parse().unwrap();
            let (day, time) = (from / 86_400, request.time);
            Reply::json(format!(
                r#"{{"items":[{{"id":{day},"at":{from},"time":{time}}}]}}"#
            ))
        },
    );
    let workspace = Workspace::new();
    workspace.write("spec.yaml", &events_spec(&api.server, rest));
    let lake = workspace.path().join("lake");
    workspace.engine(END_OF_JANUARY).assert_code(0);
    let before = api.server.targets().len();
    let range = ["--since", "2024-01-10", "--until", "2024-01-12T06:00:00Z"];
    workspace
        .engine([&END_OF_JANUARY[..], &range].concat())
        .assert_code(0);
    let expected: BTreeMap<String, usize> = (10..=12).map(|day| (window(day), 1)).collect();
    assert_eq!(api.asked(before), expected, "whole windows");
    let found = rows(&lake, "events");
    assert_eq!((found.len(), found.distinct(&["id"])), (30, 30));
    let again = found.by_key(&["id"]);
    let again = again.values().filter(|row| row["time"] == "2").count();
    assert_eq!(again, 3);

    // The next run goes on where the first one ended.
    let before = api.server.targets().len();
    workspace
        .engine(["run", "spec.yaml", "--now", "2024-02-02"])
        .assert_code(0);
    assert_eq!(api.asked(before).len(), 2);
    let found = rows(&lake, "events");
    assert_eq!((found.len(), found.distinct(&["id"])), (32, 32));
}

#[test]
fn a_range_of_an_append_is_read_again_and_replaced() {
    read_again("");
}

#[test]
fn a_range_of_a_merge_is_read_again_and_joined() {
    read_again("    write_disposition: merge\n    primary_key: id\n");
}

#[test]
fn a_range_that_can_not_be_read_again_is_refused_with_the_reason() {
    let workspace = Workspace::new();
    workspace.write(
        "spec.yaml",
        "\
client: { base_url: http://127.0.0.1:9 }
resources:
  - { name: people, write_disposition: replace }
  - name: events
    endpoint: { path: events, incremental: { cursor_path: at } }
destination: { url: lake }
",
    );
    let refused = |resource: &str, reason: &str| {
        let run = ["run", "spec.yaml", "--since", "2024-01-01", "-r", resource];
        let finished = workspace.engine(run);
        finished.assert_code(2);
        assert!(finished.stderr.contains(reason), "{}", finished.stderr);
    };
    refused("people", "has no cursor");
    refused("events", "append that isn't read in windows");
    let run = [
        "run",
        "spec.yaml",
        "--since",
        "2024-01-02",
        "--until",
        "2024-01-02",
    ];
    workspace.engine(run).assert_code(2);
    assert!(!workspace.path().join("lake").exists());
}

#[test]
fn the_state_is_shown_set_and_reset() {
    let api = Halting::start(|_| false, events);
    let workspace = Workspace::new();
    let merge = "    write_disposition: merge\n    primary_key: id\n";
    workspace.write("spec.yaml", &events_spec(&api.server, merge));
    workspace.engine(END_OF_JANUARY).assert_code(0);
    let show = || {
        let finished = workspace.engine(["state", "show", "spec.yaml"]);
        finished.assert_code(0);
        finished.stdout
    };
    assert!(show().contains("2024-01-31T00:00:00Z"), "{}", show());

    let set = [
        "state",
        "set",
        "spec.yaml",
        "events",
        "--cursor",
        "2024-01-29",
    ];
    workspace.engine(set).assert_code(0);
    let json = ["state", "show", "lake", "--output", "json"];
    let json: serde_json::Value = serde_json::from_str(&workspace.engine(json).stdout).unwrap();
    let progress = &json["tables"]["events"]["progress"];
    assert_eq!(progress["watermark"], "2024-01-29T00:00:00Z", "{json}");
    let before = api.server.targets().len();
    workspace.engine(END_OF_JANUARY).assert_code(0);
    assert_eq!(api.asked(before).len(), 2);

    let reset = ["state", "reset", "spec.yaml", "events"];
    workspace.engine(reset).assert_code(0);
    assert!(!show().contains("2024-01-31"), "{}", show());
    let before = api.server.targets().len();
    workspace.engine(END_OF_JANUARY).assert_code(0);
    assert_eq!(api.asked(before).len(), 30);
    assert_eq!(rows(&workspace.path().join("lake"), "events").len(), 30);

    let unknown = ["state", "reset", "spec.yaml", "event"];
    workspace.engine(unknown).assert_code(2);
}

#[test]
fn the_cursor_of_an_append_is_not_set_back_behind_what_is_read_for_good() {
    let api = Halting::start(|_| false, events);
    let workspace = Workspace::new();
    workspace.write("spec.yaml", &events_spec(&api.server, ""));
    workspace.engine(END_OF_JANUARY).assert_code(0);
    let set = [
        "state",
        "set",
        "spec.yaml",
        "events",
        "--cursor",
        "2024-01-10",
    ];
    let finished = workspace.engine(set);
    finished.assert_code(2);
    assert!(
        finished.stderr.contains("rows would come twice"),
        "{}",
        finished.stderr
    );
}

/// Slices that an earlier run of one resource alone has committed are read for the children, and not written again.
#[test]
fn children_get_the_records_of_slices_that_are_committed_already() {
    let api = Halting::start(
        |request| request.target == "/users?part=3" && request.time == 1,
        |request| {
            let part = request.parameter("part").map(str::to_owned);
            let id = part.unwrap_or_else(|| request.target.replace("/posts/", ""));
            Reply::json(format!(r#"{{"items":[{{"id":{id}}}]}}"#))
        },
    );
    let workspace = Workspace::new();
    let url = api.server.url();
    workspace.write(
        "spec.yaml",
        &format!(
            "\
client: {{ base_url: {url} }}
checkpoint: 1b
resource_defaults: {{ concurrency: 1, endpoint: {{ data_selector: items, paginator: single_page }} }}
resources:
  - name: users
    for_each: {{ part: [1, 2, 3, 4] }}
    endpoint: {{ params: {{ part: \"{{partition.part}}\" }} }}
  - {{ name: posts, endpoint: \"posts/{{resources.users.id}}\" }}
destination: {{ url: lake }}
"
        ),
    );
    let lake = workspace.path().join("lake");
    let mut killed = begin(&workspace, &["run", "spec.yaml", "-r", "users"]);
    wait_for_rows(&mut killed, &lake, "users", 2);
    killed.kill().unwrap();
    killed.wait().unwrap();
    api.go_on();
    workspace.engine(["run", "spec.yaml"]).assert_code(0);
    assert_eq!(rows(&lake, "users").len(), 4);
    assert_eq!(rows(&lake, "posts").len(), 4);
    workspace.engine(["run", "spec.yaml"]).assert_code(0);
    assert_eq!(
        rows(&lake, "users").len(),
        8,
        "the load has come to its end"
    );
}

/// Slices without rows count as read, too.
#[test]
fn a_checkpoint_remembers_slices_without_rows() {
    let api = Halting::start(
        |request| request.target == window(11),
        |_| Reply::json(r#"{"items":[]}"#),
    );
    let workspace = Workspace::new();
    let spec = events_spec(&api.server, "");
    workspace.write(
        "spec.yaml",
        &spec.replace("checkpoint: 1b", "checkpoint: 1s"),
    );
    let mut run = begin(&workspace, &END_OF_JANUARY);
    let commits = workspace.path().join("lake/_engine/commits");
    while std::fs::read_dir(&commits).map_or(0, Iterator::count) == 0 {
        assert!(run.try_wait().unwrap().is_none());
        std::thread::sleep(Duration::from_millis(10));
    }
    run.kill().unwrap();
    run.wait().unwrap();
    let before = api.server.targets().len();
    api.go_on();
    workspace.engine(END_OF_JANUARY).assert_code(0);
    assert_eq!(api.asked(before).len(), 20);
}
