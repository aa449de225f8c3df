//! A bucket that fails: the result of an undisturbed run, or a clear failure with nothing half visible.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::support::{Bucket, Finished, Mood, Reply, Request, Scripted, Workspace, rows};

/// A merge of two runs: the second changes a row and adds one.
struct Shop {
    api: Scripted,
    workspace: Workspace,
    bucket: Bucket,
}

impl Shop {
    /// A shop whose first run is done.
    fn new(disposition: &str) -> Self {
        let api = Scripted::start(|request: &Request| {
            Reply::json(match request.time {
                1 => r#"[{"id": 1, "name": "ann"}, {"id": 2, "name": "bob"}]"#,
                _ => r#"[{"id": 2, "name": "bea"}, {"id": 3, "name": "cid"}]"#,
            })
        });
        let shop = Self {
            workspace: Workspace::new(),
            bucket: Bucket::s3(),
            api,
        };
        shop.write_spec(disposition);
        shop.run().assert_code(0);
        shop
    }

    fn write_spec(&self, disposition: &str) {
        let spec = format!(
            "name: shop\nclient: {{ base_url: '{}' }}\n\
             resources: [{{ name: people, write_disposition: {disposition}, primary_key: id, endpoint: {{ paginator: \
             single_page }} }}]\n{}",
            self.api.url(),
            self.bucket.destination()
        );
        self.workspace.write("shop.yaml", &spec);
    }

    fn run(&self) -> Finished {
        let mut command = self.workspace.command(["run", "shop.yaml"]);
        let environment = &self.bucket.environment;
        command.envs(environment.iter().map(|(name, value)| (*name, value)));
        let finished = Finished::from(command.output().unwrap());
        assert!(!finished.stderr.contains("hunter2"), "{finished:#?}");
        finished
    }

    /// The rows that a reader of all files sees.
    fn rows(&self) -> Vec<String> {
        let copy = tempfile::tempdir().unwrap();
        self.bucket.download(copy.path());
        names(copy.path())
    }
}

fn names(folder: &Path) -> Vec<String> {
    let rows = rows(folder, "people").rows;
    let mut names: Vec<String> = rows
        .iter()
        .map(|row| format!("{} {}", row["id"], row["name"]))
        .collect();
    names.sort();
    names
}

const BEFORE: [&str; 2] = ["1 ann", "2 bob"];
const MERGED: [&str; 3] = ["1 ann", "2 bea", "3 cid"];

/// The rows behind the second run.
fn expected(disposition: &str) -> &'static [&'static str] {
    match disposition {
        "append" => &["1 ann", "2 bea", "2 bob", "3 cid"],
        "merge" => &MERGED,
        _ => &["2 bea", "3 cid"],
    }
}

#[test]
fn a_throttled_bucket_only_takes_longer() {
    let shop = Shop::new("merge");
    shop.bucket.set_mood(Mood::Throttles);
    shop.run().assert_code(0);
    shop.bucket.set_mood(Mood::Obliging);
    assert_eq!(shop.rows(), MERGED);
}

/// What was done is found, also where nobody heard that it was: nothing comes twice.
#[test]
fn a_bucket_that_breaks_off_its_answers_only_takes_longer() {
    for disposition in ["append", "merge", "replace"] {
        let shop = Shop::new(disposition);
        shop.bucket.set_mood(Mood::Resets);
        shop.run().assert_code(0);
        shop.bucket.set_mood(Mood::Obliging);
        assert_eq!(shop.rows(), expected(disposition));
    }
}

#[test]
fn a_bucket_that_stalls_only_takes_longer() {
    let mut shop = Shop::new("merge");
    shop.bucket.set_option("timeout: 500 ms");
    shop.write_spec("merge");
    shop.bucket.set_mood(Mood::Stalls);
    shop.run().assert_code(0);
    shop.bucket.set_mood(Mood::Obliging);
    assert_eq!(shop.rows(), MERGED);
}

#[test]
fn a_commit_whose_answer_is_lost_is_found() {
    let shop = Shop::new("merge");
    shop.bucket.set_mood(Mood::LosesAnswersOfCommits);
    shop.run().assert_code(0);
    shop.bucket.set_mood(Mood::Obliging);
    assert_eq!(shop.rows(), MERGED);
}

#[test]
fn a_bucket_that_lets_nobody_write_keeps_its_tables() {
    let shop = Shop::new("merge");
    shop.bucket.set_mood(Mood::ReadOnly);
    let finished = shop.run();
    finished.assert_code(1);
    assert!(finished.stderr.contains("AccessDenied"), "{finished:#?}");
    shop.bucket.set_mood(Mood::Obliging);
    assert_eq!(shop.rows(), BEFORE);
    shop.run().assert_code(0);
    assert_eq!(shop.rows(), MERGED);
}

