//! A long run commits while it goes on, and the next one goes on from there.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support::{Reply, Request, Scripted, Workspace, rows};

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
