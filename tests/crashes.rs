//! The process is killed anywhere, and run once more: the tables are those of a run that nobody disturbed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use engine::load::fail_point::FailPoint;

use crate::support::{Bucket, Finished, Reply, Request, Scripted, Workspace, rows};

/// Runs that are killed at a random instant, on each kind of destination. `ENGINE_TEST_KILLS` names another number.
const KILLS: u64 = 100;

/// A run that takes longer hangs.
const LONGEST_RUN: Duration = Duration::from_mins(1);

/// The second load, in which the process is killed: windows until then are new.
const SECOND_NOW: &str = "2024-01-06T00:00:00Z";

/// An API whose people and teams change between two loads, and whose events lie in windows of a day.
struct Api {
    server: Scripted,
    load: Arc<AtomicU64>,
}

impl Api {
    fn start() -> Self {
        let load = Arc::new(AtomicU64::new(0));
        let now = Arc::clone(&load);
        let server = Scripted::start(move |request| answer(request, now.load(Ordering::Relaxed)));
        Self { server, load }
    }

    fn spec(&self, destination: &str) -> String {
        format!(
            "name: shop\ncheckpoint: {{ size: 1B, every: 1h }}\nclient: {{ base_url: '{}' }}\n\
             resource_defaults: {{ endpoint: {{ paginator: single_page }} }}\nresources:\n\
             - name: events\n  concurrency: 1\n  endpoint:\n    incremental: {{ cursor_path: at, initial_value: '2024-01-01', \
             window: 1d, start_param: from, end_param: to }}\n\
             - {{ name: teams, write_disposition: replace }}\n\
             - {{ name: people, write_disposition: merge, primary_key: id }}\n\
             {destination}",
            self.server.url()
        )
    }
}