/// However far the run has come, it fails clearly or is done, and the next one completes it.
#[test]
fn credentials_may_be_revoked_at_any_request() {
    for disposition in ["append", "merge", "replace"] {
        let mut requests = 0;
        loop {
            let shop = Shop::new(disposition);
            shop.bucket.set_mood(Mood::RevokesAfter(requests));
            let finished = shop.run();
            shop.bucket.set_mood(Mood::Obliging);
            let expected = expected(disposition);
            let is_done = finished.code == Some(0);
            let is_whole = is_done && !finished.stdout.contains("warning");
            if is_whole {
                assert_eq!(shop.rows(), expected);
                break;
            }
            if !is_done {
                finished.assert_code(1);
                assert!(finished.stderr.contains("403 Forbidden"), "{finished:#?}");
            }
            let is_committed = is_done || finished.stderr.contains("is safe in the log");
            // An append that is committed is not asked for again by this test's API, and would come twice.
            let next = if is_committed && disposition == "append" {
                vec!["1 ann", "2 bea", "2 bea", "2 bob", "3 cid", "3 cid"]
            } else {
                expected.to_vec()
            };
            shop.run().assert_code(0);
            assert_eq!(shop.rows(), next, "{requests}: {finished:#?}");
            let objects = shop.bucket.objects();
            assert!(
                !objects.iter().any(|path| path.contains("staging")),
                "{objects:#?}"
            );
            requests += 1;
            assert!(requests < 100, "the run never ends");
        }
        assert!(requests > 8, "{requests}");
    }
}

#[test]
fn a_bucket_that_lets_nobody_delete_says_so_and_goes_on() {
    let shop = Shop::new("append");
    shop.bucket.set_mood(Mood::KeepsAll);
    for run in [2, 3] {
        let finished = shop.run();
        finished.assert_code(0);
        let warning = finished.stdout.lines().last().unwrap();
        assert!(
            warning.contains("the credentials may not delete: ")
                && warning.contains("_engine/staging/"),
            "{run}: {finished:#?}"
        );
    }
    shop.bucket.set_mood(Mood::Obliging);
    // What stayed is swept as soon as it may go.
    shop.run().assert_code(0);
    let objects = shop.bucket.objects();
    assert!(
        !objects.iter().any(|path| path.contains("staging")),
        "{objects:#?}"
    );
    let expected = [BEFORE.to_vec(), ["2 bea", "3 cid"].repeat(3)].concat();
    assert_eq!(shop.rows().len(), expected.len());
}

/// Snapshots of the log that are not needed any more stay, as all else does.
#[test]
fn a_long_run_into_a_bucket_that_lets_nobody_delete_goes_on() {
    let bucket = Bucket::s3();
    let commits = bucket.folder().join("lake/some/prefix/_engine/commits");
    let asked = AtomicUsize::new(0);
    let api = Scripted::start(move |request: &Request| {
        let from = request.parameter("from").unwrap();
        // No more than three windows go into a commit.
        let asked = asked.fetch_add(1, Ordering::Relaxed);
        let count = || std::fs::read_dir(&commits).map_or(0, Iterator::count);
        let begun = Instant::now();
        while count() * 3 + 6 < asked && begun.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(2));
        }
        Reply::json(format!(r#"[{{"at": {from}}}]"#))
    });
    let workspace = Workspace::new();
    let spec = format!(
        "checkpoint: 1b\nclient: {{ base_url: '{}' }}\nresources:\n- name: events\n  concurrency: 1\n  endpoint:\n    \
         paginator: single_page\n    data_selector: $\n    incremental: {{ cursor_path: at, format: unix, initial_value: \
         2024-01-01, window: 1d, start_param: from, end_param: to }}\n{}",
        api.url(),
        bucket.destination()
    );
    workspace.write("events.yaml", &spec);
    bucket.set_mood(Mood::KeepsAll);
    let mut command = workspace.command(["run", "events.yaml", "--now", "2024-11-01"]);
    let environment = bucket.environment.iter();
    command.envs(environment.map(|(name, value)| (*name, value)));
    let finished = Finished::from(command.output().unwrap());
    finished.assert_code(0);
    let snapshots = bucket.objects();
    let snapshots = snapshots.iter().filter(|path| path.contains("snapshots"));
    assert!(snapshots.count() > 2, "{finished:#?}");
}
