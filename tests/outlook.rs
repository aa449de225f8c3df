//! `engine plan`: what a run would do, held against what it does.

use serde_json::Value;

use crate::support::{Finished, Served, Workspace, assembled, assembled_fixture};

struct Account {
    served: Served,
    workspace: Workspace,
    spec: String,
}

impl Account {
    fn new() -> Self {
        Self {
            served: Served::start(assembled_fixture()),
            workspace: Workspace::new(),
            spec: assembled().to_str().unwrap().to_owned(),
        }
    }

    fn engine(&self, command: &str, more: &[&str]) -> Finished {
        let origin = self.served.origin();
        let arguments = [
            command,
            &self.spec,
            "--sandbox",
            &origin,
            "--destination",
            "lake",
        ];
        self.workspace
            .engine(arguments.into_iter().chain(more.iter().copied()))
    }

    fn plan(&self, more: &[&str]) -> Value {
        let finished = self.engine("plan", &[more, &["--output", "json"]].concat());
        finished.assert_code(0);
        serde_json::from_str(&finished.stdout).unwrap()
    }
}

fn resource<'a>(plan: &'a Value, name: &str) -> &'a Value {
    let mut all = plan["resources"].as_array().unwrap().iter();
    all.find(|one| one["resource"] == name).unwrap()
}

#[test]
fn a_plan_asks_nothing_of_the_api_and_writes_nothing() {
    let account = Account::new();
    let finished = account.engine("plan", &[]);
    finished.assert_code(0);
    insta::assert_snapshot!("plan_first", finished.stdout);
    assert_eq!(account.served.requests().len(), 0);
    let left = std::fs::read_dir(account.workspace.path()).unwrap().count();
    assert_eq!(left, 0);
}

#[test]
fn a_run_asks_what_was_planned() {
    let account = Account::new();
    let filters = ["-r", "roles", "-r", "forecasts", "-r", "activities"];
    for _ in 0..2 {
        let planned = account.plan(&filters);
        assert_eq!(planned["requests"]["least"], planned["requests"]["most"]);
        let before = account.served.requests().len();
        account.engine("run", &filters).assert_code(0);
        let asked = account.served.requests().len() - before;
        assert_eq!(planned["requests"]["least"], asked);
    }
}

#[test]
fn a_plan_tells_what_the_state_makes_a_run_skip() {
    let account = Account::new();
    let filters = [
        "-r",
        "agent_states",
        "-r",
        "person",
        "-r",
        "activities",
        "-r",
        "roles",
    ];
    account.engine("run", &filters).assert_code(0);
    let seen = account.served.requests().len();
    let planned = account.plan(&filters);
    let states = resource(&planned, "agent_states");
    assert_eq!(states["slices"], 4);
    assert_eq!(states["windows"][0], "2024-01-19T00:00:00Z");
    assert_eq!(states["replaces"], "same_keys");
    assert!(
        states["skips"][0]
            .as_str()
            .unwrap()
            .contains("watermark 2024-01-22T12:31:00Z")
    );
    let person = resource(&planned, "person");
    assert_eq!(person["parents"][0], "people");
    assert_eq!(
        person["parent_records"],
        Value::Null,
        "the people are not written with these filters"
    );
    assert_eq!(resource(&planned, "people")["writes"], false);
    let activities = resource(&planned, "activities");
    let gone = activities["replaced_files"].as_array().unwrap();
    assert_eq!(resource(&planned, "roles")["replaces"], "all");

    let again = account.plan(&[
        "-r",
        "agent_states",
        "--since",
        "2024-01-10",
        "--until",
        "2024-01-12",
    ]);
    assert_eq!(resource(&again, "agent_states")["slices"], 2);
    let fresh = account.plan(&["-r", "agent_states", "--fresh"]);
    let fresh = resource(&fresh, "agent_states");
    assert_eq!(
        (&fresh["slices"], &fresh["replaces"]),
        (&22.into(), &"all".into())
    );
    assert_eq!(account.served.requests().len(), seen);

    let files = |table: &str| -> Vec<String> {
        let finished = account.workspace.engine(["files", "lake", table]);
        finished.stdout.lines().map(ToOwned::to_owned).collect()
    };
    let before = files("activities");
    account.engine("run", &filters).assert_code(0);
    let after = files("activities");
    let gone: Vec<&str> = gone.iter().filter_map(Value::as_str).collect();
    let kept: Vec<&String> = before.iter().filter(|path| after.contains(path)).collect();
    assert_eq!(before.len() - kept.len(), gone.len());
    for path in kept {
        assert!(!gone.iter().any(|gone| path.ends_with(gone)), "{path}");
    }
}

#[test]
fn what_keeps_a_run_from_its_first_request_keeps_a_plan_too() {
    let account = Account::new();
    account.engine("run", &["-r", "roles"]).assert_code(0);
    account.engine("plan", &["-r", "nobody"]).assert_code(2);
    account
        .engine("plan", &["-r", "roles", "--since", "2024-01-01"])
        .assert_code(2);
    account
        .engine("plan", &["--since", "2024-01-02", "--until", "2024-01-01"])
        .assert_code(2);
    let mut command = account
        .workspace
        .command(["plan", &account.spec, "--destination", "lake"]);
    let finished = Finished::from(
        command
            .env("ASSEMBLED_API_KEY", "another")
            .output()
            .unwrap(),
    );
    finished.assert_code(1);
    assert!(
        finished
            .stderr
            .contains("its tables were read from `sandbox`"),
        "{}",
        finished.stderr
    );
    std::fs::write(account.workspace.path().join("file"), "no folder").unwrap();
    let finished = account.engine("plan", &["--destination", "file"]);
    assert_ne!(finished.code, Some(0), "a destination is given twice");
}