fn answer(request: &Request, load: u64) -> Reply {
    let path = request.target.split('?').next().unwrap_or_default();
    let records: Vec<String> = match path {
        "/events" => {
            let day = request.parameter("from").unwrap_or_default();
            let day = day.get(..10).unwrap_or_default();
            (0..3)
                .map(|hour| format!(r#"{{"at": "{day}T0{hour}:00:00Z", "what": "x"}}"#))
                .collect()
        }
        "/teams" => (0..5 + load)
            .map(|id| format!(r#"{{"id": {id}, "load": {load}}}"#))
            .collect(),
        _ => (10 * load..20 + 10 * load)
            .map(|id| format!(r#"{{"id": {id}, "name": "of load {load}"}}"#))
            .collect(),
    };
    Reply::json(format!("[{}]", records.join(",")))
}

/// A destination that holds the first load, and can be put back to it.
struct Place {
    workspace: Workspace,
    /// The folder in which all files of the destination lie.
    folder: PathBuf,
    /// A copy of it behind the first load.
    template: PathBuf,
    bucket: Option<Bucket>,
    /// Where the tables are, below `folder`.
    prefix: &'static str,
}

impl Place {
    fn new(api: &Api, bucket: Option<Bucket>) -> Self {
        let workspace = Workspace::new();
        let (folder, prefix, destination) = match &bucket {
            None => {
                let folder = workspace.path().join("lake");
                (folder, "", "destination: { url: lake }\n".to_owned())
            }
            Some(bucket) => (
                bucket.folder().to_owned(),
                "lake/some/prefix",
                bucket.destination(),
            ),
        };
        workspace.write("shop.yaml", &api.spec(&destination));
        let place = Self {
            template: workspace.path().join("template"),
            workspace,
            folder,
            bucket,
            prefix,
        };
        place.run("2024-01-03T00:00:00Z").assert_code(0);
        copy(&place.folder, &place.template);
        place
    }

    fn command(&self, now: &str) -> Command {
        let mut command = self.workspace.command(["run", "shop.yaml", "--now", now]);
        if let Some(bucket) = &self.bucket {
            let environment = bucket.environment.iter();
            command.envs(environment.map(|(name, value)| (*name, value)));
        }
        command
    }

    fn run(&self, now: &str) -> Finished {
        let mut command = self.command(now);
        let run = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let process = run.id().to_string();
        let (done, watched) = std::sync::mpsc::channel();
        let watch = std::thread::spawn(move || {
            if watched.recv_timeout(LONGEST_RUN).is_err() {
                drop(Command::new("kill").args(["-KILL", &process]).status());
            }
        });
        let finished = Finished::from(run.wait_with_output().unwrap());
        done.send(()).ok();
        watch.join().unwrap();
        finished
    }

    fn spawn(&self, point: Option<FailPoint>) -> Child {
        let mut command = self.command(SECOND_NOW);
        if let Some(point) = point {
            command.env("ENGINE_FAIL_POINT", point.name());
        }
        command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    fn reset(&self) {
        std::fs::remove_dir_all(&self.folder).unwrap();
        copy(&self.template, &self.folder);
    }

    /// The rows of all tables, each with the times that it is there.
    fn tables(&self) -> BTreeMap<String, BTreeMap<BTreeMap<String, String>, u64>> {
        let lake = self.folder.join(self.prefix);
        let table = |name: &str| {
            let mut counted = BTreeMap::new();
            for mut row in rows(&lake, name).rows {
                row.remove("_load_id");
                row.remove("_extracted_at");
                *counted.entry(row).or_default() += 1;
            }
            (name.to_owned(), counted)
        };
        ["events", "teams", "people"].map(table).into()
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// How many files there are.
fn count(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    let sizes = entries.flatten().map(|entry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => count(&entry.path()),
        _ => 1,
    });
    sizes.sum()
}

/// When the process is killed.
#[derive(Clone, Copy, Debug)]
enum Kill {
    At(FailPoint),
    After(Duration),
    /// When the number of objects at the destination has changed so often.
    AtObject(u64),
}

/// Kills the second load, runs it once more, and compares; tells whether the kill came before the run's end.
fn kill(
    place: &Place,
    kill: Kill,
    expected: &BTreeMap<String, BTreeMap<BTreeMap<String, String>, u64>>,
) -> bool {
    place.reset();
    let point = match kill {
        Kill::At(point) => Some(point),
        _ => None,
    };
    let mut run = place.spawn(point);
    match kill {
        Kill::At(_) => {}
        Kill::After(wait) => std::thread::sleep(wait),
        Kill::AtObject(changes) => {
            let mut before = count(&place.folder);
            let mut seen = 0;
            while seen < changes && run.try_wait().unwrap().is_none() {
                let now = count(&place.folder);
                seen += u64::from(now != before);
                before = now;
            }
        }
    }
    if point.is_none() {
        run.kill().unwrap();
    }
    let was_killed = run.wait().unwrap().code() != Some(0);
    let again = place.run(SECOND_NOW);
    assert_eq!(again.code, Some(0), "{kill:?}: {again:#?}");
    assert_eq!(&place.tables(), expected, "{kill:?}");
    let staging = place.folder.join(place.prefix).join("_engine/staging");
    assert_eq!(count(&staging), 0, "{kill:?} leaves something behind");
    was_killed
}

fn campaign(new_bucket: fn() -> Option<Bucket>) {
    let api = Api::start();
    let place = Place::new(&api, new_bucket());
    api.load.store(1, Ordering::Relaxed);
    let begun = Instant::now();
    place.run(SECOND_NOW).assert_code(0);
    let longest = begun.elapsed();
    let expected = place.tables();
    let counts: Vec<u64> = expected.values().map(|rows| rows.values().sum()).collect();
    assert_eq!(counts, [15, 30, 6], "events, people and teams");

    let mut passed_by = Vec::new();
    // A release build has no fail points.
    let points = FailPoint::ALL.into_iter();
    for point in points.filter(|_| cfg!(debug_assertions)) {
        if !kill(&place, Kill::At(point), &expected) {
            passed_by.push(point);
        }
    }
    // A run without leftovers of another one, and with few commits behind it, has nothing to do there.
    let rare = [
        FailPoint::PlaceTaken,
        FailPoint::LeftoverRemoved,
        FailPoint::SnapshotWritten,
    ];
    passed_by.retain(|point| !rare.contains(point));
    assert_eq!(passed_by, [], "no load passes these points");

    let mut random = fastrand::Rng::with_seed(7);
    let kills = std::env::var_os("ENGINE_TEST_KILLS");
    let kills = kills.map_or(KILLS, |kills| kills.to_str().unwrap().parse().unwrap());
    let mut killed = 0;
    for number in 0..kills {
        let when = if number % 2 == 0 {
            Kill::AtObject(random.u64(1..40))
        } else {
            Kill::After(longest.mul_f64(random.f64()))
        };
        killed += u64::from(kill(&place, when, &expected));
    }
    assert!(
        killed * 4 > kills,
        "only {killed} of {kills} kills came before the end"
    );
}

#[test]
fn on_a_local_disk() {
    campaign(|| None);
}

#[test]
fn on_s3() {
    campaign(|| Some(Bucket::s3()));
}
