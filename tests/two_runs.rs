//! Two runs at once on one destination.

use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support::{Reply, Scripted, Workspace, rows};

/// A workspace with a pipeline whose first request is answered when `go` is set.
struct Slow {
    workspace: Workspace,
    server: Scripted,
    go: Arc<AtomicBool>,
}

impl Slow {
    fn new() -> Self {
        let go = Arc::new(AtomicBool::new(false));
        let gone = Arc::clone(&go);
        let server = Scripted::start(move |_| {
            while !gone.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(5));
            }
            Reply::json(r#"[{"id": 1}, {"id": 2}]"#)
        });
        let workspace = Workspace::new();
        let spec = format!(
            "client: {{ base_url: {} }}\nresources: [items]\ndestination: {{ url: lake }}\n",
            server.url()
        );
        workspace.write("items.yaml", &spec);
        Self {
            workspace,
            server,
            go,
        }
    }

    /// Begins a run, and returns when it has asked.
    fn begin(&self) -> Child {
        let run = self.spawn(&[]);
        while self.server.requests().is_empty() {
            std::thread::sleep(Duration::from_millis(5));
        }
        run
    }

    fn spawn(&self, more: &[&str]) -> Child {
        let arguments = ["run", "items.yaml"]
            .into_iter()
            .chain(more.iter().copied());
        let mut run = self.workspace.command(arguments);
        run.stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    fn rows(&self) -> u64 {
        rows(&self.workspace.path().join("lake"), "items").len()
    }
}

#[test]
fn the_second_run_names_the_first_and_stops() {
    let slow = Slow::new();
    let mut first = slow.begin();
    let second = slow.workspace.engine(["run", "items.yaml"]);
    second.assert_code(1);
    let message = format!("process {} on ", first.id());
    assert!(second.stderr.contains(&message), "{second:#?}");
    assert!(second.stderr.contains("--wait"), "{second:#?}");
    assert_eq!(
        slow.server.requests().len(),
        1,
        "the second run has asked for nothing"
    );
    slow.go.store(true, Ordering::Relaxed);
    assert!(first.wait().unwrap().success());
    assert_eq!(slow.rows(), 2);
}

#[test]
fn a_run_that_waits_begins_when_the_first_has_ended() {
    let slow = Slow::new();
    let mut first = slow.begin();
    let second = slow.spawn(&["--wait"]);
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(slow.server.requests().len(), 1, "the second run waits");
    slow.go.store(true, Ordering::Relaxed);
    assert!(first.wait().unwrap().success());
    let second = second.wait_with_output().unwrap();
    assert!(second.status.success());
    let told = String::from_utf8(second.stderr).unwrap();
    assert!(told.contains("waiting for process"), "{told}");
    assert_eq!(slow.rows(), 4, "an append adds what it reads");
}

#[test]
fn the_lease_of_a_killed_run_is_taken_at_once() {
    let slow = Slow::new();
    let mut first = slow.begin();
    first.kill().unwrap();
    first.wait().unwrap();
    slow.go.store(true, Ordering::Relaxed);
    let begun = std::time::Instant::now();
    slow.workspace.engine(["run", "items.yaml"]).assert_code(0);
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(slow.rows(), 2);
}

#[test]
fn runs_that_begin_together_and_wait_all_come_to_their_end() {
    let slow = Slow::new();
    slow.go.store(true, Ordering::Relaxed);
    let runs: Vec<Child> = (0..6).map(|_| slow.spawn(&["--wait"])).collect();
    for run in runs {
        let finished = run.wait_with_output().unwrap();
        assert!(finished.status.success(), "{finished:#?}");
    }
    assert_eq!(slow.rows(), 12);
}

/// A run that stands still between its staged files and its commit, while another run has its place.
#[cfg(target_os = "linux")]
mod frozen {
    use super::*;
    use crate::support::{Finished, Request};

    /// What the run that comes in between finds.
    enum Between {
        /// An API that answers: it commits.
        Commits,
        /// An API that is down: it fails, having swept what the first one staged.
        Fails,
    }

    fn check(between: &Between) {
        let is_down = Arc::new(AtomicBool::new(false));
        let down = Arc::clone(&is_down);
        let server = Scripted::start(move |request: &Request| {
            if down.load(Ordering::Relaxed) {
                return Reply::status(404, "");
            }
            Reply::json(format!(r#"[{{"id": {}}}]"#, request.time))
        });
        let workspace = Workspace::new();
        let spec = format!(
            "client: {{ base_url: {} }}\nresources: [items]\ndestination: {{ url: lake }}\n",
            server.url()
        );
        workspace.write("items.yaml", &spec);
        let lake = workspace.path().join("lake");

        let frozen = workspace
            .command(["run", "items.yaml"])
            .env("ENGINE_FAIL_POINT", "AllStaged:freeze")
            .env("PATH", "/usr/bin:/bin")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let process = frozen.id();
        while state(process) != "T" {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(lake.join("_engine/staging").read_dir().unwrap().count() > 0);
        // On another host, the second run would have waited until the lease is over.
        std::fs::remove_file(lake.join("_engine/lease.json")).unwrap();
        is_down.store(matches!(between, Between::Fails), Ordering::Relaxed);
        let second = workspace.engine(["run", "items.yaml"]);
        let committed = match between {
            Between::Commits => {
                second.assert_code(0);
                1
            }
            Between::Fails => {
                second.assert_code(1);
                0
            }
        };
        let signal = std::process::Command::new("kill")
            .args(["-CONT", &process.to_string()])
            .status();
        assert!(signal.unwrap().success());
        let thawed = Finished::from(frozen.wait_with_output().unwrap());
        thawed.assert_code(1);
        assert!(thawed.stderr.contains("has taken the place"), "{thawed:#?}");
        assert_eq!(rows(&lake, "items").len(), committed);

        is_down.store(false, Ordering::Relaxed);
        workspace.engine(["run", "items.yaml"]).assert_code(0);
        assert_eq!(rows(&lake, "items").len(), committed + 1);
        assert_eq!(lake.join("_engine/staging").read_dir().unwrap().count(), 0);
    }

    /// The letter by which Linux names a process's state.
    fn state(process: u32) -> String {
        let status = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
        let (_, behind_the_name) = status.rsplit_once(") ").unwrap();
        behind_the_name.chars().take(1).collect()
    }

    #[test]
    fn a_frozen_run_publishes_nothing_behind_the_commit_of_another() {
        check(&Between::Commits);
    }

    #[test]
    fn a_frozen_run_publishes_nothing_behind_a_run_that_only_swept() {
        check(&Between::Fails);
    }
}
