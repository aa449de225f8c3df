//! `expect`: what is to be true of a table behind a run.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::support::{Finished, Reply, Scripted, Workspace, rows};

struct Expecting {
    workspace: Workspace,
    server: Scripted,
}

impl Expecting {
    /// An API that gives 4 records at first and 5 from then on, the newest at noon of the fourth day.
    fn new() -> Self {
        let asked = AtomicU64::new(0);
        let server = Scripted::start(move |_| {
            let is_first = asked.fetch_add(1, Ordering::Relaxed) == 0;
            let count = if is_first { 4 } else { 5 };
            let records: Vec<String> = (1..=count)
                .map(|id: u32| {
                    format!(
                        r#"{{"id": {id}, "at": "2024-01-0{}T12:00:00Z"}}"#,
                        id.min(4)
                    )
                })
                .collect();
            Reply::json(format!("[{}]", records.join(",")))
        });
        Self {
            workspace: Workspace::new(),
            server,
        }
    }

    fn run(&self, expect: &str, incremental: &str) -> Finished {
        let spec = format!(
            "client: {{ base_url: {} }}\nresources:\n- name: visits\n  expect: {{ {expect} }}\n  write_disposition: merge\n  \
             primary_key: id\n  endpoint:\n    path: visits\n    data_selector: $\n    paginator: single_page\n    {incremental}\n\
             destination: {{ url: lake }}\n",
            self.server.url()
        );
        self.workspace.write("spec.yaml", &spec);
        self.workspace
            .engine(["run", "spec.yaml", "--now", "2024-01-06T12:00:00Z"])
    }
}

const WINDOWS: &str = "incremental: { cursor_path: at, initial_value: '2024-01-01', window: 30d, lag: 30d, start_param: from, \
                       end_param: to }";
const FOLLOWED: &str =
    "incremental: { cursor_path: at, initial_value: '2024-01-01T00:00:00Z', start_param: from }";

#[test]
fn what_is_as_expected_is_not_told() {
    for incremental in [WINDOWS, FOLLOWED] {
        let expecting = Expecting::new();
        for _ in 0..2 {
            let run = expecting.run(
                "rows: 4, newest: 2d, growth: 25%, otherwise: fail",
                incremental,
            );
            run.assert_code(0);
            assert!(!run.stdout.contains("expected"), "{run:#?}");
        }
    }
}

#[test]
fn what_is_not_as_expected_is_a_warning_or_a_failure() {
    for incremental in [WINDOWS, FOLLOWED] {
        let expecting = Expecting::new();
        let told = "expected at least 10 rows, and found 4 rows; expected a newest record of the last 1 d, and found one of \
                    2024-01-04T12:00:00Z";
        let warned = expecting.run("rows: 10, newest: 1d, growth: 10%", incremental);
        warned.assert_code(0);
        assert!(
            warned.stdout.contains(&format!("warning: visits: {told}")),
            "{warned:#?}"
        );
        let failed = expecting.run("growth: 10%, otherwise: fail", incremental);
        failed.assert_code(3);
        let told = "failed: visits: expected a change of the 4 rows by at most 10.0 %, and found +25.0 %, 5 rows; what was read \
                    is committed";
        assert!(failed.stdout.contains(told), "{failed:#?}");
        assert_eq!(
            rows(&expecting.workspace.path().join("lake"), "visits").len(),
            5
        );
    }
}
